"""Screening, tolerances: intervals of the measures of many routes, where a survey says any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gis.linear import FloatArray
from gis.overlay import strips
from planning.application import Demand
from planning.groundwork import Groundwork
from planning.holds import Hold, half_strip_m
from planning.measures import MEASURES
from planning.route_effects import Exactness
from planning.screening_sites import Sites
from planning.screening_ways import Ways


def tolerances_of_ways(
    work: Groundwork, demand: Demand, sites: Sites, ways: Ways, figures: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """Tolerances of the surveyed measures of ways, NaN for unknown, as for routes one by one.

    Only ways that can have any are drawn. Where the main or the red line has no tolerance the
    length has none, nor has greenery that the strip touches: what is left are crossings of roads
    that have one.
    """
    utility, count = demand.pipe.utility, len(ways)
    names = [name for name in MEASURES[utility] if work.policy.inputs[name].surveyed]
    found = {name: np.full(count, np.nan) for name in names}
    told = ~np.isnan(sites.tolerance_m[ways.site])
    at = np.flatnonzero(told)
    joined_m = _of_ways(work, sites, ways.part(at)).joined.tolerance_m
    told[at] = ~np.isnan(joined_m)
    if "crossing_kerb_m" in names:
        crossing = np.flatnonzero(figures["kerb_m"] > 0)
        kerbs = _of_ways(work, sites, ways.part(crossing[:1])).kerbs
        told[crossing] |= bool((~np.isnan(kerbs.tolerance_m)).any())
    at = np.flatnonzero(told)
    if len(at) == 0:
        return found
    drawn = _drawn(work, demand, sites, ways.part(at))
    drawn = replace(drawn, crossed=work.corridors.surfaces.crossed(drawn.lines))
    for name, values in Exactness(demand, lambda: drawn).tolerances.items():
        found[name][at] = values
    return found


def exactness_of_ways(work: Groundwork, demand: Demand, sites: Sites, ways: Ways) -> Exactness:
    """What each way may touch within the tolerances of the survey, and at other widths."""
    drawn = _drawn(work, demand, sites, ways)
    return Exactness(demand, lambda: drawn)


def _of_ways(work: Groundwork, sites: Sites, ways: Ways) -> Hold:
    """What ways hang on, without their lines."""
    network, feature = ways.tie_ins.network, ways.tie_ins.ways.feature[ways.tie_in]
    return Hold(
        work=work,
        lines=np.zeros(0, object),
        crossed=work.corridors.surfaces.crossed(np.zeros(0, object)),
        kind=network.kinds[feature],
        feature_id=network.ids[feature].astype(str),
        parcels=[sites.parcel_ids[site] for site in ways.site.tolist()],
        working=np.zeros(0, object),
        half_m=np.zeros(0),
        bored=[()] * len(ways),
    )


def _drawn(work: Groundwork, demand: Demand, sites: Sites, ways: Ways) -> Hold:
    """What ways hang on, with their lines and working strips: all are cut open throughout."""
    lines, half_m = ways.draw(), half_strip_m(work, demand, len(ways))
    working = np.full(len(ways), None, object)
    known = np.isfinite(half_m)
    working[known] = strips(lines[known], 2 * half_m[known])
    return replace(_of_ways(work, sites, ways), lines=lines, working=working, half_m=half_m)
