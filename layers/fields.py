"""What each layer's columns are: loaded from ``fields/<layer>.csv`` and ``values.csv``."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from language import CHINESE, spoken
from language import gettext as _
from layers.errors import LayerError

LAYERS = (
    "parcels", "roads", "carriageways", "road_red_lines", "green", "trees", "buildings",
    "water_bodies", "railways", "lines", "nodes", "service_areas", "no_dig", "planned_works",
    "drawn_corridors",
)  # fmt: skip

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Field:
    """One column of a layer.

    ``pinyin`` are the initials of its Chinese names, as CAD and DBF files use them.
    ``allowed`` holds the values of an enum; for a number it holds one bound, such as ``>0``; for a
    date the words that may stand in its place, such as ``never``.
    ``values`` maps every accepted spelling of such a value or word (folded) to it.
    ``plausible`` are the least and greatest number that need no second look, if any are given;
    ``notation`` is ``nominal`` or ``outer`` where the field is a diameter.
    """

    name: str
    zh: str
    aliases: tuple[str, ...]
    pinyin: tuple[str, ...]
    cjj61: str
    type: str
    unit: str
    required: bool
    allowed: tuple[str, ...]
    plausible: tuple[float, float] | None
    notation: str
    description: str
    source: str
    values: Mapping[str, str]

    @property
    def label(self) -> str:
        """The field in the language that is spoken: its Chinese name, else its own in words."""
        return self.zh if spoken() == CHINESE else self.name.replace("_", " ")

    def word(self, value: str) -> str:
        """A value as a Chinese form would say it."""
        spelled = (text for text, one in self.values.items() if one == value)
        return next((text for text in spelled if not text.isascii()), value)

    def spelled(self, value: str) -> str:
        """A value in the language that is spoken."""
        return self.word(value) if spoken() == CHINESE else value.replace("_", " ")

    @property
    def spellings(self) -> frozenset[str]:
        """Folded column names that mean this field, with and without its unit in brackets."""
        names = {fold(name) for name in (self.name, self.zh, *self.aliases)}
        return frozenset(names | {f"{name}({fold(self.unit)})" for name in names if self.unit})


@dataclass(frozen=True)
class LayerDefinition:
    """A layer's columns in order (the id first) and the geometry types that it takes."""

    name: str
    zh: str
    fields: tuple[Field, ...]
    geometry_types: tuple[str, ...]

    @property
    def id_field(self) -> str:
        """Name of the field that identifies a row and is the index of the table."""
        return self.fields[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all fields, geometry aside."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """Return the field called ``name``; raise ``KeyError`` if there is none."""
        return {field.name: field for field in self.fields}[name]


def fold(text: str) -> str:
    """Return text for comparing names: full width made half, case and outer space removed."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


@cache
def layer_definition(layer: str) -> LayerDefinition:
    """Return the definition of a layer; raise ``LayerError`` for an unknown name."""
    if layer not in LAYERS:
        raise LayerError(
            _("没有名为“{}”的图层。可用的图层:{}。请改正 --layer。").format(
                layer, _("、").join(LAYERS)
            )
        )
    rows = _rows(_HERE / "fields" / f"{layer}.csv")
    geometry = next(row for row in rows if row["type"] == "geometry")
    return LayerDefinition(
        name=layer,
        zh=geometry["zh"],
        fields=tuple(_field(layer, row) for row in rows if row is not geometry),
        geometry_types=_split(geometry["allowed"]),
    )


@cache
def values_by_utility(layer: str, field: str) -> Mapping[str, frozenset[str]]:
    """Return, for a field whose values depend on the utility, the values of each utility."""
    found: dict[str, set[str]] = {}
    for row in _value_rows():
        if row["layer"] == layer and row["field"] == field and row["utility"]:
            found.setdefault(row["utility"], set()).add(row["value"])
    return MappingProxyType({utility: frozenset(values) for utility, values in found.items()})


def _field(layer: str, row: Mapping[str, str]) -> Field:
    allowed = _split(row["allowed"])
    named = row["type"] in ("enum", "date")
    spellings = {fold(value): value for value in allowed} if named else {}
    for entry in _value_rows():
        if entry["layer"] in (layer, "*") and entry["field"] == row["name"]:
            names = (entry["zh"], *_split(entry["aliases"]))
            spellings |= {fold(name): entry["value"] for name in names}
    return Field(
        name=row["name"],
        zh=row["zh"],
        aliases=_split(row["aliases"]),
        pinyin=_split(row["pinyin"]),
        cjj61=row["cjj61"],
        type=row["type"],
        unit=row["unit"],
        required=row["required"] == "yes",
        allowed=allowed,
        plausible=_range(row["plausible"]),
        notation=row["notation"],
        description=row["description"],
        source=row["source"],
        values=MappingProxyType(spellings),
    )


@cache
def _value_rows() -> tuple[Mapping[str, str], ...]:
    return tuple(_rows(_HERE / "values.csv"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _range(text: str) -> tuple[float, float] | None:
    least, dots, most = text.partition("..")
    return (float(least), float(most)) if dots else None


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)
