"""Measure exported routes again, with plain shapely and nothing of the planner's own code.

    python docs/examples/check_measures.py WORKSPACE PLAN.gpkg...

Reads the layers ``routes`` and ``strips`` that ``cli.py plan --gpkg`` wrote, and the layers of the
workspace, and measures length, pieces inside carriageways, their red-line equivalent and the green
under the working strip. Lists every figure that differs by more than 0.01 m or 0.01 m2, every
unknown figure that the layers do tell, and every known one that they do not.
Exit 0: all agree. 1: differences, listed. 2: unusable workspace or file.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

# Carriageways that adjoin leave no room between them, whatever the last digits of coordinates say.
_SEAM_M = 2e-6
# Ends of roads that are nearer than this are one place; less than this (radians) is no bend.
_SAME_M = _STRAIGHT = 1e-3
# Carriageways whose half widths differ by less are equally wide.
_AS_WIDE_M = 1e-6
# Half a printed digit each: metres and square metres are judged to 0.01.
_AGREE = 0.01


class InputError(ValueError):
    """A file cannot be checked; the message says which."""


@dataclass(frozen=True)
class Difference:
    """A figure of a route that was measured otherwise here; NaN is unknown."""

    parcel_id: str
    utility: str
    kind: str
    figure: str
    stated: float
    measured: float


class Town:
    """Roads and greenery of a workspace as found in its folder, newest versions."""

    def __init__(self, workspace: Path) -> None:
        if not (workspace / "workspace.toml").is_file():
            raise InputError(_("{}:不是工作区。").format(workspace))
        roads = _newest(workspace, "roads")
        if roads is None:
            raise InputError(_("{}:没有道路图层。").format(workspace))
        self.width = roads["carriageway_width_m"].to_numpy(float)
        self.ratio = np.fmax(roads["red_line_width_m"].to_numpy(float), self.width) / self.width
        self.ratio[np.isnan(roads["red_line_width_m"].to_numpy(float))] = np.nan
        # A road that is or may be a city road owns what it shares with others, for they are not
        # counted; then the wider one does; of equals, the one that stands first.
        others = roads["authority"].isin(["estate", "highway"]).to_numpy(bool)
        self.order = np.lexsort((-np.nan_to_num(self.width, nan=0.0), others))
        drawn = shapely.buffer(
            np.asarray(roads.geometry),
            np.nan_to_num(self.width, nan=2.0) / 2,
            cap_style="flat",
            join_style="mitre",
            mitre_limit=2.0,
        )
        for road, corner in _corners(roads, np.nan_to_num(self.width, nan=2.0) / 2):
            drawn[road] = drawn[road].union(corner)
        self.carriageway = shapely.buffer(drawn, _SEAM_M, join_style="mitre")
        self.rank = np.argsort(self.order)
        self.tree = shapely.STRtree(self.carriageway)
        if any(_newest(workspace, name) is not None for name in ("carriageways", "road_red_lines")):
            raise InputError(_("{}:有实测车行道或红线,本核对只按宽度。").format(workspace))
        green = _newest(workspace, "green")
        self.green = None if green is None else shapely.union_all(np.asarray(green.geometry))

    def crossings(self, line: shapely.LineString) -> tuple[float, float]:
        """Metres inside carriageways kerb to kerb, and red line to red line; NaN unknown."""
        near = self.tree.query(line, predicate="intersects")
        left: shapely.Geometry = line
        kerb_m = red_line_m = 0.0
        for road in near[np.argsort(self.rank[near])].tolist():
            inside = left.intersection(self.carriageway[road]).length
            left = left.difference(self.carriageway[road])
            if inside > 0:
                kerb_m += inside if np.isfinite(self.width[road]) else math.nan
                red_line_m += inside * float(self.ratio[road])
        return kerb_m, red_line_m

    def green_m2(self, strip: shapely.Polygon | None) -> float:
        """Square metres of green under a strip; NaN without a strip or without greenery."""
        if strip is None or self.green is None:
            return math.nan
        return float(strip.intersection(self.green).area)


class _End(NamedTuple):
    """An end of a road: the bearing in which the road leaves it, its row, and where it is."""

    bearing: float
    row: int
    x: float
    y: float


def _corners(roads: gpd.GeoDataFrame, half_m: np.ndarray) -> Iterator[tuple[int, shapely.Polygon]]:
    """Carriageway on the outer side of a bend where one road ends and another begins, by row."""
    ends = defaultdict(list)
    for row, (line, level) in enumerate(zip(roads.geometry, roads["level"].fillna(0), strict=True)):
        way = list(dict.fromkeys(line.coords))
        for (x, y), (ahead_x, ahead_y) in ((way[0], way[1]), (way[-1], way[-2])):
            place = round(x / _SAME_M), round(y / _SAME_M), level
            ends[place].append(_End(math.atan2(ahead_y - y, ahead_x - x), row, x, y))
    for met in ends.values():
        met.sort()
        for one, two in zip(met, met[1:] + met[:1], strict=True):
            gap = (two.bearing - one.bearing) % (2 * math.pi)
            widths = half_m[one.row], half_m[two.row]
            if math.pi + _STRAIGHT < gap < 2 * math.pi - _STRAIGHT and min(widths) > 0:
                corner = _corner(one, two, half_m)
                yield one.row, corner
                yield two.row, corner


def _corner(one: _End, two: _End, half_m: np.ndarray) -> shapely.Polygon:
    """From the left kerb of one road, seen from their end, to the right kerb of the other.

    Equal kerbs go on until they meet, but no farther than two half widths from their end.
    """
    turned = (two.bearing - one.bearing) % (2 * math.pi) - math.pi
    on = math.tan(turned / 2)
    if math.cos(turned / 2) < 0.5:
        on = (2.0 - math.cos(turned / 2)) / math.sin(turned / 2)
    if abs(half_m[one.row] - half_m[two.row]) > _AS_WIDE_M:
        on = 0.0
    ring = [(one.x, one.y)]
    for end, left, ons in ((one, 1.0, (0.0, on)), (two, -1.0, (on, 0.0))):
        ahead, half = (math.cos(end.bearing), math.sin(end.bearing)), half_m[end.row]
        for beyond in ons:
            ring.append(
                (
                    end.x - left * half * ahead[1] - beyond * half * ahead[0],
                    end.y + left * half * ahead[0] - beyond * half * ahead[1],
                )
            )
    return shapely.Polygon(ring)


def check_plan(town: Town, file: Path) -> tuple[int, list[Difference]]:
    """Number of routes of one exported plan, and the figures that differ."""
    routes = _read(file, "routes")
    names = ["utility", "kind", "feed"]
    strips = {}
    if "strips" in set(pyogrio.list_layers(file)[:, 0]):
        strips = _read(file, "strips").set_index(names).geometry.to_dict()
    found = [d for route in routes.itertuples() for d in _differences(town, route, strips)]
    return len(routes), found


def _differences(town: Town, route: object, strips: dict[object, object]) -> Iterator[Difference]:
    kerb_m, red_line_m = town.crossings(route.geometry)
    measured = {
        "length_m": _length(route.geometry),
        "crossing_kerb_m": kerb_m,
        "crossing_red_line_m": red_line_m,
        "green_m2": town.green_m2(strips.get((route.utility, route.kind, route.feed))),
    }
    for figure, value in measured.items():
        stated = getattr(route, figure, None)
        stated = math.nan if stated is None else float(stated)
        same = (math.isnan(stated) and math.isnan(value)) or abs(stated - value) <= _AGREE
        if not same:
            yield Difference(str(route.parcel_id), route.utility, route.kind, figure, stated, value)


def _length(line: shapely.LineString) -> float:
    """Length by Pythagoras from vertex to vertex."""
    steps = np.diff(np.asarray(line.coords), axis=0)
    return float(np.sqrt((steps**2).sum(axis=1)).sum())


def _newest(workspace: Path, layer: str) -> gpd.GeoDataFrame | None:
    files = sorted((workspace / "layers" / layer).glob("*.gpkg"), key=lambda f: int(f.stem))
    return _read(files[-1], layer) if files else None


def _read(file: Path, layer: str) -> gpd.GeoDataFrame:
    try:
        return pyogrio.read_dataframe(file, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        raise InputError(_("文件 {}:不能读出图层 {}。").format(file, layer)) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs; return the exit code."""
    parser = argparse.ArgumentParser(description=_("独立复算导出路由的量算值。"))
    parser.add_argument("workspace", type=Path)
    parser.add_argument("plans", type=Path, nargs="+", help=_("plan --gpkg 写出的文件"))
    wanted = parser.parse_args(arguments)
    try:
        town = Town(wanted.workspace)
        checked = [check_plan(town, file) for file in wanted.plans]
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    found = [one for _count, differences in checked for one in differences]
    for d in found:
        print(f"{d.parcel_id} {d.utility} {d.kind} {d.figure} {d.stated:.3f} {d.measured:.3f}")
    count = sum(number for number, _differences in checked)
    print(_("复算路由 {} 条,不符 {} 处").format(count, len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
