"""What survey errors do to a route: effects on its length, crossings and greenery (``spreads``).

A route follows what it hangs on. Its first point moves with the main or node that it joins, its
last one with the red line, every point between with the kerb of the nearest road; the foot of a
square connector slides along the strip with the point that it serves. Kerbs move each for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from gis.overlay import CONTACT_TOLERANCE_M
from planning.application import Demand
from planning.facts import Shapes, counted_crossings
from planning.groundwork import Groundwork, Site
from planning.measures import measure_all
from planning.near_things import Thing, if_touched, may_be_near, near_things
from planning.road_surfaces import Crossed
from planning.routes import DrawnWay, Routes, Way
from planning.spreads import Effects, Spread, effects_together, joined

# Where a groundwork keeps what is told of all kerbs.
KERBS = "kerbs"
# Two directions are square where their unit vectors have less than this in common.
_SQUARE = 0.1
# A crossing is never taken for flatter than this (sine of 25°): strips that are run along kerbs.
_LEAST_SINE = 0.42


@dataclass(frozen=True, eq=False)
class Exactness:
    """How exact the survey makes the measures of routes of one demand, told when first asked for.

    ``holding`` tells what they hang on. ``as_one``: the routes are the feeds of one line, and what
    they measure together is asked for.
    """

    demand: Demand
    holding: Callable[[], Hold]
    as_one: bool = False

    @cached_property
    def tolerances(self) -> dict[str, FloatArray]:
        """Half the widths of the intervals of the surveyed measures, for every route or for all."""
        (told,) = _told([self], [self.holding()])
        return told

    @cached_property
    def near(self) -> list[list[Thing]]:
        """What each route may touch within the tolerances, or all of them."""
        hold = self.holding()
        found = things_near(hold)
        return [[thing for things in found for thing in things]] if self.as_one else found

    def if_touched(self, number: int, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs of a route that are unknown as it may touch what is near."""
        things = self.near[number]
        return if_touched(self.holding().work, things, inputs) if things else {}


def things_near(hold: Hold) -> list[list[Thing]]:
    """What each route may touch within the tolerances of the survey."""
    if not may_be_near(hold.work.tolerances):
        return [[] for _ in hold.lines]
    return near_things(hold.work, hold.working, np.nan_to_num(_kerb_tolerance(hold)))


def tell_together(exactness: Iterable[Exactness]) -> None:
    """Tell of several demands what was not told yet, for little more than one takes."""
    due = [one for one in dict.fromkeys(exactness) if "tolerances" not in vars(one)]
    on_ground: dict[int, list[tuple[Exactness, Hold]]] = defaultdict(list)
    for one in due:
        hold = one.holding()
        on_ground[id(hold.work.corridors)].append((one, hold))
    for pairs in on_ground.values():
        some, holds = map(list, zip(*pairs, strict=True))
        for one, told in zip(some, _told(some, holds), strict=True):
            vars(one)["tolerances"] = told


def _told(exactness: Sequence[Exactness], holds: Sequence[Hold]) -> list[dict[str, FloatArray]]:
    """Half the widths of the intervals of the surveyed measures, of each in order."""
    counts = [1 if one.as_one else len(h.lines) for one, h in zip(exactness, holds, strict=True)]
    ends = np.cumsum(counts).tolist()
    number = [
        np.full(len(hold.lines), end - 1) if one.as_one else np.arange(end - count, end)
        for one, hold, count, end in zip(exactness, holds, counts, ends, strict=True)
    ]
    spread = spread_of(Hold.together(holds)).of_works(np.concatenate(number))
    inputs = holds[0].work.policy.inputs
    told = []
    for one, hold, count, end in zip(exactness, holds, counts, ends, strict=True):
        feeds = len(hold.lines) if one.as_one else 1
        figures = spread.figures(one.demand, feeds, slice(end - count, end))
        measures = measure_all(one.demand.pipe.utility, figures)
        told.append({name: v for name, v in measures.items() if inputs[name].surveyed})
    return told


def spread_of(hold: Hold) -> Spread:
    """Effects of survey errors on routes."""
    length = _length_effects(hold)
    kerb, red_line = _crossing_effects(hold)
    parts = [length, kerb, kerb.told(figure="longest_kerb_m"), red_line]
    parts += _green_effects(hold, length)
    coverage = hold.work.policy.planning.value("interval_coverage")
    return Spread(effects_together(parts), len(hold.lines), coverage)


def hold_of(
    work: Groundwork, utility: str, sites: Sequence[Site], routes: Routes, working: NDArray[Any]
) -> Hold:
    """What traced routes with their working strips hang on."""
    kind, feature_id = joined_of(work, utility, routes.ways)
    parcels = [site.application.parcel_id for site in sites]
    return Hold(work, routes.lines, routes.crossed, kind, feature_id, parcels, working)


def joined_of(
    work: Groundwork, utility: str, ways: Sequence[Way]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Kind (line or node) and id of the place in the network where each way begins."""
    ties = work.tie_ins(utility)
    rows = np.array([way.tie_in for way in ways], np.int64)
    kind, feature_id = np.full((2, len(ways)), None, object)
    found = rows >= 0
    feature = ties.ways.feature[rows[found]]
    kind[found] = ties.network.kinds[feature]
    feature_id[found] = ties.network.ids[feature].astype(str)
    for number in np.flatnonzero(~found).tolist():
        way = ways[number]
        if isinstance(way, DrawnWay):
            kind[number], feature_id[number] = way.kind, str(way.feature_id)
    return kind, feature_id


class About(NamedTuple):
    """Surveyed features: their layer, what of them counts, id and tolerance."""

    layer: NDArray[Any]
    what: NDArray[Any]
    feature_id: NDArray[Any]
    tolerance_m: FloatArray

    def take(self, pick: Any) -> About:
        """Some of the features."""
        return About(*(column[pick] for column in self))


@dataclass(frozen=True)
class Hold:
    """Routes with everything that they hang on.

    ``kind`` and ``feature_id`` tell the main (line) or node that each joins, ``parcels`` on
    whose red line it ends; ``crossed`` is what the lines cross; ``working`` are the working strips,
    None where the width is unknown.
    """

    work: Groundwork
    lines: LineArray
    crossed: Crossed
    kind: NDArray[Any]
    feature_id: NDArray[Any]
    parcels: Sequence[str]
    working: NDArray[Any]

    @staticmethod
    def together(holds: Sequence[Hold]) -> Hold:
        """What the routes of several hang on, one after the other, all on one ground."""
        first = np.cumsum([0, *(len(hold.lines) for hold in holds)]).tolist()
        crossed = [
            hold.crossed._replace(line=hold.crossed.line + at)
            for hold, at in zip(holds, first[:-1], strict=True)
        ]
        return Hold(
            holds[0].work,
            np.concatenate([hold.lines for hold in holds]),
            Crossed.joined(crossed),
            np.concatenate([hold.kind for hold in holds]),
            np.concatenate([hold.feature_id for hold in holds]),
            [parcel for hold in holds for parcel in hold.parcels],
            np.concatenate([hold.working for hold in holds]),
        )

    @cached_property
    def joined(self) -> About:
        """Main or node that each route joins."""
        is_main = self.kind == "line"
        tolerance = np.full(len(self.kind), np.nan)
        for layer, mine in (("lines", is_main), ("nodes", ~is_main)):
            told = self.work.tolerances.of_features(layer, self.feature_id[mine].tolist())
            tolerance[mine] = told
        return About(
            np.where(is_main, "lines", "nodes").astype(object),
            np.where(is_main, "main", "node").astype(object),
            self.feature_id,
            tolerance,
        )

    @cached_property
    def ended(self) -> About:
        """Parcel on whose red line each route ends."""
        ids = np.array(self.parcels, object)
        return About(
            np.full(len(ids), "parcels", object),
            np.full(len(ids), "red_line", object),
            ids,
            self.work.tolerances.of_features("parcels", self.parcels),
        )

    @cached_property
    def kerbs(self) -> About:
        """Kerbs of every road, by its row."""
        if KERBS not in self.work.kept:
            self.work.kept[KERBS] = _kerbs(self.work)
        kerbs: About = self.work.kept[KERBS]
        return kerbs

    def kerb_beside(self, points: NDArray[Any]) -> tuple[IntArray, IntArray, IntArray]:
        """Which points have a road within reach, its row, and their side of it."""
        reach = self.work.policy.planning.max_snap_m
        at, road = self.work.ground.centre_lines.tree.query_nearest(
            points, max_distance=reach, all_matches=False
        )
        centre = self.work.corridors.surfaces.centre[road]
        on = shapely.line_locate_point(centre, points[at])
        foot = shapely.get_coordinates(shapely.line_interpolate_point(centre, on))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(centre, on + 1.0))
        behind = shapely.get_coordinates(
            shapely.line_interpolate_point(centre, np.maximum(on - 1.0, 0.0))
        )
        along, away = ahead - behind, shapely.get_coordinates(points[at]) - foot
        side = np.sign(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
        return at.astype(np.int64), road.astype(np.int64), side.astype(np.int64)


def _kerbs(work: Groundwork) -> About:
    """Kerbs of roads: those of their surveyed carriageways, else those of their widths."""
    table = work.corridors.surfaces.table
    ids = table["road_id"].astype(str)
    drawn = work.tolerances.of_layer("carriageways").groupby(level=0).max()
    is_drawn = ids.isin(drawn.index).to_numpy()
    by_road = work.tolerances.of_layer("roads").reindex(ids).to_numpy(float, copy=True)
    by_road[is_drawn] = drawn.reindex(ids[is_drawn]).to_numpy(float)
    by_road[table["width_assumed"].to_numpy(bool)] = np.nan
    return About(
        np.where(is_drawn, "carriageways", "roads").astype(object),
        np.full(len(ids), "kerb", object),
        ids.to_numpy(object),
        by_road,
    )


def _rows(
    about: About,
    pick: Any,
    route: Any,
    figure: str,
    effect: str,
    g: FloatArray,
    xy: FloatArray,
    part: Any = 0,
) -> Effects:
    """Effects on a figure of some of the features."""
    one = about.take(pick)
    count = len(one.layer)
    return Effects(
        route=np.asarray(route, np.int64),
        figure=np.full(count, figure, object),
        effect=np.full(count, effect, object),
        what=one.what,
        layer=one.layer,
        feature_id=one.feature_id,
        part=np.broadcast_to(np.asarray(part, np.int64), count),
        gx=g[:, 0],
        gy=g[:, 1],
        tolerance_m=one.tolerance_m,
        x=xy[:, 0],
        y=xy[:, 1],
    )


# --- length -------------------------------------------------------------------------------------


def _length_effects(hold: Hold) -> Effects:
    """The length changes where the line bends: by the sum of the directions at each point."""
    xy, route = shapely.get_coordinates(hold.lines, return_index=True)
    before, after = _directions(xy, route)
    first = np.flatnonzero(np.r_[True, route[1:] != route[:-1]])
    last = np.r_[first[1:] - 1, len(route) - 1]
    g = before - after
    inner = np.ones(len(xy), bool)
    inner[first] = inner[last] = False
    is_node = np.asarray(hold.joined.layer == "nodes", bool)
    ends = [
        (hold.ended, route[last], last, _slid(g, inner, last - 1, before[last], before)),
        (
            hold.joined.take(is_node), route[first[is_node]], first[is_node],
            _slid(g, inner, first[is_node] + 1, after[first[is_node]], after),
        ),
        (
            hold.joined.take(~is_node), route[first[~is_node]], first[~is_node],
            np.zeros(((~is_node).sum(), 2)),
        ),
    ]  # fmt: skip
    parts = [
        _rows(about, slice(None), of, "length_m", "place", g[at] + slid, xy[at])
        for about, of, at, slid in ends
    ]
    bends = np.flatnonzero(inner & (np.hypot(*g.T) > 1e-9))
    at, road, side = hold.kerb_beside(shapely.points(xy[bends]))
    bends = bends[at]
    kerbs = _rows(hold.kerbs, road, route[bends], "length_m", "place", g[bends], xy[bends], side)
    folds = [_fold(hold, hold.ended, last, last - 1), _fold(hold, hold.joined, first, first + 1)]
    return joined([*parts, kerbs, *folds])


def _fold(hold: Hold, end: About, at: IntArray, foot: IntArray) -> Effects:
    """End pieces shorter than both their ends may be off: the strip may lie beyond the end.

    The line then goes there and back, twice what the ends are off beyond the length of the piece.
    """
    xy, route = shapely.get_coordinates(hold.lines, return_index=True)
    between = shapely.get_num_coordinates(hold.lines) > 2
    at, foot = at[between], foot[between]
    number, road, side = hold.kerb_beside(shapely.points(xy[foot]))
    at, foot, own = at[number], foot[number], route[at[number]]
    length = np.hypot(*(xy[at] - xy[foot]).T)
    off = np.hypot(end.tolerance_m[own], hold.kerbs.tolerance_m[road])
    share = np.clip(1.0 - length / np.where(off > 0, off, np.inf), 0.0, 1.0)
    g = _scalar(2.0 * np.nan_to_num(share))
    return joined(
        [
            _rows(end, own, own, "length_m", "fold", g, xy[at]),
            _rows(hold.kerbs, road, own, "length_m", "fold", g, xy[foot], side),
        ]
    )


def _directions(xy: FloatArray, route: IntArray) -> tuple[FloatArray, FloatArray]:
    """Unit direction of the line before and after each vertex, zero beyond its ends."""
    step = np.diff(xy, axis=0)
    length = np.hypot(*step.T)
    unit = np.divide(step, length[:, None], out=np.zeros_like(step), where=length[:, None] > 0)
    unit[route[1:] != route[:-1]] = 0.0
    nothing = np.zeros((1, 2))
    return np.concatenate([nothing, unit]), np.concatenate([unit, nothing])


def _slid(
    g: FloatArray, inner: NDArray[np.bool_], foot: IntArray, out: FloatArray, onward: FloatArray
) -> FloatArray:
    """Part of the effect at the feet of connectors that belongs to the points they serve.

    A foot square below its point slides along the strip with it; ``g`` keeps what is left.
    """
    foot = np.clip(foot, 0, len(g) - 1)
    square = inner[foot] & (np.abs((onward[foot] * out).sum(axis=1)) < _SQUARE)
    along = g[foot] - (g[foot] * out).sum(axis=1)[:, None] * out
    along[~square] = 0.0
    g[foot] -= along
    return np.asarray(along)


# --- crossings ----------------------------------------------------------------------------------


def _crossing_effects(hold: Hold) -> tuple[Effects, Effects]:
    """Kerb to kerb and red line to red line: both edges of every piece may be off.

    A piece that begins in the carriageway has one edge, and the main's own error.
    """
    surfaces = hold.work.corridors.surfaces
    counted = counted_crossings(hold.work.ground, hold.crossed)
    crossed, road = counted.line, counted.road
    line = hold.lines[crossed]
    inside = surfaces.inside(line, road, counted.kerb_m)
    part, row = shapely.get_parts(inside, return_index=True)
    kept = shapely.length(part) > CONTACT_TOLERANCE_M
    part, row = part[kept], row[kept]
    route, road, line = crossed[row], road[row], line[row]
    middle = shapely.line_interpolate_point(part, 0.5, normalized=True)
    inside = shapely.distance(part, shapely.get_point(line, 0)) < CONTACT_TOLERANCE_M
    sine = _sines(surfaces.centre[road], part, middle)
    both = np.full(len(part), np.sqrt(2.0))
    width = surfaces.table["carriageway_width_m"].to_numpy(float)[road]
    share = np.minimum(shapely.length(part) * sine / width, 1.0)
    ratio = (counted.red_line_m / counted.kerb_m)[row]
    xy = shapely.get_coordinates(middle)
    tables = []
    for figure, factor, one in (
        ("kerb_m", np.ones(len(part)), np.ones(len(part))),
        ("red_line_m", ratio, _edges_of_part(ratio, share)),
    ):
        g = _scalar(np.where(inside, one, both) / sine)
        kerb = _rows(hold.kerbs, road, route, figure, "width", g, xy)
        own = route[inside]
        main_xy = shapely.get_coordinates(shapely.get_point(hold.lines[own], 0))
        g = _scalar(factor[inside])
        tables.append(
            joined(
                [
                    kerb,
                    _rows(hold.joined, own, own, figure, "end", g, main_xy),
                    _hardly_outside(hold, figure),
                ]
            )
        )
    return tables[0], tables[1]


def _edges_of_part(ratio: FloatArray, share: FloatArray) -> FloatArray:
    """Effect of the edges of a road on a part of its crossing, red line to red line.

    Such a part is its kerb length times red-line over carriageway width. The kerb that it reaches
    stretches the part and widens the road, the other kerb only widens it, two red lines stretch
    the whole. A whole crossing, share 1, hangs on the red lines alone.
    """
    kerbs = ratio**2 * ((1 - share) ** 2 + share**2)
    return np.asarray(np.sqrt(kerbs + 2 * share**2))


def _hardly_outside(hold: Hold, figure: str) -> Effects:
    """Mains beside a carriageway that may lie inside it: within the tolerances of both."""
    surfaces, planning = hold.work.corridors.surfaces, hold.work.policy.planning
    start = shapely.get_point(hold.lines, 0)
    most = planning.value("tolerance_hearsay_m")
    area = hold.work.ground.counted_carriageways
    route, road = area.tree.query(start, predicate="dwithin", distance=2 * most)
    away = shapely.distance(start[route], area.shapes[road])
    main, kerb = hold.joined.tolerance_m[route], hold.kerbs.tolerance_m[road]
    reach = np.nan_to_num(np.hypot(main, kerb), nan=most)
    near = (away > CONTACT_TOLERANCE_M) & (away < reach)
    route, road = route[near], road[near]
    factor = np.ones(len(road)) if figure == "kerb_m" else surfaces.red_line_ratio[road]
    xy = shapely.get_coordinates(start[route])
    return joined(
        [
            _rows(hold.kerbs, road, route, figure, "width", _scalar(factor), xy),
            _rows(hold.joined, route, route, figure, "end", _scalar(factor), xy),
        ]
    )


def _sines(centre: LineArray, part: LineArray, middle: NDArray[Any]) -> FloatArray:
    """Sine of the angle at which each piece crosses the road with this centre line."""
    on = shapely.line_locate_point(centre, middle)
    ahead = shapely.line_interpolate_point(centre, on + 0.5)
    behind = shapely.line_interpolate_point(centre, np.maximum(on - 0.5, 0.0))
    along = shapely.get_coordinates(ahead) - shapely.get_coordinates(behind)
    across = shapely.get_coordinates(shapely.get_point(part, -1))
    across = across - shapely.get_coordinates(shapely.get_point(part, 0))
    turned = np.abs(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0])
    size = np.hypot(*along.T) * np.hypot(*across.T)
    sine = np.divide(turned, size, out=np.ones_like(size), where=size > 0)
    return np.asarray(np.clip(sine, _LEAST_SINE, 1.0))


def _scalar(g: FloatArray) -> FloatArray:
    return np.stack([g, np.zeros(len(g))], axis=1)


# --- greenery -----------------------------------------------------------------------------------


def _green_effects(hold: Hold, length: Effects) -> list[Effects]:
    """The edge of greenery inside the strip may be off, and so may the strip beside it.

    An edge moved outwards by a metre all along adds its length in square metres. A strip that
    gets longer adds its width.
    """
    green = hold.work.survey.get("green")
    known = np.flatnonzero(~shapely.is_missing(hold.working))
    if green is None or green.empty or len(known) == 0:
        return []
    edges = _edges_in_strips(hold, green, known)
    xy = shapely.get_coordinates(shapely.point_on_surface(edges.shape))
    g = _scalar(shapely.length(edges.shape))
    own = _rows(edges.green, slice(None), edges.route, "green_m2", "edge", g, xy)
    at, road, side = hold.kerb_beside(shapely.points(xy))
    beside = _rows(hold.kerbs, road, edges.route[at], "green_m2", "beside", g[at], xy[at], side)
    width = np.zeros(len(hold.lines))
    width[known] = shapely.area(hold.working[known]) / shapely.length(hold.lines[known])
    touched = np.isin(length.route, edges.route) | np.isin(length.route, edges.covered)
    grown = length.where(touched).told(figure="green_m2", effect="length")
    by_width = width[grown.route]
    grown = grown._replace(gx=grown.gx * by_width, gy=grown.gy * by_width)
    return [own, beside, grown]


@dataclass(frozen=True)
class _Edges:
    """Edges of greenery in or near the strips: of which route, which green, and their shape."""

    green: About
    route: IntArray
    shape: NDArray[Any]
    covered: IntArray

    def where(self, kept: NDArray[np.bool_]) -> _Edges:
        return replace(
            self, green=self.green.take(kept), route=self.route[kept], shape=self.shape[kept]
        )


def _edges_in_strips(hold: Hold, green: Any, known: IntArray) -> _Edges:
    """Edges within the strips and as far beside them as both may be off together."""
    shapes = np.asarray(green.geometry.array)
    tolerance = hold.work.tolerances.of_layer("green").to_numpy(float)
    most = hold.work.policy.planning.value("tolerance_hearsay_m")
    greenery = hold.work.ground.greenery or Shapes(shapes)
    at, number = greenery.tree.query(hold.working[known], predicate="dwithin", distance=2 * most)
    route = known[at]
    kerb = _kerb_tolerance(hold)[route]
    reach = np.nan_to_num(np.hypot(tolerance[number], kerb), nan=most)
    strip = shapely.buffer(hold.working[route], reach, join_style="mitre")
    inside = shapely.intersection(shapely.boundary(shapes[number]), strip)
    covered = np.unique(route[shapely.intersects(hold.working[route], shapes[number])])
    about = About(
        np.full(len(number), "green", object),
        np.full(len(number), "green_edge", object),
        green.index[number].astype(str).to_numpy(object),
        tolerance[number],
    )
    found = _Edges(about, route, inside, covered)
    return found.where(shapely.length(inside) > 0)


def _kerb_tolerance(hold: Hold) -> FloatArray:
    """Largest tolerance of the kerbs that each route lies beside, NaN where one is unknown."""
    largest = np.zeros(len(hold.lines))
    tolerance = hold.kerbs.tolerance_m
    xy, route = shapely.get_coordinates(hold.lines, return_index=True)
    at, road, _side = hold.kerb_beside(shapely.points(xy))
    with np.errstate(invalid="ignore"):  # a comparison with an unknown tolerance is unknown
        np.maximum.at(largest, route[at], tolerance[road])
    return largest
