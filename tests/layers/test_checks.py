"""What is wrong inside layers and between them."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from pyproj import CRS
from shapely.geometry import LineString, Point, Polygon

from layers.checks import check, check_layers, invalid_because
from layers.fields import layer_definition
from layers.problems import Problem
from layers.survey import Survey
from tests.layers.layer_files import EAST, NORTH, line, square

TARGET = CRS.from_epsg(4547)


def table(layer: str, rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    """Return a layer's table; fields that a row does not give are unknown."""
    definition = layer_definition(layer)
    columns = {
        field.name: pd.Series(
            [row.get(field.name) for row in rows],
            dtype=float if field.type in ("number", "integer") else object,
        )
        for field in definition.fields
    }
    shapes = [row["geometry"] for row in rows]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=TARGET).set_index(definition.id_field)


def survey(**layers: list[dict[str, Any]]) -> Survey:
    return Survey(
        TARGET, {layer: table(layer, rows) for layer, rows in layers.items()}, "411523_xinxian"
    )


def found(**layers: list[dict[str, Any]]) -> list[Problem]:
    """Errors and warnings; notes ask to look and say nothing against a row."""
    told = (problem for _layer, problems in check_layers(survey(**layers)) for problem in problems)
    return [problem for problem in told if problem.severity != "note"]


ROAD = {"road_id": "R1", "geometry": line((0, 0), (9, 0))}


def test_good_layers_have_no_problems() -> None:
    road = {**ROAD, "carriageway_width_m": 7, "red_line_width_m": 15, "opened_on": "2020-01-01"}
    kerb = {"road_id": "R1", "geometry": square(0, 0)}
    assert found(roads=[road], carriageways=[kerb]) == []


def test_problems_are_a_table_with_places() -> None:
    problems = check(survey(roads=[{**ROAD, "carriageway_width_m": -7}]))
    assert list(problems.columns) == [
        "layer", "file", "row", "feature_id", "field", "value", "rule", "cure", "severity",
        "x", "y", "rule_id", "key", "repair", "extent",
    ]  # fmt: skip
    row = problems.iloc[0]
    assert (row["layer"], row["feature_id"], row["value"]) == ("roads", "R1", "-7.0")
    assert row["rule"] == "须大于 0(单位 m)"
    assert (row["x"], row["y"]) == (EAST, NORTH)


def test_empty_survey_gives_an_empty_table_with_all_columns() -> None:
    assert list(check(survey()).columns)[:3] == ["layer", "file", "row"]
    assert check(survey()).empty


def test_red_line_narrower_than_carriageway_is_a_warning() -> None:
    [problem] = found(roads=[{**ROAD, "carriageway_width_m": 12, "red_line_width_m": 9}])
    assert problem.severity == "warning"
    assert problem.rule == "道路红线宽度 不应小于(早于)车行道宽度 12.0"


def test_equal_or_unknown_widths_and_dates_are_in_order() -> None:
    road = {**ROAD, "carriageway_width_m": 9, "red_line_width_m": 9, "opened_on": "2020-01-01"}
    assert found(roads=[road]) == []
    assert found(roads=[{**ROAD, "carriageway_width_m": 9}]) == []


def test_dates_in_the_wrong_order_are_warnings() -> None:
    road = {**ROAD, "opened_on": "2020-01-01", "overhauled_on": "2019-12-31"}
    [problem] = found(roads=[road])
    assert (problem.field, problem.value) == ("overhauled_on", "2019-12-31")


def test_reference_to_nothing_is_a_warning_where_the_other_layer_is_known() -> None:
    kerb = {"road_id": "R9", "geometry": square(0, 0)}
    [problem] = found(roads=[ROAD], carriageways=[kerb])
    assert problem.rule == "所指编号在图层 roads 中不存在"
    assert found(carriageways=[kerb]) == []


def test_node_without_line_is_no_problem_but_a_wrong_one_is() -> None:
    pipe = {"line_id": "L1", "utility": "water", "geometry": line((0, 0), (9, 0))}
    node = {"node_id": "N1", "utility": "water", "geometry": Point(EAST, NORTH)}
    assert found(lines=[pipe], nodes=[node]) == []
    [problem] = found(lines=[pipe], nodes=[{**node, "line_id": "L2"}])
    assert (problem.field, problem.value) == ("line_id", "L2")


def test_subtype_of_another_utility_is_an_error() -> None:
    pipe = {
        "line_id": "L1",
        "utility": "water",
        "subtype": "cable",
        "geometry": line((0, 0), (9, 0)),
    }
    [problem] = found(lines=[pipe])
    assert problem.rule == "专业 water 的子类须为下列之一:distribution、transmission"
    assert problem.severity == "error"


def test_unknown_enum_is_an_error_unknown_value_is_not() -> None:
    [problem] = found(roads=[{**ROAD, "surface": "marble"}])
    assert problem.value == "marble"
    assert found(roads=[{**ROAD, "surface": None}]) == []


def test_line_without_length_and_lost_shapes_are_errors() -> None:
    still = LineString([(EAST, NORTH), (EAST, NORTH)])
    rows = [{"road_id": str(n), "geometry": g} for n, g in enumerate([still, None, LineString()])]
    assert [problem.rule for problem in found(roads=rows)][1:] == ["几何为空", "几何为空"]
    assert found(roads=rows)[0].rule.startswith("图形无效")


def test_more_free_holes_than_holes_is_a_warning() -> None:
    duct = {
        "line_id": "L1", "utility": "telecom", "subtype": "duct",
        "duct_holes": 4, "free_holes": 5, "geometry": line((0, 0), (9, 0)),
    }  # fmt: skip
    [problem] = found(lines=[duct])
    assert problem.field == "duct_holes"


def test_order_of_rows_changes_no_finding() -> None:
    rows = [
        {
            "road_id": f"R{n}",
            "carriageway_width_m": float(n % 3 - 1),
            "geometry": line((n, 0), (n, 9)),
        }
        for n in range(9)
    ]
    forward = {problem.feature_id for problem in found(roads=rows)}
    assert forward == {problem.feature_id for problem in found(roads=rows[::-1])}
    assert len(forward) == 6


def test_message_names_file_row_field_value_rule_and_cure() -> None:
    [problem] = found(roads=[{**ROAD, "surface": "marble"}])
    assert problem.message == (
        "文件 roads 第 1 行 编号 R1 字段 surface 值“marble”:"
        "须为下列之一:asphalt、concrete、paver、gravel、earth、unknown。请改正该值,未知则留空。"
    )
    assert np.isfinite([problem.x, problem.y]).all()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (LineString([(3, 3), (3, 3)]), "没有长度或面积,各点在同一处(在 3 3 处)"),
        (Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]), "自相交(在 4.5 4.5 处)"),
    ],
)
def test_why_a_shape_is_invalid_is_said_in_words(shape: shapely.Geometry, words: str) -> None:
    assert invalid_because(shape) == words


HUGE = 1e300
RING = [(0, 0), (2e-4, 0), (2e-4, 2e-4), (0, 2e-4)]  # a parcel of degrees among metres
HOLE = [(EAST + 5 + x, NORTH + 5 + y) for x, y in RING]


@pytest.mark.parametrize(
    ("shape", "rule_id"),
    [
        (shapely.affinity.translate(Polygon(RING), 114.9, 31.6), "sliver"),
        (Polygon(square(0, 0).exterior, [HOLE]), "tiny_hole"),
        (Polygon([(0, 0), (HUGE, 0), (HUGE, HUGE)]), "not_finite"),
        (Polygon([(EAST, NORTH), (EAST + 9, NORTH), (EAST, -HUGE)]), "not_finite"),
        (Polygon([(EAST, NORTH)] * 4), "invalid_geometry"),
    ],
)
def test_no_coordinates_keep_the_check_from_ending(shape: Polygon, rule_id: str) -> None:
    alone = [{"parcel_id": "P1", "geometry": shape}]
    beside = [*alone, {"parcel_id": "P2", "geometry": square(50, 50)}]
    for parcels in (alone, beside):
        told = check_layers(survey(parcels=parcels, roads=[ROAD], water_bodies=[]))
        problems = [one for _layer, some in told for one in some]
        assert rule_id in {one.rule_id for one in problems if one.feature_id == "P1"}


def test_a_node_without_a_place_keeps_no_check_from_ending() -> None:
    line_row = {"line_id": "L1", "utility": "water", "geometry": line((0, 0), (9, 0))}
    nodes = [
        {"node_id": f"N{n}", "utility": "water", "geometry": Point(*xy)}
        for n, xy in enumerate([(np.nan, 1.0), (1.0, np.inf), (HUGE, 1.0)])
    ]
    problems = found(lines=[line_row], nodes=nodes)
    told = {one.feature_id for one in problems if one.rule_id == "not_finite"}
    assert told == {"N0", "N1", "N2"}
