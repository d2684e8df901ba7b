"""The ground under pieces of routes: what the layers tell of each piece, whoever lays what in it.

Corridor edges, cut open or bored, and ways to tie-ins are measured as if each were a whole route.
What their lines tell is the same for every trench; the rest hangs on the width of the trench
alone: all demands of one width share it, on any day.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.growing import Growing
from gis.linear import FloatArray, IntArray, LineArray, distinct
from gis.overlay import inside_union
from gis.patched_tree import Tree
from planning.application import Demand
from planning.facts import Along, Place, along_of, green_inside, places_of, road_facts, trees_in
from planning.groundwork import Groundwork
from planning.judged_routes import line_figures, strips_of_width
from planning.road_surfaces import Crossed
from planning.routes import Routes, Way, measure_lines
from planning.tie_ins import MEASURES, crossed_by

LINE_FIGURES = ("length_m", "kerb_m", "red_line_m", "longest_kerb_m")
FIGURES = (*LINE_FIGURES, "green_m2", "trees")
_GREEN = FIGURES.index("green_m2")
NOTHING = shapely.LineString()
CUT, BORED = "cut", "bored"
# Edges to be cut open are measured by squares of this side: few asks, and little that nobody needs.
_SQUARE_M = 400.0


@dataclass(eq=False)
class LineRows:
    """What the lines of pieces tell: a row for each that was measured.

    ``figures`` are ``LINE_FIGURES``, ``along`` what ``along_of`` tells but for numbers of edges,
    ``cut`` what is cut open. Rows are only added, and shared before and after an edit.
    """

    figures: Growing = field(default_factory=lambda: Growing(float, len(LINE_FIGURES)))
    along: Growing = field(default_factory=lambda: Growing(object))
    cut: Growing = field(default_factory=lambda: Growing(object))
    _adding: Lock = field(default_factory=Lock)

    def add(self, figures: FloatArray, along: NDArray[Any], cut: LineArray) -> IntArray:
        """Rows of pieces just measured, in order."""
        with self._adding:
            rows = len(self.cut) + np.arange(len(cut))
            self.figures.add(figures)
            self.along.add(along)
            self.cut.add(cut)
        return rows


class _MeasuredOnce(ABC):
    """Pieces by number that are measured when first asked for; ``_row`` is -1 until then."""

    _row: IntArray

    def rows(self, numbers: IntArray) -> IntArray:
        """Rows of pieces, in order."""
        fresh = self.unmeasured(numbers)
        if len(fresh):
            self._measure(fresh)
        return np.asarray(self._row[numbers])

    def unmeasured(self, numbers: IntArray) -> IntArray:
        """Those of some pieces that were not measured yet, each once."""
        return distinct(numbers[self._row[numbers] < 0])

    @abstractmethod
    def _measure(self, numbers: IntArray) -> None:
        """Measure some pieces, and give them rows."""


@dataclass
class PieceLines(_MeasuredOnce):
    """Pieces of one kind by number: what their lines tell, whatever the width of a trench.

    ``of`` tells the kind: edges of the corridor graph, cut open (``CUT``) or bored (``BORED``),
    or the ways to the tie-ins of a utility. Pieces are measured when first asked for; each has a
    row of ``told`` from then on.
    """

    work: Groundwork
    of: str
    told: LineRows = field(default_factory=LineRows)
    _row: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self._row = np.full(len(self.lines), -1)

    def __len__(self) -> int:
        return len(self._row)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which pieces were measured."""
        return self._row >= 0

    @property
    def lines(self) -> LineArray:
        """The lines of all pieces."""
        if self.of in (CUT, BORED):
            return self.work.corridors.graph.lines
        return self.work.tie_ins(self.of).lines

    @property
    def tree(self) -> Tree:
        """R-tree of the lines of all pieces."""
        if self.of in (CUT, BORED):
            return self.work.corridors.graph.tree
        return self.work.tie_ins(self.of).tree

    def _measure(self, numbers: IntArray) -> None:
        """Measure some pieces, edges to be cut open with their neighbours."""
        fresh = self._with_neighbours(numbers) if self.of == CUT else numbers
        routes = self._routes(fresh)
        figures, along = line_figures(self.work, routes), np.empty(len(fresh), object)
        for place, one in enumerate(along_of(self.work.ground, routes)):
            along[place] = one._replace(bored=())
        columns = np.stack([figures[name] for name in LINE_FIGURES], axis=1)
        self._row[fresh] = self.told.add(columns, along, routes.cut)

    def along(self, numbers: IntArray) -> list[Along]:
        """What ``along_of`` tells of pieces, with the numbers that bored edges have now."""
        told: list[Along] = self.told.along[self.rows(numbers)].tolist()
        if self.of != BORED:
            return told
        return [one._replace(bored=(n,)) for one, n in zip(told, numbers.tolist(), strict=True)]

    def _with_neighbours(self, edges: IntArray) -> IntArray:
        """Edges, and all of their squares that were not measured yet, ascending."""
        graph = self.work.corridors.graph
        squares = np.unique(self._square(edges), axis=0)
        west, south = squares.T * _SQUARE_M
        boxes = shapely.box(west, south, west + _SQUARE_M, south + _SQUARE_M)
        square, near = graph.tree.query(boxes)
        inside = (self._square(near) == squares[square]).all(axis=1)
        return np.union1d(edges, near[inside & (self._row[near] < 0)])

    def _square(self, edges: IntArray) -> IntArray:
        """The square (k, 2) that each of some edges begins in."""
        graph = self.work.corridors.graph
        square: IntArray = np.floor(graph.node_xy[graph.ends[edges, 0]] / _SQUARE_M).astype(
            np.int64
        )
        return square

    def take(self, other: PieceLines, before: IntArray) -> None:
        """Take over the rows of pieces that stand as they stood among others.

        ``before`` is the number that each had, -1 for those that do not.
        """
        self._row = np.append(other._row, -1)[before]

    def _routes(self, numbers: IntArray) -> Routes:
        corridors, lines, told = self.work.corridors, self.lines[numbers], self._measured(numbers)
        if self.of not in (CUT, BORED):
            lines[shapely.length(lines) == 0] = NOTHING
            return measure_lines(corridors, [Way(-1, (), -1, 0.0)] * len(lines), lines, told)
        ways = [Way(-1, (edge,), -1, 0.0) for edge in numbers.tolist()]
        routes = measure_lines(corridors, ways, lines, told)
        if self.of == CUT:
            return routes
        return replace(
            routes.measuring(length_m=shapely.length(lines)),
            bored=[way.edges for way in ways],
            cut=np.full(len(lines), NOTHING, object),
        )

    def _measured(self, numbers: IntArray) -> tuple[Mapping[str, FloatArray], Crossed]:
        """What some pieces measured and crossed when they were made."""
        measured, crossed = self._when_made
        some = {name: measured[name][numbers] for name in MEASURES}
        return some, crossed_by(crossed, numbers)

    @cached_property
    def _when_made(self) -> tuple[Mapping[str, FloatArray], Crossed]:
        """What all pieces measured and crossed when they were made."""
        if self.of not in (CUT, BORED):
            tie_ins = self.work.tie_ins(self.of)
            return tie_ins.ways._asdict(), tie_ins.crossed
        graph, table = self.work.corridors.graph, self.work.corridors.crossings
        measured = {name: graph.measures[name].to_numpy(float) for name in MEASURES}
        return measured, Crossed.of(table, table["edge"].to_numpy(np.int64))


@dataclass(eq=False)
class PieceRows:
    """What the layers tell of pieces under a trench of one width: a row for each that was measured.

    Rows are only added. Groundworks before and after an edit share them: pieces that the edit does
    not reach keep their rows, those that it does get new ones.
    """

    figures: Growing = field(default_factory=lambda: Growing(float, len(FIGURES)))
    kind: Growing = field(default_factory=lambda: Growing(np.int64))
    places: list[Place] = field(default_factory=list)
    _kinds: dict[Any, int] = field(default_factory=dict)
    _strips: dict[int, shapely.Geometry] = field(default_factory=dict)
    _green: dict[int, shapely.Geometry] = field(default_factory=dict)
    _adding: Lock = field(default_factory=Lock)

    def __len__(self) -> int:
        return len(self.kind)

    def add(self, figures: FloatArray, places: Sequence[Place], working: NDArray[Any]) -> IntArray:
        """Rows of pieces just measured, with their working strips, in order."""
        with self._adding:
            rows = np.arange(len(self), len(self) + len(figures))
            kinds = [self._kind_of(place) for place in places]
            green = np.flatnonzero(figures[:, _GREEN] > 0)
            self._strips.update(zip(rows[green].tolist(), working[green], strict=True))
            self.figures.add(figures)
            self.kind.add(np.array(kinds, np.int64))
        return rows

    def _kind_of(self, place: Place) -> int:
        """The number of places of which the layers tell the same."""
        key = (tuple(place.roads.items()), place.beneath, tuple(place.facts.items()))
        if key not in self._kinds:
            self._kinds[key] = len(self.places)
            self.places.append(place)
        return self._kinds[key]

    def kinds_on(self, roads: IntArray) -> set[int]:
        """The kinds of places that dig or may dig some roads, or lie beneath them."""
        some = set(roads.tolist())
        return {
            kind
            for kind, place in enumerate(list(self.places))
            if not some.isdisjoint((*place.roads, *place.beneath))
        }

    def touching(self, roads: IntArray) -> NDArray[np.bool_]:
        """Whether each row is a place that digs or may dig some roads, or lies beneath them."""
        return np.isin(self.kind.rows, list(self.kinds_on(roads)))

    def green(self, rows: IntArray, greenery: NDArray[Any]) -> NDArray[Any]:
        """The part of the working strip of each piece in greenery, None where there is none."""
        wanted = [row for row in rows.tolist() if row in self._strips and row not in self._green]
        if wanted:
            strips = np.array([self._strips[row] for row in wanted], object)
            self._green.update(zip(wanted, inside_union(strips, greenery), strict=True))
        found = np.full(len(rows), None, object)
        found[:] = [self._green.get(row) for row in rows.tolist()]
        return found


@dataclass
class PieceGround(_MeasuredOnce):
    """The ground under a trench of one width along pieces of one kind.

    Pieces are measured when first asked for; each has a row of ``told`` from then on.
    """

    lines: PieceLines
    width_m: float | None
    told: PieceRows = field(default_factory=PieceRows)
    _dated: dict[date, dict[int, dict[str, Any]]] = field(default_factory=dict)
    _row: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self._row = np.full(len(self.lines), -1, np.int64)

    @property
    def work(self) -> Groundwork:
        return self.lines.work

    @property
    def of(self) -> str:
        """The kind of the pieces."""
        return self.lines.of

    def _measure(self, numbers: IntArray) -> None:
        _measure_together([(self, numbers)])

    def figures(self, rows: IntArray) -> FloatArray:
        """``FIGURES`` of pieces by row."""
        return self.told.figures[rows]

    def green(self, rows: IntArray) -> NDArray[Any]:
        """The part of the working strip of each piece in greenery, None where there is none."""
        return self.told.green(rows, self.work.corridors.green)

    def facts(self, kinds: Sequence[int], on: date) -> list[Mapping[str, Any]]:
        """Facts of kinds of places dug on a day, without those of the pipe."""
        known = self._dated.setdefault(on, {})
        for kind in kinds:
            if kind not in known:
                place = self.told.places[kind]
                roads = road_facts(self.work.ground, place.roads, place.beneath, on)
                days = {k: tuple(v) if isinstance(v, list) else v for k, v in roads.items()}
                known[kind] = {**days, **place.facts}
        return [known[kind] for kind in kinds]

    def _dated_without(self, roads: IntArray) -> dict[date, dict[int, dict[str, Any]]]:
        """Facts by day and kind of place that no road of some tells anything of."""
        if len(roads) == 0:
            return self._dated
        gone = self.told.kinds_on(roads)
        return {
            day: {kind: facts for kind, facts in list(known.items()) if kind not in gone}
            for day, known in list(self._dated.items())
        }

    @property
    def reach_m(self) -> float:
        """No piece is told of by anything farther from its line."""
        settings = self.work.policy.planning
        pit_m = settings.value("trenchless_pit_length_m") + settings.value("trenchless_pit_width_m")
        strip_m = (self.width_m or 0.0) / 2 + settings.work_margin_m
        return strip_m + pit_m + self.work.ground.ancient_reach_m

    def after(self, lines: PieceLines, before: IntArray, roads: IntArray) -> PieceGround:
        """The same after an edit, where pieces that stand keep their rows.

        ``before`` is the number of each that does, -1 for others; ``roads`` are those of which
        something else is told now.
        """
        ground = PieceGround(lines, self.width_m, self.told, self._dated_without(roads))
        ground._row = np.append(self._row, -1)[before]
        return ground


def rows_of(pieces: Sequence[tuple[PieceGround, IntArray]]) -> list[IntArray]:
    """Rows of pieces of several kinds under one trench; those not measured yet are together."""
    fresh = [(ground, ground.unmeasured(numbers)) for ground, numbers in pieces]
    fresh = [(ground, numbers) for ground, numbers in fresh if len(numbers)]
    if fresh:
        _measure_together(fresh)
    return [ground.rows(numbers) for ground, numbers in pieces]


def _measure_together(pieces: Sequence[tuple[PieceGround, IntArray]]) -> None:
    """Measure pieces of several kinds under one trench: whatever is bored has pits of one size."""
    work, widths = pieces[0][0].work, {ground.width_m for ground, _ in pieces}
    width_m = None if None in widths else max(width for width in widths if width is not None)
    told = [(of.lines.told, of.lines.rows(numbers)) for of, numbers in pieces]
    along = [one for of, numbers in pieces for one in of.lines.along(numbers)]
    cut = np.concatenate([lines.cut[rows] for lines, rows in told])
    working = strips_of_width(work, width_m, cut, [one.bored for one in along])
    touched, green_m2 = green_inside(work.ground, working)
    by_lines = np.concatenate([lines.figures[rows] for lines, rows in told])
    figures = np.column_stack([by_lines, green_m2, trees_in(work.ground, working)])
    places, first = places_of(work.ground, along, working, touched), 0
    for ground, numbers in pieces:
        last = first + len(numbers)
        ground._row[numbers] = ground.told.add(
            figures[first:last], places[first:last], working[first:last]
        )
        first = last


def lines_key(of: str) -> tuple[str, str]:
    """Where a groundwork keeps what is told of the lines of pieces of one kind."""
    return "piece lines", of


def piece_ground(work: Groundwork, demand: Demand, of: str) -> PieceGround:
    """The ground of the trench of a demand, made once for all of its width.

    The pits of a bore have one size, whatever is pulled through.
    """
    width_m = work.rates(demand.pipe).width_m
    if of == BORED and width_m is not None:
        width_m = 0.0
    key, lines = ("piece ground", width_m, of), lines_key(of)
    if key not in work.kept:
        if lines not in work.kept:
            work.kept[lines] = PieceLines(work, of)
        work.kept[key] = PieceGround(work.kept[lines], width_m)
    ground: PieceGround = work.kept[key]
    return ground
