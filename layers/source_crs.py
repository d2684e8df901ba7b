"""What the coordinates of a file are in: an EPSG code, another unit of length, GCJ-02 or BD-09."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import shapely
from pyproj import CRS

from gis.china_offsets import FORWARD, from_offset, shift_m
from language import gettext as _
from layers.datums import DatumShift, mover, parse_datum_shift
from layers.errors import LayerError
from layers.placing import crs_name, parse_crs

# Metres of one unit. Feet: the international foot, and the US survey foot (EPSG 9002, 9003).
LENGTHS_M: Mapping[str, float] = MappingProxyType(
    {"ft": 0.3048, "us-ft": 1200 / 3937, "mm": 0.001, "cm": 0.01, "km": 1000.0}
)
_WITH_UNIT = re.compile(r"(EPSG:\d{4,6})\s+([a-z-]+)", re.IGNORECASE)
_OFFSETS = {"gcj02": "GCJ-02", "bd09": "BD-09", "bd09ll": "BD-09"}
_CGCS2000_DEGREES = 4490


@dataclass(frozen=True)
class SourceCrs:
    """How to read the numbers of a file as places.

    ``offset`` names a shifted system over the degrees of ``crs`` (``GCJ-02`` or ``BD-09``, else
    empty). ``swap_axes``: the file gives north first. ``shift`` leads to the workspace's datum.
    """

    crs: CRS
    offset: str = ""
    swap_axes: bool = False
    shift: DatumShift | None = None

    @property
    def name(self) -> str:
        """What a user would write after ``--crs``."""
        return self.offset or crs_name(self.crs)


def stated_crs(text: CRS | str | None) -> SourceCrs | None:
    """Return what a user states with ``--crs``: ``EPSG:n``, ``EPSG:n ft``, ``GCJ-02``, ``BD-09``.

    None stays None. Raises ``LayerError`` for any other text.
    """
    if text is None or isinstance(text, CRS):
        return None if text is None else SourceCrs(text)
    offset = _OFFSETS.get(text.strip().casefold().replace("-", "").replace("_", ""))
    if offset:
        return SourceCrs(CRS.from_epsg(_CGCS2000_DEGREES), offset)
    match = _WITH_UNIT.fullmatch(text.strip())
    if match is None:
        return SourceCrs(parse_crs(text))
    return SourceCrs(in_unit(parse_crs(match[1]), match[2].lower()))


def in_unit(crs: CRS, unit: str) -> CRS:
    """Return a projected CRS with its coordinates in another unit of :data:`LENGTHS_M`."""
    if unit not in LENGTHS_M or not crs.is_projected:
        raise LayerError(
            _("坐标单位“{}”无法识别,或坐标系 {} 不是投影坐标系。单位可用:{}。").format(
                unit, crs_name(crs), _("、").join(LENGTHS_M)
            )
        )
    system = crs.to_json_dict()
    length = {"type": "LinearUnit", "name": unit, "conversion_factor": LENGTHS_M[unit]}
    for axis in system["coordinate_system"]["axis"]:
        axis["unit"] = length
    system.pop("id", None)
    system["name"] = f"{crs_name(crs)} {unit}"
    return CRS.from_json_dict(system)


def swapped(shapes: np.ndarray) -> np.ndarray:
    """Return shapes with their first and second coordinates exchanged."""
    turned: np.ndarray = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    return turned


def reproject(
    shapes: np.ndarray, source: SourceCrs, target: CRS
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return shapes in ``target``, x east and y north, and in words what was done to them.

    The same array if nothing changes. Raises ``LayerError`` between datums that nothing leads
    from one to the other (:func:`layers.datums.mover`).
    """
    notes = []
    if source.swap_axes:
        shapes = swapped(shapes)
        notes.append(_("已按 --swap-axes 对调坐标轴(文件先北后东)"))
    if source.offset:
        shapes, note = _without_offset(shapes, source.offset)
        notes.append(note)
    same = source.crs.equals(target, ignore_axis_order=True)
    if same and source.shift is None:
        return shapes, tuple(notes)
    move, note_of_datum = mover(source.crs, target, source.shift)
    moved: np.ndarray = shapely.transform(shapes, move)
    notes.append(_("坐标已由 {} 转换为 {}").format(source.name, crs_name(target)))
    if note_of_datum:
        notes.append(note_of_datum)
    return moved, tuple(notes)


def source_crs(
    declared: CRS | None,
    stated: CRS | str | None,
    *,
    swap_axes: bool = False,
    datum_shift: str | None = None,
) -> SourceCrs | None:
    """Return how the user says a file is to be read, None if nothing was said.

    Axes and datum may be stated of the CRS that the file declares; without any CRS they are
    nothing yet.
    """
    shift = None if datum_shift is None else parse_datum_shift(datum_shift)
    found = stated_crs(stated)
    if found is None and declared is not None and (swap_axes or shift):
        found = SourceCrs(declared)
    if found is None:
        return None
    if shift is not None and found.offset:
        raise LayerError(_("{} 不能同时用 --datum-shift。请只保留一个。").format(found.offset))
    return SourceCrs(found.crs, found.offset, swap_axes, shift)


def _without_offset(shapes: np.ndarray, offset: str) -> tuple[np.ndarray, str]:
    assert offset in FORWARD

    def back(xy: np.ndarray) -> np.ndarray:
        return np.column_stack(from_offset(offset, xy[:, 0], xy[:, 1]))

    moved: np.ndarray = shapely.transform(shapes, back)
    bounds = shapely.bounds(moved)
    finite = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(finite):
        return moved, _("已按 {} 换算").format(offset)
    x, y = np.median(finite[:, :2], axis=0)
    return moved, _(
        "已由 {} 换算,移动约 {:.0f} 米;{} 的公式为公开的近似,成果不得用于测量,仅供参考"
    ).format(offset, shift_m(float(x), float(y), offset)[0], offset)
