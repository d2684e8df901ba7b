"""One drawn line from a file: a route that somebody drew in another program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from pyproj import CRS

from language import gettext as _
from layers.errors import LayerError, ReadError
from layers.georeferencing import georeference
from layers.placing import crs_name
from layers.raw import RawLayer
from layers.reading import read_layer

_LAYER = "drawn_corridors"  # what is asked of a file: the lines that somebody drew
_SHOWN = 5  # shapes of a file that a refusal names


@dataclass(frozen=True)
class LineFile:
    """The line of a file in the CRS of a workspace; ``notes`` say what else was met in the file."""

    line: shapely.LineString
    notes: tuple[str, ...]


def read_line(file: Path | str, crs: CRS) -> LineFile:
    """The only line of a file of any kind of ``formats.FORMATS``, flat, in ``crs``.

    A file that names no CRS is taken to be in ``crs``; so is GeoJSON without a ``crs`` member whose
    numbers are too large for degrees.

    Raises
    ------
    ReadError
        If the file cannot be read, or does not hold exactly one line.
    LayerError
        If its coordinates do not lie where their CRS is used.
    """
    try:
        raw = read_layer(file, source_layer=None, layer=_LAYER)
        line = _only_line(raw)
        crs_notes: tuple[str, ...] = ()
        if not _names_crs(raw, line):
            raw = replace(raw, crs=crs)
            crs_notes = (_("文件没有写明坐标系,已按工作区坐标系 {} 读取").format(crs_name(crs)),)
        placed = georeference(raw, np.array([shapely.force_2d(line)], object), crs)
    except (LayerError, ReadError) as error:
        if "--" not in str(error):
            raise
        # Readers name the options of an import; a drawn line is put right where it was drawn.
        cure = _("线文件没有这些选项:请在原软件中只留要核算的那一条,写明坐标系后另存。")
        raise type(error)(f"{error}\n{cure}") from None
    notes = (*raw.notes, *_left_out(raw), *crs_notes, *placed.notes)
    return LineFile(placed.shapes[0], notes)


def _only_line(raw: RawLayer) -> shapely.LineString:
    """The line, its parts put together where each begins at the end of another."""
    shapes = [_whole(one) for one in raw.shapes if one is not None]
    is_line = len(shapes) == 1 and shapes[0].geom_type == "LineString"
    if not is_line or raw.unreadable or not np.isfinite(shapes[0].bounds).all():
        raise ReadError(
            _(
                "文件 {}:须恰好有一条线(LineString),现有 {} 个图形({})。"
                "请只留要核算的那一条;画成几段的,先合并为一条。"
            ).format(raw.file, len(raw.shapes), _found(raw))
        )
    return shapes[0]


def _whole(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape


def _found(raw: RawLayer) -> str:
    """What stands in the rows of a file, the first of them each by itself."""
    rows = [
        _("第 {} 行 {}").format(row + 1, raw.unreadable.get(row) or _kind(shape))
        for row, shape in enumerate(raw.shapes[:_SHOWN])
    ]
    return _("、").join([*rows, *(["…"] if len(raw.shapes) > _SHOWN else ())]) or _("无")


def _kind(shape: shapely.Geometry | None) -> str:
    if shape is None or shape.is_empty:
        return _("没有图形")
    is_placed = np.isfinite(shape.bounds).all()
    return str(shape.geom_type) if is_placed else _("坐标不是有限的数")


def _names_crs(raw: RawLayer, line: shapely.LineString) -> bool:
    """Whether the file says what its coordinates are in, and they can be that."""
    if raw.crs is None:
        return False
    return not (raw.crs.is_geographic and np.abs(shapely.get_coordinates(line)).max() > 180)


def _left_out(raw: RawLayer) -> tuple[str, ...]:
    return tuple(
        _("未采用:{} {} 个({})").format(one.what, one.count, one.reason) for one in raw.skipped
    )
