"""Applications: what is read, and the message (field, value, rule, cure) for what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
import shapely

from planning.application import ApplicationError, default_application, parse_application
from tests import towns

DOCUMENT: dict[str, Any] = {
    "application_id": "XX-1",
    "parcel_id": "P-1",
    "dig_date": "2026-11-22",
    "demands": {"water": {"nominal_mm": 200}},
}


def test_a_full_document_is_read() -> None:
    found = parse_application(
        {
            **DOCUMENT,
            "gate": [1.5, 2],
            "work_kind": "new",
            "drainage": {"subject_kind": "six_small_trade"},
            "project": {"enterprise_percent": 60, "hazardous_goods": False},
            "promiser": {"water": {"declines": True}},
            "demands": {
                "water": {"nominal_mm": 200, "feeds": 2},
                "telecom": {"duct_holes": 2, "duct_outer_diameter_mm": 110},
            },
        }
    )
    assert found.dig_date == towns.dig_date()
    assert found.gate == shapely.Point(1.5, 2)
    assert (found.work_kind, found.subject_kind) == ("new", "six_small_trade")
    assert found.demands["water"].feeds == 2
    assert found.demands["telecom"].pipe.duct_holes == 2
    assert found.demands["telecom"].pipe.laying == "conduit"
    assert found.promiser == {"water": {"declines": True}}


@pytest.mark.parametrize(
    ("utility", "told", "laying"),
    [
        ("power", {"voltage_kv": 10}, "direct"),
        ("power", {"duct_holes": 2, "duct_outer_diameter_mm": 110}, "conduit"),
        ("power", {"duct_holes": 2, "laying": "direct"}, "direct"),
        ("telecom", {}, "conduit"),
        ("water", {"nominal_mm": 100}, "direct"),
    ],
)
def test_who_asks_for_holes_wants_ducts(utility: str, told: dict[str, Any], laying: str) -> None:
    assert towns.application(demands={utility: told}).demands[utility].pipe.laying == laying


def test_what_is_not_given_is_unknown_and_no_zero() -> None:
    found = parse_application(DOCUMENT | {"demands": {"gas": {}}})
    pipe = found.demands["gas"].pipe
    assert (pipe.nominal_mm, pipe.pressure_mpa, pipe.voltage_kv) == (None, None, None)
    assert (found.gate, found.work_kind, found.subject_kind) == (None, None, None)


BAD = [
    ("application_id", "", "字段 application_id 的值 None 不可用:不能为空;填写申请编号。"),
    ("parcel_id", None, "字段 parcel_id 的值 None 不可用:不能为空;补填该字段。"),
    ("dig_date", "2026-02-30", "字段 dig_date 的值 '2026-02-30' 不可用:须为日期;写成 年-月-日"),
    ("dig_date", "2026-W47-7", "字段 dig_date 的值 '2026-W47-7' 不可用:须为日期"),
    ("dig_date", "20261122", "字段 dig_date 的值 '20261122' 不可用:须为日期"),
    ("dig_date", "2026-1-2", "字段 dig_date 的值 '2026-1-2' 不可用:须为日期"),
    ("dig_date", "２０２６-11-22", "字段 dig_date 的值 '２０２６-11-22' 不可用:须为日期"),
    ("dig_date", 20261122, "字段 dig_date 的值 20261122 不可用:须为日期"),
    ("dig_date", None, "字段 dig_date 的值 None 不可用:须为日期"),
    ("demands", {}, "字段 demands 的值 {} 不可用:须写明至少一个专业的需求;填写 demands。"),
    ("demands", ["water"], "字段 demands 的值 ['water'] 不可用"),
    (
        "demands",
        {"steam": {}},
        "字段 demands.steam 的值 'steam' 不可用:没有这个专业;可用值为 water",
    ),
    ("demands", {"water": 200}, "字段 demands.water 的值 200 不可用:须为一组字段;写成 {}"),
    (
        "demands",
        {"water": {"nominal_mm": -1}},
        "字段 demands.water.nominal_mm 的值 -1 不可用:须为正数;改正或留空(未知)。",
    ),
    (
        "demands",
        {"water": {"nominal_mm": "200"}},
        "demands.water.nominal_mm 的值 '200' 不可用:须为正数",
    ),
    ("demands", {"water": {"nominal_mm": True}}, "demands.water.nominal_mm 的值 True 不可用"),
    (
        "demands",
        {"gas": {"pressure_mpa": float("inf")}},
        "demands.gas.pressure_mpa 的值 inf 不可用",
    ),
    (
        "demands",
        {"water": {"nominal_mm": 200, "feed": 2}},
        "字段 demands.water.feed 的值 2 不可用:没有这个字段;可用字段为 nominal_mm、",
    ),
    ("demands", {"water": {"feeds": 1.5}}, "demands.water.feeds 的值 1.5 不可用:须为整数;改正"),
    ("demands", {"power": {"feeds": 3}}, "demands.power.feeds 的值 3 不可用:最多两路"),
    ("demands", {"sewage": {"feeds": 2}}, "demands.sewage.feeds 的值 2 不可用:重力流管线没有双路"),
    (
        "demands",
        {"telecom": {"duct_holes": 2.5}},
        "demands.telecom.duct_holes 的值 2.5 不可用:须为整数",
    ),
    (
        "demands",
        {"water": {"laying": "fly"}},
        "demands.water.laying 的值 'fly' 不可用:可用值为 direct、conduit",
    ),
    (
        "gate",
        [1],
        "字段 gate 的值 [1] 不可用:须为 [东坐标, 北坐标](米),或由这样的点组成的列表;改正或留空。",
    ),
    ("gate", [[1, 2], [3]], "字段 gate 的值 [[1, 2], [3]] 不可用"),
    ("gate", [], "字段 gate 的值 [] 不可用"),
    ("gate", [1, float("nan")], "字段 gate 的值 [1, nan] 不可用"),
    ("gate", "1,2", "字段 gate 的值 '1,2' 不可用"),
    ("work_kind", "demolition", "字段 work_kind 的值 'demolition' 不可用:可用值为 new、rebuild、"),
    ("work_kind", ["new"], "字段 work_kind 的值 ['new'] 不可用"),
    (
        "drainage",
        "household",
        "字段 drainage 的值 'household' 不可用:须为一组字段;写成 {} 或留空。",
    ),
    (
        "drainage",
        {"subject_kind": "farm"},
        "字段 drainage.subject_kind 的值 'farm' 不可用:可用值为",
    ),
    ("project", ["x"], "字段 project 的值 ['x'] 不可用:须为一组字段"),
    (
        "project",
        {"enterprise_percent": "60"},
        "字段 project.enterprise_percent 的值 '60' 不可用:须为 0 至 100 的数;改正或留空(未知)。",
    ),
    ("project", {"enterprise_percent": 101}, "字段 project.enterprise_percent 的值 101 不可用"),
    (
        "project",
        {"investment_kind": "friends"},
        "字段 project.investment_kind 的值 'friends' 不可用",
    ),
    (
        "project",
        {"hazardous_goods": "no"},
        "字段 project.hazardous_goods 的值 'no' 不可用:须为 true 或 false",
    ),
    ("demands", {"water": {"nominal_mm": 10**400}}, "字段 demands.water.nominal_mm 的值 1000"),
    (
        "demands",
        {"water": {"material": ["PE"]}},
        "demands.water.material 的值 ['PE'] 不可用:须为文字",
    ),
    (
        "project",
        {"floor_area": float("nan")},
        "字段 project.floor_area 的值 nan 不可用:须为有限的数",
    ),
    # A record that no utility reads would be a refusal that nobody hears.
    (
        "promiser",
        {"drainage": {"declines": True}},
        "字段 promiser 的值 'drainage' 不可用:可用值为 water",
    ),
    (
        "promiser",
        {"gas": {"decline": True}},
        "字段 promiser.gas.decline 的值 True 不可用:没有这个字段;可用字段为 declines、bad_credit;"
        "改为 declines 或删去。",
    ),
    # So would a field under a name that nobody reads, at any level.
    ("promisers", {"water": {"bad_credit": True}}, "字段 promisers 的值 {'water': {'bad_credit'"),
    ("promisers", {}, "不可用:没有这个字段;可用字段为 schema、synthetic、"),
    ("promisers", {}, ";改为 promiser 或删去。"),
    ("bad_credit", True, "consent、promiser;改正字段名或删去。"),
    ("project", {"hazardous": True}, "字段 project.hazardous 的值 True 不可用:没有这个字段"),
    ("project", {"hazardous": True}, ";改为 hazardous_goods 或删去。"),
    ("drainage", {"drain_kind": "other"}, "字段 drainage.drain_kind 的值 'other' 不可用:没有"),
    (
        "demands",
        {"water": {"handover": {"place": [1, 2]}}},
        "字段 demands.water.handover.place 的值 [1, 2] 不可用:没有这个字段;可用字段为 kind、xy",
    ),
    (
        "drawn_routes",
        {"water": [{"line": None}, {"line": None, "feeds": 2}]},
        "字段 drawn_routes.water[1].feeds 的值 2 不可用:没有这个字段;可用字段为 feed、",
    ),
    (
        "consent",
        {"commitment": False},
        "字段 consent.commitment 的值 False 不可用:没有这个字段;可用字段为 commitment_choice、",
    ),
    (
        "consent",
        {"commitment_choice": "no"},
        "字段 consent.commitment_choice 的值 'no' 不可用:须为 true 或 false",
    ),
    ("promiser", {"water": 1}, "字段 promiser.water 的值 1 不可用:须为一组字段"),
    ("promiser", {"gas": {"bad_credit": "no"}}, "字段 promiser.gas.bad_credit 的值 'no' 不可用"),
]


@pytest.mark.parametrize(("field", "value", "words"), BAD)
def test_a_bad_field_is_named_with_value_rule_and_cure(field: str, value: Any, words: str) -> None:
    with pytest.raises(ApplicationError) as refused:
        parse_application({**DOCUMENT, field: value})
    assert words in str(refused.value)
    assert str(refused.value).startswith("申请 ?:" if field == "application_id" else "申请 XX-1:")


@pytest.mark.parametrize(
    ("choice", "recorded", "declines"),
    [(False, None, True), (False, False, True), (True, None, None), (True, True, True)],
)
def test_the_user_of_drains_who_does_not_want_to_promise_declines(
    choice: bool, recorded: bool | None, declines: bool | None
) -> None:
    """Suppliers promise for water, power, gas and network, of drainage the user does."""
    record = {"declines": recorded, "bad_credit": False}
    document = {**DOCUMENT, "promiser": {"sewage": record, "gas": {"declines": None}}}
    found = parse_application({**document, "consent": {"commitment_choice": choice}}).promiser
    assert found["sewage"]["declines"] is declines
    assert found["sewage"]["bad_credit"] is False
    assert found["storm"] == {"declines": not choice}
    assert found["gas"] == {"declines": None}


@pytest.mark.parametrize(
    ("kind", "demands", "known"),
    [
        ("construction_site_without_sewage", {"storm": {}}, True),
        ("construction_site_without_sewage", {"storm": {}, "sewage": {"drain_flow": 500}}, False),
        ("construction_site_without_sewage", {"sewage": {}}, False),
        ("construction_site_with_sewage", {"sewage": {}}, True),
        ("household", {"sewage": {"drain_flow": 500}}, True),
    ],
)
def test_a_site_without_sewage_that_wants_a_sewer_is_of_unknown_kind(
    kind: str, demands: dict[str, Any], known: bool
) -> None:
    document = {**DOCUMENT, "drainage": {"subject_kind": kind}, "demands": demands}
    assert parse_application(document).subject_kind == (kind if known else None)


@pytest.mark.parametrize("consent", [None, {}, {"commitment_choice": None}, {"data_sharing": True}])
def test_who_says_nothing_of_promising_is_recorded_of_nobody(consent: Any) -> None:
    assert parse_application({**DOCUMENT, "consent": consent}).promiser == {}


@pytest.mark.parametrize("name", ["../BZ-1", "a/b", "..", ".hidden", "a\\b", "甲" * 81])
def test_an_id_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ApplicationError, match=r"application_id .* 不可用:须为 1 至 80 个文字"):
        parse_application({**DOCUMENT, "application_id": name})


def test_feeds_that_are_left_out_are_one_and_null_is_unknown() -> None:
    demands = {"water": {}, "gas": {"feeds": None}}
    found = parse_application(DOCUMENT | {"demands": demands}).demands
    assert (found["water"].feeds, found["gas"].feeds) == (1, None)


def test_a_default_demand_follows_the_land_use() -> None:
    found = default_application("P-7", "residential", towns.dig_date())
    assert (found.application_id, found.source) == ("", "default_demand")
    assert found.subject_kind == "household"
    assert list(found.demands) == ["water", "sewage", "storm", "gas", "power", "telecom"]
    assert found.demands["water"].pipe.nominal_mm is not None


@pytest.mark.parametrize("land_use", [None, "moon_base"])
def test_an_unknown_land_use_wants_everything_in_unknown_sizes(land_use: str | None) -> None:
    found = default_application("P-7", land_use, towns.dig_date())
    assert len(found.demands) == 6
    assert {demand.pipe.nominal_mm for demand in found.demands.values()} == {None}
    assert found.subject_kind is None


def test_a_parcel_that_is_not_in_the_layer_is_refused() -> None:
    with pytest.raises(ApplicationError) as refused:
        towns.ground(towns.town(), towns.application("P-9"))
    assert str(refused.value) == (
        "申请 APP-1:字段 parcel_id 的值 'P-9' 不在宗地图层中;请核对编号,或先导入该宗地(parcels)。"
    )


def test_several_gates_are_several_points() -> None:
    gates = towns.application(gate=[(120, 12), (130, 12)]).gate
    assert gates is not None
    assert len(gates.geoms) == 2


def test_one_of_two_gates_off_the_red_line_is_refused() -> None:
    with pytest.raises(ApplicationError, match=r"gate 离宗地 P-1 的红线 2\.50 米"):
        towns.ground(towns.town(), towns.application(gate=[(120, 12), (120, 9.5)]))


def test_a_gate_off_the_red_line_is_refused_with_the_distance() -> None:
    # The red line is y = 12: (120, 9.5) lies 2.5 m in front of it.
    with pytest.raises(ApplicationError) as refused:
        towns.ground(towns.town(), towns.application(gate=(120, 9.5)))
    assert str(refused.value) == (
        "申请 APP-1:字段 gate 离宗地 P-1 的红线 2.50 米;"
        "接口须在红线上(允许 1 米),请改正坐标或留空。"
    )


def test_what_the_user_needs_is_read_beside_the_size() -> None:
    demand = towns.application(demands={"water": {"households": 40, "fire_flow": 15}}).demands
    assert demand["water"].wish == {"households": 40.0, "fire_flow": 15.0}
    assert demand["water"].pipe.nominal_mm is None
    telecom = towns.application(demands={"telecom": {"operators": ["甲", "乙", "甲"]}}).demands
    assert telecom["telecom"].pipe.operators == ("甲", "乙")


@pytest.mark.parametrize(
    ("utility", "sizes", "words"),
    [
        (  # PE de315 is DN300, de400 is DN400
            "water",
            {"nominal_mm": 300, "outer_diameter_mm": 400, "material": "PE"},
            "outer_diameter_mm 的值 400 不可用:这个外径对应 nominal_mm = 400,而 nominal_mm 填的是 "
            "300;核对材质和两个值,改正其一或只留其一。",
        ),
        (  # nor is one that no table lists
            "water",
            {"nominal_mm": 300, "outer_diameter_mm": 390, "material": "PE"},
            "outer_diameter_mm 的值 390 不可用:这个外径对应 nominal_mm = 400,",
        ),
        (
            "gas",
            {"nominal_mm": 300, "outer_diameter_mm": 110, "material": "PE"},
            "outer_diameter_mm 的值 110 不可用:这个外径对应 nominal_mm = 100,",
        ),
        (
            "telecom",
            {"duct_outer_diameter_mm": 110, "outer_diameter_mm": 160, "duct_holes": 2},
            "这个外径对应 duct_outer_diameter_mm = 160,而 duct_outer_diameter_mm 填的是 110;",
        ),
    ],
)
def test_a_demand_of_two_sizes_is_refused(utility: str, sizes: dict[str, Any], words: str) -> None:
    with pytest.raises(ApplicationError) as refused:
        parse_application({**DOCUMENT, "demands": {utility: sizes}})
    assert words in str(refused.value)
    document = {**DOCUMENT, "demands": {utility: sizes, "power": {}}}
    assert list(parse_application(document, tolerant=True).impossible) == [utility]


@pytest.mark.parametrize(
    ("utility", "sizes"),
    [
        ("water", {"nominal_mm": 300, "outer_diameter_mm": 315, "material": "PE"}),
        ("water", {"nominal_mm": 300, "outer_diameter_mm": 325, "material": "钢管"}),
        ("water", {"nominal_mm": 300, "outer_diameter_mm": 323.9, "material": "钢管"}),
        ("water", {"nominal_mm": 9000, "outer_diameter_mm": 9100}),  # a size that nobody lists
        ("telecom", {"duct_outer_diameter_mm": 110, "outer_diameter_mm": 110}),
        ("power", {"outer_diameter_mm": 150, "duct_holes": 2}),
    ],
)
def test_two_sizes_that_are_one_are_read(utility: str, sizes: dict[str, Any]) -> None:
    assert utility in parse_application({**DOCUMENT, "demands": {utility: sizes}}).demands


@pytest.mark.parametrize("bad", [{"operators": "甲"}, {"operators": [""]}, {"households": 0}])
def test_needs_that_cannot_be_meant_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ApplicationError, match=next(iter(bad))):
        towns.application(demands={"telecom": bad})
