"""No-dig areas 禁挖区, ancient trees, protected greenery: where a line may not or should not run.

An area in force on the day of digging bars every edge and tie-in way whose working strip enters it.
The protection zones of ancient trees and protected greenery bar too, as long as any other way
exists: where there is none, the line runs through and its verdict says so (guard ``ancient_tree``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import IntArray, LineArray, distinct
from gis.overlay import CONTACT_TOLERANCE_M, enters, strips
from gis.patched_tree import Tree
from layers.survey import Survey
from planning.ancient_trees import ancient_trees
from planning.comparisons import day, is_true, is_unknown
from planning.narrow_slots import may_lack_room, narrow_slots
from planning.policy_model import Policy

if TYPE_CHECKING:
    from planning.external_lines import ExternalLine
    from planning.groundwork import Groundwork, Site

_QUAD_SEGS = 16
# Reasons that closed ground may be behind; the others stand whatever is closed.
_MAY_BE_CLOSED = ("disconnected", "no_tie_in", "no_size_match", "no_fall", "no_cover")


@dataclass(frozen=True)
class Closed:
    """What may not be dug: rows of no-dig areas, and ``spared`` trees and protected greenery.

    Slots too narrow for a trench are closed always; ``any_width`` asks what were if they were not.
    """

    areas: tuple[int, ...] = ()
    spared: bool = False
    any_width: bool = False


OPEN = Closed()
ANY_WIDTH = Closed(any_width=True)


@dataclass(frozen=True)
class NoDigArea:
    """One no-dig area; a day that is missing leaves that end open, days that contradict each other
    tell nothing.

    ``trenchless`` is true where the layer says that lines may be bored under it.
    """

    no_dig_id: str
    reason: str | None
    from_date: date | None
    to_date: date | None
    trenchless: bool = False

    def in_force(self, on: date) -> bool:
        """Whether digging is barred on a day; both days given still bar."""
        begun = self.from_date is None or self.from_date <= on
        return self.undated or (begun and (self.to_date is None or on <= self.to_date))

    @property
    def undated(self) -> bool:
        """Whether nothing is told of when it bars: it is taken to be in force always.

        Neither is it by an end that comes before the beginning.
        """
        return self.reversed or (self.from_date is None and self.to_date is None)

    @property
    def reversed(self) -> bool:
        """Whether its days contradict each other: it would end before it begins."""
        if self.from_date is None or self.to_date is None:
            return False
        return self.to_date < self.from_date


class Drawn(Protocol):
    """Lines, such as edges and ways to tie-ins are, and their R-tree."""

    @property
    def lines(self) -> LineArray: ...

    @property
    def tree(self) -> Tree: ...


@dataclass(frozen=True)
class Closures:
    """The areas of a survey that bar or are spared, prepared once; shapes in the survey's CRS.

    ``beside_m`` is more than any working strip or pit reaches beside its line.
    """

    areas: tuple[NoDigArea, ...]
    shapes: NDArray[Any]
    spared: NDArray[Any]
    beside_m: float

    def on(self, when: date) -> tuple[int, ...]:
        """Rows of the no-dig areas in force on a day."""
        return tuple(row for row, area in enumerate(self.areas) if area.in_force(when))

    def barred(self, drawn: Drawn, width_m: float, closed: Closed) -> NDArray[np.bool_]:
        """True for lines whose working strip of a width enters what is closed.

        What is closed is little, lines are many: they are asked for by their tree, if any is.
        """
        barred = np.zeros(len(drawn.lines), bool)
        if closed.areas:
            near = _within(drawn.tree, self.shapes[list(closed.areas)], width_m / 2)
            row, line = self._entered(drawn.lines[near], width_m)
            barred[near[line[np.isin(row, closed.areas)]]] = True
        if closed.spared:
            near = _within(drawn.tree, self.spared, width_m / 2)
            strip = strips(drawn.lines[near], np.full(len(near), width_m))
            barred[near[self._spared_tree.query(strip, predicate="intersects")[0]]] = True
        return barred

    def bars_bores(self, lines: LineArray, closed: Closed) -> NDArray[np.bool_]:
        """True for bores that run under a closed area of which nobody says that they may."""
        rows = [row for row in closed.areas if not self.areas[row].trenchless]
        barred = np.zeros(len(lines), bool)
        barred[enters(lines, self.shapes[rows]).line] = True
        return barred

    def bars_pits(self, pits: NDArray[Any], closed: Closed) -> NDArray[np.bool_]:
        """True for working pits that lie in a closed area, or reach spared trees and greenery."""
        barred = np.zeros(len(pits), bool)
        shapes = self.shapes[list(closed.areas)]
        pit, row = shapely.STRtree(shapes).query(pits, predicate="intersects")
        shared = shapely.area(shapely.intersection(pits[pit], shapes[row]))
        barred[pit[shared > CONTACT_TOLERANCE_M]] = True
        if closed.spared:
            barred[self._spared_tree.query(pits, predicate="intersects")[0]] = True
        return barred

    def near_spared(self, places: NDArray[Any], reach_m: float) -> NDArray[np.bool_]:
        """True for places that a route up to a length may lead from to what is spared.

        Strips and pits lie no farther beside a route than ``beside_m``.
        """
        if not np.isfinite(reach_m):
            return np.full(len(places), len(self.spared) > 0)
        near = np.zeros(len(places), bool)
        within = self._spared_tree.query(
            places, predicate="dwithin", distance=reach_m + self.beside_m
        )
        near[within[0]] = True
        return near

    def entered(self, lines: LineArray, width_m: float, closed: Closed) -> tuple[str, ...]:
        """Ids of the closed no-dig areas that the working strips of lines enter, as imported."""
        row, _ = self._entered(lines, width_m)
        rows = np.unique(row[np.isin(row, closed.areas)]).tolist()
        return tuple(self.areas[one].no_dig_id for one in rows)

    def entered_by(self, strip: shapely.Geometry | None, closed: Closed) -> tuple[str, ...]:
        """Ids of the closed no-dig areas that a working strip, drawn already, enters."""
        if strip is None:
            return ()
        shared = shapely.area(shapely.intersection(self.shapes[list(closed.areas)], strip))
        rows = np.array(closed.areas, int)[shared > CONTACT_TOLERANCE_M]
        return tuple(self.areas[row].no_dig_id for row in rows.tolist())

    def _entered(self, lines: LineArray, width_m: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """Pairs of area and line that share more ground than a contact."""
        line, row = self._tree.query(lines, predicate="dwithin", distance=width_m / 2)
        strip = strips(lines[line], np.full(len(line), width_m))
        shared = shapely.area(shapely.intersection(strip, self.shapes[row]))
        kept = shared > CONTACT_TOLERANCE_M
        return row[kept], line[kept]

    @cached_property
    def _spared_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.spared)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    @cached_property
    def by_id(self) -> Mapping[str, NoDigArea]:
        return {area.no_dig_id: area for area in self.areas}


def _within(tree: Tree, shapes: NDArray[Any], distance_m: float) -> IntArray:
    """Which geometries of a tree are within a distance of any shape, ascending."""
    return distinct(tree.query(shapes, predicate="dwithin", distance=distance_m)[1])


def closures_of(survey: Survey, policy: Policy) -> Closures:
    """Collect the areas; layers that were never imported bar nothing.

    Spared are trees known to be ancient, with what is known of their zones, and greenery known to
    be protected, with ``protected_green_buffer_m`` (planning settings of the policy).
    """
    table = survey.get("no_dig")
    areas: list[NoDigArea] = []
    if table is not None:
        # Stored before they were fields, columns are missing: nobody said anything.
        told_of = table.reindex(columns=["reason", "from_date", "to_date", "trenchless"])
        columns = [told_of[name] for name in told_of]
        for key, reason, start, end, trenchless in zip(table.index, *columns, strict=True):
            told = None if is_unknown(reason) else str(reason)
            areas.append(NoDigArea(str(key), told, day(start), day(end), is_true(trenchless)))
    shapes = np.zeros(0, object) if table is None else np.asarray(table.geometry.array)
    return Closures(tuple(areas), shapes, _spared(survey, policy), policy.planning.max_snap_m)


def _spared(survey: Survey, policy: Policy) -> NDArray[Any]:
    trees, green = survey.get("trees"), survey.get("green")
    shapes: list[NDArray[Any]] = [np.zeros(0, object)]
    if trees is not None:
        ancient = ancient_trees(trees, policy.planning)
        known = np.flatnonzero(ancient.is_ancient == True)  # noqa: E712
        # The circle lies inside the polygon, not the polygon inside the circle.
        radius = ancient.least_m[known] / np.cos(np.pi / (4 * _QUAD_SEGS))
        shapes.append(shapely.buffer(ancient.trunks[known], radius, quad_segs=_QUAD_SEGS))
    if green is not None:
        protected = np.asarray(green.geometry.array)[(green["kind"] == "protected").to_numpy()]
        margin = policy.planning.value("protected_green_buffer_m")
        shapes.append(shapely.buffer(protected, margin, join_style="mitre"))
    return np.concatenate(shapes)


Solve = Callable[["Groundwork", Sequence["Site"]], "dict[str, ExternalLine]"]


def solve_around(work: Groundwork, sites: Sequence[Site], solve: Solve) -> dict[str, ExternalLine]:
    """Solve sites where digging is open on their days; every site gets an answer, by its key.

    A site that only slots too narrow for the trench keep from its network is unroutable with reason
    ``no_room`` and the slots that bar the cheapest way.

    Ancient trees and protected greenery are kept clear of wherever a way does so. A site that only
    no-dig areas keep from its network is unroutable with reason ``no_dig`` and the areas that bar
    the cheapest way.
    """
    lines: dict[str, ExternalLine] = {}
    for areas, group in _by_areas(work.closures, sites):
        for ground in work.tried(areas):
            lines.update(solve(ground, group))
            group = [site for site in group if lines[site.key].reason in _MAY_BE_CLOSED]
            if not group:
                break
        if group and areas:
            barred = _barred(work, areas, lines, solve(work.under(OPEN), group))
            lines.update(barred)
            group = [site for site in group if barred[site.key].reason in _MAY_BE_CLOSED]
        lines.update(_without_room(work, lines, group, solve))
    return lines


def _by_areas(
    closures: Closures, sites: Iterable[Site]
) -> Iterable[tuple[tuple[int, ...], list[Site]]]:
    groups: dict[tuple[int, ...], list[Site]] = defaultdict(list)
    for site in sites:
        groups[closures.on(site.application.dig_date)].append(site)
    return groups.items()


def _barred(
    work: Groundwork,
    areas: tuple[int, ...],
    unroutable: Mapping[str, ExternalLine],
    on_open_ground: Mapping[str, ExternalLine],
) -> dict[str, ExternalLine]:
    """Unroutable lines with the reason that remains were nothing barred, or the areas that bar."""
    lines = {}
    for key, line in on_open_ground.items():
        if line.status == "routed" and line.demand is not None:
            way = line.routes["cheapest"].way
            pieces = [
                work.tie_ins(line.utility).lines[way.tie_in],
                *work.corridors.graph.lines[list(way.edges)],
            ]
            width_m = work.strip_width_m(line.demand.pipe)
            names = work.closures.entered(np.array(pieces, object), width_m, Closed(areas))
            line = replace(unroutable[key], reason="no_dig", no_dig=names)
        lines[key] = line
    return lines


def _without_room(
    work: Groundwork,
    unroutable: Mapping[str, ExternalLine],
    sites: Sequence[Site],
    solve: Solve,
) -> dict[str, ExternalLine]:
    """Unroutable lines, all of one demand, that a way would reach if the trench fitted it."""
    demand = unroutable[sites[0].key].demand if sites else None
    if demand is None or not may_lack_room(work, demand.pipe):
        return {}
    lines = {}
    for key, line in solve(work.under(ANY_WIDTH), sites).items():
        if line.status == "routed" and line.demand is not None:
            way = line.routes["cheapest"].way
            narrow = narrow_slots(work, line.demand.pipe, way.tie_in, way.edges)
            if narrow:
                lines[key] = replace(unroutable[key], reason="no_room", narrow=narrow)
    return lines
