"""Roadside: what follows from the roads alone, before anything that stands beside them.

Noded streets and the strips along their kerbs. An edit of anything but roads leaves all of it as
it is; and a part of it, round a place, is what the corridors there are built on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import hand_on
from gis.linear import FloatArray, IntArray, Pieces
from gis.noding import Network
from gis.street_net import street_net
from gis.strips import Strips, kerb_strips
from layers.survey import Survey
from planning.application import usual_pipes
from planning.bent_feet import Bent
from planning.medians import arcs_of_roundabouts
from planning.policy_model import Policy
from planning.road_surfaces import OF_GEOMETRY, RoadSurfaces, lie_alike, road_surfaces
from planning.standards import load_standards
from planning.strip_layout import strip_offsets

# The street part that a strip runs beside is no farther than this many offsets, corners included.
_BESIDE_OFFSETS, _BESIDE_MORE_M = 3.0, 2.0


@dataclass(frozen=True)
class Roadside:
    """Roads, their noded streets, and the strips beside them before anything is in their way.

    Attributes
    ----------
    offset_m
        Distance of the strip from the centre line, of every street part.
    setback_m
        Distance of the strips from the kerb where the footway is wide enough.
    widest_setback_m
        The largest distance that any strip of the survey keeps from its kerb.
    bent
        Bent connectors to these strips that were looked for, for the next edit beside them.
    """

    surfaces: RoadSurfaces
    streets: Network
    strips: Strips
    offset_m: FloatArray
    setback_m: float
    widest_setback_m: float
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
        piece = _distinct(self._strip_tree.query(boxes, "intersects")[1])
        lines = self.strips.network.pieces.lines[piece]
        reach = _BESIDE_OFFSETS * float(self.offset_m.max(initial=0.0)) + _BESIDE_MORE_M
        near = self.street_tree.query(lines, "dwithin", distance=reach)[1]
        part = _distinct(np.concatenate([near, self.street_tree.query(boxes, "intersects")[1]]))
        strips = self.strips
        return replace(
            self,
            streets=_chosen(self.streets, part),
            strips=Strips(
                _chosen(strips.network, piece),
                strips.stroke[piece],
                strips.side[piece],
                strips.stroke_of_part[part],
                strips.backward[part],
            ),
            offset_m=self.offset_m[part],
        )


def _distinct(numbers: NDArray[Any]) -> IntArray:
    return np.unique(numbers).astype(np.int64)


def _chosen(network: Network, rows: IntArray) -> Network:
    """Some pieces of a network; its nodes keep their numbers."""
    lines, parent, start_m, end_m = network.pieces
    pieces = Pieces(lines[rows], parent[rows], start_m[rows], end_m[rows])
    return Network(pieces, network.ends[rows], network.node_xy)


def roadside(survey: Survey, policy: Policy) -> Roadside:
    """Node the roads of a survey and lay strips beside them.

    Raises
    ------
    LayerError
        If the survey has no roads.
    """
    return _beside(road_surfaces(survey, policy), policy)


def roadside_after(before: Roadside, survey: Survey, policy: Policy) -> Roadside:
    """What ``roadside`` tells of an edited survey.

    Streets and strips stay the very ones where no road lies otherwise or is another in width.
    """
    surfaces = road_surfaces(survey, policy)
    if not lie_alike(before.surfaces, surfaces):
        return _beside(surfaces, policy)
    hand_on(before.surfaces, surfaces, OF_GEOMETRY)
    after = replace(before, surfaces=surfaces)
    hand_on(before, after, ("_strip_tree", "street_tree"))
    return after


def same_streets(one: Roadside, two: Roadside) -> bool:
    """Whether the strips of two are the very same, whatever else is told of their roads."""
    return one.strips is two.strips


def _beside(surfaces: RoadSurfaces, policy: Policy) -> Roadside:
    settings = policy.planning
    streets = street_net(surfaces.centre, surfaces.half_width_m, surfaces.level)
    setback_m = kerb_clearance_m() + settings.half_section_allowance_m
    offset, setback = strip_offsets(surfaces, streets, setback_m, settings.narrow_footway_margin_m)
    level = surfaces.level[streets.pieces.parent]
    strips = kerb_strips(
        streets.ends,
        streets.pieces.lines,
        len(streets.node_xy),
        offset,
        setback,
        level,
        arcs_of_roundabouts(streets, surfaces),
    )
    half = surfaces.half_width_m[streets.pieces.parent]
    return Roadside(surfaces, streets, strips, offset, setback_m, float((offset - half).max()))


def kerb_clearance_m() -> float:
    """Clearance from the kerb that the usual pipes of all utilities keep (GB 50289 4.1.9)."""
    standards = load_standards()
    clearances = [standards.clearance_to(pipe, "kerb").value_m for pipe in usual_pipes()]
    return max(value for value in clearances if value is not None)
