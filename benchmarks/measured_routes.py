"""Figures of routes as networkx finds them, by geopandas and shapely: what a screening prints."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from planning.groundwork import Groundwork
from planning.routes import Search


class DrawnWays:
    """Lines of ways that networkx found, by their nodes from the red line to ``NETWORK``."""

    def __init__(self, work: Groundwork) -> None:
        graph = work.corridors.graph
        self._lines = graph.lines
        self._line_of = {frozenset(pair): at for at, pair in enumerate(graph.ends.tolist())}

    def lines(self, search: Search, nodes: Sequence[Any]) -> list[Any]:
        """The edges of a way, then the way to the tie-in."""
        steps = [self._line_of[frozenset(pair)] for pair in pairwise(nodes[:-1])]
        _, stub = search.starts_at(np.array(nodes[-2:-1]))
        return [*self._lines[steps], *search.tie_ins.lines[stub]]


class Layers:
    """Layers that routes are measured by, each with its spatial index."""

    def __init__(self, work: Groundwork) -> None:
        self.carriageways = gpd.GeoSeries(work.corridors.surfaces.own_area)
        self.red_lines = gpd.GeoSeries(work.ground.ground_areas)
        self.green, self.trees = (
            work.survey.tables[layer].geometry.reset_index(drop=True)
            for layer in ("green", "trees")
        )

    def figures(self, lines: list[Any], width_m: float) -> tuple[float, ...]:
        """Length, metres inside carriageways and red lines, crossings, green area and trees."""
        route = shapely.line_merge(shapely.MultiLineString(lines))
        strip = shapely.buffer(route, width_m / 2, cap_style="flat", join_style="mitre")
        inside = self.carriageways.iloc[self.carriageways.sindex.query(route)].intersection(route)
        owned = self.red_lines.iloc[self.red_lines.sindex.query(route)].intersection(route)
        green = self.green.iloc[self.green.sindex.query(strip)].intersection(strip)
        trees = self.trees.sindex.query(strip, predicate="intersects")
        crossings = shapely.get_num_geometries(inside[inside.length > 0].to_numpy()).sum()
        metres = route.length, inside.length.sum(), owned.length.sum()
        return *metres, crossings, green.area.sum(), len(trees)

    def all_figures(self, routes: NDArray[Any], width_m: float) -> tuple[Any, ...]:
        """The same of many routes, given as multi-lines, as arrays."""
        routes = shapely.line_merge(routes)
        strips = shapely.buffer(routes, width_m / 2, cap_style="flat", join_style="mitre")
        count = len(routes)
        inside, route = self._shared(self.carriageways, routes)
        pieces = np.where(shapely.length(inside) > 0, shapely.get_num_geometries(inside), 0)
        crossings, kerb_m = (
            np.bincount(route, each, count) for each in (pieces, shapely.length(inside))
        )
        owned, of_owned = self._shared(self.red_lines, routes)
        red_line_m = np.bincount(of_owned, shapely.length(owned), count)
        green, of_green = self._shared(self.green, strips)
        green_m2 = np.bincount(of_green, shapely.area(green), count)
        tree_of = self.trees.sindex.query(strips, predicate="intersects")[0]
        trees = np.bincount(tree_of, minlength=count)
        return shapely.length(routes), kerb_m, red_line_m, crossings, green_m2, trees

    def _shared(self, layer: gpd.GeoSeries, shapes: NDArray[Any]) -> tuple[Any, Any]:
        """What shapes share with the features of a layer, and whose each part is."""
        shape, feature = layer.sindex.query(shapes, predicate="intersects")
        return shapely.intersection(shapes[shape], layer.to_numpy()[feature]), shape
