"""Screening, figures and verdicts of many routes of one demand at once, without their geometry.

Sums over the lines of a route give its figures; greenery and trees are looked at on the route's own
strip wherever one of its lines comes near any. Routes that sums cannot tell are ``in_doubt``: they
are to be measured one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.linear import AnyIntArray, FloatArray, IntArray
from gis.overlay import strips
from planning import screening_lines as col
from planning.application import Demand
from planning.comparisons import Truth
from planning.corridors import SURFACES_FROM
from planning.facts import CUT_OPEN, green_inside, pipe_facts, trees_in, trees_touched
from planning.groundwork import Groundwork
from planning.judged_routes import rank_among, rank_of, unverified_inputs
from planning.measures import MEASURES, Figures, measure_all
from planning.quantities import priced
from planning.questions import unknown_inputs
from planning.road_surfaces import Crossed
from planning.screening_lines import LineValues, Nearby, joints_inside
from planning.screening_roads import (
    ASSUMED_WIDTH,
    BRIDGE_UNKNOWN,
    RoadStates,
    three_valued,
)
from planning.screening_sites import Sites
from planning.screening_tolerances import exactness_of_ways, tolerances_of_ways
from planning.screening_ways import Ways
from planning.verdict_tables import (
    Coded,
    Column,
    Judged,
    judge_columns,
    possible_columns,
    row_of,
)
from planning.verdicts import Verdict, judge

# Kinds of edges that are dug open as they are drawn.
_PLAIN = ("strip", "crossing", "connector")
# A mitred corner reaches twice half the width of a strip, a little more where it is smoothed.
_MITRE_REACH = 1.02
# Strips of usual pipes are no wider; for a wider one lines look farther round themselves.
_USUAL_WIDTH_M = 4.0


@dataclass(frozen=True)
class Answers:
    """Figures and verdicts of routes, in their order."""

    figures: Mapping[str, FloatArray]
    measures: Mapping[str, FloatArray]
    judged: Judged

    @property
    def rank(self) -> IntArray:
        """How far each route is from qualifying, as of ``Route``."""
        ranks = np.array([rank_of(one) for one in self.judged.verdicts], np.int64)
        return np.asarray(ranks[self.judged.verdict_of])

    @cached_property
    def unknown(self) -> list[tuple[str, ...]]:
        """The inputs that keep each verdict open."""
        return [unknown_inputs(one) for one in self.judged.verdicts]


class Desk:
    """Everything about the lines of a groundwork that one screening leaves for the next."""

    def __init__(self, work: Groundwork, reach_m: float = _USUAL_WIDTH_M) -> None:
        self.work = work
        graph, kerbs = work.corridors.graph, work.corridors.surfaces.own_area
        crossings = work.corridors.crossings
        self.joints = joints_inside(graph.ends, graph.node_xy, crossings, kerbs)
        self._joined = np.any(self.joints.road >= 0, axis=1)
        self.nearby = Nearby(work.ground, reach_m)
        self.edges = LineValues(
            work.ground,
            self.nearby,
            graph.lines,
            {name: graph.measures[name].to_numpy(float) for name in SURFACES_FROM},
            Crossed.of(crossings, crossings["edge"].to_numpy(np.int64)),
            graph.road,
            graph.on_bridge,
            self.joints.doubt,
        )
        self.unlike = ~graph.measures["kind"].isin(_PLAIN).to_numpy(bool)
        self._stubs: dict[str, LineValues] = {}
        self._states: dict[date, RoadStates] = {}
        self.verdicts: dict[Any, Verdict] = {}
        self.possible: dict[Any, tuple[str, ...]] = {}

    @classmethod
    def of(cls, work: Groundwork) -> Desk:
        """The desk of a groundwork, made once."""
        desk = work.kept.get("desk")
        if not isinstance(desk, cls):
            desk = work.kept["desk"] = cls(work)
        return desk

    def stubs(self, utility: str) -> LineValues:
        """Ways to the tie-ins of a utility."""
        if utility not in self._stubs:
            tie_ins = self.work.tie_ins(utility)
            lines = tie_ins.lines
            self._stubs[utility] = LineValues(
                self.work.ground,
                self.nearby,
                lines,
                tie_ins.ways._asdict(),
                tie_ins.crossed,
                np.broadcast_to(-1, len(lines)),
                np.broadcast_to(0.0, len(lines)),
                self._begins_inside(utility),
            )
        return self._stubs[utility]

    def _begins_inside(self, utility: str) -> NDArray[np.bool_]:
        """True for ways to tie-ins that begin where edges meet inside a carriageway."""
        ends = self.work.corridors.graph.ends
        inside = np.zeros(self.work.corridors.graph.node_count, bool)
        inside[ends[self.joints.road >= 0]] = True
        return np.asarray(inside[self.work.tie_ins(utility).node])

    def merged(self, before: AnyIntArray, behind: AnyIntArray, node: AnyIntArray) -> IntArray:
        """Places where pieces of two edges that follow each other at a node are one crossing."""
        ends, road = self.work.corridors.graph.ends, self.joints.road
        at = np.flatnonzero((before >= 0) & self._joined[before] & self._joined[behind])
        one, two = (
            np.where(ends[edge, 0] == node[at], road[edge, 0], road[edge, 1])
            for edge in (before[at], behind[at])
        )
        return np.asarray(at[(one == two) & (one >= 0)])

    def states(self, day: date) -> RoadStates:
        """What the roads say on a day."""
        if day not in self._states:
            self._states[day] = RoadStates(self.work.ground, day)
        return self._states[day]


def answer(
    desk: Desk,
    work: Groundwork,
    demand: Demand,
    day: date,
    sites: Sites,
    ways: Ways,
    ridden: Ridden,
) -> Answers:
    """Figures and verdicts of ways of one demand, dug on one day, from what their lines add.

    ``work`` is the desk's own with what is closed.
    """
    sums, near = ridden.sums, _Strips(desk, demand, ways, ridden.gaps)
    measures = _measures(demand, ridden, near)
    facts = _facts(desk, demand, day, sites, ways, ridden, near)
    figures = {
        "length_m": sums[:, col.LENGTH],
        "cost_yuan": _cost(work, demand, sums),
        "crossing_count": sums[:, col.COUNT],
        "kerb_m": _known(ridden, col.KERB, col.NO_KERB),
        "red_line_m": _known(ridden, col.RED_LINE, col.NO_RED_LINE),
        "green_m2": near.green_m2,
    }
    tolerances = tolerances_of_ways(work, demand, sites, ways, figures)
    judged = _judge(desk, sites, ways, demand, {**measures, **facts}, ridden.roads, tolerances)
    return Answers(figures, measures, judged)


def best_ranks(
    desk: Desk, demand: Demand, day: date, sites: Sites, ways: Ways, ridden: Ridden
) -> IntArray:
    """The rank of each way if no greenery and no tree stood anywhere near."""
    near = _Strips(desk, demand, ways, np.full((len(ways), 2), np.inf))
    columns = {
        **_measures(demand, ridden, near),
        **_facts(desk, demand, day, sites, ways, ridden, near),
    }
    possible, of_way = possible_columns(
        demand.pipe.utility, columns, len(ways), desk.work.policy, desk.possible
    )
    return np.array([rank_among(one) for one in possible], np.int64)[of_way]


def _measures(demand: Demand, ridden: Ridden, near: _Strips) -> dict[str, FloatArray]:
    measured = Figures(
        demand=demand,
        length_m=ridden.sums[:, col.LENGTH],
        kerb_m=_known(ridden, col.CITY_KERB, col.NO_CITY_KERB),
        red_line_m=_known(ridden, col.CITY_RED_LINE, col.NO_CITY_RED_LINE),
        longest_kerb_m=np.where(ridden.bear(col.NO_CITY_KERB), np.nan, ridden.largest[:, 0]),
        green_m2=near.green_m2,
        trees=near.trees,
    )
    return measure_all(demand.pipe.utility, measured)


def _facts(
    desk: Desk,
    demand: Demand,
    day: date,
    sites: Sites,
    ways: Ways,
    ridden: Ridden,
    near: _Strips,
) -> dict[str, Column]:
    bridge_unknown = ridden.bear(col.BRIDGE_UNKNOWN) | (ridden.roads & BRIDGE_UNKNOWN > 0)
    return {
        **desk.states(day).facts(ridden.roads),
        **near.facts,
        "on_bridge": three_valued(ridden.bear(col.BRIDGE), bridge_unknown),
        **_constants(demand, len(ways)),
        **sites.facts(demand.pipe.utility, ways.site),
    }


def trench_reach_m(work: Groundwork, demand: Demand) -> float:
    """How far from its line the trench of a pipe may reach: at a mitred corner."""
    width = work.rates(demand.pipe).width_m
    return 0.0 if width is None else width * _MITRE_REACH


class Ridden(NamedTuple):
    """What lines add, or the lines of ways together; one row for each.

    ``sums`` and ``largest`` have the columns of ``LineValues``. ``marks`` has three: those of the
    line itself, of roads surely dug up, and of roads that perhaps are.
    """

    sums: FloatArray
    marks: IntArray
    largest: FloatArray

    @property
    def gaps(self) -> FloatArray:
        """Distances to the nearest greenery and tree."""
        return -self.largest[:, 1:]

    @property
    def roads(self) -> IntArray:
        """Marks of roads surely dug up."""
        return self.marks[:, 1]

    def bear(self, mark: int) -> NDArray[np.bool_]:
        """Whether a line bears a mark of its own."""
        return np.asarray(self.marks[:, 0] & mark > 0)

    @property
    def in_doubt(self) -> NDArray[np.bool_]:
        """Ways whose figures are not surely the sums of their lines'."""
        unclear = self.marks[:, 2] & ~self.roads
        return self.bear(col.DOUBT) | (unclear > 0)

    def part(self, chosen: IntArray) -> Ridden:
        """Some of the ways, by their place."""
        sums, marks = self.sums.take(chosen, axis=0), self.marks.take(chosen, axis=0)
        return Ridden(sums, marks, self.largest.take(chosen, axis=0))


# How the columns of ``Ridden`` are joined along a way, and what stands where it begins.
_JOINS: tuple[tuple[np.ufunc, float], ...] = (
    (np.add, 0),
    (np.bitwise_or, 0),
    (np.maximum, -np.inf),
)


def ride(desk: Desk, work: Groundwork, demand: Demand, day: date, ways: Ways) -> Ridden:
    """Add up what the lines of ways add.

    ``work`` is the desk's own with what is closed. Ways over an edge that is bored, or that is
    no strip, crossing or connector, are in doubt, and ways of no length.
    """
    stubs, reach_m = desk.stubs(demand.pipe.utility), trench_reach_m(desk.work, demand)
    branches, walks = ways.branches, ways.at >= 0
    place, last_edge = ways.at[walks], ways.edge[walks]
    desk.edges.fill(ways.edges_used)
    stubs.fill(ways.tie_in)
    edges, tie_ins = (
        Ridden(lines.sums, lines.marks_with(desk.states(day), reach_m), lines.largest)
        for lines in (desk.edges, stubs)
    )
    row, unlike = desk.edges.row, work.methods(demand.pipe, all_bores=False).bored | desk.unlike
    along, last, total = (
        edges.part(row[branches.edge]),
        edges.part(row[last_edge]),
        tie_ins.part(stubs.row[ways.tie_in]),
    )
    along.marks[unlike[branches.edge], 0] |= col.DOUBT
    last.marks[unlike[last_edge], 0] |= col.DOUBT
    above = branches.above
    _merge(desk, demand, along, branches.edge, branches.edge[above], branches.nodes[above])
    _merge(desk, demand, last, last_edge, branches.edge[place], branches.nodes[place])
    for whole, of_edge, of_last, (join, start) in zip(total, along, last, _JOINS, strict=True):
        ridden = branches.ride(of_edge, join, start).take(place, axis=0)
        whole[walks] = join(whole[walks], join(of_last, ridden))
    total.marks[total.sums[:, col.LENGTH] == 0, 0] |= col.DOUBT
    return total


def _merge(
    desk: Desk,
    demand: Demand,
    lines: Ridden,
    edge: AnyIntArray,
    before: AnyIntArray,
    node: AnyIntArray,
) -> None:
    """Count pieces that edges share with the edge before them once.

    Where the longest piece is asked for, such ways are in doubt: it is longer than both.
    """
    merged = desk.merged(before, edge, node)
    lines.sums[merged, col.COUNT] -= 1.0
    if any("longest" in name for name in MEASURES[demand.pipe.utility]):
        lines.marks[merged, 0] |= col.DOUBT


def beside_greenery(desk: Desk, demand: Demand, gaps: FloatArray) -> NDArray[np.bool_]:
    """Whether greenery or a tree may touch the working strips of lines, by their ``gaps``."""
    width = desk.work.rates(demand.pipe).width_m
    if width is None:
        return np.zeros(len(gaps), bool)
    settings = desk.work.policy.planning
    reach = (width + 2 * settings.work_margin_m) * _MITRE_REACH
    green, tree = gaps.T
    return np.asarray((green <= reach) | (tree <= reach))


def _strips_beside(
    desk: Desk, demand: Demand, ways: Ways
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Different working strips of ways beside greenery as far as they are, and whose each is.

    What lies in the strip of a way lies in that of its lines that are beside any.
    """
    if len(ways) == 0:
        return np.zeros(0, object), np.zeros(0, np.int64)
    lines = desk.edges, desk.stubs(demand.pipe.utility)
    near = np.concatenate(
        [np.append(beside_greenery(desk, demand, some.gaps), False)[some.row] for some in lines]
    )
    stretches, which = ways.stretches(near)
    return strips(stretches, np.full(len(stretches), desk.work.strip_width_m(demand.pipe))), which


class _Strips:
    """Greenery and trees in the working strips of routes; strips are made where any are near."""

    def __init__(self, desk: Desk, demand: Demand, ways: Ways, gaps: FloatArray) -> None:
        work, count = desk.work, len(ways)
        width = work.rates(demand.pipe).width_m
        self.green_m2, self.trees = np.full(count, np.nan), np.full(count, np.nan)
        green = park = tree = ancient = np.full(count, -1)
        if width is not None:
            at = np.flatnonzero(beside_greenery(desk, demand, gaps))
            shapes, which = _strips_beside(desk, demand, ways.part(at))
            touched, area_m2 = green_inside(work.ground, shapes)
            green, park = self._touched(work, "green", touched, which, at)
            near_trees = trees_touched(work.ground, shapes)
            tree, ancient = self._touched(work, "trees", near_trees, which, at)
            if work.survey.has("green"):
                self.green_m2[:] = 0.0
                self.green_m2[at] = area_m2[which]
            if work.survey.has("trees"):
                self.trees[:] = 0.0
                self.trees[at] = trees_in(work.ground, shapes)[which]
        self.facts = {
            "touches_green": three_valued(green == 1, green == -1),
            "touches_tree": three_valued(tree == 1, tree == -1),
            "tree_moving": three_valued(tree == 1, tree == -1),
            "ancient_tree_or_park": three_valued(
                (park == 1) | (ancient == 1), (park == -1) | (ancient == -1)
            ),
        }

    def _touched(
        self,
        work: Groundwork,
        layer: str,
        found: list[tuple[Truth, Truth]],
        which: IntArray,
        at: IntArray,
    ) -> tuple[IntArray, IntArray]:
        """Codes (1 true, 0 false, -1 unknown) of two facts: where no strip was made, neither.

        ``found`` tells of each strip, ``which`` strip each of the ways ``at`` has.
        """
        count = len(self.trees)
        if not work.survey.has(layer):
            return np.full(count, -1), np.full(count, -1)
        both = np.zeros((2, count), np.int64)
        codes = [[-1 if truth is None else int(truth) for truth in pair] for pair in found]
        both[:, at] = np.array(codes, np.int64).reshape(-1, 2)[which].T
        return both[0], both[1]


def _known(ridden: Ridden, column: int, unknown: int) -> FloatArray:
    return np.where(ridden.bear(unknown), np.nan, ridden.sums[:, column])


def _constants(demand: Demand, count: int) -> dict[str, Coded]:
    """Facts that are the same for all routes of a demand that are cut open throughout."""
    facts = {**CUT_OPEN, **pipe_facts(demand)}
    return {name: Coded(np.zeros(count, np.intp), [value]) for name, value in facts.items()}


def _cost(work: Groundwork, demand: Demand, sums: FloatArray) -> FloatArray:
    """Metres on each surface times the price of a metre there, as ``surface_lengths`` has them."""
    roads = sums[:, col.SURFACE :]
    open_m = np.maximum(sums[:, col.LENGTH] - roads.sum(axis=1), 0.0)
    verge = np.minimum(sums[:, col.GREEN], open_m)
    surfaces = np.column_stack([open_m - verge, verge, roads])
    return priced(surfaces, work.rates(demand.pipe).yuan_m)


def _judge(
    desk: Desk,
    sites: Sites,
    ways: Ways,
    demand: Demand,
    columns: Mapping[str, Column],
    roads: IntArray,
    tolerances: Mapping[str, FloatArray],
) -> Judged:
    """The verdict of every way."""
    utility = demand.pipe.utility
    verdict_of = np.zeros(len(ways), np.intp)
    verdicts: list[Verdict] = []
    for unverified, at in _unverified(utility, sites, ways.site, roads & ASSUMED_WIDTH > 0):
        judged = judge_columns(
            utility,
            {name: _rows(column, at) for name, column in columns.items()},
            len(at),
            desk.work.policy,
            unverified=unverified,
            tolerances={name: values[at] for name, values in tolerances.items()},
            known=desk.verdicts,
        )
        verdict_of[at] = judged.verdict_of + len(verdicts)
        verdicts += judged.verdicts
        firm = np.array([one.certainty == "firm" for one in judged.verdicts], bool)
        rows = at[firm[judged.verdict_of]]
        for row, verdict in _near_others(
            desk, sites, ways, demand, columns, tolerances, unverified, rows
        ):
            verdict_of[row] = len(verdicts)
            verdicts.append(verdict)
    return Judged(verdicts, verdict_of)


def _near_others(
    desk: Desk,
    sites: Sites,
    ways: Ways,
    demand: Demand,
    columns: Mapping[str, Column],
    tolerances: Mapping[str, FloatArray],
    unverified: tuple[str, ...],
    rows: IntArray,
) -> Iterator[tuple[int, Verdict]]:
    """Verdicts of firm ones of the ways that may touch other things than drawn, with the row.

    More within the tolerances, or more or less at other widths of the working strip.
    """
    if len(rows) == 0:
        return
    exact = exactness_of_ways(desk.work, demand, sites, ways.part(rows))
    for number, row in enumerate(rows.tolist()):
        if exact.near[number] or exact.other_widths[number]:
            inputs = row_of(columns, row)
            verdict = judge(
                demand.pipe.utility,
                {},
                inputs,
                desk.work.policy,
                mode="plan",
                unverified=unverified,
                tolerances={name: values[row] for name, values in tolerances.items()},
                if_touched=partial(exact.if_touched, number, inputs),
                at_other_widths=partial(exact.at_other_widths, number, inputs),
            )
            yield row, verdict


def _unverified(
    utility: str, sites: Sites, site: IntArray, assumed: NDArray[np.bool_]
) -> Iterator[tuple[tuple[str, ...], IntArray]]:
    """Routes by the ``unverified_inputs`` of their sites; estimates all have the same."""
    estimate = sites.is_estimate[site]
    groups: dict[tuple[str, ...], list[IntArray]] = defaultdict(list)
    same = np.flatnonzero(estimate)
    for at in [same, *np.flatnonzero(~estimate)[:, None]]:
        if len(at):
            case = sites.cases[int(site[at[0]])]
            groups[unverified_inputs(case, utility, bool(assumed[at[0]]))].append(at)
    for unverified, parts in groups.items():
        yield unverified, np.concatenate(parts)


def _rows(column: Column, at: IntArray) -> Column:
    return column.at(at) if isinstance(column, Coded) else column[at]
