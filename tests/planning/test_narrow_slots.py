"""Streets too narrow for a trench, on paper: what bars, what only may, and what is told.

The usual street with its kerb at y = 5 and a footway up to the red line. Water DN200 has a trench
of its outside width and 0.3 m working space on both sides: 0.8 m. The parcel lies behind y = 12.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

from layers.survey import Survey
from planning.batch import cases_of, screen
from planning.external_lines import ExternalLine, all_by_forest, external_lines
from planning.groundwork import prepare
from planning.narrow_slots import may_lack_room, too_narrow, ways_too_narrow
from planning.no_dig import ANY_WIDTH
from planning.plan import plan
from planning.policy_model import Policy
from planning.routes import best_way
from planning.standards import Pipe
from tests import towns
from tests.towns import application, ground, main, parcel, street, town

WATER = Pipe("water", nominal_mm=200, material="PE")
WIDE_M, NARROW_M = 20.0, 11.0  # red lines of a carriageway of 10 m: footways of 5 m and of 0.5 m
# Along the street from the main's end at x = 0 to the parcel.
AT_THE_END = {"W-1": main((-60, 8), (0, 8))}


def without_lanes() -> Policy:
    """The rules of a county that lets no line lie along a carriageway."""
    known = towns.policy().planning.settings
    off = replace(known["lane_beside_less_than_m"], value=0.0)
    changed = {**known, "lane_beside_less_than_m": off}
    return replace(towns.policy(), planning=replace(towns.policy().planning, settings=changed))


def line_of(survey: Survey) -> ExternalLine:
    case = application()
    work = prepare(survey, without_lanes(), [case])
    site = work.site(case)
    return external_lines(work, case.demands["water"], [site], all_by_forest)[site.key]


def narrow_street(red_line_width_m: float | None = NARROW_M, **changes: Any) -> towns.Rows:
    return {"R-1": street((-60, 0), (300, 0), red_line_width_m=red_line_width_m, **changes)}


def trench_m(pipe: Pipe = WATER) -> float:
    width = ground(town()).rates(pipe).width_m
    assert width is not None
    return width


def test_a_footway_narrower_than_the_trench_bars_and_one_as_wide_does_not() -> None:
    needed = trench_m()
    for spare_m, status in ((-0.01, "unroutable"), (0.0, "routed")):
        roads = narrow_street(10 + 2 * (needed + spare_m))
        line = line_of(town(roads=roads, lines=AT_THE_END))
        assert (line.status, spare_m) == (status, spare_m)


def test_a_line_kept_off_by_narrow_slots_says_where_and_how_wide() -> None:
    line = line_of(town(roads=narrow_street(), lines=AT_THE_END))
    assert (line.status, line.reason) == ("unroutable", "no_room")
    assert {slot.road_id for slot in line.narrow} == {"R-1"}
    for slot in line.narrow:
        assert slot.free_width_m == pytest.approx(0.5)
        assert slot.needed_m == pytest.approx(trench_m())
    assert any("净宽 0.50 m,放不下 0." in slot.text for slot in line.narrow)


@pytest.mark.parametrize("changes", [{"red_line_width_m": None}, {"carriageway_width_m": None}])
def test_what_nobody_recorded_bars_nothing(changes: dict[str, Any]) -> None:
    roads = {"R-1": {**narrow_street()["R-1"], **changes}}
    work = ground(town(roads=roads, lines=AT_THE_END))
    assert not too_narrow(work, WATER).any()


def test_a_trench_of_unknown_width_is_barred_nowhere() -> None:
    work = ground(town(roads=narrow_street(), lines=AT_THE_END))
    assert may_lack_room(work, WATER)
    assert not may_lack_room(work, Pipe("water"))


def test_a_larger_pipe_is_barred_where_a_smaller_one_is_not() -> None:
    work = ground(town(roads=narrow_street(10 + 2 * (trench_m() + 0.01)), lines=AT_THE_END))
    large = Pipe("water", nominal_mm=600, material="PE")
    assert not too_narrow(work, WATER).any()
    assert too_narrow(work, large).any()


def test_a_way_along_part_of_a_narrow_strip_to_a_main_is_barred_too() -> None:
    # Both lead to the end of the main; only those that stay off the narrow strip remain.
    work = ground(town(roads=narrow_street(), lines={"W-1": main((-60, 8), (70, 8))}))
    barred = ways_too_narrow(work, WATER)
    lines = work.tie_ins("water").lines[barred]
    assert len(lines)
    xy = [towns.xy(line) for line in lines]
    assert all(abs(one[0][0] - one[1][0]) > 0.5 and abs(one[0][1] - one[1][1]) < 1e-3 for one in xy)
    assert not barred.all()


def body(**changes: Any) -> towns.Rows:
    """A sewer of DN1000 in the middle of the northern footway."""
    told = {"position_accuracy_m": 1e-9, "depth_m": 2.0, "material": "concrete", **changes}
    row = {"utility": "sewage", "subtype": None, "diameter_mm": 1000.0, **told}
    return {"S-1": main((-60, 6.2), (300, 6.2), **row)}


def north(work: Any) -> Any:
    measures = work.corridors.graph.measures
    return ((measures["side"] == 1) & (measures["kind"] == "strip")).to_numpy()


def test_the_body_of_a_line_bars_and_its_clearance_does_not() -> None:
    # Footway of 2.4 m with a body of 1 m or more in its middle: under 0.7 m on both sides.
    roads = narrow_street(14.8)
    work = ground(town(roads=roads, lines={**AT_THE_END, **body()}))
    barred = too_narrow(work, WATER)
    assert barred[north(work)].any()
    assert not barred[~north(work)].any()
    # 1 m wide it leaves 1.9 m of a footway of 3.6 m. The clearance of table 4.1.9 is more than that
    # leaves to the trench; but measures may be taken.
    work = ground(town(roads=narrow_street(17.2), lines={**AT_THE_END, **body()}))
    assert not too_narrow(work, WATER).any()


@pytest.mark.parametrize(
    "changes",
    [
        {"position_accuracy_m": None},
        {"position_accuracy_m": 5.0},
        {"diameter_mm": None},
        {"status": "abandoned"},
    ],
)
def test_a_line_that_may_lie_elsewhere_or_is_gone_bars_nothing(changes: dict[str, Any]) -> None:
    work = ground(town(roads=narrow_street(14.8), lines={**AT_THE_END, **body(**changes)}))
    assert not too_narrow(work, WATER).any()


TWO_WAYS = {
    "R-1": street((0, 0), (300, 0), red_line_width_m=NARROW_M),
    "R-2": street((0, 0), (0, 100)),
    "R-3": street((0, 100), (300, 100)),
    "R-4": street((300, 0), (300, 100)),
}
# Behind a footway of R-4, which a line reaches from R-3 or over the narrow R-1.
CORNER = {"P-1": parcel(240, 30, 288, 70)}


def corner(**layers: Any) -> Any:
    main_ = {"W-1": main((-8, -20), (-8, 20))}
    return town(**{"roads": TWO_WAYS, "parcels": CORNER, "lines": main_, **layers})


def test_where_the_nearer_street_is_too_narrow_the_line_goes_round() -> None:
    case = application()
    work = ground(corner(), case)
    site = work.site(case)
    line = external_lines(work, case.demands["water"], [site], all_by_forest)[site.key]
    assert line.status == "routed"
    assert line.route is not None
    assert not too_narrow(work, WATER)[list(line.route.way.edges)].any()
    wide = {**TWO_WAYS, "R-1": street((0, 0), (300, 0))}
    other = line_of(corner(roads=wide))
    assert other.route is not None
    assert other.route.figures["length_m"] < line.route.figures["length_m"]


def test_the_plan_says_why_the_nearer_side_was_not_taken() -> None:
    found = plan(application(), corner(), towns.policy())
    told = [one for one in found.notices if one.kind == "slot_too_narrow"]
    assert told
    assert {one.feature_id for one in told} == {"R-1"}
    assert all("放不下" in one.text and one.utilities == ("water",) for one in told)
    wide = {**TWO_WAYS, "R-1": street((0, 0), (300, 0))}
    found = plan(application(), corner(roads=wide), towns.policy())
    assert not [one for one in found.notices if one.kind == "slot_too_narrow"]


@pytest.mark.parametrize("survey", [corner(), town(roads=narrow_street(), lines=AT_THE_END)])
def test_the_screening_tells_what_the_plan_tells(survey: Any) -> None:
    work = ground(survey)
    cases = cases_of(survey, [application()], towns.dig_date())
    table = screen(work, cases, ["water"])
    for row, case in zip(table.to_dict("records"), cases, strict=True):
        line: ExternalLine = plan(case, survey, towns.policy(), corridors=work).lines["water"]
        assert (row["status"], row["reason"]) == (line.status, line.reason)
        if line.route is not None:
            assert row["length_m"] == pytest.approx(line.route.figures["length_m"])


def test_the_way_round_is_that_of_networkx_on_the_open_edges() -> None:
    case = application()
    work = ground(corner(), case)
    site, graph = work.site(case), work.corridors.graph
    search = work.search(case.demands["water"].pipe, "cheapest")
    way = best_way(search, site.end_nodes)
    assert way is not None
    open_ = work.under(ANY_WIDTH).search(WATER, "cheapest").edge_weights
    peer = nx.Graph()
    for number, (a, b) in enumerate(graph.ends.tolist()):
        if work.corridors.is_connector[number] and not {a, b} & set(site.end_nodes.tolist()):
            continue
        weight = np.inf if too_narrow(work, WATER)[number] else open_[number]
        if np.isfinite(weight) and weight < peer.get_edge_data(a, b, {"weight": np.inf})["weight"]:
            peer.add_edge(a, b, weight=weight)
    for node, _row, weight in zip(*search.best_tie_ins, strict=True):
        peer.add_edge("network", node, weight=weight)
    peer.add_edges_from(((node, "end") for node in site.end_nodes.tolist()), weight=0.0)
    assert way.weight == pytest.approx(nx.dijkstra_path_length(peer, "network", "end"))
