"""Several operators wanted in one demand: a place that serves some of them is not the whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from layers.survey import Survey
from planning.application import Application, parse_application
from planning.batch import screen
from planning.local_edits import edited
from planning.operators import operator_named
from planning.plan import Plan, plan
from planning.rescreening import rescreened, screened
from planning.rule_files import read_rows
from planning.tie_in_rules import unserved
from tests import towns
from tests.planning.edits import added, ready, ribbon, told
from tests.planning.test_rescreening import assert_same_answers
from tests.towns import application, node, policy, street, town

BOTH = ("甲", "乙")


def handhole(x: float, owner: str | None, y: float = 8.0, **changes: Any) -> dict[str, Any]:
    values = {"utility": "telecom", "kind": "handhole", "free_holes": 4, "owner": owner}
    return node(x, y, **{**values, **changes})


def ducts(*operators: str, **changes: Any) -> dict[str, Any]:
    size = {"duct_holes": 2, "duct_outer_diameter_mm": 110}
    return {"telecom": {**size, "operators": list(operators), **changes}}


def planned(nodes: towns.Rows, *operators: str, **layers: towns.Rows) -> Plan:
    survey = town(roads={"R-1": street((0, 0), (1200, 0))}, nodes=nodes, **layers)
    return plan(application(demands=ducts(*operators)), survey, policy())


# The usual parcel lies from x = 100 to 140: 甲 is beside it, 乙 more than a kilometre away.
APART = {"H-1": handhole(150, "甲"), "H-2": handhole(1190, "乙")}


@pytest.mark.parametrize(
    ("operator", "outcome"), [("甲", "commitment"), ("乙", "ordinary_approval")]
)
def test_each_operator_alone_is_joined_where_it_is(operator: str, outcome: str) -> None:
    verdict = planned(APART, operator).lines["telecom"].verdict
    assert verdict is not None
    assert verdict.outcome == outcome


def test_a_place_of_one_operator_leaves_the_demand_of_two_open() -> None:
    made = planned(APART, *BOTH)
    line = made.lines["telecom"]
    assert line.route is not None
    assert line.verdict is not None
    assert line.route.figures["length_m"] < 100  # to 甲 alone
    assert line.verdict.outcome == "undetermined"
    every = {"not_required", "commitment", "ordinary_approval", "blocked"}
    assert set(line.verdict.possible) == every  # the line to 乙 may dig a young road too
    assert line.qualifying_route == "open"
    [notice] = made.notices
    assert (notice.kind, notice.feature_id) == ("operators_apart", "H-1")
    assert "不通 乙" in notice.text
    [asked] = [one for one in made.questions if one.utilities == ("telecom",)]
    assert (asked.subject_kind, asked.field) == ("application", "operators")
    entry = next(u for u in made.to_json()["utilities"] if u["utility"] == "telecom")
    assert [c["reasons"][-1] for c in entry["tie_ins"]["candidates"]] == ["不通 乙"]


def test_where_no_permit_is_needed_to_one_operator_the_whole_is_open() -> None:
    """An estate road: to 甲 nothing needs a permit; where 乙 has to be brought is not known."""
    roads = {"R-1": street((0, 0), (1200, 0), authority="estate")}
    for operators, outcome in ((("甲",), "not_required"), (BOTH, "undetermined")):
        survey = town(roads=roads, nodes=APART)
        made = plan(application(demands=ducts(*operators)), survey, policy())
        verdict = made.lines["telecom"].verdict
        assert verdict is not None
        assert verdict.outcome == outcome


@pytest.mark.parametrize("shared", ["甲、乙", "乙/甲", "甲;乙;丙", "甲 + 乙"])
def test_a_place_that_serves_all_is_preferred(shared: str) -> None:
    made = planned({**APART, "H-3": handhole(220, shared)}, *BOTH)
    entry = next(u for u in made.to_json()["utilities"] if u["utility"] == "telecom")
    assert [c["id"] for c in entry["tie_ins"]["candidates"]] == ["H-3"]
    [near] = entry["tie_ins"]["rejected"]
    assert (near["id"], near["reason"]) == ("H-1", "some_operators")
    assert "不通 乙" in near["text"]
    assert entry["verdict"]["alone"]["outcome"] == "commitment"
    assert made.notices == ()


def test_a_place_that_serves_all_and_that_no_street_reaches_is_none() -> None:
    made = planned({**APART, "H-3": handhole(600, "甲、乙", y=300)}, *BOTH)
    assert made.lines["telecom"].status == "routed"
    assert [notice.feature_id for notice in made.notices] == ["H-1"]


def test_a_place_that_serves_all_without_room_is_none() -> None:
    full = handhole(220, "甲、乙", free_holes=1)
    line = planned({**APART, "H-3": full}, *BOTH).lines["telecom"]
    assert line.verdict is not None
    assert line.verdict.outcome == "undetermined"


def test_whose_a_place_is_that_does_not_say_it_is_unknown() -> None:
    assert unserved(None, BOTH) == BOTH
    assert unserved(float("nan"), BOTH) == BOTH
    line = planned({"H-1": handhole(150, None)}, *BOTH).lines["telecom"]
    assert (line.status, line.reason) == ("unroutable", "no_size_match")


def test_an_owner_is_known_by_its_whole_name() -> None:
    assert unserved("China Mobile", ("China Mobile", "Mobile")) == ("Mobile",)
    assert unserved("移动,联通", ("移动", "联通", "电信")) == ("电信",)


# --- screening and edits -------------------------------------------------------------------------


def _ribbon(owners: tuple[str, ...]) -> Survey:
    survey = ribbon()
    rows = {f"H-{k}": handhole(150 * k + 60, owner, -8.0) for k, owner in enumerate(owners)}
    nodes = pd.concat([survey.tables["nodes"], towns.table("nodes", rows)])
    return Survey(survey.crs, {**survey.tables, "nodes": nodes}, survey.county, survey.synthetic)


def _outcomes(table: pd.DataFrame) -> set[str]:
    return set(table.loc[table["status"] == "routed", "outcome"])


def _cases(survey: Survey) -> list[Application]:
    return [
        parse_application(
            {
                "application_id": f"APP-{parcel}",
                "parcel_id": parcel,
                "dig_date": date(2026, 11, 22).isoformat(),
                "work_kind": "new",
                "demands": ducts(*BOTH),
            }
        )
        for parcel in survey.tables["parcels"].index
    ]


@pytest.mark.parametrize("owners", [("甲", "乙") * 5, ("甲", "甲、乙", "乙") * 3])
def test_a_screening_tells_what_plans_tell(owners: tuple[str, ...]) -> None:
    survey = _ribbon(owners)
    work, cases = ready(survey), _cases(survey)
    table = screen(work, cases, ["telecom"])
    assert (table["status"] == "routed").sum() > 20
    assert (_outcomes(table) == {"undetermined"}) is ("甲、乙" not in owners)
    for row, case in list(zip(table.to_dict("records"), cases, strict=True))[::5]:
        line = plan(case, survey, policy(), corridors=work).lines["telecom"]
        if line.verdict is None:
            assert (row["status"], row["reason"]) == (line.status, line.reason)
            continue
        told_of = (line.verdict.outcome, line.verdict.certainty, line.recommended)
        assert (row["outcome"], row["certainty"], row["recommended"]) == told_of
        assert row["qualifying_route"] == line.qualifying_route


def test_the_first_place_that_serves_all_is_felt_wherever_it_is() -> None:
    survey = _ribbon(("甲", "乙") * 5)
    cases = _cases(survey)
    before = screened(ready(survey), cases, ["telecom"])
    assert _outcomes(before.table) == {"undetermined"}
    for after in (
        told(survey, "nodes", "H-9", owner="甲、乙"),
        added(survey, "nodes", **handhole(700, "甲/乙", -8.0)),
    ):
        edit = edited(before.work, after)
        assert edit.is_local
        found = rescreened(before, edit, cases)
        joined = set(found.table["tie_in_id"].dropna())
        assert joined in ({"H-9"}, {"X-1"})
        assert_same_answers(found.table, screen(ready(after), cases, ["telecom"]))
        # and back
        again = rescreened(found, edited(found.work, survey), cases)
        assert_same_answers(again.table, before.table)


@pytest.mark.parametrize(
    ("owner", "wanted"),
    [
        ("中国移动", "移动"), ("移动", "中国移动"), (" 移动公司 ", "移动"), ("CMCC", "cmcc"),
        ("ＣＭＣＣ", "中国移动"), ("中国 联通", "联通"), ("中国电信、铁塔公司", "电信"),
        ("中国广电", "广电网络"), ("甲 公司", "甲公司"),
    ],
)  # fmt: skip
def test_an_operator_is_the_same_however_it_is_written(owner: str, wanted: str) -> None:
    assert unserved(owner, (wanted,)) == ()
    assert unserved(owner, ("乙",)) == ("乙",)


def test_each_name_of_an_operator_is_that_of_one_only() -> None:
    rows = read_rows("operators.csv")
    names = [one for row in rows for one in (row["operator"], *row["aliases"].split("|"))]
    assert len({operator_named(one) for one in names}) == len(rows)
    assert len(names) == len({one.casefold() for one in names})


def test_a_handhole_of_the_operator_under_its_long_name_is_joined() -> None:
    near = {"H-1": handhole(150, "中国移动"), "H-2": handhole(400, "移动")}
    made = planned(near, "移动")
    route = made.lines["telecom"].route
    assert route is not None
    assert made.joined(made.lines["telecom"], route)["feature_id"] == "H-1"
