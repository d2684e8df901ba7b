"""The summary of a plan: one line for each utility, the trench, each question."""

from __future__ import annotations

from dataclasses import replace

import pytest
from shapely.geometry import box

from planning.plan import Plan, plan
from reports.summary import ASSUMED, plan_summary
from tests import towns
from tests.planning.test_joint import ELSEWHERE, together
from tests.towns import application, main, node, parcel, street, town

BARE = street((0, 0), (300, 0), surface=None, carriageway_width_m=None)


def summary(survey: towns.Survey, **changes: object) -> list[str]:
    return plan_summary(plan(application(**changes), survey, towns.policy()))


def test_a_routed_line_tells_its_figures_and_its_outcome() -> None:
    lines = summary(town(lines={"W-1": main((0, -8), (300, -8))}))
    assert lines == [
        "给水 长 20.00 米,穿越 1 次 10.00 米,绿化 0.00 平方米:告知承诺制审批 四(四)(1)"
    ]


def test_crossings_are_told_as_the_clause_counts_them() -> None:
    """A street of 10 m from kerb to kerb, 20 m from red line to red line, as clause (6) counts."""
    wish = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}}
    unit = node(120, -8, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10)
    told = summary(town(nodes={"N-1": unit}), demands=wish)[0]
    assert "穿越 1 次 红线间 20.00 米" in told


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"authority": "estate"}, "穿越 1 次 10.00 米"),
        ({"red_line_width_m": None}, "穿越 1 次 路缘间 10.00 米(红线间未知)"),
    ],
)
def test_a_crossing_that_no_clause_counts_or_can_count_is_told_by_kerbs(
    told: dict[str, object], words: str
) -> None:
    wish = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 110}}
    unit = node(120, -8, utility="power", kind="ring_main_unit", spare_bays=1, voltage_kv=10)
    roads = {"R-1": street((0, 0), (300, 0), **told)}
    assert words in summary(town(roads=roads, nodes={"N-1": unit}), demands=wish)[0]


def test_of_two_feeds_the_metres_are_those_that_the_clause_counts() -> None:
    """South of the river bank there is nothing: both lie in one trench from x = 80 to the gate."""
    river = {"V-1": {"kind": "river", "geometry": box(-50, -60, 350, -5.2)}}
    gas = {"utility": "gas", "pressure_mpa": 0.2, "diameter_mm": 200.0}
    lines = {"G-1": main((70, 8), (80, 8), **gas), "G-2": main((62, 8), (69, 8), **gas)}
    wish = {"gas": {"nominal_mm": 100, "pressure_mpa": 0.2, "feeds": 2}}
    case = application(demands=wish, gate=(120, 12))
    made = plan(case, town(lines=lines, water_bodies=river), towns.policy())
    both = made.lines["gas"].both
    assert both is not None
    assert both.shared_m > 30
    counted, one, two = (
        f"{metres:.2f}"
        for metres in (
            both.measures["construction_length_m"],
            *(route.figures["length_m"] for route in both.routes),
        )
    )
    told = f"燃气 长 {counted} 米(两路合计;第一路 {one} 米,第二路 {two} 米),穿越 0 次"
    assert plan_summary(made)[0].startswith(told)


def test_figures_are_printed_as_they_are_judged() -> None:
    made = plan(application(), town(lines={"W-1": main((0, -8), (300, -8))}), towns.policy())
    line = made.lines["water"]
    assert line.route is not None
    # Binary 200.005 lies below its text: Python's own formatting prints 200.00, the limit itself.
    figures = {**line.route.figures, "length_m": 200.005}
    routes = dict.fromkeys(line.routes, replace(line.route, figures=figures))
    changed = replace(made, lines={"water": replace(line, routes=routes)})
    assert plan_summary(changed)[0].startswith("给水 长 200.01 米")


def test_an_unroutable_line_tells_the_reason_and_the_gap() -> None:
    far = town(lines={"W-1": main((0, 8), (300, 8))}, parcels={"P-1": parcel(100, 60, 140, 90)})
    (line,) = summary(far)
    assert line == "给水 无法布置:距管线走廊过远(相距 53.25 米);请核对是否漏导入通向宗地的道路"


def test_an_unknown_green_area_is_not_printed_as_a_number() -> None:
    (line, *_) = summary(town(lines={"W-1": main((0, 8), (300, 8))}, absent=("green",)))
    assert "绿化面积未知" in line


def test_open_questions_follow() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on=None)}
    lines = summary(town(lines={"W-1": main((0, 8), (300, 8))}, roads=roads))
    assert any("R-1" in line and line.startswith("待查:") for line in lines[1:])


def test_notices_and_what_costs_rest_on_follow() -> None:
    works = {"PW-1": {"utility": "gas", "starts_on": "2027-03-01", "geometry": box(90, 5, 150, 14)}}
    roads = {"R-1": street((0, 0), (300, 0), surface=None)}
    survey = town(lines={"W-1": main((0, -8), (300, -8))}, roads=roads, planned_works=works)
    lines = summary(survey)
    assert [line for line in lines if line.startswith("提示:")] == [
        "提示:给水 计划工程 PW-1(燃气,2027-03-01 至 未定)与路由重叠,可协调同沟"
    ]
    assert lines[-1].startswith("以下未知,按假定计:")
    assert "所穿道路的路面类型未知,按沥青计" in lines[-1]


def test_every_assumption_of_a_plan_has_words() -> None:
    unsized = plan(
        application(demands={"water": {}}),
        town(lines={"W-1": main((0, -8), (300, -8))}, roads={"R-1": BARE}),
        towns.policy(),
    )
    assert {"size", "road_surface", "carriageway_width"} <= unsized.assumed <= set(ASSUMED)


@pytest.mark.parametrize(
    ("red_line_m", "words"),
    [
        (
            14.0,
            [
                "共沟:未找到各沟都放得下的布置",
                "不作推荐",
                "示例路(R-1) 沿线有 182 米各沟并排放不下",
            ],
        ),
        (
            16.0,
            [
                "比各自开挖省",
                "提示:燃气 因道路 示例路(R-1) 沿线有 182 米各沟并排放不下",
                "已证最省",
            ],
        ),
        (None, ["部分空位净宽未知或可能不够,是否放得下待核对"]),
    ],
)
def test_room_for_the_trenches_is_told_with_what_they_save(
    red_line_m: float | None, words: list[str]
) -> None:
    told = "\n".join(plan_summary(together(red_line_m, **ELSEWHERE)))
    assert all(word in told for word in words)
    assert ("省" in told) is (red_line_m != 14.0)


def test_separate_digs_that_are_not_the_listed_routes_are_told_by_what_they_cost_more() -> None:
    """In 16 m gas goes round to fit; in 20 m the listed routes have room as they are."""
    found, roomy = together(16.0, **ELSEWHERE), together(20.0, **ELSEWHERE)
    assert found.joint is not None
    listed = sum(line.route.figures["cost_yuan"] for line in found.lines.values() if line.route)
    more = (found.joint.plan.separate_cost_yuan or 0) - listed
    assert more > 1000
    words = "各自开挖按各沟都放得下的走法计,比所列推荐路由之和"
    assert f"{words}多 {more:.0f} 元" in "\n".join(plan_summary(found))
    assert words not in "\n".join(plan_summary(roomy))


def test_separate_trenches_that_were_led_elsewhere_are_not_said_to_be_the_listed_ones() -> None:
    found, roomy = together(16.0, **ELSEWHERE), together(20.0, **ELSEWHERE)

    def nothing_shared(made: Plan) -> str:
        assert made.joint is not None
        alone = replace(made.joint.plan, shared_length_m=0.0)
        return "\n".join(plan_summary(replace(made, joint=replace(made.joint, plan=alone))))

    assert "联合方案(无共沟段)造价" in nothing_shared(found)
    assert "共沟不省" not in nothing_shared(found)
    assert "共沟不省:各自开挖造价" in nothing_shared(roomy)
