"""Open land 空地: ways from parcels that no strip reaches to the streets round them.

Only where the county's settings allow it (``open_land_allowed``): that land outside all parcels is
nobody's, or that its owner agrees, is not in the layers. The ways are the shortest that keep a
working strip clear of parcels, buildings, water, rails, carriageways and protected greenery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, LineArray
from gis.visibility import open_ways
from layers.survey import Survey
from planning.added_ways import add_ways
from planning.application import Gate
from planning.drawn_corridors import places_of
from planning.policy_model import Planning

if TYPE_CHECKING:
    from planning.corridors import Corridors

KIND = "open_land"


def with_open_land(
    bare: Corridors,
    survey: Survey,
    gates: Mapping[str, tuple[str, Gate]] | None,
    settings: Planning,
) -> Corridors:
    """The corridors with ways over open land for parcels and gates that are joined to nothing."""
    if settings.value("open_land_allowed") != 1.0:
        return bare
    shut = _obstacles(bare, survey, settings)
    lines = [
        way
        for place in _unreached(bare, survey, gates)
        for way in _ways_from(place, bare, shut, settings)
    ]
    if not lines:
        return bare
    places = places_of(survey, gates)
    return add_ways(bare, np.array(lines, object), KIND, places, settings.max_snap_m)[0]


def _unreached(
    bare: Corridors, survey: Survey, gates: Mapping[str, tuple[str, Gate]] | None
) -> Iterator[shapely.Geometry]:
    """Parcels and gates without any node on a red line."""
    parcels = survey.get("parcels")
    joined = set(zip(bare.sites["parcel_id"], bare.sites["application_id"], strict=True))
    for parcel_id, shape in () if parcels is None else parcels.geometry.items():
        if (str(parcel_id), "") not in joined:
            yield shape
    for application_id, (parcel_id, gate) in (gates or {}).items():
        if (parcel_id, application_id) not in joined:
            yield gate


def _obstacles(bare: Corridors, survey: Survey, settings: Planning) -> NDArray[Any]:
    """Everything that ways over open land keep clear of, as polygons."""
    green = survey.get("green")
    protected = np.zeros(0, object)
    if green is not None:
        protected = np.asarray(green.geometry.array)[(green["kind"] == "protected").to_numpy()]
        margin_m = settings.value("protected_green_buffer_m")
        protected = shapely.buffer(protected, margin_m, join_style="mitre")
    return np.concatenate(
        [
            bare.obstacles.private,
            bare.obstacles.water,
            shapely.buffer(bare.obstacles.railways, settings.work_margin_m),
            bare.surfaces.carriageway,
            protected,
        ]
    )


def _ways_from(
    place: shapely.Geometry, bare: Corridors, shut: NDArray[Any], settings: Planning
) -> LineArray:
    """The shortest open way from a place to each side of each street in reach."""
    clearance_m = settings.value("open_land_clearance_m")
    around = shapely.box(
        *shapely.bounds(shapely.buffer(place, settings.value("open_land_reach_m")))
    )
    shapes = shut[shapely.STRtree(shut).query(around, predicate="intersects")]
    targets = _street_sides(bare, around)
    if len(targets) == 0:
        return np.zeros(0, object)
    xy = bare.graph.node_xy[targets["node"].to_numpy(np.int64)]
    ways = open_ways(
        _sources(place, clearance_m), xy, shapely.intersection(shapes, around), clearance_m
    )
    found = targets.assign(way=ways, length_m=shapely.length(ways)).dropna(subset="way")
    nearest = found.sort_values(["road", "side", "length_m", "node"])
    return np.asarray(nearest.drop_duplicates(["road", "side"])["way"], object)


def _sources(place: shapely.Geometry, clearance_m: float) -> FloatArray:
    """Where ways may begin: round a parcel at its corners and sides, or straight out of a gate."""
    ring = shapely.boundary(shapely.buffer(place, clearance_m, join_style="mitre"))
    ends = shapely.get_coordinates(ring)
    return np.concatenate([ends, (ends[1:] + ends[:-1]) / 2])


def _street_sides(bare: Corridors, around: shapely.Polygon) -> pd.DataFrame:
    """Strip nodes in an area with road and side, each once for each side that meets there."""
    edges = bare.graph.edges_within(shapely.bounds(around).tolist())
    measures = bare.graph.measures.iloc[edges]
    strip = (measures["kind"] == "strip").to_numpy()
    sides = pd.DataFrame(
        {
            "node": bare.graph.ends[edges[strip]].ravel(),
            "road": np.repeat(measures["road"].to_numpy()[strip], 2),
            "side": np.repeat(measures["side"].to_numpy()[strip], 2),
        }
    ).drop_duplicates()
    inside = shapely.contains_xy(around, bare.graph.node_xy[sides["node"].to_numpy(np.int64)])
    chosen: pd.DataFrame = sides[inside & (sides["side"] != 0).to_numpy()]
    return chosen
