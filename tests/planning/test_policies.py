"""The county's policy file: its quotes stand in the plan, and a malformed one is refused."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import planning
from planning.policies import COUNTIES, PolicyError, load_policy, read_policy

COUNTY = "411523_xinxian"
FILE = COUNTIES / COUNTY / "policy.toml"
TEXT = FILE.read_text(encoding="utf-8")
POLICY = load_policy(COUNTY)


def normal(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def quotes(entry: Any) -> Iterator[str]:
    """All quotes of a file, wherever they stand."""
    if isinstance(entry, dict):
        if isinstance(entry.get("quote"), str):
            yield entry["quote"]
        for value in entry.values():
            yield from quotes(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from quotes(value)


@pytest.mark.shared
def test_every_quote_stands_in_the_text_of_the_plan(shared: Path) -> None:
    plan = normal("".join(p.read_text("utf-8") for p in sorted((shared / "source").glob("*.txt"))))
    found = list(quotes(tomllib.loads(TEXT)))
    assert len(found) >= 30
    assert [quote for quote in found if normal(quote) not in plan] == []


def test_every_clause_condition_quotes_the_words_it_stands_for() -> None:
    for clause in POLICY.clauses:
        assert clause.quote or all(one.quote for one in (*clause.all_of, *clause.any_of))
        assert re.fullmatch(r"四\(四\)\([1-6]\)", clause.ref)


def test_the_six_clauses_stand_in_the_order_in_which_they_are_tried() -> None:
    tried = [(clause.utility, clause.ref[-3:]) for clause in POLICY.clauses]
    assert [ref for utility, ref in tried if utility == "power"] == ["(6)", "(4)"]
    assert sorted(ref for _utility, ref in tried) == ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)"]


def test_outcomes_are_ordered_by_strictness() -> None:
    assert list(POLICY.levels) == [
        "not_required",
        "commitment_filing",
        "commitment",
        "ordinary_approval",
        "blocked",
    ]


def test_limits_are_exact_decimals() -> None:
    conditions = [one for clause in POLICY.clauses for one in (*clause.all_of, *clause.any_of)]
    limits = [one.limit for one in conditions if one.comparator == "at_most"]
    assert len(limits) == 10
    assert all(type(limit) is Decimal for limit in limits)


def test_the_missing_day_of_issue_stays_missing_and_is_shown() -> None:
    assert "value" not in POLICY.effective
    assert POLICY.effective["note"] == "印发日期缺失"


def test_planning_settings_bear_source_and_confidence() -> None:
    assert POLICY.planning.max_snap_m == 40
    assert POLICY.planning.default_carriageway_width_m["arterial"] == 16
    assert POLICY.planning.value("low_voltage_limit_kw") == 160
    for setting in POLICY.planning.settings.values():
        assert setting.source
        assert setting.confidence in ("assumed", "recalled", "inferred", "verified")
    with pytest.raises(KeyError):
        POLICY.planning.value("default_carriageway_width_m")


def test_every_planning_setting_is_read_somewhere() -> None:
    files = set(Path(planning.__file__).parent.glob("*.py"))
    files -= {file for file in files if file.name == "policy_model.py"}
    code = set(re.findall(r"\w+", " ".join(file.read_text("utf-8") for file in files)))
    assert set(POLICY.planning.settings) <= code


def test_a_bridge_bars_gas_and_power_only() -> None:
    barred = {u for u in POLICY.rules if any(g.id == "bridge" for g in POLICY.rules[u].guards)}
    assert barred == {"gas", "power"}


def test_only_drainage_needs_a_discharge_permit() -> None:
    needing = {
        utility
        for utility, rules in POLICY.rules.items()
        if any(permit.id == "drainage_discharge" for permit in rules.permits)
    }
    assert needing == {"drainage"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('input = "max_dn_mm", at_most = 300', 'input = "max_dn_mm"', ("water", "max_dn_mm")),
        ("at_most = 300", 'at_most = "300"', ("clause water", "at_most", "须为不小于 0 的数")),
        ("at_most = 300", "at_most = -1", ("at_most = -1", "改为数字")),
        ("at_most = 300", "at_mots = 300", ("clause water", "恰好一个")),
        ('input = "max_dn_mm", at', 'input = "dn", at', ("input = dn", "max_dn_mm")),
        ('is = "six_small_trade"', 'is = "six_trades"', ("drainage", "six_trades")),
        ('outcome = "blocked"\nref', 'outcome = "barred"\nref', ("road_new_5y", "barred")),
        ('permit = "tree_moving"\n', 'permit = "trees"\n', ("guard.permit", "trees")),
        ('list = "six_small_trades"', 'list = "trades"', ("condition.list", "trades")),
        ('ref = "四(四)(3)"\n', "", ("clause gas", "ref", "缺少必需的字段")),
        (
            'ref = "四(四)(3)"\n',
            'ref = "四(四)(3)"\nlimit = 3\n',
            ("clause gas", "limit", "不认识"),
        ),
        ('disables = ["power_approval"]', 'disables = ["four"]', ("switch.disables", "four")),
        ('default = "all_else"', 'default = "some"', ("switch power_other", "default = some")),
        ("not_after_years = 5", "not_after_years = 0", ("road_new_5y", "not_after_years = 0")),
        ("schema = 2", "schema = 1", ("schema = 1",)),
        ("[planning.max_snap_m]", "[planning.snap_m]", ("max_snap_m", "缺少规划参数")),
        ('id = "not_required"', 'id = "none"', ("not_required",)),
        (
            '{ input = "max_dn_mm", at_most = 300',
            '{ input = "max_dn_mm", at_least = 400 },\n  { input = "max_dn_mm", at_most = 300',
            ("clause water", "max_dn_mm at_least 400", "max_dn_mm at_most 300", "互相矛盾"),
        ),
        ("schema = 2", "schema = = 2", ("不是可读的 TOML",)),
        (' is = true, quote = "适', ' is = "yes", quote = "适', ("service_area", "true 或 false")),
    ],
)
def test_a_malformed_policy_names_file_entry_and_field(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    assert old in TEXT
    file = tmp_path / "999999_test" / "policy.toml"
    file.parent.mkdir()
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        read_policy(file)
    message = str(caught.value)
    assert "999999_test/policy.toml" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("county", ["410000_nowhere", "../411523_xinxian", "", "411523_xinxian/."])
def test_a_county_without_policy_is_refused_with_those_that_have_one(county: str) -> None:
    with pytest.raises(PolicyError, match=COUNTY):
        load_policy(county)
