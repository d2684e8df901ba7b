"""GeoJSON by RFC 7946, read as data only: no driver that follows references is involved."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from language import gettext as _
from layers.errors import ReadError
from layers.raw import RawLayer, Wanted

_CRS_NAME = re.compile(r"(?:urn:ogc:def:crs:)?(EPSG|OGC):(?:[0-9.]*:)?(\w+)", re.IGNORECASE)

_SHAPE_ERRORS = (
    TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError, ShapelyError,
)  # fmt: skip


def read_geojson(path: Path, _wanted: Wanted) -> RawLayer:
    """Read a FeatureCollection or a Feature; raise ``ReadError`` for anything else.

    The CRS is WGS 84 by RFC 7946 (section 4), or that of a ``crs`` member of the older form if
    it names an EPSG code. A feature's ``id`` is the column ``id`` if no property has that name.
    """
    document = _parse(path)
    features = _features(document, path)
    shapes = np.full(len(features), None, dtype=object)
    unreadable: dict[int, str] = {}
    for position, feature in enumerate(features):
        try:
            shapes[position] = _shape(feature.get("geometry"))
        except _SHAPE_ERRORS:
            unreadable[position] = _("几何坐标不成形(点数不足、缺坐标或类型不明)")
    cells = pd.DataFrame([_cells(feature) for feature in features], dtype=object)
    crs, is_usual = _crs(document, path), document.get("crs") is None
    return RawLayer(path.name, None, cells, shapes, unreadable, crs, crs_is_usual=is_usual)


def _parse(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ReadError(
            _("文件 {}:文字不是 UTF-8 编码。GeoJSON 须为 UTF-8,请重新导出。").format(path.name)
        ) from None
    except (json.JSONDecodeError, RecursionError, ValueError) as error:
        line = getattr(error, "lineno", 1)
        raise ReadError(
            _("文件 {}:第 {} 行不是完整的 JSON。请重新导出。").format(path.name, line)
        ) from None
    if not isinstance(document, dict):
        raise ReadError(_("文件 {}:不是 GeoJSON 要素集合。请重新导出。").format(path.name))
    return document


def _features(document: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    kind = document.get("type")
    features = [document] if kind == "Feature" else document.get("features")
    if kind not in ("Feature", "FeatureCollection") or not isinstance(features, list):
        raise ReadError(
            _("文件 {}:JSON 的 type 为“{}”,须为 FeatureCollection 或 Feature。请重新导出。").format(
                path.name, str(kind)[:40]
            )
        )
    for row, feature in enumerate(features, start=1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise ReadError(
                _("文件 {}:第 {} 个要素不是 Feature。请重新导出。").format(path.name, row)
            )
    return features


def _shape(geometry: Any) -> BaseGeometry | None:
    with np.errstate(invalid="ignore"):  # NaN coordinates are reported by the checks
        return None if geometry is None else shape(geometry)


def _cells(feature: Mapping[str, Any]) -> dict[str, object]:
    properties = feature.get("properties")
    cells = dict(properties) if isinstance(properties, dict) else {}
    if "id" in feature:
        cells.setdefault("id", feature["id"])
    return {name: _cell(value) for name, value in cells.items()}


def _cell(value: object) -> object:
    """Keep nested values as JSON text: a cell holds one value."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _crs(document: Mapping[str, Any], path: Path) -> CRS:
    member = document.get("crs")
    if member is None:
        return CRS.from_epsg(4326)
    properties = member.get("properties") if isinstance(member, dict) else None
    name = str(properties.get("name")) if isinstance(properties, dict) else ""
    match = _CRS_NAME.fullmatch(name)
    try:
        if match is None:
            raise ValueError
        return CRS.from_authority(match[1].upper(), match[2])
    except (ValueError, CRSError):
        raise ReadError(
            _("文件 {}:crs 成员“{}”不是 EPSG 代码。请去掉它,坐标用 WGS 84 经纬度。").format(
                path.name, name[:60]
            )
        ) from None
