"""Second feeds: another source, another street side where there is one, and a price."""

from __future__ import annotations

from typing import Any

import pytest
from shapely.geometry import box

from planning.plan import plan
from tests.towns import application, main, node, policy, street, town

UNIT = {"utility": "power", "kind": "ring_main_unit", "spare_bays": 2, "voltage_kv": 10.0}
POWER = {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150, "feeds": 2}


def entry(utility: str, wish: dict[str, Any], *, gate: Any = None, **layers: Any) -> dict[str, Any]:
    case = application(demands={utility: wish}, gate=gate)
    document = plan(case, town(**layers), policy()).to_json()
    return next(one for one in document["utilities"] if one["utility"] == utility)


def water(**layers: Any) -> dict[str, Any]:
    return entry("water", {"nominal_mm": 200, "material": "PE", "feeds": 2}, **layers)


def test_a_single_feed_has_no_second() -> None:
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main((0, -8), (300, -8))}
    assert entry("water", {"nominal_mm": 200}, lines=lines)["second_feed"] is None


def test_the_second_feed_comes_from_another_main_with_its_price() -> None:
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main((0, -8), (300, -8))}
    line = water(lines=lines)
    first, found = line["routes"][0], line["second_feed"]
    assert (first["tie_in"]["line_id"], found["route"]["tie_in"]["line_id"]) == ("W-1", "W-2")
    assert (found["reason"], found["route"]["kind"]) == (None, "second")
    assert found["together"]["cost_yuan"] == pytest.approx(
        first["cost_yuan"] + found["route"]["cost_yuan"]
    )
    # Two feeds are laid: what one route measures is not what the clause counts, but both are.
    assert found["route"]["measures"]["pipe_length_m"] is None
    measures = {one["name"]: one["value"] for one in line["measures"]}
    assert measures["pipe_length_m"] == found["together"]["length_m"]
    assert measures["pipe_length_m"] == pytest.approx(
        first["length_m"] + found["route"]["length_m"]
    )
    assert line["verdict"]["alone"]["outcome"] == "commitment"


WEST, EAST = main((0, 8), (60, 8)), main((200, 8), (300, 8))


def test_the_feeds_keep_to_street_sides_of_their_own() -> None:
    """To both mains it is shortest on the near side; one of them goes round."""
    line = water(lines={"W-1": WEST, "W-2": EAST})
    first, found = line["routes"][0], line["second_feed"]
    joined = {
        first["tie_in"]["line_id"]: first,
        found["route"]["tie_in"]["line_id"]: found["route"],
    }
    assert (set(joined), found["apart"]) == ({"W-1", "W-2"}, "side")
    assert first["cost_yuan"] <= found["route"]["cost_yuan"]
    assert sorted(one["crossing_count"] for one in joined.values()) == [0, 2]
    # The parcel reaches from x = 100 to 140: 40 m from W-1, which ends at 60, and 60 from W-2.
    assert first["length_m"] == pytest.approx(1.25 + 42 + 5.25)
    south = [y - 3_502_000.0 for _, y in joined["W-2"]["geometry"]["coordinates"]]
    assert min(south) == pytest.approx(-6.75)


def test_where_there_is_one_side_only_it_keeps_off_the_same_edges_if_it_can() -> None:
    river = {"V-1": {"kind": "river", "geometry": box(-50, -60, 350, -5.2)}}
    case: dict[str, Any] = {"water_bodies": river}
    found = water(lines={"W-1": WEST, "W-2": EAST}, **case)["second_feed"]
    # Where no edge of the strip is shared, ways to mains along it are not told to lie on a side.
    assert found["apart"] in ("edges", "side")
    assert found["route"]["crossing_count"] == 0
    lines = {"W-1": main((70, 8), (80, 8)), "W-2": main((62, 8), (69, 8))}
    found = water(lines=lines, gate=(120, 12), **case)["second_feed"]
    assert (found["apart"], found["route"]["tie_in"]["line_id"]) == ("none", "W-2")


def test_without_another_main_there_is_a_reason() -> None:
    found = water(lines={"W-1": main((0, 8), (300, 8))})["second_feed"]
    assert (found["route"], found["reason"], found["together"]) == (None, "no_other_source", None)


def test_two_units_on_one_line_are_one_source() -> None:
    def reason(*line_ids: str | None) -> tuple[str | None, str | None]:
        nodes = {
            f"N-{x}": node(x, 8.5, **UNIT, line_id=line_id)
            for x, line_id in zip((110, 130, 150), line_ids, strict=True)
        }
        found = entry("power", POWER, nodes=nodes)["second_feed"]
        joined = found["route"] and found["route"]["tie_in"]["node_id"]
        return found["reason"], joined

    assert reason("D-1", "D-1", "D-2") == (None, "N-150")
    assert reason("D-1", "D-1", "D-1") == ("no_other_source", None)
    assert reason("D-1", "D-1", None) == ("source_unknown", None)
    assert reason(None, None, None) == ("source_unknown", None)


def test_two_pieces_of_one_main_are_one_source() -> None:
    lines = {"W-1": main((0, 8), (120, 8)), "W-2": main((120, 8), (300, 8))}
    found = water(lines=lines)["second_feed"]
    assert (found["route"], found["reason"]) == (None, "no_other_source")


def test_mains_that_meet_are_named_for_the_utility_to_answer() -> None:
    def told(**lines: Any) -> list[str]:
        wish = {"water": {"nominal_mm": 200, "material": "PE", "feeds": 2}}
        made = plan(application(demands=wish), town(lines=lines), policy())
        return [one.text for one in made.notices if one.kind == "mains_meet"]

    along, across = main((0, 8), (300, 8)), main((300, 8), (300, -8), (0, -8))
    assert told(**{"W-1": along, "W-2": main((0, -8), (299, -8))}) == []
    branch = main((150, 8), (150, -8), (0, -8))
    assert len(told(**{"W-1": along, "W-2": branch})) == 1
    assert told(**{"W-1": along, "W-2": across}) == []  # one main: there is no second feed
    # A main of two pieces, of which the feed joins the second: this is named, and its main.
    pieces = {"W-0": main((-300, 8), (0, 8)), "W-1": along, "W-2": branch}
    [text] = told(**pieces)
    assert "两路所接的 W-1(属干管 W-0) 和 W-2 相连" in text


def test_notices_and_assumptions_are_of_both_feeds() -> None:
    """The second feed lies across a street that will be made anew and whose surface is unknown."""
    roads = {"R-1": street((0, 0), (300, 0), planned_works_on="2027-06-01", surface=None)}
    lines = {"W-1": main((0, 56), (300, 56)), "W-2": main((0, -8), (300, -8))}
    roads["R-2"] = street((0, 64), (300, 64))
    wish = {"water": {"nominal_mm": 200, "material": "PE", "feeds": 2}}
    made = plan(application(demands=wish), town(roads=roads, lines=lines), policy())
    line = made.lines["water"]
    assert [one.figures["crossing_count"] for one in line.feeds] == [0, 1]
    assert [one.feature_id for one in made.notices if one.kind == "planned_road_works"] == ["R-1"]
    assert "road_surface" in made.assumed
