"""Cells to typed values."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.coercion import clean_text, coerce
from layers.fields import layer_definition

LINES = layer_definition("lines")
ROADS = layer_definition("roads")


def one(cell: object, field) -> tuple[object, str | None]:
    values, broken = coerce(pd.Series([cell], dtype=object), field)
    return values[0], broken.get(0)


@pytest.mark.parametrize("cell", [200, 200.0, "200", " 200 ", "200.0", "２００", np.int64(200)])
def test_number_in_any_notation_is_the_number(cell) -> None:
    assert one(cell, LINES.field("diameter_mm")) == (200.0, None)


@pytest.mark.parametrize("cell", ["DN200", "200mm", "0.2 m", "20cm"])
def test_number_with_its_unit_or_notation_is_the_number_in_the_unit_of_the_field(cell) -> None:
    assert one(cell, LINES.field("diameter_mm")) == (200.0, None)


@pytest.mark.parametrize("cell", ["DNx", "200 kV", "1_000", "二百", True, "1,000", "0b10"])
def test_number_with_other_text_is_a_problem(cell) -> None:
    value, rule = one(cell, LINES.field("diameter_mm"))
    assert math.isnan(value)
    assert rule.startswith(("须为数字", "单位 kV 不能换算为 mm"))


@pytest.mark.parametrize("cell", [math.inf, "Infinity", "1e400", "NaN"])
def test_number_must_be_finite(cell) -> None:
    assert one(cell, LINES.field("depth_m"))[1] == "须为有限的数字"


@pytest.mark.parametrize("cell", [None, math.nan, "", "  ", "\x00", pd.NA, pd.NaT])
@pytest.mark.parametrize("name", ["diameter_mm", "free_holes", "material", "laying", "built_on"])
def test_missing_is_unknown_and_no_problem(cell, name) -> None:
    value, rule = one(cell, LINES.field(name))
    assert rule is None
    assert value is None or math.isnan(value)


def test_integer_takes_no_fraction() -> None:
    assert one("3.0", LINES.field("free_holes")) == (3.0, None)
    assert one("3.5", LINES.field("free_holes"))[1] == "须为整数"


@pytest.mark.parametrize(
    "cell",
    [
        "2024-05-01", "2024/5/1", "2024年5月1日", "20240501", "2024-05-01T08:00:00Z",
        datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 8), pd.Timestamp("2024-05-01"),
    ],
)  # fmt: skip
def test_date_is_iso_text(cell) -> None:
    assert one(cell, ROADS.field("opened_on")) == ("2024-05-01", None)


@pytest.mark.parametrize("cell", ["2024", "01/05/2024", "2024-13-01", "2023-02-29", "去年"])
def test_date_that_is_none_is_a_problem(cell) -> None:
    assert one(cell, ROADS.field("opened_on"))[1] is not None


@pytest.mark.parametrize("cell", ["never", "从未大修", " 未大修 ", "没有大修", "无", "NEVER"])
def test_that_a_road_was_never_overhauled_can_be_said(cell) -> None:
    assert one(cell, ROADS.field("overhauled_on")) == ("never", None)
    assert one(cell, ROADS.field("opened_on"))[1] == "须为年-月-日,如 2024-05-01"


@pytest.mark.parametrize("cell", ["不详", "/", "2020-01-01 never", "从未"])
def test_what_is_neither_a_day_nor_never_is_a_problem(cell) -> None:
    value, rule = one(cell, ROADS.field("overhauled_on"))
    assert (value, rule) == (None, "须为年-月-日,如 2024-05-01,或“从未大修”")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("是", True), ("否", False), (1, True), (0, False), (True, True), ("No", False)],
)
def test_boolean_words(cell, expected) -> None:
    assert one(cell, ROADS.field("on_bridge")) == (expected, None)


@pytest.mark.parametrize("cell", ["JS", "js", "给水", "供水", "Water", " water "])
def test_utility_by_code_or_word(cell) -> None:
    assert one(cell, LINES.field("utility")) == ("water", None)


def test_drainage_code_is_ambiguous_and_says_the_choices() -> None:
    value, rule = one("PS", LINES.field("utility"))
    assert value is None
    assert rule == "须为下列之一:water、sewage、storm、gas、power、telecom"


def test_whole_float_as_text_has_no_decimal_point() -> None:
    assert one(135.0, LINES.field("line_id")) == ("135", None)


def test_markup_stays_text() -> None:
    payload = "<img src=x onerror=alert(1)>${window.PWN=1}`"
    assert one(payload, LINES.field("owner")) == (payload, None)


@given(st.text())
def test_clean_text_can_always_be_written(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean_text(cleaned) == cleaned
