"""The examples run on real data, and the checker of routes finds what it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely import STRtree
from shapely.geometry import LineString, box

from docs.examples.check_routes import check_routes
from docs.examples.check_routes import main as check_main
from docs.examples.sant_boi import nominal_of_outer, sewer_size, street_gap_m, water_size
from layers.store import Workspace
from tests import towns
from tests.conftest import REPOSITORY
from tests.towns import Rows, main, parcel, street

pytestmark = pytest.mark.slow_first

UTILITIES = ("water", "sewage", "storm", "gas", "power", "telecom")


def run(*arguments: object, script: str = "sant_boi") -> subprocess.CompletedProcess[str]:
    file = REPOSITORY / f"docs/examples/{script}.py"
    command = [sys.executable, str(file), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


# --- Sant Boi ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sant_boi(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    data = shared / "data/networks/santboi_water_sewer_parcels.gpkg"
    out = tmp_path_factory.mktemp("sant_boi") / "out"
    done = run("--data", data, "--out", out, "--dig-date", "2026-11-22")
    assert (done.returncode, done.stderr) == (1, "")  # four networks are not in the file
    return done.stdout, out


@pytest.mark.shared
def test_every_parcel_of_sant_boi_is_screened_for_every_utility(
    sant_boi: tuple[str, Path],
) -> None:
    table = gpd.read_file(sant_boi[1] / "screen.gpkg")
    assert len(table) == 258 * 6
    assert set(table["status"]) == {"routed", "unroutable"}
    for utility in ("water", "sewage"):
        rows = table[table["utility"] == utility]
        # 10 to 18 parcels lie in the middle of blocks or out of reach; others are gone round to.
        assert 240 <= (rows["status"] == "routed").sum() <= 248
        assert set(rows["reason"].dropna()) == {"disconnected", "gap_too_wide"}
        assert (rows["gap_m"].dropna() > 40).all()


@pytest.mark.shared
def test_a_utility_without_network_is_unroutable_for_that_reason(
    sant_boi: tuple[str, Path],
) -> None:
    table = gpd.read_file(sant_boi[1] / "screen.gpkg")
    rest = table[table["utility"].isin(UTILITIES[2:])]
    assert len(rest) == 258 * 4
    assert set(rest["reason"]) == {"no_network_imported"}
    assert rest["outcome"].isna().all()


@pytest.mark.shared
def test_the_checker_finds_no_fault_at_sant_boi(sant_boi: tuple[str, Path]) -> None:
    count, faults = check_routes(sant_boi[1] / "workspace", sant_boi[1] / "screen.gpkg")
    assert count > 440
    assert faults == []


@pytest.mark.shared
@pytest.mark.parametrize(
    "said",
    [
        r"给水管径代码 PVC110-PN16 → DN100\(71 段\)",
        r"污水管径代码 RC150 → 管径未知\(4 段\)",
        r"water_main 中 arccat_id = VIRTUAL 的 5 行不是管道,未导入",
        r"状态:0 → abandoned、1 → in_service、2 → planned",
        r"1-9150C Torre de la Vila:红线宽 26\.4 m,车行道宽 15\.8 m",
        r"用地性质全部为 residential",
        r"燃气:有路由 0,无路由 258 no_network_imported 258",
        r"合计 1548 项",
        r"开挖日期 2026-11-22",
    ],
)
def test_the_report_says_what_was_converted_assumed_and_found(
    sant_boi: tuple[str, Path], said: str
) -> None:
    assert re.search(said, sant_boi[0]), sant_boi[0]


def test_a_missing_file_ends_with_2_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("--data", tmp_path / "none.gpkg", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "磁盘上没有这个文件" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "size", "material"),
    [
        ("PVC110-PN16", 100, "PVC"),  # de110 is DN100
        ("PEHD110-PN16", 100, "PE"),
        ("PVC63-PN10", 50, "PVC"),
        ("FD150", 150, "ductile_iron"),
        ("FC63-PN10", 63, None),
        ("VIRTUAL", None, None),
    ],
)
def test_water_codes_give_nominal_sizes(code: str, size: float, material: str) -> None:
    assert water_size(code) == (size, material)


@pytest.mark.parametrize(
    ("code", "size"), [("CC040", 400), ("CC100", 1000), ("CC315", 300), ("RC150", None)]
)
def test_sewer_codes_give_nominal_sizes(code: str, size: float | None) -> None:
    assert sewer_size(code, "PE") == size


def test_an_outer_diameter_that_no_table_lists_stands_for_itself() -> None:
    assert nominal_of_outer("PVC", 111.0) == 111.0


def test_a_street_is_as_wide_as_the_gap_between_its_parcels() -> None:
    axis = LineString([(0, 0), (100, 0)])
    # Parcels 6 m north of the axis and 9 m south of it: twice the nearer side.
    assert street_gap_m(axis, STRtree([box(0, 6, 100, 20), box(0, -20, 100, -9)])) == 12.0


def test_a_street_that_parcels_hardly_line_has_no_known_width() -> None:
    axis = LineString([(0, 0), (1000, 0)])
    assert street_gap_m(axis, STRtree([box(0, 6, 20, 20)])) is None


# --- Krems ------------------------------------------------------------------------------------

OLD_TOWN = ("15.595", "48.405", "15.615", "48.415")  # west, south, east, north


@pytest.fixture(scope="module")
def krems(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    data, out = shared / "data/osm/krems.osm.gz", tmp_path_factory.mktemp("krems") / "out"
    asked = ("--data", data, "--out", out, "--bounds", *OLD_TOWN, "--dig-date", "2026-11-22")
    done = run(*asked, script="krems")
    assert (done.returncode, done.stderr) == (1, "")  # some parcels lie behind others
    return done.stdout, out


@pytest.mark.shared
def test_nearly_every_parcel_of_krems_has_a_route_for_every_utility(
    krems: tuple[str, Path],
) -> None:
    table = gpd.read_file(krems[1] / "screen.gpkg")
    assert len(table) == 157 * 6
    routed = table["status"] == "routed"
    assert (routed.groupby(table["utility"]).sum() > 140).all()
    assert set(table["reason"].dropna()) <= {"disconnected", "gap_too_wide"}
    assert table["crossing_count"].max() >= 2


@pytest.mark.shared
def test_the_checker_finds_no_fault_at_krems(krems: tuple[str, Path]) -> None:
    count, faults = check_routes(krems[1] / "workspace", krems[1] / "screen.gpkg")
    assert count > 850
    assert faults == []


@pytest.mark.shared
def test_the_mains_of_krems_are_marked_as_made_up(krems: tuple[str, Path]) -> None:
    survey = Workspace.open(krems[1] / "workspace").survey()
    assert survey.synthetic
    for layer in ("lines", "nodes"):
        assert survey.tables[layer].index.str.startswith("SYN-").all()
    assert set(survey.tables["lines"]["utility"]) == set(UTILITIES)
    assert {"roads", "parcels", "buildings", "green", "water_bodies"} <= set(survey.tables)
    assert survey.tables["roads"]["on_bridge"].any()


@pytest.mark.shared
@pytest.mark.parametrize(
    "said",
    [
        r"道路等级:trunk → expressway",
        r"车行道宽\(米\):trunk → 8\.0",
        r"宗地 157 块 = 建筑外扩 6\.0 米合并",
        r"全部管网由种子 1 虚构,编号以 SYN 开头",
        r"合计 942 项",
    ],
)
def test_the_report_of_krems_says_what_was_assumed(krems: tuple[str, Path], said: str) -> None:
    assert re.search(said, krems[0]), krems[0]


@pytest.mark.parametrize("content", [None, b"no map"])
def test_krems_ends_with_2_for_what_is_no_extract(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "map.osm"
    if content is not None:
        file.write_bytes(content)
    done = run("--data", file, "--out", tmp_path / "out", script="krems")
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


# --- the checker ------------------------------------------------------------------------------

# From the main on y = 8 straight to the red line on y = 12, and one over the carriageway.
STRAIGHT = LineString([(120, 8), (120, 12)])


def checked(
    folder: Path,
    line: LineString,
    *,
    railways: Rows | None = None,
    buildings: Rows | None = None,
    green: Rows | None = None,
    **changes: Any,
) -> set[str]:
    """Kinds of faults that the checker finds in one route of the usual town."""
    layers = {
        "parcels": {"P-1": parcel(100, 12, 140, 52), "P-2": parcel(140, 12, 180, 52)},
        "roads": {"R-1": street((0, 0), (300, 0))},
        "lines": {"W-1": main((0, 8), (300, 8)), "W-2": main((0, -8), (300, -8))},
        "buildings": buildings or {"B-1": {"geometry": box(50, 8, 60, 20)}},
        "green": green or {"G-1": {"geometry": box(0, 60, 9, 70)}},
        "water_bodies": {"L-1": {"geometry": box(200, -50, 210, 50)}},
        "railways": railways or {"T-1": {"geometry": LineString([(20, 6), (20, 50)])}},
    }
    (folder / "workspace.toml").write_text(f'county = "{towns.COUNTY}"\n', "utf-8")
    for name, rows in layers.items():
        (folder / "layers" / name).mkdir(parents=True)
        towns.table(name, rows).to_file(folder / "layers" / name / "1.gpkg", layer=name)
    row = {"parcel_id": "P-1", "utility": "water", "status": "routed", "tie_in_id": "W-1"}
    row |= {"kerb_m": 0.0, "length_m": line.length, **changes}
    routes = gpd.GeoDataFrame([row], geometry=[line], crs=towns.CRS_NAME)
    routes = routes.set_geometry(routes.translate(*towns.ORIGIN))
    routes.to_file(folder / "screen.gpkg", layer="screen")
    return {fault.kind for fault in check_routes(folder, folder / "screen.gpkg")[1]}


def test_a_sound_route_has_no_fault(tmp_path: Path) -> None:
    assert checked(tmp_path, STRAIGHT) == set()


def test_a_stated_crossing_is_no_fault(tmp_path: Path) -> None:
    across = LineString([(120, -8), (120, 12)])
    assert checked(tmp_path, across, tie_in_id="W-2", kerb_m=10.0) == set()


@pytest.mark.parametrize(
    ("line", "changes", "kind"),
    [
        (LineString([(150, 8), (150, 20), (140, 20)]), {}, "through_parcel"),
        (LineString([(120, 8), (120, 20), (100, 20)]), {}, "through_parcel"),
        (LineString([(55, 8), (55, 9), (100, 12)]), {}, "through_building"),
        (LineString([(220, 8), (220, 40), (200, 53), (140, 52)]), {}, "through_water"),
        (LineString([(10, 8), (10, 30), (100, 30)]), {}, "through_rails"),
        (
            LineString([(120, -8), (120, 12)]),
            {"tie_in_id": "W-2", "kerb_m": 9.97},
            "more_carriageway_than_stated",
        ),
        (STRAIGHT, {"length_m": 3.97}, "length"),
        (LineString([(120, 8), (120, 11.98)]), {}, "end_off_red_line"),
        (LineString([(120, 8.02), (120, 12)]), {}, "start_off_main"),
        (STRAIGHT, {"tie_in_id": "W-2"}, "start_off_main"),
        (STRAIGHT, {"utility": "gas"}, "start_off_main"),
        (LineString([(120, 8), (130, 11), (130, 8), (110, 11), (120, 12)]), {}, "meets_itself"),
        (LineString([(180, 8), (180, -8), (150, -8), (150, 8), (120, 8), (120, 12)]), {}, "zigzag"),
        (LineString([(120, 8), (120, 35), (95, 35), (95, 8), (100, 12)]), {}, "off_streets"),
    ],
)
def test_the_checker_finds_each_fault(
    tmp_path: Path, line: LineString, changes: dict[str, Any], kind: str
) -> None:
    assert kind in checked(tmp_path, line, **changes)


def test_a_road_that_crosses_the_next_piece_of_a_railway_may_be_followed(tmp_path: Path) -> None:
    # Rails in two pieces that meet 8 m beside the street's axis; the street crosses one of them.
    pieces = {
        "T-1": {"geometry": LineString([(20, -50), (20, 7)])},
        "T-2": {"geometry": LineString([(20, 7), (20, 50)])},
    }
    beside = LineString([(10, 8), (140, 8), (140, 12)])
    assert checked(tmp_path, beside, railways=pieces) == set()


def test_rails_and_water_may_be_crossed_along_a_road(tmp_path: Path) -> None:
    along = LineString([(220, 8), (140, 8), (140, 12)])
    assert checked(tmp_path, along) == set()


def test_the_checker_ends_with_2_for_what_is_no_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_main([str(tmp_path), "none.gpkg"]) == 2
    assert "不是工作区" in capsys.readouterr().err


def test_crossing_there_and_back_is_no_zigzag_where_it_spares_greenery(tmp_path: Path) -> None:
    round_ = LineString([(180, 8), (180, -8), (150, -8), (150, 8), (120, 8), (120, 12)])
    green = {"G-1": {"geometry": box(160, 5, 170, 9)}}
    assert checked(tmp_path, round_, kerb_m=20.0, green=green) == set()


def test_a_route_that_qualifies_may_change_sides(tmp_path: Path) -> None:
    round_ = LineString([(180, 8), (180, -8), (150, -8), (150, 8), (120, 8), (120, 12)])
    assert checked(tmp_path, round_, kerb_m=20.0, recommended="cheapest") == {"zigzag"}
    (tmp_path / "2").mkdir()
    assert checked(tmp_path / "2", round_, kerb_m=20.0, recommended="qualifying") == set()


@pytest.mark.parametrize("blocked", [(165, 5.5, 168, 12), (100, 12, 101, 13)], ids=["yes", "no"])
def test_crossing_there_and_back_is_no_zigzag_where_the_side_is_blocked(
    tmp_path: Path, blocked: tuple[float, float, float, float]
) -> None:
    round_ = LineString([(180, 8), (180, -8), (150, -8), (150, 8), (120, 8), (120, 12)])
    found = checked(tmp_path, round_, kerb_m=20.0, buildings={"B-1": {"geometry": box(*blocked)}})
    assert found == (set() if blocked[1] < 10 else {"zigzag"})
