"""Utilities: order, colours, tie-in rules and keys into the tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layers.utilities import RULES, UtilityError, load_utilities, policy_utility, read_utilities

UTILITIES = load_utilities()
TEXT = (RULES / "utilities.toml").read_text(encoding="utf-8")


def test_the_six_utilities_stand_in_the_order_of_the_interface() -> None:
    assert list(UTILITIES) == ["water", "sewage", "storm", "gas", "power", "telecom"]
    assert [one.order for one in UTILITIES.values()] == [1, 2, 3, 4, 5, 6]


def test_colours_and_dash_patterns_all_differ() -> None:
    colours = [one.colour for one in UTILITIES.values()]
    assert len(set(colours)) == len({one.dash for one in UTILITIES.values()}) == 6
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours)


def test_the_colours_of_cjj_61_are_kept_exact() -> None:
    assert {one.cjj61_code: one.cjj61_rgb for one in UTILITIES.values()} == {
        "JS": (0, 255, 255),
        "PS": (76, 57, 38),
        "RQ": (255, 0, 255),
        "DL": (255, 0, 0),
        "TX": (0, 255, 0),
    }


def test_power_and_telecom_join_at_nodes_and_pressure_pipes_inside_mains() -> None:
    assert UTILITIES["power"].tie_in.nodes == ("ring_main_unit", "transformer")
    assert not UTILITIES["power"].tie_in.inside
    assert UTILITIES["telecom"].tie_in.lines == ()
    assert UTILITIES["water"].tie_in.lines == UTILITIES["gas"].tie_in.lines == ("distribution",)
    assert UTILITIES["sewage"].tie_in.nodes == ("manhole",)


def test_sewage_and_storm_are_the_drainage_of_the_plan() -> None:
    found = [policy_utility(key) for key in (*UTILITIES, "drainage")]
    assert found == ["water", "drainage", "drainage", "gas", "power", "telecom", "drainage"]


@pytest.mark.parametrize("key", ["heating", "", "Water", "给水"])
def test_an_unknown_utility_is_refused_with_the_known_ones(key: str) -> None:
    with pytest.raises(UtilityError, match="water"):
        policy_utility(key)


def test_an_unknown_attribute_leaves_several_keys_open() -> None:
    water = UTILITIES["water"]
    assert water.keys_for("horizontal", {"nominal_mm": 200}) == ("water_le200",)
    assert water.keys_for("horizontal", {}) == ("water_le200", "water_gt200")
    assert water.keys_for("horizontal", {"nominal_mm": float("nan")}) == (
        "water_le200",
        "water_gt200",
    )
    assert UTILITIES["gas"].keys_for("horizontal", {"pressure_mpa": 2.5}) == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('zh = "给水"\n', "", "zh"),
        ("cjj61_rgb = [0, 255, 255]", "cjj61_rgb = [0]", "1个"),
        ("[[utility]]", "[[utility", "TOML|utility"),
    ],
)
def test_an_unusable_file_names_the_block(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "utilities.toml"
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UtilityError, match=words):
        read_utilities(file)
