"""From the units of a drawing to metres, or to the CRS that the drawing itself declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from language import gettext as _
from layers.axes import are_grid_metres

if TYPE_CHECKING:
    from ezdxf.document import Drawing


@dataclass(frozen=True)
class Placing:
    """How coordinates of a drawing, an array (n, 3), become those of ``crs`` (or metres, if None).

    ``metres_per_unit`` is the length of a drawing unit.
    """

    move: Callable[[np.ndarray], np.ndarray]
    metres_per_unit: float
    crs: CRS | None
    notes: tuple[str, ...]


def placing_of(drawing: Drawing, sample: np.ndarray) -> Placing:
    """Return the placing by the GEODATA block, else by the declared unit (``$INSUNITS``).

    ``sample`` holds some coordinates (n, 2): a unit that they contradict, because they are
    metres of a Gauss-Krüger zone, is not believed.
    """
    declared, notes = _georeference(drawing)
    if declared is not None:
        return declared
    factor, unit_notes = _metres_per_unit(drawing, sample)

    def scale(coordinates: np.ndarray) -> np.ndarray:
        return coordinates * factor

    return Placing(scale, factor, None, (*notes, *unit_notes))


def _georeference(drawing: Drawing) -> tuple[Placing | None, tuple[str, ...]]:
    from ezdxf.lldxf.const import DXFError

    block = drawing.modelspace().get_geodata()
    if block is None:
        return None, ()
    try:
        if "<!" in block.coordinate_system_definition:  # no entities: a definition needs none
            raise ValueError
        matrix, code = block.get_crs_transformation()
        crs = CRS.from_epsg(code)
    except (DXFError, CRSError, ValueError, TypeError, AttributeError):
        return None, (_("图中的地理定位信息(GEODATA)不完整或不支持,未使用;请用 --crs 指明坐标系"),)
    table = np.array(list(matrix.rows()), dtype=float)

    def move(coordinates: np.ndarray) -> np.ndarray:
        moved: np.ndarray = coordinates @ table[:3, :3] + table[3, :3]
        return moved

    factor = float(np.hypot(table[0, 0], table[0, 1])) or 1.0
    note = _("坐标已按图中的地理定位信息(GEODATA)转换到 EPSG:{}").format(code)
    return Placing(move, factor, crs, (note,)), ()


def _metres_per_unit(drawing: Drawing, sample: np.ndarray) -> tuple[float, tuple[str, ...]]:
    from ezdxf import units

    code = drawing.units
    per_metre = units.METER_FACTOR[code] if 0 < code < len(units.METER_FACTOR) else None
    if not per_metre:
        return 1.0, (_("图中没有写明单位,按米读取"),)
    factor = 1.0 / per_metre
    if factor == 1.0:
        return factor, ()
    name = units.unit_name(code) or str(code)
    if are_grid_metres(sample[:, 0], sample[:, 1]):
        return 1.0, (
            _("图中声明单位为 {},但坐标大小符合以米计的高斯投影坐标,按米读取,请核对").format(name),
        )
    return factor, (_("图中单位为 {},已乘以 {:g} 换算为米").format(name, factor),)
