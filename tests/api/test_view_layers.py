"""Layers for the map: found by box, capped and saying so, harmless in every text."""

from __future__ import annotations

import json

import geopandas as gpd
import pytest
from shapely.geometry import Point

from api.view_layers import LayerRequestError, parse_box, view_layers
from tests.api.test_escape import HOSTILE
from tests.ui.town import hostile, town

CHINA = (73.0, 18.0, 135.0, 54.0)


def test_a_box_gives_the_features_it_touches_and_no_others() -> None:
    layer = view_layers(town().tables)["parcels"]
    everything = json.loads(layer.within(CHINA))
    assert everything["total"] == 14
    assert not everything["truncated"]
    assert json.loads(layer.within((73.0, 18.0, 74.0, 19.0)))["features"] == []


def test_a_cut_answer_says_how_many_there_are() -> None:
    answer = json.loads(view_layers(town().tables)["parcels"].within(CHINA, limit=5))
    assert (len(answer["features"]), answer["total"], answer["truncated"]) == (5, 14, True)


def test_road_surfaces_are_drawn_from_widths_where_they_were_not_imported() -> None:
    layers = view_layers(town().tables)
    assert len(json.loads(layers["carriageways"].within(CHINA))["features"]) == 4


def test_an_unknown_width_draws_no_surface() -> None:
    roads = town().tables["roads"].assign(carriageway_width_m=float("nan"))
    layers = view_layers({"roads": roads})
    assert json.loads(layers["carriageways"].within(CHINA))["features"] == []


def test_parcels_with_an_application_are_marked() -> None:
    layer = view_layers(town().tables, marked_parcels=["P-0005"])["parcels"]
    features = json.loads(layer.within(CHINA))["features"]
    assert [one["properties"]["id"] for one in features if "m" in one["properties"]] == ["P-0005"]


def test_only_the_columns_that_the_map_draws_leave_the_server() -> None:
    lines = town().tables["lines"].assign(pressure_mpa=0.2, owner="某公司")
    answer = view_layers({"lines": lines})["lines"].within(CHINA).decode()
    assert "某公司" not in answer
    assert "pressure" not in answer


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_ids_arrive_escaped(text: str) -> None:
    layers = view_layers(hostile(text).tables)
    for name in ("parcels", "roads", "lines"):
        for feature in json.loads(layers[name].within(CHINA))["features"]:
            for value in feature["properties"].values():
                assert not set(str(value)) & set("<>\"'`\\$")


def test_an_empty_geometry_is_not_drawn() -> None:
    table = gpd.GeoDataFrame(geometry=[Point(), Point(582_000, 3_502_000)], crs="EPSG:4547")
    table.index = ["T-1", "T-2"]
    answer = json.loads(view_layers({"trees": table})["trees"].within(CHINA))
    assert [one["properties"]["id"] for one in answer["features"]] == ["T-2"]


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "nan,0,1,1", "10,10,5,20", "0,0,1,91", "0,0,inf,1"]
)
def test_a_box_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(LayerRequestError):
        parse_box(text)
