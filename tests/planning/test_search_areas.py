"""Cheapest ways of sites under caps, on graphs of corridors: a mixed-integer solver agrees."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from planning.application import Application, Demand
from planning.batch import cases_of
from planning.groundwork import Groundwork, Site, prepare
from tests import towns
from tests.highs import check_capped_ways_of_sites
from tests.random_counties import random_county

pytestmark = pytest.mark.slow_first
COUNTIES, SITES_EACH = 9, 5


def wishes(work: Groundwork, cases: list[Application], count: int) -> list[tuple[Site, Demand]]:
    """Some of the sites with everything that they ask for, always the same."""
    some = random.Random(3).sample(cases, min(count, len(cases)))
    return [(work.site(case), demand) for case in some for demand in case.demands.values()]


def check_every_kind(kinds: Counter[str], total: int, each: int) -> None:
    """Enough instances, and enough of each kind: unbound, bound by caps, infeasible."""
    assert kinds.total() >= total, kinds
    infeasible = kinds["cap"] + kinds["together"]
    assert min(kinds["free"], kinds["bound by caps"], infeasible) >= each, kinds


def test_ways_under_caps_in_random_counties_equal_a_mixed_integer_solver() -> None:
    rng, kinds = np.random.default_rng(5), Counter[str]()
    for seed in range(COUNTIES):
        work = prepare(random_county(seed), towns.policy())
        cases = list(cases_of(work.survey, [], towns.dig_date()))
        kinds += check_capped_ways_of_sites(work, wishes(work, cases, SITES_EACH), rng)
    check_every_kind(kinds, 50, 3)


def test_ways_under_caps_in_the_sample_county_equal_a_mixed_integer_solver(
    sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    cases = list(cases_of(sample_work.survey, sample_cases, towns.dig_date()))
    rng = np.random.default_rng(6)
    kinds = check_capped_ways_of_sites(sample_work, wishes(sample_work, cases, 8), rng)
    check_every_kind(kinds, 20, 1)
