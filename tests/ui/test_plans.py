"""The hand-made plans that the page is tested with are plans as the planner would give them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_schemas import faults
from tests.ui.full_plan import full_plan
from tests.ui.town import applications
from tests.ui.town_plan import plan_json

PARCEL = {"application_id": None, "parcel_id": "P-0009", "dig_date": "2026-12-01"}


@pytest.mark.parametrize("application", [*applications(), PARCEL])
def test_every_hand_made_plan_keeps_to_the_schema(application: dict[str, Any]) -> None:
    assert faults("plan", plan_json(application)) == []


def test_the_full_plan_keeps_to_the_schema() -> None:
    assert faults("plan", full_plan()) == []
