"""Screening, questions: what keeps the verdicts of many ways open, without drawing them.

A way's roads are those near its edges. Where an edge only perhaps digs up a road that says too
little, the way itself is looked at, as the planner of one parcel does.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.keys import runs_alike
from gis.linear import IntArray, ranges
from planning.application import Demand
from planning.facts import Dug, roads_dug
from planning.groundwork import Groundwork
from planning.judged_routes import working_strips
from planning.questions import (
    as_text,
    hangs_on_roads,
    missing_obstacles,
    roads_in_question,
    unknown_of_route,
)
from planning.routes import trace
from planning.screening_judged import Desk, trench_reach_m
from planning.screening_lines import LineValues
from planning.screening_ways import Ways
from planning.verdict_tables import Coded


def questions_of_ways(
    desk: Desk,
    ground: Groundwork,
    demand: Demand,
    day: date,
    ways: Ways,
    unknown: Coded,
) -> Coded:
    """What each way leaves open, as ``questions.as_text`` writes it; None where nothing.

    ``unknown`` are the inputs that keep the verdict of each way open. O(steps of the open ways).
    """
    missing = tuple(missing_obstacles(ground))
    texts, place = [as_text(missing)], np.zeros(len(ways), np.intp)
    on_roads = np.array([hangs_on_roads(names) for names in unknown.values], bool)
    open_ = np.flatnonzero(np.array([bool(names) for names in unknown.values], bool)[unknown.place])
    asking = np.flatnonzero(on_roads[unknown.place[open_]])
    dug = _dug(desk, ground, demand, day, ways.part(open_[asking]))
    roads, of_way = [{}, *dug.values], np.zeros(len(open_), np.intp)
    of_way[asking] = 1 + dug.place
    kind, kinds = pd.factorize(unknown.place[open_] * len(roads) + of_way)
    place[open_] = len(texts) + kind
    for which, mine in zip(*(part.tolist() for part in np.divmod(kinds, len(roads))), strict=True):
        told = unknown_of_route(ground, demand, unknown.values[which], roads[mine], day)
        texts.append(as_text([*missing, *told]))
    return Coded(place, texts)


def _dug(desk: Desk, ground: Groundwork, demand: Demand, day: date, ways: Ways) -> Coded:
    """Of the roads in question those that each way digs up or may dig up (``Dug``)."""
    if len(ways) == 0:
        return Coded(np.zeros(0, np.intp), [])
    near = _near(desk, ground, demand, day, ways)
    exact = np.unique(near.way[near.perhaps])
    surely = ~near.perhaps
    way, road, known = near.way[surely], near.road[surely], near.known[surely]
    # Of a road with and without a red line the one that is known counts: it comes last.
    order = np.lexsort((known, road, way))
    order = order[(np.diff(road[order], append=-1) != 0) | (np.diff(way[order], append=-1) != 0)]
    way, road, known = way[order], road[order], known[order]
    starts = np.searchsorted(way, np.arange(len(ways) + 1))
    _, one, place = np.unique(
        runs_alike(road * 2 + known, starts), return_index=True, return_inverse=True
    )
    told: list[Dug] = []
    for first, last in zip(starts[one].tolist(), starts[one + 1].tolist(), strict=True):
        pairs = zip(road[first:last].tolist(), known[first:last].tolist(), strict=True)
        told.append({row: True if is_known else None for row, is_known in pairs})
    place[exact] = len(told) + np.arange(len(exact))  # sums do not tell these
    return Coded(place, [*told, *_looked_at(ground, demand, ways, exact)])


class _Near(NamedTuple):
    """Roads near ways; ``perhaps`` where the sums do not tell whether they are dug."""

    way: IntArray
    road: IntArray
    known: NDArray[np.bool_]
    perhaps: NDArray[np.bool_]


def _near(desk: Desk, ground: Groundwork, demand: Demand, day: date, ways: Ways) -> _Near:
    """The roads near the edges and tie-ins of ways."""
    steps, starts = ways.steps
    number = np.arange(len(ways))
    reach_m = trench_reach_m(ground, demand)
    parts = [
        _near_lines(desk.edges, steps, np.repeat(number, np.diff(starts)), reach_m),
        _near_lines(desk.stubs(demand.pipe.utility), ways.tie_in, number, reach_m),
    ]
    way, road = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    known, perhaps = (np.concatenate([part[at] for part in parts]) for at in (2, 3))
    # What another edge of the way surely digs up needs no second look.
    pair = way * (int(road.max(initial=0)) + 1) + road
    kept = roads_in_question(ground, day)[road] & ~(perhaps & np.isin(pair, pair[~perhaps & known]))
    return _Near(way[kept], road[kept], known[kept], perhaps[kept])


def _near_lines(values: LineValues, lines: IntArray, way: IntArray, reach_m: float) -> _Near:
    near, starts, row = values.near, values.near_starts, values.row[lines]
    first, last = starts[row], starts[row + 1]
    rows = ranges(first, last)
    perhaps = ~near.sure[rows]
    within = ~perhaps | (near.gap_m[rows] <= reach_m)
    rows, of = rows[within], np.repeat(way, last - first)[within]
    return _Near(of, near.road[rows], near.known[rows], perhaps[within])


def _looked_at(ground: Groundwork, demand: Demand, ways: Ways, numbers: IntArray) -> list[Dug]:
    """The roads of some ways by their own working strips."""
    if len(numbers) == 0:
        return []
    drawn = [ways.one(number) for number in numbers.tolist()]
    tie_ins = ground.tie_ins(demand.pipe.utility)
    routes = trace(
        ground.corridors, tie_ins, drawn, ground.methods(demand.pipe, all_bores=False).bored
    )
    return roads_dug(ground.ground, routes, working_strips(ground, demand, routes))
