"""Rails and bridge decks on a route are told, and that its cost counts them as a trench."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import LineString, box

from planning.notices import Notice
from planning.plan import Plan, plan
from reports.summary import ASSUMED, plan_summary
from tests import towns
from tests.towns import application, main, parcel, street, town

# The parcel's front runs from x = 60 to 100, the main begins at x = 200: the way goes by x = 160.
MAIN = {"M": main((200, 8), (300, 8))}
PARCEL = {"P-1": parcel(60, 12, 100, 52)}
RAILS = {"L-1": {"geometry": LineString([(160, -100), (160, 100)]), "electrified": True}}
RIVER = {"H-1": {"geometry": box(138, -200, 162, 200)}}
# The bridge reaches 8 m beyond the water on both sides.
BRIDGE = {
    "R-1": street((0, 0), (130, 0)),
    "B-1": street((130, 0), (170, 0), on_bridge=True),
    "R-2": street((170, 0), (300, 0)),
}


def planned(**layers: Any) -> Plan:
    case = application(gate=(98, 12))
    return plan(case, town(lines=MAIN, parcels=PARCEL, **layers), towns.policy())


def told(made: Plan) -> list[Notice]:
    return [one for one in made.notices if one.kind in ("railway_crossing", "bridge_deck")]


def test_rails_across_the_way_are_named_and_their_price_is_not_counted() -> None:
    made = planned(railways=RAILS)
    [one] = told(made)
    assert (one.kind, one.layer, one.feature_id) == ("railway_crossing", "railways", "L-1")
    assert "路由穿越铁路 L-1" in one.text
    assert "railway_crossing" in made.assumed
    assert any(ASSUMED["railway_crossing"] in line for line in plan_summary(made))


def test_a_deck_is_told_with_its_metres_by_its_road() -> None:
    made = planned(roads=BRIDGE, water_bodies=RIVER)
    [one] = told(made)
    assert (one.kind, one.layer, one.feature_id) == ("bridge_deck", "roads", "B-1")
    assert "40.00 米敷设在桥上" in one.text
    assert "bridge_deck" in made.assumed


def test_a_deck_that_no_road_tells_is_told_by_the_water_beneath() -> None:
    made = planned(water_bodies=RIVER)
    [one] = told(made)
    assert (one.kind, one.layer, one.feature_id) == ("bridge_deck", "water_bodies", "H-1")
    assert "24.00 米" in one.text


@pytest.mark.parametrize(
    "layers",
    [
        {},
        {"railways": {"L-1": {"geometry": LineString([(250, -100), (250, 100)])}}},
        {"water_bodies": {"H-1": {"geometry": box(60, -300, 90, -100)}}},
    ],
)
def test_what_lies_beside_the_way_is_not_told(layers: dict[str, Any]) -> None:
    made = planned(**layers)
    assert told(made) == []
    assert not {"railway_crossing", "bridge_deck"} & made.assumed
