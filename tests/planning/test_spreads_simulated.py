"""Intervals hold the true value: features are moved at random and the same route is measured."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from layers.survey import Survey
from planning.application import Application
from planning.external_lines import external_lines, nearby_finder
from planning.groundwork import Groundwork
from planning.judged_routes import Route
from tests import towns
from tests.conftest import REPOSITORY
from tests.planning.moved_surveys import Errors, Moved

pytestmark = pytest.mark.slow_first

TRIALS = 400
# A tolerance is two standard deviations, and so is half an interval: 95.45 % of a normal error.
# What a few hundred trials may fall short of that by chance, three times its standard deviation:
BY_CHANCE = 3 * np.sqrt(0.9545 * 0.0455 / TRIALS)
LENGTHS = ("pipe_length_m", "construction_length_m", "line_length_m")
CROSSINGS = ("crossing_kerb_m", "crossing_red_line_m")
GREENS = ("green_affected_m2", "green_temporary_m2")
# Metres and square metres: what hardly varies, as the area of a verge that a strip just passes, is
# no measure of how wide an interval need be.
_MATTERS = 0.01


class Tally:
    """Shares of trials that the interval of a measure holds, and how wide it is for the need."""

    def __init__(self) -> None:
        self.held: dict[str, list[float]] = defaultdict(list)
        self.width: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, route: Route, found: np.ndarray, drawn: float) -> None:
        tolerance = route.tolerances[name]
        assert tolerance is not None
        off = np.abs(found - drawn)
        self.held[name].append(float((off <= tolerance + 1e-9).mean()))
        if off.std() > _MATTERS:
            self.width[name].append(tolerance / (2 * float(np.sqrt((off**2).mean()))))


def simulate(tally: Tally, moved: Moved) -> None:
    """Move everything that a route hangs on and tally its measures."""
    route, lines = moved.route, moved.lines()
    for name in LENGTHS:
        if name in route.measures and route.measures[name] is not None:
            found = shapely.length(shapely.linestrings(lines))
            tally.add(name, route, found, route.line.length)
    still = replace(moved, errors=Errors(moved.work, moved.errors.rng, 1, scale=0.0))
    drawn_again = still.kerb_m(still.lines())
    for name, found, again in zip(CROSSINGS, moved.kerb_m(lines), drawn_again, strict=True):
        drawn = route.measures.get(name)
        # Where roads run into each other the oracle draws no kerbs, and where one ends there is
        # none: such routes are left out.
        if drawn is not None and abs(again[0] - drawn) < 0.01 and not moved.at_road_end():
            tally.add(name, route, found, drawn)
    for name in GREENS:
        drawn = route.measures.get(name)
        if drawn is not None and route.strip is not None:
            for grown in (False, True):
                tally.add(name, route, moved.green_m2(lines, grown=grown), drawn)


def surveyed(survey: Survey, **sources: str) -> Survey:
    """The same survey with the source of every place."""
    tables = dict(survey.tables)
    for layer, source in sources.items():
        tables[layer] = tables[layer].assign(position_source=source)
    if "lines" in sources:
        tables["lines"] = tables["lines"].assign(depth_m=1.5)
    return Survey(survey.crs, tables, survey.county, survey.synthetic)


def routes_of(work: Groundwork, case: Application) -> list[tuple[str, Route]]:
    site = work.site(case)
    found = []
    for utility, demand in case.demands.items():
        line = external_lines(work, demand, [site], nearby_finder())[site.key]
        if line.route is not None and len(line.route.tolerances):
            found.append((utility, line.route))
    return found


def report(tally: Tally) -> str:
    return "; ".join(
        f"{name}: {len(held)} routes, held {np.mean(held):.4f}, least {min(held):.3f}, "
        f"width {np.mean(tally.width[name] or [np.nan]):.2f} of the need"
        for name, held in tally.held.items()
    )


def test_intervals_hold_on_the_sample(
    sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    tally, rng = Tally(), np.random.default_rng(1)
    for case in sample_cases[::3]:
        for utility, route in routes_of(sample_work, case):
            if None in route.tolerances.values():
                continue
            errors = Errors(sample_work, rng, TRIALS)
            simulate(tally, Moved(sample_work, utility, case.parcel_id, route, errors))
    print(report(tally))
    for name, held in tally.held.items():
        assert np.mean(held) >= 0.95, (name, report(tally))
        assert min(held) >= 0.9545 - BY_CHANCE, (
            name,
            report(tally),
            [towns.xy(r.line) for r in tally.worst],
        )
    for name, width in tally.width.items():
        # Greenery is the widest: any edge may be off all along, whichever way it runs.
        assert np.mean(width) < 2.2, (name, report(tally))


POWER = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}}


RANDOM = Tally()


@settings(
    deadline=None, max_examples=8, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(survey=towns.random_towns(), source=st.sampled_from(["surveyed", "digitised"]))
def tally_a_random_town(survey: Survey, source: str) -> None:
    known = surveyed(survey, roads=source, parcels="surveyed", lines=source, nodes="surveyed")
    known = surveyed(known, green=source)
    nodes = known.tables["nodes"].assign(voltage_kv=10.0)
    known = Survey(known.crs, {**known.tables, "nodes": nodes}, known.county, True)
    demands = {"water": {"nominal_mm": 150}, **POWER}
    cases = [
        towns.application(str(name), application_id=f"A-{name}", demands=demands)
        for name in known.tables["parcels"].index[::3]
    ]
    work = towns.ground(known, *cases)
    rng = np.random.default_rng(2)
    for case in cases:
        for utility, route in routes_of(work, case):
            errors = Errors(work, rng, TRIALS)
            simulate(RANDOM, Moved(work, utility, case.parcel_id, route, errors))


def hold_on_random_towns() -> None:
    """Raise ``AssertionError`` where intervals do not hold, or are far wider than they need be."""
    tally_a_random_town()
    print(report(RANDOM))
    assert len(RANDOM.held["line_length_m"]) > 4
    for name, held in RANDOM.held.items():
        assert np.mean(held) >= 0.95, (name, report(RANDOM))
    for name in (*LENGTHS, *CROSSINGS):
        assert np.mean(RANDOM.width[name] or [1.0]) < 2.0, (name, report(RANDOM))


def test_intervals_hold_on_random_towns() -> None:
    # In a process of its own: Hypothesis draws numbers of all modules that happen to be loaded, and
    # what a handful of towns needs on average must not hang on which tests ran before.
    code = "from tests.planning.test_spreads_simulated import hold_on_random_towns as hold; hold()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
