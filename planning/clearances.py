"""Clearances 净距 of a planned line to what lies, stands or runs near it (GB 50289-2016).

Side by side: between outer faces, table 4.1.9. At crossings with existing lines: between the
underside of the upper and the top of the lower, table 4.1.14, the new pipe at its least cover
(4.1.1), a gravity line at the best of the levels that its inverts leave it. Below a table the
answer is that a measure is needed, not that the route is unlawful: the clauses allow less with
safety measures. How well the existing thing is located is subtracted; where that or a size is
unknown, or the levels of a gravity line, the answer is ``uncertain`` unless nothing unknown could
help.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import radians, sin
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import POSITION_TOLERANCE_M, FloatArray, IntArray
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.clearance_records import (
    EQUAL_M,
    STATUSES,
    Clearance,
    judge_gap,
    sentence,
    unimported,
)
from planning.existing_pipes import existing_pipe, is_buried, least_width_m, size_of
from planning.gravity import Profile, top_over_invert_m
from planning.groundwork import Groundwork
from planning.lanes import ALONG_STREETS
from planning.questions import Question
from planning.road_surfaces import RoadSurfaces
from planning.route_edges import edges_along
from planning.sizing_rules import runs_by_gravity
from planning.standards import Pipe, Standards, TableValue
from planning.texts import gettext as _
from planning.tolerances import depth_tolerance

# Cover of a whole line, then of its ends.
_COVERS = ["depth_m", "start_depth_m", "end_depth_m"]
# Pairs farther apart than this and than what the table asks for are not worth a line.
_TOLD_WITHIN_M = 3.0


@dataclass(frozen=True)
class Things:
    """Things of one layer near a route: shapes, half widths (NaN unknown) and what is asked.

    ``tolerance_m`` is how far a thing may lie from where it is drawn, NaN where nobody says;
    ``least_half_m`` is what its half width is at least.
    """

    against: str
    layer: str
    ids: Sequence[str]
    shapes: NDArray[Any]
    half_m: FloatArray
    least_half_m: FloatArray
    tolerance_m: FloatArray
    required: Sequence[TableValue]
    names: Sequence[str]
    utilities: Sequence[str | None]


def depth_questions(
    found: Mapping[str, Iterable[Clearance]], survey: Survey
) -> tuple[Question, ...]:
    """Depths of existing lines that crossings wait for, each asked once for all utilities."""
    lines = survey.get("lines")
    unknown = set() if lines is None else set(lines.index[lines["depth_m"].isna()])
    asked: dict[str, list[str]] = {}
    for utility, pairs in found.items():
        for one in pairs:
            crossed = (one.against, one.direction, one.status) == ("line", "crossing", "unknown")
            if crossed and one.id in unknown and utility not in asked.setdefault(str(one.id), []):
                asked[str(one.id)].append(utility)
    return tuple(Question("line", line, "depth_m", tuple(who)) for line, who in asked.items())


def clearances(
    work: Groundwork, pipe: Pipe, line: shapely.LineString, profile: Profile | None = None
) -> tuple[Clearance, ...]:
    """Clearances of a line that runs from its tie-in to the red line, nearest to failing first.

    ``profile`` tells the levels of a gravity line; where they are unknown its crossings settle
    nothing. The network of the line's own utility is exempt near the joint: they touch there.
    Things farther off than both the table's value (with their tolerance) and three metres are left
    out. A layer that was never imported is one entry of status ``unknown``. O(things near the
    line), by R-trees.
    """
    new = _New(work, pipe, line, profile)
    found = [
        *_unimported(work.survey),
        *_to_lines(new, work.survey),
        *_to_surroundings(new, work.survey),
        *_to_kerbs(new),
    ]
    return worst_first(found)


def worst_first(found: Iterable[Clearance]) -> tuple[Clearance, ...]:
    """Clearances in the order of reading."""
    return tuple(sorted(found, key=_urgency))


def _urgency(one: Clearance) -> tuple[int, float, str, str]:
    margin = float("inf") if one.margin_m is None else one.margin_m
    return STATUSES.index(one.status), margin, one.layer, one.id or ""


@dataclass(frozen=True)
class _New:
    """The new line with its size; half a metre and the like are NaN where the size is unknown."""

    work: Groundwork
    pipe: Pipe
    line: shapely.LineString
    profile: Profile | None

    @property
    def standards(self) -> Standards:
        return self.work.standards

    @property
    def surfaces(self) -> RoadSurfaces:
        return self.work.corridors.surfaces

    @cached_property
    def roads(self) -> IntArray:
        """Rows of the roads whose strips the line follows."""
        measures = self.work.corridors.graph.measures
        edges = edges_along(self.work.corridors, self.line)
        along = measures.iloc[edges]
        return along.loc[along["kind"].isin(ALONG_STREETS), "road"].to_numpy(np.int64)

    @cached_property
    def size_m(self) -> tuple[float, float]:
        return self.standards.outer_size_m(self.pipe) or (np.nan, np.nan)

    @property
    def half_m(self) -> float:
        return self.size_m[0] / 2

    @cached_property
    def reach_m(self) -> float:
        """Farther than this from the line no table asks for anything."""
        width = np.nan_to_num(self.half_m) + self.standards.sizes.widest_m / 2
        told = max(self.standards.farthest_m(self.pipe), _TOLD_WITHIN_M)
        return float(told + width)

    @cached_property
    def joint(self) -> shapely.Point:
        return shapely.get_point(self.line, 0)

    @cached_property
    def least_crossing_sine(self) -> float:
        return sin(radians(self.work.policy.planning.min_crossing_angle_deg))

    def tops(self, place: shapely.Point) -> _Tops:
        """How deep the top of the new pipe may lie at a place."""
        inside = self.surfaces.tree.query(place, predicate="intersects").size > 0
        cover = self.standards.cover(self.pipe, "carriageway" if inside else "non_carriageway")
        least_m = np.nan if cover.value_m is None else cover.value_m
        at_least = _Tops(least_m, least_m)
        if not runs_by_gravity(self.pipe.utility):
            return at_least
        held = None if self.profile is None else self._held(self.profile, place, least_m)
        return held or at_least._replace(off_m=np.nan)

    def _held(self, profile: Profile, place: shapely.Point, least_m: float) -> _Tops | None:
        """The same of a gravity line, as its inverts hold it; None where levels are unknown."""
        ground_m, off_m = profile.ground_m
        inverts_m = profile.inverts_m(float(self.line.project(place)))
        top_m = top_over_invert_m((self.pipe.nominal_mm or np.nan) / 1000, self.size_m[1])
        deepest_m, shallowest_m = (ground_m - top_m - invert for invert in inverts_m)
        if not np.isfinite(deepest_m):
            return None
        lawful_m = max(shallowest_m, np.nan_to_num(least_m))
        return _Tops(min(lawful_m, deepest_m), deepest_m, off_m, by_inverts=True)


# --- what is near ------------------------------------------------------------------------------


def _near(table: gpd.GeoDataFrame, new: _New, off_m: float = 0.0) -> gpd.GeoDataFrame:
    """Rows within reach, drawn up to ``off_m`` beside their place; the R-tree is kept."""
    rows = table.sindex.query(new.line, predicate="dwithin", distance=new.reach_m + off_m)
    return table.iloc[np.sort(rows)]


def _largest(tolerances: pd.Series) -> float:
    """The largest of the tolerances that are known, 0 where none is."""
    return float(np.nan_to_num(tolerances.to_numpy(float)).max(initial=0.0))


def _to_lines(new: _New, survey: Survey) -> Iterator[Clearance]:
    """Existing buried lines: side by side, and at each crossing."""
    table = survey.get("lines")
    if table is None:
        return
    told = new.work.tolerances.of_layer("lines")
    near = _near(table, new, _largest(told) + _largest(table["section_width_mm"]) / 2000)
    near = near[is_buried(near)]
    pipes = [existing_pipe(row) for row in near.to_dict("records")]
    sizes = [size_of(pipe, new.standards) for pipe in pipes]
    things = Things(
        "line",
        "lines",
        [str(name) for name in near.index],
        np.asarray(near.geometry.array),
        np.array([width / 2 for width, _height in sizes], float),
        np.array([least_width_m(pipe, new.standards) / 2 for pipe in pipes], float),
        told.reindex(near.index.astype(str)).to_numpy(float),
        [new.standards.horizontal_clearance(new.pipe, pipe) for pipe in pipes],
        [_line_name(str(n), p.utility) for n, p in zip(near.index, pipes, strict=True)],
        [pipe.utility for pipe in pipes],
    )
    met = _crossing_points(new.line, things.shapes)
    own = np.array([pipe.utility == new.pipe.utility for pipe in pipes], bool)
    at_joint = np.where(own, new.joint, _NOWHERE)
    touched = things.least_half_m + np.nan_to_num(new.half_m)
    joined = own & shapely.dwithin(things.shapes, new.joint, touched)
    yield from _side_by_side(
        new, things, shapely.union(met, at_joint), ~shapely.is_empty(met) | joined
    )
    covers = near.reindex(columns=_COVERS).to_numpy(float)
    sources = near["position_source"].to_numpy(object)
    for row, points in enumerate(
        shapely.difference(met, shapely.buffer(at_joint, POSITION_TOLERANCE_M))
    ):
        for place in shapely.get_parts(points):
            if not place.is_empty:
                crossed = _Crossed(
                    pipes[row], sizes[row][1], *_cover_at(place, things.shapes[row], covers[row])
                )
                yield _crossing(new, things, row, crossed, sources[row], place)


def _to_surroundings(new: _New, survey: Survey) -> Iterator[Clearance]:
    """Buildings, trees and railways; rails are crossed below, at a depth that nobody told."""
    for layer, against, key, name in _SURROUNDINGS:
        table = survey.get(layer)
        if table is None:
            continue
        told = new.work.tolerances.of_layer(layer)
        near = _near(table, new, _largest(told))
        about = [{"electrified": e} for e in near["electrified"]] if key == "rail" else None
        values = [
            new.standards.clearance_to(new.pipe, key, **(about[n] if about else {}))
            for n in range(len(near))
        ]
        things = _surrounding(against, layer, list(near.index), near.geometry, values, name)
        tolerance = told.reindex(near.index.astype(str)).to_numpy(float)
        things = replace(things, tolerance_m=tolerance)
        crossed = _crossing_points(new.line, things.shapes)
        rails = key == "rail"
        meeting = crossed if rails else np.full(len(near), _NOWHERE)
        yield from _side_by_side(new, things, meeting, ~shapely.is_empty(meeting))
        if rails:
            yield from _under_rails(new, things, crossed)


# Layer, what it is called in the answer, its key in the table, and in words.
_SURROUNDINGS = (
    ("buildings", "building", "building", _("建筑物")),
    ("trees", "tree", "tree", _("乔木")),
    ("railways", "railway", "rail", _("铁路")),
)
_NOWHERE = shapely.Point()


def _to_kerbs(new: _New) -> Iterator[Clearance]:
    """Kerbs of the roads near the line; where it crosses a road it crosses its kerbs."""
    surfaces = new.surfaces
    rows = np.sort(surfaces.tree.query(new.line, predicate="dwithin", distance=new.reach_m))
    kerbs = np.array([_kerb(surfaces, row) for row in rows.tolist()], object)
    rows, kerbs = rows[~shapely.is_empty(kerbs)], kerbs[~shapely.is_empty(kerbs)]
    names = surfaces.table["road_id"].to_numpy(object)[rows]
    value = new.standards.clearance_to(new.pipe, "kerb")
    things = _surrounding("kerb", "roads", names, kerbs, [value] * len(rows), _("路缘石"))
    # The trench is set out from the kerb that it follows: what is known of that needs no tolerance.
    table = surfaces.table.iloc[rows]
    told = new.work.tolerances.of_layer("roads").reindex(table["road_id"].astype(str))
    follows = np.isin(rows, new.roads)
    tolerance = np.where(follows, 0.0, told.to_numpy(float))
    assumed = table["width_assumed"].to_numpy(bool)
    things = replace(things, tolerance_m=np.where(assumed, np.nan, tolerance))
    crossed = _crossing_points(new.line, kerbs)
    yield from _side_by_side(new, things, crossed, ~shapely.is_empty(crossed))


def _kerb(surfaces: RoadSurfaces, row: int) -> shapely.Geometry:
    """Edge of a carriageway where no other carriageway goes on.

    Round a corner that two records share it is the edge of the one whose own the corner is.
    """
    own = surfaces.carriageway[row]
    others = surfaces.tree.query(own, predicate="intersects")
    beyond = shapely.union_all(surfaces.own_area[others[others != row]])
    return shapely.difference(own.boundary, beyond)


def _surrounding(
    against: str, layer: str, ids: Any, shapes: Any, values: Sequence[TableValue], name: str
) -> Things:
    """Things without a width of their own; how far off they may be is told apart."""
    return Things(
        against,
        layer,
        [str(one) for one in ids],
        np.asarray(shapes, object),
        np.zeros(len(ids)),
        np.zeros(len(ids)),
        np.full(len(ids), np.nan),
        values,
        [_("{} {}").format(name, one) for one in ids],
        [None] * len(ids),
    )


def _line_name(line_id: str, utility: str) -> str:
    return _("现状{utility}管线 {id}").format(utility=load_utilities()[utility].zh, id=line_id)


def _crossing_points(line: shapely.LineString, shapes: NDArray[Any]) -> NDArray[Any]:
    """Points where a line crosses each shape; stretches that they share are no crossings."""
    parts, owner = shapely.get_parts(shapely.intersection(line, shapes), return_index=True)
    is_point = (shapely.get_type_id(parts) == shapely.GeometryType.POINT) & ~shapely.is_empty(parts)
    points = np.full(len(shapes), _NOWHERE, object)
    for row in np.unique(owner[is_point]):
        points[row] = shapely.MultiPoint(list(parts[is_point & (owner == row)]))
    return points


# --- side by side -------------------------------------------------------------------------------


def _side_by_side(
    new: _New, things: Things, meeting: NDArray[Any], met: NDArray[np.bool_]
) -> Iterator[Clearance]:
    """Gaps of the line to things, apart from where they meet.

    Round the points of ``meeting`` the line is left out as far as it needs to get clear at the
    least crossing angle, of a thing of unknown width as if it were as wide as any. Things that are
    ``met`` are told only where the line comes too near after that, or may: the others are crossed
    or joined, not followed.
    """
    if len(things.ids) == 0:
        return
    required = np.array([v.value_m or 0.0 for v in things.required])
    faces = np.nan_to_num(new.half_m) + things.least_half_m
    off_m, unknown = np.nan_to_num(things.tolerance_m), np.isnan(things.half_m)
    most = np.where(unknown, np.fmax(faces, new.standards.sizes.widest_m / 2), faces)
    clear_m = (required + off_m + most) / new.least_crossing_sine
    rest = shapely.difference(new.line, shapely.buffer(meeting, clear_m))
    shortest = shapely.shortest_line(rest, things.shapes)
    gaps = shapely.length(shortest) - faces
    too_near_m = required + off_m + most - faces
    told_m = np.maximum(too_near_m, np.where(met, 0.0, _TOLD_WITHIN_M))
    for row in np.flatnonzero(gaps < told_m - EQUAL_M).tolist():
        place = shapely.get_point(shortest[row], 0)
        exact = bool(np.isfinite(new.half_m) and np.isfinite(things.half_m[row]))
        value = things.required[row]
        gap, off = float(gaps[row]), float(things.tolerance_m[row])
        yield _told(things, row, "parallel", gap, value, place, off_m=off, exact=exact)


def _told(
    things: Things,
    row: int,
    direction: str,
    gap_m: float | None,
    value: TableValue,
    place: shapely.Point,
    *,
    off_m: float = np.nan,
    exact: bool = True,
    remark: str = "",
) -> Clearance:
    """One pair with its status and words; ``exact`` is False where a size is unknown.

    ``off_m`` is how much less or more the gap may be, NaN where nobody says.
    """
    tolerance = None if np.isnan(off_m) else off_m
    status = judge_gap(gap_m, tolerance, value, exact=exact)
    margin = None if gap_m is None or value.value_m is None else gap_m - value.value_m
    told = Clearance(
        things.against,
        things.layer,
        things.ids[row],
        things.utilities[row],
        direction,
        gap_m,
        value.value_m,
        margin,
        tolerance,
        status,
        value.source.rpartition(" ")[2] or None,
        value.source or None,
        value.confidence or None,
        (float(place.x), float(place.y)),
        "",
    )
    return replace(told, text=sentence(told, things.names[row], exact) + remark)


# --- crossings ----------------------------------------------------------------------------------


class _Tops(NamedTuple):
    """Least and most cover of the new pipe at a place, metres; NaN unknown.

    ``off_m`` is how far the ground over it may lie elsewhere, NaN where levels are unknown that
    hold the pipe at another depth; ``by_inverts``: its depth is held by them.
    """

    shallowest_m: float
    deepest_m: float
    off_m: float = 0.0
    by_inverts: bool = False


class _Crossed(NamedTuple):
    """An existing line where it is crossed: height and cover NaN where unknown.

    ``is_local`` says that the cover is that of the place, and not one for the whole line.
    """

    pipe: Pipe
    height_m: float
    cover_m: float
    is_local: bool


def _cover_at(place: shapely.Point, line: Any, covers: FloatArray) -> tuple[float, bool]:
    """Cover of a line at a place on it, between those of its ends where both are known.

    Of a place's own is that of a straight line only: a survey has a point wherever a line bends or
    its depth changes (CJJ 61-2017), so between the ends of a bent one others are missing.
    """
    whole, ends = float(covers[0]), covers[1:]
    if not np.isfinite(ends).all() or shapely.get_num_coordinates(line) > 2:
        return whole, False
    return float(np.interp(line.project(place, normalized=True), (0, 1), ends)), True


def _crossing(
    new: _New, things: Things, row: int, crossed: _Crossed, source: Any, place: shapely.Point
) -> Clearance:
    """The crossing of an existing line, the new pipe above or below it, whichever clears it more.

    Its depth is as sure as it was located (``source``), if it was where it is crossed.
    """
    value = new.standards.vertical_clearance(new.pipe, crossed.pipe)
    tops = new.tops(place)
    bottom_m = crossed.cover_m + crossed.height_m
    above = crossed.cover_m - (tops.shallowest_m + new.size_m[1])
    below = tops.deepest_m - bottom_m
    gap = float(np.fmax(above, below)) if np.isfinite(above + below) else None
    exact = bool(np.isfinite(tops.deepest_m + new.size_m[1] + crossed.height_m))
    centre_m = crossed.cover_m + crossed.height_m / 2
    planning = new.work.policy.planning
    off = depth_tolerance(source, centre_m, planning) if crossed.is_local else np.nan
    off += tops.off_m
    remark = ""
    if tops.by_inverts:
        words = _(";按两端管底高程,本管管顶覆土在 {shallowest:.2f} 至 {deepest:.2f} 米之间")
        remark = words.format(shallowest=tops.shallowest_m, deepest=tops.deepest_m)
    elif np.isnan(tops.off_m):
        remark = _(";按最小覆土计,本管的埋深由管底高程决定,高程未知或落差不足,不能确定")
    elif gap is not None and value.value_m is not None and gap < value.value_m:
        least_m = bottom_m + value.value_m + float(np.nan_to_num(off))
        remark = _(";从其下方穿越时管顶覆土不小于 {m:.2f} 米").format(m=least_m)
    return _told(things, row, "crossing", gap, value, place, off_m=off, exact=exact, remark=remark)


def _under_rails(new: _New, things: Things, crossed: NDArray[Any]) -> Iterator[Clearance]:
    """Crossings of rails: the depth below them is for the design of the crossing to say."""
    for row, points in enumerate(crossed):
        for place in shapely.get_parts(points):
            if not place.is_empty:
                value = new.standards.vertical_clearance_to(new.pipe, "rail_base")
                yield _told(things, row, "crossing", None, value, place)


# --- what was never imported --------------------------------------------------------------------


def _unimported(survey: Survey) -> Iterator[Clearance]:
    """One entry for every layer, and every utility's network, that was never imported."""
    for layer, against, _key, name in (("lines", "line", "", _("现状管线")), *_SURROUNDINGS):
        if not survey.has(layer):
            yield unimported(against, layer, None, name)
    lines = survey.get("lines")
    if lines is not None:
        drawn = set(lines["utility"])
        for key, utility in load_utilities().items():
            if key not in drawn:
                yield unimported("line", "lines", key, _("{zh}管线").format(zh=utility.zh))
