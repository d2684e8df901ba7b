"""The page on plans of the real planner, of towns small enough for paper."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

import language
from layers.utilities import load_utilities
from planning.application import parse_application
from planning.plan import plan
from planning.texts import in_words
from tests import towns
from tests.planned_town import documents, planned_town
from tests.planning.test_alternatives import TWO_STREETS
from tests.test_schemas import faults
from tests.towns import main, parcel, street, town
from ui import panel
from ui.case_drawing import case_drawing
from ui.case_marks import case_marks
from ui.comparison import comparison, eligibility
from ui.panel import lines_table
from ui.route_choice import choices
from ui.shared_trench import shared_trench
from ui.surroundings import surroundings
from ui.verdict_detail import verdict_detail
from ui.view import View
from ui.words import Words


def seen(survey: towns.Survey, **changes: Any) -> tuple[View, dict[str, Any]]:
    """The view of a plan, with water under inspection, and its line."""
    document = plan(towns.application(**changes), survey, towns.policy()).to_json()
    assert faults("plan", document) == []
    names = {key: row["name"] for key, row in survey.tables["roads"].iterrows() if row["name"]}
    view = View(document, load_utilities(), Words(towns.policy()), chosen="water", road_names=names)
    return view, next(one for one in document["utilities"] if one["utility"] == "water")


def everything(view: View, line: dict[str, Any]) -> str:
    """All that the panel says of the line."""
    parts = [panel.figures(view), panel.lines_table(view), panel.obstacles(view)]
    parts += [panel.notices(view), panel.questions(view), panel.assumptions(view)]
    if line["status"] == "routed":
        parts += [verdict_detail(view, line), eligibility(view, line)]
    return "".join([*parts, comparison(view, line), surroundings(view, line), shared_trench(view)])


def test_alternatives_are_named_by_street_and_side_and_stand_on_the_map() -> None:
    view, line = seen(town(**TWO_STREETS))
    assert [(one.letter, one.names) for one in choices(view, line)] == [
        ("A", ("最省", "最短")),
        ("B", ("经 甲路 北侧",)),
    ]
    told = comparison(view, line)
    for words in ("经 甲路 北侧", "5.00", "(推荐)", "m 以内的走向中比选,已搜完"):
        assert words in told, words
    marks = case_marks(view)["others"]
    assert [(one["letter"], one["shown"]) for one in marks] == [("A", False), ("B", True)]


def test_a_route_that_is_too_long_shows_limit_proof_and_no_cure_that_is_none() -> None:
    # The main ends 250 m west of the parcel in the only street: no way is shorter than 200 m.
    survey = town(
        roads={"R-1": street((0, 0), (600, 0))},
        parcels={"P-1": parcel(400, 12, 440, 52)},
        lines={"W-1": main((0, 8), (150, 8))},
    )
    view, line = seen(survey)
    assert line["qualifying_route"] == "none"
    told = everything(view, line)
    assert "限值 ≤ 200 · <b>超出" in told
    assert told.count(line["certificate"]["text"]) == 1
    assert ("怎样才能符合" in told) == bool(line.get("remedies"))


@pytest.mark.parametrize(
    ("survey", "changes", "outcome", "words"),
    [
        (
            town(
                lines={"W-1": main((0, -8), (300, -8))},
                roads={"R-1": street((0, 0), (300, 0), opened_on="2024-05-01")},
            ),
            {},
            "blocked",
            "道路交付使用日期 2024-05-01 · <b>触发</b>",
        ),
        (
            town(lines={"W-1": main((0, 8), (300, 8))}),
            {"work_kind": "relocation"},
            "not_covered",
            "业务类型 迁改 · 不在适用范围:二(一)",
        ),
    ],
)
def test_what_decides_is_what_the_planner_found(
    survey: towns.Survey, changes: dict[str, Any], outcome: str, words: str
) -> None:
    view, line = seen(survey, **changes)
    assert line["verdict"]["alone"]["outcome"] == outcome
    assert words in everything(view, line)
    summary = panel.lines_table(view) + panel.obstacles(view)
    assert "限值" not in summary
    assert "不符合" not in summary


def test_works_planned_and_what_is_unknown_are_told() -> None:
    works = {"PW-1": {"utility": "gas", "geometry": parcel(90, 5, 150, 14)["geometry"]}}
    survey = town(
        lines={"W-1": main((0, -8), (300, -8))},
        roads={"R-1": street((0, 0), (300, 0), surface=None, name="甲路")},
        planned_works=works,
    )
    told = everything(*seen(survey))
    assert "<b>给水</b> 计划工程 PW-1" in told
    assert "以下未知,按假定计:" in told
    assert "路面类型未知,按沥青计" in told
    assert "可共沟的外线不足两项" in told


def chinese_in(html: str) -> set[str]:
    """Texts and titles of a page with Chinese in them, but for what stands in quotation marks."""
    shown = [*re.split(r"<[^>]*>", html), *re.findall(r'(?:title|aria-label)="([^"]*)"', html)]
    found = {re.sub(r"「[^」]*」", "", unescape(text)).strip() for text in shown}
    return {text for text in found if re.search(r"[\u4e00-\u9fff]", text)}


def quoted(document: dict[str, Any]) -> set[str]:
    """What stays Chinese in every language: words and numbers of clauses, and names."""
    verdicts = [one for line in document["utilities"] for one in line["verdict"].values()]
    findings = [one for verdict in verdicts if isinstance(verdict, dict)
                for one in verdict["findings"]]  # fmt: skip
    words = {one[name] for one in findings for name in ("words", "quote", "ref", "source")}
    return {one for one in words if one} | {"示例路", "示例综合楼", "示例宗地"}


@pytest.mark.parametrize("number", [0, 1])
def test_in_english_only_names_and_quotations_of_clauses_stay_chinese(number: int) -> None:
    case = documents()[number]
    made = plan(parse_application(case), planned_town(), towns.policy()).to_json()
    language.speak("en")
    try:
        document = in_words(made)
        kept = sorted(quoted(document), key=len, reverse=True)
        pages = []
        for joint in (False, True):
            view = View(document, load_utilities(), Words(towns.policy()), joint=joint)
            pages.append(panel.never_covered(view))
            pages += [everything(view, line) for line in view.routed]
            pages += [surroundings(view, line) for line in view.wanted]
            pages.append(str(case_marks(view)))
        pages += [one["formula"] for one in document["trace"]]
    finally:
        language.speak(None)
    left = set()
    for text in chinese_in(" <br> ".join(pages)):
        for one in kept:
            text = text.replace(one, "")
        left |= {text} if re.search(r"[\u4e00-\u9fff]", text) else set()
    assert left == set()
    assert len(pages) > 4
    # The plan itself speaks Chinese whoever looked at it.
    assert made == plan(parse_application(case), planned_town(), towns.policy()).to_json()


TWO_FEEDS = {"water": {"nominal_mm": 200, "material": "PE", "feeds": 2}}


def test_of_two_feeds_the_pair_that_qualifies_its_price_and_both_lines_are_shown() -> None:
    """The nearest pair lies in a young street too; W-3 is across the old one."""
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "R-2": street((0, 64), (300, 64), opened_on="2025-06-01"),
    }
    lines = {
        "W-1": main((0, 8), (300, 8)),
        "W-2": main((0, 56), (300, 56)),
        "W-3": main((0, -8), (300, -8)),
    }
    view, line = seen(town(roads=roads, lines=lines), demands=TWO_FEEDS)
    told = everything(view, line)
    assert line["qualifying_price"]["text"] in told
    assert "两路合计多花" in told
    assert "长、穿路、绿化、造价和判定均为两路合计" in told
    together = line["second_feed"]["together"]
    table = re.search(r'<table class="tg-small tg-routes">.*?</table>', told, re.S)
    assert table is not None
    chosen = table.group().split("<tr class=tg-chosen>")[1].split("</tr>")[0]
    assert f"{together['length_m']:.2f}" in chosen
    assert "告知承诺" in chosen
    assert "不得挖掘" in table.group()  # the cheapest pair
    # What the clause counts is of both, not of the route that is drawn first.
    measured = re.search(r"全部量算值.*?管道长度</td><td class=\"n\">(.*?)</td>", told, re.S)
    assert measured is not None
    assert f"{together['length_m']:.2f}" in measured.group(1)
    row = lines_table(view).split("<tbody>")[1].split("</tr>")[0]
    for figure in ("length_m", "crossing_kerb_m", "green_m2"):
        assert f"{together[figure]:.2f}" in row
    # The length is traced to both mains, as it is judged.
    assert {"W-1", "W-3"} <= set(re.findall(r"W-\d", row))
    drawing = case_drawing(view)
    assert [one["utility"] for one in drawing["routes"]] == ["water", "water"]
    assert "第二路" in drawing["routes"][1]["label"]
    assert len(drawing["rings"]) == 2


def test_beside_a_drawn_feed_the_other_is_told_and_drawn() -> None:
    lines = {"W-1": main((0, 8), (300, 8)), "W-3": main((0, -8), (300, -8))}
    east, north = towns.ORIGIN
    course = [[120 + east, y + north] for y in (8, 12)]
    drawn = {"water": [{"line": {"type": "LineString", "coordinates": course}}]}
    view, line = seen(town(lines=lines), demands=TWO_FEEDS, drawn_routes=drawn)
    told = surroundings(view, line)
    assert "两路合计 长 24.00 m · 穿路 1 次 10.00 m" in told
    assert "手绘的一路 长 4.00 m" in told
    assert "另一路(自动选取,W-3 接入) 长 20.00 m" in told
    labels = [one["label"] for one in case_marks(view)["others"]]
    assert "与手绘的一路成对 20.00 m" in labels
    alone, line = seen(town(lines={"W-1": lines["W-1"]}), demands=TWO_FEEDS, drawn_routes=drawn)
    told = surroundings(alone, line)
    assert "只有手绘的一路,不能判定:第二路没有另一处来源" in told
    assert "两路合计" not in told


def test_of_two_feeds_that_cannot_qualify_the_proof_and_the_changes_are_shown() -> None:
    roads = {"R-1": street((0, 0), (300, 0), opened_on="2025-06-01")}
    lines = {"W-1": main((0, 8), (300, 8)), "W-2": main((0, -8), (300, -8))}
    view, line = seen(town(roads=roads, lines=lines), demands=TWO_FEEDS)
    told = everything(view, line)
    assert "从两条不同管线接入的路由至少有一路要经过不符合条件的地段" in told
    assert "推迟到 2030-06-02 开挖" in told
