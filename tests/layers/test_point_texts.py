"""Points as bare text: CASS files and the exports of RTK receivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.errors import LayerError, ReadError
from layers.raw import RawLayer
from layers.reading import read_layer
from layers.store import Workspace


def text(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def read(path: Path, **options) -> RawLayer:
    return read_layer(path, source_layer=None, layer="trees", **options)


def test_cass_file_gives_east_before_north(tmp_path: Path) -> None:
    path = text(tmp_path / "a.dat", "1,,583190.1,3500000.2,56.3", "2,树,583191.1,3500001.2,56.4",
                encoding="gb18030")  # fmt: skip
    raw = read(path)
    assert list(raw.shapes[0].coords) == [(583190.1, 3500000.2)]
    assert list(raw.cells["点号"]) == ["1", "2"]
    assert list(raw.cells["编码"]) == [None, "树"]
    assert list(raw.cells["高程"]) == ["56.3", "56.4"]
    assert raw.crs is None


def test_cass_order_holds_where_sizes_do_not_tell(tmp_path: Path) -> None:
    lines = ("1,,500.0,300.0,56.3", "2,,510.0,300.0,56.4")
    raw = read(text(tmp_path / "a.dat", *lines))
    assert list(raw.shapes[1].coords) == [(510.0, 300.0)]
    assert any("CASS 坐标文件的次序" in note for note in raw.notes)
    with pytest.raises(ReadError, match="分不清各列"):
        read(text(tmp_path / "a.txt", *lines))


@pytest.mark.parametrize(
    "line",
    [
        "P1,3500000.2,583190.1,56.3",
        "P1,583190.1,3500000.2,56.3",
        "P1,3500000.2,583190.1,56.3,树",
        "P1,树,3500000.2,583190.1,56.3",
        "P1\t3500000.2\t583190.1\t56.3\t固定解",
        "P1  3500000.2   583190.1  56.3",
        "P1,3500000.2,38583190.1,56.3",
    ],
)
def test_order_of_a_receivers_export_follows_from_the_sizes(tmp_path: Path, line: str) -> None:
    [shape] = read(text(tmp_path / "rtk.txt", line)).shapes
    assert (round(shape.x % 1_000_000, 3), shape.y) == (583190.1, 3500000.2)


def test_sizes_decide_against_the_order_of_cass_and_say_so(tmp_path: Path) -> None:
    raw = read(text(tmp_path / "a.dat", "1,,3500000.2,583190.1,56.3"))
    assert list(raw.shapes[0].coords) == [(583190.1, 3500000.2)]
    assert "北坐标取列“北坐标”,东坐标取列“东坐标”:数值大小符合高斯投影的纵、横坐标" in raw.notes


def test_user_names_the_columns_by_their_place(tmp_path: Path) -> None:
    path = text(tmp_path / "a.txt", "A 1000 2000 5", "B 1001 2001 6")
    raw = read(path, mapping={"north": "第3列", "east": "第2列"})
    assert list(raw.shapes[0].coords) == [(1000.0, 2000.0)]
    with pytest.raises(ReadError, match="没有列“第9列”"):
        read(path, mapping={"north": "第9列", "east": "第2列"})


def test_line_with_other_columns_is_reported(tmp_path: Path) -> None:
    path = text(
        tmp_path / "a.dat", "1,,583190.1,3500000.2,56.3", "2,,583190.1,3500000.2,56.3", "END,x"
    )
    raw = read(path)
    assert len(raw.cells) == 2
    assert [(one.what, one.reason) for one in raw.skipped] == [
        ("第 3 行“END”", "列数为 2,其他行为 5")
    ]


def test_bare_points_serve_a_line_table(tmp_path: Path) -> None:
    points = text(tmp_path / "点.dat", "JS1,,583190,3500000,60", "JS2,,583240,3500000,61")
    lines = text(tmp_path / "线.csv", "起点点号,终点点号,管线种类", "JS1,JS2,JS")
    raw = read_layer(lines, source_layer=None, layer="lines", beside=points)
    assert raw.shapes[0].length == 50.0


def test_points_are_stored_with_the_column_the_user_names_as_id(
    workspace: Workspace, tmp_path
) -> None:
    path = text(tmp_path / "a.dat", "1,,583190.1,3500000.2,56.3", "2,,583191.1,3500001.2,56.4")
    with pytest.raises(LayerError, match="必填字段 tree_id"):
        workspace.import_layer("trees", path, crs="EPSG:4547")
    result = workspace.import_layer("trees", path, crs="EPSG:4547", mapping={"tree_id": "点号"})
    assert (result.rows, result.rejected) == (2, 0)
