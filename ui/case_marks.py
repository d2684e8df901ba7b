"""Marks on the map beside a case's routes: other courses, clearances, survey points, faults."""

from __future__ import annotations

from collections.abc import Sequence
from math import dist
from typing import Any

from api.escape import esc
from language import gettext as _
from ui.case_drawing import Placer, courses
from ui.clearances import MARKED, labelled
from ui.numbers import metres
from ui.route_choice import Choice, choices
from ui.surroundings import faults_of_drawn
from ui.view import Json, View

Named = tuple[str, Json]  # a clearance, and before it what it is of

_TOGETHER_M = 1.0  # marks nearer than this lie on each other at any zoom: they share their words
_MOST_WORDS = 5  # of marks at one place; the number of the others is told


def case_marks(view: View | None) -> dict[str, Any]:
    """Other courses of the chosen line and every drawn route; marks of the chosen line, or of all.

    Marks belong to routes that the map shows: those of separate routes are left out of the shared
    trench, but for the chosen line, whose own routes stand beside it. Empty lists without a case.
    Every mark has its place, a label and, for clearances, a status.
    """
    names = ("others", "clearances", "survey", "places", "rejected", "faults")
    marks: dict[str, Any] = {name: [] for name in names}
    if view is None:
        return marks
    place, near = Placer(view.plan["crs"]), []
    for line in view.wanted:
        if view.chosen not in (None, line["utility"]):
            continue
        marks["others"] += _courses(view, line, place) + _beside_drawn(view, line, place)
        near += _near(view, line)
        if _own_shown(view):
            marks["survey"] += _survey(view, line, place)
        if view.chosen:
            marks["places"] += _places(line, place)
            marks["rejected"] += _rejected(view, line, place)
        marks["faults"] += _faults(line, place)
    return marks | {"clearances": clearance_marks(near, place)}


def _own_shown(view: View) -> bool:
    """Whether the map shows the separate routes of the lines that are marked."""
    return not view.joint or view.chosen is not None


def _of(view: View, line: Json) -> str:
    """What a mark of a separate route is of, at the head of its words."""
    return view.name(line["utility"]) + (_("(各自敷设)") if view.joint else "")


def _survey(view: View, line: Json, place: Placer) -> list[dict[str, Any]]:
    return [
        {"at": place.point(one["xy"]), "label": esc(f"{_of(view, line)} {one['text']}")}
        for one in line.get("survey_points") or []
        if one.get("xy")
    ]


def _places(line: Json, place: Placer) -> list[dict[str, Any]]:
    """Where a remedy would have the line end or join the network."""
    ends = {"nearer_end_point": "end", "other_tie_in": "tie_in"}
    found = {
        place.point(route[ends[one["kind"]]]["xy"]): esc(one["text"])
        for one in line.get("remedies") or []
        if one["kind"] in ends
        for route in (one.get("second_route"), one.get("route"))
        if route
    }
    return [{"at": at, "label": label} for at, label in found.items()]


def _rejected(view: View, line: Json, place: Placer) -> list[dict[str, Any]]:
    """Where a line that cannot be joined was not let join, and why."""
    if line["status"] != "unroutable":
        return []
    told = f"{view.name(line['utility'])} {_('不可接入')}"
    return [
        {"at": place.point(one["xy"]), "label": esc(f"{told} {one['id']} {one['text']}")}
        for one in (line.get("tie_ins") or {}).get("rejected") or []
        if one.get("xy")
    ]


def _courses(view: View, line: Json, place: Placer) -> list[dict[str, Any]]:
    """Lettered courses of the chosen line; of the others only what somebody drew."""
    chosen = view.chosen == line["utility"]
    found = choices(view, line)
    manual = line.get("manual") or {}
    both_drawn, wrong = manual.get("second_drawn"), faults_of_drawn(manual)
    return [
        {
            "points": place.line(one.route["geometry"]["coordinates"]),
            "colour": view.utilities[line["utility"]].colour,
            "drawn": one.is_drawn,
            "shown": view.joint or not one.recommended,
            "letter": one.letter if chosen and len(found) > 1 else "",
            "label": esc(
                f"{one.letter} {_called(one, both_drawn)} {metres(one.route['length_m'])} m"
                + (f" {_('不能照此敷设')}" if one.is_drawn and wrong else "")
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


def _near(view: View, line: Json) -> list[Named]:
    """What is short, with the line it is of; of the chosen line what may be short too."""
    marked = MARKED if view.chosen else MARKED[:1]
    drawn = (line.get("manual") or {}).get("clearances") or []
    told = [(f"{view.name(line['utility'])} {_('手绘')}", one) for one in drawn]
    if _own_shown(view):
        told += [(_of(view, line), one) for one in line.get("clearances") or []]
    return [(of, one) for of, one in told if one["status"] in marked]


def clearance_marks(near: Sequence[Named], place: Placer) -> list[dict[str, Any]]:
    """Marks of pairs that fail or may fail; those at one place are one mark with all their words.

    ``near`` has what each pair is of, empty where that is plain.
    """
    gathered: list[list[Named]] = []
    for of, one in near:
        if one["status"] not in MARKED or not one.get("xy"):
            continue
        here = (group for group in gathered if dist(group[0][1]["xy"], one["xy"]) < _TOGETHER_M)
        group = next(here, None)
        if group is None:
            gathered.append([(of, one)])
        else:
            group.append((of, one))
    return [
        {
            "at": place.point(group[0][1]["xy"]),
            "status": min((one["status"] for _of, one in group), key=MARKED.index),
            "label": _words(group),
        }
        for group in gathered
    ]


def _words(group: Sequence[Named]) -> str:
    """What is said of pairs at one place, one below the other."""
    texts = [f"{esc(of)} {labelled(one)}".strip() for of, one in group]
    more = len(texts) - _MOST_WORDS
    rest = [_("另 {} 处").format(more)] if more > 0 else []
    return "<br>".join([*texts[:_MOST_WORDS], *rest])


def _faults(line: Json, place: Placer) -> list[dict[str, Any]]:
    return fault_marks(faults_of_drawn(line.get("manual") or {}), place)


def fault_marks(faults: list[Json], place: Placer) -> list[dict[str, Any]]:
    """Stretches of a drawn route that lie where no line may lie."""
    return [
        {"points": place.line(course), "label": esc(fault["text"])}
        for fault in faults
        for course in courses(fault["geometry"]) or [[fault["xy"]]]
    ]
