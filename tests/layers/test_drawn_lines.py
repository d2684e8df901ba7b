"""One drawn line from a file, wherever its coordinates come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from pyproj import CRS
from shapely.geometry import LineString, mapping

from layers.drawn_lines import read_line
from layers.errors import LayerError, ReadError

TOWN = CRS.from_epsg(4547)
LINE = LineString([(582_000, 3_502_000), (582_040, 3_502_030)])


def written(folder: Path, *shapes: Any, **members: Any) -> Path:
    features = [
        {"type": "Feature", "properties": {}, "geometry": mapping(one) if one else None}
        for one in shapes
    ]
    file = folder / "line.geojson"
    text = {"type": "FeatureCollection", "features": features, **members}
    file.write_text(json.dumps(text), "utf-8")
    return file


def degrees(line: LineString) -> LineString:
    return gpd.GeoSeries([line], crs=TOWN).to_crs(4326).iloc[0]


def test_longitude_and_latitude_become_metres(tmp_path: Path) -> None:
    line = read_line(written(tmp_path, degrees(LINE)), TOWN)
    assert line.length == pytest.approx(50, abs=1e-3)
    assert line.distance(LINE) < 1e-3


def test_metres_without_a_crs_are_those_of_the_workspace(tmp_path: Path) -> None:
    assert read_line(written(tmp_path, LINE), TOWN).equals(LINE)


def test_metres_of_a_named_crs_are_moved(tmp_path: Path) -> None:
    elsewhere = gpd.GeoSeries([LINE], crs=TOWN).to_crs(4526).iloc[0]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4526"}}
    line = read_line(written(tmp_path, elsewhere, crs=crs), TOWN)
    assert shapely.hausdorff_distance(line, LINE) < 1e-3


def test_a_geopackage_and_heights_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "line.gpkg"
    raised = shapely.force_3d(LINE, 7.0)
    gpd.GeoDataFrame(geometry=[raised], crs=TOWN).to_file(file, layer="route", driver="GPKG")
    line = read_line(file, TOWN)
    assert line.equals(LINE)
    assert not line.has_z


@pytest.mark.parametrize(
    "shapes",
    [(), (None,), (LINE, LINE), (LINE.centroid,), (shapely.MultiLineString([LINE]), LINE)],
)
def test_anything_but_one_line_is_refused(tmp_path: Path, shapes: tuple[Any, ...]) -> None:
    with pytest.raises(ReadError, match="恰好有一条线"):
        read_line(written(tmp_path, *shapes), TOWN)


def test_a_line_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="不在坐标系"):
        read_line(written(tmp_path, LineString([(582_000_000, 1), (582_000_100, 1)])), TOWN)
