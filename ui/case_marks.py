"""Marks on the map beside a case's routes: other courses, clearances, survey points, faults."""

from __future__ import annotations

from typing import Any

from api.escape import esc
from language import gettext as _
from ui.case_drawing import Placer, courses
from ui.numbers import metres
from ui.route_choice import Choice, choices
from ui.surroundings import CLEARANCE
from ui.view import Json, View

_MARKED = ("fail", "uncertain")


def case_marks(view: View | None) -> dict[str, Any]:
    """Other courses of the chosen line and every drawn route; marks of the chosen line, or of all.

    Empty lists without a case. Every mark has its place, a label and, for clearances, a status.
    """
    marks: dict[str, Any] = {"others": [], "clearances": [], "survey": [], "faults": []}
    if view is None:
        return marks
    place = Placer(view.plan["crs"])
    for line in view.wanted:
        if view.chosen in (None, line["utility"]):
            marks["others"] += _courses(view, line, place) + _beside_drawn(view, line, place)
            marks["clearances"] += _clearances(view, line, place)
            marks["survey"] += [
                {"at": place.point(one["xy"]), "label": esc(one["text"])}
                for one in line.get("survey_points") or []
                if one.get("xy")
            ]
            marks["faults"] += _faults(line, place)
    return marks


def _courses(view: View, line: Json, place: Placer) -> list[dict[str, Any]]:
    """Lettered courses of the chosen line; of the others only what somebody drew."""
    chosen = view.chosen == line["utility"]
    found = choices(view, line)
    both_drawn = (line.get("manual") or {}).get("second_drawn")
    return [
        {
            "points": place.line(one.route["geometry"]["coordinates"]),
            "colour": view.utilities[line["utility"]].colour,
            "drawn": one.is_drawn,
            "shown": view.joint or not one.recommended,
            "letter": one.letter if chosen and len(found) > 1 else "",
            "label": esc(
                f"{one.letter} {_called(one, both_drawn)} {metres(one.route['length_m'])} m"
            ),
        }
        for one in found
        if chosen or one.is_drawn
    ]


def _called(one: Choice, both_drawn: Json | None) -> str:
    """What a course is called; of two drawn feeds the first by its number."""
    return _("手绘第一路") if one.is_drawn and both_drawn else _("、").join(one.names)


def _beside_drawn(view: View, line: Json, place: Placer) -> list[dict[str, Any]]:
    """The feed with which a drawn one is judged, found or drawn too."""
    manual = line.get("manual") or {}
    route = (manual.get("second_feed") or {}).get("route")
    if route is None:
        return []
    label = _("手绘第二路") if manual.get("second_drawn") else _("与手绘的一路成对")
    return [
        {
            "points": place.line(route["geometry"]["coordinates"]),
            "colour": view.utilities[line["utility"]].colour,
            "drawn": True,
            "shown": True,
            "letter": "",
            "label": esc(f"{label} {metres(route['length_m'])} m"),
        }
    ]


def _clearances(view: View, line: Json, place: Placer) -> list[dict[str, Any]]:
    """What is short; of the chosen line what may be short too."""
    marked = _MARKED if view.chosen else _MARKED[:1]
    return [
        {
            "at": place.point(one["xy"]),
            "status": one["status"],
            "label": f"{esc(CLEARANCE[one['status']])}: {esc(one['text'])}",
        }
        for one in line.get("clearances") or []
        if one["status"] in marked and one.get("xy")
    ]


def _faults(line: Json, place: Placer) -> list[dict[str, Any]]:
    return fault_marks(faults_of_drawn(line.get("manual") or {}), place)


def faults_of_drawn(manual: Json) -> list[Json]:
    """The faults of a drawn route, of two drawn feeds those of both."""
    drawn = (manual, manual.get("second_drawn") or {})
    return [fault for one in drawn for fault in one.get("faults") or []]


def fault_marks(faults: list[Json], place: Placer) -> list[dict[str, Any]]:
    """Stretches of a drawn route that lie where no line may lie."""
    return [
        {"points": place.line(course), "label": esc(fault["text"])}
        for fault in faults
        for course in courses(fault["geometry"]) or [[fault["xy"]]]
    ]
