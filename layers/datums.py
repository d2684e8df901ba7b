"""From one datum to another: only by what is known, or by parameters that the user states.

Where no transformation is published, PROJ takes the degrees of one datum for those of the other
("ballpark"): from Beijing 1954 or Xian 1980 to CGCS2000 that is wrong by up to some hundred metres
and says nothing. Here it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from gis.crs import transformer
from language import gettext as _
from layers.errors import LayerError

CONVENTIONS = ("position_vector", "coordinate_frame")
# Semi-major axes in metres of the ellipsoids of the two old systems: Krassowsky 1940, IAG 1975.
_OLD_AXES_M = {6_378_245.0: "1954 北京坐标系", 6_378_140.0: "1980 西安坐标系"}
_OLD_NAMES = {"beijing": "1954 北京坐标系", "xian": "1980 西安坐标系"}
# Datums that are taken for one another. CGCS2000 stays as it was in 2000.0, WGS 84 goes with the
# ITRF: eastern China moves in it by 29 mm a year with Eurasia (Altamimi et al. 2017, ITRF2014 plate
# motion model, at 115° E 32° N), some more by its own block. That is about 0.9 m by 2026.
_SAME = ("wgs 84", "wgs_1984", "wgs84", "world geodetic system 1984", "cgcs2000", "cgcs_2000",
         "china 2000", "china_2000", "china geodetic coordinate system 2000")  # fmt: skip
_NAMELESS = ("unknown", "unnamed", "not specified", "not_specified", "d_unknown", "user")
_MOST_SHIFT_M = 10_000.0  # metres; a longer one is a slip of the pen
_SHIFT_WORDS = 3, 8

Move = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class DatumShift:
    """Helmert parameters from the file's datum to the workspace's.

    Shifts in metres, rotations in seconds of arc, scale in parts per million; ``convention`` says
    which way rotations are counted and is empty where there are none.
    """

    shifts_m: tuple[float, float, float]
    rotations_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale_ppm: float = 0.0
    convention: str = ""

    @property
    def step(self) -> str:
        """The step of a PROJ pipeline that applies it."""
        parts = dict(zip("xyz", self.shifts_m, strict=True))
        words = [f"+{name}={value!r}" for name, value in parts.items()]
        if self.convention:
            turns = zip(("rx", "ry", "rz"), self.rotations_s, strict=True)
            words += [f"+{name}={value!r}" for name, value in turns]
            words += [f"+s={self.scale_ppm!r}", f"+convention={self.convention}"]
        return " ".join(["+proj=helmert", *words])


def parse_datum_shift(text: str) -> DatumShift:
    """Return the parameters of ``dx,dy,dz`` or ``dx,dy,dz,rx,ry,rz,scale,convention``.

    Raises ``LayerError`` for any other text: the sign of rotations differs between programs, so
    the convention must be stated with them.
    """
    words = [word.strip() for word in text.split(",")]
    try:
        if len(words) not in _SHIFT_WORDS:
            raise ValueError
        numbers = [float(word) for word in words[:7]]
        if not np.isfinite(numbers).all() or max(map(abs, numbers)) > _MOST_SHIFT_M:
            raise ValueError
        convention = words[7] if len(words) > 7 else ""
        if convention not in ("", *CONVENTIONS) or (len(words) > 7 and not convention):
            raise ValueError
    except ValueError:
        raise LayerError(
            _(
                "--datum-shift 的值“{}”:须为 dx,dy,dz(米),或 dx,dy,dz,rx,ry,rz,尺度,旋转约定"
                "(米、角秒、ppm;约定为 {})。请按参数提供单位的说明填写。"
            ).format(text[:80], " 或 ".join(CONVENTIONS))
        ) from None
    x, y, z, *rest = numbers
    if not rest:
        return DatumShift((x, y, z))
    return DatumShift((x, y, z), (rest[0], rest[1], rest[2]), rest[3], convention)


def old_datum(crs: CRS) -> str | None:
    """Return the Chinese name of Beijing 1954 or Xian 1980 if a CRS stands on it, else None."""
    datum = _datum_name(crs)
    for word, name in _OLD_NAMES.items():
        if word in datum:
            return name
    # A datum without a name is told by its ellipsoid; one with another name is another datum.
    if crs.ellipsoid is None or not datum.startswith(_NAMELESS):
        return None
    return _OLD_AXES_M.get(round(crs.ellipsoid.semi_major_metre, 3))


def mover(source: CRS, target: CRS, shift: DatumShift | None = None) -> tuple[Move, str | None]:
    """Return a function that takes (n, 2) east, north of ``source`` to ``target``, and a note.

    The note says what was taken for equal or applied, None if nothing needs saying.

    Raises
    ------
    LayerError
        If the datums differ and nothing is known of how, and ``shift`` does not say it.
    """
    if shift is not None:
        return _shifted(source, target, shift), _shift_note(source, target, shift)
    old, there = old_datum(source), old_datum(target)
    if old is None or old == there:
        known = _published(source, target)
        if known is not None:
            return _by(known), None
    if _is_modern(source) and _is_modern(target):
        return _by(transformer(source, target)), _(
            "WGS 84 与 CGCS2000 按相同处理,未作改正:CGCS2000 固定在 2000 年,板块每年移动约 3 厘米,"
            "到 2026 年约 0.9 米;未联测到 CGCS2000 框架的成果须先改正,否则不得作为实测"
        )
    raise LayerError(
        _(
            "坐标系 {} 的基准({})与工作区({})不同,两者之间没有公开的转换参数,直接换算会差"
            "数十至数百米,因此不导入。请向测绘部门取得转换参数后用 --datum-shift 指明,"
            "或请资料单位提供 CGCS2000 成果。"
        ).format(source.name, old or _datum_name(source), _datum_name(target))
    )


@lru_cache(maxsize=512)
def _published(source: CRS, target: CRS) -> Transformer | None:
    """Return the way between two CRS by parameters that are published, None if there is none.

    That there is none between CGCS2000 and WGS 84 takes PROJ 150 ms, for every line that is drawn.
    """
    try:
        return Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)
    except ProjError:
        return None


def _by(transformer: Transformer) -> Move:
    def move(xy: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return move


def _shifted(source: CRS, target: CRS, shift: DatumShift) -> Move:
    """Plane to degrees on the source's ellipsoid, Helmert in space, degrees back to the plane."""
    first = Transformer.from_crs(source, source.geodetic_crs, always_xy=True)
    last = Transformer.from_crs(target.geodetic_crs, target, always_xy=True)
    space = Transformer.from_pipeline(
        f"+proj=pipeline +step +proj=cart {_ellipsoid(source)} +step {shift.step}"
        f" +step +inv +proj=cart {_ellipsoid(target)}"
    )

    def move(xy: np.ndarray) -> np.ndarray:
        longitude, latitude = first.transform(xy[:, 0], xy[:, 1])
        zero = np.zeros(len(xy))
        there = space.transform(longitude, latitude, zero, radians=False)
        return np.column_stack(last.transform(there[0], there[1]))

    return move


def _ellipsoid(crs: CRS) -> str:
    shape = crs.ellipsoid
    if shape is None:
        raise LayerError(_("坐标系 {} 没有椭球,不能用 --datum-shift。").format(crs.name))
    return f"+a={shape.semi_major_metre!r} +rf={shape.inverse_flattening!r}"


def _shift_note(source: CRS, target: CRS, shift: DatumShift) -> str:
    words = ", ".join(f"{value:g}" for value in shift.shifts_m)
    if shift.convention:
        turned = ", ".join(f"{value:g}" for value in shift.rotations_s)
        words += _(" 米;旋转 {} 角秒;尺度 {:g} ppm;约定 {}").format(
            turned, shift.scale_ppm, shift.convention
        )
    else:
        words += _(" 米")
    return _("已按 --datum-shift 由 {} 转换到 {}:平移 {}").format(
        old_datum(source) or source.name, target.name, words
    )


def _is_modern(crs: CRS) -> bool:
    return old_datum(crs) is None and any(word in _datum_name(crs) for word in _SAME)


def _datum_name(crs: CRS) -> str:
    geodetic = crs.geodetic_crs
    datum = geodetic.datum if geodetic is not None else None
    return (datum.name if datum is not None else "").lower()
