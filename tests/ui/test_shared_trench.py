"""A drawing is shown only if it can do nothing but be looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ui.shared_trench import DrawingError, safe_svg, shared_trench

HEAD = '<svg xmlns="http://www.w3.org/2000/svg">'


@pytest.mark.parametrize(
    "svg",
    [
        f"{HEAD}<script>window.PWN=1</script></svg>",
        f'{HEAD}<rect onload="window.PWN=1"/></svg>',
        f'{HEAD}<image href="http://example.org/x.png"/></svg>',
        f"{HEAD}<foreignObject><div/></foreignObject></svg>",
        f'{HEAD}<rect fill="url(http://example.org/x)"/></svg>',
        f'{HEAD}<a href="javascript:window.PWN=1"><text>x</text></a></svg>',
        '<!DOCTYPE svg [<!ENTITY x "y">]>' + HEAD + "</svg>",
        HEAD + "<rect>",
        "plain words",
    ],
)
def test_a_drawing_that_could_act_is_refused(svg: str) -> None:
    with pytest.raises(DrawingError):
        safe_svg(svg)


def test_plain_shapes_and_words_pass_unchanged() -> None:
    svg = f'{HEAD}<rect width="3" fill="url(#hatch)"/><text x="1">给水 &lt;DN200&gt;</text></svg>'
    assert safe_svg(svg) == svg


def test_a_line_that_stays_out_of_the_trench_is_named_with_the_reason() -> None:
    from tests.ui.test_case_drawing import view

    shown = view()
    joint = {**shown.plan["joint"], "left_out": [{"utility": "sewage", "reason": "未校核坡度"}]}
    text = shared_trench(replace(shown, plan={**shown.plan, "joint": joint}))
    assert "污水:未校核坡度" in text


def test_a_refused_section_is_said_and_the_rest_is_shown() -> None:
    from tests.ui.test_case_drawing import view

    shown = view()
    joint = shown.plan["joint"]
    joint["sections"][0]["svg"] = f"{HEAD}<script/></svg>"
    text = shared_trench(shown)
    view.cache_clear()
    assert "未通过安全检查" in text
    assert "费用分摊" in text


def test_lines_kept_apart_by_a_no_dig_area_are_not_called_too_few() -> None:
    from tests.ui.test_case_drawing import view

    shown = view(joint=False)
    notice = {
        "kind": "joint_in_no_dig",
        "layer": "no_dig",
        "feature_id": "ND-1",
        "utilities": ["water", "gas"],
        "text": "同沟作业带较宽,会进入禁挖区 ND-1 ,故分别敷设",
    }
    barred = replace(shown, plan={**shown.plan, "joint": None, "notices": [notice]})
    assert "会进入禁挖区 ND-1" in shared_trench(barred)
    assert "不足两项" not in shared_trench(barred)
    assert "不足两项" in shared_trench(replace(shown, plan={**shown.plan, "joint": None}))


def told(*, shared: bool = True, **changes: object) -> str:
    """The shared trench of the town's plan with some values changed; or nothing shared in it."""
    from tests.ui.test_case_drawing import view

    shown = view()
    joint = {**shown.plan["joint"], **changes}
    if not shared:
        alone = [{**one, "utilities": one["utilities"][:1]} for one in joint["segments"]]
        joint = {**joint, "segments": alone}
    return shared_trench(replace(shown, plan={**shown.plan, "joint": joint}))


def test_who_is_led_elsewhere_for_want_of_room_is_named_with_the_cost_beside_it() -> None:
    left = [{"road_id": "R-9", "utilities": ["telecom"], "length_m": 86.0}]
    text = told(gave_way=left, roomy_cost_yuan=120_000)
    assert "通信改走他处:R-9有 86.00 m 各沟并排放不下" in text
    assert "假如各沟可并排</span>" in text
    assert "12.00" in text
    assert "假如各沟可并排" not in told()


def test_a_plan_without_room_is_not_recommended_and_saves_nothing() -> None:
    none = dict.fromkeys(("separate_cost_yuan", "overlap_cost_yuan", "saving_yuan"))
    text = told(fits=False, separate_fits=False, proven_optimal=False, allocation=[], **none)
    assert "各沟放不下,不作推荐" in text
    assert "省多少不详" in text
    assert "共沟方案</span>" not in text
    assert "费用分摊" not in text


def test_room_that_nobody_knows_of_is_said() -> None:
    assert "共沟是否放得下待核对" in told(fits=None)
    assert "各自开挖是否放得下待核对" in told(separate_fits=None)
    assert "待核对" not in told()


def test_lines_without_room_beside_the_joint_plan_are_named_instead() -> None:
    left = [{"road_id": "R-9", "utilities": ["sewage", "storm"], "length_m": 76.0}]
    text = told(beside_others=left, fits=None)
    assert "污水、雨水须另定位置:R-9有 76.00 m 与联合方案的各沟并排放不下" in text
    assert "共沟是否放得下待核对" not in text


NOTHING_TO_ADD = "各自敷设即可"


def test_where_nothing_is_shared_and_all_have_room_each_is_laid_by_itself() -> None:
    assert NOTHING_TO_ADD in told(shared=False)


def test_where_nothing_is_shared_who_is_led_elsewhere_is_named_too() -> None:
    left = [{"road_id": "R-9", "utilities": ["telecom"], "length_m": 86.0}]
    text = told(shared=False, gave_way=left)
    assert "通信改走他处:R-9有 86.00 m 各沟并排放不下" in text
    assert NOTHING_TO_ADD not in text


def test_where_nothing_is_shared_lines_without_room_beside_it_are_named_too() -> None:
    left = [{"road_id": "R-9", "utilities": ["sewage"], "length_m": 76.0}]
    text = told(shared=False, beside_others=left, fits=None)
    assert "污水须另定位置:R-9有 76.00 m" in text
    assert NOTHING_TO_ADD not in text


def test_where_nothing_is_shared_room_that_is_lacking_or_unknown_is_said() -> None:
    none = dict.fromkeys(("separate_cost_yuan", "overlap_cost_yuan", "saving_yuan"))
    text = told(shared=False, fits=False, separate_fits=False, allocation=[], **none)
    assert "未找到各沟都放得下的走法,不作推荐" in text
    assert NOTHING_TO_ADD not in text
    unknown = told(shared=False, fits=None)
    assert "各沟是否放得下待核对" in unknown
    assert NOTHING_TO_ADD not in unknown


@pytest.mark.parametrize("shared", [True, False])
def test_separate_digs_that_are_not_the_listed_routes_are_told_by_what_they_cost_more(
    shared: bool,
) -> None:
    """The listed routes of the members, and not that of the sewer beside them, make the sum."""
    from tests.ui.test_case_drawing import view

    shown = view()
    listed = sum(
        one["routes"][0]["cost_yuan"]
        for one in shown.routed
        if one["utility"] in shown.plan["joint"]["utilities"]
    )
    words = "各自开挖按各沟都放得下的走法计,比所列推荐路由之和"
    assert f"{words}多 18048 元" in told(shared=shared, separate_cost_yuan=listed + 18_048.3)
    assert f"{words}少 250 元" in told(shared=shared, separate_cost_yuan=listed - 250)
    assert words not in told(shared=shared, separate_cost_yuan=listed + 0.4)
