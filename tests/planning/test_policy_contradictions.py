"""Limits that nothing can meet together, and limits that only look so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from planning.policy_contradictions import contradiction
from planning.policy_model import Condition


def condition(comparator: str, limit: Any, name: str = "length_m", **more: Any) -> Condition:
    value = Decimal(str(limit)) if isinstance(limit, int | float) else limit
    return Condition(
        input=name, comparator=comparator, limit=value, date=None, quote=None,
        confidence="inferred", list=None, round_to=Decimal("0.01"), **{"utility": None, **more},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("at_most", 100), ("at_least", 101)),
        (("at_most", 100), ("above", 100)),
        (("below", 100), ("at_least", 100)),
        (("below", 100), ("above", 200)),
        (("is", "household"), ("is", "other")),
        (("is", "household"), ("is_one_of", ("other", "six_small_trade"))),
        (("is", "household"), ("is_not", "household")),
    ],
)
def test_limits_that_exclude_each_other_are_found_in_any_order(
    one: tuple[str, Any], other: tuple[str, Any]
) -> None:
    pair = [condition(*one), condition(*other)]
    assert contradiction(pair) == tuple(pair)
    assert contradiction(pair[::-1]) == tuple(pair[::-1])
    assert contradiction([pair[0], condition("at_most", 5, "width_m"), pair[1]]) == tuple(pair)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("at_most", 100), ("at_least", 100)),
        (("at_most", 100), ("at_most", 50)),
        (("above", 100), ("at_least", 200)),
        (("is", "household"), ("is_one_of", ("household", "other"))),
        (("is", "household"), ("is_not", "other")),
        (("is_not", "household"), ("is_not", "other")),
    ],
)
def test_limits_that_something_meets_are_none(one: tuple[str, Any], other: tuple[str, Any]) -> None:
    assert contradiction([condition(*one), condition(*other)]) is None
    assert contradiction([condition(*other), condition(*one)]) is None


def test_limits_of_different_inputs_or_utilities_do_not_meet() -> None:
    above = condition("above", 100)
    assert contradiction([above, condition("below", 50, "width_m")]) is None
    assert contradiction([above, condition("below", 50, utility="gas")]) is None
