"""What pieces of routes tell is what their lines tell, measured and overlaid one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import shapely

from layers.utilities import load_utilities
from planning.facts import along_of
from planning.groundwork import Groundwork
from planning.judged_routes import line_figures
from planning.local_edits import edited
from planning.piece_ground import BORED, CUT, PieceGround, PieceLines
from planning.routes import Routes, Way, measure_lines
from tests import towns
from tests.planning.edits import moved, ready, ribbon, told
from tests.random_counties import random_county

KINDS = (CUT, BORED, *load_utilities())


def _edited(layer: str) -> Groundwork:
    surveys = {
        "roads": lambda: told(ribbon(), "roads", 1, carriageway_width_m=9.0),
        "lines": lambda: moved(ribbon(), "lines", 0, 0.3, 0.3),
    }
    return edited(ready(ribbon()), surveys[layer]()).work


GROUNDS: dict[str, Callable[[], Groundwork]] = {
    "whole": lambda: ready(ribbon()),
    "wider": lambda: _edited("roads"),
    "main moved": lambda: _edited("lines"),
    "county 3": lambda: towns.ground(random_county(3)),
    "county 8": lambda: towns.ground(random_county(8)),
}


@pytest.fixture(scope="module", params=GROUNDS)
def work(request: pytest.FixtureRequest) -> Groundwork:
    return GROUNDS[request.param]()


def _pieces(work: Groundwork, of: str) -> np.ndarray:
    graph = work.corridors.graph
    if of == BORED:
        return work.ground.bores.edge
    return (
        np.flatnonzero(graph.kind != "carrier")
        if of == CUT
        else np.arange(len(work.tie_ins(of).lines))
    )


def _as_routes(work: Groundwork, of: str, numbers: np.ndarray) -> Routes:
    """Each piece drawn as a whole route and measured as one."""
    lines = work.corridors.graph.lines if of in (CUT, BORED) else work.tie_ins(of).lines
    some = [line if line.length else shapely.LineString() for line in lines[numbers]]
    edges = [(n,) if of in (CUT, BORED) else () for n in numbers.tolist()]
    ways = [Way(-1, one, -1, 0.0) for one in edges]
    routes = measure_lines(work.corridors, ways, np.array(some, object))
    if of != BORED:
        return routes
    return replace(routes, bored=edges, cut=np.full(len(edges), shapely.LineString(), object))


def test_pieces_tell_what_their_lines_measure_as_whole_routes(work: Groundwork) -> None:
    for of in KINDS:
        numbers, lines = _pieces(work, of), PieceLines(work, of)
        rows, routes = lines.rows(numbers), _as_routes(work, of, numbers)
        measured = line_figures(work, routes)
        figures = [measured[n] for n in ("length_m", "kerb_m", "red_line_m", "longest_kerb_m")]
        np.testing.assert_allclose(lines.told.figures[rows], np.stack(figures, axis=1), atol=1e-9)
        assert lines.along(numbers) == along_of(work.ground, routes)


def test_a_bore_opens_the_roads_that_its_pits_lie_in_and_no_other(work: Groundwork) -> None:
    lines = PieceLines(work, BORED)
    ground, bores = PieceGround(lines, 0.0), work.ground.bores
    told = [ground.told.places[kind] for kind in ground.told.kind[ground.rows(bores.edge)]]
    for place, pits in zip(told, bores.pits, strict=True):
        pit, opened = shapely.union_all(pits), set()
        for land, certain in work.ground.reaches:
            inside_m2 = shapely.area(shapely.intersection(land.shapes, pit))
            opened |= {(int(road), certain) for road in np.flatnonzero(inside_m2 > 1e-3)}
        assert {road for road, _ in opened} == set(place.roads)
        assert place.facts["open_cut"] is False
        assert (place.facts["pit_in_road"] is True) == any(sure is True for _, sure in opened)
