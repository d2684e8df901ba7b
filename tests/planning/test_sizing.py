"""Sizes from needs: every figure worked out on paper, and what is missing is said."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import batch
from planning.application import default_application
from planning.batch import screen
from planning.groundwork import prepare
from planning.hydraulics import manning_flow_l_s, manning_velocity_m_s, wetted
from planning.plan import plan
from planning.sized_demands import with_sizes
from planning.sizing import Sizing, least_slope, size, told_otherwise
from planning.sizing_rules import Number, StormFormula, between, load_sizing_rules
from planning.standards import Pipe, load_standards
from tests import towns

UNSURE = "rests_on_unverified"
LIMIT = Number(160.0, "county", "recalled")


def sized(utility: str, /, pipe: Pipe | None = None, **wish: float) -> tuple[Pipe, Sizing | None]:
    return size(pipe or Pipe(utility), wish, "411523_xinxian", LIMIT)


def test_half_and_full_pipes_have_the_areas_and_radii_of_the_circle() -> None:
    assert wetted(2.0, 1.0) == pytest.approx((3.14159265, 0.5))
    assert wetted(2.0, 0.5) == pytest.approx((3.14159265 / 2, 0.5))
    # 300 mm, 0.55 full, 2 per mille, n 0.010: A 0.03984 m2, R 0.07947 m, v 0.827 m/s, Q 32.9 L/s.
    assert manning_velocity_m_s(0.3, 0.55, 0.002, 0.01) == pytest.approx(0.8266, abs=1e-4)
    assert manning_flow_l_s(0.3, 0.55, 0.002, 0.01) == pytest.approx(32.93, abs=0.01)
    with pytest.raises(ValueError, match="fill"):
        wetted(0.3, 0.0)


def test_water_of_a_hundred_households_needs_dn50_and_with_fire_dn100() -> None:
    # 320 people * 200 L = 64 m3 a day, * 2.5 / 86.4 = 1.852 L/s. PE DN40 (bore 44.1 mm): 1.21 m/s,
    # more than 1.2; DN50 (bore 55.6 mm): 0.76 m/s.
    pipe, sizing = sized("water", households=100)
    assert pipe.nominal_mm == 50
    assert sizing is not None
    assert "1.85" in sizing.steps[1]
    assert "0.76" in sizing.steps[2]
    assert (sizing.confidence, dict(sizing.inputs)) == ("assumed", {"households": 100})
    # DN80 (bore 79.4 mm) is too small by rule; DN100 (bore 97.1 mm): 16.85 L/s make 2.28 m/s.
    pipe, sizing = sized("water", households=100, fire_flow=15)
    assert pipe.nominal_mm == 100
    assert sizing is not None
    assert any("2.28" in step for step in sizing.steps)


@pytest.mark.parametrize(("material", "nominal"), [("PE", 250), ("PVC", 250), ("球墨铸铁", 200)])
def test_plastic_pipes_are_named_by_their_outside(material: str, nominal: float) -> None:
    """190 m3/h are 52.8 L/s: DN200 of bore 200 mm 1.68 m/s, of de200 (bore 176.5 mm) 2.16."""
    pipe, sizing = sized("water", Pipe("water", material=material), peak_hour_water=190)
    assert pipe.nominal_mm == nominal
    assert sizing is not None
    assert any("1.68" in step for step in sizing.steps) == (nominal == 200)


def test_the_users_own_flow_comes_before_quotas() -> None:
    pipe, sizing = sized("water", design_flow_l_s=10, daily_water=1, households=1)
    # Bore of DN80 79.4 mm: 2.02 m/s, more than 1.8; of DN100 97.1 mm: 1.35 m/s.
    assert pipe.nominal_mm == 100
    assert sizing is not None
    assert dict(sizing.inputs) == {"design_flow_l_s": 10}
    assert sizing.confidence == "assumed"
    assert sized("water", peak_hour_water=36)[0].nominal_mm == 100


def test_a_fire_flow_alone_tells_the_least_size_and_leaves_the_size_unknown() -> None:
    # PE DN80 is too small by rule; DN100 (bore 97.1 mm): 15 L/s make 2.03 m/s.
    pipe, sizing = sized("water", fire_flow=15)
    assert pipe == Pipe("water")
    assert sizing is not None
    assert (sizing.derived, sizing.filled) == ((), ())
    assert dict(sizing.least) == {"nominal_mm": 100}
    assert any("2.03" in step for step in sizing.steps)


@pytest.mark.parametrize(
    ("pipe", "wish", "least", "short"),
    [
        # 100 L/s: PE DN250 (de 250, bore 220.6 mm) 2.62 m/s, more than 2.5; DN300 (de 315, bore
        # 277.9 mm) 1.65 m/s.
        (Pipe("water", nominal_mm=250), {"fire_flow": 100}, 300, True),
        (Pipe("water", nominal_mm=300), {"fire_flow": 100}, 300, False),
        # 1.85 L/s need DN50, as above.
        (Pipe("water", nominal_mm=40), {"households": 100}, 50, True),
        (Pipe("water", nominal_mm=50), {"households": 100}, 50, False),
        (Pipe("water", nominal_mm=80), {"households": 100}, 50, False),
        # No listed pipe carries a hundred cubic metres a second.
        (Pipe("water", nominal_mm=1000), {"design_flow_l_s": 100_000}, inf, True),
        # An outside diameter of 110 mm tells DN100; the needs ask for more all the same.
        (Pipe("water"), {"outer_diameter_mm": 110, "design_flow_l_s": 100}, 300, True),
        (Pipe("water"), {"outer_diameter_mm": 315, "design_flow_l_s": 100}, 300, False),
        (Pipe("sewage", nominal_mm=200), {"drain_flow": 432}, 300, True),
        (Pipe("telecom", duct_holes=6), {"cables": 6}, 7, True),
        (Pipe("telecom", duct_holes=7), {"cables": 6}, 7, False),
        (Pipe("power", voltage_kv=0.4), {"requested_capacity": 161}, 10, True),
        (Pipe("power", voltage_kv=20), {"requested_capacity": 161}, 10, False),
        # 220 and 380 V are the low voltage that is told as 0.4 kV.
        (Pipe("power", voltage_kv=0.38), {"requested_capacity": 160}, 0.4, False),
        (Pipe("power", voltage_kv=0.22), {"requested_capacity": 5}, 0.4, False),
    ],
)
def test_a_size_that_is_given_below_the_needs_is_short(
    pipe: Pipe, wish: dict[str, float], least: float, short: bool
) -> None:
    _pipe, sizing = sized(pipe.utility, pipe, **wish)
    assert sizing is not None
    [(name, needed)] = sizing.least
    assert needed == least
    assert sizing.short == ((name,) if short else ())


def test_what_no_rule_derives_is_not_short() -> None:
    pipe, sizing = sized("gas", Pipe("gas", nominal_mm=25), gas_hourly=1000)
    assert pipe.nominal_mm == 25
    assert sizing is not None
    assert (sizing.least, sizing.short, sizing.unverified) == ((), (), ())


def test_sewage_is_sized_by_manning_at_its_greatest_fill() -> None:
    # 432 m3 a day are 5 L/s, factor 2.7: 13.5 L/s; DN300 carries 32.9 L/s.
    pipe, sizing = sized("sewage", drain_flow=432)
    assert pipe.nominal_mm == 300
    assert sizing is not None
    assert "13.50" in sizing.steps[0]
    # DN400, 0.65 full: 0.0865 m2 at 0.6 m/s are 51.9 L/s.
    assert sized("sewage", design_flow_l_s=50)[0].nominal_mm == 400
    assert sized("sewage", design_flow_l_s=52)[0].nominal_mm == 500
    # Ten times as steep DN300 carries 104 L/s.
    assert sized("sewage", design_flow_l_s=100, slope=0.02)[0].nominal_mm == 300


def test_the_least_slope_is_that_of_the_table_or_of_the_least_velocity() -> None:
    rules = load_sizing_rules()
    assert least_slope(Pipe("sewage", material="HDPE"), 300, rules) == 0.002
    assert least_slope(Pipe("sewage", material="concrete"), 300, rules) == 0.003
    # R of 400 mm at 0.65: 0.1153 m, (0.6 * 0.010 / 0.2369)^2.
    assert least_slope(Pipe("sewage", material="HDPE"), 400, rules) == pytest.approx(
        0.00064, abs=1e-5
    )


def test_storm_needs_the_formula_of_the_county() -> None:
    pipe, sizing = sized("storm", catchment_m2=10_000, runoff_coefficient=0.6)
    assert pipe.nominal_mm is None
    assert sizing is not None
    assert sizing.derived == ()
    assert "暴雨强度公式" in sizing.steps[0]
    # q = 167 * 10 * (1 + 0.8 lg 2) / 20^0.7 = 254.5; 0.6 * 254.5 * 1 ha = 152.7 L/s. Full at
    # 0.75 m/s DN500 carries 147.3, DN600 212.1.
    formula = StormFormula(Number(10.0, "made up", "assumed"), 0.8, 10.0, 0.7, 2.0, 10.0)
    rules = replace(load_sizing_rules(), storms={"here": formula})
    wish = {"catchment_m2": 10_000.0, "runoff_coefficient": 0.6}
    pipe, sizing = size(Pipe("storm"), wish, "here", LIMIT, rules)
    assert pipe.nominal_mm == 600
    assert sizing is not None
    assert "152.7" in sizing.steps[0]
    pipe, sizing = size(Pipe("storm"), {"catchment_m2": 10_000.0}, "here", LIMIT, rules)
    assert pipe.nominal_mm is None


def test_gas_tells_its_flow_and_that_no_size_can_be_vouched_for() -> None:
    pipe, sizing = sized("gas", households=10, appliance_m3_h=2.5)
    assert pipe.nominal_mm is None
    assert sizing is not None
    assert "6.2" in sizing.steps[0]  # 10 * 0.25 * 2.5
    assert sizing.derived == ()


@pytest.mark.parametrize(("load_kw", "voltage_kv"), [(9000, 10), (9001, 35), (20_000, 35)])
def test_power_of_more_than_ten_megavolt_amperes_is_supplied_at_the_next_voltage(
    load_kw: float, voltage_kv: float
) -> None:
    """At a power factor of 0.9 the 10,000 kVA are 9,000 kW."""
    pipe, sizing = sized("power", requested_capacity=load_kw)
    assert pipe.voltage_kv == voltage_kv
    assert sizing is not None
    assert any("35 千伏" in step for step in sizing.steps) == (voltage_kv == 35)


@pytest.mark.parametrize(("load_kw", "volts", "amperes"), [(160, 0.4, "270"), (161, 10.0, "10")])
def test_power_is_supplied_at_low_voltage_up_to_the_limit_of_the_county(
    load_kw: float, volts: float, amperes: str
) -> None:
    # 160 / (1.732 * 0.38 * 0.9) = 270.1 A; 161 / (1.732 * 10 * 0.9) = 10.3 A.
    pipe, sizing = sized("power", requested_capacity=load_kw)
    assert pipe.voltage_kv == volts
    assert sizing is not None
    assert f" {amperes} " in sizing.steps[1]


def test_telecom_gets_a_hole_for_every_cable_and_a_spare_one() -> None:
    pipe, _sizing = sized("telecom", cables=3)
    assert pipe.duct_holes == 4
    assert isinstance(pipe.duct_holes, int)


def test_an_outside_diameter_of_pe_is_a_nominal_size() -> None:
    assert sized("water", outer_diameter_mm=315)[0].nominal_mm == 300
    assert sized("water", outer_diameter_mm=316.9)[0].nominal_mm == 300  # within 2 mm
    assert sized("water", outer_diameter_mm=317.1)[0].nominal_mm is None


@pytest.mark.parametrize(
    ("material", "outer_mm", "nominal_mm"),
    [
        ("PE", 125, 100), ("PE", 180, 150), ("PE", 225, 200), ("PE", 280, 250), ("PE", 450, 400),
        ("PE", 560, 500), ("PE", 110, 100), ("PE", 355, 350),
        ("steel", 108, 100), ("steel", 219, 200), ("steel", 325, 300), ("steel", 114.3, 100),
        ("PE", 130, None), ("steel", 111.2, None),
    ],
)  # fmt: skip
def test_other_outside_diameters_in_use_are_nominal_sizes_and_dug_as_wide_as_they_are(
    material: str, outer_mm: float, nominal_mm: float | None
) -> None:
    told = Pipe("water", material=material)
    pipe, _sizing = sized("water", told, outer_diameter_mm=outer_mm)
    assert pipe.nominal_mm == nominal_mm
    width_m, _height_m = load_standards().outer_size_m(pipe) or (0.0, 0.0)
    assert width_m == pytest.approx(outer_mm / 1000)
    if nominal_mm is not None:
        # With its nominal size beside it, it says the same, and another size contradicts it.
        assert told_otherwise(replace(told, nominal_mm=nominal_mm), outer_mm) is None
        assert told_otherwise(replace(told, nominal_mm=800), outer_mm) is not None


def test_sizes_that_are_derived_are_the_usual_ones() -> None:
    """Other diameters are read, not chosen: none of them stands among the steps."""
    found = {sized("water", daily_water=10.0**k * m)[0].nominal_mm
             for k in range(5) for m in (1, 2, 5)}  # fmt: skip
    assert found <= {15, 20, 25, 32, 40, 50, 65, 80, 100, 125, 150, 200, 250, 300, 350, 400, 500,
                     600, 700, 800, 1000, None}  # fmt: skip


def test_a_size_that_is_given_rules_and_the_derived_one_is_recorded() -> None:
    pipe, sizing = sized("water", Pipe("water", nominal_mm=200), households=100)
    assert pipe.nominal_mm == 200
    assert sizing is not None
    assert (dict(sizing.derived), sizing.overridden) == ({"nominal_mm": 50}, True)
    pipe, sizing = sized("water", Pipe("water", nominal_mm=50), households=100)
    assert sizing is not None
    assert not sizing.overridden


def test_a_demand_without_needs_has_no_sizing() -> None:
    for utility in ("water", "sewage", "storm", "gas", "power", "telecom"):
        assert sized(utility) == (Pipe(utility), None)


@given(st.floats(0.01, 400), st.floats(0.01, 400))
def test_more_flow_never_needs_a_smaller_pipe(one: float, two: float) -> None:
    for utility in ("water", "sewage", "storm"):
        small, large = (
            sized(utility, design_flow_l_s=flow)[0].nominal_mm or float("inf")
            for flow in sorted((one, two))
        )
        assert small <= large


def test_between_two_steps_of_a_table_lies_a_straight_line() -> None:
    peaking = load_sizing_rules().sewage_peaking
    assert between(peaking, 1).value == 2.7
    assert between(peaking, 10).value == pytest.approx(2.55)  # halfway from 5 to 15
    assert between(peaking, 5000).value == 1.5


def test_the_plan_uses_and_tells_the_derived_size() -> None:
    case = towns.application(demands={"water": {"households": 100, "fire_flow": 15}})
    assert with_sizes(case, towns.policy()).demands["water"].pipe.nominal_mm == 100
    survey = towns.town(lines={"W-1": towns.main((0, 8), (300, 8))})
    line = next(
        one
        for one in plan(case, survey, towns.policy()).to_json()["utilities"]
        if one["utility"] == "water"
    )
    assert line["pipe"]["nominal_mm"] == line["sizing"]["nominal_mm"] == 100
    assert line["sizing"]["overridden"] is False


def test_an_outer_diameter_of_ducts_tells_no_nominal_size() -> None:
    """Cables decide on the holes; the diameter is that of a duct."""
    both = sized("telecom", cables=3, outer_diameter_mm=110)[0]
    assert both.duct_holes == sized("telecom", cables=3)[0].duct_holes
    assert (both.nominal_mm, both.duct_outer_diameter_mm) == (None, 110)


def test_a_verdict_on_a_derived_size_is_not_firm() -> None:
    """Quotas and velocities are recalled or assumed; a size that is given is the applicant's."""
    survey = towns.town(lines={"W-1": towns.main((0, -8), (300, -8), diameter_mm=400.0)})
    for demand, expected in (({"households": 4500}, True), ({"nominal_mm": 300}, False)):
        case = towns.application(demands={"water": demand})
        route = plan(case, survey, towns.policy()).lines["water"].route
        assert route is not None
        assert (route.verdict.certainty == "rests_on_unverified") is expected


def test_that_a_derived_or_usual_size_needs_no_permit_is_not_firm() -> None:
    """A wider strip may reach greenery; the permits hang on the size as lengths and clauses do."""
    seen = {"position_source": "surveyed", "position_accuracy_m": 0.01}
    survey = towns.town(
        roads={"R-1": towns.street((0, 0), (300, 0), authority="estate", **seen)},
        parcels={"P-1": towns.parcel(100, 12, 140, 52, **seen)},
        lines={"W-1": towns.main((0, 8), (300, 8), diameter_mm=600.0, **seen)},
    )
    applied, derived = (
        towns.application(demands={"water": demand})
        for demand in ({"nominal_mm": 300}, {"households": 4500})
    )
    usual = default_application("P-1", "residential", towns.dig_date())
    for case, certainty in ((applied, "firm"), (derived, UNSURE), (usual, UNSURE)):
        route = plan(case, survey, towns.policy()).lines["water"].route
        assert route is not None
        assert (route.verdict.outcome, route.verdict.certainty) == ("not_required", certainty)
        row = screen(prepare(survey, towns.policy()), [case], ["water"]).iloc[0]
        assert (row["outcome"], row["certainty"]) == ("not_required", certainty)


@pytest.mark.parametrize("fewest", [1, 10])  # by arrays, and by the planner of one parcel
@pytest.mark.parametrize(
    ("nominal_mm", "certainty", "told"),
    [
        (100, "rests_on_unverified", ["申请的管径 DN100 小于按需求推算的 DN800"]),
        (800, "firm", []),
    ],
)
def test_a_verdict_on_a_size_below_the_needs_is_not_firm(
    nominal_mm: float,
    certainty: str,
    told: list[str],
    fewest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """20,000 m3 a day are 578.7 L/s: 1.88 m/s in DN700, 1.48 in DN800; at most 1.8 are good."""
    monkeypatch.setattr(batch, "_ARRAYS_PAY", fewest)
    seen = {"position_source": "surveyed", "position_accuracy_m": 0.01}
    survey = towns.town(
        roads={"R-1": towns.street((0, 0), (300, 0), **seen)},
        parcels={"P-1": towns.parcel(100, 12, 140, 52, **seen)},
        lines={"W-1": towns.main((0, 8), (300, 8), diameter_mm=1000.0, **seen)},
    )
    water = {"nominal_mm": nominal_mm, "daily_water": 20_000, "material": "PE"}
    case = towns.application(demands={"water": water})
    made = plan(case, survey, towns.policy())
    route = made.lines["water"].route
    assert route is not None
    assert route.verdict.certainty == certainty
    notices = [one for one in made.notices if one.kind == "size_below_need"]
    assert [one.text.split(",")[0] for one in notices] == told
    row = screen(prepare(survey, towns.policy()), [case], ["water"]).iloc[0]
    assert (row["outcome"], row["certainty"]) == (route.verdict.outcome, certainty)
