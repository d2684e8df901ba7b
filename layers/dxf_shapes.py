"""Shapes of CAD entities: curves as chords, closed outlines as areas where areas are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from language import gettext as _

if TYPE_CHECKING:
    from ezdxf.entities.dxfgfx import DXFGraphic

TOLERANCE_M = 0.01  # how far a chord may lie from its curve: a fifth of the survey's accuracy
CURVES = ("LINE", "LWPOLYLINE", "POLYLINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE")
AREAS = ("HATCH", "MPOLYGON")
PLACES = ("POINT", "INSERT")
TEXTS = ("TEXT", "MTEXT", "ATTDEF", "DIMENSION", "LEADER", "MULTILEADER", "TOLERANCE")
# Pieces of which ezdxf makes a full turn, so that they do not stray from it by their own form.
_BEZIERS = 16

Move = Callable[[np.ndarray], np.ndarray]


class UnfitError(ValueError):
    """An entity that has no shape of the wanted type; the text says why."""


def shape_of(
    entity: DXFGraphic, wanted: Sequence[str], move: Move, tolerance: float
) -> BaseGeometry:
    """Return the shape of an entity in the coordinates that ``move`` gives.

    Parameters
    ----------
    wanted
        Geometry types that the layer takes.
    tolerance
        How far chords may lie from curves, in drawing units.

    Raises
    ------
    UnfitError
        If the entity has no shape of these types.
    """
    kind = entity.dxftype()
    if kind in TEXTS:
        raise UnfitError(_("文字和标注不是图形"))
    if kind in PLACES:
        _require("Point", wanted, _place_reason(kind))
        where = entity.dxf.location if kind == "POINT" else _insertion(entity)
        return Point(_flat(move(np.array([tuple(where)], dtype=float)))[0])
    if kind in AREAS:
        _require("Polygon", wanted, _("填充是面"))
        return _area(entity, move, tolerance)
    if kind not in CURVES or _is_mesh(entity):
        raise UnfitError(_("不支持的图元类型"))
    if not {"LineString", "Polygon"} & set(wanted):
        raise UnfitError(_("是线,该图层只要点"))
    corners = _corners(entity, tolerance)
    closed = len(corners) > 3 and bool(np.allclose(corners[0], corners[-1], rtol=0, atol=1e-9))
    if closed and "Polygon" in wanted:
        return Polygon(_flat(move(corners)))
    _require("LineString", wanted, _("没有闭合,该图层要面"))
    return LineString(_flat(move(corners)))


def _require(kind: str, wanted: Sequence[str], reason: str) -> None:
    if kind not in wanted:
        raise UnfitError(reason)


def _place_reason(kind: str) -> str:
    if kind == "INSERT":
        return _("块参照是点;块内若有管线,请在 CAD 中分解(EXPLODE)后再导入")
    return _("是点,该图层不要点")


def _insertion(entity: DXFGraphic) -> Sequence[float]:
    return tuple(entity.ocs().to_wcs(entity.dxf.insert))


def _is_mesh(entity: DXFGraphic) -> bool:
    return entity.dxftype() == "POLYLINE" and bool(entity.dxf.flags & 0b1010000)


def _corners(entity: DXFGraphic, tolerance: float) -> np.ndarray:
    from ezdxf.path import make_path

    path = make_path(entity, segments=_BEZIERS)
    corners = np.array([tuple(one) for one in path.flattening(tolerance)], dtype=float)
    if path.is_closed and len(corners):
        corners[-1] = corners[0]
    return corners


def _area(entity: DXFGraphic, move: Move, tolerance: float) -> BaseGeometry:
    """Return what lies inside an odd number of outlines, as hatches are drawn."""
    from ezdxf.path import from_hatch

    outlines = [
        Polygon(_flat(move(np.array([tuple(one) for one in path.flattening(tolerance)]))))
        for path in from_hatch(entity)  # type: ignore[arg-type]
    ]
    if not outlines:
        raise ValueError
    whole: BaseGeometry = reduce(lambda a, b: a.symmetric_difference(b), outlines)
    return whole


def _flat(corners: np.ndarray) -> np.ndarray:
    """Drop the heights where there are none."""
    return corners if corners[:, 2:].any() else corners[:, :2]
