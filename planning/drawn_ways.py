"""Lines that a person drew, traced as ways are: what of them is cut open, what they cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely

from planning.corridors import Corridors
from planning.judged_routes import Route
from planning.road_surfaces import Crossed
from planning.route_edges import ON_EDGE_M
from planning.routes import DrawnWay, Routes, measure_lines, trace_bored
from planning.tie_ins import TieIns


def trace_drawn(
    corridors: Corridors, way: DrawnWay, line: shapely.LineString, bored: tuple[int, ...]
) -> Routes:
    """A drawn line as one traced route; ``bored`` are the edges along it that are not cut open."""
    cut = shapely.difference(line, shapely.union_all(_widened(corridors, bored))) if bored else line
    return replace(
        measure_lines(corridors, [way], np.array([line], object)),
        bored=[bored],
        cut=np.array([cut], object),
    )


def _widened(corridors: Corridors, edges: tuple[int, ...]) -> Any:
    return shapely.buffer(corridors.graph.lines[list(edges)], ON_EDGE_M, cap_style="flat")


def traced_again(corridors: Corridors, tie_ins: TieIns, routes: Sequence[Route]) -> Routes:
    """Judged routes as they were traced, found or drawn."""
    if not any(isinstance(route.way, DrawnWay) for route in routes):
        ways, bored = [route.way for route in routes], [route.bored for route in routes]
        return trace_bored(corridors, tie_ins, ways, bored)
    return routes_together(
        [
            trace_drawn(corridors, route.way, route.line, route.bored)
            if isinstance(route.way, DrawnWay)
            else trace_bored(corridors, tie_ins, [route.way], [route.bored])
            for route in routes
        ]
    )


def routes_together(parts: Sequence[Routes]) -> Routes:
    """Traced routes one after the other."""
    starts = np.cumsum([0, *(len(part.ways) for part in parts)])
    crossed = [
        part.crossed._replace(line=part.crossed.line + start)
        for part, start in zip(parts, starts.tolist(), strict=False)
    ]
    return Routes(
        [way for part in parts for way in part.ways],
        np.concatenate([part.lines for part in parts]),
        {
            name: np.concatenate([part.measured[name] for part in parts])
            for name in parts[0].measured
        },
        Crossed.joined(crossed),
        [edges for part in parts for edges in part.bored],
        np.concatenate([part.cut for part in parts]),
    )
