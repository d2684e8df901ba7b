"""Deep trenches 深沟槽: what a gravity line digs beyond the least cover that its cost counts.

Costs and searches price every line at its least cover. Where the levels of a sewer are known, what
it digs deeper is told beside its cost. It is the least that these levels allow: the line falls by
no more than it has to from the user's last well, and drops at the main; the ground runs straight
from the place to join to the well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from planning.application import Demand
from planning.gravity import Profile, top_over_invert_m
from planning.gravity_ways import profile_of
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.quantities import SURFACES, location
from planning.routes import DrawnWay
from planning.stretches import Piece, pieces_of

# Pieces of a line that are not dug open.
_NOT_DUG = ("bore", "duct", "overhead", "wall")
# Pieces that lie in carriageways.
_PAVED = ("crossing", "lane")
# What a carriageway of unknown surface is priced as.
_USUAL_SURFACE = "asphalt"


@dataclass(frozen=True)
class DeepTrench:
    """Depth of the trench where the line joins and at the red line, in metres under the ground.

    ``extra_m3`` is dug beyond the least cover, for ``extra_yuan`` that no cost holds.
    """

    depth_at_main_m: float
    depth_at_red_line_m: float
    extra_m3: float
    extra_yuan: float

    def to_json(self) -> dict[str, float]:
        """The same as plain values."""
        return asdict(self)


def deep_trench(work: Groundwork, demand: Demand, site: Site, route: Route) -> DeepTrench | None:
    """What a route digs deeper than its least cover.

    None of lines not run by gravity, and where a level, the length or the size is unknown or the
    fall is not kept.
    """
    profile = profile_of(work, demand, _joined(work, demand, route), route.line, site)
    width_m, outside = work.rates(demand.pipe).width_m, work.standards.outer_size_m(demand.pipe)
    nominal_mm = demand.pipe.nominal_mm
    if profile is None or width_m is None or outside is None or nominal_mm is None:
        return None
    height_m = outside[1]
    wall_m = height_m - top_over_invert_m(nominal_mm / 1000, height_m)
    at_main_m, at_red_line_m = (_depth_m(profile, at) + wall_m for at in (0.0, route.line.length))
    if not np.isfinite([at_main_m, at_red_line_m]).all():
        return None
    extra_m3 = yuan = 0.0
    for piece in pieces_of(work, route):
        if piece.place in _NOT_DUG:
            continue
        surface = _surface(work, piece)
        least_m = (work.standards.cover(demand.pipe, location(surface)).value_m or 0.0) + height_m
        over = (_depth_m(profile, at) + wall_m - least_m for at in (piece.from_m, piece.to_m))
        volume_m3 = _mean_above_0(*over) * (piece.to_m - piece.from_m) * width_m
        extra_m3 += volume_m3
        yuan += work.prices.excavation_yuan(volume_m3, surface)
    return DeepTrench(at_main_m, at_red_line_m, extra_m3, yuan)


def _joined(work: Groundwork, demand: Demand, route: Route) -> Mapping[str, Any]:
    """The place in the network where a route begins."""
    if isinstance(route.way, DrawnWay):
        return route.way.place
    return dict(work.tie_ins(demand.pipe.utility).table.iloc[route.way.tie_in])


def _depth_m(profile: Profile, at_m: float) -> float:
    """The least depth of the invert so far from the main; NaN where it is unknown."""
    share = at_m / profile.length_m if profile.length_m else 0.0
    ground_m = profile.main_ground_m + share * (profile.well_ground_m - profile.main_ground_m)
    return ground_m - profile.inverts_m(at_m)[1]


def _surface(work: Groundwork, piece: Piece) -> str:
    """The surface that a piece is dug through, as prices know it."""
    if piece.place not in _PAVED:
        return "verge" if piece.place == "verge" else "footway"
    surface = work.corridors.surfaces.table["surface"].iat[piece.road]
    return str(surface) if surface in SURFACES else _USUAL_SURFACE


def _mean_above_0(one: float, other: float) -> float:
    """Mean of what is above 0 of values that run evenly from one to another.

    >>> _mean_above_0(2.0, 4.0), _mean_above_0(-1.0, 1.0), _mean_above_0(-2.0, 0.0)
    (3.0, 0.25, 0.0)
    """
    low, high = sorted((one, other))
    if low >= 0:
        return (low + high) / 2
    return high * high / (2 * (high - low)) if high > 0 else 0.0
