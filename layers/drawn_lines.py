"""One drawn line from a file: a route that somebody drew in another program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from pyproj import CRS

from language import Text
from language import gettext as _
from layers.errors import FormatError, LayerError, ReadError
from layers.georeferencing import georeference
from layers.placing import crs_name
from layers.raw import RawLayer
from layers.reading import read_layer

_LAYER = "drawn_corridors"  # what is asked of a file: the lines that somebody drew
_SHOWN = 5  # shapes of a file that a refusal names
# Tables become points, and a pipe network is read for its own layers only.
_WITHOUT_LINES = frozenset({".csv", ".tsv", ".txt", ".dat", ".xlsx", ".xlsm", ".inp"})
# What else can be read, by the names of ``formats.FORMATS``; people draw with the first ones.
LINE_FORMATS = (
    "DXF", "GeoPackage", "GeoJSON", "Shapefile", "KML", "GML", "MapInfo TAB", "MapInfo MIF",
    "FlatGeobuf", "GeoParquet", "OSM XML", "OSM PBF", "ZIP", "GZIP",
)  # fmt: skip
_OPTION = re.compile(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True)
class LineFile:
    """The line of a file in the CRS of a workspace; ``notes`` say what else was met in the file."""

    line: shapely.LineString
    notes: tuple[str, ...]


def read_line(file: Path | str, crs: CRS) -> LineFile:
    """The only line of a file, flat, in ``crs``.

    Files of ``LINE_FORMATS`` are read. A file that names
    no CRS is taken to be in ``crs``; so is GeoJSON without a ``crs`` member whose numbers are too
    large for degrees.

    Raises
    ------
    ReadError
        If the file cannot be read, or does not hold exactly one line.
    LayerError
        If its coordinates do not lie where their CRS is used.
    """
    name = Path(file).name
    if Path(file).suffix.lower() in _WITHOUT_LINES:
        raise ReadError(
            _(
                "文件 {}:表格和管网模型不能作线文件。"
                "请在画线的软件中另存为 DXF、GeoPackage 或 GeoJSON。"
            ).format(name)
        )
    try:
        raw = read_layer(file, source_layer=None, layer=_LAYER)
        line = _only_line(raw)
        crs_notes: tuple[str, ...] = ()
        if not _names_crs(raw, line):
            raw = replace(raw, crs=crs)
            crs_notes = (_("文件没有写明坐标系,已按工作区坐标系 {} 读取").format(crs_name(crs)),)
        placed = georeference(raw, np.array([shapely.force_2d(line)], object), crs)
    except FormatError:
        raise ReadError(
            _(
                "文件 {}:内容不是可以作线文件的格式,或与扩展名不符。可以用:{}"
                "(Shapefile 的各文件压缩为 ZIP)。请在画线的软件中另存为其中一种后再选。"
            ).format(name, _("、").join(LINE_FORMATS))
        ) from None
    except (LayerError, ReadError) as error:
        # Readers name the options of an import; a drawn line is put right where it was drawn.
        options = _OPTION.findall(str(error).replace(name, ""))
        if options:
            error.args = (Text("\n").join([*error.args, _cure(options, crs)]),)
        raise
    notes = (*raw.notes, *_left_out(raw), *_joined(raw), *crs_notes, *placed.notes)
    return LineFile(placed.shapes[0], notes)


def _cure(options: Sequence[str], crs: CRS) -> str:
    """What to do where a reader asks for options, which a line file does not have."""
    if "--source-layer" in options:
        return _("线文件没有这些选项:请在原软件中只留要核算的那一条,另存后再选。")
    if "--datum-shift" in options:
        told = _("线文件没有这些选项:请在原软件中把这条线换算到 {},另存后再选。")
        return told.format(crs_name(crs))
    return _("线文件没有这些选项:请在原软件中核对这条线的坐标,写明坐标系后另存,再选。")


def _only_line(raw: RawLayer) -> shapely.LineString:
    """The line, its parts, in one row or several, put together where they meet end to end."""
    shapes = raw.shapes[~shapely.is_missing(raw.shapes)]
    line = _whole(shapes)
    if line is None or raw.unreadable:
        raise ReadError(
            _(
                "文件 {}:须恰好有一条线(LineString),现有 {} 个图形({})。"
                "请只留要核算的那一条;画成几段的,先合并为一条。"
            ).format(raw.file, len(raw.shapes), _found(raw))
        )
    return line


def _whole(shapes: np.ndarray) -> shapely.LineString | None:
    """The one line that shapes are together; None for none, for several, and for a ring of parts.

    Parts that run over one another, or end where they began, are no way from here to there: a line
    drawn twice, a loop.
    """
    parts = shapely.get_parts(shapes)
    is_placed = np.isfinite(shapely.bounds(parts)).all()
    if not len(parts) or not is_placed or any(one.geom_type != "LineString" for one in parts):
        return None
    if len(parts) == 1:
        return parts[0]
    whole = shapely.line_merge(shapely.multilinestrings(parts))
    is_way = whole.geom_type == "LineString" and whole.is_simple and not whole.is_closed
    return whole if is_way else None


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
    """Whether it is known from the file what its coordinates are in.

    One that the file states and that they cannot be in is for ``georeference`` to refuse.
    """
    is_too_large = np.abs(shapely.get_coordinates(line)).max() > 180
    return raw.crs is not None and not (raw.crs_is_usual and is_too_large)


def _joined(raw: RawLayer) -> tuple[str, ...]:
    rows = int((~shapely.is_missing(raw.shapes) & ~shapely.is_empty(raw.shapes)).sum())
    return (_("{} 个图形首尾相接,已合并为一条线").format(rows),) if rows > 1 else ()


def _left_out(raw: RawLayer) -> tuple[str, ...]:
    return tuple(
        _("未采用:{} {} 个({})").format(one.what, one.count, one.reason) for one in raw.skipped
    )
