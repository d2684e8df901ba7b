"""The ground under pieces of routes: what the layers tell of each piece, whoever lays what in it.

Corridor edges, cut open or bored, and ways to tie-ins are measured as if each were a whole route.
What their lines tell is the same for every trench; the rest hangs on the width of the trench
alone: all demands of one width share it, on any day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from gis.overlay import inside_union
from gis.patched_tree import Tree
from planning.application import Demand
from planning.facts import Along, Place, along_of, green_inside, places_of, road_facts, trees_in
from planning.groundwork import Groundwork
from planning.judged_routes import line_figures, strips_of_width
from planning.routes import Routes, Way, measure_lines

LINE_FIGURES = ("length_m", "kerb_m", "red_line_m", "longest_kerb_m")
FIGURES = (*LINE_FIGURES, "green_m2", "trees")
_GREEN = FIGURES.index("green_m2")
NOTHING = shapely.LineString()
CUT, BORED = "cut", "bored"
# Edges to be cut open are measured by squares of this side: few asks, and little that nobody needs.
_SQUARE_M = 400.0


@dataclass
class PieceLines:
    """Pieces of one kind by number: what their lines tell, whatever the width of a trench.

    ``of`` tells the kind: edges of the corridor graph, cut open (``CUT``) or bored (``BORED``),
    or the ways to the tie-ins of a utility. ``figures`` are ``LINE_FIGURES``, ``along`` what
    ``along_of`` tells but for numbers of edges, ``cut`` what is cut open of each; they are known
    where ``known`` says so.
    """

    work: Groundwork
    of: str
    known: NDArray[np.bool_] = field(init=False)
    figures: FloatArray = field(init=False)
    along: NDArray[Any] = field(init=False)
    cut: LineArray = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.lines)
        self.known = np.zeros(count, bool)
        self.figures = np.zeros((count, len(LINE_FIGURES)))
        self.along, self.cut = np.empty(count, object), np.empty(count, object)

    def __len__(self) -> int:
        return len(self.known)

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

    def ask(self, numbers: IntArray) -> None:
        """Measure those of some pieces that were not measured yet, edges with their neighbours."""
        fresh = np.unique(numbers[~self.known[numbers]])
        if len(fresh) == 0:
            return
        if self.of == CUT:
            fresh = self._with_neighbours(fresh)
        routes = self._routes(fresh)
        figures = line_figures(self.work, routes)
        self.figures[fresh] = np.stack([figures[name] for name in LINE_FIGURES], axis=1)
        for number, one in zip(fresh.tolist(), along_of(self.work.ground, routes), strict=True):
            self.along[number] = one._replace(bored=())
        self.cut[fresh] = routes.cut
        self.known[fresh] = True

    def along_with_numbers(self, numbers: IntArray) -> list[Along]:
        """What ``along_of`` tells of pieces, with the numbers that bored edges have now."""
        told: list[Along] = self.along[numbers].tolist()
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
        return np.union1d(edges, near[inside & ~self.known[near]])

    def _square(self, edges: IntArray) -> IntArray:
        """The square (k, 2) that each of some edges begins in."""
        graph = self.work.corridors.graph
        square: IntArray = np.floor(graph.node_xy[graph.ends[edges, 0]] / _SQUARE_M).astype(
            np.int64
        )
        return square

    def take(self, other: PieceLines, numbers: IntArray, mine: IntArray) -> None:
        """Take over what others tell of pieces with some numbers; ``mine`` are their numbers here.

        Only those may be taken that stand as they stood.
        """
        self.known[mine] = True
        self.figures[mine] = other.figures[numbers]
        self.along[mine] = other.along[numbers]
        self.cut[mine] = other.cut[numbers]

    def _routes(self, numbers: IntArray) -> Routes:
        corridors, lines = self.work.corridors, self.lines[numbers]
        if self.of not in (CUT, BORED):
            lines[shapely.length(lines) == 0] = NOTHING
            return measure_lines(corridors, [Way(-1, (), -1, 0.0)] * len(lines), lines)
        ways = [Way(-1, (edge,), -1, 0.0) for edge in numbers.tolist()]
        if self.of == CUT:
            return measure_lines(corridors, ways, lines)
        carried = corridors.graph.kind[numbers] == "carrier"
        routes = measure_lines(corridors, ways, np.where(carried, NOTHING, lines))
        return replace(
            routes.measuring(length_m=shapely.length(lines)),
            lines=lines,
            bored=[way.edges for way in ways],
            cut=np.full(len(lines), NOTHING, object),
        )


@dataclass(eq=False)
class PieceRows:
    """What the layers tell of pieces under a trench of one width: a row for each that was measured.

    Rows are only added. Groundworks before and after an edit share them: pieces that the edit does
    not reach keep their rows, those that it does get new ones.
    """

    figures: FloatArray = field(default_factory=lambda: np.zeros((0, len(FIGURES))))
    kind: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
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
            self.figures = np.concatenate([self.figures, figures])
            self.kind = np.concatenate([self.kind, np.array(kinds, np.int64)])
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
        return np.isin(self.kind, list(self.kinds_on(roads)))

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
class PieceGround:
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

    def rows(self, numbers: IntArray) -> IntArray:
        """Rows of pieces, in order."""
        rows = self._row[numbers]
        if (rows < 0).any():
            self._measure(np.unique(numbers[rows < 0]))
            rows = self._row[numbers]
        return rows

    def _measure(self, numbers: IntArray) -> None:
        lines, ground = self.lines, self.work.ground
        lines.ask(numbers)
        along = lines.along_with_numbers(numbers)
        bored = [one.bored for one in along]
        working = strips_of_width(self.work, self.width_m, lines.cut[numbers], bored)
        touched, green_m2 = green_inside(ground, working)
        trees = trees_in(ground, working)
        figures = np.column_stack([lines.figures[numbers], green_m2, trees])
        places = places_of(ground, along, working, touched)
        self._row[numbers] = self.told.add(figures, places, working)

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
        return strip_m + pit_m + settings.ancient_tree_zone_m

    def after(
        self, lines: PieceLines, numbers: IntArray, mine: IntArray, roads: IntArray
    ) -> PieceGround:
        """The same after an edit, where pieces that stand keep their rows.

        ``numbers`` are those that they had, ``mine`` those that they have among ``lines``;
        ``roads`` are those of which something else is told now.
        """
        ground = PieceGround(lines, self.width_m, self.told, self._dated_without(roads))
        ground._row[mine] = self._row[numbers]
        return ground


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
