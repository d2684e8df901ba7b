"""Every real and messy file that is at hand is read or refused as a table of ours says.

``expected_files.csv`` was compared by hand with the expectations that come with the data.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import shapely

from docs.examples.read_everything import row_of
from layers.raw import RawLayer
from layers.reading import read_layer
from tests.conftest import REPOSITORY
from tests.layers.layer_files import feature, write_geojson

SCRIPT = REPOSITORY / "docs/examples/read_everything.py"
OUTCOMES = {"read": "读取", "refused": "拒绝"}


def expected() -> list[dict[str, str]]:
    with Path(__file__).with_name("expected_files.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def name_of(row: dict[str, str]) -> str:
    return "-".join(part for part in (row["file"], row["source_layer"], row["layer"]) if part)


def read(path: Path, layer: str = "parcels") -> RawLayer:
    return read_layer(path, source_layer=None, layer=layer)


@pytest.mark.shared
@pytest.mark.parametrize("row", expected(), ids=name_of)
def test_file_is_read_or_refused_as_expected(shared: Path, row: dict[str, str]) -> None:
    path = shared / "data" / row["file"]
    told = row_of(path, row["file"], row["source_layer"] or None, row["layer"])
    counts = ("" if n is None else str(n) for n in (told.rows_in, told.rows_read))
    assert (told.outcome, *counts, told.encoding, told.crs) == (
        OUTCOMES[row["outcome"]], row["rows_in"], row["rows_read"], row["encoding"], row["crs"],
    )  # fmt: skip
    assert row["note"] in told.message


@pytest.mark.shared
def test_no_file_of_the_data_is_missing_from_the_table(shared: Path) -> None:
    parts = {".dbf", ".shx", ".prj", ".cpg", ".mid", ".csv"}
    files = {
        path.relative_to(shared / "data").as_posix()
        for folder in ("messy", "networks", "osm")
        for path in (shared / "data" / folder).iterdir()
        if path.suffix.lower() not in parts
    }
    assert {row["file"] for row in expected()} == files


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "column", "text"),
    [
        ("chinese_poly.shp", "NAME", "黑龙江省"),
        ("rus-windows-1251.shp", "TEXT", "Кириллица"),
        ("latin1.shp", "Name", b"\xd1and\xfa"),  # nobody says which: nothing is made of it
    ],
)
def test_text_is_right_or_left_alone(shared: Path, file: str, column: str, text: object) -> None:
    assert read(shared / "data/messy" / file).cells[column][0] == text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "bounds"),
    [
        ("messy/fmi_axis_order.gml", (23.573, 59.821, 26.445, 60.647)),
        ("messy/chinese_poly.shp", (121.184, 43.479, 135.083, 53.555)),
        ("messy/gre.shp", (-62.007, 11.786, -61.173, 12.597)),
        ("messy/danish_point.shp", (714477.156, 6169601.935, 715676.465, 6172304.595)),
        ("messy/holeTouchEdge.shp", (1268893.132, 475701.972, 1270585.118, 477409.623)),
        ("messy/mixed.MIF", (1512447.74, 5036007.92, 1515793.68, 5038007.79)),
    ],
)
def test_shapes_lie_where_they_belong(shared: Path, file: str, bounds: tuple[float, ...]) -> None:
    found = shapely.total_bounds(read(shared / "data" / file).shapes)
    assert found == pytest.approx(bounds, abs=1e-3)


@pytest.mark.shared
def test_streets_of_taipei_keep_their_names(shared: Path) -> None:
    roads = read(shared / "data/osm/taipei_block.osm.gz", "roads").cells
    assert {"expressway", "arterial", "collector", "local", "lane", "path"} >= set(
        roads["road_class"].dropna()
    )
    assert roads["name"].dropna().str.contains(r"[\u4e00-\u9fff]").any()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_example_prints_a_line_for_every_file(tmp_path: Path) -> None:
    write_geojson(tmp_path / "a.geojson", [feature(None, n=1), feature(None, n=2)])
    (tmp_path / "b.kml").write_text("<kml><Document/></kml>")
    (tmp_path / "c.xyz").write_bytes(b"\x00\x01")
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[1] == "a.geojson\t读取\t2\t2\t按声明\tEPSG:4326\t"
    assert lines[2] == "b.kml\t读取\t0\t0\t按声明\tEPSG:4326\t"
    assert lines[3].startswith("c.xyz\t拒绝\t\t\t\t\t文件 c.xyz:内容不是可以读取的格式")
    assert lines[4] == "合计 3 项,读取 2,拒绝 1"


def test_the_example_ends_with_2_without_a_folder(tmp_path: Path) -> None:
    done = run(tmp_path / "none")
    assert (done.returncode, done.stdout) == (2, "")
    assert "没有这个文件夹" in done.stderr
