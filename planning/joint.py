"""The joint plan of one parcel: its lines brought together on the corridor graph (design 8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, chain
from gis.overlay import strips
from gis.subsets import members
from planning.external_lines import ExternalLine
from planning.groundwork import Groundwork, Site
from planning.joint_part import Part, part_within, search_of
from planning.judged_routes import Route, judge_routes
from planning.lanes import EQUAL_M
from planning.routes import trace
from planning.sections import Section
from planning.slots import Slots, kerb_room_m, slots_of
from planning.standards import Pipe
from planning.texts import gettext as _
from planning.trenches import JointPlan, LeftOut, OwnTrenches, share_trenches


@dataclass(frozen=True)
class Joint:
    """The joint plan with its geometry.

    ``lines`` are those of the rows of ``plan.subset_of_edge``; ``routes`` the members' routes in
    it, each charged the whole working strip of every trench it lies in. ``unsure_m`` are metres
    by road where what several lines dig may be wider than its slot, or nobody knows how wide that
    is; ``too_wide_m`` those where it surely is; ``gave_way`` tells by road who left how many metres
    of a slot that has no room for all, and ``gave_way_to`` who is planned by itself and lies there,
    by road, where the plan leaves room for such lines. ``beside_others`` who is planned by itself,
    by road, and has no room there beside the joint plan. ``own_fit`` is ``fits`` of lines in
    trenches of their own.
    """

    plan: JointPlan
    lines: NDArray[Any]
    routes: Mapping[str, Route]
    unsure_m: Mapping[str, float]
    too_wide_m: Mapping[str, float]
    gave_way: Mapping[str, AlongRoad]
    gave_way_to: Mapping[str, tuple[str, ...]]
    beside_others: Mapping[str, AlongRoad]
    own_fit: bool | None

    @property
    def fits(self) -> bool | None:
        """Whether every slot has room for what is dug in it; None where that is not known.

        Nor is it known where others must be placed elsewhere first.
        """
        if len(self.plan.crowded):
            return False
        return None if self.unsure_m or self.beside_others else True


@dataclass(frozen=True)
class AlongRoad:
    """Lines, and metres of slots beside a road where they lack room."""

    utilities: tuple[str, ...]
    length_m: float


def plan_together(work: Groundwork, site: Site, lines: Mapping[str, ExternalLine]) -> Joint | None:
    """Plan all routed lines of a site together; None with fewer than two that can share.

    The part of the graph looked at reaches as far as the cost of separate digs could carry any
    line, so that the optimum of the part is the optimum of the whole. A line that only another
    route than its cheapest qualifies for keeps to what such a route can hold.
    """
    routed = [line for line in lines.values() if line.route is not None and line.demand]
    bored = [line for line in routed if line.route and line.route.bored]
    routed = [line for line in routed if line.route and not line.route.bored]
    if len(routed) < 2:
        return None
    reach_yuan = sum(line.route.figures["cost_yuan"] for line in routed if line.route)
    found, heeded = _within_reach(work, site, routed, (), reach_yuan), False
    feeds = _by_themselves(found.joint, (*routed, *bored))
    found = replace(found, others=_others(work, found.part, feeds))
    if len(_rows_without_room(work, found)):
        beside = _within_reach(work, site, routed, feeds, max(reach_yuan, found.joint.cost_yuan))
        if not len(beside.joint.crowded):
            roomy_yuan = min(found.joint.roomy_cost_yuan, beside.joint.cost_yuan)
            found = replace(beside, joint=replace(beside.joint, roomy_cost_yuan=roomy_yuan))
            heeded = True
    part, joint = found.part, found.joint
    if len(joint.utilities) < 2:
        return None
    routes = {
        utility: _shared_route(work, site, lines[utility], part, joint, member)
        for member, utility in enumerate(joint.utilities)
    }
    alone = (LeftOut(one.utility, _why_alone(work, one.route)) for one in bored if one.route)
    left_out = (*joint.left_out, *alone)
    full = np.setdiff1d(_rows_without_room(work, found), joint.crowded)
    surely = np.union1d(full, joint.crowded)
    unsure = np.setdiff1d(_rows_not_sure(work, found, joint), surely)
    lying = found.others.at(np.flatnonzero(joint.gave_way if heeded else 0))
    own_unsure = None if joint.own is None else _rows_not_sure(work, found, joint.own)
    return Joint(
        replace(joint, left_out=left_out),
        part.lines,
        routes,
        _metres_by_road(work, part, unsure),
        _metres_by_road(work, part, joint.crowded),
        _along_roads(work, part, joint.gave_way, joint.utilities),
        {road: there.utilities for road, there in _along_roads(work, part, *lying).items()},
        _along_roads(work, part, *found.others.at(full)),
        False if own_unsure is None else None if len(own_unsure) else True,
    )


@dataclass(frozen=True)
class _Others:
    """Lines that lie in slots by themselves: (m,) width of their trenches and set of them.

    NaN metres where the size of one is unknown.
    """

    pipes: tuple[Pipe, ...]
    width_m: FloatArray
    subset: IntArray

    def at(self, rows: IntArray) -> tuple[IntArray, tuple[str, ...]]:
        """The set at some rows alone, and who its members are."""
        subset = np.zeros_like(self.subset)
        subset[rows] = self.subset[rows]
        return subset, tuple(pipe.utility for pipe in self.pipes)


@dataclass(frozen=True)
class _Found:
    """The joint plan on a part of the graph, beside others in its slots."""

    part: Part
    slots: Slots
    others: _Others
    joint: JointPlan
    pipes: tuple[Pipe, ...]

    def alike(self, subset: IntArray) -> Iterator[tuple[IntArray, list[Pipe]]]:
        """Rows in slots where the same members and others lie, and all their pipes."""
        rows = np.flatnonzero((subset > 0) & self.part.slotted)
        who, kind = np.unique(
            np.stack([subset[rows], self.others.subset[rows]]), axis=1, return_inverse=True
        )
        for number, (own, beside) in enumerate(who.T.tolist()):
            pipes = [self.pipes[member] for member in members(own)]
            pipes += [self.others.pipes[other] for other in members(beside)]
            yield rows[kind.ravel() == number], pipes


def _within_reach(
    work: Groundwork,
    site: Site,
    lines: Sequence[ExternalLine],
    feeds: Sequence[_Feeds],
    reach_yuan: float,
) -> _Found:
    """The joint plan beside others, as far as it can reach for its own cost."""
    searches = [search_of(work, line) for line in lines]
    pipes = [line.demand.pipe for line in lines if line.demand]
    part = part_within(work, site, lines, searches, reach_yuan)
    slots = slots_of(work, part.edge[part.edge >= 0])
    others = _others(work, part, feeds)
    joint = _shared(work, part, pipes, _rooms(work, part, slots, pipes, others), others)
    if joint.cost_yuan > reach_yuan:  # who gives way may do so beyond the part
        return _within_reach(work, site, lines, feeds, joint.cost_yuan)
    own = {pipe.utility: pipe for pipe in pipes}
    return _Found(part, slots, others, joint, tuple(own[key] for key in joint.utilities))


@dataclass(frozen=True)
class _Feeds:
    """Routes of a line outside the joint plan."""

    pipe: Pipe
    routes: tuple[Route, ...]


def _by_themselves(joint: JointPlan, lines: Sequence[ExternalLine]) -> list[_Feeds]:
    """What is dug beside the joint plan: lines left out of it, and of members the second feed."""
    return [
        _Feeds(line.demand.pipe, tuple(line.feeds[line.utility in joint.utilities :]))
        for line in lines
        if line.demand is not None
    ]


def _others(work: Groundwork, part: Part, feeds: Sequence[_Feeds]) -> _Others:
    """Where lines by themselves lie in the slots of a part."""
    width_m, subset = np.zeros(len(part.edge)), np.zeros(len(part.edge), np.int64)
    for number, line in enumerate(feeds):
        single_m = work.rates(line.pipe).width_m
        for route in line.routes:
            rows = part.slotted & np.isin(part.edge, route.way.edges)
            width_m[rows] += np.nan if single_m is None else single_m
            subset[rows] |= 1 << number
    return _Others(tuple(line.pipe for line in feeds), width_m, subset)


def _rows_without_room(work: Groundwork, found: _Found) -> IntArray:
    """Rows where the joint plan and others beside it surely dig wider than the slot."""
    joint, others_m = found.joint, found.others.width_m
    full = np.zeros(len(others_m), bool)
    for rows, pipes in found.alike(np.where(others_m > 0, joint.subset_of_edge, 0)):
        _, all_m = found.slots.most_m(pipes, work.standards)
        dug_m = joint.width_of_edge[rows] + others_m[rows]
        full[rows] = dug_m > all_m[found.part.place[rows]] + EQUAL_M
    return np.flatnonzero(full)


def _shared(
    work: Groundwork, part: Part, pipes: Sequence[Pipe], rooms: _Rooms, others: _Others
) -> JointPlan:
    """The cheapest trenches that slots have room for beside others."""
    return share_trenches(
        part.ends,
        part.surfaces_m,
        pipes,
        part.sources,
        part.root,
        standards=work.standards,
        policy=work.policy,
        prices=work.prices,
        edge_extra_yuan=part.surfaces_m @ work.crossing_yuan_m,
        allowed=part.allowed,
        slot_width_m=rooms.all_m,
        slot_gap_m=rooms.each_m,
        slot_taken_m=np.nan_to_num(others.width_m),
    )


def _why_alone(work: Groundwork, route: Route) -> str:
    carriers = work.corridors.carriers
    if len(carriers.among(route.bored)) == len(route.bored):
        return _("部分路段利用既有通道,单独敷设")
    return _("部分路段非开挖,单独敷设")


@dataclass(frozen=True)
class _Rooms:
    """The most that trenches may be wide in slots, (2**k, m): of each set all of them, and each."""

    all_m: FloatArray
    each_m: FloatArray


def _rooms(
    work: Groundwork, part: Part, slots: Slots, pipes: Sequence[Pipe], others: _Others
) -> _Rooms:
    """The room of the rows of a part for every set of pipes beside others.

    Infinite for no slot. In a lane it is the carriageway.
    """
    all_m, each_m = np.full((2, 2 ** len(pipes), len(part.edge)), np.inf)
    on_edge = part.edge >= 0
    for beside in np.unique(others.subset[on_edge]).tolist():
        rows = np.flatnonzero(on_edge & (others.subset == beside))
        company = [others.pipes[other] for other in members(beside)]
        for subset in range(1, len(all_m)):
            own = [pipes[member] for member in members(subset)]
            each, total = slots.most_m([*own, *company], work.standards)
            each_m[subset, rows], all_m[subset, rows] = (
                each[part.place[rows]],
                total[part.place[rows]],
            )
    lane = on_edge & work.corridors.is_lane[part.edge]
    road = work.corridors.graph.road[part.edge[lane]]
    all_m[1:, lane] = each_m[1:, lane] = 2 * work.corridors.surfaces.half_width_m[road]
    return _Rooms(all_m, each_m)


def _rows_not_sure(work: Groundwork, found: _Found, ways: JointPlan | OwnTrenches) -> IntArray:
    """Rows in slots where several lines dig wider than what surely is free in one piece."""
    others_m, unsure = found.others.width_m, np.zeros(len(found.part.edge), bool)
    for rows, pipes in found.alike(ways.subset_of_edge):
        room_m = found.slots.least_m(pipes, work.standards)[found.part.place[rows]]
        dug_m = ways.width_of_edge[rows] + others_m[rows]
        several = len(pipes) > 1
        unsure[rows] = several & ~(dug_m <= room_m + EQUAL_M)
    return np.flatnonzero(unsure)


def _along_roads(
    work: Groundwork, part: Part, subset: IntArray, utilities: Sequence[str]
) -> dict[str, AlongRoad]:
    """Who is in the sets of rows, by the road that they run beside, and metres of it."""
    rows = np.flatnonzero(subset)
    told: dict[str, int] = defaultdict(int)
    for row in rows.tolist():
        told[_road_id(work, part, row)] |= int(subset[row])
    return {
        road: AlongRoad(tuple(utilities[member] for member in members(told[road])), metres)
        for road, metres in _metres_by_road(work, part, rows).items()
    }


def _road_id(work: Groundwork, part: Part, row: int) -> str:
    """The road that a row in a slot runs beside."""
    table, road = work.corridors.surfaces.table, work.corridors.graph.road
    return str(table["road_id"].iat[road[part.edge[row]]])


def _metres_by_road(work: Groundwork, part: Part, rows: IntArray) -> dict[str, float]:
    """Metres of rows in slots by the road that they run beside."""
    metres: dict[str, float] = defaultdict(float)
    for row in rows.tolist():
        metres[_road_id(work, part, row)] += float(part.surfaces_m[row].sum())
    return dict(metres)


def in_no_dig(work: Groundwork, lines: Mapping[str, ExternalLine], joint: Joint) -> tuple[str, ...]:
    """No-dig areas that the shared working strips enter: they are wider than those of one line."""
    names = (
        name
        for utility, route in joint.routes.items()
        for name in work.closures.entered_by(route.strip, lines[utility].closed)
    )
    return tuple(dict.fromkeys(names))


def _shared_route(
    work: Groundwork,
    site: Site,
    line: ExternalLine,
    part: Part,
    joint: JointPlan,
    member: int,
) -> Route:
    """Judge a line on the joint plan: it is charged the whole strip of every trench it lies in."""
    assert line.demand is not None
    rows = part.rows(joint, member)
    routes = trace(work.corridors, work.tie_ins(line.utility), [part.way(rows)])
    working = np.array([_shared_strip(work, part, rows[:-1], joint, line.utility)], object)
    return judge_routes(work, line.demand, [site], routes, working)[0]


def _section_by_row(joint: JointPlan, utility: str) -> dict[int, Section]:
    """The widest trench that a utility lies in, by row of the part."""
    found: dict[int, Section] = {}
    for segment in joint.segments:
        if utility in segment.utilities:
            section = joint.sections[segment.section_id]
            for row in segment.edges:
                wider = row not in found or section.width_m > found[row].width_m
                found[row] = section if wider else found[row]
    return found


def _shared_strip(
    work: Groundwork, part: Part, rows: Sequence[int], joint: JointPlan, utility: str
) -> Any:
    """Working strip along a way whose trench changes its width: one piece per width, united.

    A trench that would come nearer to the kerb than its pipes may lies farther out.
    """
    sections, margin_m = _section_by_row(joint, utility), work.policy.planning.work_margin_m
    told = {
        row: (section.width_m, _out_m(work, part, row, section))
        for row, section in sections.items()
    }
    pieces = []
    start = part.lines[rows[0]].coords[-1]
    for (width_m, out_m), group in groupby(rows, key=lambda row: told.get(row, (0.0, 0.0))):
        same = list(group)
        run = chain([part.lines[row] for row in same if part.lines[row].length > 0], start)
        start = run.coords[-1]
        run = _moved_out(work, run, part.edge[same[0]], out_m) if out_m else run
        pieces.append(strips(np.array([run]), np.array([width_m + 2 * margin_m]))[0])
    return shapely.union_all(pieces)


def _out_m(work: Groundwork, part: Part, row: int, section: Section) -> float:
    """How much farther from its kerb than the strip the middle of a trench lies, in metres.

    As far as the red line leaves room, where it is known.
    """
    edge, corridors = int(part.edge[row]), work.corridors
    if len(section.pipes) == 1 or not part.slotted[row]:
        return 0.0
    road = int(corridors.graph.road[edge])
    middle = corridors.graph.lines[edge].interpolate(0.5, normalized=True)
    surfaces = corridors.surfaces
    at_m = float(surfaces.centre[road].distance(middle) - surfaces.half_width_m[road])
    kept_m = max(kerb_room_m(placed.pipe, work.standards) for placed in section.pipes)
    wanted_m = kept_m + section.width_m / 2 - at_m
    room_m = float(surfaces.beside_m[road]) - section.width_m / 2 - at_m
    return round(max(min(wanted_m, room_m), 0.0), 2)


def _moved_out(
    work: Groundwork, run: shapely.LineString, edge: int, out_m: float
) -> shapely.LineString:
    """A run beside a road moved away from its centre line."""
    centre = work.corridors.surfaces.centre[work.corridors.graph.road[edge]]
    here, ahead = (run.interpolate(share, normalized=True) for share in (0.49, 0.51))
    foot = centre.interpolate(centre.project(here))
    left = (ahead.x - here.x) * (foot.y - here.y) - (ahead.y - here.y) * (foot.x - here.x) > 0
    return shapely.offset_curve(run, -out_m if left else out_m, join_style="mitre", mitre_limit=2)
