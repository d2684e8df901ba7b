"""Bad input through the command line: a clear reason for each utility, the rest still planned.

One town holds it all: roads twice, in pieces and two centimetres long, parcels that overlap, lie in
a carriageway, across a street, inside another or far from any, mains that end nowhere, are
abandoned or say no size, a gate off the red line, and a wish that no main can serve.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cli import main as cli
from tests.planned_town import make_workspace
from tests.towns import ORIGIN, main, node, parcel, street, town

TOWN = town(
    roads={
        "R-1": street((0, 0), (300, 0)),
        "R-again": street((0, 0), (300, 0)),
        "R-tiny": street((300, 0), (300.02, 0)),
        "R-apart": street((0, 600), (200, 600)),
    },
    parcels={
        "P-good": parcel(100, 12, 140, 52),
        "P-overlaps": parcel(130, 12, 170, 52),
        "P-south": parcel(100, -52, 140, -12),
        "P-in-road": parcel(200, -4, 215, 4),
        "P-over-road": parcel(240, -12, 260, 12),
        "P-apart": parcel(50, 612, 90, 650),
        "P-inside": parcel(110, 20, 120, 30),
        "P-far": parcel(100, 300, 140, 340),
    },
    lines={
        "W-1": main((0, 8), (300, 8)),
        "Q-nowhere": main((0, 900), (300, 900), utility="gas", pressure_mpa=0.2),
        "S-blind": main((20, -8), (40, -8), utility="sewage", subtype="main", diameter_mm=None),
        "Y-dead": main((0, -8), (300, -8), utility="storm", subtype="main", status="abandoned"),
    },
    nodes={
        "D-full": node(60, 8, utility="power", kind="ring_main_unit", spare_bays=0, voltage_kv=10.0)
    },
)
EVERYTHING: dict[str, Any] = {
    "water": {"nominal_mm": 200, "material": "PE"},
    "sewage": {"nominal_mm": 300},
    "storm": {"nominal_mm": 300},
    "gas": {"nominal_mm": 100, "pressure_mpa": 0.1},
    "power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150},
    "telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110},
}
WATER = {"water": EVERYTHING["water"]}
APPLICATIONS: dict[str, dict[str, Any]] = {
    "A-all": {"parcel_id": "P-good", "demands": EVERYTHING},
    "A-south": {"parcel_id": "P-south", "demands": WATER},
    "A-giant": {"parcel_id": "P-good", "demands": {"water": {"nominal_mm": 5000}}},
    "A-gate": {
        "parcel_id": "P-good",
        "gate": [ORIGIN[0] + 120, ORIGIN[1] + 5],
        "demands": WATER,
    },
    "A-lost": {"parcel_id": "P-none", "demands": WATER},
    "A-far": {"parcel_id": "P-far", "demands": WATER},
    "A-apart": {"parcel_id": "P-apart", "demands": WATER},
    "A-across": {"parcel_id": "P-over-road", "demands": WATER},
    "A-inside": {"parcel_id": "P-inside", "demands": WATER},
    "A-impossible": {
        "parcel_id": "P-good",
        "demands": {**WATER, "gas": {"nominal_mm": -100}, "power": {"duct_holes": "two"}},
    },
    "A-unreadable": {"parcel_id": "P-good", "dig_date": "soon", "demands": WATER},
}
# Cases that cannot be planned at all: refused with the cure, and the others are screened.
REFUSED = ("A-gate", "A-lost", "A-unreadable")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    common = {"dig_date": "2026-11-22", "work_kind": "new"}
    cases = [{"application_id": key, **common, **one} for key, one in APPLICATIONS.items()]
    return make_workspace(tmp_path_factory.mktemp("bad"), TOWN, cases)


@pytest.fixture(scope="module")
def screened(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    file = tmp_path_factory.mktemp("out") / "screen.csv"
    done = run("screen", workspace, "--out", file, "--dig-date", "2026-11-22")
    assert done.exit_code == 1
    for case in REFUSED:
        assert case in done.output
    table = pd.read_csv(file)
    return table.set_index([table["application_id"].fillna(table["parcel_id"]), "utility"])


@pytest.mark.parametrize(
    ("case", "utility", "reason"),
    [
        ("A-all", "sewage", "no_size_match"),  # the only main does not say its size
        ("A-all", "storm", "no_tie_in"),  # the only main is abandoned
        ("A-all", "gas", "no_tie_in"),  # the only main is nowhere near a street
        ("A-all", "power", "no_size_match"),  # the only unit has no spare bay
        ("A-all", "telecom", "no_network_imported"),
        ("A-giant", "water", "no_size_match"),
        ("A-gate", "water", "gate_off_red_line"),
        ("A-lost", "water", "unknown_parcel"),
        ("A-far", "water", "gap_too_wide"),
        ("A-apart", "water", "disconnected"),
        ("A-inside", "water", "disconnected"),
        ("A-impossible", "gas", "impossible_demand"),
        ("A-impossible", "power", "impossible_demand"),
    ],
)
def test_every_line_that_cannot_be_laid_has_its_reason(
    screened: pd.DataFrame, case: str, utility: str, reason: str
) -> None:
    row = screened.loc[case, utility]
    assert (row["status"], row["reason"]) == ("unroutable", reason)


@pytest.mark.parametrize("case", ["A-all", "A-south", "A-across", "P-overlaps", "P-in-road"])
def test_the_rest_is_planned(screened: pd.DataFrame, case: str) -> None:
    row = screened.loc[case, "water"]
    assert row["status"] == "routed"
    assert pd.isna(row["reason"])
    assert 0 < row["length_m"] < 60


def test_a_road_that_is_there_twice_is_crossed_once(screened: pd.DataFrame) -> None:
    row = screened.loc["A-south", "water"]
    assert (row["crossing_count"], row["kerb_m"]) == (1, pytest.approx(10.0))


@pytest.mark.parametrize("case", [key for key in APPLICATIONS if key not in REFUSED])
def test_a_plan_gives_the_reason_that_the_screening_gives(
    workspace: Path, screened: pd.DataFrame, tmp_path: Path, case: str
) -> None:
    file = tmp_path / "plan.json"
    done = run("plan", workspace, "--application", case, "--out", file)
    assert done.exit_code == (0 if case in ("A-south", "A-across") else 1)
    for line in json.loads(file.read_text("utf-8"))["utilities"]:
        row = screened.loc[case, line["utility"]]
        assert line["status"] == row["status"]
        assert line["reason"] == (None if pd.isna(row["reason"]) else row["reason"])


def test_a_demand_that_cannot_be_meant_says_field_and_cure(workspace: Path, tmp_path: Path) -> None:
    done = run("plan", workspace, "--application", "A-impossible", "--out", tmp_path / "plan.json")
    assert "字段 demands.gas.nominal_mm 的值 -100 不可用:须为正数" in done.stderr
    assert "字段 demands.power.duct_holes 的值 'two' 不可用:须为正数" in done.stderr
    screened = run("screen", workspace, "--out", tmp_path / "s.csv", "--parcels", "P-good")
    assert "demands.gas.nominal_mm" in screened.output


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("A-gate", "离宗地 P-good 的红线 7.00 米"),
        ("A-lost", "不在宗地图层中"),
        ("A-unreadable", "dig_date 的值 'soon' 不可用:须为日期"),
    ],
)
def test_a_case_without_a_place_is_refused_with_the_cure(
    workspace: Path, tmp_path: Path, case: str, said: str
) -> None:
    file = tmp_path / "plan.json"
    done = run("plan", workspace, "--application", case, "--out", file)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "请" in done.stderr
    assert not file.exists()


def test_the_check_names_everything_that_lies_where_it_cannot(workspace: Path) -> None:
    done = run("check", workspace)
    assert done.exit_code == 1
    for faulty in ("R-again", "P-overlaps", "P-in-road", "P-over-road", "P-inside"):
        assert f"编号 {faulty} " in done.output
    assert "编号 P-good " not in done.output
