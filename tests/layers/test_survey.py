"""Surveys: absent is unknown, one CRS for all."""

from __future__ import annotations

import geopandas as gpd
import pytest
from pyproj import CRS

from gis.crs import CrsError
from layers.errors import LayerError
from layers.survey import Survey

TARGET = CRS.from_epsg(4547)


def empty(crs: str | None = "EPSG:4547", index: str = "tree_id") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({index: []}, geometry=[], crs=crs).set_index(index)


def test_layer_never_imported_is_absent_and_an_empty_one_is_known() -> None:
    survey = Survey(TARGET, {"trees": empty()}, "411523_xinxian")
    assert survey.has("trees")
    assert len(survey.get("trees")) == 0
    assert not survey.has("roads")
    assert survey.get("roads") is None


def test_misspelt_layer_is_an_error_not_an_unknown() -> None:
    with pytest.raises(LayerError, match="没有名为“road”的图层"):
        Survey(TARGET, {}, "411523_xinxian").get("road")


def test_tables_of_another_crs_or_index_are_refused() -> None:
    with pytest.raises(LayerError, match="图层 trees 的坐标系 EPSG:4326 与"):
        Survey(TARGET, {"trees": empty("EPSG:4326")}, "411523_xinxian")
    with pytest.raises(LayerError, match="图层 trees 的坐标系 未定义 与"):
        Survey(TARGET, {"trees": empty(None)}, "411523_xinxian")
    with pytest.raises(LayerError, match="索引须为编号字段 tree_id"):
        Survey(TARGET, {"trees": empty(index="fid")}, "411523_xinxian")


def test_survey_in_degrees_is_refused() -> None:
    with pytest.raises(CrsError):
        Survey(CRS.from_epsg(4490), {}, "411523_xinxian")


def test_tables_cannot_be_exchanged() -> None:
    survey = Survey(TARGET, {}, "411523_xinxian")
    with pytest.raises(TypeError):
        survey.tables["trees"] = empty()  # type: ignore[index]
