"""CGCS2000 zones: their codes, and how they are told by name, parameters and prefix."""

from __future__ import annotations

import pytest
from pyproj import CRS

from gis.zones import cgcs2000_zones, prefix_of, zone_of

ESRI = (
    'PROJCS["{name}",GEOGCS["{geographic}",DATUM["{datum}",'
    'SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["{method}"],'
    'PARAMETER["False_Easting",{east}],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",{meridian}],PARAMETER["Scale_Factor",{scale}],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


def esri(**parts: object) -> CRS:
    """What ArcGIS or a program like it writes into a .prj."""
    usual = {
        "name": "Unknown_grid", "geographic": "GCS_China_Geodetic_Coordinate_System_2000",
        "datum": "D_China_2000", "method": "Gauss_Kruger", "east": 500000.0, "meridian": 114.0,
        "scale": 1.0,
    }  # fmt: skip
    return CRS.from_wkt(ESRI.format(**(usual | parts)))


def test_every_zone_has_the_meridian_and_easting_of_its_code() -> None:
    assert len(cgcs2000_zones()) == 64
    for zone in cgcs2000_zones():
        crs = CRS.from_epsg(zone.epsg)
        values = {one.name: one.value for one in crs.coordinate_operation.params}
        assert crs.name.startswith("CGCS2000")
        assert ("3-degree" in crs.name) == (zone.width == 3)
        assert ("zone" in crs.name) == zone.prefixed
        assert values["Longitude of natural origin"] == zone.meridian
        assert values["False easting"] == zone.false_easting_m
        assert zone_of(crs) == zone


def test_zones_of_xin_county() -> None:
    # 114° E: 3-degree zone 114 / 3 = 38; 6-degree zone (114 to 120° E) 20 with meridian 117° E.
    by_code = {zone.epsg: zone for zone in cgcs2000_zones()}
    assert (by_code[4526].number, by_code[4526].prefixed) == (38, True)
    assert (by_code[4547].meridian, by_code[4547].prefixed) == (114, False)
    assert (by_code[4498].number, by_code[4498].meridian) == (20, 117)


@pytest.mark.parametrize(
    ("parts", "epsg"),
    [
        ({"name": "CGCS2000_3_Degree_GK_CM_114E"}, 4547),
        ({}, 4547),
        ({"datum": "D_CGCS_2000", "method": "Transverse_Mercator"}, 4547),
        ({"east": 38500000.0}, 4526),
        ({"east": 20500000.0, "meridian": 117.0}, 4498),
        ({"meridian": 117.0}, 4548),
    ],
)
def test_zone_is_told_by_parameters_whatever_the_name(parts, epsg) -> None:
    assert zone_of(esri(**parts)).epsg == epsg


@pytest.mark.parametrize(
    "crs",
    [
        esri(scale=0.9996), esri(meridian=114.5), esri(east=39500000.0),
        esri(datum="D_Xian_1980", geographic="GCS_Xian_1980"),
        CRS.from_epsg(2384), CRS.from_epsg(4490), CRS.from_epsg(3857), CRS.from_epsg(32650),
    ],
)  # fmt: skip
def test_what_is_no_cgcs2000_zone_is_none(crs) -> None:
    assert zone_of(crs) is None


@pytest.mark.parametrize(
    ("easting", "number"),
    [(38_583_190.0, 38), (20_331_000.0, 20), (583_190.0, None), (-1.0, None), (24_500_000.0, None)],
)
def test_prefix_is_the_zone_number_before_six_digits(easting, number) -> None:
    assert prefix_of(easting) == number
