"""``cli.py screen`` on the sample county gives what was written down before any verdict ran.

``expected.csv`` is made from the targets that each application is built for and from the words of
the county's policy; outcome, clause and the printed measure of every row must be the same.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from pyproj import CRS

from reports.exchange import table_writer
from tests import towns
from tests.conftest import REPOSITORY, Screening

FILE = REPOSITORY / "sample_data" / "applications" / "expected.csv"
KEY = ["application_id", "utility"]


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(FILE, dtype=str, keep_default_na=False, encoding="utf-8-sig")


@pytest.fixture(scope="module")
def screened(sample_screening: Screening, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The rows of all applications, as text, in the order of their keys."""
    out = tmp_path_factory.mktemp("screen") / "screen.csv"
    table_writer(out)(sample_screening.table, CRS(towns.CRS_NAME))
    table = pd.read_csv(out, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return table[table["application_id"] != ""].set_index(KEY)


def printed(value: str) -> Decimal:
    """The number that the letter prints: rounded half up to 0.01 on its decimal text."""
    return Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_every_requested_line_is_expected_and_no_other(expected, screened) -> None:
    requested = screened[screened["status"] != "not_requested"]
    assert set(requested.index) == set(map(tuple, expected[KEY].to_numpy()))
    assert not expected.duplicated(KEY).any()


@pytest.mark.parametrize("column", ["status", "outcome", "clause"])
def test_screening_equals_what_was_written_down(expected, screened, column: str) -> None:
    found = screened[column].reindex(pd.MultiIndex.from_frame(expected[KEY]))
    wanted = expected.set_index(KEY)[column]
    differing = found != wanted
    assert not differing.any(), pd.DataFrame({"found": found, "wanted": wanted})[differing]


def test_every_boundary_measure_is_printed_as_its_target(expected, screened) -> None:
    boundary = expected[expected["measure"] != ""]
    wrong = []
    for row in boundary.itertuples():
        value = screened.loc[(row.application_id, row.utility), row.measure]
        if printed(value) != Decimal(row.target):
            wrong.append((row.application_id, row.measure, value, row.target))
    assert wrong == []


def test_the_limits_of_all_clauses_are_among_them_on_both_sides(expected) -> None:
    pairs = set(zip(expected["utility"], expected["measure"], expected["target"], strict=True))
    limits = {
        ("water", "pipe_length_m"): ("200.00", "200.01"),
        ("water", "max_dn_mm"): ("300", "350"),
        ("water", "green_affected_m2"): ("200.00", "200.01"),
        ("gas", "construction_length_m"): ("200.00", "200.01"),
        ("telecom", "duct_holes"): ("2", "3"),
        ("telecom", "pipe_length_m"): ("200.00", "200.01"),
        ("telecom", "green_temporary_m2"): ("200.00", "200.01"),
        ("power", "crossing_red_line_m"): ("50.00", "50.01"),
        ("power", "line_length_m"): ("800.00", "800.01"),
    }
    for (utility, measure), targets in limits.items():
        for target in targets:
            assert (utility, measure, target) in pairs
