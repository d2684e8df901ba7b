"""Re-screening after a local edit: only pairs whose answer may have changed are solved anew.

An answer of the screening stands on the cheapest way, which no way undercuts, and on what lies near
its route. Ways that the edit changes lead through the boxes round it. One that does costs at least
the distance from the red line to the nearest box, at the least price of a metre; so where that is
more than the cheapest way costs, the cheapest way is what it was, and so is the shortest, which is
no longer. A pair keeps its answer where this is so and its route keeps away from the boxes too.

Solved anew are all others, and all whose answer came from a wider search: those without a route,
applications whose cheapest route does not qualify, and lines that levels steer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from gis.regions import Region
from planning.application import Application, Demand
from planning.batch import screen
from planning.gravity_ways import is_steered
from planning.groundwork import Groundwork
from planning.local_edits import Edit
from planning.no_dig import Closed
from planning.screening_sites import Sites
from planning.screening_ways import lightest_ways
from planning.sized_demands import with_sizes

# What is judged beside a route lies no farther from it than lines are joined, over a carriageway,
# and this for working strips, pits and the zones of trees.
_BESIDE_M = 40.0
# Costs are sums of the same numbers in another order, and weights hold a tie-break.
_ROUNDING = 1e-6
# Layers that tell of parcels wherever they are.
_EVERYWHERE = ("service_areas",)


@dataclass(frozen=True)
class Screened:
    """A screening: what was screened, and its table with the routes."""

    work: Groundwork
    cases: Sequence[Application]
    utilities: Sequence[str]
    table: pd.DataFrame


def screened(work: Groundwork, cases: Sequence[Application], utilities: Sequence[str]) -> Screened:
    """Screen all cases, so that the table can be kept up to date."""
    return Screened(work, cases, utilities, screen(work, cases, utilities))


def rescreened(before: Screened, edit: Edit, cases: Sequence[Application]) -> Screened:
    """The screening after an edit; its table equals one made anew.

    ``attrs["solved_anew"]`` of the table: how many pairs of case and utility were.
    """
    row_of = {_name(case): number for number, case in enumerate(before.cases)}
    old = np.array([row_of.get(_name(case), -1) for case in cases], np.int64)
    kept = _kept(before, edit, cases, old)
    width = len(before.utilities)
    parts = []
    for column, utility in enumerate(before.utilities):
        stay = np.flatnonzero(kept[:, column])
        rows = before.table.iloc[old[stay] * width + column]
        parts.append(rows.set_axis(stay * width + column))
        anew = np.flatnonzero(~kept[:, column])
        if len(anew):
            found = screen(edit.work, [cases[number] for number in anew.tolist()], [utility])
            parts.append(found.set_axis(anew * width + column))
    table = _together([part for part in parts if len(part)], list(before.table.columns))
    table.attrs["solved_anew"] = int((~kept).sum())
    return Screened(edit.work, cases, before.utilities, table)


def _together(parts: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """Rows of several screenings in the order of their numbers, as one screening has them."""
    columns: dict[str, NDArray[Any]] = {}
    order = np.argsort(np.concatenate([part.index.to_numpy() for part in parts]))
    for name in names:
        found = [part[name] if name in part else pd.Series(np.nan, part.index) for part in parts]
        if all(one.dtype.kind == "f" for one in found):
            columns[name] = np.concatenate([one.to_numpy(float) for one in found])[order]
        else:
            texts = [one.astype(object).where(one.notna(), None) for one in found]
            columns[name] = np.concatenate([one.to_numpy(object) for one in texts])[order]
    return pd.DataFrame(columns, columns=list(names))


def _name(case: Application) -> tuple[str, str]:
    return case.parcel_id, case.application_id


def _kept(
    before: Screened, edit: Edit, cases: Sequence[Application], old: IntArray
) -> NDArray[np.bool_]:
    """For each case and utility whether its answer cannot have changed."""
    kept = np.zeros((len(cases), len(before.utilities)), bool)
    if edit.region is None or any(layer in edit.changed for layer in _EVERYWHERE):
        return kept
    same = [
        number
        for number, row in enumerate(old.tolist())
        if row >= 0 and cases[number] == before.cases[row]
    ]
    rows = old[same]
    width = len(before.utilities)
    away_m = _away_m(before, edit.region)
    for column, utility in enumerate(before.utilities):
        stands = _stands(before, edit, utility, rows * width + column, away_m[rows], rows)
        kept[np.array(same, np.int64)[stands], column] = True
    return kept


def _stands(
    before: Screened, edit: Edit, utility: str, rows: IntArray, away_m: FloatArray, case: IntArray
) -> NDArray[np.bool_]:
    """Which rows of a utility stand; ``case`` is the number of the case of each."""
    table = before.table.iloc[rows]
    status = table["status"].to_numpy(object)
    found = (table["qualifying_route"] == "found").to_numpy(bool)
    settled = (table["recommended"] == "cheapest").to_numpy(bool) & found
    settled &= (status == "routed") & _beside(before, edit, table)
    stands = np.asarray(status == "not_requested")
    at = np.flatnonzero(settled)
    cost = table["cost_yuan"].to_numpy(float)[at]
    weight, least_rate = _undercut_by_none(before, utility, case[at])
    reached = np.isclose(weight, cost, rtol=_ROUNDING, atol=_ROUNDING)
    stands[at] = reached & (away_m[at] * least_rate > weight * (1 + _ROUNDING))
    return stands


def _beside(before: Screened, edit: Edit, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which routes keep away from the edit farther than anything is judged beside a route."""
    assert edit.region is not None
    works = before.work, edit.work
    half_m = max(float(work.corridors.surfaces.half_width_m.max()) for work in works)
    reach_m = edit.work.policy.planning.max_snap_m + half_m + _BESIDE_M
    lines = np.asarray(table["geometry"].to_numpy(object))
    away = np.full(len(lines), np.inf)
    for box in edit.region.boxes:
        away = np.fmin(away, shapely.distance(lines, box))
    return np.asarray(~shapely.is_missing(lines) & (away > reach_m))


def _away_m(before: Screened, region: Region) -> FloatArray:
    """Distance of every case's parcel from the edit; 0 for one without a place."""
    parcels = before.work.survey.get("parcels")
    if parcels is None:
        return np.zeros(len(before.cases))
    place = parcels.index.get_indexer([case.parcel_id for case in before.cases])
    bounds = shapely.bounds(np.asarray(parcels.geometry.array)).reshape(-1, 4)
    away = np.append(region.away_m(bounds), 0.0)
    return np.asarray(away[place])


def _undercut_by_none(
    before: Screened, utility: str, cases: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Weight of the cheapest way of cases on the ground that is looked at first, and least rate.

    Where no way keeps clear of spared trees and greenery the weight is infinite: an edit anywhere
    may open one.
    """
    work = before.work
    weight, rate = np.full(len(cases), np.inf), np.zeros(len(cases))
    groups: dict[tuple[Demand, date], list[int]] = defaultdict(list)
    for place, number in enumerate(cases.tolist()):
        case = with_sizes(before.cases[number], work.policy)
        demand = case.demands[utility]
        if case.gate is None and not is_steered(demand):
            groups[demand, case.dig_date].append(place)
    sites = Sites(work, before.cases)
    for (demand, day), places in groups.items():
        closed = Closed(work.closures.on(day), spared=len(work.closures.spared) > 0)
        search = work.under(closed).search(demand.pipe, "cheapest")
        at = np.array(places, np.int64)
        ways = lightest_ways(search, sites.steps.of_sites(np.sort(cases[at])))
        found = pd.Series(ways.weight, index=ways.site).reindex(cases[at])
        weight[at] = found.fillna(np.inf).to_numpy(float)
        rate[at] = search.lightest_rate
    return weight, rate
