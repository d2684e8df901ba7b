"""Take the coordinates of a file into the workspace: only as declared and plausible, or as stated.

What contradicts itself is refused with the candidates of :mod:`layers.crs_detection`; none of them
is taken without the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS

from gis.zones import zone_of
from language import gettext as _
from layers.crs_detection import (
    NEAR_KM,
    UTM_NORTH,
    Candidate,
    Home,
    detect_crs,
    distances_km,
    home_of,
    middles,
    outside_km,
    proposed,
)
from layers.errors import LayerError
from layers.offset_evidence import offset_evidence, utm_evidence, words_of_offset
from layers.placing import crs_name, misplaced
from layers.raw import RawLayer
from layers.source_crs import SourceCrs, reproject, swapped


@dataclass(frozen=True)
class Surroundings:
    """What a workspace knows of its place: where it lies, and shapes that are surely in place.

    ``county`` is where its county lies; ``home`` may be less, as far as its layers reach. The
    shapes are read only where they are needed.
    """

    home: Home
    county: Home
    beside: Callable[[], np.ndarray] | None = None


@dataclass(frozen=True)
class Georeferenced:
    """Shapes in the workspace CRS.

    ``astray`` says of rows whose coordinates fit neither ``source`` nor the workspace why, by
    position; ``notes`` say in words what was done, and what looks doubtful.
    """

    shapes: np.ndarray
    astray: Mapping[int, str]
    source: CRS
    notes: tuple[str, ...]


def georeference(
    raw: RawLayer,
    shapes: np.ndarray,
    target: CRS,
    *,
    stated: SourceCrs | None = None,
    around: Surroundings | None = None,
) -> Georeferenced:
    """Return ``shapes`` (those of ``raw``, flat) in ``target``, x east and y north, in metres.

    Raises
    ------
    LayerError
        If no CRS is declared or stated, if most coordinates do not fit it, if they fall outside
        the workspace where another reading falls inside, or if its datum needs parameters that
        nobody stated. The message lists what the coordinates may be in.
    """
    home = around.home if around else home_of(None, None, target)
    source = _source(raw, stated, target, home)
    upright = swapped(shapes) if source.swap_axes else shapes
    outside = misplaced(upright, source.crs)
    _refuse_misplaced(raw, upright, outside, source.crs, target, home)
    notes = _overridden(raw, stated)
    words = _("坐标不在坐标系 {} 的适用范围内").format(crs_name(source.crs))
    astray = dict.fromkeys(np.flatnonzero(outside).tolist(), words)
    if around is not None:
        notes += _elsewhere(raw, upright, source, target, home, stated=stated is not None)
        astray |= _far_off(upright, source.crs, around)
    moved, done = reproject(shapes, source, target)
    _refuse_misplaced(raw, moved, misplaced(moved, target), target, target, home)
    notes += (*done, *_suspicions(raw, source, upright, target, around))
    return Georeferenced(moved, astray, source.crs, notes)


def hints(candidates: tuple[Candidate, ...]) -> str:
    """Return the lines that list candidates below a refusal, empty if there are none."""
    if not candidates:
        return ""
    one = proposed(candidates)
    head = _("坐标看来是:") if one else _("坐标可能是:")
    shown = (one,) if one else candidates
    return "\n".join(["", head, *(f"- {candidate.message}" for candidate in shown)])


def _source(raw: RawLayer, stated: SourceCrs | None, target: CRS, home: Home) -> SourceCrs:
    if stated is not None:
        return stated
    if raw.crs is None:
        message = _(
            "文件 {}:没有坐标系。每个图层须有坐标系,请用 --crs 指明,如 --crs EPSG:4547。"
        ).format(raw.place)
        raise LayerError(message + hints(detect_crs(raw, target=target, home=home)))
    return SourceCrs(raw.crs)


def _refuse_misplaced(
    raw: RawLayer, shapes: np.ndarray, marks: np.ndarray, crs: CRS, target: CRS, home: Home
) -> None:
    if marks.sum() * 2 <= len(marks):
        return
    row = int(np.flatnonzero(marks)[0])
    point = shapely.bounds(shapes[row])[:2]
    message = _(
        "文件 {}:第 {} 行坐标 ({:.8g}, {:.8g}) 不在坐标系 {} 的适用范围内,"
        "全部 {} 行中有 {} 行如此。坐标须与坐标系一致,"
        "请用 --crs 指明文件的真实坐标系,并核对工作区的坐标系。"
    ).format(*raw.counted_at(row + 1), *point, crs_name(crs), len(marks), int(marks.sum()))
    raise LayerError(message + hints(detect_crs(raw, target=target, home=home)))


def _elsewhere(
    raw: RawLayer, shapes: np.ndarray, source: SourceCrs, target: CRS, home: Home, *, stated: bool
) -> tuple[str, ...]:
    """Refuse a declared CRS that leads elsewhere while another leads here; note a stated one."""
    places = middles(shapes)
    away = outside_km(places, source.crs, home)[0] if len(places) else 0.0
    if away <= NEAR_KM:
        return ()
    words = _("按坐标系 {},图层落在{}以外 {:.0f} 千米").format(source.name, home.known_by, away)
    here = tuple(one for one in detect_crs(raw, target=target, home=home) if one.falls_here)
    if here and not stated:
        raise LayerError(
            _("文件 {}:{}。声明的坐标系可能有误,请核实后用 --crs 指明。").format(raw.place, words)
            + hints(here)
        )
    if here:
        options = _("、").join(candidate.option for candidate in here)
        return (_("{};{} 则落在其内,请核对").format(words, options),)
    return (_("{},请核对").format(words),)


def _far_off(shapes: np.ndarray, crs: CRS, around: Surroundings) -> dict[int, str]:
    """Rows far from workspace and county, in a file that as a whole lies there: why, by position.

    They were written in other coordinates than the rest: in degrees, in another zone, with axes
    exchanged. The CRS that a file declares need not tell where it is for.
    """
    places = middles(shapes)
    if not len(places) or outside_km(places, crs, around.home)[0] > NEAR_KM:
        return {}
    bounds = shapely.bounds(shapes)
    known = np.flatnonzero(np.isfinite(bounds).all(axis=1))
    middle = (bounds[known, :2] + bounds[known, 2:]) / 2
    away, from_county = (distances_km(middle, crs, one) for one in (around.home, around.county))
    far = np.minimum(away, from_county) > NEAR_KM
    words = _("按坐标系 {} 落在{}以外 {:.0f} 千米,与本文件其余各行不在一处")
    nowhere = _("按坐标系 {} 不是地面上的位置,与本文件其余各行不在一处")
    return {
        int(known[at]): (words if np.isfinite(away[at]) else nowhere).format(
            crs_name(crs), around.home.known_by, away[at]
        )
        for at in np.flatnonzero(far).tolist()
    }


def _overridden(raw: RawLayer, stated: SourceCrs | None) -> tuple[str, ...]:
    if stated is None or raw.crs is None or (not stated.offset and stated.crs.equals(raw.crs)):
        return ()
    return (_("文件声明 {},已按 --crs 读作 {}").format(crs_name(raw.crs), stated.name),)


def _suspicions(
    raw: RawLayer,
    source: SourceCrs,
    upright: np.ndarray,
    target: CRS,
    around: Surroundings | None,
) -> tuple[str, ...]:
    """Signs that degrees taken for true ones are shifted. They are told, never acted on."""
    if source.offset:
        return ()
    found = words_of_offset(raw)
    if source.crs.is_geographic and around is not None and around.beside is not None:
        found |= offset_evidence(upright, around.beside(), target).words
    told = tuple(
        _("{}。坐标可能是 {},未换算,请向来源核实;若是,请用 --crs {} 重新导入").format(
            words, name, name
        )
        for name, words in found.items()
    )
    return told + _utm_suspicion(source.crs, upright, target, around)


def _utm_suspicion(
    crs: CRS, shapes: np.ndarray, target: CRS, around: Surroundings | None
) -> tuple[str, ...]:
    """Signs that the numbers of a zone are those of UTM with the same central meridian."""
    zone = zone_of(crs)
    if zone is None or zone.prefixed or around is None or around.beside is None:
        return ()
    number, beside = divmod(zone.meridian + 183, 6)
    words = None if beside else utm_evidence(shapes, around.beside(), crs, target)
    if words is None:
        return ()
    text = _("{}。数值可能是 UTM {} 带,未换算,请向来源核实;若是,请用 --crs {} 重新导入")
    return (text.format(words, number, f"EPSG:{UTM_NORTH + number}"),)
