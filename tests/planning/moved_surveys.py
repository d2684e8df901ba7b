"""What a route would measure if the survey had erred: every feature moved, the line rebuilt.

An oracle for ``planning.spreads`` that shares nothing with it but the assumptions: errors are
normal, half a tolerance is their standard deviation east and north; those of a layer are partly
common to all its features, by a share drawn anew for every trial. Kerbs move each for itself; the
line keeps its topology: it follows the kerbs, round the corners of two streets both, drops a square
onto the moved main, and its last foot slides along the strip to below the moved red line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from planning.groundwork import Groundwork
from planning.judged_routes import Route

Array = NDArray[np.float64]


@dataclass
class Errors:
    """Random displacements of the features of one survey, n trials at once."""

    work: Groundwork
    rng: np.random.Generator
    n: int
    scale: float = 1.0

    def __post_init__(self) -> None:
        self._common: dict[str, Array] = {}
        self._own: dict[tuple[Any, ...], Array] = {}
        self._share = self.rng.random((self.n, 1))

    def of(self, layer: str, *key: Any, tolerance: float) -> Array:
        """Displacement (n, 2) of one feature; the same at every call."""
        normal = self.rng.standard_normal
        common = self._common.setdefault(layer, normal((self.n, 2)))
        own = self._own.setdefault((layer, *key), normal((self.n, 2)))
        mixed = np.sqrt(self._share) * common + np.sqrt(1 - self._share) * own
        return mixed * tolerance / 2 * self.scale


@dataclass
class Moved:
    """One route under n trials."""

    work: Groundwork
    utility: str
    parcel_id: str
    route: Route
    errors: Errors

    def tolerance(self, layer: str, feature_id: str) -> float:
        return float(self.work.tolerances.of_layer(layer)[feature_id])

    def kerb(self, road: int, side: int) -> Array:
        name = str(self.work.corridors.surfaces.table["road_id"].iat[road])
        tolerance = self.tolerance("roads", name)
        return self.errors.of("roads", name, side, tolerance=tolerance)

    def beside(self, point: Array) -> Array:
        """Displacement of the kerb of the nearest road on the side of the point."""
        centre = self.work.corridors.surfaces.centre
        road = int(shapely.STRtree(centre).nearest(shapely.Point(point)))
        return self.kerb(road, side_of(centre[road], point))

    def bend(self, base: Array, number: int) -> Array:
        """Displacement of a bend: where the strips of two roads meet it stays on both."""
        before, after = base[number] - base[number - 1], base[number + 1] - base[number]
        roads, moved = [], []
        for step in (-1, 1):
            middle = (base[number] + base[number + step]) / 2
            roads.append(int(shapely.STRtree(self._centre).nearest(shapely.Point(middle))))
            moved.append(self.kerb(roads[-1], side_of(self._centre[roads[-1]], middle)))
        normal = np.array([[-one[1], one[0]] / np.hypot(*one) for one in (before, after)])
        if roads[0] == roads[1] or abs(np.linalg.det(normal)) <= 0.3:
            return self.beside(base[number])
        off = np.stack([moved[0] @ normal[0], moved[1] @ normal[1]])
        return np.asarray(np.linalg.solve(normal, off).T)

    @property
    def _centre(self) -> NDArray[Any]:
        return self.work.corridors.surfaces.centre

    def lines(self) -> Array:
        """The rebuilt line as (n, vertices, 2)."""
        base = shapely.get_coordinates(self.route.line)
        moved = np.repeat(base[None], self.errors.n, axis=0)
        for number in range(1, len(base) - 1):
            moved[:, number] += self.bend(base, number)
        parcel = self.tolerance("parcels", self.parcel_id)
        moved[:, -1] += self.errors.of("parcels", self.parcel_id, tolerance=parcel)
        place = self.work.tie_ins(self.utility).table.iloc[self.route.way.tie_in]
        layer = "lines" if place["kind"] == "line" else "nodes"
        tolerance = self.tolerance(layer, str(place["feature_id"]))
        moved[:, 0] += self.errors.of(layer, str(place["feature_id"]), tolerance=tolerance)
        if len(base) > 2:
            _slide(moved, base, -1)
            if layer == "nodes":
                _slide(moved[:, ::-1], base[::-1], -1)
        if layer == "lines":
            self._drop_onto_main(moved, base, str(place["feature_id"]))
        return moved

    def _drop_onto_main(self, moved: Array, base: Array, line_id: str) -> None:
        """The first point is the foot on the moved main, if it was a square foot before."""
        main = self.work.survey.tables["lines"].geometry[line_id]
        along = direction_of(main, base[0])
        first = base[1] - base[0]
        if np.hypot(*first) == 0 or abs(along @ first) > 0.1 * np.hypot(*first):
            return
        step = ((moved[:, 1] - moved[:, 0]) * along).sum(axis=1)
        moved[:, 0] += step[:, None] * along

    def at_road_end(self) -> bool:
        """Whether the network is joined beside the end of a road, which is no kerb."""
        start, centre = shapely.get_point(self.route.line, 0), self.work.corridors.surfaces.centre
        on = shapely.line_locate_point(centre, start)
        near = shapely.distance(centre, start) < 10.0
        at_end = (on < 2.0) | (on > shapely.length(centre) - 2.0)
        return bool((near & at_end).any())

    def kerb_m(self, lines: Array) -> tuple[Array, Array]:
        """Lengths inside the moved carriageways of city roads, kerb and red-line equivalent."""
        surfaces = self.work.corridors.surfaces
        city = np.array(self.work.ground.is_city_road, object) != False  # noqa: E712
        near = shapely.STRtree(surfaces.carriageway).query(self.route.line, "dwithin", 6.0)
        shapes = shapely.linestrings(lines)
        total, red = np.zeros(self.errors.n), np.zeros(self.errors.n)
        taken = np.full(self.errors.n, shapely.Polygon(), object)
        width = surfaces.table["carriageway_width_m"].to_numpy(float)
        for road in sorted(near.tolist(), key=lambda r: (-width[r], r)):
            area, wide, red_wide = self._carriageway(road)
            inside = shapely.length(shapely.difference(shapely.intersection(shapes, area), taken))
            taken = shapely.union(taken, area)
            if city[road]:
                total += inside
                red += np.where(inside > 0, inside * red_wide / wide, 0.0)
        return total, red

    def _carriageway(self, road: int) -> tuple[NDArray[Any], Array, Array]:
        """Carriageway between the moved kerbs, its width and that between the red lines."""
        surfaces = self.work.corridors.surfaces
        half = float(surfaces.table["carriageway_width_m"].iat[road]) / 2
        centre = surfaces.centre[road]
        left, right = (
            shapely.get_coordinates(centre.offset_curve(d, join_style="mitre"))
            for d in (half, -half)
        )
        one, two = self.kerb(road, 1), self.kerb(road, -1)
        ring = np.concatenate(
            [left[None] + one[:, None], (right[None] + two[:, None])[:, ::-1]], axis=1
        )
        here = shapely.get_coordinates(self.route.line).mean(axis=0)
        along = direction_of(centre, here)
        normal = np.array([-along[1], along[0]])
        wide = 2 * half + (one - two) @ normal
        tolerance = self.tolerance("roads", str(surfaces.table["road_id"].iat[road]))
        off = (
            self.errors.rng.standard_normal(self.errors.n)
            * self.errors.scale
            * tolerance
            / np.sqrt(2)
        )
        red = float(surfaces.table["red_line_width_m"].iat[road]) + off
        return shapely.buffer(shapely.polygons(ring), 0.0), wide, red

    def green_m2(self, lines: Array, *, grown: bool) -> Array:
        """Greenery in the strip; greens are shifted, or grown all along their edges."""
        green = self.work.survey.tables["green"]
        width = self.route.strip.area / self.route.line.length
        strips = shapely.buffer(
            shapely.linestrings(lines), width / 2, cap_style="flat", join_style="mitre",
            mitre_limit=2.0,
        )  # fmt: skip
        near = shapely.STRtree(green.geometry.array).query(self.route.strip, "dwithin", 8.0)
        union = np.full(self.errors.n, shapely.Polygon(), object)
        for number in near:
            name = str(green.index[number])
            move = self.errors.of("green", name, tolerance=self.tolerance("green", name))
            shape = np.full(self.errors.n, green.geometry.iloc[number], object)
            if grown:
                shape = shapely.buffer(shape, move[:, 0], join_style="mitre")
            else:
                shape = shapely.transform(shape, lambda xy: xy)
                shape = np.array(
                    [shapely.affinity.translate(s, *m) for s, m in zip(shape, move, strict=True)]
                )
            union = shapely.union(union, shape)
        return np.asarray(shapely.area(shapely.intersection(strips, union)))


def _slide(moved: Array, base: Array, end: int) -> None:
    """Feet that were square below the last point slide along their strips to be so again.

    All over which the line runs straight on do, down to the one where it bends.
    """
    for foot in range(end - 1, -len(base), -1):
        out, strip = base[foot + 1] - base[foot], base[foot - 1] - base[foot]
        share = (out @ strip) / (np.hypot(*out) * np.hypot(*strip))
        if -0.995 < share < -0.1 or share > 0.1:
            return
        along = np.array([-out[1], out[0]]) / np.hypot(*out)
        step = ((moved[:, end] - moved[:, foot]) * along).sum(axis=1)
        moved[:, foot] += step[:, None] * along
        if share >= -0.1:
            return


def direction_of(line: shapely.LineString, point: Array) -> Array:
    """Direction of a line where it is nearest to a point."""
    at = line.project(shapely.Point(point))
    ahead, behind = line.interpolate(at + 0.2), line.interpolate(max(at - 0.2, 0.0))
    step = np.array([ahead.x - behind.x, ahead.y - behind.y])
    return np.asarray(step / np.hypot(*step))


def side_of(line: shapely.LineString, point: Array) -> int:
    """1 on the left of a line, -1 on its right."""
    foot = line.interpolate(line.project(shapely.Point(point)))
    along, away = direction_of(line, point), point - np.array([foot.x, foot.y])
    return int(np.sign(along[0] * away[1] - along[1] * away[0]))
