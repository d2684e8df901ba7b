"""The ground under pieces of routes: what the layers tell of each piece, whoever lays what in it.

Corridor edges, cut open or bored, and ways to tie-ins are measured as if each were a whole route.
That hangs on the width of the trench alone: all demands of one width share it, on any day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from gis.overlay import inside_union
from planning.application import Demand
from planning.facts import Place, green_inside, places_of, road_facts
from planning.groundwork import Groundwork
from planning.judged_routes import figures_of, strips_of_width
from planning.routes import Routes, Way, measure_lines

FIGURES = ("length_m", "kerb_m", "red_line_m", "longest_kerb_m", "green_m2", "trees")
_GREEN = FIGURES.index("green_m2")
NOTHING = shapely.LineString()
CUT, BORED = "cut", "bored"


@dataclass
class PieceGround:
    """Pieces of one kind by number, measured when first asked for; each has a row from then on.

    ``of`` tells the kind: edges of the corridor graph, cut open (``CUT``) or bored (``BORED``),
    or the ways to the tie-ins of a utility.
    """

    work: Groundwork
    width_m: float | None
    of: str
    figures: FloatArray = field(default_factory=lambda: np.zeros((0, len(FIGURES))))
    kind: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    places: list[Place] = field(default_factory=list)
    _row: IntArray = field(init=False)
    _kinds: dict[Any, int] = field(default_factory=dict)
    _strips: dict[int, shapely.Geometry] = field(default_factory=dict)
    _green: dict[int, shapely.Geometry] = field(default_factory=dict)
    _dated: dict[date, dict[int, dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._row = np.full(len(self._lines), -1, np.int64)

    @property
    def _lines(self) -> LineArray:
        if self.of in (CUT, BORED):
            return self.work.corridors.graph.lines
        return self.work.tie_ins(self.of).lines

    def __len__(self) -> int:
        return len(self.kind)

    def rows(self, numbers: IntArray) -> IntArray:
        """Rows of pieces, in order."""
        fresh = np.unique(numbers[self._row[numbers] < 0])
        if len(fresh):
            self._measure(fresh)
        return self._row[numbers]

    def _measure(self, numbers: IntArray) -> None:
        routes = self._routes(numbers)
        working = strips_of_width(self.work, self.width_m, routes)
        touched, green_m2 = green_inside(self.work.ground, working)
        columns = figures_of(self.work, routes, working, green_m2)
        figures = np.stack([columns[name] for name in FIGURES], axis=1)
        places = places_of(self.work.ground, routes, working, touched)
        rows = np.arange(len(self), len(self) + len(numbers))
        self._row[numbers] = rows
        self.figures = np.concatenate([self.figures, figures])
        self.kind = np.concatenate([self.kind, [self._kind_of(place) for place in places]])
        green = np.flatnonzero(figures[:, _GREEN] > 0)
        self._strips.update(zip(rows[green].tolist(), working[green], strict=True))

    def _kind_of(self, place: Place) -> int:
        """The number of places of which the layers tell the same."""
        key = (tuple(place.roads.items()), place.beneath, tuple(place.facts.items()))
        if key not in self._kinds:
            self._kinds[key] = len(self.places)
            self.places.append(place)
        return self._kinds[key]

    def _routes(self, numbers: IntArray) -> Routes:
        corridors, lines = self.work.corridors, self._lines[numbers]
        if self.of not in (CUT, BORED):
            lines[shapely.length(lines) == 0] = NOTHING
            return measure_lines(corridors, [Way(-1, (), -1, 0.0)] * len(lines), lines)
        ways = [Way(-1, (edge,), -1, 0.0) for edge in numbers.tolist()]
        if self.of == CUT:
            return measure_lines(corridors, ways, lines)
        carried = (corridors.graph.measures["kind"] == "carrier").to_numpy()[numbers]
        routes = measure_lines(corridors, ways, np.where(carried, NOTHING, lines))
        return replace(
            routes,
            lines=lines,
            table=routes.table.assign(length_m=shapely.length(lines)),
            bored=[way.edges for way in ways],
            cut=np.full(len(lines), NOTHING, object),
        )

    def green(self, rows: IntArray) -> NDArray[Any]:
        """The part of the working strip of each piece in greenery, None where there is none."""
        wanted = [row for row in rows.tolist() if row in self._strips and row not in self._green]
        if wanted:
            strips = np.array([self._strips[row] for row in wanted], object)
            parts = inside_union(strips, self.work.corridors.green)
            self._green.update(zip(wanted, parts, strict=True))
        found = np.full(len(rows), None, object)
        found[:] = [self._green.get(row) for row in rows.tolist()]
        return found

    def facts(self, kinds: Sequence[int], on: date) -> list[Mapping[str, Any]]:
        """Facts of kinds of places dug on a day, without those of the pipe."""
        known = self._dated.setdefault(on, {})
        for kind in kinds:
            if kind not in known:
                place = self.places[kind]
                roads = road_facts(self.work.ground, place.roads, place.beneath, on)
                days = {k: tuple(v) if isinstance(v, list) else v for k, v in roads.items()}
                known[kind] = {**days, **place.facts}
        return [known[kind] for kind in kinds]


def piece_ground(work: Groundwork, demand: Demand, of: str) -> PieceGround:
    """The ground of the trench of a demand, made once for all of its width.

    The pits of a bore have one size, whatever is pulled through.
    """
    width_m = work.rates(demand.pipe).width_m
    key = ("piece ground", 0.0 if of == BORED and width_m is not None else width_m, of)
    if key not in work.kept:
        work.kept[key] = PieceGround(work, key[1], of)
    ground: PieceGround = work.kept[key]
    return ground


def ranks_filled(ranks: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """Ranks with room for more rows, -1 where none was told yet."""
    return np.concatenate([ranks, np.full(count - len(ranks), -1, np.int8)])
