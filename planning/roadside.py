"""Roadside: what follows from the roads alone, before anything that stands beside them.

Noded streets and the strips along their kerbs. An edit of anything but roads leaves all of it as
it is; and a part of it, round a place, is what the corridors there are built on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import hand_on
from gis.linear import FloatArray, IntArray, distinct
from gis.noding import Network
from gis.street_net import StreetNet, street_net, street_net_again
from gis.strips import Streets, StripNet, Strips, kerb_strips, kerb_strips_again
from layers.survey import Survey
from planning.application import usual_pipes
from planning.bent_feet import Bent
from planning.medians import ROUNDABOUT_M, arcs_of_roundabouts
from planning.policy_model import Planning, Policy
from planning.road_surfaces import (
    RoadSurfaces,
    lie_otherwise,
    road_surfaces,
    road_surfaces_again,
)
from planning.roads_since import RoadsSince
from planning.slot_axes import GROUND_LAYERS, axis_shifts, beside_changed, slot_boxes
from planning.standards import Standards, load_standards
from planning.strip_layout import road_setbacks
from planning.survey_changes import survey_within

# The street part that a strip runs beside is no farther than this many offsets, corners included.
_BESIDE_OFFSETS, _BESIDE_MORE_M = 3.0, 2.0
# Streets farther from a change than this are arcs of the roundabouts that they were arcs of.
_RING_M = 0.5 * ROUNDABOUT_M + 10.0


class Made(NamedTuple):
    """What it takes to prepare a roadside again where some roads have changed."""

    net: StreetNet
    beside: Streets
    strip_net: StripNet


class Stayed(NamedTuple):
    """What an edit of roads left: of each street part and strip its number before, -1 for one that
    lies or is laid otherwise now."""

    roads: RoadsSince
    parts: IntArray
    strips: IntArray


@dataclass(frozen=True)
class Roadside:
    """Roads, their noded streets, and the strips beside them before anything is in their way.

    Attributes
    ----------
    beside_m
        (m, 2) distance of the strips on the left and the right of every street part from its
        centre line.
    setback_m
        Distance of the strips from the kerb where the footway is wide enough.
    made
        What it takes to prepare it again.
    bent
        Bent connectors to strips that were looked for, for the next edit beside them.
    """

    surfaces: RoadSurfaces
    streets: Network
    strips: Strips
    beside_m: FloatArray
    setback_m: float
    made: Made = field(compare=False, repr=False)
    bent: dict[bytes, Bent] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _strip_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.strips.network.pieces.lines)

    @cached_property
    def street_tree(self) -> shapely.STRtree:
        """The street parts, to be found by place."""
        return shapely.STRtree(self.streets.pieces.lines)

    def within(self, boxes: NDArray[Any]) -> Roadside:
        """The street parts and strips that meet any of some boxes, whole, in their old order.

        Street parts beside those strips come with them; roads, nodes and strokes keep their
        numbers.
        """
        piece = distinct(self._strip_tree.query(boxes, "intersects")[1])
        lines = self.strips.network.pieces.lines[piece]
        reach = _BESIDE_OFFSETS * float(self.beside_m.max(initial=0.0)) + _BESIDE_MORE_M
        near = self.street_tree.query(lines, "dwithin", distance=reach)[1]
        part = distinct(np.concatenate([near, self.street_tree.query(boxes, "intersects")[1]]))
        strips = self.strips
        return replace(
            self,
            streets=self.streets.only(part),
            strips=Strips(
                strips.network.only(piece),
                strips.stroke[piece],
                strips.side[piece],
                strips.stroke_of_part[part],
                strips.backward[part],
            ),
            beside_m=self.beside_m[part],
        )


def roadside(survey: Survey, policy: Policy) -> Roadside:
    """Node the roads of a survey and lay strips beside them.

    Raises
    ------
    LayerError
        If the survey has no roads.
    """
    surfaces = road_surfaces(survey, policy)
    net = street_net(surfaces.centre, surfaces.half_width_m, surfaces.level)
    setback_m = kerb_clearance_m() + policy.planning.half_section_allowance_m
    beside = _streets(surfaces, net, setback_m, policy.planning)
    told = survey, net.network, surfaces, beside.setback_m, policy.planning
    beside = beside._replace(shift_m=axis_shifts(*told))
    strip_net = kerb_strips(beside, arcs_of_roundabouts(net.network, surfaces))
    return _roadside(surfaces, Made(net, beside, strip_net), {}, setback_m)


def roadside_after(
    before: Roadside,
    survey: Survey,
    policy: Policy,
    changed: Collection[str],
    ground: NDArray[Any],
) -> tuple[Roadside, Stayed]:
    """What ``roadside`` tells of an edited survey, and what stayed.

    ``changed`` are roads by id, ``ground`` what else changed of all that takes room in slots, as it
    was and is. Streets and strips stay the very ones where no road lies otherwise or is another in
    width, and no strip another way from its kerb.
    """
    surfaces, since = before.surfaces, RoadsSince.none(len(before.surfaces.centre))
    if changed:
        surfaces, since = road_surfaces_again(surfaces, survey, policy, changed)
    other = lie_otherwise(before.surfaces, surfaces, since)
    paved = before.surfaces.carriageway, surfaces.carriageway
    gone = since.gone(len(paved[0]))
    ground = np.concatenate([ground, paved[0][gone], paved[1][since.rows], since.corners(*paved)])
    if not other.any() and len(other) == len(before.surfaces.centre):
        stood = np.zeros(len(before.streets.ends), bool)
        streets = before.streets, before.street_tree
        beside = _shifted_again(
            before.made.beside, streets, surfaces, stood, survey, ground, policy.planning
        )
        if np.array_equal(beside.shift_m, before.made.beside.shift_m):
            after = replace(before, surfaces=surfaces)
            hand_on(before, after, ("_strip_tree", "street_tree"))
            counts = len(before.streets.ends), len(before.strips.side)
            return after, Stayed(since, *map(np.arange, counts))
    made, *stayed = _made_again(before, surfaces, since.row_before, other, survey, ground, policy)
    return _roadside(surfaces, made, before.bent, before.setback_m), Stayed(since, *stayed)


def _made_again(
    before: Roadside,
    surfaces: RoadSurfaces,
    row_before: IntArray,
    other: NDArray[np.bool_],
    survey: Survey,
    ground: NDArray[Any],
    policy: Policy,
) -> tuple[Made, IntArray, IntArray]:
    """Streets and strips where some roads are ``other`` ones now, and the numbers before."""
    old, settings = before.made, policy.planning
    net, part_before = street_net_again(
        old.net, surfaces.centre, surfaces.half_width_m, surfaces.level, row_before, other
    )
    beside = _streets(surfaces, net, before.setback_m, settings)
    stood = part_before >= 0
    beside.shift_m[stood] = old.beside.shift_m[part_before[stood]]
    anew = ~stood | other[net.network.pieces.parent]
    streets = net.network, shapely.STRtree(net.network.pieces.lines)
    beside = _shifted_again(beside, streets, surfaces, anew, survey, ground, settings)
    same = stood.copy()
    for name in ("offset_m", "setback_m", "level"):
        same &= getattr(beside, name) == getattr(old.beside, name)[part_before]
    same &= (beside.shift_m == old.beside.shift_m[part_before]).all(axis=1)
    stays = np.zeros(len(old.beside.lines), bool)
    stays[part_before[same]] = True
    changed = shapely.STRtree(np.concatenate([old.beside.lines[~stays], beside.lines[~same]]))
    network = net.network
    nodes = _near(changed, shapely.points(network.node_xy), _RING_M)
    around = np.flatnonzero(_near(changed, beside.lines, _RING_M + ROUNDABOUT_M))
    ring = np.full(len(same), -1)
    ring[around] = arcs_of_roundabouts(network.only(around), surfaces)
    strip_net, strip_before = kerb_strips_again(
        old.strip_net, beside, ring, part_before, same, nodes
    )
    return Made(net, beside, strip_net), np.where(same, part_before, -1), strip_before


def _shifted_again(
    beside: Streets,
    found_in: tuple[Network, shapely.STRtree],
    surfaces: RoadSurfaces,
    anew: NDArray[np.bool_],
    survey: Survey,
    ground: NDArray[Any],
    settings: Planning,
) -> Streets:
    """The streets with the shifts of their strips told again where some ground has changed.

    They are told again of the parts that are to be told ``anew`` too. ``found_in`` are the noded
    streets with the R-tree of their parts.
    """
    streets, tree = found_in
    near = np.flatnonzero(anew | beside_changed(streets, tree, surfaces, ground))
    if len(near) == 0:
        return beside
    boxes = slot_boxes(streets, surfaces, near)
    told = survey_within(survey, boxes, GROUND_LAYERS), streets, surfaces, beside.setback_m
    shift_m = beside.shift_m.copy()
    shift_m[near] = axis_shifts(*told, settings, near)[near]
    return beside._replace(shift_m=shift_m)


def _near(tree: shapely.STRtree, shapes: NDArray[Any], within_m: float) -> NDArray[np.bool_]:
    """Which shapes are as near as that to any of a tree."""
    near = np.zeros(len(shapes), bool)
    near[tree.query(shapes, predicate="dwithin", distance=within_m)[0]] = True
    return near


def same_streets(one: Roadside, two: Roadside) -> bool:
    """Whether the strips of two are the very same, whatever else is told of their roads."""
    return one.strips is two.strips


def _streets(
    surfaces: RoadSurfaces, net: StreetNet, setback_m: float, settings: Planning
) -> Streets:
    """The noded streets with what their strips hang on."""
    pieces, ends, node_xy = net.network
    margin_m, road = settings.narrow_footway_margin_m, pieces.parent
    setback = road_setbacks(surfaces, setback_m, margin_m)[road]
    beside_m = surfaces.half_width_m[road] + setback, setback
    none = np.zeros((len(ends), 2))
    return Streets(ends, pieces.lines, len(node_xy), *beside_m, surfaces.level[road], none)


def _roadside(
    surfaces: RoadSurfaces, made: Made, bent: dict[bytes, Bent], setback_m: float
) -> Roadside:
    streets, beside_m = made.net.network, made.beside.beside_m
    return Roadside(surfaces, streets, made.strip_net.strips, beside_m, setback_m, made, bent)


def kerb_clearance_m() -> float:
    """Clearance from the kerb that the usual pipes of all utilities keep (GB 50289 4.1.9)."""
    return _kerb_clearance_m(load_standards())


@cache
def _kerb_clearance_m(standards: Standards) -> float:
    clearances = [standards.clearance_to(pipe, "kerb").value_m for pipe in usual_pipes()]
    return max(value for value in clearances if value is not None)
