"""Columns to fields, units, sizes and ids: proposed, remembered, never mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pypinyin
import pytest

from layers.dbf import short_names
from layers.errors import LayerError
from layers.fields import LAYERS, layer_definition
from layers.mapping import APPLIED, propose_mapping
from layers.raw import RawLayer
from layers.store import Workspace
from tests.layers.layer_files import fingerprint, line, square, write_gpkg

LINES = layer_definition("lines")


def raw(**columns: list[object]) -> RawLayer:
    cells = pd.DataFrame(columns, dtype=object)
    return RawLayer("a.dbf", None, cells, np.full(len(cells), None, dtype=object), {}, None)


def proposals(layer: str = "lines", remembered=None, **columns) -> dict[tuple[str, str], float]:
    found = propose_mapping(raw(**columns), layer_definition(layer), remembered)
    return {(one.field, one.column): one.confidence for one in found}


def lines_file(folder: Path, name: str = "a.gpkg", **columns: list[object]) -> Path:
    count = len(next(iter(columns.values())))
    return write_gpkg(folder / name, columns, [line((0, n), (9, n)) for n in range(count)])


def test_a_crown_is_told_across_unless_a_radius_is_named() -> None:
    assert proposals("trees", tree_id=["a"], 冠幅=[8]) == {
        ("tree_id", "tree_id"): 1.0,
        ("crown_width_m", "冠幅"): 0.95,
    }
    found = proposals("trees", tree_id=["a"], 平均冠幅=[8], 冠幅半径=[4])
    assert found["crown_width_m", "平均冠幅"] >= APPLIED
    assert found["crown_radius_m", "冠幅半径"] >= APPLIED
    assert len(found) == 3


def test_confidence_falls_from_name_to_alias_to_cut_name_to_pinyin() -> None:
    found = proposals(line_id=["a"], 管径=[1], 电压等级=[1], carriagewa=[1], gxbh=[1], yl=[1])
    assert found == {
        ("line_id", "line_id"): 1.0,
        ("diameter_mm", "管径"): 0.95,
        ("voltage_kv", "电压等级"): 0.95,
        ("pressure_mpa", "yl"): 0.6,
    }
    assert proposals("lines", position_s=[1]) == {("position_source", "position_s"): 0.7}
    assert proposals(GXBH=["W1"])[("line_id", "GXBH")] == 0.6 < APPLIED


@pytest.mark.parametrize(
    ("layer", "column", "cells"),
    [
        ("roads", "carriagewa", [4, 4, 6]),  # lanes
        ("lines", "position_a", [1, 2, 3]),  # classes of accuracy
        ("nodes", "capacity_k", [630.0]),  # kW
        ("lines", "outer_diam", [20.0]),  # cm
        ("water_bodies", "water_body", ["信河", "新河"]),
        ("lines", "diameter_m", [0.2]),  # metres
        ("lines", "pressure_m", [0.4]),
        ("lines", "position_s", ["1"]),  # of position_scale too
    ],
)
def test_a_cut_name_alone_may_be_another_thing_and_is_asked(
    layer: str, column: str, cells: list[object]
) -> None:
    [(field, _column)] = found = proposals(layer, **{column: cells})
    assert field.startswith(column)
    assert found[field, column] == 0.7 < APPLIED


def test_a_class_of_accuracy_makes_no_metres(workspace: Workspace, tmp_path: Path) -> None:
    path = lines_file(tmp_path, line_id=["W1"], utility=["JS"], position_a=[1])
    result = workspace.import_layer("lines", path)
    assert np.isnan(workspace.survey().get("lines")["position_accuracy_m"].iloc[0])
    assert any("--map position_accuracy_m=position_a" in note for note in result.notes)


def test_waters_are_not_called_by_their_names(workspace: Workspace, tmp_path: Path) -> None:
    path = write_gpkg(tmp_path / "a.gpkg", {"water_body": ["信河"]}, [square(0, 0)])
    with pytest.raises(LayerError, match="可能是:--map water_body_id=water_body"):
        workspace.import_layer("water_bodies", path)


@pytest.mark.parametrize("layer", LAYERS)
def test_beside_all_names_of_an_export_each_cut_is_certain(layer: str) -> None:
    short = short_names(layer_definition(layer).names)
    found = proposals(layer, **{cut: [1] for cut in short.values()})
    assert set(found) == set(short.items())
    assert min(found.values()) >= APPLIED


@pytest.mark.parametrize(("removed", "confidence"), [(6, 0.95), (7, 0.7)])
def test_an_export_is_told_by_three_quarters_of_its_names(removed: int, confidence: float) -> None:
    """Lines have 27 names: 21 are more than three quarters, 20 are fewer."""
    names = list(short_names(LINES.names).values())
    names = [name for name in names if name == "start_dept"] + [
        name for name in names if name != "start_dept"
    ][removed:]
    assert len(names) == 27 - removed
    found = proposals(**{name.upper(): [1] for name in (*names, "checked_by")})
    assert found["start_depth_m", "START_DEPT"] == confidence


@pytest.mark.parametrize("layer", LAYERS)
def test_no_cut_beside_common_words_makes_an_export(layer: str) -> None:
    """Of several cut names one is not applied, though all names that are not cut are there.

    Where one name alone is cut it is the id.
    """
    definition = layer_definition(layer)
    short = short_names(definition.names)
    cuts = {name: cut for name, cut in short.items() if name != cut}
    assert len(cuts) != 1 or definition.id_field in cuts
    for field, cut in cuts.items() if len(cuts) > 1 else ():
        columns = (*(name for name in short if name not in cuts), cut)
        found = proposals(layer, **{column: [1] for column in columns})
        assert found.get((field, cut), 0) < APPLIED


@pytest.mark.parametrize("layer", LAYERS)
def test_no_cut_is_the_name_of_another_field(layer: str) -> None:
    fields = layer_definition(layer).fields
    for name, cut in short_names([field.name for field in fields]).items():
        assert not [one for one in fields if one.name != name and cut in one.spellings]


def test_the_cut_in_an_export_beside_another_name_of_its_field_is_asked(
    workspace: Workspace, tmp_path: Path
) -> None:
    columns = {cut: [None] for cut in short_names(LINES.names).values()}
    columns |= {"line_id": ["W1"], "utility": ["JS"], "起点覆土": [1.0], "start_dept": [2.0]}
    path = lines_file(tmp_path, **columns)
    with pytest.raises(LayerError, match="都可能是字段 start_depth_m"):
        workspace.import_layer("lines", path)


def test_ambiguous_initials_are_proposed_for_both_fields_and_used_for_none() -> None:
    # GXZL: 管线种类 and 管线子类.
    assert proposals(GXZL=["JS"]) == {("utility", "GXZL"): 0.6, ("subtype", "GXZL"): 0.6}


def test_values_speak_where_names_do_not() -> None:
    sizes, words = ["DN100", "DN200", "De63"], ["给水", "JS", "燃气"]
    assert proposals(a=sizes, b=words, c=["x", "y", "z"]) == {
        ("diameter_mm", "a"): 0.5,
        ("utility", "b"): 0.5,
    }


def test_a_unit_in_brackets_is_told() -> None:
    [one] = propose_mapping(raw(**{"管径(m)": [0.2]}), LINES)
    assert (one.field, one.confidence, one.unit) == ("diameter_mm", 0.9, "m")
    assert propose_mapping(raw(**{"管径(kV)": [0.2]}), LINES) == []


@pytest.mark.parametrize("layer", LAYERS)
def test_every_chinese_name_has_its_initials(layer) -> None:
    for field in layer_definition(layer).fields:
        for name in (field.zh, *field.aliases):
            if len(name) > 1 and all("一" <= letter <= "鿿" for letter in name):
                first = pypinyin.pinyin(name, style=pypinyin.Style.FIRST_LETTER)
                assert "".join(part[0][0] for part in first) in field.pinyin


def test_doubtful_columns_are_told_and_not_used(workspace: Workspace, tmp_path: Path) -> None:
    path = lines_file(tmp_path, line_id=["W1"], utility=["JS"], GJ=[200])
    result = workspace.import_layer("lines", path)
    assert np.isnan(workspace.survey().get("lines")["diameter_mm"].iloc[0])
    [note] = [note for note in result.notes if "未采用" in note]
    assert "--map diameter_mm=GJ(拼音首字母,把握 60%)" in note


def test_a_required_field_is_asked_with_what_it_may_be(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = lines_file(tmp_path, GXBH=["W1"], utility=["JS"])
    with pytest.raises(LayerError, match=r"可能是:--map line_id=GXBH\(拼音首字母"):
        workspace.import_layer("lines", path)


def test_what_was_mapped_once_is_remembered_for_the_same_columns(
    workspace: Workspace, tmp_path: Path
) -> None:
    columns = {"GXBH": ["W1"], "utility": ["JS"], "GJ": [8]}
    first = lines_file(tmp_path, "a.gpkg", **columns)
    mapping, units = {"line_id": "GXBH", "diameter_mm": "GJ"}, {"diameter_mm": "in"}
    workspace.import_layer("lines", first, mapping=mapping, units=units)
    again = workspace.import_layer("lines", lines_file(tmp_path, "b.gpkg", **columns))
    assert workspace.survey().get("lines")["diameter_mm"].to_dict() == {"W1": 200.0}
    assert "列“GJ”的单位 in 已换算为 mm" in again.notes
    other = lines_file(tmp_path, "c.gpkg", **columns, more=[1])
    with pytest.raises(LayerError, match="找不到必填字段 line_id"):
        workspace.import_layer("lines", other)


def test_a_named_source_is_remembered_whatever_its_columns(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = lines_file(tmp_path, "a.gpkg", GXBH=["W1"], utility=["JS"])
    workspace.import_layer("lines", first, mapping={"line_id": "GXBH"}, source="县水务局")
    second = lines_file(tmp_path, "b.gpkg", GXBH=["W2"], utility=["JS"], more=[1])
    assert workspace.import_layer("lines", second, source="县水务局").rows == 1


def test_a_refused_import_remembers_nothing(workspace: Workspace, tmp_path: Path) -> None:
    before = fingerprint(workspace.path)
    path = lines_file(tmp_path, GXBH=["W1"], utility=["宇宙"])
    with pytest.raises(LayerError):
        workspace.import_layer("lines", path, mapping={"line_id": "GXBH"})
    assert fingerprint(workspace.path) == before


def test_each_size_goes_to_the_field_that_it_is(workspace: Workspace, tmp_path: Path) -> None:
    sizes = ["DN200", "De110", "1000×600", "300", "D219x6", None]
    ids = [f"W{n}" for n in range(len(sizes))]
    path = lines_file(tmp_path, line_id=ids, utility=["JS"] * len(ids), 管径=sizes)
    result = workspace.import_layer("lines", path)
    table = workspace.survey().get("lines")

    def known(field: str) -> dict[str, float]:
        return table[field].dropna().to_dict()

    assert known("diameter_mm") == {"W0": 200, "W3": 300}
    assert known("outer_diameter_mm") == {"W1": 110, "W4": 219}
    assert (known("section_width_mm"), known("section_height_mm")) == ({"W2": 1000}, {"W2": 600})
    assert "2 行的管径写作外径(De),已存入 outer_diameter_mm,diameter_mm 留空" in result.notes


def test_a_field_with_its_own_column_is_never_overwritten(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = lines_file(tmp_path, line_id=["W1"], utility=["JS"], 管径=["De110"], 外径=[160])
    with pytest.raises(LayerError, match="值“De110”:是外径,字段须为公称直径"):
        workspace.import_layer("lines", path)


def test_strange_numbers_are_a_warning_with_the_cure(workspace: Workspace, tmp_path: Path) -> None:
    path = lines_file(tmp_path, line_id=["W1", "W2"], utility=["JS"] * 2, 管径=[8, 200])
    result = workspace.import_layer("lines", path)
    [warning] = result.problems
    assert warning.severity == "warning"
    assert warning.message == (
        "文件 a.gpkg 字段 diameter_mm 值“8”:1 行不在常见范围 15 至 4000 mm 内,单位可能不对。"
        "请核对列“管径”的单位,如有误用 --unit diameter_mm=单位 指明(如 in、m)。"
    )
    assert workspace.survey().get("lines")["diameter_mm"].to_list() == [8, 200]


@pytest.mark.parametrize("units", [{"diameter_mm": "kV"}, {"x": "m"}, {"owner": "m"}])
def test_a_unit_that_cannot_be_is_refused(workspace: Workspace, tmp_path: Path, units) -> None:
    path = lines_file(tmp_path, line_id=["W1"], utility=["JS"], 管径=[8])
    with pytest.raises(LayerError, match=r"--unit .*单位不能换算"):
        workspace.import_layer("lines", path, units=units)


def test_ids_are_made_only_when_asked_and_are_the_same_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    shapes = [line((0, 0), (9, 0)), line((0, 5), (9, 5)), line((0, 5), (9, 5))]
    columns = {"utility": ["JS"] * 3}
    path = write_gpkg(tmp_path / "a.gpkg", columns, shapes)
    with pytest.raises(LayerError, match="可加 --make-ids"):
        workspace.import_layer("lines", path)
    result = workspace.import_layer("lines", path, make_ids=True)
    first = list(workspace.survey().get("lines").index)
    assert len(set(first)) == 3
    assert first[2] == f"{first[1]}-2"
    assert any("已按 --make-ids 由各行内容生成 line_id" in note for note in result.notes)
    workspace.import_layer("lines", path, make_ids=True)
    assert list(workspace.survey().get("lines").index) == first
