"""Gravity lines: ways that keep their fall and their cover (design 6).

What the user's last well lies above the place to join, over the slope needed, is how long the line
may be: every place has its own longest length. The cheapest way under these lengths is a search
with one resource. A place starts with the metres that it may use less than the place that may use
most, so that one cap holds for all of them. So it is with the metres below carriageways, where
the cover is wanted deeper: from a shallow main the line soon lies too high for it. What is unknown
bars nothing, and is never said to be met.
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
from gis.overlay import CONTACT_TOLERANCE_M
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
    """Fall or cover as one resource: what edges, tie-ins and ends of the line use, and its cap."""

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
    areas = surfaces.own_area[_is_wide(work)]
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


def _is_wide(work: Groundwork) -> NDArray[np.bool_]:
    """Which roads have a carriageway of known width: only these ask for its cover."""
    return ~work.corridors.surfaces.table["width_assumed"].to_numpy(bool)


def longest_paved_m(work: Groundwork, demand: Demand) -> FloatArray:
    """How much of a line to the place of each tie-in way may lie below carriageways, in metres.

    Inf where a level is unknown, or nothing steers the line.
    """
    if not is_steered(demand):
        return np.full(len(work.tie_ins(demand.pipe.utility).lines), np.inf)
    return _paved_within_m(work, demand, _tie_in_levels(work, demand.pipe.utility))


def _paved_within_m(work: Groundwork, demand: Demand, levels: Levels) -> FloatArray:
    """Metres from places to join within which a line can keep the cover of carriageways.

    Even the lowest line rises from the place's invert by its slope; the ground is taken to lie no
    higher than at the higher of the ends. Farther on no level between the ends keeps the cover.
    """
    slope, well_ground_m = needed_slope(demand), demand.last_well_ground_m
    if slope is None or well_ground_m is None:
        return np.full(len(levels.invert_m), np.inf)
    least_m = work.standards.cover(demand.pipe, "carriageway").least_m or 0.0
    highest_m = np.maximum(levels.ground_m, well_ground_m) - least_m - _top_m(work, demand)
    within_m = np.maximum((highest_m - levels.invert_m) / slope, 0.0)
    return np.where(np.isnan(within_m), np.inf, within_m)


def _paved_m(work: Groundwork, utility: str) -> tuple[FloatArray, FloatArray]:
    """Metres of every edge, and of every way to a tie-in, below carriageways of known width."""
    key = ("paved", utility)
    if key not in work.kept:
        pieces, tie_ins = work.corridors.crossings, work.tie_ins(utility)
        edges = _sum_of_wide(
            work, *(pieces[name].to_numpy() for name in ("edge", "road", "kerb_m")),
            count=work.corridors.graph.edge_count,
        )  # fmt: skip
        crossed = tie_ins.crossed
        stubs = _sum_of_wide(
            work, crossed.line, crossed.road, crossed.kerb_m, count=len(tie_ins.lines)
        )
        work.kept[key] = edges, stubs
    found: tuple[FloatArray, FloatArray] = work.kept[key]
    return found


def _sum_of_wide(
    work: Groundwork, line: IntArray, road: IntArray, kerb_m: FloatArray, *, count: int
) -> FloatArray:
    """Metres of each of ``count`` lines in carriageways of known width; contacts are none."""
    counted = _is_wide(work)[road] & (kerb_m > CONTACT_TOLERANCE_M)
    return np.bincount(line[counted], kerb_m[counted], minlength=count).astype(float)


def _top_m(work: Groundwork, demand: Demand) -> float:
    """How far the top of the pipe lies above its invert; of an unknown size nothing."""
    size_m = work.standards.outer_size_m(demand.pipe)
    if size_m is None or demand.pipe.nominal_mm is None:
        return 0.0
    return float(top_over_invert_m(demand.pipe.nominal_mm / 1000, size_m[1]))


# --- ways ----------------------------------------------------------------------------------------


def fall_caps(
    work: Groundwork,
    demand: Demand,
    site: Site,
    *,
    edges: IntArray,
    tie_ins: IntArray,
    end_nodes: IntArray,
) -> tuple[FallCap, ...]:
    """The caps that ways over some edges keep fall and cover: metres, for ``gis.constrained``.

    There is one for the cover below carriageways only where a way that keeps its fall can want it.
    """
    graph, utility = work.corridors.graph, demand.pipe.utility
    stub_m = work.tie_ins(utility).ways.length_m[tie_ins]
    ends_m = _inside_m(work, demand, site, graph.node_xy[end_nodes])
    longest = longest_m(work, demand)[tie_ins]
    caps = [_cap(graph.length_m[edges], stub_m, ends_m, longest)]
    of_edges, of_stubs = _paved_m(work, utility)
    paved_m, stub_paved_m = of_edges[edges], of_stubs[tie_ins]
    allowed = longest_paved_m(work, demand)[tie_ins]
    if (allowed < np.minimum(longest, paved_m.sum() + stub_paved_m)).any():
        caps.append(_cap(paved_m, stub_paved_m, np.zeros(len(end_nodes)), allowed))
    return tuple(caps)


def _cap(
    edge_m: FloatArray, stub_m: FloatArray, ends_m: FloatArray, allowed: FloatArray
) -> FallCap:
    """One cap for all places, each of which allows metres of its own.

    No way uses more than all edges together, so no place needs to allow more.
    """
    most = float(edge_m.sum() + stub_m.max(initial=0.0) + ends_m.max(initial=0.0))
    allowed = np.minimum(allowed, most)
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
    if length_m > longest_m(work, demand)[way.tie_in] + 2 * ROUNDING_M:
        return False
    return not _is_bare_below_carriageways(work, demand, way)


def _is_bare_below_carriageways(work: Groundwork, demand: Demand, way: Way) -> bool:
    """Whether a way is known not to keep the cover below carriageways at any level."""
    edges, stubs = _paved_m(work, demand.pipe.utility)
    paved_m = stubs[way.tie_in] + edges[list(way.edges)].sum()
    return bool(paved_m > longest_paved_m(work, demand)[way.tie_in] + 2 * ROUNDING_M)


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


def inside_of(work: Groundwork, demand: Demand, site: Site, end_nodes: IntArray) -> FloatArray:
    """Metres from graph nodes on the red line to the handover, inf where no way leads there."""
    return inside_m(_red_line(work, site), work.corridors.graph.node_xy[end_nodes], demand)


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
    caps = fall_caps(work, demand, site, edges=edges, tie_ins=rows, end_nodes=site.end_nodes)
    used = [np.array([one[part] for one in caps]) for part in range(3)]
    answer = cheapest_within(
        np.searchsorted(nodes, graph.ends[edges]),
        len(nodes),
        search.edge_weights[edges],
        used[0],
        Terminals(np.searchsorted(nodes, joined[rows]), search.tie_in_weights[rows], used[1]),
        Terminals(np.searchsorted(nodes, site.end_nodes), np.zeros(len(site.end_nodes)), used[2]),
        [one.cap for one in caps],
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
    return fall_over(work, demand, place, line.length, inside)


def fall_over(
    work: Groundwork, demand: Demand, place: Mapping[str, Any], outside_m: float, inside_m: float
) -> Fall:
    """The fall over the metres from a place to the red line, and on to the well; inf is unknown."""
    if not np.isfinite(inside_m):
        return replace(fall(demand, outside_m, invert_at(work, place)), needed_m=None)
    return fall(demand, outside_m + inside_m, invert_at(work, place))


def unmet_of(
    work: Groundwork, demand: Demand, place: Mapping[str, Any], line: shapely.LineString, site: Site
) -> tuple[Unmet, ...]:
    """What a line from a place to join is known not to keep; empty where that is unknown."""
    told = fall_of(work, demand, place, line, site)
    if told is None or not is_steered(demand):
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
    crossed = work.corridors.surfaces.crossed(np.array([line], object))
    paved_m = _sum_of_wide(work, crossed.line, crossed.road, crossed.kerb_m, count=1)
    if paved_m[0] > _paved_within_m(work, demand, levels)[0] + 2 * ROUNDING_M:
        found.append(Unmet("no_cover", line, BARE_BELOW_CARRIAGEWAYS))
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
    told = fall(demand, length_m, invert_m)
    is_bare = bool(longest_m(work, demand)[nearest.tie_in] == -np.inf) or (
        told.passes is not False and _is_bare_below_carriageways(work, demand, nearest)
    )
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
        _text(work, demand, nearest, str(place["feature_id"]), told, missing),
    )


def _text(
    work: Groundwork,
    demand: Demand,
    nearest: Way,
    feature_id: str,
    told: Fall,
    missing: float | None,
) -> str:
    if missing is not None:
        words = _("最近的接入处 {place}:{fall},尚差 {missing:.2f} 米")
        return words.format(place=feature_id, fall=told.text, missing=missing)
    if _well_is_bare(work, demand):
        return _WELL_IS_BARE
    if longest_m(work, demand)[nearest.tie_in] != -np.inf:
        return BARE_BELOW_CARRIAGEWAYS
    return _("最近的接入处 {place} 的管顶覆土小于最小覆土").format(place=feature_id)


_WELL_IS_BARE = _("用户末端井的管顶覆土小于最小覆土")
BARE_BELOW_CARRIAGEWAYS = _("穿越车行道处,两端管底高程之间没有一个高程能保证车行道下的最小覆土")
