"""Verdicts that rest on how wide the working strip is, which nobody verified, are not firm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from layers.survey import Survey
from planning.application import default_application
from planning.batch import screen
from planning.external_lines import ExternalLine
from planning.other_widths import margins_of
from planning.plan import plan
from planning.policy_model import Policy
from tests import towns
from tests.finders import check_screening_equals_plans
from tests.towns import application, main, parcel, policy, street, town

pytestmark = pytest.mark.slow_first

# Known to a few centimetres, so that only the width of the strip is left to doubt.
SEEN = {"position_source": "surveyed", "position_accuracy_m": 0.005}
AREAS = {key: {**one, **SEEN} for key, one in {**towns.URBAN, **towns.NETWORKS}.items()}
# DN200 PE: 0.2 m outside, working space 0.3 m, margin 0.5 m on each side: a strip of 1.8 m.
DEMAND = {"water": {"nominal_mm": 200, "material": "PE"}}


def seen(**layers: Any) -> Survey:
    near: dict[str, Any] = {
        "roads": {"R-1": street((0, 0), (300, 0), **SEEN)},
        "parcels": {"P-1": parcel(100, 12, 140, 52, **SEEN)},
        "lines": {"W-1": main((0, 8), (20, 8), **SEEN)},
        "service_areas": AREAS,
    }
    return town(**{**near, **layers})


def verge(west: float, east: float, south: float = 5.0, north: float = 9.0) -> dict[str, Any]:
    """Greenery around the strip of the street, at y = 6.75."""
    return {"G-1": {"kind": "verge", "geometry": box(west, south, east, north), **SEEN}}


def water(survey: Survey, rules: Policy | None = None) -> ExternalLine:
    case = application(demands=DEMAND, gate=(138, 12))
    return plan(case, survey, rules or policy()).lines["water"]


def told(survey: Survey, rules: Policy | None = None) -> tuple[str, str]:
    verdict = water(survey, rules).verdict
    assert verdict is not None
    return verdict.outcome, verdict.certainty


def setting(name: str, rules: Policy | None = None, **changes: Any) -> Policy:
    rules = rules or policy()
    known = rules.planning.settings
    changed = {**known, name: replace(known[name], **changes)}
    value = {name: changes["value"]} if "value" in changes else {}
    return replace(rules, planning=replace(rules.planning, settings=changed, **value))


def test_the_area_at_both_ends_is_that_of_the_pipe_and_of_a_generous_margin() -> None:
    # 60 m of verge all along the strip: as wide as the pipe it is 0.2 m, at most 0.8 + 2 * 1 m.
    line = water(seen(green=verge(40, 100)))
    assert line.route is not None
    [(narrow, wide)] = line.route.judging.exactness.other_widths
    outside = 0.2
    assert narrow["green_affected_m2"] == pytest.approx(60 * outside, abs=0.01)
    assert wide["green_affected_m2"] == pytest.approx(60 * (outside + 2 * 0.3 + 2 * 1.0), abs=0.01)
    taken = line.route.measures["green_affected_m2"]
    assert taken == pytest.approx(60 * (outside + 2 * 0.3 + 2 * 0.5), abs=0.01)


# Clause (1) allows 200 m2: 1.8 m take 111.1 m for it, 2.8 m 71.4 m, and the pipe alone 1,000 m.
@pytest.mark.parametrize(
    ("metres", "expected"),
    [
        (0, ("commitment", "firm")),
        (60, ("commitment", "firm")),  # 168 m2 at most
        (75, ("commitment", "rests_on_unverified")),  # 135 m2, 210 at most
        (116, ("ordinary_approval", "rests_on_unverified")),  # 209 m2, but 23 at least
    ],
)
def test_an_area_is_firm_where_it_stands_at_every_width(
    metres: float, expected: tuple[str, str]
) -> None:
    near, east = verge(20.5, 20.5 + metres), 20.5 + metres
    far = {"G-2": {**near["G-1"], "geometry": box(20.5, -9, east, -5)}}
    assert told(seen(green={**near, **far} if metres else {})) == expected


def test_what_is_verified_is_not_doubted() -> None:
    survey = seen(green=verge(20.5, 95.5))
    assert told(survey) == ("commitment", "rests_on_unverified")
    sure = setting("work_margin_m", confidence="verified")
    work = towns.ground(survey)
    pipe = application(demands=DEMAND).demands["water"].pipe
    assert margins_of(work, pipe) == (0.8, 0.5)
    assert margins_of(replace(work, policy=sure), pipe) == (0.3, 0.5)
    b1 = work.standards.working_space(pipe)
    verified = replace(b1, confidence="verified")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(work.standards), "working_space", lambda *_: verified)
        assert margins_of(work, pipe) == (0.5, 0.5)
        assert margins_of(replace(work, policy=sure), pipe) == (0.0, 0.0)
        assert told(survey, sure) == ("commitment", "firm")


def test_a_verge_that_only_a_wider_strip_meets_may_ask_for_a_permit() -> None:
    # An estate road and no other permit: 0.15 m beside the strip of 1.8 m begins a verge.
    estate = {"R-1": street((0, 0), (300, 0), authority="estate", **SEEN)}
    assert told(seen(roads=estate)) == ("not_required", "firm")
    beside = verge(40, 60, 7.8, 9.0)
    assert told(seen(roads=estate, green=beside)) == ("not_required", "rests_on_unverified")
    away = verge(40, 60, 8.3, 9.0)
    assert told(seen(roads=estate, green=away)) == ("not_required", "firm")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 130), st.floats(1, 120), st.floats(4, 8)), max_size=3),
    st.floats(0.05, 1.0),
)
def test_a_firm_outcome_stands_with_any_margin(
    verges: list[tuple[float, float, float]], margin_m: float
) -> None:
    rows = {
        f"G-{k}": {"kind": "verge", "geometry": box(x, y, x + length, y + 1.5), **SEEN}
        for k, (x, length, y) in enumerate(verges)
    }
    outcome, certainty = told(seen(green=rows))
    other, _ = told(seen(green=rows), setting("work_margin_m", value=margin_m))
    assert certainty != "firm" or outcome == other


def test_screening_says_of_widths_what_plans_do() -> None:
    """Sixteen parcels of one kind, so that arrays tell them; verges of many lengths before them."""
    west = [150.0 * number for number in range(16)]
    parcels = {f"P-{n}": parcel(x + 100, 12, x + 140, 52, **SEEN) for n, x in enumerate(west)}
    green = {
        f"G-{n}": {"kind": "verge", "geometry": box(x + 20, 5, x + 20 + 7 * n, 9), **SEEN}
        for n, x in enumerate(west)
    }
    stubs = {f"W-{n}": main((x + 5, 8), (x + 15, 8), **SEEN) for n, x in enumerate(west)}
    survey = seen(
        roads={"R-1": street((0, 0), (2400, 0), **SEEN)},
        parcels=parcels,
        lines=stubs,
        green=green,
        service_areas={
            key: {**one, "geometry": box(-500, -500, 3500, 1500)} for key, one in AREAS.items()
        },
    )
    cases = [
        replace(
            default_application(one, "residential", towns.dig_date()),
            application_id=f"A-{one}",
            source="application",
            demands=application(demands=DEMAND).demands,
        )
        for one in parcels
    ]
    work = towns.ground(survey)
    plans = [plan(case, survey, policy(), corridors=work).to_json() for case in cases]
    water = [one for made in plans for one in made["utilities"] if one["utility"] == "water"]
    found = {one["verdict"]["alone"]["certainty"] for one in water}
    assert {"firm", "rests_on_unverified"} <= found
    table = screen(work, cases)
    assert check_screening_equals_plans(table, cases, plans) == 16
