"""Look for faults in screened routes, with plain shapely and nothing of the planner's own code.

    python docs/examples/check_routes.py WORKSPACE screen.gpkg

Lists every route that runs through a parcel (its own too, but for the end on the red line) or a
building, through water or rails where no road crosses them, longer inside carriageways than the
crossings it states, with another length than it states, or that does not start at its main or
end on its red line; that meets itself, leaves the streets between its ends, or crosses a street
and back within 100 m though it could have stayed on its side, unless it has to qualify.
Exit 0: no fault. 1: faults, listed. 2: unusable workspace or file.
"""

from __future__ import annotations

import argparse
import math
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from gettext import gettext as _
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from shapely.ops import substring

_COUNTIES = Path(__file__).resolve().parents[2] / "rules" / "counties"
# Inside a parcel, a building or water: more than this is a fault, less is drawing.
_INSIDE_M = 0.05
# So near to its edge nothing is inside a polygon: rounding tells no side there.
_ON_EDGE_M = 0.01
# Lengths that are stated and measured may differ by this: twice the centimetre of a survey.
_LENGTH_M = 0.02
# An end that lies this near is on its main or red line: the files keep millimetres.
_END_M = 0.01
# A pipe follows a bridge or level crossing if it is within half the road and this of it.
_BESIDE_ROAD_M = 6.0
# Crossing back within this is a zigzag, if the side could have been kept.
_ZIGZAG_M = 100.0
# Half the width that is dug up along a line, as many metres as any utility takes.
_STRIP_M = 1.0
# A route is looked at so far before and behind a carriageway that it crosses.
_OFF_KERB_M = 1.0


class InputError(ValueError):
    """A file cannot be checked; the message says which and what to do."""


@dataclass(frozen=True)
class Fault:
    """One fault: which route, what is wrong, and by how many metres."""

    parcel_id: str
    utility: str
    kind: str
    metres: float
    about: str = ""


def check_routes(workspace: Path, screened: Path) -> tuple[int, list[Fault]]:
    """Check the routed rows of a screening against the layers of its workspace.

    Returns the number of routes and their faults. Raises ``InputError`` for unusable files.
    """
    ground = _Ground(workspace)
    rows = _read(screened, "screen")
    routes = rows[rows["status"] == "routed"]
    return len(routes), [fault for route in routes.itertuples() for fault in ground.faults(route)]


class _Ground:
    """The layers of a workspace as found in its folder, newest versions, missing ones empty."""

    def __init__(self, workspace: Path) -> None:
        if not (workspace / "workspace.toml").is_file():
            raise InputError(_("{}:不是工作区。").format(workspace))
        settings = tomllib.loads((workspace / "workspace.toml").read_text("utf-8"))
        self.parcels = _layer(workspace, "parcels").set_index("parcel_id")
        self.buildings = _layer(workspace, "buildings")
        self.water = _layer(workspace, "water_bodies")
        self.railways = _layer(workspace, "railways")
        self.roads = _layer(workspace, "roads")
        self.green = _layer(workspace, "green")
        self.network = [
            table.set_index(key)
            for table, key in (
                (_layer(workspace, "lines"), "line_id"),
                (_layer(workspace, "nodes"), "node_id"),
            )
            if len(table)
        ]
        planning = _planning(str(settings["county"]))
        # How much of what lies between two streets may be crossed from the one to the other.
        self.between_m = float(planning["max_median_m"]["value"])
        self.footway_m = float(planning["usual_footway_m"]["value"])
        self.width = _widths(self.roads, planning)
        red_line = self.roads["red_line_width_m"].to_numpy(float) / 2
        self.beside_m = np.fmax(np.array(self.width) / 2 + _BESIDE_ROAD_M, red_line)
        self.carriageway = _carriageway(self.roads, self.width, _layer(workspace, "carriageways"))
        shapely.prepare(self.carriageway)
        self.land = _land(self.roads, self.width, self.footway_m)

    def faults(self, route: object) -> Iterator[Fault]:
        """Every fault of one route."""
        for kind, metres, about in self._tests(route):
            if metres > 0:
                yield Fault(route.parcel_id, route.utility, kind, metres, about)

    def _tests(self, route: object) -> Iterator[tuple[str, float, str]]:
        line = route.geometry
        for kind, table in (("parcel", self.parcels), ("building", self.buildings)):
            for name, inside in _inside(line, table):
                own = "own" if name == route.parcel_id else str(name)
                yield f"through_{kind}", inside - _INSIDE_M, own
        yield "through_water", self._off_road(line, self.water), ""
        yield "through_rails", self._off_road(line, self.railways), ""
        in_road = line.intersection(self.carriageway).length
        yield "more_carriageway_than_stated", in_road - route.kerb_m - _LENGTH_M, ""
        yield "length", abs(line.length - route.length_m) - _LENGTH_M, ""
        red_line = self.parcels.geometry[route.parcel_id].boundary
        end = shapely.get_point(line, -1)
        yield "end_off_red_line", red_line.distance(end) - _END_M, ""
        yield "start_off_main", self._off_main(line, route) - _END_M, str(route.tie_in_id)
        yield "meets_itself", 0.0 if line.is_simple else line.length, ""
        yield "off_streets", self._between_streets(line) - self.between_m, ""
        if getattr(route, "recommended", "") != "qualifying":  # that one has the rules to keep
            for road, metres in self._zigzags(line):
                yield "zigzag", metres, road

    def _between_streets(self, line: shapely.LineString) -> float:
        """The longest stretch of a route off the streets that begins and ends in one."""
        off = shapely.get_parts(line.difference(self.land))
        ends = shapely.get_point(line, [0, -1])
        between = [p.length for p in off if shapely.distance(p, ends).min() > _END_M]
        return max(between, default=0.0)

    def _zigzags(self, line: shapely.LineString) -> Iterator[tuple[str, float]]:
        """Streets crossed there and back, and the metres between, though a side was free."""
        crossed = sorted(
            (line.project(point), road)
            for road in self.roads.sindex.query(line, predicate="intersects").tolist()
            for point in shapely.get_parts(line.intersection(self.roads.geometry.iloc[road]))
            if point.geom_type == "Point"
        )
        for there, back in combinations(crossed, 2):
            if back[0] - there[0] <= _ZIGZAG_M and self._side_is_free(line, there, back):
                yield str(self.roads["road_id"].iloc[there[1]]), back[0] - there[0]

    def _side_is_free(
        self, line: shapely.LineString, there: tuple[float, int], back: tuple[float, int]
    ) -> bool:
        """Whether the kerb could be followed with no more metres, carriageway or greenery.

        Two roads are one street if they go on from each other in one line.
        """
        street = shapely.line_merge(
            shapely.union_all(self.roads.geometry.iloc[[there[1], back[1]]])
        )
        (from_m, behind_m), (before_m, to_m) = self._kerb_m(line, *there), self._kerb_m(line, *back)
        ends = shapely.line_interpolate_point(line, [from_m, to_m])
        if street.geom_type != "LineString" or before_m < behind_m:
            return False
        away = shapely.distance(street, ends)
        stretch = substring(street, *sorted(shapely.line_locate_point(street, ends)))
        walked = substring(line, from_m, to_m)
        if stretch.length < _OFF_KERB_M:
            return False
        # As far behind the kerb as the route runs on the other side, within a footway.
        farthest = shapely.distance(street, shapely.points(walked.coords)).max()
        footway = max(self.width[there[1]], self.width[back[1]]) / 2 + self.footway_m
        off_m = max(float(away.max()), min(float(farthest), footway))
        aside_m = off_m - away
        for side in (1, -1):
            kept = stretch.offset_curve(side * off_m, join_style="mitre", mitre_limit=2.0)
            beside = kept.length > 0 and shapely.distance(kept, ends).max() <= aside_m.max() + 0.5
            if beside and self._is_better(kept, walked, float(aside_m.sum())):
                return True
        return False

    def _kerb_m(self, line: shapely.LineString, at_m: float, road: int) -> tuple[float, float]:
        """Where a route comes near to the carriageway that it crosses, and where it leaves it."""
        own = self.roads.geometry.iloc[road].buffer(self.width[road] / 2 + _OFF_KERB_M)
        inside = line.intersection(own)
        here = line.interpolate(at_m)
        part = min(shapely.get_parts(inside), key=lambda piece: piece.distance(here))
        ends = shapely.line_locate_point(line, shapely.get_point(part, [0, -1]))
        return float(ends.min()), float(ends.max())

    def _is_better(self, kept: shapely.Geometry, walked: shapely.Geometry, aside_m: float) -> bool:
        """Whether a way along the kerb is free, and no worse than the way that was taken."""
        shut = any(
            inside > _INSIDE_M
            for table in (self.parcels, self.buildings, self.water)
            for _name, inside in _inside(kept, table)
        )
        shut = shut or bool(_meeting(kept, self.railways))
        in_road = kept.intersection(self.carriageway).length
        no_worse = in_road <= walked.intersection(self.carriageway).length + _LENGTH_M
        no_worse = no_worse and self._green_m2(kept) <= self._green_m2(walked)
        return not shut and no_worse and kept.length + aside_m <= walked.length

    def _green_m2(self, line: shapely.Geometry) -> float:
        """Greenery that a strip along a line would take: to spare it a route may change sides."""
        strip = line.buffer(_STRIP_M, cap_style="flat")
        return sum(strip.intersection(area).area for _name, area in _meeting(strip, self.green))

    def _off_main(self, line: shapely.LineString, route: object) -> float:
        """Distance of the route's start from the feature of its utility that it names."""
        distances = [
            table.geometry[route.tie_in_id].distance(shapely.get_point(line, 0))
            for table in self.network
            if route.tie_in_id in table.index and table["utility"][route.tie_in_id] == route.utility
        ]
        return min(distances, default=math.inf)

    def _off_road(self, line: shapely.LineString, barriers: gpd.GeoDataFrame) -> float:
        """Metres of a barrier that are crossed away from any road that crosses it as well."""
        worst = 0.0
        for _position, barrier in _meeting(line, barriers):
            wet = line.intersection(barrier)
            if not wet.is_empty and wet.length <= _INSIDE_M and barrier.area > 0:
                continue
            # A river or railway may be drawn in pieces: a road may cross the next one.
            whole = shapely.union_all([area for _place, area in _meeting(barrier, barriers)])
            roads = [
                road.intersection(whole).buffer(beside_m)
                for road, beside_m in zip(self.roads.geometry, self.beside_m, strict=True)
                if road.intersects(whole)
            ]
            followed = shapely.union_all(roads)
            away = wet.difference(followed)
            worst = max(worst, 0.0 if away.is_empty else max(away.length, 1.0))
        return worst


def _meeting(line: shapely.Geometry, table: gpd.GeoDataFrame) -> list[tuple[object, object]]:
    if table.empty:
        return []
    rows = table.sindex.query(line, predicate="intersects")
    return [(table.index[row], table.geometry.iloc[row]) for row in rows]


def _inside(line: shapely.LineString, table: gpd.GeoDataFrame) -> list[tuple[object, float]]:
    """Metres of a line in the interior of each polygon; along its boundary is outside."""
    return [
        (name, line.intersection(area.buffer(-_ON_EDGE_M)).length)
        for name, area in _meeting(line, table)
    ]


def _planning(county: str) -> dict[str, dict[str, object]]:
    """The planning settings of a county, each with its ``value``."""
    return tomllib.loads((_COUNTIES / county / "policy.toml").read_text("utf-8"))["planning"]


def _widths(roads: gpd.GeoDataFrame, planning: dict[str, dict[str, object]]) -> list[float]:
    """Carriageway widths in metres, the county's assumed ones where a road gives none."""
    assumed = planning["default_carriageway_width_m"]["value"]
    narrowest = min(width for width in assumed.values() if width > 0)
    return [
        float(width) if width == width else float(assumed.get(kind, narrowest))
        for width, kind in zip(
            roads["carriageway_width_m"].astype(float), roads["road_class"], strict=True
        )
    ]


def _carriageway(
    roads: gpd.GeoDataFrame, widths: list[float], surveyed: gpd.GeoDataFrame
) -> shapely.Geometry:
    """Union of all carriageways: surveyed polygons, else roads as wide as they are."""
    drawn = set(surveyed["road_id"]) if len(surveyed) else set()
    made = [
        road.buffer(width / 2, cap_style="flat", join_style="mitre", mitre_limit=2.0)
        for name, road, width in zip(roads["road_id"], roads.geometry, widths, strict=True)
        if name not in drawn
    ]
    return shapely.union_all([*surveyed.geometry, *made])


def _land(roads: gpd.GeoDataFrame, widths: list[float], footway_m: float) -> shapely.Geometry:
    """Union of the land of all streets, up to their red lines."""
    red_line = np.nan_to_num(roads["red_line_width_m"].to_numpy(float)) / 2
    half = np.maximum(red_line, np.array(widths) / 2 + footway_m)
    land = shapely.union_all(shapely.buffer(np.asarray(roads.geometry), half))
    shapely.prepare(land)
    return land


def _layer(workspace: Path, name: str) -> gpd.GeoDataFrame:
    files = sorted((workspace / "layers" / name).glob("*.gpkg"), key=lambda f: int(f.stem))
    if not files:
        return gpd.GeoDataFrame({"road_id": [], "parcel_id": []}, geometry=[])
    return _read(files[-1], name)


def _read(file: Path, layer: str) -> gpd.GeoDataFrame:
    if not file.is_file():
        raise InputError(_("文件 {}:磁盘上没有这个文件。请核对路径。").format(file))
    try:
        return pyogrio.read_dataframe(file, layer=layer)
    except pyogrio.errors.DataSourceError:
        raise InputError(_("文件 {}:不能读出图层 {}。").format(file, layer)) from None


def main(arguments: list[str] | None = None) -> int:
    """Print the faults of a screening; return the exit code."""
    parser = argparse.ArgumentParser(description=_("独立核对筛查得到的路由。"))
    parser.add_argument("workspace", type=Path)
    parser.add_argument("screened", type=Path, help=_("screen 命令写出的 .gpkg 文件"))
    wanted = parser.parse_args(arguments)
    tell: Callable[[str], None] = print
    try:
        count, faults = check_routes(wanted.workspace, wanted.screened)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for fault in faults:
        tell(f"{fault.parcel_id} {fault.utility} {fault.kind} {fault.metres:.2f} m {fault.about}")
    kinds = Counter(fault.kind for fault in faults)
    tell(_("核对路由 {} 条,问题 {} 处 {}").format(count, len(faults), dict(kinds) or ""))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
