"""What an existing main or node is, in one line: for the map, where one points at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from api.asked import Answer
from api.escape import esc
from language import gettext as _
from language import speak
from layers.fields import Field, layer_definition
from layers.utilities import load_utilities
from ui.county import open_county

# What is told of each, in this order; whose they are, and all else, stays.
_TOLD = {
    "lines": (
        "diameter_mm",
        "outer_diameter_mm",
        "section_width_mm",
        "section_height_mm",
        "pressure_mpa",
        "voltage_kv",
        "duct_holes",
        "free_holes",
        "laying",
    ),
    "nodes": ("kind", "voltage_kv", "capacity_kva", "spare_bays", "free_holes"),
}
_FIGURES = {"diameter_mm": "DN{:g}", "pressure_mpa": "{:g} MPa", "voltage_kv": "{:g} kV"}
LAYERS = tuple(_TOLD)


def existing_door(workspace: Path) -> Callable[[Mapping[str, str]], Answer]:
    """What answers where the map points at a main or a node."""

    def tell(asked: Mapping[str, str]) -> Answer:
        speak(asked.get("language"))
        layer, key = asked.get("layer", ""), asked.get("id", "")
        table = open_county(workspace).survey.get(layer) if layer in _TOLD else None
        if table is None or key not in table.index:
            return 404, {"message": _("没有这条管线或这个管线点")}
        return 200, {"label": esc(existing_words(layer, key, table.loc[key]))}

    return tell


def existing_words(layer: str, key: str, row: Mapping[str, Any]) -> str:
    """Utility, id and what is known of it; a status that is not known is told too."""
    utility, fields = row.get("utility"), {one.name: one for one in layer_definition(layer).fields}
    name = _(load_utilities()[utility].zh) if utility in load_utilities() else ""
    known = [_said(fields[one], row[one]) for one in _TOLD[layer] if not pd.isna(row.get(one))]
    status = row.get("status")
    known += [_("使用状态未知") if pd.isna(status) else fields["status"].spelled(str(status))]
    return " · ".join([f"{name} {key}".strip(), *known])


def _said(field: Field, value: Any) -> str:
    if field.type == "enum":
        return field.spelled(str(value))
    if field.name in _FIGURES:
        return _FIGURES[field.name].format(value)
    return f"{field.label} {value:g}{f' {field.unit}' if field.unit.isascii() else ''}".rstrip()
