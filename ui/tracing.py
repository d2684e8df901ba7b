"""Where a number comes from: folded under the number itself, opened by a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.escape import esc
from language import gettext as _
from planning.trace import fits
from ui import words
from ui.view import Json, View

_SHOWN = 12  # features named; the number of the others is told


def traced(view: View, path: str | None, text: str) -> str:
    """A number as it is written; with its formula, rule and features where the plan has them.

    ``path`` is the JSON pointer of the number in the plan; ``text`` is safe HTML.
    """
    entries = view.plan.get("trace") or [] if path else []
    place = tuple((path or "").split("/")[1:])
    found = next((one for one in entries if fits(one["path"], place)), None)
    if found is None:
        return text
    return (
        f'<details class="tg-trace"><summary title="{_("出处")}">{text}</summary>'
        f"<div>{_origin(found)}</div></details>"
    )


def pointer(view: View, line: Json, *steps: str | int) -> str:
    """JSON pointer of something of a line."""
    utilities = [one["utility"] for one in view.plan["utilities"]]
    number = utilities.index(line["utility"])
    return "/".join(["", "utilities", str(number), *map(str, steps)])


def route_pointer(view: View, line: Json, route: Json, figure: str) -> str | None:
    """JSON pointer of a figure of one of the routes of a line; None for any other route."""
    if line.get("shared_route") is route:
        return pointer(view, line, "shared_route", figure)
    if route is view.second(line):
        return pointer(view, line, "second_feed", "route", figure)
    at = next((n for n, one in enumerate(line["routes"]) if one is route), None)
    return None if at is None else pointer(view, line, "routes", at, figure)


def measure_pointer(view: View, line: Json, name: str) -> str | None:
    """JSON pointer of a measure of a line; None for a fact."""
    measures = line.get("measures") or []
    at = next((n for n, one in enumerate(measures) if one["name"] == name), None)
    return None if at is None else pointer(view, line, "measures", at, "value")


def _origin(found: Json) -> str:
    """Formula, rule and the features with their layer versions."""
    rule = found.get("rule")
    parts = [f"<b>{_('算法')}</b> {esc(found['formula'])}"] if found.get("formula") else []
    if rule:
        ref = words.source(rule.get("ref") or "")
        parts.append(f"<b>{_('依据')}</b> {esc(rule['file'])} {esc(ref)}")
    inputs = found.get("inputs") or []
    parts += [f"<b>{_('数据')}</b> {esc(text)}" for text in _features(inputs)]
    return "<br>".join(parts)


def _features(inputs: Sequence[Mapping[str, object]]) -> list[str]:
    """One text for each layer version: its features and fields."""
    layers: dict[tuple[str, str], list[str]] = {}
    for one in inputs:
        version = f" {_('第')} {one['version']} {_('版')}" if one.get("version") else ""
        digest = f" {str(one['sha256'])[:8]}" if one.get("sha256") else ""
        name = f"{words.head(words.layer(str(one['layer'])))}{version}{digest}"
        told = " ".join(str(one[key]) for key in ("id", "field") if one.get(key))
        layers.setdefault((str(one["layer"]), name), []).append(told)
    texts = []
    for (_layer, name), told in layers.items():
        named = [each for each in dict.fromkeys(told) if each]
        more = f" {_('等')} {len(named)} {_('项')}" if len(named) > _SHOWN else ""
        texts.append(name + _(":") + _("、").join(named[:_SHOWN]) + more if named else name)
    return texts
