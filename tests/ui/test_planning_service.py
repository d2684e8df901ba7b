"""After an edit of a layer the page goes on with the groundwork that stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from threading import Thread
from time import monotonic, sleep

import pytest
from shapely.geometry import box

from layers.survey import LayerVersion, Survey
from tests.planned_town import documents, planned_town
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

    monkeypatch.setattr(planning_service, "prepare", _refuse)
    monkeypatch.setattr("planning.local_edits.prepare", _refuse)
    house = added(ribbon(), "buildings", geometry=box(300, 5.5, 308, 11))
    second = plan_of_parcel("P-2n", dig_date(), _county(house, "two"))
    water = [
        next(one for one in plan["utilities"] if one["utility"] == "water")
        for plan in (first, second)
    ]
    assert all(one["status"] == "routed" for one in water)
    assert planning_service._latest[0].survey.tables["buildings"].index[-1] == "X-1"


def test_the_page_takes_an_edit_in_before_a_click_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning_service, "_wanted", [])
    planning_service._groundwork.cache_clear()
    planning_service._latest.clear()
    before = _county(ribbon(), "one")
    planning_service.keep_ready(before)
    assert not planning_service._latest, "only what a server made ready is kept so"
    planning_service.warm_up(before)
    house = added(ribbon(), "buildings", geometry=box(300, 5.5, 308, 11))
    after = _county(house, "two")
    planning_service.keep_ready(after)
    planning_service.keep_ready(after)  # as every click draws the page again
    _wait_until(lambda: any(one.survey is after.survey for one in planning_service._latest))
    _wait_until(lambda: not planning_service.is_preparing())
    monkeypatch.setattr(planning_service, "edited", _refuse)
    plan_of_parcel("P-2n", dig_date(), after)


def test_a_county_that_has_another_in_its_place_is_not_made_ready_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning_service, "_wanted", [])
    made: list[object] = []
    monkeypatch.setattr(planning_service, "_groundwork", made.append)
    old, new = _county(ribbon(), "one"), _county(ribbon(), "two")
    with planning_service._one_at_a_time:
        waiting = Thread(target=planning_service.warm_up, args=(old,))
        waiting.start()
        _wait_until(lambda: planning_service._wanted == [old])
        planning_service._wanted[:] = [new]
    waiting.join(timeout=30)
    assert not waiting.is_alive()
    assert not made


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = monotonic() + 60
    while not is_so():
        assert monotonic() < end
        sleep(0.02)


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("all was made once more")


def test_the_page_tells_that_the_day_of_digging_has_passed_on_the_day_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = documents()[0]  # to be dug on 2026-11-22
    county = replace(
        _county(planned_town(), "one"), applications={document["application_id"]: document}
    )
    told: list[list[str]] = []
    for today in (date(2026, 11, 22), date(2026, 11, 23)):
        monkeypatch.setattr(
            planning_service, "date", type("Day", (), {"today": lambda day=today: day})
        )
        found = planning_service.plan_of_application(document["application_id"], county)
        told.append([one["text"] for one in found["notices"] if one["layer"] == "applications"])
    assert told == [
        [],
        ["拟开挖日期 2026-11-22 已过:结论按该日判定,请改申请的 dig_date 后重新编制"],
    ]
