"""The routes of one line to compare, each with a letter that map, table and chart share.

The same course found twice is one route with two names; the drawn one keeps its own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from language import gettext as _
from language import said
from ui.view import Json, View

KINDS = said(
    {
        "qualifying": "符合条款中最省",
        "cheapest": "最省",
        "shortest": "最短",
        "alternative": "另一走向",
        "shared": "共沟",
        "manual": "手绘",
    }
)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Choice:
    """One route to compare: its letter, what it is called, and whether it is the recommended."""

    letter: str
    names: tuple[str, ...]
    route: Json
    recommended: bool

    @property
    def is_drawn(self) -> bool:
        return bool(self.route["kind"] == "manual")


def choices(view: View, line: Json) -> list[Choice]:
    """Every distinct route of a line: the recommended first, the drawn one last.

    Of two feeds the same first with another second is another choice.
    """
    recommended = view.recommended(line)
    found: dict[str, tuple[list[str], Json]] = {}
    for route in _in_order(line, recommended):
        both = route.get("together") or {}
        course = f"{route['geometry']['coordinates']} {both.get('cost_yuan', '')}"
        key = f"drawn {course}" if route["kind"] == "manual" else course
        names, _first = found.setdefault(key, ([], route))
        names.append(_named(line, route))
    return [
        Choice(_LETTERS[number], tuple(dict.fromkeys(names)), route, route is recommended)
        for number, (names, route) in enumerate(found.values())
    ]


def _in_order(line: Json, recommended: Json | None) -> Iterator[Json]:
    """The routes of a line in the order of reading."""
    if recommended is not None:
        yield recommended
    routes = [one for one in line["routes"] if one is not recommended]
    yield from (one for one in routes if one["kind"] != "manual")
    yield from line.get("alternatives") or []
    yield from (one for one in routes if one["kind"] == "manual")


def _named(line: Json, route: Json) -> str:
    """What a route is; an alternative by the streets and sides on which it differs."""
    differs = route.get("differs") or []
    if differs:
        return _("经 {}").format(_("、").join(str(one) for one in differs[:2]))
    if route["kind"] == "cheapest" and _is_cheapest_apart_only(line, route):
        return _("两路分开敷设中最省")
    return KINDS.get(route["kind"], str(route["kind"]))


def _is_cheapest_apart_only(line: Json, route: Json) -> bool:
    """Whether two feeds cost more than another pair, which keeps less apart: safety goes first."""
    routes = [*line["routes"], *(line.get("alternatives") or [])]
    pairs = [one["together"] for one in routes if one.get("together") and one["kind"] != "manual"]
    own = route.get("together")
    return bool(own) and any(one["cost_yuan"] < own["cost_yuan"] - 1 for one in pairs)
