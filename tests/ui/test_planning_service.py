"""After an edit of a layer the page goes on with the groundwork that stands."""

from __future__ import annotations

import pytest
from shapely.geometry import box

from layers.survey import LayerVersion, Survey
from tests.planning.edits import added, ribbon
from tests.towns import dig_date
from ui import planning_service
from ui.county import County
from ui.planning_service import plan_of_parcel

pytestmark = pytest.mark.slow_first


def _county(survey: Survey, sha256: str) -> County:
    version = LayerVersion(
        "buildings", 1, "1.gpkg", sha256, 0, "EPSG:4547", "internal", "2026-11-22", "b.csv", 0
    )
    stored = Survey(
        survey.crs, survey.tables, survey.county, survey.synthetic, {"buildings": version}
    )
    return County(stored, {}, {}, (114.0, 31.0, 115.0, 32.0))


def test_an_edit_is_built_into_the_groundwork_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    planning_service._groundwork.cache_clear()
    planning_service._latest.clear()
    first = plan_of_parcel("P-2n", dig_date(), _county(ribbon(), "one"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("all was built anew")

    monkeypatch.setattr(planning_service, "prepare", refuse)
    monkeypatch.setattr("planning.local_edits.prepare", refuse)
    house = added(ribbon(), "buildings", geometry=box(300, 5.5, 308, 11))
    second = plan_of_parcel("P-2n", dig_date(), _county(house, "two"))
    water = [
        next(one for one in plan["utilities"] if one["utility"] == "water")
        for plan in (first, second)
    ]
    assert all(one["status"] == "routed" for one in water)
    assert planning_service._latest[0].survey.tables["buildings"].index[-1] == "X-1"
