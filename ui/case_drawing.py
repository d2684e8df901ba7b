"""The case in hand as the map draws it: parcel, routes in lanes, shared trench, marks.

Takes the plan's JSON (projected coordinates) and gives plain lists in (latitude, longitude).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from gettext import gettext as _
from typing import Any

from pyproj import Transformer
from shapely.geometry import LineString, MultiLineString, shape
from shapely.ops import linemerge

from api.escape import esc
from layers.utilities import Utility

LANE_PX = 4.5  # lines of one trench stand this far apart on the screen
_WEIGHT_PX = 3.5

Point = tuple[float, float]


def case_drawing(
    plan: Mapping[str, Any] | None,
    utilities: Mapping[str, Utility],
    *,
    joint: bool,
    chosen: str | None = None,
    strips: bool = False,
    focus: str = "",
    gently: bool = False,
) -> dict[str, Any]:
    """Everything of a plan that the map shows.

    Parameters
    ----------
    plan
        The plan's JSON; None gives an empty drawing.
    joint
        Draw the shared trench instead of the separate routes, if the plan has one.
    chosen
        Utility under inspection; the others are drawn fainter.
    strips
        Draw the working strips too.
    focus
        Name of the view asked for; the map moves once for each new name.
    gently
        Move only if the case is not wholly in view.
    """
    empty: dict[str, Any] = {
        "parcel": None, "routes": [], "bands": [], "crossings": [], "strips": [], "rings": [],
        "ends": [], "bounds": None, "focus": focus, "gently": gently,
    }
    if plan is None:
        return empty
    place = _Placer(plan["crs"])
    routed = [item for item in plan["utilities"] if item["status"] == "routed"]
    routes = {item["utility"]: recommended(item) for item in routed}
    paths = joint_paths(plan) if joint and plan.get("joint") else {}
    paths = {key: paths.get(key) or _line(route["geometry"]) for key, route in routes.items()}
    lanes = in_lanes(paths, list(utilities))
    drawing = {
        **empty,
        "parcel": _parcel(plan, place),
        "routes": [
            {"utility": key, "points": place.lane(lanes[key]), "weight": _WEIGHT_PX,
             "colour": utilities[key].colour, "dash": utilities[key].dash or None,
             "faint": chosen is not None and key != chosen,
             "label": _route_label(key, plan, routes[key], utilities)}
            for key in utilities if key in paths
        ],
        "crossings": [
            {"points": place.line(line)} for key in routes
            if not joint or not plan.get("joint")
            for crossing in routes[key].get("crossings", [])
            for line in _lines(crossing.get("geometry"))
        ],
        "rings": [
            {"at": place.point(paths[key][0]), "colour": utilities[key].colour,
             "label": _tie_in_label(key, routes[key], utilities)}
            for key in utilities if key in paths
        ],
        "ends": [{"at": at} for at in sorted({place.point(path[-1]) for path in paths.values()})],
    }
    if joint and plan.get("joint"):
        drawing["bands"] = [
            {"points": place.line(line), "width": LANE_PX * (len(segment["utilities"]) + 1) + 6}
            for segment in plan["joint"]["segments"] if len(segment["utilities"]) > 1
            for line in _lines(segment["geometry"])
        ]
    if strips:
        drawing["strips"] = [
            {"rings": place.rings(routes[key]["strip"]), "colour": utilities[key].colour}
            for key in routes if routes[key].get("strip")
        ]
    drawing["bounds"] = _bounds(drawing)
    return drawing


def recommended(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The recommended route of one utility of a plan."""
    routes = item["routes"]
    return next((route for route in routes if route["kind"] == item["recommended"]), routes[0])


def joint_paths(plan: Mapping[str, Any]) -> dict[str, list[Point]]:
    """Path of every utility through the shared trench, from its tie-in to the parcel.

    A path that does not join into one line is left out; its separate route is drawn then.
    """
    pieces: dict[str, list[LineString]] = {}
    for segment in plan["joint"]["segments"]:
        for key in segment["utilities"]:
            pieces.setdefault(key, []).extend(LineString(xy) for xy in _lines(segment["geometry"]))
    end_of = {item["utility"]: recommended(item)["end"]["xy"] for item in plan["utilities"]
              if item["status"] == "routed"}
    paths = {}
    for key, lines in pieces.items():
        merged = linemerge(MultiLineString(lines)) if len(lines) > 1 else lines[0]
        if merged.geom_type == "LineString":
            paths[key] = _towards(list(merged.coords), end_of.get(key))
    return paths


def in_lanes(
    paths: Mapping[str, Sequence[Point]], order: Sequence[str]
) -> dict[str, list[tuple[float, float, float]]]:
    """Each path as (x, y, pixels to the side), side by side wherever paths run together.

    All paths run towards the parcel, so one side is the same side for all of them. Runs in
    O(total vertices).
    """
    users: dict[tuple[Point, ...], list[str]] = {}
    for key in sorted(paths, key=list(order).index):
        for piece in _pieces(paths[key]):
            users.setdefault(_key_of(piece), []).append(key)
    lanes = {}
    for key, path in paths.items():
        lane: list[tuple[float, float, float]] = []
        for piece in _pieces(path):
            together = users[_key_of(piece)]
            side = (together.index(key) - (len(together) - 1) / 2) * LANE_PX
            for x, y in piece:
                if not lane or lane[-1] != (x, y, side):
                    lane.append((x, y, side))
        lanes[key] = lane
    return lanes


class _Placer:
    """Projected coordinates to the map's (latitude, longitude), seven decimals."""

    def __init__(self, crs: str) -> None:
        self._to_degrees = Transformer.from_crs(crs, 4326, always_xy=True)

    def point(self, xy: Sequence[float]) -> tuple[float, float]:
        lon, lat = self._to_degrees.transform(xy[0], xy[1])
        return round(lat, 7), round(lon, 7)

    def line(self, path: Sequence[Sequence[float]]) -> list[tuple[float, float, float]]:
        return [(*self.point(xy), 0.0) for xy in path]

    def lane(self, lane: Sequence[tuple[float, float, float]]) -> list[tuple[float, ...]]:
        return [(*self.point(xys), xys[2]) for xys in lane]

    def rings(self, geometry: Mapping[str, Any]) -> list[list[list[tuple[float, float]]]]:
        polygons = getattr(shape(geometry), "geoms", [shape(geometry)])
        return [
            [[self.point(xy) for xy in ring.coords] for ring in (one.exterior, *one.interiors)]
            for one in polygons if one.geom_type == "Polygon"
        ]


def _parcel(plan: Mapping[str, Any], place: _Placer) -> dict[str, Any]:
    return {"rings": place.rings(plan["parcel"]["geometry"]), "label": esc(plan["parcel_id"])}


def _route_label(
    key: str, plan: Mapping[str, Any], route: Mapping[str, Any], utilities: Mapping[str, Utility]
) -> str:
    pipe = next(item["pipe"] for item in plan["utilities"] if item["utility"] == key) or {}
    return f'{esc(utilities[key].zh)} {esc(pipe.get("label"))} {route["length_m"]:.2f} m'


def _tie_in_label(
    key: str, route: Mapping[str, Any], utilities: Mapping[str, Utility]
) -> str:
    tie_in = route["tie_in"]
    where = tie_in.get("node_id") or tie_in.get("line_id")
    return f'{esc(utilities[key].zh)}{_("接入点")} {esc(where)}'


def _bounds(drawing: Mapping[str, Any]) -> list[list[float]]:
    points = [xy for polygon in drawing["parcel"]["rings"] for ring in polygon for xy in ring]
    points += [point[:2] for route in drawing["routes"] for point in route["points"]]
    lats, lons = [point[0] for point in points], [point[1] for point in points]
    return [[min(lats), min(lons)], [max(lats), max(lons)]]


def _line(geometry: Mapping[str, Any]) -> list[Point]:
    return [(xy[0], xy[1]) for xy in geometry["coordinates"]]


def _lines(geometry: Mapping[str, Any] | None) -> list[list[Point]]:
    if geometry is None:
        return []
    if geometry["type"] == "MultiLineString":
        return [[(xy[0], xy[1]) for xy in part] for part in geometry["coordinates"]]
    return [_line(geometry)]


def _pieces(path: Sequence[Point]) -> list[tuple[Point, Point]]:
    return [(a, b) for a, b in zip(path, path[1:], strict=False) if a != b]


def _key_of(piece: tuple[Point, Point]) -> tuple[Point, ...]:
    """A piece of line by its ends to the centimetre, whichever way it runs."""
    return tuple(sorted((round(x, 2), round(y, 2)) for x, y in piece))


def _towards(path: list[Point], end: Sequence[float] | None) -> list[Point]:
    if end is None:
        return path

    def gap(xy: Point) -> float:
        return (xy[0] - end[0]) ** 2 + (xy[1] - end[1]) ** 2

    return path[::-1] if gap(path[0]) < gap(path[-1]) else path
