"""The case in hand as the map draws it: parcel, routes in lanes, shared trench, marks.

Takes the plan's JSON (projected coordinates) and gives plain lists in (latitude, longitude).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import dist
from typing import Any

from pyproj import CRS
from shapely.geometry import MultiLineString, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge

from api.drawn_routes import MAX_FILE_BYTES
from api.escape import esc
from gis.crs import WGS84, transformer
from language import gettext as _
from language import spoken
from ui.numbers import metres
from ui.view import View

LANE_PX = 4.5  # lines of one trench stand this far apart on the screen
_WEIGHT_PX = 3.5
_ABOUT_M = 80.0  # what is shown round a parcel before its routes are there

Point = tuple[float, float]


def case_drawing(
    view: View | None, *, strips: bool = False, focus: str = "", gently: bool = False
) -> dict[str, Any]:
    """Everything of a case that the map shows; an empty drawing without one.

    Parameters
    ----------
    strips
        Draw the working strips too; that of the chosen line only, if one is chosen.
    focus
        Name of the view asked for; the map moves once for each new name.
    gently
        Move only if the case is not wholly in sight.
    """
    drawing: dict[str, Any] = {
        "parcel": None,
        "routes": [],
        "bands": [],
        "crossings": [],
        "strips": [],
        "rings": [],
        "ends": [],
        "spot": None,
        "bounds": None,
        "focus": focus,
        "gently": gently,
    }
    if view is None:
        return drawing
    place = Placer(view.plan["crs"])
    routes = {line["utility"]: view.route(line) for line in view.routed}
    shared = view.plan["joint"]["segments"] if view.joint else []
    seconds = {line["utility"]: other for line in view.routed if (other := view.second(line))}
    paths = {key: _path(route) for key, route in routes.items()}
    drawing |= {
        "parcel": _parcel(place, view.plan["parcel_id"], view.plan["parcel"]["geometry"]),
        "routes": [*_routes(view, place, paths), *_seconds(view, place, seconds)],
        "crossings": [
            {"points": place.line(line)}
            for route in (*routes.values(), *seconds.values())
            for crossing in route["crossings"]
            for line in courses(crossing.get("geometry"))
        ],
        "rings": [
            {
                "at": place.point(_path(route)[0]),
                "colour": view.utilities[key].colour,
                "label": _tie_in_label(view, key, route),
            }
            for key, route in (*routes.items(), *seconds.items())
        ],
        "ends": [
            {"at": at}
            for at in sorted(
                {place.point(_path(route)[-1]) for route in (*routes.values(), *seconds.values())}
            )
        ],
        "bands": [
            {"points": place.line(line), "width": LANE_PX * (len(routes) + 1) + 6}
            for segment in shared
            if len(segment["utilities"]) > 1
            for line in courses(segment["geometry"])
        ],
    }
    if strips:
        drawing["strips"] = [
            {"rings": place.rings(route["strip"]), "colour": view.utilities[key].colour}
            for key, route in (*routes.items(), *seconds.items())
            if route.get("strip") and view.chosen in (None, key)
        ]
    drawing["bounds"] = _bounds(drawing)
    return drawing


def awaited_drawing(parcel_id: str, geometry: BaseGeometry, crs: CRS) -> dict[str, Any]:
    """The parcel of a case whose plan is still to be made, and the ground about it."""
    place = Placer(crs)
    west, south, east, north = geometry.buffer(_ABOUT_M).bounds
    return case_drawing(None, focus="awaited") | {
        "parcel": _parcel(place, parcel_id, mapping(geometry)),
        "bounds": [place.point((west, south)), place.point((east, north))],
    }


def _parcel(place: Placer, parcel_id: str, geometry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rings": place.rings(geometry),
        "at": place.point(_inner_point(geometry)),
        "label": esc(parcel_id),
    }


def pen_for(view: View | None, token: str) -> dict[str, Any] | None:
    """What a route is drawn with; None without an application to keep it in."""
    if view is None or not view.plan.get("application_id") or not view.wanted:
        return None
    parcel = view.plan["parcel"]["geometry"]
    return {
        "url": "/api/drawn/",
        "token": token,
        "application_id": view.plan["application_id"],
        "language": spoken(),
        "at": Placer(view.plan["crs"]).point(_inner_point(parcel)),
        "chosen": view.chosen,
        "most_bytes": MAX_FILE_BYTES,
        "utilities": [
            {
                "key": line["utility"],
                "name": esc(view.name(line["utility"])),
                "colour": view.utilities[line["utility"]].colour,
                "feeds": (line.get("pipe") or {}).get("feeds") or 1,
                "saved": _saved(view, line),
            }
            for line in view.wanted
        ],
        "words": {
            "draw": _("画一条路由"),
            "hint": _("从接入点点到红线,或选线文件;拖动、缩放照常"),
            "file": _("线文件…"),
            "reading": _("正在读取文件…"),
            "large": _("文件超过 {} MB。请只留要核算的那一条线,另存后再选。").format(
                MAX_FILE_BYTES // 1_000_000
            ),
            "read": _("读入说明"),
            "details": _("详情"),
            "utility": _("专业"),
            "feed": _("画的是哪一路"),
            "feeds": [_("第一路"), _("第二路")],
            "undo": _("退一点"),
            "judge": _("核算"),
            "cancel": _("取消"),
            "waiting": _("正在核算…"),
            "failed": _("连接中断,没有收到答复;请重试"),
            "drawn": _("手绘路由"),
            "author": _("绘制人"),
            "note": _("备注"),
            "keep": _("保留"),
            "change": _("接着改"),
            "discard": _("放弃"),
            "close": _("关闭"),
        },
    }


def _saved(view: View, line: Mapping[str, Any]) -> str:
    """What is told once a route was kept: where it is, and how it is seen and withdrawn."""
    name = view.name(line["utility"])
    return esc(
        _(
            "已保留:{name}手绘路由,存于申请 {application}。地图上画为点线;"
            "在案件面板“逐项查看依据”中选“{name}”即可查看、撤回。"
        ).format(name=name, application=view.plan["application_id"])
    )


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


class Placer:
    """Projected coordinates to the map's (latitude, longitude), seven decimals."""

    def __init__(self, crs: str | CRS) -> None:
        self._to_degrees = transformer(CRS.from_user_input(crs), WGS84)

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
            for one in polygons
            if one.geom_type == "Polygon"
        ]


def _routes(view: View, place: Placer, paths: Mapping[str, list[Point]]) -> list[dict[str, Any]]:
    lanes = in_lanes(paths, list(view.utilities))
    lines = {line["utility"]: line for line in view.routed}
    return [
        {
            "utility": key,
            "points": place.lane(lane),
            "weight": _WEIGHT_PX,
            "colour": view.utilities[key].colour,
            "dash": view.utilities[key].dash or None,
            "faint": view.chosen not in (None, key),
            "label": _route_label(view, lines[key]),
        }
        for key, lane in lanes.items()
    ]


def _seconds(
    view: View, place: Placer, routes: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The second feeds, in the middle of where they lie."""
    return [
        {
            "utility": key,
            "points": place.line(_path(route)),
            "weight": _WEIGHT_PX,
            "colour": view.utilities[key].colour,
            "dash": view.utilities[key].dash or None,
            "faint": view.chosen not in (None, key),
            "label": f"{esc(view.name(key))} {_('第二路')} {metres(route['length_m'])} m",
        }
        for key, route in routes.items()
    ]


def _route_label(view: View, line: Mapping[str, Any]) -> str:
    size = (line.get("pipe") or {}).get("label")
    route = view.route(line)
    feed = f" {_('第一路')}" if route.get("together") else ""
    return f"{esc(view.name(line['utility']))}{feed} {esc(size)} {metres(route['length_m'])} m"


def _tie_in_label(view: View, key: str, route: Mapping[str, Any]) -> str:
    tie_in = route["tie_in"]
    where = tie_in.get("node_id") or tie_in.get("line_id")
    return f"{esc(view.name(key))}{_('接入点')} {esc(where)}"


def _bounds(drawing: Mapping[str, Any]) -> list[list[float]]:
    points = [xy for polygon in drawing["parcel"]["rings"] for ring in polygon for xy in ring]
    points += [point[:2] for route in drawing["routes"] for point in route["points"]]
    lats, lons = [point[0] for point in points], [point[1] for point in points]
    return [[min(lats), min(lons)], [max(lats), max(lons)]]


def _inner_point(geometry: Mapping[str, Any]) -> Point:
    point = shape(geometry).representative_point()
    return point.x, point.y


def _path(route: Mapping[str, Any]) -> list[Point]:
    """Course of a route, from its tie-in to the parcel."""
    path = [(xy[0], xy[1]) for xy in route["geometry"]["coordinates"]]
    end = route["end"]["xy"]
    return path[::-1] if dist(path[0], end) < dist(path[-1], end) else path


def courses(geometry: Mapping[str, Any] | None) -> list[list[Point]]:
    """Courses of a line or of the lines among several shapes."""
    if geometry is None:
        return []
    found = shape(geometry)
    parts = list(getattr(found, "geoms", [found]))
    joined = linemerge(MultiLineString([one for one in parts if one.geom_type == "LineString"]))
    return [list(one.coords) for one in getattr(joined, "geoms", [joined]) if not one.is_empty]


def _pieces(path: Sequence[Point]) -> list[tuple[Point, Point]]:
    return [(a, b) for a, b in pairwise(path) if a != b]


def _key_of(piece: tuple[Point, Point]) -> tuple[Point, ...]:
    """A piece of line by its ends to the centimetre, whichever way it runs."""
    return tuple(sorted((round(x, 2), round(y, 2)) for x, y in piece))
