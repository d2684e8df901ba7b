"""Open cut or trenchless: by cost, where a bore and its pits fit; facts follow from the method.

The usual street is 10 m from kerb to kerb, its strips are 13.5 m apart (y = -6.75 to 6.75). Pits
are 2.0 m along the line and 1.5 m across (policy), in the middle of a bore's ends.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import box

from layers.survey import Survey
from planning.batch import screen
from planning.crossing_methods import method_of
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, prepare
from planning.judged_routes import Route
from planning.plan import plan
from planning.quantities import Prices, load_prices
from tests import towns
from tests.towns import application, main, parcel, street, town

# The main ends west on the far side, the gate lies on the near side: the crossing is a choice.
LINES = {"W-1": main((0, -6.75), (20, -6.75))}
GATE = (102, 12)
PIT_M2 = 2.0 * 1.5


def prices(**yuan: str) -> Prices:
    """The example prices with other prices for some items."""
    known = load_prices()
    rows = tuple(
        replace(row, price_yuan=Decimal(yuan[row.item])) if row.item in yuan else row
        for row in known.rows
    )
    return Prices(rows, known.file)


CHEAP = prices(trenchless_setup="500", trenchless="100")


def solved(survey: Survey, priced: Prices = CHEAP, **changes: Any) -> tuple[Groundwork, Route]:
    case = application(**{"gate": GATE, **changes})
    work = prepare(survey, towns.policy(), [case], prices=priced)
    site = work.site(case)
    line: ExternalLine = external_lines(work, case.demands["water"], [site], nearby_finder())[
        site.key
    ]
    assert line.route is not None, line.reason
    return work, line.routes["cheapest"]


def test_the_cheaper_method_is_chosen() -> None:
    _, bored = solved(town(lines=LINES))
    _, cut = solved(town(lines=LINES), load_prices())
    assert (len(bored.bored), len(cut.bored)) == (1, 0)
    assert bored.figures["length_m"] == pytest.approx(cut.figures["length_m"])
    assert bored.figures["kerb_m"] == pytest.approx(10)
    assert bored.figures["cost_yuan"] < cut.figures["cost_yuan"]


def test_a_bore_costs_its_set_up_its_metres_its_pipe_and_its_pits() -> None:
    work, route = solved(town(lines=LINES))
    pipe = application().demands["water"].pipe
    rates = work.rates(pipe).yuan_m
    pipe_yuan_m = work.prices.pipe_yuan_m(pipe)
    assert pipe_yuan_m is not None
    open_m = route.figures["length_m"] - 13.5
    # Pits lie in the footway: restoration 180 yuan per square metre in the example prices.
    bore = 500 + 13.5 * (100 + pipe_yuan_m) + 2 * PIT_M2 * 180
    assert route.figures["cost_yuan"] == pytest.approx(open_m * rates["footway"] + bore)


@pytest.mark.parametrize(("priced", "bored"), [(CHEAP, True), (load_prices(), False)])
def test_only_bores_that_may_cost_less_than_a_cut_are_looked_at(
    priced: Prices, bored: bool
) -> None:
    work = prepare(town(lines=LINES), towns.policy(), prices=priced)
    pipe = application().demands["water"].pipe
    cheaper = work.methods(pipe, all_bores=False)
    assert "bores" not in vars(work.ground)
    every = work.methods(pipe)
    assert np.isfinite(every.bore_yuan).any()
    assert bool(np.isfinite(cheaper.bore_yuan).any()) is bool(cheaper.bored.any()) is bored
    for name in ("yuan", "bored"):
        np.testing.assert_array_equal(getattr(cheaper, name), getattr(every, name))


def test_only_the_pits_of_a_bore_take_green_and_stand_in_the_strip() -> None:
    # Greenery everywhere: the strip takes its width over the open metres; the pits add what
    # reaches past the strip's sides and ends.
    green = {"V-1": {"kind": "verge", "geometry": box(-50, -40, 400, 40)}}
    work, route = solved(town(lines=LINES, green=green))
    assert len(route.bored) == 1
    assert route.strip is not None
    pits = work.ground.bores.pits_of(route.bored)
    assert [round(pit.area, 6) for pit in pits] == [PIT_M2, PIT_M2]
    assert all(route.strip.covers(pit.buffer(-1e-6)) for pit in pits)
    middle = shapely.affinity.translate(box(-50, -5.5, 400, 5.5), *towns.ORIGIN)
    assert route.strip.intersection(middle).area == pytest.approx(0)
    assert route.figures["green_m2"] == pytest.approx(route.strip.area)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        # 7 m between the kerbs: 10.5 m from strip to strip; 6 m: 9.5 m, less than the least 10 m.
        ({"roads": {"R-1": street((0, 0), (300, 0), carriageway_width_m=7.0)}}, True),
        ({"roads": {"R-1": street((0, 0), (300, 0), carriageway_width_m=6.0)}}, False),
        # A narrow footway: strips 0.7 m behind the kerb, half a pit needs 1 m.
        ({"roads": {"R-1": street((0, 0), (300, 0), red_line_width_m=12.0)}}, False),
        # A wall of buildings along the southern strip leaves no room for the pits.
        ({"buildings": {"B-1": {"geometry": box(-10, -9, 310, -7.2)}}}, False),
    ],
)
def test_a_bore_needs_length_and_room_for_its_pits(changes: dict[str, Any], fits: bool) -> None:
    work = prepare(town(lines=LINES, **changes), towns.policy(), prices=CHEAP)
    assert bool(len(work.ground.bores.edge)) is fits


def test_a_pipe_of_unknown_size_is_not_bored() -> None:
    _, route = solved(town(lines=LINES), demands={"water": {}})
    assert route.bored == ()
    assert (route.facts["open_cut"], route.facts["pit_in_road"]) == (True, False)


def test_a_street_bored_between_its_kerbs_has_its_pits_in_its_footways() -> None:
    _, route = solved(town(lines=LINES))
    assert (route.facts["open_cut"], route.facts["pit_in_road"]) == (True, True)
    young = {"R-1": street((0, 0), (300, 0), opened_on="2024-01-01")}
    assert solved(town(lines=LINES, roads=young))[1].verdict.outcome == "blocked"


# A young side street between the main and the gate, all on the northern side.
SIDE = {"W-1": main((0, 6.75), (40, 6.75))}
FAR = {"P-1": parcel(180, 12, 220, 40)}


def side_street(**changes: Any) -> towns.Rows:
    return {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((150, 0), (150, 100), opened_on="2024-01-01", **changes),
    }


def test_a_young_side_street_is_passed_under_without_being_opened() -> None:
    # Red line of R-2: x = 140 to 160. Pits (2.0 m) end 0.1 m before it: the bore runs from
    # x = 138.9 to x = 161.1, 22.2 m.
    survey = town(roads=side_street(), lines=SIDE, parcels=FAR)
    work, route = solved(survey, gate=(200, 12))
    (edge,) = route.bored
    assert work.corridors.graph.length_m[edge] == pytest.approx(22.2)
    assert (route.facts["open_cut"], route.facts["pit_in_road"]) == (True, True)
    roads = work.corridors.surfaces.table["road_id"]
    assert [roads[row] for row in route.roads] == ["R-1"]
    assert route.facts["road_opened_on"] == ["2010-01-01"]
    assert route.verdict.outcome == "commitment"
    assert route.figures["kerb_m"] == pytest.approx(10)  # crossed all the same
    _, cut = solved(survey, load_prices(), gate=(200, 12))
    assert cut.verdict.outcome == "blocked"


def test_a_side_street_without_a_known_red_line_is_not_promised_to_stay_closed() -> None:
    survey = town(roads=side_street(red_line_width_m=None), lines=SIDE, parcels=FAR)
    work = prepare(survey, towns.policy(), prices=CHEAP)
    kind = work.corridors.graph.measures["kind"]
    assert (kind == "bore").sum() == 0


def test_a_no_dig_area_is_bored_under_only_where_the_layer_says_so() -> None:
    area = {"JW-1": {"geometry": box(130, 5, 170, 9)}}
    allowed = {"JW-1": {**area["JW-1"], "geometry": box(141, 5, 159, 9), "trenchless": True}}
    refused = {"JW-1": {**allowed["JW-1"], "trenchless": None}}
    layers: dict[str, Any] = {"roads": side_street(), "lines": SIDE, "parcels": FAR}
    _, under = solved(town(no_dig=allowed, **layers), gate=(200, 12))
    assert len(under.bored) == 1
    assert under.figures["crossing_count"] == 1
    _, around = solved(town(no_dig=refused, **layers), gate=(200, 12))
    here = shapely.affinity.translate(refused["JW-1"]["geometry"], *towns.ORIGIN)
    assert around.line.intersection(here).is_empty
    assert around.figures["crossing_count"] == 2  # over the main street and back


def test_a_bored_line_is_left_out_of_the_shared_trench() -> None:
    gas = {"G-1": main((0, -7.5), (20, -7.5), utility="gas", pressure_mpa=0.2)}
    case = application(
        gate=GATE,
        demands={
            "water": {"nominal_mm": 200, "material": "PE"},
            "gas": {"nominal_mm": 100, "pressure_mpa": 0.2, "material": "PE"},
        },
    )
    survey = town(lines={**LINES, **gas})
    assert plan(case, survey, towns.policy()).joint is not None
    assert plan(case, survey, towns.policy(), prices=CHEAP).joint is None


def test_the_plan_tells_the_method_and_draws_the_pits() -> None:
    survey = town(roads=side_street(), lines=SIDE, parcels=FAR)
    case = application(gate=(200, 12))
    answer = plan(case, survey, towns.policy(), prices=CHEAP).to_json()
    (route, *_) = answer["utilities"][0]["routes"]
    assert [(one["road_id"], one["method"]) for one in route["crossings"]] == [
        ("R-2", "trenchless")
    ]
    assert len(route["pits"]) == 2
    (route, *_) = plan(case, survey, towns.policy()).to_json()["utilities"][0]["routes"]
    assert [one["method"] for one in route["crossings"]] == ["open_cut"]
    assert route["pits"] == []


def test_a_road_met_twice_may_be_both_cut_and_bored() -> None:
    pieces = shapely.MultiLineString([[(0, 0), (0, 10)], [(5, 0), (5, 10)]])
    beneath = np.array([shapely.LineString([(5, -2), (5, 12)])])
    assert method_of(pieces, beneath) == "both"
    assert method_of(pieces, beneath[:0]) == "open_cut"
    assert method_of(pieces.geoms[1], beneath) == "trenchless"


def test_the_screening_chooses_as_the_plan_does() -> None:
    survey = town(roads=side_street(), lines=SIDE, parcels=FAR)
    case = application(gate=(200, 12))
    work = prepare(survey, towns.policy(), [case], prices=CHEAP)
    row = screen(work, [case], ["water"]).iloc[0]
    route = plan(case, survey, towns.policy(), corridors=work).lines["water"].route
    assert route is not None
    assert row["geometry"].equals(route.line)
    assert (row["outcome"], row["cost_yuan"], row["green_m2"]) == (
        route.verdict.outcome,
        pytest.approx(route.figures["cost_yuan"]),
        pytest.approx(route.figures["green_m2"]),
    )
