"""Re-screening after a local edit: only pairs whose answer may have changed are solved anew.

An answer stands on three things, and each is looked at on the ground before and after the edit:

*The lightest ways*, of money and of metres. Forests tell them on both sides, so a new way that
undercuts them is seen wherever it leads. They must be the same, with nothing of them touched
(``planning.standing_ways``): then their measures, verdicts and remaining bounds are the same.

*The search for a route that qualifies*, where the cheapest one does not. It hangs on nothing but
pieces that begin within ``searched_m`` of the red line along the edges, the lightest ways, and the
least price of a metre, by which it knows that no cheaper route leaves that area. Where no touched
piece begins there on either side, the areas are equal: the first touched piece of a walk out of the
one is reached over pieces of both. So the same search finds the same. A forest over all pieces that
qualify (``planning.qualifying_forest``) hangs on no more, though it grows over the county: a route
that is cheaper than the one it found reaches no farther than its money at the least price, and
where there is none none leads farther than the pieces that qualify, or than limits let it. A least
price that rises leaves a proof a proof; where it falls, routes from farther off may be cheap
enough, and the search is made again. What was given up is made again at every edit, and what is not
proven for what is spared stands only with the very price.

*What is spared*, ancient trees and protected greenery: whether a proof that there is no route holds
hangs on its distance. Where any of it changed, such proofs are made anew.

A line that no way reaches stands where it takes no way to tell: nothing joins it to the network, on
either side. Solved anew are all others, and lines whose parcel or application changed, that end at
gates, that levels steer or that have a second feed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray
from planning.application import Application, Demand
from planning.batch import screen
from planning.external_lines import no_network
from planning.gravity_ways import is_steered
from planning.groundwork import Groundwork
from planning.local_edits import Edit
from planning.questions import unknown_states
from planning.red_lines import tolerances_of
from planning.second_feed import has_second_feed
from planning.sized_demands import with_sizes
from planning.standing_ways import Compared, Mask, Side, compared

# Costs are sums of the same numbers in another order, and weights hold a tie-break.
_ROUNDING = 1e-9
# The edge of an area is told by sums of metres.
_AREA_ROUNDING_M = 1e-5
# Layers that tell of parcels wherever they are.
_EVERYWHERE = ("service_areas",)
# Answers that are proofs, or fail to be, by what is spared.
_BY_SPARED = ("none", "not_proven")


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


def rescreened(
    before: Screened,
    edit: Edit,
    cases: Sequence[Application],
    progress: Callable[[int], None] | None = None,
) -> Screened:
    """The screening after an edit; its table equals one made anew but for ``searched_m``.

    That tells how far was looked: a few rows are solved one by one where many share bounds.

    ``attrs["solved_anew"]`` of the table: how many pairs of case and utility were. ``progress``
    is told how many pairs were looked at since the last call, as ``screen`` tells it.
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
        if progress is not None:
            progress(int((rows["status"] != "not_requested").sum()))
        anew = np.flatnonzero(~kept[:, column])
        if len(anew):
            some = [cases[number] for number in anew.tolist()]
            found = screen(edit.work, some, [utility], progress)
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
    parcels = edit.changed["parcels"].ids if "parcels" in edit.changed else frozenset()
    same = [
        number
        for number, row in enumerate(old.tolist())
        if row >= 0
        and cases[number].parcel_id not in parcels
        and cases[number] == before.cases[row]
    ]
    if same:
        standing = _Standing.of(before, edit, old[same])
        for column, utility in enumerate(before.utilities):
            kept[same, column] = standing.rows(utility)
    return kept


@dataclass(frozen=True, eq=False)
class _Standing:
    """Cases that an edit left as they were, on both sides of it.

    ``cases`` in one order, with sizes; ``table`` are the rows of each, utility after utility.
    """

    sides: tuple[Side, Side]
    edit: Edit
    cases: Sequence[Application]
    table: pd.DataFrame
    utilities: Sequence[str]

    @staticmethod
    def of(before: Screened, edit: Edit, chosen: IntArray) -> _Standing:
        """Some cases of a screening, by their numbers in it."""
        cases = [with_sizes(before.cases[row], before.work.policy) for row in chosen.tolist()]
        width = len(before.utilities)
        rows = (chosen[:, None] * width + np.arange(width)).ravel()
        sides = Side.both(before.work, edit, cases)
        return _Standing(sides, edit, cases, before.table.iloc[rows], before.utilities)

    def rows(self, utility: str) -> Mask:
        """Which cases keep their answer for a utility."""
        place = list(self.utilities).index(utility)
        table = self.table.iloc[place :: len(self.utilities)]
        status = table["status"].to_numpy(object)
        stands = np.array([utility not in case.demands for case in self.cases], bool)
        hopeful = ~stands & ((status == "unroutable") | self._out_of_reach(utility, table))
        hopeful &= self._as_exact
        for (demand, day), some in self._alike(utility, hopeful):
            stands[some] = self._of_demand(demand, day, some, table.iloc[some])
        return stands

    def _alike(self, utility: str, wanted: Mask) -> Iterator[tuple[tuple[Demand, date], IntArray]]:
        """Cases by demand and day, but those whose lines are told by more than one way."""
        groups: dict[tuple[Demand, date], list[int]] = defaultdict(list)
        for number in np.flatnonzero(wanted).tolist():
            case = self.cases[number]
            demand = case.demands[utility]
            if case.gate is None and not is_steered(demand) and not has_second_feed(demand):
                groups[demand, case.dig_date].append(number)
        for kind, some in groups.items():
            yield kind, np.array(some, np.int64)

    def _out_of_reach(self, utility: str, table: pd.DataFrame) -> Mask:
        """Which rows have a route that was looked for where nothing is touched on either side."""
        searched_m = table["searched_m"].to_numpy(float)
        most_m = float(np.nanmax(searched_m, initial=0.0)) + 1.0
        free_m = np.fmin(*(side.free_m(utility, most_m) for side in self.sides))
        routed = (table["status"] == "routed").to_numpy(bool)
        found = np.asarray(routed & (searched_m < free_m - _AREA_ROUNDING_M))
        if self._spares_otherwise:
            found &= ~table["qualifying_route"].isin(_BY_SPARED).to_numpy(bool)
        return found

    @cached_property
    def _as_exact(self) -> Mask:
        """Whether each red line is known as well as before: roads and other parcels may deny it.

        Those that changed lie near the edit.
        """
        found = np.ones(len(self.cases), bool)
        near = self.sides[1].parcels_near()
        parcels = [self.cases[number].parcel_id for number in near.tolist()]
        one, two = (tolerances_of(side.work, parcels) for side in self.sides)
        found[near] = (one == two) | (np.isnan(one) & np.isnan(two))
        return found

    @cached_property
    def _spares_otherwise(self) -> bool:
        """Whether what is spared is not the same on both sides."""
        one, two = (side.work.closures.spared for side in self.sides)
        return len(one) != len(two) or not shapely.equals_exact(one, two, 0.0).all()

    def _of_demand(self, demand: Demand, day: date, some: IntArray, table: pd.DataFrame) -> Mask:
        """Which of some cases with one demand and day keep their answers."""
        stands, todo = np.zeros(len(some), bool), np.arange(len(some))
        routed = (table["status"] == "routed").to_numpy(bool)
        is_cheapest = (table["recommended"] == "cheapest") & (table["qualifying_route"] == "found")
        cheap = is_cheapest.to_numpy(bool)
        for grounds in self._grounds(day):
            found = self._compared(grounds, demand, "cheapest", some[todo])
            same = todo[found.same & routed[todo]]
            more = same[~cheap[same]]
            if len(more):
                at = self._compared(grounds, demand, "shortest", some[more]).same
                at &= self._as_dear(grounds, demand, table.iloc[more])
                same = np.setdiff1d(same, more[~at])
            stands[same] = True
            todo = todo[found.neither]
        lost = todo[~routed[todo]]
        stands[lost] = self._as_lost(demand, some[lost])
        return stands

    def _grounds(self, day: date) -> Iterator[tuple[Groundwork, Groundwork]]:
        """The grounds that are tried in turn, before and after; none if they are not alike."""
        one, two = (side.work.tried(side.work.closures.on(day)) for side in self.sides)
        if len(one) == len(two):
            yield from zip(one, two, strict=True)

    def _compared(
        self,
        grounds: tuple[Groundwork, Groundwork],
        demand: Demand,
        objective: str,
        some: IntArray,
    ) -> Compared:
        one, two = (
            side.lightest(ground, demand, objective, some)
            for side, ground in zip(self.sides, grounds, strict=True)
        )
        return compared(one, two, self.sides, self.edit, some)

    @staticmethod
    def _as_dear(
        grounds: tuple[Groundwork, Groundwork], demand: Demand, table: pd.DataFrame
    ) -> Mask:
        """Which searches stand by the least price of a metre."""
        one, two = (ground.search(demand.pipe, "cheapest").lightest_rate for ground in grounds)
        alike = bool(np.isclose(one, two, rtol=_ROUNDING, atol=0.0))
        proven = (table["qualifying_route"] != "not_proven").to_numpy(bool)
        none = (table["searched_m"] == 0.0).to_numpy(bool)
        return np.asarray(none | alike | (proven & (two > one)))

    def _as_lost(self, demand: Demand, some: IntArray) -> Mask:
        """Which lines that no way reaches are so for the same reason, whatever may be dug."""
        one, two = self.sides
        utility = demand.pipe.utility
        told = [
            (no_network(s.work, demand), list(unknown_states(s.work, utility))) for s in (one, two)
        ]
        if told[0] != told[1] or len(some) == 0:
            return np.zeros(len(some), bool)
        gaps = one.sites.gaps_m(some), two.sites.gaps_m(some)
        ends = one.sites.end_counts[some], two.sites.end_counts[some]
        same = (gaps[0] == gaps[1]) & ((ends[0] == 0) == (ends[1] == 0))
        return np.asarray(same & one.cut_off(demand, some) & two.cut_off(demand, some))
