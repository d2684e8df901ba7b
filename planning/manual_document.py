"""Drawn routes as plain values: who drew them, what was moved, faults, and what they cost more.

Of two drawn feeds the first is told as a drawn route, the second in ``second_drawn``; its figures
stand where those of any other feed do, in ``second_feed``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import shapely

from planning.both_feeds import BothFeeds
from planning.drawn_fits import Move
from planning.drawn_routes import DrawnRoute
from planning.judged_routes import Route
from planning.manual_routes import ManualRoute, RefusedRoute, differences
from planning.route_faults import Fault


def manual_entry(
    found: ManualRoute | RefusedRoute | None,
    recommended: Route | BothFeeds | None,
    other_feed: Callable[[ManualRoute], dict[str, Any] | None],
) -> dict[str, Any] | None:
    """The drawn route of a utility beside its figures, which stand among the ``routes``.

    None without a drawing; ``differences`` are null where no route is recommended, or two drawn
    feeds stand against one. ``other_feed`` words the feed beside a drawn one.
    """
    if found is None:
        return None
    about = {"feed": found.drawn.feed, **_about(found.drawn)}
    if isinstance(found, RefusedRoute):
        second = None if found.other is None else _changed(found.other, (), ())
        return {
            **about,
            "status": "refused",
            "reason": found.reason,
            "moves": [],
            "faults": [],
            "differences": None,
            "verdict": None,
            "second_feed": None,
            "second_drawn": second,
        }
    other = found.other
    compared = recommended
    if other is not None and not isinstance(recommended, BothFeeds):
        compared = None
    return {
        **_changed(found.drawn, found.moves, found.faults),
        **about,
        "status": "judged",
        "reason": None,
        "differences": None if compared is None else differences(found.judged, compared),
        "verdict": found.judged.verdict.to_json(),
        "second_feed": other_feed(found),
        "second_drawn": None if other is None else _changed(other.drawn, other.moves, other.faults),
    }


def _about(drawn: DrawnRoute) -> dict[str, Any]:
    return {
        "drawing_id": drawn.drawing_id,
        "author": drawn.author,
        "at": drawn.at,
        "note": drawn.note,
    }


def _changed(drawn: DrawnRoute, moves: Iterable[Move], faults: Iterable[Fault]) -> dict[str, Any]:
    """Who drew a line, what was moved of it, and where it should not lie."""
    return {
        **_about(drawn),
        "moves": [
            {
                "end": move.end,
                "moved_m": move.moved_m,
                "from_xy": list(move.from_xy),
                "to_xy": list(move.to_xy),
                "text": move.text,
            }
            for move in moves
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
            for fault in faults
        ],
    }


def _middle(geometry: shapely.Geometry) -> list[float]:
    """A place in the middle of a stretch, to put a mark on."""
    parts = [part for part in shapely.get_parts(geometry) if part.length > 0]
    longest = max(parts, key=lambda part: part.length, default=geometry)
    at = longest.interpolate(0.5, normalized=True) if parts else longest.representative_point()
    return [at.x, at.y]
