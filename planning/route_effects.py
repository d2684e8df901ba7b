"""What survey errors do to a route: effects on its length, crossings and greenery (``spreads``).

A route follows what it hangs on (``planning.holds``). The foot of a square connector slides along
the strip with the point that it serves. Kerbs move each for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, LineArray
from gis.overlay import CONTACT_TOLERANCE_M
from planning.application import Demand
from planning.comparisons import is_unknown
from planning.facts import Shapes, counted_crossings
from planning.holds import Hold
from planning.measures import measure_all
from planning.near_things import Thing, if_touched, near_things
from planning.other_widths import told_at_other_widths
from planning.road_edges import About
from planning.spreads import Effects, Spread, effects_together, joined

# Two directions are square where their unit vectors have less than this in common.
_SQUARE = 0.1
# Strips of two roads meet in a corner where the sine of their angle is more.
_LEAST_CORNER = 0.3
# A line goes straight on where its unit vectors have more than this in common: as exactly.
_STRAIGHT = 1 - _SQUARE**2 / 2
# A crossing is never taken for flatter than this (sine of 25°): strips that are run along kerbs.
_LEAST_SINE = 0.42
# From this share of a carriageway's width on a piece crosses all of it.
_WHOLE = 0.999


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
        found = near_things(hold, self.demand.pipe.utility)
        return [[thing for things in found for thing in things]] if self.as_one else found

    @cached_property
    def other_widths(self) -> list[Sequence[Mapping[str, Any]]]:
        """What each route tells at its least and its greatest width, or all of them together."""
        return told_at_other_widths(self.holding(), self.demand, as_one=self.as_one)

    def if_touched(self, number: int, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs of a route that are unknown as it may touch what is near."""
        things = self.near[number]
        return if_touched(self.holding().work, things, inputs) if things else {}

    def at_other_widths(
        self, number: int, inputs: Mapping[str, Any]
    ) -> Sequence[Mapping[str, Any]]:
        """The inputs of a route that are others at some width; what is unknown stays so."""
        told = [
            {name: value for name, value in one.items() if not is_unknown(inputs.get(name))}
            for one in self.other_widths[number]
        ]
        return [one for one in told if any(inputs[name] != value for name, value in one.items())]


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
    xy, route = hold.vertices
    before, after = _directions(xy, route)
    first = np.flatnonzero(np.r_[True, route[1:] != route[:-1]])
    last = np.r_[first[1:] - 1, len(route) - 1]
    still = shapely.length(hold.lines) == 0  # one of no length grows whatever way an end is off
    before[last[still]] = after[first[still]] = (1.0, 0.0)
    inner = ~np.isin(hold.carried[0], [*first, *last])
    joint, joints = hold.carried[0][inner], hold.carried[1].take(inner)
    on_strip = np.ones(len(xy), bool)
    on_strip[np.concatenate([first, last, joint])] = False
    nodes = first[np.asarray(hold.joined.layer == "nodes", bool)]
    g = before - after
    for at, step, along in (
        (last, -1, before),
        (nodes, 1, after),
        (joint, -1, before),
        (joint, 1, after),
    ):
        g[at] += _slid(g, on_strip, at, step, along)
    parts = [
        _rows(about, slice(None), route[at], "length_m", "place", g[at], xy[at])
        for about, at in ((hold.ended, last), (hold.joined, first), (joints, joint))
    ]
    bends = np.flatnonzero(on_strip & (np.hypot(*g.T) > 1e-9))
    kerbs = _bend_effects(hold, bends, g[bends], before[bends], after[bends])
    folds = [
        _fold(hold, about, at, at + step, on_strip)
        for about, at, step in (
            (hold.ended, last, -1),
            (hold.joined, first, 1),
            (joints, joint, -1),
            (joints, joint, 1),
        )
    ]
    return joined([*parts, *kerbs, *folds])


def _bend_effects(
    hold: Hold, bends: IntArray, g: FloatArray, before: FloatArray, after: FloatArray
) -> list[Effects]:
    """Effects of the kerbs that bends lie beside.

    The corner from the strip of one road into that of another lies where both meet: each kerb
    moves it along the other strip. Any other bend moves with the nearest kerb.
    """
    xy, route = hold.vertices
    points = shapely.points(xy[bends])
    kerbs = [
        hold.kerb_of_each(shapely.points((xy[bends] + xy[bends + step]) / 2)) for step in (-1, 1)
    ]
    sine = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    (one, one_side), (two, two_side) = kerbs
    is_corner = (one >= 0) & (two >= 0) & (one != two) & (np.abs(sine) > _LEAST_CORNER)
    corner, rest = np.flatnonzero(is_corner), np.flatnonzero(~is_corner)
    at, road, side = hold.kerb_beside(points[rest])
    rest = rest[at]
    told = [(rest, road, side, g[rest])]
    for road, side, strip, other in (
        (one, one_side, before, after),
        (two, two_side, after, before),
    ):
        # Moved by its kerb across it, one strip shifts the corner along the other.
        across = np.stack([-strip[:, 1], strip[:, 0]], axis=1)
        met = (across * other).sum(axis=1)
        share = np.divide((g * other).sum(axis=1), met, out=np.zeros_like(met), where=is_corner)
        told.append((corner, road[corner], side[corner], (share[:, None] * across)[corner]))
    return [
        _rows(hold.kerbs, road, route[bends[at]], "length_m", "place", effect, xy[bends[at]], side)
        for at, road, side, effect in told
    ]


def _fold(
    hold: Hold, about: About, at: IntArray, foot: IntArray, on_strip: NDArray[np.bool_]
) -> Effects:
    """Connectors shorter than both their ends may be off: the strip may lie beyond the end.

    The line then goes there and back, twice what the ends are off beyond the length of the piece.
    """
    xy, route = hold.vertices
    is_foot = on_strip[np.clip(foot, 0, len(xy) - 1)]
    about, at, foot = about.take(is_foot), at[is_foot], foot[is_foot]
    number, road, side = hold.kerb_beside(shapely.points(xy[foot]))
    about, at, foot = about.take(number), at[number], foot[number]
    length = np.hypot(*(xy[at] - xy[foot]).T)
    off = np.hypot(about.tolerance_m, hold.kerbs.tolerance_m[road])
    share = np.clip(1.0 - length / np.where(off > 0, off, np.inf), 0.0, 1.0)
    g = _scalar(2.0 * np.nan_to_num(share))
    return joined(
        [
            _rows(about, slice(None), route[at], "length_m", "fold", g, xy[at]),
            _rows(hold.kerbs, road, route[at], "length_m", "fold", g, xy[foot], side),
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
    g: FloatArray, on_strip: NDArray[np.bool_], at: IntArray, step: int, onward: FloatArray
) -> FloatArray:
    """Part of the effect at the feet of connectors that belongs to the points they serve.

    A foot square below its point slides along the strip with it, and so does that on the strip
    where the line goes straight on over others; ``g`` keeps what is left.
    """
    out, foot = onward[at], np.clip(at + step, 0, len(g) - 1)
    while (straight := on_strip[foot] & ((onward[foot] * out).sum(axis=1) > _STRAIGHT)).any():
        foot = np.where(straight, foot + step, foot)
    square = on_strip[foot] & (np.abs((onward[foot] * out).sum(axis=1)) < _SQUARE)
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
    width = surfaces.table["carriageway_width_m"].to_numpy(float)[road]
    share = np.minimum(shapely.length(part) * sine / width, 1.0)
    ratio = (counted.red_line_m / counted.kerb_m)[row]
    xy = shapely.get_coordinates(middle)
    tables = []
    edges = np.where(inside, 1.0, np.sqrt(2.0))
    kerbs, red_lines = _edges_of_part(ratio, share, inside)
    for figure, factor, of_edges in (
        ("kerb_m", np.ones(len(part)), [(hold.kerbs, edges)]),
        ("red_line_m", ratio, [(hold.kerbs, kerbs), (hold.red_lines, red_lines)]),
    ):
        rows = [
            _rows(edge, road, route, figure, "width", _scalar(g / sine), xy) for edge, g in of_edges
        ]
        own = route[inside]
        main_xy = shapely.get_coordinates(shapely.get_point(hold.lines[own], 0))
        g = _scalar(factor[inside])
        tables.append(
            joined(
                [
                    *rows,
                    _rows(hold.joined, own, own, figure, "end", g, main_xy),
                    _hardly_outside(hold, figure),
                ]
            )
        )
    return tables[0], tables[1]


def _edges_of_part(
    ratio: FloatArray, share: FloatArray, inside: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Effects of the kerbs and of the red lines on a part of a crossing, red line to red line.

    Such a part is its kerb length times red-line over carriageway width. A kerb that it reaches
    stretches the part and widens the road, one that it does not only widens it, two red lines
    stretch the whole. A whole crossing, share 1, hangs on the red lines alone; a part that ends on
    no kerb of the road, as on a median, ends on an edge as exact as one.
    """
    reached, widened = (1 - share) ** 2, share**2
    part = np.sqrt(reached + widened + np.where(inside, 0.0, 1.0))
    is_whole = ~inside & (share > _WHOLE)
    return np.where(is_whole, 0.0, ratio * part), np.sqrt(2.0) * share


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
    known = np.flatnonzero(~shapely.is_missing(hold.worked))
    if green is None or green.empty or len(known) == 0:
        return []
    edges = _edges_in_strips(hold, green, known)
    xy = shapely.get_coordinates(shapely.point_on_surface(edges.shape))
    g = _scalar(shapely.length(edges.shape))
    own = _rows(edges.green, slice(None), edges.route, "green_m2", "edge", g, xy)
    at, road, side = hold.kerb_beside(shapely.points(xy))
    beside = _rows(hold.kerbs, road, edges.route[at], "green_m2", "beside", g[at], xy[at], side)
    width = np.zeros(len(hold.lines))
    metres = shapely.length(hold.lines)
    width[known] = np.where(
        metres > 0, shapely.area(hold.worked) / np.where(metres > 0, metres, 1.0), 2 * hold.half_m
    )[known]
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
    at, number = greenery.tree.query(hold.worked[known], predicate="dwithin", distance=2 * most)
    route = known[at]
    kerb = hold.widest_kerb.tolerance_m[route]
    reach = np.nan_to_num(np.hypot(tolerance[number], kerb), nan=most)
    strip = shapely.buffer(hold.worked[route], reach, join_style="mitre")
    inside = shapely.intersection(shapely.boundary(shapes[number]), strip)
    covered = np.unique(route[shapely.intersects(hold.worked[route], shapes[number])])
    about = About(
        np.full(len(number), "green", object),
        np.full(len(number), "green_edge", object),
        green.index[number].astype(str).to_numpy(object),
        tolerance[number],
    )
    found = _Edges(about, route, inside, covered)
    return found.where(shapely.length(inside) > 0)
