"""Which coordinate reference system a layer may be in, with the evidence in words.

Numbers alone never prove a CRS: the datum cannot be seen in them, and zones of the same central
meridian look alike. So candidates are listed for a person to confirm, and one is *proposed* only
where it alone falls where the workspace lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import shapely
from pyproj import CRS, Transformer

from gis.china_offsets import FORWARD, shift_m
from gis.crs import WGS84
from gis.zones import Zone, cgcs2000_zones, prefix_of, zone_of
from language import gettext as _
from layers.datums import old_datum
from layers.offset_evidence import OffsetEvidence, words_of_offset
from layers.placing import crs_name
from layers.raw import RawLayer
from layers.source_crs import LENGTHS_M, in_unit

# A layer may reach this far beyond what is known of the county: more than any county's layers
# differ, and a tenth of the least distance between two zones (3 degrees at 54° N are 196 km).
NEAR_KM = 20.0
# Candidates nearer than this to the workspace are within reason: the choice is the user's then.
REASON_KM = 100.0
_MOST_SHAPES = 500
_MOST_CANDIDATES = 5
_KM_PER_DEGREE = 111.32
_EASTING_M = (0.0, 1_000_000.0)
_NORTHING_M = (300_000.0, 6_200_000.0)  # 3° N to 56° N: China
_MERCATOR_M = 20_037_509.0  # half the equator
_UTM_ZONES = range(43, 54)  # 72° to 138° E
UTM_NORTH = 32_600  # EPSG code of WGS 84 / UTM zone n north, less n


@dataclass(frozen=True)
class Home:
    """Where the workspace lies, in degrees, and in words how that is known."""

    west: float
    south: float
    east: float
    north: float
    known_by: str

    def distances_km(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return how far places lie outside, 0 for those inside; inf for no numbers."""
        east = np.maximum(np.maximum(self.west - longitude, longitude - self.east), 0)
        north = np.maximum(np.maximum(self.south - latitude, latitude - self.north), 0)
        shrink = np.cos(np.radians(np.clip(latitude, -89, 89)))
        away = np.hypot(east * shrink, north) * _KM_PER_DEGREE
        away = np.where((np.abs(longitude) <= 180) & (np.abs(latitude) <= 90), away, np.inf)
        return np.where(np.isnan(away), np.inf, away)


@dataclass(frozen=True)
class Candidate:
    """One reading of a layer's coordinates.

    ``crs`` is what ``--crs`` takes. ``distance_km`` is how far the median shape then lies outside
    the workspace (0: inside), ``longitude`` and ``latitude`` where the layer's middle falls.
    """

    crs: str
    swap_axes: bool
    distance_km: float
    longitude: float
    latitude: float
    evidence: tuple[str, ...]
    doubts: tuple[str, ...] = ()

    @property
    def falls_here(self) -> bool:
        """Whether the layer then lies where the workspace lies, or close to it."""
        return self.distance_km <= NEAR_KM

    @property
    def option(self) -> str:
        """What to add to the command line to confirm it."""
        crs = f'"{self.crs}"' if " " in self.crs else self.crs
        return f"--crs {crs}" + (" --swap-axes" if self.swap_axes else "")

    @property
    def message(self) -> str:
        """One Chinese line: the option that confirms it, the evidence, the doubts."""
        words = ";".join(self.evidence)
        if self.doubts:
            words += _("。存疑:{}").format(";".join(self.doubts))
        return _("请用 {} 确认:{}").format(self.option, words)


@dataclass(frozen=True)
class _System:
    """A CRS to try, and what in the numbers speaks for it."""

    code: str
    crs: CRS
    evidence: str
    doubts: tuple[str, ...] = ()


def home_of(
    bounds: np.ndarray | None,
    county: tuple[float, float, float, float] | None,
    target: CRS,
) -> Home:
    """Return where the workspace lies: by its layers, else its county, else its CRS.

    Parameters
    ----------
    bounds
        West, south, east, north of its layers in ``target``, or None.
    county
        The same of the county in degrees, as its rules have it; ignored where the CRS is not
        published for that place, since such a workspace lies elsewhere.
    """
    if bounds is not None and np.isfinite(bounds).all():
        west, south, east, north = _to_degrees(target, WGS84).transform_bounds(*bounds)
        return Home(west, south, east, north, _("工作区已有图层"))
    area = target.area_of_use
    if county is not None and (area is None or _meets(county, area.bounds)):
        return Home(*county, _("县级规则中的县域范围"))
    if area is None:
        return Home(-180.0, -90.0, 180.0, 90.0, _("范围不明"))
    return Home(*area.bounds, _("工作区坐标系的适用范围"))


def detect_crs(
    raw: RawLayer,
    *,
    target: CRS,
    home: Home | None = None,
    offset: OffsetEvidence | None = None,
) -> tuple[Candidate, ...]:
    """Return the readings of a layer's coordinates that are possible, the likeliest first.

    What the file declares, if anything, is among them where the numbers allow it. None of them is
    taken by itself: the user confirms one. Empty for a layer without coordinates.

    Parameters
    ----------
    target
        CRS of the workspace.
    home
        Where the workspace lies; by default the area that its CRS is published for.
    offset
        What the workspace's own layers say of a GCJ-02 or BD-09 shift, if they were asked.
    """
    home = home or home_of(None, None, target)
    places = middles(raw.shapes)
    if not len(places):
        return ()
    found = [
        candidate
        for turned in (False, True)
        for candidate in _readings(places[:, ::-1] if turned else places, turned, raw, target, home)
    ]
    if not any(candidate.falls_here for candidate in found):
        found += [
            candidate
            for turned in (False, True)
            for candidate in _other_units(places[:, ::-1] if turned else places, turned, home)
            if candidate.falls_here
        ]
    found += _offsets(found, raw, home, offset)
    found.sort(key=lambda candidate: (not candidate.falls_here, candidate.distance_km))
    return tuple(found[:_MOST_CANDIDATES])


def proposed(candidates: tuple[Candidate, ...]) -> Candidate | None:
    """Return the only candidate that falls in the workspace, or None where that is a choice.

    A proposal is still to be confirmed by the user.
    """
    here = [candidate for candidate in candidates if candidate.falls_here]
    reasonable = [candidate for candidate in candidates if candidate.distance_km <= REASON_KM]
    return here[0] if len(here) == 1 and reasonable == here else None


def middles(shapes: np.ndarray) -> np.ndarray:
    """Return the middles of at most 500 shapes, spread over the layer, as (n, 2); finite only."""
    bounds = shapely.bounds(shapes)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    step = max(1, len(known) // _MOST_SHAPES)
    some = known[::step]
    middle: np.ndarray = (some[:, :2] + some[:, 2:]) / 2
    return middle


def outside_km(places: np.ndarray, crs: CRS, home: Home) -> tuple[float, float, float]:
    """Return how far the median place of a CRS lies outside home, its longitude and latitude."""
    longitude, latitude = _degrees_of(places, crs)
    away = home.distances_km(longitude, latitude)
    order = np.argsort(away)[(len(away) - 1) // 2]
    return float(away[order]), float(longitude[order]), float(latitude[order])


def distances_km(places: np.ndarray, crs: CRS, home: Home) -> np.ndarray:
    """Return how far each place of a CRS lies outside home; inf for one that is nowhere."""
    return home.distances_km(*_degrees_of(places, crs))


def _degrees_of(places: np.ndarray, crs: CRS) -> tuple[np.ndarray, np.ndarray]:
    if crs.is_geographic:
        return places[:, 0], places[:, 1]
    longitude, latitude = _to_degrees(crs, crs.geodetic_crs).transform(places[:, 0], places[:, 1])
    return np.asarray(longitude), np.asarray(latitude)


@lru_cache(maxsize=512)
def _to_degrees(crs: CRS, degrees: CRS) -> Transformer:
    """To those of its own datum is quick to make, and near enough to tell counties apart."""
    return Transformer.from_crs(crs, degrees, always_xy=True)


@cache
def _epsg(code: int) -> CRS:
    return CRS.from_epsg(code)


def _readings(
    places: np.ndarray, turned: bool, raw: RawLayer, target: CRS, home: Home
) -> Iterator[Candidate]:
    x, y = np.median(places, axis=0)
    axes = (_("坐标轴对调:先北后东"),) if turned else ()
    for system in _systems(float(x), float(y), raw.crs, target):
        away, longitude, latitude = outside_km(places, system.crs, home)
        if not np.isfinite(away):
            continue
        where = (
            _("落在{}之内").format(home.known_by)
            if away == 0
            else _("落在{}以外 {:.0f} 千米").format(home.known_by, away)
        )
        yield Candidate(
            system.code,
            turned,
            away,
            longitude,
            latitude,
            (system.evidence, *axes, where),
            system.doubts,
        )


def _systems(x: float, y: float, declared: CRS | None, target: CRS) -> Iterator[_System]:
    """Yield what a pair of numbers, east and north, may be in; each place once."""
    seen = set()
    for system in (
        *_declared(declared),
        *_degrees(x, y),
        *_gauss_krueger(x, y),
        *_utm(x, y),
        *_mercator(x, y),
        *_target(x, y, target),
    ):
        place = "EPSG:4490" if system.code == "EPSG:4326" else system.code
        if place not in seen:
            seen.add(place)
            yield system


def _declared(crs: CRS | None) -> Iterator[_System]:
    if crs is not None and old_datum(crs) is None:
        zone = zone_of(crs)
        code = f"EPSG:{zone.epsg}" if zone else crs_name(crs)
        if code.startswith("EPSG:"):
            known = CRS.from_user_input(code)
            yield _System(code, known, _("文件声明 {}").format(crs.name))


def _degrees(x: float, y: float) -> Iterator[_System]:
    if abs(x) <= 180 and abs(y) <= 90:
        datum = _("WGS 84 与 CGCS2000 因板块运动到 2026 年相差约 0.9 米,此处视为相同")
        doubts = datum, *_offset_doubt(x, y)
        words = _("数值是度:({:.6g}, {:.6g})").format(x, y)
        yield _System("EPSG:4490", _epsg(4490), words, doubts)


def _offset_doubt(x: float, y: float) -> tuple[str, ...]:
    gcj, baidu = (shift_m(x, y, system)[0] for system in FORWARD)
    if gcj < 1:
        return ()
    return (
        _(
            "若取自互联网地图,可能是 GCJ-02(当地偏 {:.0f} 米)或 BD-09(偏 {:.0f} 米),"
            "须向来源核实,用 --crs GCJ-02 或 --crs BD-09 换算"
        ).format(gcj, baidu),
    )


def _gauss_krueger(x: float, y: float) -> Iterator[_System]:
    if not _within(y, _NORTHING_M):
        return
    prefix = prefix_of(x)
    plain = _within(x, _EASTING_M)
    for zone in cgcs2000_zones():
        fits = (plain and not zone.prefixed) or (zone.prefixed and prefix == zone.number)
        if fits and not _same_as_three_degrees(zone):
            yield _System(
                f"EPSG:{zone.epsg}", _epsg(zone.epsg), _zone_words(zone, x), (_datum_doubt(),)
            )


def _same_as_three_degrees(zone: Zone) -> bool:
    """Without prefix, every second central meridian of 3 degrees is one of 6: the same numbers."""
    return zone.width == 6 and not zone.prefixed


def _datum_doubt() -> str:
    return _("数值分不出 CGCS2000 与西安 80、北京 54(相差数十至数百米),基准须向资料单位核实")


def _zone_words(zone: Zone, x: float) -> str:
    if zone.prefixed:
        return _("东坐标 {:.0f} 以带号 {} 开头:{} 度带,中央经线 {} 度").format(
            x, zone.number, zone.width, zone.meridian
        )
    also = next(
        (z for z in cgcs2000_zones() if _same_as_three_degrees(z) and z.meridian == zone.meridian),
        None,
    )
    words = _("东坐标 {:.0f} 不带带号:3 度带,中央经线 {} 度").format(x, zone.meridian)
    return words + _("(与 6 度带 EPSG:{} 数值相同)").format(also.epsg) if also else words


def _utm(x: float, y: float) -> Iterator[_System]:
    if _within(x, _EASTING_M) and _within(y, _NORTHING_M):
        for number in _UTM_ZONES:
            code = UTM_NORTH + number
            words = _("东坐标 {:.0f} 也合 UTM {} 带(中央经线 {} 度,尺度 0.9996)").format(
                x, number, number * 6 - 183
            )
            yield _System(f"EPSG:{code}", _epsg(code), words)


def _mercator(x: float, y: float) -> Iterator[_System]:
    if _EASTING_M[1] < abs(x) <= _MERCATOR_M and abs(y) <= _MERCATOR_M:
        words = _("数值合 Web 墨卡托(网络地图),只作换算,不量算")
        yield _System("EPSG:3857", _epsg(3857), words)


def _target(x: float, y: float, target: CRS) -> Iterator[_System]:
    """The workspace's own system, where it is none of the above."""
    code = crs_name(target)
    if code.startswith("EPSG:") and zone_of(target) is None and max(abs(x), abs(y)) > 180:
        yield _System(code, target, _("与工作区的坐标系相同"))


def _other_units(places: np.ndarray, turned: bool, home: Home) -> Iterator[Candidate]:
    """Coordinates of a plane zone in feet, millimetres or the like."""
    axes = (_("坐标轴对调:先北后东"),) if turned else ()
    for unit, metres in LENGTHS_M.items():
        x, y = np.median(places, axis=0) * metres
        if not (_within(float(x), _EASTING_M) and _within(float(y), _NORTHING_M)):
            continue
        for zone in cgcs2000_zones():
            if zone.prefixed or _same_as_three_degrees(zone):
                continue
            crs = in_unit(_epsg(zone.epsg), unit)
            away, longitude, latitude = outside_km(places, crs, home)
            words = _("以 {} 为单位时,东坐标 {:.0f} 米,中央经线 {} 度,落在{}附近").format(
                unit, x, zone.meridian, home.known_by
            )
            code = f"EPSG:{zone.epsg} {unit}"
            evidence = (words, *axes)
            yield Candidate(code, turned, away, longitude, latitude, evidence, (_datum_doubt(),))


def _offsets(
    found: list[Candidate], raw: RawLayer, home: Home, offset: OffsetEvidence | None
) -> Iterator[Candidate]:
    """GCJ-02 and BD-09, where the workspace's layers or the file's own words speak for them."""
    for plain in [one for one in found if one.crs in ("EPSG:4490", "EPSG:4326")]:
        spoken = {**words_of_offset(raw), **(offset.words if offset else {})}
        for system, words in spoken.items():
            if plain.falls_here:
                yield Candidate(
                    system,
                    plain.swap_axes,
                    plain.distance_km,
                    plain.longitude,
                    plain.latitude,
                    (words,),
                    (_("公开公式为近似,换算成果不得用于测量"),),
                )


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] < value < bounds[1]


def _meets(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return not (one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1])
