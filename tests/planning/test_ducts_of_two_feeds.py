"""Two feeds in one existing duct need the holes of both; without them one takes another way.

Two mains end west of squares that may not be dug. Duct S leads under the first square, D and E
under the second: D along the northern side, E across the street, which costs more. So both feeds
take D where it has the holes for both, else one takes E; without E there is no second feed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from shapely.geometry import box

from layers.survey import Survey
from planning import pair_search
from planning.batch import screen
from planning.external_lines import ExternalLine
from planning.nearby_ways import nearby_ways
from planning.plan import Plan, plan
from planning.second_feed import SecondFeed, with_second
from tests import towns
from tests.towns import application, ground, main, node, parcel, town

DUCT = {"utility": "telecom", "subtype": "duct", "laying": "duct", "diameter_mm": None}
OPEN = {"owner": "电信", "open_to_others": True, "duct_holes": 6}
HOLES = 2  # of one feed
CASE = application(
    demands={"telecom": {"duct_holes": HOLES, "duct_outer_diameter_mm": 110, "feeds": 2}}
)


def squares(**free: int) -> Survey:
    """The town with so many free holes in each of its ducts; those not named are not there."""
    run = {"S": (100, 160, 8), "D": (165, 215, 8), "E": (165, 215, -8)}
    ducts = {
        name: main((run[name][0], run[name][2]), (run[name][1], run[name][2]),
                   **DUCT, **OPEN, free_holes=holes)
        for name, holes in free.items()
    }  # fmt: skip
    joints = {
        f"{name}-{x}": _handhole(x, run[name][2], name, 0) for name in free for x in run[name][:2]
    }
    mains = {
        "A": main((0, 8), (60, 8), **DUCT, duct_holes=6, free_holes=0),
        "B": main((0, -8), (60, -8), **DUCT, duct_holes=6, free_holes=0),
    }
    ends = {"HA": _handhole(60, 8, "A", 4), "HB": _handhole(60, -8, "B", 4)}
    shut = {
        f"X-{x}": {"reason": "广场", "geometry": box(x, -12, x + 20, 12)}
        for x, name in ((120, "S"), (180, "D"))
        if name in free
    }
    return town(
        lines={**mains, **ducts},
        nodes={**ends, **joints},
        no_dig=shut,
        parcels={"P-1": parcel(220, 12, 260, 52)},
    )


def _handhole(x: float, y: float, line_id: str, free: int) -> dict[str, Any]:
    told = {"utility": "telecom", "kind": "handhole", "owner": "电信", "line_id": line_id}
    return node(x, y, **told, free_holes=free)


def planned(survey: Survey) -> tuple[Plan, ExternalLine]:
    found = plan(CASE, survey, towns.policy())
    return found, found.lines["telecom"]


def ducts_of(found: Plan, line: ExternalLine) -> Counter[str]:
    """How many feeds take each duct."""
    carriers = found.work.corridors.carriers
    return Counter(name for one in line.feeds for _, name, _ in carriers.among(one.way.edges))


@pytest.mark.parametrize(
    ("free", "wanted"),
    [
        ({"S": 4, "D": 4, "E": 4}, {"S": 2, "D": 2}),
        ({"S": 4, "D": 3, "E": 2}, {"S": 2, "D": 1, "E": 1}),
        ({"S": 5, "D": 2, "E": 4}, {"S": 2, "D": 1, "E": 1}),
        # D takes neither: E has the holes for both.
        ({"S": 4, "D": 1, "E": 4}, {"S": 2, "E": 2}),
    ],
)
def test_a_duct_takes_both_feeds_only_with_the_holes_for_both(
    free: dict[str, int], wanted: dict[str, int]
) -> None:
    survey = squares(**free)
    found, line = planned(survey)
    assert ducts_of(found, line) == wanted
    row = screen(ground(survey, CASE), [CASE], ["telecom"]).iloc[0]
    assert line.both is not None
    assert row["cost_yuan"] == pytest.approx(line.both.figures["cost_yuan"])
    assert row["outcome"] == line.both.verdict.outcome


@pytest.mark.parametrize("free", [{"S": 3}, {"S": 2}, {"S": 4, "D": 3}, {"S": 3, "D": 4, "E": 4}])
def test_without_the_holes_for_both_there_is_no_second_feed(free: dict[str, int]) -> None:
    survey = squares(**free)
    _, line = planned(survey)
    assert line.second is not None
    assert (line.second.route, line.second.reason) == (None, "disconnected")
    assert line.judged is not None
    assert line.judged.verdict.outcome == "undetermined"
    row = screen(ground(survey, CASE), [CASE], ["telecom"]).iloc[0]
    assert row["outcome"] == "undetermined"


def test_a_search_that_gives_up_puts_the_second_feed_into_another_duct(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pair_search, "MOST_LABELS", 0)
    found, line = planned(squares(S=4, D=3, E=2))
    assert line.qualifying_route == "not_proven"
    assert ducts_of(found, line) == {"S": 2, "D": 1, "E": 1}


def test_a_search_that_gives_up_without_a_second_feed_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first feed fills D. Whether another first would leave it free was not found out.
    monkeypatch.setattr(pair_search, "MOST_LABELS", 0)
    _, line = planned(squares(S=4, D=3))
    assert line.second is not None
    assert (line.second.route, line.second.reason) == (None, "not_proven")
    assert not line.second.proven


def test_a_first_feed_in_the_duct_that_the_second_fills_is_no_pair() -> None:
    roomy, line = planned(squares(S=4, D=4, E=4))
    tight, _ = planned(squares(S=4, D=3, E=4))  # the same graph: both feeds through D
    assert line.demand is not None
    first, second = line.feeds
    for found, is_pair in ((roomy, True), (tight, False)):
        both = with_second(found.work, line.demand, found.site, first, SecondFeed(second))
        assert (both is not None) is is_pair


def test_ways_that_are_compared_keep_out_of_the_duct_that_the_second_feed_fills() -> None:
    found, line = planned(squares(S=4, D=3, E=2))
    carriers, second = found.work.corridors.carriers, line.feeds[1]
    edge = {name: number for number, name, _ in carriers.among(second.way.edges)}
    last = next(name for name in edge if name != "S")
    nearby = nearby_ways(found.work, found.site, line)
    yuan = {name: nearby.cost[nearby.area.edges == edge[name]] for name in ("S", last)}
    assert np.isfinite(yuan["S"]).all()
    assert np.isinf(yuan[last]).all()
    assert len(yuan["S"]) == len(yuan[last]) == 1
