"""Networks of EPANET and SWMM: units, levels and places, worked out on paper."""

from __future__ import annotations

from pathlib import Path

import pyogrio
import pytest

from layers.errors import LayerError, ReadError
from layers.reading import read_layer
from layers.store import Workspace

EPANET = """[TITLE]
Made up ; by hand
[JUNCTIONS]
;ID  Elev
 J1  100
 J2  90
[RESERVOIRS]
 R1  120
[PIPES]
 P1  J1  J2  1000  6   130  0  Open ;
 P2  R1  J1  50    12  130  0  CV   ;
 P3  J2  J9  50    12  130  0  Open ;
[PUMPS]
 PU1 J1 J2 HEAD 1
[OPTIONS]
 Units {units}
[COORDINATES]
 J1 583190 3500000
 J2 583290 3500000
 R1 583190 3500050
[VERTICES]
 P1 583240 3500030
[END]
"""

SWMM = """[TITLE]
[OPTIONS]
FLOW_UNITS {units}
LINK_OFFSETS {offsets}
[JUNCTIONS]
;name elev maxdepth
A 10 2.5 0 0 0
B 9  0   0 0 0
[OUTFALLS]
O 8 FREE NO
[CONDUITS]
C1 A B 30 0.013 0.25 0.5 0 0
C2 B O 40 0.013 *    0   0 0
[XSECTIONS]
C1 CIRCULAR   0.3 0 0 0 1
C2 RECT_CLOSED 0.5 0.8 0 0 1
[WEIRS]
W1 A O TRANSVERSE 0 3
[COORDINATES]
A 0 0
B 30 0
O 30 40
"""


def write(path: Path, text: str, **words: str) -> Path:
    path.write_text(text.format(**words), encoding="utf-8")
    return path


def read(path: Path, layer: str, **constants: str):
    return read_layer(path, source_layer=None, layer=layer, constants=constants)


def test_us_files_come_in_metres_and_millimetres(tmp_path: Path) -> None:
    raw = read(write(tmp_path / "a.inp", EPANET, units="GPM"), "lines")
    # 1000 ft = 304.8 m, 6 in = 152.4 mm, 12 in = 304.8 mm
    assert list(raw.cells["stated_length_m"]) == [304.8, 15.24, 15.24]
    assert list(raw.cells["diameter_mm"]) == [152.4, 304.8, 304.8]
    assert set(raw.cells["utility"]) == {"water"}
    assert raw.notes == ("长度已由英尺换算为米,管径已换算为毫米(文件声明英制)",)


def test_si_files_stay_as_they_are(tmp_path: Path) -> None:
    raw = read(write(tmp_path / "a.inp", EPANET, units="lps"), "lines")
    assert list(raw.cells["stated_length_m"]) == [1000.0, 50.0, 50.0]
    assert list(raw.cells["diameter_mm"]) == [6.0, 12.0, 12.0]


def test_unknown_units_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="流量单位“BARRELS”不认识"):
        read(write(tmp_path / "a.inp", EPANET, units="barrels"), "lines")


def test_pipes_bend_at_their_vertices_and_are_drawn_without_changing_the_map(tmp_path) -> None:
    raw = read(write(tmp_path / "a.inp", EPANET, units="LPS"), "lines")
    assert list(raw.shapes[0].coords) == [(583190, 3500000), (583240, 3500030), (583290, 3500000)]
    assert raw.crs is None


def test_what_is_no_pipe_or_has_no_place_is_named(tmp_path: Path) -> None:
    raw = read(write(tmp_path / "a.inp", EPANET, units="LPS"), "lines")
    assert raw.unreadable == {2: "节点 J9 没有坐标"}
    assert [(one.what, one.count) for one in raw.skipped] == [("[PUMPS] PU1", 1)]


def test_level_of_an_epanet_junction_is_no_invert_and_no_ground(tmp_path: Path) -> None:
    raw = read(write(tmp_path / "a.inp", EPANET, units="GPM"), "nodes")
    assert list(raw.cells["node_id"]) == ["J1", "J2", "R1"]
    assert list(raw.cells["elevation_m"]) == [30.48, 27.432, 36.576]
    assert not {"ground_level_m", "invert_level_m"} & set(raw.cells)


def test_swmm_inverts_are_offsets_above_the_nodes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.inp", SWMM, units="CMS", offsets="DEPTH")
    raw = read(path, "lines", utility="storm")
    # A 10 + 0.25, B 9 + 0.5; the offset "*" of C2 says nothing here.
    assert list(raw.cells["start_invert_m"]) == [10.25, None]
    assert list(raw.cells["end_invert_m"]) == [9.5, 8.0]
    assert list(raw.cells["diameter_mm"]) == [300.0, None]
    assert list(raw.cells["width_mm"]) == [None, 800.0]
    assert [one.what for one in raw.skipped] == ["[WEIRS] W1"]


def test_swmm_offsets_may_be_levels(tmp_path: Path) -> None:
    text = SWMM.replace("0.25 0.5 0 0", "10.2 9.4 0 0")
    path = write(tmp_path / "a.inp", text, units="CMS", offsets="ELEVATION")
    raw = read(path, "lines", utility="storm")
    assert list(raw.cells["start_invert_m"]) == [10.2, 9.0]


def test_swmm_ground_is_known_only_where_a_depth_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.inp", SWMM, units="CMS", offsets="DEPTH")
    raw = read(path, "nodes", utility="sewage")
    assert list(raw.cells["invert_level_m"]) == [10.0, 9.0, 8.0]
    assert list(raw.cells["ground_level_m"]) == [12.5, None, None]


def test_swmm_asks_what_the_pipes_carry(tmp_path: Path) -> None:
    path = write(tmp_path / "a.inp", SWMM, units="CFS", offsets="DEPTH")
    with pytest.raises(ReadError, match="--set utility=storm 或 --set utility=sewage"):
        read(path, "lines")


@pytest.mark.parametrize(
    ("text", "layer", "message"),
    [
        ("[TITLE]\n[JUNCTIONS]\nJ1 1\n", "nodes", "没有 \\[COORDINATES\\]"),
        (EPANET, "parcels", "须导入为 lines 或 nodes"),
    ],
)
def test_unusable_networks_are_refused(tmp_path: Path, text: str, layer: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(write(tmp_path / "a.inp", text, units="LPS"), layer)


def test_a_line_without_place_is_refused_and_the_rest_stored(
    workspace: Workspace, tmp_path
) -> None:
    path = write(tmp_path / "a.inp", EPANET, units="LPS")
    with pytest.raises(LayerError, match="节点 J9 没有坐标"):
        workspace.import_layer("lines", path, crs="EPSG:4547")
    result = workspace.import_layer("lines", path, crs="EPSG:4547", accept_valid=True)
    assert (result.rows, result.rejected) == (2, 1)
    assert [p.value for p in result.problems if p.row is None and not p.field] == ["[PUMPS] PU1"]
    assert "长度单位为米(文件声明公制)" in result.notes


@pytest.mark.shared
def test_ky4_has_the_pipes_lengths_and_bends_of_its_conversion(shared: Path) -> None:
    raw = read(shared / "data/networks/water_ky4.inp", "lines")
    other = pyogrio.read_dataframe(shared / "data/networks/water_ky4.gpkg", layer="edges")
    other = other.set_index("id").loc[list(raw.cells["line_id"])]
    assert len(raw.cells) == len(other) == 1156
    stated = raw.cells["stated_length_m"].astype(float)
    assert stated.to_numpy() == pytest.approx(other["length"].to_numpy() * 0.3048, abs=1e-6)
    assert raw.cells["diameter_mm"].astype(float).to_numpy() == pytest.approx(
        other["diameter"].to_numpy() * 25.4, abs=1e-6
    )
    assert all(a.equals_exact(b, 1e-6) for a, b in zip(raw.shapes, other.geometry, strict=True))
    assert len(read(shared / "data/networks/water_ky4.inp", "nodes").cells) == 964
