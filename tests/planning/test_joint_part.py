"""The part of the graph that a joint plan looks at holds all that any plan of its cost can use."""

from __future__ import annotations

import numpy as np
import pytest

import planning.joint_part as joint_part
from planning.external_lines import lines_of_site
from planning.groundwork import Groundwork, Site, SiteError
from planning.joint import Joint, plan_together
from tests import towns
from tests.random_counties import random_county
from tests.towns import application

DEMANDS = {
    "water": {"nominal_mm": 150, "material": "PE"},
    "gas": {"nominal_mm": 100, "pressure_mpa": 0.2, "material": "PE"},
    "telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110, "laying": "conduit"},
}
COUNTIES = 16


def site_in(work: Groundwork, seed: int) -> Site | None:
    parcels = work.survey.tables["parcels"].index
    chosen = str(parcels[seed % len(parcels)])
    try:
        return work.site(application(parcel_id=chosen, demands=DEMANDS))
    except SiteError:
        return None


def told(found: Joint) -> tuple[object, ...]:
    plan = found.plan
    own = None if plan.own is None else plan.own.yuan.sum()
    figures = plan.cost_yuan, plan.roomy_cost_yuan, own or 0.0
    return plan.utilities, found.fits, np.round(figures, 4).tolist()


def test_plans_of_the_part_are_those_of_all_that_lies_around(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Edges that no member can pass within the cost are left out, and change nothing."""
    looked_at: list[int] = []
    narrowed = joint_part._passed_within

    def counted(*args: object) -> object:
        passed = narrowed(*args)  # type: ignore[arg-type]
        looked_at.append(int((~passed).sum()))
        return passed

    compared = 0
    for seed in range(COUNTIES):
        work = towns.ground(random_county(seed))
        site = site_in(work, seed)
        if site is None:
            continue
        lines = lines_of_site(work, site)
        monkeypatch.setattr(joint_part, "_passed_within", counted)
        part = plan_together(work, site, lines)
        monkeypatch.setattr(
            joint_part, "_passed_within", lambda work, site, edges, *_: np.ones(len(edges), bool)
        )
        whole = plan_together(work, site, lines)
        assert (part is None) == (whole is None)
        if part is not None and whole is not None:
            assert told(part) == told(whole), seed
            assert part.plan.bound_yuan >= whole.plan.bound_yuan - 1e-6
            compared += 1
    assert compared >= 5
    assert np.count_nonzero(looked_at) >= 3  # counties where something was left out
