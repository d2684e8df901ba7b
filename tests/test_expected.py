"""``cli.py screen`` on the sample county, once for all tests that look at its answers.

They are what was written down before any verdict ran, what the planner finds for one case alone,
and sound routes to the checker.

``expected.csv`` is made from the targets that each application is built for and from the words of
the county's policy; outcome, clause and the printed measure of every row must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pyproj import CRS

import cli
from docs.examples.check_routes import check_routes
from layers.utilities import load_utilities
from planning import county_screening
from planning.application import Application
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork
from planning.plan import plan
from reports.exchange import table_writer
from tests import towns
from tests.conftest import REPOSITORY
from tests.finders import check_screening_equals_plans, plans_of
from tests.planning.test_screening import DAY, assert_equal, one_by_one

pytestmark = pytest.mark.slow_first

FILE = REPOSITORY / "sample_data" / "applications" / "expected.csv"
KEY = ["application_id", "utility"]


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return pd.read_csv(FILE, dtype=str, keep_default_na=False, encoding="utf-8-sig")


@dataclass(frozen=True)
class Screening:
    """The whole sample county as ``cli.py screen`` screened it: cases, rows and the file written.

    ``table`` is what the command wrote; nobody may change it.
    """

    cases: list[Application]
    table: pd.DataFrame
    file: Path


@pytest.fixture(scope="module")
def sample_screening(sample_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Screening:
    """Screen the sample county by the command, once for all tests that look at the answers."""
    file = tmp_path_factory.mktemp("screened") / "screen.gpkg"
    made: list[tuple[list[Application], pd.DataFrame]] = []

    def kept(work: Groundwork, cases: list[Application], *wishes: Any, **more: Any) -> pd.DataFrame:
        made.append((cases, screen(work, cases, *wishes, **more)))
        return made[-1][1]

    command = [
        "screen",
        str(sample_workspace),
        "--out",
        str(file),
        "--dig-date",
        towns.DIG_DATE,
        "--anew",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(county_screening, "screen", kept)
        result = CliRunner().invoke(cli.main, command)
    assert result.exit_code == 1, result.output  # one parcel cannot be reached
    [(cases, table)] = made
    return Screening(cases, table, file)


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


def test_the_sample_county_is_screened_whole(
    sample_screening: Screening, sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    cases, table = sample_screening.cases, sample_screening.table
    assert cases == cases_of(sample_work.survey, sample_cases, DAY)
    assert len(table) == 6 * len(cases)
    asked = [key in case.demands for case in cases for key in load_utilities()]
    assert (table["status"] != "not_requested").tolist() == asked
    routed = table[table["status"] == "routed"]
    assert len(routed) > 2000
    told = routed[["outcome", "certainty", "length_m", "cost_yuan", "tie_in_id"]]
    assert told.notna().to_numpy().all()
    why: Any = table.loc[table["status"] == "unroutable", "reason"]
    known = ["no_network_imported", "no_tie_in", "gap_too_wide", "disconnected", "no_size_match"]
    assert why.isin([*known, "no_dig"]).all()


def test_the_screening_of_the_sample_says_what_its_plans_say(
    sample_screening: Screening, sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    answers = plans_of(sample_work, sample_cases)
    assert check_screening_equals_plans(sample_screening.table, sample_cases, answers) > 30


def test_the_sample_county_on_arrays_equals_the_planner_of_one_parcel(
    sample_screening: Screening,
    sample_work: Groundwork,
    sample_cases: list[Application],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases, table = sample_screening.cases, sample_screening.table
    left = table.attrs["one_by_one"]["pairs"] - sum(len(c.demands) for c in sample_cases)
    assert left < 0.25 * len(table)  # most are told by sums and bounds, the others are searched
    assert_equal(table, one_by_one(monkeypatch, sample_work, cases))


def test_rows_equal_the_plans_of_the_same_cases(
    sample_screening: Screening, sample_work: Groundwork
) -> None:
    cases, table = sample_screening.cases, sample_screening.table
    for number in (0, 40, 100, 250, 400):
        planned = plan(cases[number], sample_work.survey, sample_work.policy, corridors=sample_work)
        for row in table.iloc[6 * number : 6 * number + 6].itertuples():
            line = planned.lines[row.utility]
            assert line.status == row.status
            if line.route is None or line.answer is None:
                continue
            told = (row.outcome, row.clause, row.certainty, row.recommended)
            answer = line.route.verdict
            assert told == (answer.outcome, answer.clause, answer.certainty, line.recommended)
            for name, value in {**line.route.figures, **line.route.measures}.items():
                if name in table.columns:
                    known = np.nan if value is None else value
                    assert getattr(row, name) == pytest.approx(known, abs=1e-6, nan_ok=True), name


def test_the_checker_finds_no_fault_in_the_sample_county(
    sample_workspace: Path, sample_screening: Screening
) -> None:
    count, faults = check_routes(sample_workspace, sample_screening.file)
    assert count > 2500
    assert faults == []
