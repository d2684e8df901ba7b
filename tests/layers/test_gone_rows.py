"""Rows that go: told when a file replaces a layer, and never all of them without a word."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from layers.errors import LayerError
from layers.gone_rows import gone
from layers.store import Workspace
from tests.layers.layer_files import parcels_file, stored, write_geojson


def test_a_file_of_a_part_tells_which_rows_go_and_whose_parcels_they_are(
    either: Workspace, tmp_path: Path
) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.mkdir()
    part.mkdir()
    either.import_layer("parcels", parcels_file(whole, 5))
    for case, parcel in (("BZ-1", "P1"), ("BZ-2", "P4")):
        either.save_application({"application_id": case, "parcel_id": parcel})
    file = parcels_file(part, 3)  # P1 to P3: P4 and P5 go
    tried = either.try_import("parcels", file)
    result = either.import_layer("parcels", file)
    assert (result.gone.version, result.gone.before, result.gone.ids) == (1, 5, ("P4", "P5"))
    assert result.gone.cases == ("BZ-2",)
    assert tried.gone == result.gone
    assert not result.gone.is_most
    told = "第 1 版的 5 行中有 2 行新版不再有(P4、P5),1 件在办申请因此没有宗地(BZ-2)"
    assert (result.gone.told, either.version("parcels").note) == (told, told)


def test_rows_that_come_again_or_stay_are_not_gone(either: Workspace, tmp_path: Path) -> None:
    file = parcels_file(tmp_path)
    assert either.import_layer("parcels", file).gone.told == ""
    assert either.import_layer("parcels", file).gone.ids == ()
    more = either.import_layer("parcels", file, append=True, id_prefix="N-")
    assert (more.rows, more.gone.ids) == (6, ())
    assert either.version("parcels").note == ""


def test_a_file_without_a_row_does_not_empty_a_layer_unless_that_is_meant(
    either: Workspace, tmp_path: Path
) -> None:
    either.import_layer("parcels", parcels_file(tmp_path))
    empty = write_geojson(tmp_path / "empty.geojson", [])
    before = stored(either)
    with pytest.raises(LayerError) as refusal:
        either.import_layer("parcels", empty)
    assert str(refusal.value) == (
        "文件 empty.geojson:其中没有一行数据,而图层现有 3 行,未导入任何内容。"
        "请核对导出范围和所选图层;确要清空图层的,加 --accept-empty。"
    )
    assert stored(either) == before
    result = either.import_layer("parcels", empty, accept_empty=True)
    assert (result.rows, result.gone.ids) == (0, ("P1", "P2", "P3"))
    nothing = "文件没有一行数据:从此视为本县没有此类对象"
    assert result.notes[-1] == nothing
    assert either.version("parcels").note.endswith(nothing)


def test_that_an_unknown_layer_is_known_to_be_empty_now_is_told(
    either: Workspace, tmp_path: Path
) -> None:
    empty = write_geojson(tmp_path / "empty.geojson", [])
    assert either.import_layer("trees", empty).notes[-1].startswith("文件没有一行数据")


def test_more_than_half_is_most_and_five_are_named() -> None:
    def lost(*left: int) -> pd.Index:
        return pd.Index([f"P{one}" for one in left])

    before = lost(*range(8))
    assert not gone(1, before, lost(0, 1, 2, 3)).is_most
    most = gone(1, before, lost(0, 1))
    assert most.is_most
    assert most.told.endswith("有 6 行新版不再有(P2、P3、P4、P5、P6 等)")
