"""Gravity lines: ways that keep their fall and their cover (design 6).

What the user's last well lies above the place to join, over the slope needed, is how long the line
may be: every place has its own longest length. The cheapest way under these lengths is a search
with one resource. A place starts with the metres that it may use less than the place that may use
most, so that one cap holds for all of them. What is unknown bars nothing, and is never said to be
met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.constrained import Terminals, cheapest_within
from gis.linear import FloatArray, IntArray
from planning.application import Demand
from planning.existing_pipes import pipes_of, size_of
from planning.gravity import ROUNDING_M, Fall, Profile, fall, needed_slope, top_over_invert_m
from planning.groundwork import Groundwork, Site
from planning.handover import inside_m
from planning.routes import Neighbourhood, Search, Way
from planning.sizing_rules import runs_by_gravity
from planning.texts import gettext as _

# The first look round a site; it doubles until no cheaper way can lead beyond it.
_FIRST_REACH_M = 250.0
# Labels settled before a search gives up, some seconds; towns need some hundreds.
_MOST_LABELS = 200_000

_LEVELS = {
    "lines": ["start_invert_m", "end_invert_m", "diameter_mm", "depth_m"],
    "nodes": ["invert_level_m", "ground_level_m"],
}

Found = Mapping[str, Mapping[str, Way]]


class UnprovenError(RuntimeError):
    """A search gave up before it found a way, or that there is none."""


class Levels(NamedTuple):
    """Inverts and ground levels of places to join, in metres; NaN is unknown."""

    invert_m: FloatArray
    ground_m: FloatArray


class FallCap(NamedTuple):
    """The fall as one resource: what edges, tie-ins and ends of the line use, and its cap."""

    edges: FloatArray
    tie_ins: FloatArray
    ends: FloatArray
    cap: float


@dataclass(frozen=True)
class NoFall:
    """Why no place can be joined: the nearest one, and what is missing there.

    ``missing_m`` metres of fall; None where it is the cover that is not kept.
    """

    reason: str
    kind: str
    feature_id: str
    xy: tuple[float, float]
    invert_m: float | None
    length_m: float
    missing_m: float | None
    text: str


class Unmet(NamedTuple):
    """What a line is known not to keep, ``no_fall`` or ``no_cover``, where, and in words."""

    reason: str
    where: shapely.Geometry
    text: str


def is_steered(demand: Demand) -> bool:
    """Whether levels tell where a line may join: a gravity line whose last well is known."""
    return demand.last_well_invert_m is not None and needed_slope(demand) is not None


# --- levels --------------------------------------------------------------------------------------


def levels_at(work: Groundwork, places: pd.DataFrame) -> Levels:
    """Levels of places by ``kind``, ``feature_id`` and ``chainage_m``.

    A main falls evenly between its ends; the ground lies over it by its bore, wall and cover.
    """
    invert, ground = np.full(len(places), np.nan), np.full(len(places), np.nan)
    on_main = (places["kind"] == "line").to_numpy()
    keys = places["feature_id"].to_numpy(object)
    for layer, mask in (("lines", on_main), ("nodes", ~on_main)):
        table = work.survey.get(layer)
        if table is None or not mask.any():
            continue
        rows = table.loc[keys[mask]]
        told = rows.reindex(columns=_LEVELS[layer]).astype(float).to_numpy().T
        if layer == "nodes":
            invert[mask], ground[mask] = told
            continue
        start, end, bore_mm, cover_m = told
        number, pipes = pipes_of(rows)
        height_m = np.array([size_of(pipe, work.standards)[1] for pipe in pipes])[number]
        share = places["chainage_m"].to_numpy(float)[mask] / shapely.length(rows.geometry.array)
        invert[mask] = start + (end - start) * share
        ground[mask] = invert[mask] + top_over_invert_m(bore_mm / 1000, height_m) + cover_m
    return Levels(invert, ground)


def _tie_in_levels(work: Groundwork, utility: str) -> Levels:
    key = ("tie-in levels", utility)
    if key not in work.kept:
        work.kept[key] = levels_at(work, work.tie_ins(utility).table)
    found: Levels = work.kept[key]
    return found


def _is_bare(work: Groundwork, demand: Demand, levels: Levels, xy: FloatArray) -> NDArray[np.bool_]:
    """Where the top of the pipe is known to lie less than the least cover under the ground.

    Only a carriageway of known width asks for the cover of carriageways.
    """
    surfaces = work.corridors.surfaces
    areas = surfaces.own_area[~surfaces.table["width_assumed"].to_numpy(bool)]
    inside = np.zeros(len(xy), bool)
    inside[shapely.STRtree(areas).query(shapely.points(xy), predicate="intersects")[0]] = True
    least = [
        work.standards.cover(demand.pipe, location).least_m or 0.0
        for location in ("non_carriageway", "carriageway")
    ]
    top = levels.invert_m + _top_m(work, demand)
    return np.asarray(levels.ground_m - top < np.where(inside, *least[::-1]) - ROUNDING_M)


def longest_m(work: Groundwork, demand: Demand) -> FloatArray:
    """How long a line may be to the place of each tie-in way, from the user's last well.

    Inf where the place's invert is unknown, or nothing steers the line; minus inf where the cover
    is not kept there or at the last well.
    """
    tie_ins = work.tie_ins(demand.pipe.utility)
    count = len(tie_ins.lines)
    slope, well = needed_slope(demand), demand.last_well_invert_m
    if slope is None or well is None:
        return np.full(count, np.inf)
    levels = _tie_in_levels(work, demand.pipe.utility)
    longest = (well - levels.invert_m) / slope
    longest[np.isnan(longest)] = np.inf
    xy = shapely.get_coordinates(shapely.get_point(tie_ins.lines, -1))
    longest[_is_bare(work, demand, levels, xy) | _well_is_bare(work, demand)] = -np.inf
    return longest


def _well_is_bare(work: Groundwork, demand: Demand) -> bool:
    """Whether the user's last well is known to lie too shallow for the least cover."""
    if demand.last_well_ground_m is None or demand.last_well_invert_m is None:
        return False
    least_m = work.standards.cover(demand.pipe, "non_carriageway").least_m or 0.0
    top_m = demand.last_well_invert_m + _top_m(work, demand)
    return demand.last_well_ground_m - top_m < least_m - ROUNDING_M


def _top_m(work: Groundwork, demand: Demand) -> float:
    """How far the top of the pipe lies above its invert; of an unknown size nothing."""
    size_m = work.standards.outer_size_m(demand.pipe)
    if size_m is None or demand.pipe.nominal_mm is None:
        return 0.0
    return float(top_over_invert_m(demand.pipe.nominal_mm / 1000, size_m[1]))


# --- ways ----------------------------------------------------------------------------------------


def fall_cap(
    work: Groundwork,
    demand: Demand,
    site: Site,
    *,
    edges: IntArray,
    tie_ins: IntArray,
    end_nodes: IntArray,
) -> FallCap:
    """The cap that ways over some edges keep their fall: metres, for ``gis.constrained``.

    No way is longer than all edges together, so no place needs to allow more.
    """
    graph = work.corridors.graph
    edge_m = graph.length_m[edges]
    stub_m = work.tie_ins(demand.pipe.utility).ways.length_m[tie_ins]
    ends_m = _inside_m(work, demand, site, graph.node_xy[end_nodes])
    most = float(edge_m.sum() + stub_m.max(initial=0.0) + ends_m.max(initial=0.0))
    allowed = np.minimum(longest_m(work, demand)[tie_ins], most)
    cap = float(allowed.max(initial=0.0))
    return FallCap(edge_m, stub_m + (cap - allowed), ends_m, cap + ROUNDING_M)


def keeping_fall(work: Groundwork, demand: Demand, sites: Sequence[Site], found: Found) -> Found:
    """Ways by objective and site that keep their fall: those found, or the best that do.

    A site of which no way keeps it has none; where a search gave up, it has the way found before.
    """
    if not is_steered(demand):
        return found
    kept: dict[str, dict[str, Way]] = {}
    for objective, ways in found.items():
        search = work.search(demand.pipe, objective)
        kept[objective] = {}
        for site in (site for site in sites if site.key in ways):
            way = _kept(work, demand, site, search, ways[site.key])
            if way is not None:
                kept[objective][site.key] = way
    return kept


def _kept(work: Groundwork, demand: Demand, site: Site, search: Search, way: Way) -> Way | None:
    """A way if it keeps its fall, else the lightest that does."""
    if _keeps_fall(work, demand, site, way):
        return way
    try:
        return lightest_keeping_fall(work, demand, site, search)
    except UnprovenError:
        return way


def _keeps_fall(work: Groundwork, demand: Demand, site: Site, way: Way) -> bool:
    length_m = _length_m(work, demand, site, way)
    return bool(length_m <= longest_m(work, demand)[way.tie_in] + 2 * ROUNDING_M)


def way_length_m(work: Groundwork, demand: Demand, way: Way) -> float:
    """Metres of a way from the place to join to the red line."""
    stub_m = work.tie_ins(demand.pipe.utility).ways.length_m[way.tie_in]
    return float(stub_m + work.corridors.graph.length_m[list(way.edges)].sum())


def _length_m(work: Groundwork, demand: Demand, site: Site, way: Way) -> float:
    """Metres from the place to join to the user's last well, those inside the parcel included."""
    entry = work.corridors.graph.node_xy[[way.end_node]]
    return way_length_m(work, demand, way) + float(_inside_m(work, demand, site, entry)[0])


def _inside_m(work: Groundwork, demand: Demand, site: Site, entries: FloatArray) -> FloatArray:
    """Metres from places on the red line to the handover; unknown ones bar nothing."""
    found = inside_m(_red_line(work, site), entries, demand)
    return np.where(np.isfinite(found), found, 0.0)


def _red_line(work: Groundwork, site: Site) -> shapely.Polygon:
    return work.survey.tables["parcels"].geometry.loc[site.application.parcel_id]


def lightest_keeping_fall(
    work: Groundwork, demand: Demand, site: Site, search: Search
) -> Way | None:
    """The lightest way that keeps its fall; None where there is none.

    The neighbourhood doubles until no lighter way, or none that is short enough, can leave it.

    Raises
    ------
    UnprovenError
        If the search gave up before it knew.
    """
    usable = np.isfinite(search.tie_in_weights)
    farthest = float(longest_m(work, demand)[usable].max(initial=-np.inf))
    if farthest < 0 or len(site.end_nodes) == 0:
        return None
    around = Neighbourhood(search.corridors, site.end_nodes)
    reach_m = _FIRST_REACH_M
    while True:
        way = _within(work, demand, site, search, around.edges(reach_m))
        if way is not None and way.weight <= reach_m * search.lightest_rate:
            return way
        if reach_m >= farthest or around.is_whole(reach_m):
            return way
        reach_m *= 2


def _within(
    work: Groundwork, demand: Demand, site: Site, search: Search, edges: IntArray
) -> Way | None:
    """The lightest way over some edges that keeps its fall."""
    graph = search.corridors.graph
    nodes = graph.nodes_of(edges, site.end_nodes)
    joined = search.tie_ins.node
    usable = np.isfinite(search.tie_in_weights) & np.isin(joined, nodes)
    rows = np.flatnonzero(usable & (longest_m(work, demand) >= 0))
    kept = fall_cap(work, demand, site, edges=edges, tie_ins=rows, end_nodes=site.end_nodes)
    answer = cheapest_within(
        np.searchsorted(nodes, graph.ends[edges]),
        len(nodes),
        search.edge_weights[edges],
        kept.edges[None],
        Terminals(
            np.searchsorted(nodes, joined[rows]), search.tie_in_weights[rows], kept.tie_ins[None]
        ),
        Terminals(
            np.searchsorted(nodes, site.end_nodes), np.zeros(len(kept.ends)), kept.ends[None]
        ),
        [kept.cap],
        limit=_MOST_LABELS,
    )
    walk = answer.walk
    if walk is None:
        if not answer.proven:
            raise UnprovenError
        return None
    walked = tuple(edges[list(walk.edges)].tolist())
    return Way(int(rows[walk.source]), walked, int(site.end_nodes[walk.target]), walk.cost)


# --- answers -------------------------------------------------------------------------------------


def fall_of(
    work: Groundwork, demand: Demand, place: Mapping[str, Any], line: shapely.LineString, site: Site
) -> Fall | None:
    """The fall of a line from the place where it joins to the last well; None of other lines."""
    if not runs_by_gravity(demand.pipe.utility):
        return None
    inside = float(inside_m(_red_line(work, site), shapely.get_coordinates(line)[-1:], demand)[0])
    if not np.isfinite(inside):
        return replace(fall(demand, line.length, invert_at(work, place)), needed_m=None)
    return fall(demand, line.length + inside, invert_at(work, place))


def unmet_of(
    work: Groundwork, demand: Demand, place: Mapping[str, Any], line: shapely.LineString, site: Site
) -> tuple[Unmet, ...]:
    """What a line from a place to join is known not to keep; empty where that is unknown."""
    told = fall_of(work, demand, place, line, site)
    if told is None:
        return ()
    found = [Unmet("no_fall", line, told.text)] if told.passes is False else []
    joined, entry = shapely.get_point(line, 0), shapely.get_point(line, -1)
    levels = levels_at(work, pd.DataFrame([dict(place)]))
    if _is_bare(work, demand, levels, shapely.get_coordinates(joined)).any():
        found.append(
            Unmet(
                "no_cover",
                joined,
                _("接入处 {place} 的管顶覆土小于最小覆土").format(place=place["feature_id"]),
            )
        )
    if _well_is_bare(work, demand):
        found.append(Unmet("no_cover", entry, _WELL_IS_BARE))
    return tuple(found)


def profile_of(
    work: Groundwork, demand: Demand, place: Mapping[str, Any], line: shapely.LineString, site: Site
) -> Profile | None:
    """Levels along a line from the place where it joins; None of lines not run by gravity."""
    if not runs_by_gravity(demand.pipe.utility):
        return None
    levels = levels_at(work, pd.DataFrame([dict(place)]))
    inside = inside_m(_red_line(work, site), shapely.get_coordinates(line)[-1:], demand)
    told = (demand.last_well_invert_m, demand.last_well_ground_m, needed_slope(demand))
    well_invert_m, well_ground_m, slope = (np.nan if one is None else one for one in told)
    length_m = float(line.length + inside[0])
    return Profile(
        float(levels.invert_m[0]),
        well_invert_m,
        float(levels.ground_m[0]),
        well_ground_m,
        slope,
        length_m if np.isfinite(length_m) else np.nan,
    )


def invert_at(work: Groundwork, place: Mapping[str, Any]) -> float | None:
    """Invert level of a main where it is joined, or of a manhole; None for unknown."""
    level = float(levels_at(work, pd.DataFrame([dict(place)])).invert_m[0])
    return None if np.isnan(level) else level


def why_no_fall(work: Groundwork, demand: Demand, site: Site, nearest: Way) -> NoFall:
    """Why no way keeps its fall or its cover, told of the nearest place to join."""
    tie_ins = work.tie_ins(demand.pipe.utility)
    place: dict[str, Any] = dict(tie_ins.table.iloc[nearest.tie_in])
    invert_m, length_m = invert_at(work, place), _length_m(work, demand, site, nearest)
    is_bare = bool(longest_m(work, demand)[nearest.tie_in] == -np.inf)
    told = fall(demand, length_m, invert_m)
    missing = None
    if not is_bare and told.needed_m is not None and told.available_m is not None:
        missing = told.needed_m - told.available_m
    x, y = tie_ins.lines[nearest.tie_in].coords[-1][:2]
    return NoFall(
        "no_cover" if is_bare else "no_fall",
        str(place["kind"]),
        str(place["feature_id"]),
        (x, y),
        invert_m,
        length_m,
        missing,
        _text(work, demand, str(place["feature_id"]), told, missing),
    )


def _text(
    work: Groundwork, demand: Demand, feature_id: str, told: Fall, missing: float | None
) -> str:
    if missing is not None:
        words = _("最近的接入处 {place}:{fall},尚差 {missing:.2f} 米")
        return words.format(place=feature_id, fall=told.text, missing=missing)
    if _well_is_bare(work, demand):
        return _WELL_IS_BARE
    return _("最近的接入处 {place} 的管顶覆土小于最小覆土").format(place=feature_id)


_WELL_IS_BARE = _("用户末端井的管顶覆土小于最小覆土")
