"""A preview is the cheapest route of the plan, with the sums of its edges."""

from __future__ import annotations

import pytest
import shapely

from planning.application import Application
from planning.batch import cases_of
from planning.groundwork import Groundwork
from planning.plan import plan
from planning.previews import Previews
from tests import towns
from tests.towns import application, ground, main, parcel, town


def test_previews_are_the_cheapest_routes_of_the_plan(
    sample_work: Groundwork, sample_cases: list[Application]
) -> None:
    previews = Previews(sample_work)
    cases = cases_of(sample_work.survey, sample_cases, towns.dig_date())
    shown = 0
    for case in (cases[0], cases[120]):
        lines = plan(case, sample_work.survey, sample_work.policy, corridors=sample_work).lines
        for utility, preview in previews.of(case).items():
            planned = lines[utility].routes.get("cheapest")
            assert (preview is None) == (planned is None)
            if preview is None or planned is None:
                continue
            shown += 1
            assert preview.way == planned.way
            assert shapely.equals_exact(preview.line, planned.line, 1e-9)
            assert preview.figures["length_m"] == pytest.approx(planned.figures["length_m"])
            assert preview.figures["cost_yuan"] == pytest.approx(planned.figures["cost_yuan"])
    assert shown >= 6


def test_a_parcel_that_nothing_reaches_has_none() -> None:
    survey = town(parcels={"P-1": parcel(100, 60, 140, 90)}, lines={"W-1": main((0, 8), (300, 8))})
    assert Previews(ground(survey)).of(application()) == {"water": None}
    assert Previews(ground(town())).of(application()) == {"water": None}


def test_a_stub_shows_its_own_length() -> None:
    # Main at y = 8, red line at y = 12.
    survey = town(lines={"W-1": main((0, 8), (300, 8))})
    preview = Previews(ground(survey)).of(application())["water"]
    assert preview is not None
    assert preview.tie_in_id == "W-1"
    assert preview.figures["length_m"] == pytest.approx(4)
