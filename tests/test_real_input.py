"""What only real streets bring to light: Sant Boi with its mains, Krems with made-up ones.

Sampled here to keep the tests short; ``docs/examples`` checks whole towns.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
from shapely import affinity

from docs.examples import krems as krems_example
from docs.examples.check_batch import compare
from docs.examples.check_measures import Town, check_plan
from docs.examples.check_measures import main as check_main
from docs.examples.sant_boi import import_all
from docs.examples.town_screening import Report
from layers.store import Workspace
from planning.application import Application
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from planning.sources import main_of_lines
from reports.exchange import write_plan
from tests.finders import check_finders_agree, check_screening_equals_plans, plans_of

pytestmark = [pytest.mark.shared, pytest.mark.slow_first]
DIG_DATE = date(2026, 11, 22)
OLD_TOWN = (15.595, 48.405, 15.615, 48.415)  # west, south, east, north
# Parcels drawn of each town, by one seed: every part of it has its chance.
_DRAWN = {"sant_boi": 36, "krems": 36}


@dataclass(frozen=True)
class RealTown:
    """A town in a workspace, prepared, with cases drawn at random."""

    workspace: Path
    work: Groundwork
    cases: Sequence[Application]

    @cached_property
    def answers(self) -> list[dict[str, Any]]:
        """The plans of the cases as plain values, without what else could be done."""
        return plans_of(self.work, self.cases)


def opened(workspace: Workspace, folder: Path, drawn: int) -> RealTown:
    survey = workspace.survey()
    work = prepare(survey, load_policy(workspace.county))
    cases = random.Random(3).sample(cases_of(survey, [], DIG_DATE), drawn)
    return RealTown(folder / "workspace", work, cases)


@pytest.fixture(scope="module")
def sant_boi(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> RealTown:
    data, out = shared / "data/networks/santboi_water_sewer_parcels.gpkg", "sant_boi"
    folder = tmp_path_factory.mktemp(out)
    return opened(import_all(data, folder, Report()), folder, _DRAWN[out])


@pytest.fixture(scope="module")
def krems(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> RealTown:
    data, out = shared / "data/osm/krems.osm.gz", "krems"
    folder = tmp_path_factory.mktemp(out)
    workspace = krems_example.import_all(data, folder, Report(), bounds=OLD_TOWN)
    return opened(workspace, folder, _DRAWN[out])


@pytest.fixture(scope="module", params=["sant_boi", "krems"])
def town(request: pytest.FixtureRequest) -> RealTown:
    return request.getfixturevalue(request.param)


def test_no_strip_runs_on_for_long_beside_a_carriageway_that_it_crosses(
    sant_boi: RealTown,
) -> None:
    # Nothing can be joined to a strip that crosses a carriageway, so its long part outside would
    # be lost: at Sant Boi 1.4 km of 17.9 km.
    measures = sant_boi.work.corridors.graph.measures
    crossing = (measures["kind"] == "strip") & (measures["kerb_m"] > 0)
    assert crossing.any()
    assert (measures["length_m"] - measures["kerb_m"])[crossing].max() < 5.01


def test_networkx_and_the_forest_find_the_same_ways_in_real_streets(town: RealTown) -> None:
    wishes = [
        (town.work.site(case), demand.pipe)
        for case in town.cases
        for demand in case.demands.values()
    ]
    assert check_finders_agree(town.work, wishes) > 120


def test_the_screening_says_what_the_plan_of_each_parcel_says(town: RealTown) -> None:
    table = screen(town.work, town.cases)
    assert check_screening_equals_plans(table, town.cases, town.answers) > 55


def test_two_feeds_come_from_two_mains_and_screenings_say_what_plans_do(town: RealTown) -> None:
    cases = [
        replace(
            case,
            demands={
                utility: replace(demand, feeds=2)
                for utility, demand in case.demands.items()
                if utility in ("water", "gas", "power", "telecom")
            },
        )
        for case in town.cases[:10]
    ]
    *differences, (pairs, _last) = compare(town.work, cases)
    assert differences == []
    assert pairs == 4 * len(cases)
    table = screen(town.work, cases)
    paired = table[table["tie_in_id"].fillna("").str.contains(";")]
    assert len(paired) > 5
    main_of, nodes = main_of_lines(town.work), town.work.survey.get("nodes")
    on = {} if nodes is None else nodes["line_id"].to_dict()
    for row in paired.itertuples():
        one, two = (on.get(name, name) for name in row.tie_in_id.split(";"))
        assert main_of[one] != main_of[two]
        lines = row.geometry.geoms
        assert row.length_m == pytest.approx(sum(line.length for line in lines), abs=1e-6)


# --- measured again -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(
    sant_boi: RealTown, krems: RealTown, tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, list[Path]]:
    """Plans of the cases as GeoPackages, by workspace."""
    folder = tmp_path_factory.mktemp("plans")
    files: dict[Path, list[Path]] = {}
    for town in (sant_boi, krems):
        for number, answer in enumerate(town.answers):
            file = folder / f"{town.workspace.parent.name}-{number}.gpkg"
            write_plan(answer, town.work.survey.crs, file)
            files.setdefault(town.workspace, []).append(file)
    return files


def test_five_hundred_routes_measure_the_same_by_code_that_knows_nothing_of_ours(
    exported: dict[Path, list[Path]],
) -> None:
    count = 0
    for workspace, files in exported.items():
        town = Town(workspace)
        for file in files:
            number, differences = check_plan(town, file)
            assert differences == []
            count += number
    assert count >= 500


@pytest.mark.parametrize(
    "figure", ["length_m", "crossing_kerb_m", "crossing_red_line_m", "green_m2"]
)
@pytest.mark.parametrize("by", [0.011, -0.011, None])
def test_a_figure_that_is_off_by_more_than_a_centimetre_is_found(
    exported: dict[Path, list[Path]], tmp_path: Path, figure: str, by: float | None
) -> None:
    workspace, files = list(exported.items())[1]
    file = next(f for f in files if pyogrio.list_layers(f)[:, 0].tolist().count("strips"))
    routes = gpd.read_file(file, layer="routes")
    number = int(routes[figure].first_valid_index() or 0)
    routes[figure] = routes[figure].astype(float)
    routes.loc[number, figure] = None if by is None else routes.loc[number, figure] + by
    spoiled = tmp_path / "spoiled.gpkg"
    routes.to_file(spoiled, layer="routes")
    gpd.read_file(file, layer="strips").to_file(spoiled, layer="strips")
    _count, differences = check_plan(Town(workspace), spoiled)
    assert [d.figure for d in differences] == [figure]


def test_a_route_that_was_moved_is_found(
    exported: dict[Path, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, files = list(exported.items())[1]
    spoiled = tmp_path / "moved.gpkg"
    routes = gpd.read_file(files[0], layer="routes")
    routes.geometry = [affinity.scale(line, 1.01, 1.01) for line in routes.geometry]
    routes.to_file(spoiled, layer="routes")
    assert check_main([str(workspace), str(spoiled)]) == 1
    assert "length_m" in capsys.readouterr().out


def test_what_is_no_plan_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_main([str(tmp_path), "none.gpkg"]) == 2
    assert "不是工作区" in capsys.readouterr().err
