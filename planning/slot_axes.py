"""Slot axes 空位内的管位: how far from the kerb the strip of each side of a street lies.

A strip keeps its set-back from the kerb (GB 50289-2016 4.1.9) where that ground is free. Where most
of a street part has greenery, a row of trees or an existing line there, and the slot behind it is
free, the strip lies there (4.1.2: under the footway first, the green belt after it). Square
cross-sections along both sides tell what is in the way. A slot ends at the land of others and at
the next carriageway; unknown widths, sizes and places move nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.areas import Areas
from gis.linear import FloatArray, IntArray, LineArray, Tracks, segments
from gis.noding import Network
from layers.survey import Survey
from planning.application import usual_pipes
from planning.existing_pipes import buried_lines, pipes_of, size_of
from planning.obstacles import obstacles_of, shapes_of
from planning.policy_model import Planning
from planning.road_surfaces import RoadSurfaces
from planning.slots import lines_met
from planning.standards import load_standards

# One cross-section at least in every stretch of this length, and how far places are apart on one.
_STEP_M, _PLACE_M = 15.0, 0.25
# A tree stands in the cross-sections that it is as near to: a row with usual gaps in all of them.
_TREE_REACH_M = 5.0
# The strip moves where so much of its working width is freed in the mean, and something in so many
# of the cross-sections; farther from the kerb than that no place is looked at.
_FREED_M, _FREED_SHARE, _WIDEST_M = 0.5, 0.5, 15.0
# Means that differ by less are one; of such places the first is taken, and room left beside it.
_ALIKE_M, _BESIDE_M = 0.05, 0.5
_EQUAL_M = 1e-6
# A cross-section begins at its own kerb: what of the own carriageway it meets there is rounding.
_OWN_KERB_M = 1.0
# Nearer to the end of a street part than its offset and this is the mouth of another street.
_MOUTH_M = 3.0
# What takes room in slots.
GROUND_LAYERS = ("green", "parcels", "buildings", "water_bodies", "trees", "lines")


# Cross-sections, where on each something stands, and how far from it a strip keeps.
Met = tuple[IntArray, FloatArray, FloatArray]


class Ground(NamedTuple):
    """What takes room in slots: greenery, land of others, trunks, and existing lines by body."""

    green: Areas
    land: Areas
    trees: NDArray[Any]
    lines: LineArray
    half_m: FloatArray


def ground_of(survey: Survey) -> Ground:
    """What takes room in the slots of a survey; lines of unknown size take none."""
    obstacles = obstacles_of(survey).once()
    table = buried_lines(survey)
    kind_of, kinds = pipes_of(table)
    standards = load_standards()
    width = np.array([size_of(pipe, standards)[0] for pipe in kinds], float)[kind_of]
    known = np.isfinite(width)
    return Ground(
        Areas(shapes_of(survey, "green")),
        Areas(np.concatenate([obstacles.private, obstacles.water])),
        shapes_of(survey, "trees"),
        np.asarray(table.geometry.array)[known],
        width[known] / 2,
    )


def axis_shifts(
    survey: Survey,
    streets: Network,
    surfaces: RoadSurfaces,
    setback_m: FloatArray,
    settings: Planning,
    parts: IntArray | None = None,
) -> FloatArray:
    """How much farther from the kerb than its set-back the strip of each side lies, (m, 2) metres.

    Parameters
    ----------
    setback_m
        (m,) set-back of the strips of every street part.
    parts
        Street parts that are looked at; the others have none.

    Returns
    -------
    For each street part its left and its right; 0 where widths are unknown or assumed, and above
    or below the ground.
    """
    shift = np.zeros((len(streets.pieces.lines), 2))
    road = streets.pieces.parent
    room_m = np.where(surfaces.level == 0, surfaces.beside_m, np.inf)[road]
    roomy = np.isfinite(room_m) & (room_m >= setback_m + _half_trench_m() + _PLACE_M)
    chosen = np.flatnonzero(roomy)
    if parts is not None:
        chosen = np.intersect1d(chosen, parts)
    if len(chosen) == 0:
        return shift
    ground, room_m = ground_of(survey), np.minimum(room_m, _WIDEST_M)
    half_m = surfaces.half_width_m[road]
    lines = streets.pieces.lines[chosen]
    part, rays = _cross_sections(lines, half_m[chosen], room_m[chosen])
    band_m = _half_trench_m() + settings.work_margin_m
    for side, across in enumerate(rays):
        told = road[chosen][part], room_m[chosen][part], setback_m[chosen][part]
        free_m = _free_m(across, *told, surfaces, ground.land)
        slots = setback_m[chosen], room_m[chosen]
        place_m = _best_places(part, across, free_m, *slots, ground, band_m)
        out_m = (half_m[chosen] + place_m) * (-1 if side else 1)
        kept = _in_the_way(lines, out_m, ground.land)
        shift[chosen, side] = np.where(kept, 0.0, place_m - setback_m[chosen])
    return shift


def beside_changed(
    streets: Network, tree: shapely.STRtree, surfaces: RoadSurfaces, ground: NDArray[Any]
) -> NDArray[np.bool_]:
    """Which street parts, to be found in a tree, have any of some shapes in the cross-sections of
    their slots.
    """
    near, reach_m = np.zeros(len(streets.ends), bool), _reach_m(streets, surfaces)
    reach_m = np.where(np.isfinite(reach_m), reach_m, -1.0)  # without a known slot beside nothing
    widest_m = float(reach_m.max(initial=-1.0))
    if len(ground) and widest_m >= 0:
        shape, part = tree.query(ground, predicate="dwithin", distance=widest_m)
        away_m = shapely.distance(ground[shape], streets.pieces.lines[part])
        near[part[away_m <= reach_m[part]]] = True
    return near


def slot_boxes(streets: Network, surfaces: RoadSurfaces, parts: IntArray) -> NDArray[Any]:
    """Boxes round the slots of some street parts, and what stands in their cross-sections."""
    reach_m = np.nan_to_num(_reach_m(streets, surfaces)[parts], posinf=0.0)
    west, south, east, north = shapely.bounds(streets.pieces.lines[parts]).reshape(-1, 4).T
    sides = west - reach_m, south - reach_m, east + reach_m, north + reach_m
    return np.asarray(shapely.box(*sides))


def _reach_m(streets: Network, surfaces: RoadSurfaces) -> FloatArray:
    """How far from each centre line anything tells of its slots, infinite where none is known."""
    reach_m = surfaces.half_width_m + surfaces.beside_m + _TREE_REACH_M
    return np.asarray(reach_m[streets.pieces.parent])


@cache
def _half_trench_m() -> float:
    """Half the trench of a usual pipe laid alone: outside width and working space on both sides."""
    standards = load_standards()
    halves = []
    for pipe in usual_pipes():
        size, space = standards.outer_size_m(pipe), standards.working_space(pipe).value_m
        if size is not None and space is not None:
            halves.append(size[0] / 2 + space)
    return float(np.median(halves))


def _cross_sections(
    lines: LineArray, half_m: FloatArray, room_m: FloatArray
) -> tuple[IntArray, tuple[LineArray, LineArray]]:
    """Cross-sections from kerb to red line: the line of each, and those of its left and right.

    None lie in the mouths of other streets, unless the line is too short for any other.
    """
    length = shapely.length(lines)
    mouth = np.minimum(half_m + room_m + _MOUTH_M, 0.4 * length)
    open_m = length - 2 * mouth
    count = np.maximum(np.ceil(open_m / _STEP_M), 1).astype(np.int64)
    part = np.repeat(np.arange(len(lines)), count)
    number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    at_m = mouth[part] + (number + 0.5) / count[part] * open_m[part]
    tracks = Tracks(lines)
    foot = tracks.at(part, at_m)
    along = tracks.at(part, at_m + 0.5) - tracks.at(part, at_m - 0.5)
    along /= np.hypot(*along.T)[:, None]
    left = np.stack([-along[:, 1], along[:, 0]], axis=1)
    kerb, end = half_m[part][:, None], (half_m + room_m)[part][:, None]
    one, other = (segments(foot + out * kerb, foot + out * end) for out in (left, -left))
    return part, (one, other)


def _free_m(
    rays: LineArray,
    road: IntArray,
    room_m: FloatArray,
    setback_m: FloatArray,
    surfaces: RoadSurfaces,
    land: Areas,
) -> FloatArray:
    """How far each cross-section is free: to the red line, land of others or a carriageway.

    From the next kerb a trench keeps what it keeps from its own.
    """
    free_m, inside = room_m.copy(), land.pieces(rays)
    np.minimum.at(free_m, inside.line, inside.start_m)
    met = surfaces.crossed(rays)
    start_m = met.at_m - met.kerb_m / 2
    other = (met.road != road[met.line]) | (start_m > _OWN_KERB_M)
    kerb_m = start_m - (setback_m[met.line] - _half_trench_m())
    np.minimum.at(free_m, met.line[other], np.maximum(kerb_m[other], 0.0))
    return np.asarray(free_m)


def _in_the_way(lines: LineArray, out_m: FloatArray, land: Areas) -> NDArray[np.bool_]:
    """Where land stands on the strip that would lie so far to the left (or right) of a line."""
    strip = shapely.offset_curve(lines, out_m, join_style="mitre", mitre_limit=2.0)
    inside = land.pieces(np.where(shapely.is_empty(strip), lines, strip))
    met_m = np.bincount(inside.line, inside.length_m, len(lines))
    return np.asarray(met_m > _OWN_KERB_M)


def _best_places(
    part: IntArray,
    rays: LineArray,
    free_m: FloatArray,
    setback_m: FloatArray,
    room_m: FloatArray,
    ground: Ground,
    band_m: float,
) -> FloatArray:
    """Distance from the kerb of the strip of each part, on the side of the rays."""
    trench_m, count = _half_trench_m(), len(setback_m)
    places = int(np.floor((room_m - trench_m - setback_m).max() / _PLACE_M)) + 1
    place_m = setback_m[:, None] + np.arange(places) * _PLACE_M
    each, shut = _taken_m(rays, place_m[part], free_m, ground, trench_m, band_m)
    taken, barred = np.zeros(place_m.shape), np.zeros(place_m.shape, bool)
    np.add.at(taken, part, each)
    np.logical_or.at(barred, part, shut & ~shut[:, :1])
    taken = (taken / np.bincount(part, minlength=count)[:, None]).round(6)
    taken[barred | (place_m > (room_m - trench_m)[:, None] + _EQUAL_M)] = np.inf
    least = taken.min(axis=1)
    free = taken <= least[:, None] + _ALIKE_M
    first = free.argmax(axis=1)
    last = first.copy()
    for _ in range(2 * round(_BESIDE_M / _PLACE_M)):  # room beside it, as far as that is free too
        on = np.minimum(last + 1, places - 1)
        last = np.where(free[np.arange(count), on], on, last)
    middle = first + (last - first) // 2
    moves = taken[:, 0] - least >= _FREED_M - _EQUAL_M
    freed = each[:, 0] - each[np.arange(len(part)), middle[part]] > _ALIKE_M
    moves &= np.bincount(part[freed], minlength=count) >= _FREED_SHARE * np.bincount(part)
    return np.where(moves, setback_m + middle * _PLACE_M, setback_m)


def _taken_m(
    rays: LineArray,
    at_m: FloatArray,
    free_m: FloatArray,
    ground: Ground,
    trench_m: float,
    band_m: float,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Metres of the working width that are taken at each place of each cross-section.

    All of them where the trench meets an existing line, or a trunk stands in the strip. Second:
    where the trench has no ground at all.
    """
    beyond_m = np.maximum(at_m + band_m - free_m[:, None], 0.0)
    shut = at_m + trench_m > free_m[:, None] + _EQUAL_M
    barred = shut.copy()
    for ray, met_m, keep_m in (*_trunks(rays, ground, band_m), *_bodies(rays, ground, trench_m)):
        near = np.abs(at_m[ray] - met_m[:, None]) < keep_m[:, None] - _EQUAL_M
        np.logical_or.at(barred, ray, near & (met_m > 0)[:, None])
    green = ground.green.pieces(rays).once(np.arange(len(ground.green)))
    green_m = np.zeros(at_m.shape)
    low = np.maximum(at_m[green.line] - band_m, green.start_m[:, None])
    high = np.minimum(at_m[green.line] + band_m, green.end_m[:, None])
    np.add.at(green_m, green.line, np.maximum(high - low, 0.0))
    return np.where(barred, 2 * band_m, np.minimum(green_m + beyond_m, 2 * band_m)), shut


def _trunks(rays: LineArray, ground: Ground, band_m: float) -> Iterator[Met]:
    """Trees in each cross-section: none is to stand in the working strip."""
    if len(ground.trees):
        tree = shapely.STRtree(ground.trees)
        ray, trunk = tree.query(rays, predicate="dwithin", distance=_TREE_REACH_M)
        ends = shapely.get_coordinates(rays).reshape(-1, 2, 2)
        out = (ends[:, 1] - ends[:, 0]) / shapely.length(rays)[:, None]
        from_kerb = shapely.get_coordinates(ground.trees[trunk]) - ends[ray, 0]
        yield ray, (from_kerb * out[ray]).sum(axis=1), np.full(len(ray), band_m)


def _bodies(rays: LineArray, ground: Ground, trench_m: float) -> Iterator[Met]:
    """Existing lines along each cross-section's street: none is to lie in the trench."""
    if len(ground.lines):
        ray, line, met_m = lines_met(rays, ground.lines, shapely.STRtree(ground.lines))
        yield ray, met_m, ground.half_m[line] + trench_m
