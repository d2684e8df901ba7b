"""Fields of an application 报装申请: those that its schema allows, and a refusal of any other.

A field that nobody reads is silence, and silence may count as met. ``docs/schemas`` is the one
home of the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from language import gettext as _
from planning.rule_files import read_schema

# Words an error from field, value, rule and cure.
ErrorOf = Callable[[str, Any, str, str], Exception]


def refuse_unknown(place: str, given: Mapping[str, Any], error: ErrorOf) -> None:
    """Refuse a field that the schema does not allow in a group of the application.

    ``place`` is the group as messages name it, ``drawn_routes.water[0]``; empty for the
    application itself. What ``error`` gives is raised.
    """
    allowed = _fields(re.sub(r"\[\d+\]", "", place))
    for key, value in given.items():
        if key not in allowed:
            nearest = get_close_matches(str(key), allowed, 1)
            cure = _("改为 {} 或删去").format(*nearest) if nearest else _("改正字段名或删去")
            rule = _("没有这个字段;可用字段为 ") + _("、").join(allowed)
            raise error(f"{place}.{key}".lstrip("."), value, rule, cure)


@cache
def _fields(place: str) -> tuple[str, ...]:
    """Names that the schema allows in a group, in its order."""
    group = schema = read_schema("application")
    for name in filter(None, place.split(".")):
        group = group.get("properties", {}).get(name) or group["additionalProperties"]
        group = group.get("items", group)
        if "$ref" in group:
            group = schema["$defs"][group["$ref"].rpartition("/")[2]]
    return tuple(group["properties"])
