"""Drawn routes as plain values: who drew them, what was moved, faults, and what they cost more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import shapely

from planning.both_feeds import BothFeeds
from planning.judged_routes import Route
from planning.manual_routes import ManualRoute, RefusedRoute, differences
from planning.second_feed import SecondFeed


def manual_entry(
    found: ManualRoute | RefusedRoute | None,
    recommended: Route | BothFeeds | None,
    described: Callable[[SecondFeed], dict[str, Any]],
) -> dict[str, Any] | None:
    """The drawn route of a utility beside its figures, which stand among the ``routes``.

    None without a drawing; ``differences`` are null where no route is recommended. ``described``
    words the feed beside a drawn one.
    """
    if found is None:
        return None
    about = {"author": found.drawn.author, "at": found.drawn.at, "note": found.drawn.note}
    if isinstance(found, RefusedRoute):
        return {
            **about,
            "status": "refused",
            "reason": found.reason,
            "moves": [],
            "faults": [],
            "differences": None,
            "verdict": None,
            "second_feed": None,
        }
    return {
        **about,
        "status": "judged",
        "reason": None,
        "moves": [
            {
                "end": move.end,
                "moved_m": move.moved_m,
                "from_xy": list(move.from_xy),
                "to_xy": list(move.to_xy),
                "text": move.text,
            }
            for move in found.moves
        ],
        "faults": [
            {
                "kind": fault.kind,
                "layer": fault.layer,
                "id": fault.id,
                "length_m": fault.length_m,
                "xy": _middle(fault.geometry),
                "text": fault.text,
                "geometry": dict(shapely.geometry.mapping(fault.geometry)),
            }
            for fault in found.faults
        ],
        "differences": None if recommended is None else differences(found.judged, recommended),
        "verdict": found.judged.verdict.to_json(),
        "second_feed": None if found.second is None else described(found.second),
    }


def _middle(geometry: shapely.Geometry) -> list[float]:
    """A place in the middle of a stretch, to put a mark on."""
    parts = [part for part in shapely.get_parts(geometry) if part.length > 0]
    longest = max(parts, key=lambda part: part.length, default=geometry)
    at = longest.interpolate(0.5, normalized=True) if parts else longest.representative_point()
    return [at.x, at.y]
