"""Special ground 特殊地段: rails that a route crosses and bridge decks that it lies on.

Neither is dug like a footway, and no price of the list holds what it takes there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import LineArray
from gis.overlay import CONTACT_TOLERANCE_M
from planning.groundwork import Groundwork
from planning.judged_routes import Route
from planning.obstacles import shapes_of
from planning.stretches import Piece, piece_lines, pieces_of

RAILS, DECK = "railway_crossing", "bridge_deck"
# Pieces of a route along a street: where its road is a bridge they lie in the deck or hang on it.
_ALONG = ("footway", "verge", "lane")
# Pieces that are no trench: beneath the ground, or on carriers of their own.
_NOT_DUG = ("bore", "duct", "overhead", "wall")


class Special(NamedTuple):
    """A railway crossed or a deck lain on: which of them, layer and id, and metres along it."""

    kind: str
    layer: str
    feature_id: str
    length_m: float


def special_ground(work: Groundwork, route: Route) -> tuple[Special, ...]:
    """Rails that a route crosses in a trench, then decks that it lies on, each once.

    A deck is known by its road being on a bridge, or by the water beneath the route.
    """
    rails, water = (shapes_of(work.survey, layer) for layer in ("railways", "water_bodies"))
    met = shapely.intersects(rails, route.line)
    over = shapely.intersects(water, route.line)
    if not met.any() and not over.any() and route.facts["on_bridge"] is False:
        return ()
    pieces = [one for one in pieces_of(work, route) if one.place not in _NOT_DUG]
    lines = piece_lines(route.line, pieces)
    crossed = [row for row in np.flatnonzero(met) if shapely.intersects(rails[row], lines).any()]
    names = work.survey.tables["railways"].index if crossed else ()
    return (
        *(Special(RAILS, "railways", str(names[row]), 0.0) for row in crossed),
        *_decks(work, pieces, lines, water, np.flatnonzero(over).tolist()),
    )


def _decks(
    work: Groundwork,
    pieces: Sequence[Piece],
    lines: LineArray,
    water: NDArray[Any],
    over: Sequence[int],
) -> Iterator[Special]:
    """Decks by road where the road is marked, else by the water beneath."""
    table = work.corridors.surfaces.table
    marked = table["on_bridge"].to_numpy(object)
    metres: dict[tuple[str, str], float] = defaultdict(float)
    for piece, line in zip(pieces, lines, strict=True):
        if piece.road >= 0 and piece.place in _ALONG and marked[piece.road] is True:
            metres["roads", str(table["road_id"].iat[piece.road])] += line.length
            continue
        for row in over:
            name = str(work.survey.tables["water_bodies"].index[row])
            metres["water_bodies", name] += shapely.intersection(line, water[row]).length
    for (layer, name), length_m in metres.items():
        if length_m > CONTACT_TOLERANCE_M:
            yield Special(DECK, layer, name, length_m)
