"""Narrow slots 放不下的空位: sides of streets where the trench of a single line has no room.

Only what cannot be built bars a line: a trench that is wider than the ground from kerb to red line,
or than what the bodies of existing lines leave of it. The clearances of GB 50289 do not: where they
cannot be kept, measures may be taken (4.1.9), and ``planning.clearances`` tells of it. Whatever is
unknown is taken as free: widths of a road that nobody recorded, lines of unknown size or place.
A building nearer to the kerb than the strip has cut the strip away (``planning.obstacles``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gis.linear import FloatArray, IntArray, LineArray
from planning.lanes import EQUAL_M
from planning.slots import (
    Slots,
    existing_lines,
    has_slot,
    kind_of_slots,
    slots_beside,
    stations,
)
from planning.standards import Pipe
from planning.street_sides import compass_side
from planning.texts import gettext as _

if TYPE_CHECKING:
    from planning.groundwork import Groundwork
    from planning.tie_ins import TieIns

# Layers that take no room in a slot and tell of none.
NOT_IN_SLOTS = frozenset(("green", "trees", "no_dig", "service_areas"))
# A way to a main runs along a strip if it stays this near to it for longer than that.
_ON_STRIP_M, _ALONG_M = 0.02, 0.5


@dataclass(frozen=True)
class NarrowSlot:
    """A side of a street that a trench does not fit: the widest free ground of its tightest place.

    ``slot`` is footway or verge, ``side`` the compass side in words; widths and ``length_m``, the
    length of the stretches between junctions that are barred, in metres.
    """

    road_id: str
    name: str
    side: str
    slot: str
    free_width_m: float
    needed_m: float
    length_m: float

    @property
    def text(self) -> str:
        """The sentence why this side is not taken."""
        place = _("绿化带") if self.slot == "verge" else _("人行道")
        return _("{road} {side}{place}净宽 {free:.2f} m,放不下 {needed:.2f} m 沟槽").format(
            road=self.name,
            side=self.side,
            place=place,
            free=self.free_width_m,
            needed=self.needed_m,
        )


# What a groundwork keeps under some keys.
Kept = Mapping[Any, Any]


@dataclass(frozen=True)
class _Tight:
    """Places on strips with the most width that can be free there: edge, width, point.

    Of the places where more than ``limit_m`` is free not all are held.
    """

    limit_m: float
    edge: IntArray
    width_m: FloatArray
    point: FloatArray

    def below(self, limit_m: float) -> _Tight:
        """Those where less than that can be free."""
        less = self.width_m < limit_m
        return _Tight(limit_m, self.edge[less], self.width_m[less], self.point[less])

    def among(self, edges: IntArray) -> _Tight:
        """Those of some edges, ascending, which are numbered anew."""
        mine = np.isin(self.edge, edges)
        edge = np.searchsorted(edges, self.edge[mine])
        return _Tight(self.limit_m, edge, self.width_m[mine], self.point[mine])


def too_narrow(work: Groundwork, pipe: Pipe) -> NDArray[np.bool_]:
    """True for edges whose slot is certainly narrower than the trench of a pipe laid alone."""
    narrow = np.zeros(work.corridors.graph.edge_count, bool)
    tight = _tight(work, pipe)
    if tight is not None:
        narrow[tight.edge] = True
    return narrow


def ways_too_narrow(work: Groundwork, pipe: Pipe) -> NDArray[np.bool_]:
    """True for tie-in ways that lead along a strip over a place too narrow for the trench."""
    tie_ins = work.tie_ins(pipe.utility)
    narrow = np.zeros(len(tie_ins.lines), bool)
    tight = _tight(work, pipe)
    if tight is not None:
        narrow[_led_over(work, tight, tie_ins)[0]] = True
    return narrow


def _led_over(work: Groundwork, tight: _Tight, tie_ins: TieIns) -> tuple[IntArray, IntArray]:
    """Pairs of tie-in way and edge where the way leads along the edge over a tight place."""
    place, way = tie_ins.tree.query(
        shapely.points(tight.point), predicate="dwithin", distance=_ON_STRIP_M
    )
    edge = tight.edge[place]
    beside = shapely.buffer(work.corridors.graph.lines[edge], _ON_STRIP_M)
    along_m = shapely.length(shapely.intersection(tie_ins.lines[way], beside))
    return way[along_m > _ALONG_M].astype(np.int64), edge[along_m > _ALONG_M]


def may_lack_room(work: Groundwork, pipe: Pipe) -> bool:
    """Whether any slot of the county is too narrow for a pipe."""
    return _tight(work, pipe) is not None


def narrow_slots(
    work: Groundwork, pipe: Pipe, tie_in: int, edges: Iterable[int]
) -> tuple[NarrowSlot, ...]:
    """The sides of streets on a way that its trench does not fit, one for each side and slot."""
    tight = _tight(work, pipe)
    needed_m = work.rates(pipe).width_m
    if tight is None or needed_m is None:
        return ()
    graph, surfaces = work.corridors.graph, work.corridors.surfaces
    least = np.full(graph.edge_count, np.inf)
    np.minimum.at(least, tight.edge, tight.width_m)
    way, over = _led_over(work, tight, work.tie_ins(pipe.utility))
    along = dict.fromkeys((*over[way == tie_in].tolist(), *edges))
    mine = [edge for edge in along if np.isfinite(least[edge])]
    road = graph.road
    kinds = kind_of_slots(work, np.array(mine, np.int64))
    found: dict[tuple[int, str, str], list[int]] = {}
    for edge, kind in zip(mine, kinds.tolist(), strict=True):
        side = compass_side(surfaces.centre[road[edge]], graph.lines[edge])
        found.setdefault((int(road[edge]), side, kind), []).append(edge)
    table = surfaces.table
    return tuple(
        NarrowSlot(
            str(table["road_id"].iat[row]),
            str(table["name"].iat[row] or table["road_id"].iat[row]),
            side,
            kind,
            float(least[some].min()),
            needed_m,
            float(graph.length_m[some].sum()),
        )
        for (row, side, kind), some in found.items()
    )


def tight_stretches(
    work: Groundwork, pipe: Pipe, lines: LineArray, roads: IntArray
) -> Iterator[tuple[int, shapely.LineString, float, float]]:
    """Where lines along streets run over places that the trench of a pipe does not fit.

    Yields the number of the line, the stretch of it, the most width that can be free there, and
    the width needed. ``roads`` are the rows of the streets.
    """
    needed_m = work.rates(pipe).width_m
    if needed_m is None or len(lines) == 0:
        return
    slots = slots_beside(work, lines, roads)
    width = _most_free_m(slots, _recorded_m(work)[roads])
    for number, line in enumerate(lines):
        mine = np.flatnonzero(slots.edge == number)
        step_m = line.length / max(len(mine), 1)
        tight = (width[mine] < needed_m - EQUAL_M).tolist()
        for narrow, run in groupby(range(len(mine)), key=tight.__getitem__):
            places = list(run)
            if narrow:
                part = substring(line, places[0] * step_m, (places[-1] + 1) * step_m)
                yield number, part, float(width[mine[places]].min()), needed_m


def _tight(work: Groundwork, pipe: Pipe) -> _Tight | None:
    """The places that are too narrow for a pipe's trench; None where there are none.

    A pipe of unknown size has a trench of unknown width, and fits wherever it may.
    """
    needed_m = work.rates(pipe).width_m
    if needed_m is None:
        return None
    limit_m = float(ceil(needed_m))
    key = ("tight slots", limit_m)
    if key not in work.kept:
        work.kept[key] = _tight_places(work, limit_m)
    tight: _Tight = work.kept[key].below(needed_m - EQUAL_M)
    return tight if len(tight.edge) else None


def _tight_places(work: Groundwork, limit_m: float) -> _Tight:
    """Cross-sections of the edges that can be narrower than a limit, and no others."""
    graph = work.corridors.graph
    room_m = _recorded_rooms_m(work)
    edges = np.flatnonzero(_may_be_narrow(work, room_m, limit_m))
    road = graph.road
    slots = slots_beside(work, graph.lines[edges], road[edges])
    point = stations(graph.lines[edges], np.arange(len(edges)))[1]
    width = _most_free_m(slots, room_m[edges])
    tight = width < limit_m
    return _Tight(limit_m, edges[slots.edge[tight]], width[tight], point[tight])


def tight_after(
    before: Groundwork, part: Groundwork, near: IntArray, number: IntArray, *, stand: bool
) -> Kept:
    """The tight places that a groundwork keeps, as they are after an edit.

    Of the edges ``near`` the edit they are looked for anew, in the ``part`` of nothing else, but
    where all ``stand``; ``number`` is that of every edge from before, -1 for one that is gone.
    """
    found = {key: told for key, told in list(before.kept.items()) if isinstance(told, _Tight)}
    if stand or not found:
        part.kept.update({key: told.among(near) for key, told in found.items()})
        return found
    every = _tight_places(part, max(told.limit_m for told in found.values()))
    for key, told in found.items():
        edge, anew = number[told.edge], every.below(told.limit_m)
        stays = (edge >= 0) & ~np.isin(edge, near)
        part.kept[key] = anew
        found[key] = _Tight(
            told.limit_m,
            np.concatenate([edge[stays], near[anew.edge]]),
            np.concatenate([told.width_m[stays], anew.width_m]),
            np.concatenate([told.point[stays], anew.point]),
        )
    return found


def _most_free_m(slots: Slots, recorded_m: FloatArray) -> FloatArray:
    """The most that can be free of bodies in each cross-section.

    Of two records of the same ground the roomier is believed: a drawn carriageway, and widths.
    """
    return slots.between_bodies_m(np.maximum(slots.most_room_m, recorded_m[slots.edge]))


def _recorded_rooms_m(work: Groundwork) -> FloatArray:
    """Kerb to red line of every edge by the road's recorded widths, infinite where unknown."""
    road = work.corridors.graph.road
    return np.asarray(_recorded_m(work)[np.where(has_slot(work), road, -1)])


def _recorded_m(work: Groundwork) -> FloatArray:
    """Kerb to red line of every road by its recorded widths, and of none: infinite if unknown."""
    return np.append(work.corridors.surfaces.beside_m, np.inf)


def _may_be_narrow(work: Groundwork, room_m: FloatArray, limit_m: float) -> NDArray[np.bool_]:
    """Edges whose room is below a limit, or can be once the lines near it have taken theirs.

    Bodies of a total width b and a count n leave a gap of at least (room - b) / (n + 1).
    """
    graph, existing = work.corridors.graph, existing_lines(work)
    known = np.flatnonzero(np.isfinite(room_m))
    count, taken = np.zeros(len(room_m)), np.zeros(len(room_m))
    if len(known):
        bodies, tree = existing.bodies
        row, number = tree.query(
            graph.lines[known],
            predicate="dwithin",
            distance=room_m[known] + work.corridors.setback_m,
        )
        body = bodies[number]
        count += np.bincount(known[row], minlength=len(room_m))
        taken += np.bincount(known[row], 2 * existing.certain_m[body], minlength=len(room_m))
    finite = np.where(np.isfinite(room_m), room_m, 0.0)
    return np.isfinite(room_m) & (finite - taken < limit_m * (count + 1))
