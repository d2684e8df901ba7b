"""OpenStreetMap extracts, XML or PBF: what belongs to a layer is told by its tags.

``osm_tags.csv`` is the table. A row ``select`` puts the features with its tags into the layer, a
row ``fill`` fills a field of them, the first that fits, and a row ``centre`` names what belongs to
the subject but has a centre line where the layer needs an area. ``tags`` are conditions joined by
``;``, each a key with values joined by ``|``; ``*`` is any value and ``!`` any but these.
osmium reads and not GDAL's driver: it hands out every tag, so that a table of data and no driver's
configuration decides, and it puts areas together from rings whatever their tags.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from language import gettext as _
from layers.errors import ReadError
from layers.fields import layer_definition
from layers.raw import RawLayer, Skipped, Wanted
from layers.xml_safety import refuse_document_type

_TABLE = Path(__file__).with_name("osm_tags.csv")
_NUMBER = r"(-?\d+(?:\.\d+)?)"


@dataclass(frozen=True)
class _Rule:
    role: str
    conditions: tuple[tuple[str, frozenset[str], bool], ...]
    field: str
    becomes: str

    def fits(self, tags: Mapping[str, str]) -> bool:
        """Tell whether all conditions hold."""
        return all(
            key in tags and (not values or (tags[key] in values) is not inverted)
            for key, values, inverted in self.conditions
        )


@dataclass
class _Found:
    """Rows of the layer as they are found, and the features that can be none."""

    cells: list[dict[str, object]]
    shapes: list[object]
    unreadable: dict[int, str]
    skipped: dict[str, str]
    unclear: int = 0


def read_osm(path: Path, wanted: Wanted) -> RawLayer:
    """Read the features of the layer that is wanted; ids are ``way/1``, ``relation/1``, ``node/1``.

    Raises ``ReadError`` for a layer that no tags tell of, and for a damaged extract.
    """
    rules = _rules().get(wanted.layer)
    if rules is None:
        raise ReadError(
            _("文件 {}:OSM 数据里没有图层 {} 的内容。可导入的图层:{}。").format(
                path.name, wanted.layer, _("、").join(_rules())
            )
        )
    definition = layer_definition(wanted.layer)
    xml = path.suffix.lower() != ".pbf"
    if xml:
        refuse_document_type(path)
    kind = definition.geometry_types[0]
    try:
        with tempfile.TemporaryDirectory() as folder:
            extract = _in_order(path, "osm" if xml else "pbf", Path(folder))
            found = _found(*extract, kind, definition.id_field, rules)
    except (RuntimeError, ValueError, OverflowError) as error:
        raise ReadError(
            _("文件 {}:OSM 数据残缺或不合格式,无法读取。请重新下载。").format(path.name)
        ) from error
    notes = []
    if found.unclear:
        notes.append(_("{} 个标签的值不是单一的数,视为未知").format(found.unclear))
    columns = [definition.id_field, *dict.fromkeys(rule.field for rule in rules if rule.field)]
    cells = pd.DataFrame(found.cells, columns=columns, dtype=object)
    return RawLayer(
        path.name,
        None,
        cells.where(cells.notna(), None),
        np.array([*found.shapes, None], dtype=object)[:-1],
        found.unreadable,
        CRS.from_epsg(4326),
        tuple(notes),
        tuple(Skipped(what, why) for what, why in found.skipped.items()),
    )


def _in_order(path: Path, form: str, folder: Path) -> tuple[Path, str]:
    """Return an extract in which nodes come before ways and ways before relations, and its form.

    Answers of Overpass often have the nodes last; places and areas could not be put together.
    """
    import osmium  # only where an extract is read

    before = 0
    features: Iterator[Any] = iter(osmium.FileProcessor(osmium.io.File(str(path), form)))
    for feature in features:
        rank = 0 if feature.is_node() else 1 if feature.is_way() else 2
        if rank < before:
            break
        before = rank
    else:
        return path, form
    ordered = folder / "ordered.osm.pbf"
    merged = osmium.MergeInputReader()
    merged.add_buffer(path.read_bytes(), form)
    with osmium.SimpleWriter(str(ordered)) as writer:
        merged.apply(writer)
    return ordered, "pbf"


def _found(path: Path, format_: str, kind: str, id_field: str, rules: tuple[_Rule, ...]) -> _Found:
    """Go through the extract once (twice where areas are put together)."""
    import osmium

    found = _Found([], [], {}, {})
    factory = osmium.geom.WKBFactory()
    makers: dict[str, Callable[..., Any]] = {
        "Polygon": factory.create_multipolygon,
        "LineString": factory.create_linestring,
        "Point": factory.create_point,
    }
    file = osmium.io.File(str(path), format_)
    reader = osmium.FileProcessor(file)
    reader = reader.with_areas() if kind == "Polygon" else reader.with_locations()
    for feature, form, name in _features(reader):
        tags = dict(feature.tags)
        rule = next((one for one in rules if one.role != "fill" and one.fits(tags)), None)
        if rule is None:
            continue
        reason = _no_row(rule, kind, form, tags)
        if reason is not None:
            found.skipped.setdefault(name, reason)
            continue
        found.skipped.pop(name, None)  # what was a ring of ways before is an area now
        found.cells.append({id_field: name} | _filled(rules, rule, tags, found))
        found.shapes.append(_shape(makers[kind], feature, found))
    return found


def _features(reader: Any) -> Iterator[tuple[Any, str, str]]:
    """Yield each feature, its form and its name; areas come after what they are made of."""
    for feature in reader:
        if feature.is_area():
            origin = "way" if feature.from_way() else "relation"
            yield feature, "Polygon", f"{origin}/{feature.orig_id()}"
        elif feature.is_way():
            yield feature, "LineString", f"way/{feature.id}"
        elif feature.is_node():
            yield feature, "Point", f"node/{feature.id}"
        elif feature.is_relation():
            yield feature, "relation", f"relation/{feature.id}"


def _no_row(rule: _Rule, kind: str, form: str, tags: Mapping[str, str]) -> str | None:
    """Say why a feature of the layer's subject can be no row of it; None if it can."""
    if rule.role == "centre":
        return _("只有中心线,没有范围面")
    if kind == "LineString" and tags.get("area") == "yes":
        return _("画成面(area=yes),没有中心线")
    if form == kind:
        return None
    return {
        "Polygon": _("不是闭合的面,或缺少组成它的线"),
        "LineString": _("不是线"),
        "Point": _("不是点"),
    }[kind]


def _shape(make: Callable[..., Any], feature: Any, found: _Found) -> object:
    """Return the geometry; None with the reason where nodes are missing from the extract."""
    import osmium

    failures = (osmium.InvalidLocationError, RuntimeError, ValueError, shapely.errors.ShapelyError)
    try:
        return shapely.from_wkb(make(feature))
    except failures:
        found.unreadable[len(found.shapes)] = _("缺少节点坐标,或点数不足,不成图形")
        return None


def _filled(
    rules: tuple[_Rule, ...], chosen: _Rule, tags: Mapping[str, str], found: _Found
) -> dict[str, object]:
    cells: dict[str, object] = {}
    for rule in (chosen, *(one for one in rules if one.role == "fill")):
        if rule.field and rule.field not in cells and rule.fits(tags):
            value = _value(rule, tags[rule.conditions[0][0]])
            found.unclear += value is None
            cells[rule.field] = value
    return cells


def _value(rule: _Rule, text: str) -> object:
    """Return the field's value; None for text that is not the one number asked for."""
    patterns = {
        "integer": r"([+-]?\d+)",
        "number": _NUMBER + r"(?: ?mm)?",
        "metres": _NUMBER + r"(?: ?m)?",
        "volts": r"(\d+)",
    }
    if rule.becomes == "text":
        return text
    if rule.becomes in ("true", "false"):
        return rule.becomes == "true"
    if rule.becomes not in patterns:
        return int(rule.becomes) if re.fullmatch(r"-?\d+", rule.becomes) else rule.becomes
    match = re.fullmatch(patterns[rule.becomes], text.strip())
    if match is None:
        return None
    if rule.becomes == "integer":
        return int(match[1])
    return float(match[1]) / (1000 if rule.becomes == "volts" else 1)


@cache
def _rules() -> Mapping[str, tuple[_Rule, ...]]:
    rules: dict[str, list[_Rule]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rule = _Rule(row["role"], _conditions(row["tags"]), row["field"], row["becomes"])
            rules.setdefault(row["layer"], []).append(rule)
    return {layer: tuple(some) for layer, some in rules.items()}


def _conditions(text: str) -> tuple[tuple[str, frozenset[str], bool], ...]:
    """Return (key, values, whether any other value is meant); no values stand for any."""
    conditions = []
    for one in text.split(";"):
        key, _equals, values = one.partition("=")
        inverted = values.startswith("!")
        named = frozenset() if values == "*" else frozenset(values.removeprefix("!").split("|"))
        conditions.append((key, named, inverted))
    return tuple(conditions)
