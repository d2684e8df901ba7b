"""The open applications of the sample county: well formed, and solved to their targets."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
import shapely

from layers.fields import layer_definition
from layers.survey import Survey
from planning.application import Application, Demand, parse_application
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, Site
from sample_data.applications import COLUMNS
from sample_data.cases import CASES
from sample_data.make import APPLICATIONS, COUNTY
from sample_data.solving import MARGIN, survey_of

pytestmark = pytest.mark.slow_first

CENT = Decimal("0.01")
ROWS = list(
    csv.DictReader((APPLICATIONS / "expected.csv").read_text(encoding="utf-8").splitlines())
)
BOUNDARY = [row for row in ROWS if row["target"]]


def _documents() -> Iterator[dict[str, Any]]:
    for path in sorted(APPLICATIONS.glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def applications() -> dict[str, Application]:
    return {d["application_id"]: parse_application(d) for d in _documents()}


@pytest.fixture(scope="module")
def survey() -> Survey:
    """The whole county, as committed."""
    layers = pyogrio.list_layers(COUNTY)[:, 0]
    return survey_of({name: gpd.read_file(COUNTY, layer=name) for name in layers})


@pytest.fixture(scope="module")
def line_of(sample_work: Groundwork, applications) -> Callable[[str, str], ExternalLine]:
    """External line by application_id and utility, found on the whole county."""
    sites: dict[Demand, list[Site]] = {}
    for application in applications.values():
        for demand in application.demands.values():
            sites.setdefault(demand, []).append(sample_work.site(application))
    found = {
        (key, demand.pipe.utility): line
        for demand, group in sites.items()
        for key, line in external_lines(sample_work, demand, group, nearby_finder()).items()
    }
    keys = {key: sample_work.site(application).key for key, application in applications.items()}
    return lambda application_id, utility: found[keys[application_id], utility]


def _name(row: dict[str, str]) -> str:
    return "-".join(filter(None, (row["application_id"], row["utility"], row["target"])))


def test_there_are_at_least_24_applications_with_a_row_for_every_utility(applications) -> None:
    assert len(applications) >= 24
    wanted = {(key, utility) for key, a in applications.items() for utility in a.demands}
    assert {(row["application_id"], row["utility"]) for row in ROWS} == wanted
    assert len(ROWS) == len(wanted)
    assert list(ROWS[0]) == COLUMNS


def test_every_limit_has_a_case_on_it_and_one_just_past_it() -> None:
    found = {(row["utility"], row["measure"], row["target"]) for row in BOUNDARY}
    pairs = {
        ("water", "pipe_length_m"): ("200.00", "200.01"),
        ("water", "max_dn_mm"): ("300", "350"),
        ("water", "green_affected_m2"): ("200.00", "200.01"),
        ("gas", "construction_length_m"): ("200.00", "200.01"),
        ("telecom", "duct_holes"): ("2", "3"),
        ("telecom", "duct_outer_diameter_mm"): ("110", "125"),
        ("telecom", "pipe_length_m"): ("200.00", "200.01"),
        ("telecom", "green_temporary_m2"): ("200.00", "200.01"),
        ("power", "crossing_red_line_m"): ("50.00", "50.01"),
        ("power", "line_length_m"): ("800.00", "800.01"),
    }
    assert found == {(*key, target) for key, targets in pairs.items() for target in targets}


@pytest.mark.parametrize("row", BOUNDARY, ids=_name)
def test_the_printed_measure_is_the_target_on_the_whole_county(row, line_of) -> None:
    line = line_of(row["application_id"], row["utility"])
    assert line.status == "routed"
    value = line.route.measures[row["measure"]]
    assert Decimal(str(value)).quantize(CENT, ROUND_HALF_UP) == Decimal(row["target"])
    assert abs(value - float(row["target"])) <= 0.005 - MARGIN + 1e-9


@pytest.mark.parametrize("row", BOUNDARY, ids=_name)
def test_the_cheapest_way_of_a_boundary_case_is_also_its_shortest(row, line_of) -> None:
    routes = line_of(row["application_id"], row["utility"]).routes
    lengths = [route.figures["length_m"] for route in routes.values()]
    assert max(lengths) - min(lengths) < 1e-6


@pytest.mark.parametrize("row", BOUNDARY, ids=_name)
def test_all_but_the_boundary_measure_is_known_and_harmless(row, line_of) -> None:
    facts = line_of(row["application_id"], row["utility"]).route.facts
    assert facts["touches_city_road"] is True
    assert facts["in_service_area"] is True
    assert facts["tree_moving"] is False
    assert facts["ancient_tree_or_park"] is False
    assert max(facts["road_opened_on"]) < "2021-11-22"
    assert max(facts["road_overhauled_on"]) < "2023-11-22"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_outcome_and_clause_are_those_expected(row, line_of) -> None:
    line = line_of(row["application_id"], row["utility"])
    verdict = line.route.verdict if line.route else None
    assert line.status == row["status"]
    assert (verdict.outcome if verdict else "") == row["outcome"]
    assert ((verdict.clause if verdict else "") or "") == row["clause"]


def test_unroutable_cases_say_why(line_of) -> None:
    reasons = {line_of(row["application_id"], row["utility"]).reason
               for row in ROWS if row["status"] == "unroutable"}  # fmt: skip
    assert reasons == {"gap_too_wide", "no_size_match"}


def test_footway_only_digging_in_the_young_road_crosses_no_carriageway(line_of) -> None:
    (case,) = (c for c in CASES if c.lot == "Y1")
    route = line_of(case.application_id, "water").route
    assert route.figures["kerb_m"] == 0
    assert route.verdict.outcome == "blocked"


def test_the_first_application_routes_all_six_utilities(applications, line_of) -> None:
    first = min(applications)
    assert len(applications[first].demands) == 6
    assert all(line_of(first, u).status == "routed" for u in applications[first].demands)


def test_neighbours_leave_the_main_street_on_one_side_of_one_street(line_of) -> None:
    """Four cases with four to six utilities each run along the same side of 兰台路."""
    neighbours = [row for row in ROWS if row["application_id"] <= "BZ-2026-004"]
    lines = [line_of(row["application_id"], row["utility"]).route.line for row in neighbours]
    common = lines[0].buffer(2.5)
    for line in lines:
        assert shapely.length(shapely.intersection(line, common)) > 25


def test_gates_lie_on_the_red_line_of_their_parcel(applications, survey) -> None:
    parcels = survey.get("parcels").geometry
    gates = [a for a in applications.values() if a.gate is not None]
    assert len(gates) >= 20
    for one in gates:
        assert parcels[one.parcel_id].boundary.distance(one.gate) < 0.005


def test_the_survey_of_the_sample_has_every_layer_by_its_id(survey) -> None:
    for name, table in survey.tables.items():
        assert table.index.name == layer_definition(name).id_field


def test_files_carry_the_name_of_their_application() -> None:
    for path in sorted(Path(APPLICATIONS).glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["application_id"] == path.stem
        assert document["project"]["project_name"]
