"""OpenStreetMap extracts: tags decide, and what can be no row of the layer is named."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from layers import osm
from layers.errors import ReadError
from layers.fields import layer_definition
from layers.raw import RawLayer
from layers.reading import read_layer
from layers.store import Workspace

ALL = ["a.osm", "a.osm.gz", "a.osm.pbf"]


def rows(raw: RawLayer) -> dict[str, dict[str, object]]:
    """Return what is known of each row by its id."""
    named = raw.cells.set_index(raw.cells.columns[0]).to_dict("index")
    return {
        one: {field: value for field, value in cells.items() if value is not None}
        for one, cells in named.items()
    }


def read(path: Path, layer: str) -> RawLayer:
    return read_layer(path, source_layer=None, layer=layer)


@pytest.mark.parametrize("name", ALL)
def test_roads_come_with_class_bridge_and_level(foreign: Path, name: str) -> None:
    raw = read(foreign / name, "roads")
    assert rows(raw) == {
        "way/1": {"road_class": "local", "name": "将军路", "carriageway_width_m": 7.0},
        "way/2": {"road_class": "arterial", "on_bridge": True, "level": 1, "surface": "asphalt"},
        "way/5": {"road_class": "lane"},
        "way/12": {"road_class": "collector", "level": -2},
    }
    assert raw.crs.to_epsg() == 4326
    assert {one.what: one.reason for one in raw.skipped} == {"way/4": "画成面(area=yes),没有中心线"}
    assert raw.notes == ("1 个标签的值不是单一的数,视为未知",)  # width=wide


def test_way_with_a_node_outside_the_extract_is_a_problem_of_its_row(foreign: Path) -> None:
    raw = read(foreign / "a.osm", "roads")
    assert {raw.cells["road_id"][n]: why for n, why in raw.unreadable.items()} == {
        "way/5": "缺少节点坐标,或点数不足,不成图形"
    }


@pytest.mark.parametrize(
    ("layer", "expected", "skipped"),
    [
        ("buildings", {"way/3": {"name": "学校", "floors": 6}}, {"way/11"}),
        ("green", {"way/10": {"kind": "park"}}, set()),
        ("water_bodies", {"way/7": {"kind": "lake"}}, {"way/6"}),
        ("railways", {"way/9": {"electrified": True}}, set()),
        (
            "lines",
            {"way/8": {"utility": "power", "laying": "overhead", "voltage_kv": 10.0}},
            set(),
        ),
        ("nodes", {"node/8": {"utility": "water", "kind": "hydrant"}}, set()),
        ("trees", {}, set()),
    ],
)
@pytest.mark.parametrize("name", ALL)
def test_other_layers_come_by_their_tags(
    foreign: Path, name: str, layer: str, expected: object, skipped: set[str]
) -> None:
    raw = read(foreign / name, layer)
    assert rows(raw) == expected
    assert {one.what for one in raw.skipped} == skipped
    types = {shape.geom_type.removeprefix("Multi") for shape in raw.shapes}
    assert types <= set(layer_definition(layer).geometry_types)


def test_layer_that_no_tags_tell_of_is_refused(foreign: Path) -> None:
    with pytest.raises(ReadError, match="OSM 数据里没有图层 parcels 的内容。可导入的图层:roads、"):
        read(foreign / "a.osm", "parcels")


def test_roads_are_imported_with_every_feature_accounted_for(
    foreign: Path, workspace: Workspace
) -> None:
    result = workspace.import_layer("roads", foreign / "a.osm.pbf", accept_valid=True)
    assert (result.rows_in, result.rows, result.rejected) == (5, 3, 1)
    assert [one.value for one in result.problems if one.severity == "warning"] == ["way/4"]


def test_every_rule_fills_a_field_with_a_value_that_it_takes() -> None:
    path = Path(osm.__file__).with_name("osm_tags.csv")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            definition = layer_definition(row["layer"])
            assert row["role"] in ("select", "fill", "centre")
            assert row["basis"]
            if not row["field"]:
                assert not row["becomes"]
                continue
            field = definition.field(row["field"])
            kinds = {"text": ("text",), "integer": ("integer",), "boolean": ("true", "false"),
                     "number": ("number", "metres", "volts"), "enum": field.allowed}  # fmt: skip
            numeral = field.type == "integer" and row["becomes"].lstrip("-").isdigit()
            assert numeral or row["becomes"] in kinds[field.type], row


def test_ways_before_their_nodes_are_drawn_all_the_same(tmp_path: Path) -> None:
    # As Overpass answers «way(…); out; >; out;»: the nodes of a ring come after it.
    file = tmp_path / "overpass.osm"
    file.write_text(
        '<?xml version="1.0"?><osm version="0.6">'
        '<way id="9" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>'
        '<tag k="leisure" v="park"/></way>'
        '<node id="1" version="1" lat="31.63" lon="114.86"/>'
        '<node id="2" version="1" lat="31.63" lon="114.861"/>'
        '<node id="3" version="1" lat="31.631" lon="114.861"/></osm>',
        encoding="utf-8",
    )
    raw = read_layer(file, source_layer=None, layer="green")
    assert (len(raw.cells), raw.skipped, raw.unreadable) == (1, (), {})
    assert raw.shapes[0].area == pytest.approx(0.001 * 0.001 / 2)
