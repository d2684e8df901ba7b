"""Drawn routes 手绘路由 as an application keeps them: for each utility a history, newest last.

Of a line that wants two feeds either may be drawn, or both: an entry tells which it is, and the
newest of each feed counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import shapely

from language import gettext as _
from layers.utilities import load_utilities
from planning.application_fields import ErrorOf, refuse_unknown
from planning.comparisons import is_finite

# A line drawn or recorded by a person has tens of points, a traced one some hundreds.
_MOST_POINTS = 5000
# Feeds of a line that may be drawn (docs/decisions/0008).
FEEDS = (1, 2)


@dataclass(frozen=True)
class DrawnRoute:
    """One entry of the history. ``line`` is in the survey's CRS, None where it was withdrawn.

    ``feed`` tells which one of two it is; who does not speak of feeds means the first.
    """

    line: shapely.LineString | None
    author: str = ""
    at: str = ""
    note: str = ""
    feed: int = 1

    @property
    def drawing_id(self) -> str:
        """What tells this entry from the others: a digest of all that it holds."""
        line = None if self.line is None else shapely.to_wkb(self.line, hex=True)
        held = repr((line, self.author, self.at, self.note, self.feed))
        return sha256(held.encode()).hexdigest()[:16]


def of_feed(history: Sequence[DrawnRoute], feed: int) -> tuple[DrawnRoute, ...]:
    """The history of one feed, newest last."""
    return tuple(one for one in history if one.feed == feed)


def in_force(history: Sequence[DrawnRoute]) -> tuple[DrawnRoute, ...]:
    """The newest drawing of each feed that was not withdrawn, in the order of the feeds."""
    newest = {one.feed: one for one in history}
    return tuple(newest[feed] for feed in sorted(newest) if newest[feed].line is not None)


def parse_drawn_routes(value: Any, error: ErrorOf) -> dict[str, tuple[DrawnRoute, ...]]:
    """Read ``drawn_routes`` of an application document; nothing drawn gives an empty dict.

    ``error`` words an error from field, value, rule and cure; what it gives is raised.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise error("drawn_routes", value, _("须为一组字段"), _("写成 {} 或留空"))
    return {
        utility: _history(f"drawn_routes.{utility}", utility, entries, error)
        for utility, entries in value.items()
    }


def drawn_entry(
    coordinates: list[list[float]] | None, author: str, at: datetime, note: str, feed: int = 1
) -> dict[str, Any]:
    """An entry for the application document; None for ``coordinates`` withdraws the feed.

    ``at`` is written with its difference to UTC, on the clock of this machine.
    """
    line = None if coordinates is None else {"type": "LineString", "coordinates": coordinates}
    when = at.astimezone().isoformat(timespec="seconds")
    return {"line": line, "feed": feed, "author": author, "at": when, "note": note}


def _history(place: str, utility: str, entries: Any, error: ErrorOf) -> tuple[DrawnRoute, ...]:
    if utility not in load_utilities():
        known = _("、").join(load_utilities())
        raise error(place, utility, _("没有这个专业;可用值为 ") + known, _("改正专业名"))
    if not isinstance(entries, list | tuple):
        raise error(place, entries, _("须为列表"), _("写成 [] 或留空"))
    return tuple(_entry(f"{place}[{n}]", one, error) for n, one in enumerate(entries))


def _entry(place: str, entry: Any, error: ErrorOf) -> DrawnRoute:
    if not isinstance(entry, Mapping) or "line" not in entry:
        raise error(place, entry, _("须为一组字段,含 line"), _("补填 line 或删去该项"))
    refuse_unknown(place, entry, error)
    texts = {key: entry.get(key) for key in ("author", "at", "note")}
    for key, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise error(f"{place}.{key}", text, _("须为文字"), _("改正或留空"))
    line = None if entry["line"] is None else _line(f"{place}.line", entry["line"], error)
    feed = 1 if entry.get("feed") is None else entry["feed"]
    if isinstance(feed, bool) or feed not in FEEDS:
        rule, cure = _("须为 1(第一路)或 2(第二路)"), _("改正;只要一路的删去该字段")
        raise error(f"{place}.feed", feed, rule, cure)
    return DrawnRoute(line, **{key: text or "" for key, text in texts.items()}, feed=int(feed))


def _line(place: str, value: Any, error: ErrorOf) -> shapely.LineString:
    """A line without repeated points, from a GeoJSON LineString in the survey's coordinates."""
    points = value.get("coordinates") if isinstance(value, Mapping) else None
    if points is None or value.get("type") != "LineString" or not isinstance(points, list | tuple):
        raise error(place, value, _("须为 GeoJSON 的 LineString"), _("改正或删去该项"))
    if len(points) > _MOST_POINTS:
        raise error(
            place, len(points), _("点数不得超过 {}").format(_MOST_POINTS), _("简化后再绘入")
        )
    if not all(_is_position(point) for point in points):
        raise error(place, points, _("每点须为 [东坐标, 北坐标](米)"), _("改正坐标"))
    distinct = [p for n, p in enumerate(points) if n == 0 or list(p[:2]) != list(points[n - 1][:2])]
    if len(distinct) < 2:
        raise error(place, points, _("须有至少两个不同的点"), _("补画或删去该项"))
    return shapely.LineString([(float(x), float(y)) for x, y, *_height in distinct])


def _is_position(point: Any) -> bool:
    return (
        isinstance(point, list | tuple)
        and len(point) in (2, 3)
        and all(
            isinstance(v, int | float) and not isinstance(v, bool) and is_finite(v) for v in point
        )
    )
