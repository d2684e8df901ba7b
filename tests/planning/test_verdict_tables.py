"""Verdicts of a table equal those of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from planning.policies import load_policy
from planning.verdict_tables import COLUMNS, _classes, _columns_of, judge_rows, possible_columns
from planning.verdicts import judge, possible_of

POLICY = load_policy("411523_xinxian")
NUMBERS = {
    "max_dn_mm": (100, 300, 350, None),
    "pipe_length_m": (0.0, 200.0, 200.004, 200.005, 200.0049999, 201, None),
    "green_affected_m2": (0, 199.995, 200.004999, 200.005, np.nan),
    "construction_length_m": (20.0, 200.0, 200.005, None),
    "crossing_red_line_m": (0.0, 50.004, 50.005, None),
    "crossing_kerb_m": (0.0, 30.0, 60.0),
    "line_length_m": (10.0, 800.0, 800.01),
    "green_temporary_m2": (0.0, 200.01),
    "duct_outer_diameter_mm": (63, 110, 114, None),
    "duct_holes": (1, 2, 3, None),
    "pressure_mpa": (0.1, 0.394, 0.395, 0.4, None),
    "voltage_kv": (0.4, 0.994, 0.995, 10, None),
}
FACTS: dict[str, tuple[Any, ...]] = {
    "subject_kind": ("household", "six_small_trade", "other", None),
    "enterprise_invested_or_dominant": (True, False, None),
    "hazardous_goods": (True, False),
    "in_service_area": (True, True, True, False, None),
    "work_kind": ("new", "relocation"),
    "touches_city_road": (True, False, None),
    "touches_green": (True, False),
    "touches_tree": (False, True, None),
    "tree_moving": (False, True, None),
    "ancient_tree_or_park": (False, None, True),
    "road_opened_on": (["2001-01-01"], ["2001-01-01", "2025-01-01"], [None], [], "2021-11-22"),
    "road_overhauled_on": ("never", None, "2024-02-29"),
    "dig_date": ("2026-11-22", "2026-11-23", "2027-02-28", None),
    "open_cut": (True, False, None),
    "pit_in_road": (False, True),
    "on_bridge": (False, True, None),
    "bad_credit": (False, None),
}


def sample(rows: int, seed: int) -> pd.DataFrame:
    """Random rows that stand on, beside and away from every limit."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name, values in {**NUMBERS, **FACTS}.items():
        picked = rng.integers(0, len(values), rows)
        columns[name] = pd.Series([values[i] for i in picked], dtype=object)
    return pd.DataFrame(columns).set_axis([f"P{i}" for i in range(rows)])


@pytest.mark.parametrize("utility", ["water", "sewage", "gas", "power", "telecom"])
@pytest.mark.parametrize("mode", ["plan", "judge"])
def test_the_table_gives_what_each_row_gives(utility: str, mode: str) -> None:
    table = sample(400, seed=7)
    unverified = ("max_dn_mm", "pressure_mpa", "duct_holes")
    found = judge_rows(utility, table, POLICY, mode=mode, unverified=unverified)
    told = {name: found.column(name).array.tolist() for name in (*COLUMNS, "possible")}
    single = [
        judge(utility, {}, row, POLICY, mode=mode, unverified=unverified)
        for row in table.to_dict("records")
    ]
    assert told == {name: [getattr(verdict, name) for verdict in single] for name in told}


def test_the_table_follows_the_reading_in_force() -> None:
    table = pd.DataFrame(
        {
            "crossing_red_line_m": [60.0, 60.0],
            "crossing_kerb_m": [30.0, 55.0],
            "line_length_m": 100.0,
            "enterprise_invested_or_dominant": True,
            "hazardous_goods": False,
        }
    )
    kerb = judge_rows("power", table, POLICY, mode="judge", switches={"crossing_extent": "kerb"})
    assert kerb.column("outcome").array.tolist() == ["commitment_filing", "commitment"]
    strict = judge_rows("power", table, POLICY, mode="judge")
    assert strict.column("outcome").array.tolist() == ["commitment", "commitment"]


def test_truths_of_numpy_count_as_truths() -> None:
    table = pd.DataFrame(
        {"tree_moving": np.array([True, False]), "touches_tree": np.array([False, False])}
    )
    table["green_temporary_m2"] = table["pipe_length_m"] = 1.0
    table["duct_outer_diameter_mm"] = table["duct_holes"] = 1
    found = judge_rows("telecom", table, POLICY, mode="judge")
    assert found.column("outcome").array.tolist() == ["ordinary_approval", "commitment"]


def test_a_missing_column_is_an_input_not_given() -> None:
    found = judge_rows("gas", pd.DataFrame({"note": ["a", "b"]}), POLICY, mode="judge")
    assert found.column("outcome").array.tolist() == ["undetermined", "undetermined"]


def test_an_empty_table_gives_an_empty_answer() -> None:
    found = judge_rows("gas", pd.DataFrame({"construction_length_m": []}), POLICY)
    assert len(found.column("outcome").array) == 0


@pytest.mark.parametrize("utility", ["water", "gas", "power"])
def test_outcomes_known_from_other_rows_are_those_of_each_row(utility: str) -> None:
    known: dict[Any, tuple[str, ...]] = {}
    for seed in (1, 2, 3):
        table = sample(300, seed)
        columns = _columns_of(table, POLICY)
        possible, of_row = possible_columns(utility, columns, len(table), POLICY, known)
        for number, row in enumerate(table.to_dict("records")):
            inputs = {str(name): value for name, value in row.items()}
            assert possible[of_row[number]] == possible_of(utility, inputs, POLICY)


def test_classes_of_more_tests_than_a_number_holds_are_numbered_as_they_come() -> None:
    # 90 codes of three values are more than 3**39, which a whole number of 64 bits still tells.
    codes = list(np.random.default_rng(4).integers(-1, 2, (90, 60)).astype(np.int8))
    codes = [np.concatenate([code, code[::-1]]) for code in codes]
    number: dict[tuple[int, ...], int] = {}
    expected = [number.setdefault(tuple(row), len(number)) for row in np.stack(codes, axis=1)]
    first, class_of = _classes(codes)
    assert class_of.tolist() == expected
    assert first.tolist() == list(range(60))
