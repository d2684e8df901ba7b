"""Policies by which a longer route may be judged better: what a search by pieces proves there.

On paper: which rules are such, and a way that qualifies though its pieces do not; and random towns
under policies of both kinds, against many ways in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice, product
from typing import Any

import numpy as np
import pytest
from shapely.geometry import box

from layers.survey import Survey
from planning import qualifying
from planning.batch import screen
from planning.ever_worse import improving_input
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.groundwork import Groundwork, Site, prepare
from planning.judged_routes import Route
from planning.policy_model import Condition, Guard, Policy, UtilityRules
from planning.qualifying import Qualifying, judge_ways
from planning.qualifying_document import certificate_of
from tests import towns
from tests.planning.test_barred_together import trees
from tests.planning.test_qualifying import _without_bores, ways_by_cost
from tests.towns import main, street, town

pytestmark = pytest.mark.slow_first

Change = Callable[[UtilityRules], dict[str, Any]]


def asks(name: str, comparator: str, limit: Any, date: str | None = None) -> Condition:
    return Condition(name, comparator, limit, date=date, round_to=Decimal("0.01"))


def changed(change: Change, utility: str = "water") -> Policy:
    """The policy with other rules of a utility."""
    policy = towns.policy()
    rules = policy.rules[utility]
    return replace(policy, rules={**policy.rules, utility: replace(rules, **change(rules))})


def clause_asks(*tests: Condition, outcome: str = "commitment") -> Change:
    """The clause asks for more, and has an outcome."""

    def change(rules: UtilityRules) -> dict[str, Any]:
        first, *rest = rules.clauses
        return {"clauses": (replace(first, all_of=(*first.all_of, *tests), outcome=outcome), *rest)}

    return change


def another_guard(*tests: Condition, outcome: str = "blocked") -> Change:
    """One more guard."""
    guard = Guard("g", None, outcome, "x", "x", tests, (), "x", "assumed")
    return lambda rules: {"guards": (*rules.guards, guard)}


def permit_needed_when(test: Condition) -> Change:
    return lambda rules: {
        "permits": (replace(rules.permits[0], required_when=test), *rules.permits[1:])
    }


# --- which policies are such ---------------------------------------------------------------------


def test_by_the_shipped_policy_routes_only_get_worse_under_every_reading() -> None:
    policy, told = towns.policy(), 0
    for utility, rules in policy.rules.items():
        for chosen in product(*(list(one.values) for one in rules.switches)):
            switches = tuple(
                replace(one, default=value)
                for one, value in zip(rules.switches, chosen, strict=True)
            )
            read = {**policy.rules, utility: replace(rules, switches=switches)}
            assert improving_input(replace(policy, rules=read), utility) is None
            told += 1
    assert told > 50


DATE = ("road_opened_on", "not_after_years")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (clause_asks(asks("touches_city_road", "is", True)), "touches_city_road"),
        (clause_asks(asks("touches_tree", "is_not", False)), "touches_tree"),
        (clause_asks(asks("pipe_length_m", "at_least", Decimal(50))), "pipe_length_m"),
        (clause_asks(asks("pipe_length_m", "is", Decimal(50))), "pipe_length_m"),
        (clause_asks(asks("open_cut", "is", False)), "open_cut"),
        (clause_asks(asks(*DATE, 5, "dig_date")), "road_opened_on"),
        (clause_asks(outcome="ordinary_approval"), None),
        (
            lambda rules: {
                **clause_asks(outcome="ordinary_approval")(rules),
                "otherwise": "commitment",
            },
            "pipe_length_m",
        ),
        (another_guard(asks("on_bridge", "is", False)), "on_bridge"),
        (another_guard(asks("open_cut", "is", True)), "open_cut"),
        (another_guard(asks("green_affected_m2", "at_most", Decimal(5))), "green_affected_m2"),
        (another_guard(asks(*DATE, 5, "dig_date")), None),
        # Where a road may be dug the longer period tells, where it is the shorter may be over.
        (another_guard(asks(*DATE, 3, "dig_date")), "road_opened_on"),
        (another_guard(asks("touches_tree", "is", False), outcome="commitment"), None),
        (permit_needed_when(asks("pipe_length_m", "above", Decimal(9))), "pipe_length_m"),
        (permit_needed_when(asks("touches_city_road", "is", False)), "touches_city_road"),
        (permit_needed_when(asks("bad_credit", "is", True)), "bad_credit"),
        (clause_asks(asks("touches_city_road", "is", False)), None),
        (clause_asks(asks("bad_credit", "is", True)), None),
        (another_guard(asks("pipe_length_m", "above", Decimal(90))), None),
        (another_guard(asks("on_bridge", "is", True), asks("pit_in_road", "is", True)), None),
    ],
)
def test_what_a_longer_route_may_be_better_by_is_named(change: Change, name: str | None) -> None:
    assert improving_input(changed(change), "water") == name


def test_silence_about_a_route_must_leave_it_open() -> None:
    policy = towns.policy()
    silence = replace(policy.silences["plan"], assumed={"touches_tree": False})
    silent = replace(policy, silences={**policy.silences, "plan": silence})
    assert improving_input(silent, "water") == "touches_tree"


# --- on paper ------------------------------------------------------------------------------------

IN_CITY_ROADS = clause_asks(asks("touches_city_road", "is", True))


def estate_street() -> Survey:
    """From the parcel lawns lie across an estate street to both sides, a city street goes on."""
    return town(
        roads={
            "R-1": street((0, 0), (200, 0), authority="estate"),
            "R-2": street((200, 0), (400, 0)),
        },
        lines={"W-1": main((215, 8), (400, 8)), "W-2": main((0, 8), (60, 8))},
        parcels={"P-1": towns.parcel(100, 12, 140, 52)},
        green={
            "V-1": {"kind": "verge", "geometry": box(145, -16, 150, 16)},
            "V-2": {"kind": "verge", "geometry": box(65, -16, 70, 16)},
        },
    )


def solved(survey: Survey, policy: Policy) -> tuple[Groundwork, Site, ExternalLine]:
    case = towns.application()
    work = prepare(survey, policy, [case])
    site = work.site(case)
    lines = external_lines(work, case.demands["water"], [site], nearby_finder())
    return work, site, lines[site.key]


def test_where_a_longer_route_may_be_better_nothing_is_proven() -> None:
    """To the lawn in the east no city road is touched, but by the whole way to the east main."""
    policy = changed(IN_CITY_ROADS)
    work, _, line = solved(estate_street(), policy)
    assert (line.qualifying_route, line.recommended) == ("not_proven", "cheapest")
    assert line.qualifying is not None
    assert not line.qualifying.proven
    assert line.qualifying.lower_bound == line.routes["cheapest"].figures["cost_yuan"]
    told = certificate_of(line, policy)
    assert told is not None
    assert (told["kind"], told["input"]) == ("milder", "touches_city_road")
    assert told["text"] == (
        "按政策,管线变长时“红线外涉及城市道路”一项可能反而有利,没有找到符合条件的路由,尚未证明没有"
    )
    rows = screen(work, [towns.application()], utilities=["water"])
    assert rows["qualifying_route"].tolist() == ["not_proven"]


def test_the_cheapest_that_qualifies_is_proven_whatever_the_policy() -> None:
    survey = town(lines={"W-1": main((0, 8), (300, 8))})
    line = solved(survey, changed(IN_CITY_ROADS))[2]
    assert line.qualifying is not None
    assert (line.qualifying_route, line.qualifying.proven) == ("found", True)


# --- against many ways in turn -------------------------------------------------------------------

SEEDS, MOST_TRIED = range(17, 41), 25
NAMES = ("touches_city_road", "touches_green", "touches_tree", "ancient_tree_or_park", "open_cut")


def random_rules(rng: np.random.Generator) -> Change:
    """A clause that asks for facts or lengths, either way, and perhaps a guard."""

    def test() -> Condition:
        if rng.uniform() < 0.3:
            comparator = str(rng.choice(["at_most", "at_least"]))
            return asks("pipe_length_m", comparator, Decimal(int(rng.integers(20, 160))))
        return asks(str(rng.choice(NAMES)), "is", bool(rng.integers(2)))

    tests = [test() for _ in range(int(rng.integers(1, 3)))]
    clause = clause_asks(*tests, outcome=str(rng.choice(["commitment", "commitment_filing"])))
    guard = another_guard(test(), test()) if rng.uniform() < 0.3 else lambda _rules: {}
    return lambda rules: {**clause(rules), **guard(rules)}


def mixed_town(seed: int) -> Survey:
    """An estate street that a city street goes on from, or the other way, with lawns and trees."""
    rng = np.random.default_rng(seed)
    turns = float(rng.integers(180, 240))
    one, two = rng.choice(["estate", "municipal"], 2, replace=False).tolist()
    stems = rng.choice([46.0, 52.0, 58.0, 152.0, 160.0, 168.0], 2, replace=False).tolist()
    lawns = rng.choice([65.0, 75.0, 143.0, 150.0, 175.0], 2, replace=False).tolist()
    return town(
        roads={
            "R-1": street((0, 0), (turns, 0), authority=one),
            "R-2": street((turns, 0), (400, 0), authority=two),
        },
        lines={
            "W-1": main((turns + 15, 8), (400, 8)),
            "W-2": main((0, 8), (float(rng.integers(30, 60)), 8)),
        },
        parcels={"P-1": towns.parcel(100, 12, 140, 52)},
        green={f"V-{x:.0f}": {"kind": "verge", "geometry": box(x, -16, x + 5, 16)} for x in lawns},
        trees=trees(*((x, y) for x in stems for y in range(-16, 17))),
    )


def is_false(found: Qualifying, tried: Sequence[Route]) -> bool:
    """Whether an answer is proven and wrong: a cheaper way qualifies, or may where none does."""
    level = 0 if found.possible is None else 1
    best = found.route or found.possible
    yuan = np.inf if best is None else best.figures["cost_yuan"]
    least, sure = (
        min((one.figures["cost_yuan"] for one in tried if one.rank <= rank), default=np.inf)
        for rank in (level, 0)
    )
    return bool((found.proven and least < yuan - 1e-2) or found.lower_bound > sure + 1e-2)


def test_no_proof_is_false_under_any_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the cheapest ways in turn; without the look at the policy some would be."""
    kinds: Counter[Any] = Counter()
    for seed in SEEDS:
        policy = changed(random_rules(np.random.default_rng(seed)))
        work, site, line = solved(mixed_town(seed), policy)
        assert line.demand is not None
        assert line.qualifying is not None
        ways = list(islice(_without_bores(work, ways_by_cost(work, site, line)), MOST_TRIED))
        tried = judge_ways(work, line.demand, [site] * len(ways), ways, [()] * len(ways))
        assert not is_false(line.qualifying, tried)
        only_worse = improving_input(policy, "water") is None
        kinds[only_worse, line.qualifying_route] += 1
        with monkeypatch.context() as patch:
            patch.setattr(qualifying, "improving_input", lambda *_: None)
            trusted = solved(mixed_town(seed), policy)[2].qualifying
        assert trusted is not None
        kinds["false"] += is_false(trusted, tried)
    assert kinds[False, "none"] == 0
    assert kinds["false"] >= 3, kinds
    assert kinds[False, "not_proven"] >= 3, kinds
    assert kinds[True, "none"] > 0, kinds
