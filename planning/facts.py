"""Facts of a route for its verdict: roads dug and their age, greenery, trees, service area.

What no layer and no application says is None: unknown, never "met".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.overlay import enters
from layers.survey import Survey
from planning.application import Application, Demand
from planning.corridors import Corridors
from planning.policy_model import Policy
from planning.routes import Routes

# Roads whose digging needs, does not need, or may need the permit of the city road authority.
_CITY_ROAD: Mapping[Any, bool] = {"municipal": True, "estate": False, "highway": False}
# Greenery where trees are never a matter of commitment (policy guard ``ancient_tree``).
_PARK_KINDS = ("park", "protected")
_ENTERPRISE: Mapping[Any, bool] = {"enterprise": True, "government": False, "person": False}


@dataclass(frozen=True)
class Ground:
    """What the facts of every route are read from, prepared once per survey."""

    survey: Survey
    corridors: Corridors
    policy: Policy

    @cached_property
    def road_areas(self) -> NDArray[Any]:
        """Red-line areas of the roads; without a red-line width, as far as the strips reach."""
        surfaces = self.corridors.surfaces
        settings = self.policy.planning
        carriageway = surfaces.table["carriageway_width_m"].to_numpy(float)
        red_line = surfaces.table["red_line_width_m"].to_numpy(float)
        beside = 2 * (self.corridors.setback_m + settings.half_section_allowance_m)
        width = np.where(np.isfinite(red_line), red_line, carriageway + beside)
        areas = shapely.buffer(surfaces.centre, width / 2, cap_style="flat", join_style="mitre")
        drawn = self.survey.get("road_red_lines")
        if drawn is not None:
            place = {road: row for row, road in enumerate(surfaces.table["road_id"])}
            for road_id, area in drawn.dissolve(by="road_id").geometry.items():
                if str(road_id) in place:
                    areas[place[str(road_id)]] = area
        return np.asarray(areas)

    @cached_property
    def is_city_road(self) -> list[bool | None]:
        """For each road, whether it is a city road; None where the authority is not known."""
        return [_CITY_ROAD.get(a) for a in self.corridors.surfaces.table["authority"]]

    @cached_property
    def road_days(self) -> tuple[list[str | None], list[str | None]]:
        """Days on which each road was opened and last overhauled, ISO text or None."""
        table = self.corridors.surfaces.table
        return table["opened_on"].to_list(), table["overhauled_on"].to_list()

    def in_service_area(self, place: shapely.Point, utility: str) -> bool | None:
        """Whether a place lies in the urban area and in the area covered by the utility."""
        answers = [_covered(self._areas.get(key), place) for key in ("urban_area", utility)]
        if False in answers:
            return False
        return None if None in answers else True

    @cached_property
    def _areas(self) -> Mapping[str, shapely.Geometry]:
        """The urban area, and the area of every utility that the layer draws one for."""
        areas = self.survey.get("service_areas")
        if areas is None:
            return {}
        whose = areas["utility"].where(areas["kind"] == "network", "urban_area")
        united = areas.dissolve(by=whose.rename("whose")).geometry
        shapely.prepare(united.array)
        return {str(key): area for key, area in united.items()}


def _covered(area: shapely.Geometry | None, place: shapely.Point) -> bool | None:
    return None if area is None else bool(shapely.covers(area, place))


def application_facts(application: Application, utility: str) -> dict[str, Any]:
    """Facts that the application itself tells."""
    project, promiser = application.project, application.promiser.get(utility, {})
    facts = {
        "work_kind": application.work_kind,
        "dig_date": application.dig_date.isoformat(),
        "subject_kind": application.subject_kind,
        "enterprise_invested_or_dominant": _enterprise(project),
        "hazardous_goods": project.get("hazardous_goods"),
    }
    recorded = {"promiser_declines": "declines", "bad_credit": "bad_credit"}
    facts.update({fact: promiser[key] for fact, key in recorded.items() if key in promiser})
    return facts


def _enterprise(project: Mapping[str, Any]) -> bool | None:
    """Whether enterprises invest or dominate: share above 50 percent (policy measure)."""
    kind, share = project.get("investment_kind"), project.get("enterprise_percent")
    if kind in _ENTERPRISE:
        return _ENTERPRISE[kind]
    return None if share is None else share > 50


def route_facts(
    ground: Ground,
    demand: Demand,
    routes: Routes,
    strips: NDArray[Any],
    roads: Sequence[Sequence[int]],
) -> list[dict[str, Any]]:
    """Facts that the geometry tells, one dict for each route.

    ``strips`` are the working strips of the routes, None where the width is unknown; ``roads``
    the rows of the roads that each route digs up.
    """
    green = _green_touched(ground, strips)
    trees = _trees_touched(ground, strips)
    on_bridge = routes.table["on_bridge"].astype(bool).to_list()
    facts = []
    for number in range(len(routes.ways)):
        ancient = _either(green[number][1], trees[number][1])
        facts.append(
            {
                **_road_facts(ground, roads[number]),
                "touches_green": green[number][0],
                "touches_tree": trees[number][0],
                "tree_moving": trees[number][0],
                "ancient_tree_or_park": ancient,
                "open_cut": True,
                "pit_in_road": False,
                "on_bridge": on_bridge[number],
                "pressure_mpa": demand.pipe.pressure_mpa,
                "voltage_kv": demand.pipe.voltage_kv,
            }
        )
    return facts


def _either(one: bool | None, two: bool | None) -> bool | None:
    if one or two:
        return True
    return None if one is None or two is None else False


def roads_dug(ground: Ground, routes: Routes) -> list[tuple[int, ...]]:
    """Rows of the roads whose red line each route enters, or whose strip it follows."""
    pairs = enters(routes.lines, ground.road_areas)
    found: list[set[int]] = [set() for _ in routes.ways]
    for line, road in zip(pairs["line"], pairs["polygon"], strict=True):
        found[line].add(int(road))
    road_of_edge = ground.corridors.graph.measures["road"].to_numpy()
    for number, way in enumerate(routes.ways):
        found[number].update(int(road) for road in road_of_edge[list(way.edges)])
    return [tuple(sorted(roads)) for roads in found]


def _road_facts(ground: Ground, roads: Sequence[int]) -> dict[str, Any]:
    """Whether a city road is dug, and the days of every road that is or may be one."""
    city = [ground.is_city_road[road] for road in roads]
    dug = [road for road, is_city in zip(roads, city, strict=True) if is_city is not False]
    opened, overhauled = ground.road_days
    return {
        "touches_city_road": True if True in city else None if None in city else False,
        "road_opened_on": [opened[road] for road in dug],
        "road_overhauled_on": [overhauled[road] for road in dug],
    }


def _green_touched(ground: Ground, strips: NDArray[Any]) -> list[tuple[bool | None, bool | None]]:
    """For each strip: whether it touches greenery, and whether a park or protected green."""
    green = ground.survey.get("green")
    if green is None:
        return [(None, None)] * len(strips)
    shapes, kinds = np.asarray(green.geometry.array), green["kind"].to_numpy(object)
    known = ~shapely.is_missing(strips)
    strip, area = shapely.STRtree(shapes).query(strips[known], predicate="intersects")
    number = np.flatnonzero(known)[strip]
    overlap = shapely.area(shapely.intersection(strips[number], shapes[area]))
    found: list[tuple[bool | None, bool | None]] = [
        (False, False) if is_known else (None, None) for is_known in known
    ]
    for at, kind in zip(number[overlap > 0], kinds[area[overlap > 0]], strict=True):
        park = True if kind in _PARK_KINDS else None if kind is None else False
        found[at] = (True, _either(found[at][1], park))
    return found


def _trees_touched(ground: Ground, strips: NDArray[Any]) -> list[tuple[bool | None, bool | None]]:
    """For each strip: whether a tree stands in it, and whether an ancient one is in reach."""
    trees = ground.survey.get("trees")
    if trees is None:
        return [(None, None)] * len(strips)
    points, ancient = np.asarray(trees.geometry.array), trees["ancient"].to_numpy(object)
    zone = ground.policy.planning.ancient_tree_zone_m
    tree = shapely.STRtree(points)
    inside = set(tree.query(strips, predicate="intersects")[0].tolist())
    near: dict[int, set[Any]] = defaultdict(set)
    for strip, one in tree.query(strips, predicate="dwithin", distance=zone).T.tolist():
        near[strip].add(ancient[one])
    return [
        (None, None)
        if strip is None
        else (
            number in inside,
            True if True in near[number] else None if None in near[number] else False,
        )
        for number, strip in enumerate(strips)
    ]


def trees_in(ground: Ground, strips: NDArray[Any]) -> NDArray[np.float64]:
    """Number of trees in each strip; NaN where strip or trees are unknown."""
    trees = ground.survey.get("trees")
    if trees is None:
        return np.full(len(strips), np.nan)
    strip, _ = shapely.STRtree(np.asarray(trees.geometry.array)).query(
        strips, predicate="intersects"
    )
    count = np.bincount(strip, minlength=len(strips)).astype(float)
    count[shapely.is_missing(strips)] = np.nan
    return count
