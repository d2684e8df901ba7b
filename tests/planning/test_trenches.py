"""The joint plan of one parcel: paper case, alternatives, lines left out, bad input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.subsets import members
from planning.policies import load_policy
from planning.sections import narrowest_section
from planning.standards import load_standards
from planning.trenches import JointPlan, share_trenches
from tests.planning.section_cases import (
    GAS,
    PAPER,
    PAPER_PRICES,
    POWER,
    SEWAGE,
    TELECOM,
    WATER,
    PaperStandards,
    pipe,
)

GROUND = ("footway", "asphalt")
POLICY = load_policy("411523_xinxian")


def share(edges: Any, lengths: Any, pipes: Any, sources: Any, root: int, **more: Any) -> JointPlan:
    chosen = {"standards": PaperStandards(), "policy": POLICY, "prices": PAPER_PRICES, **more}
    for name in {"slot_width_m", "slot_gap_m"} & set(more):
        chosen[name] = of_sets(more[name])
    return share_trenches(
        edges, np.array(lengths, dtype=float), pipes, sources, root, surfaces=GROUND, **chosen
    )


def of_sets(metres: Any) -> np.ndarray:
    """The room of each set of pipes: that of the one which has most, as any may lie outside."""
    rows = np.atleast_2d(np.array(metres, dtype=float))
    sets = [members(subset) for subset in range(1, 2 ** len(rows))]
    return np.array([np.full(rows.shape[1], np.inf), *(rows[own].max(axis=0) for own in sets)])


def trench_yuan_m(pipes: list[Any], surface: str = "footway") -> float:
    place = "non_carriageway" if surface == "footway" else "carriageway"
    section = narrowest_section(pipes, place, standards=PaperStandards())
    return section.trench_yuan_m(surface, prices=PAPER_PRICES, restoration_extra_m=0.25)


# A stem of 40 m from the parcel (3) to a fork (2), arms of 10 m to the water (0) and power (1).
STEM = [(0, 2), (1, 2), (2, 3)]
STEM_LENGTHS = [(10, 0), (10, 0), (40, 0)]


def test_two_lines_share_the_stem_and_save_what_the_paper_says() -> None:
    plan = share(STEM, STEM_LENGTHS, [WATER, POWER], [[0], [1]], 3)
    water, power, both = (trench_yuan_m(p) for p in ([WATER], [POWER], [WATER, POWER]))
    pipes = 50 * 20 + 50 * 40
    assert plan.cost_yuan == pytest.approx(10 * water + 10 * power + 40 * both + pipes)
    assert plan.separate_cost_yuan == pytest.approx(50 * water + 50 * power + pipes)
    assert plan.overlap_cost_yuan == pytest.approx(plan.cost_yuan)
    assert plan.saving_yuan == pytest.approx(40 * (water + power - both))
    assert plan.shared_length_m == pytest.approx(40)
    assert plan.subset_of_edge.tolist() == [1, 2, 3]
    assert [(one.utilities, one.length_m, one.edges) for one in plan.segments] == [
        (("water",), 10, (0,)),
        (("power",), 10, (1,)),
        (("power", "water"), 40, (2,)),
    ]
    assert plan.left_out == ()


def test_shares_add_up_to_the_cost_and_stay_under_the_ceilings() -> None:
    plan = share(STEM, STEM_LENGTHS, [WATER, POWER], [[0], [1]], 3)
    assert plan.allocation is not None
    shares = plan.allocation.shares
    assert sum(one.shapley_yuan for one in shares) == pytest.approx(plan.cost_yuan)
    assert sum(one.stand_alone_yuan for one in shares) == pytest.approx(plan.separate_cost_yuan)
    assert shares[0].saving_yuan == pytest.approx(plan.saving_yuan / 2)
    assert plan.allocation.within_ceilings


def test_an_edge_is_priced_by_its_metres_on_each_surface() -> None:
    plan = share([(0, 1)], [(12, 5)], [WATER], [[0]], 1)
    expected = 12 * trench_yuan_m([WATER]) + 5 * trench_yuan_m([WATER], "asphalt") + 17 * 20
    assert plan.cost_yuan == pytest.approx(expected)
    assert [(one.surface, one.length_m) for one in plan.segments] == [
        ("footway", 12),
        ("asphalt", 5),
    ]
    assert {one.section_id for one in plan.segments} == set(plan.sections)


def test_joining_beats_ways_that_are_cheapest_alone() -> None:
    # Each line has its own way of 40 m to the parcel; a link of 2 m joins them at the start.
    edges = [(0, 2), (1, 2), (0, 1)]
    plan = share(edges, [(40, 0), (40, 0), (2, 0)], [WATER, POWER], [[0], [1]], 2)
    assert plan.overlap_cost_yuan == pytest.approx(plan.separate_cost_yuan)
    assert plan.saving_vs_overlap_yuan > 0
    assert plan.shared_length_m == 40


def test_an_extra_such_as_a_crossing_is_paid_once_by_those_who_share() -> None:
    plain = share(STEM, STEM_LENGTHS, [WATER, POWER], [[0], [1]], 3)
    crossed = share(
        STEM, STEM_LENGTHS, [WATER, POWER], [[0], [1]], 3, edge_extra_yuan=[0.0, 0.0, 500.0]
    )
    assert crossed.cost_yuan == pytest.approx(plain.cost_yuan + 500)
    assert crossed.separate_cost_yuan == pytest.approx(plain.separate_cost_yuan + 1000)


def test_a_connector_serves_only_the_line_it_is_for() -> None:
    # Edge 0 is a short cut for water alone; power has to take the long way.
    edges = [(0, 1), (0, 1)]
    plan = share(edges, [(10, 0), (60, 0)], [WATER, POWER], [[0], [0]], 1, allowed=[0b01, 0b11])
    assert plan.subset_of_edge[0] in (0, 1)
    assert plan.subset_of_edge[1] & 0b10


def test_gravity_unknown_size_price_and_cut_off_lines_are_left_out_with_the_reason() -> None:
    standards = PaperStandards()
    standards.sizes["gas"] = None
    unpriced = pipe("telecom", duct_outer_diameter_mm=110)
    plan = share(
        [*STEM, (7, 8)],
        [*STEM_LENGTHS, (5, 0)],
        [WATER, SEWAGE, GAS, unpriced, POWER],
        [[0], [0], [0], [1], [7]],
        3,
        standards=standards,
    )
    assert plan.utilities == ("water",)
    reasons = {one.utility: one.reason for one in plan.left_out}
    assert list(reasons) == ["sewage", "gas", "telecom", "power"]
    assert "重力流" in reasons["sewage"]
    assert "规格未知" in reasons["gas"]
    assert "单价" in reasons["telecom"]
    assert "没有从接入点到宗地的通道" in reasons["power"]


def test_a_gravity_line_with_checked_slopes_takes_part() -> None:
    plan = share(STEM, STEM_LENGTHS, [WATER, SEWAGE], [[0], [1]], 3, slopes_checked=["sewage"])
    assert plan.utilities == ("water", "sewage")


def test_allowed_sets_follow_the_lines_that_stay() -> None:
    # Sewage (bit 0) is left out; power (bit 2) may not use edge 0, water (bit 1) may.
    plan = share(
        [(0, 1), (0, 1)],
        [(10, 0), (60, 0)],
        [SEWAGE, WATER, POWER],
        [[0], [0], [0]],
        1,
        allowed=[0b011, 0b111],
    )
    assert plan.utilities == ("water", "power")
    assert not plan.subset_of_edge[0] & 0b10
    assert plan.subset_of_edge[1] & 0b10


def test_nothing_left_to_plan_costs_nothing() -> None:
    plan = share(STEM, STEM_LENGTHS, [SEWAGE], [[0]], 3)
    assert (plan.cost_yuan, plan.segments, plan.allocation) == (0, (), None)
    assert plan.saving_share == 0
    assert plan.gap == 0


def test_a_pair_without_clearance_lies_in_two_trenches_side_by_side_and_is_named() -> None:
    standards = PaperStandards()
    del standards.clearances[frozenset({"water", "power"})]
    plan = share(STEM, STEM_LENGTHS, [WATER, POWER], [[0], [1]], 3, standards=standards)
    assert plan.saving_yuan == pytest.approx(0)
    assert plan.shared_length_m == 0
    assert len(plan.apart) == 1
    assert "给水与电力" in plan.apart[0]


def test_the_plan_of_four_lines_is_proven_optimal() -> None:
    plan = share(STEM, STEM_LENGTHS, PAPER, [[0], [1], [0], [1]], 3)
    assert plan.proven_optimal
    assert plan.bound_yuan == pytest.approx(plan.cost_yuan)
    assert plan.gap == pytest.approx(0, abs=1e-6)


def test_the_real_standards_plan_four_lines() -> None:
    power = pipe(
        "power", duct_holes=4, duct_outer_diameter_mm=150, voltage_kv=10.0, laying="conduit"
    )
    plan = share(
        STEM,
        STEM_LENGTHS,
        [WATER, GAS, power, TELECOM],
        [[0], [1], [0], [1]],
        3,
        standards=load_standards(),
    )
    assert plan.utilities == ("water", "gas", "power", "telecom")
    assert plan.left_out == ()
    assert 0 < plan.saving_share < 1
    gaps = [pair for section in plan.sections.values() for pair in section.pairs]
    assert gaps
    assert all(pair.gap_m >= pair.required_m - 1e-9 for pair in gaps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edge_surface_lengths": np.ones((3, 1))}, r"shape \(3, 2\)"),
        ({"edge_surface_lengths": -np.ones((3, 2))}, "zero or positive"),
        ({"edge_surface_lengths": np.full((3, 2), np.nan)}, "zero or positive"),
        ({"surfaces": ("footway", "moon")}, "'moon'"),
        ({"allowed": [1]}, "each of 3 edges"),
        ({"edge_extra_yuan": [1.0, 2.0]}, "each of 3 edges"),
        ({"edge_extra_yuan": [1.0, 2.0, -1.0]}, "zero or positive"),
        ({"sources": [[0]]}, "2 pipes need as many sources, not 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "edges": STEM,
        "edge_surface_lengths": np.array(STEM_LENGTHS, dtype=float),
        "pipes": [WATER, POWER],
        "sources": [[0], [1]],
        "root": 3,
        "surfaces": GROUND,
        "standards": PaperStandards(),
        "policy": POLICY,
        "prices": PAPER_PRICES,
    }
    with pytest.raises(ValueError, match=message):
        share_trenches(**(good | change))


@st.composite
def towns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[list[int]], int]:
    n = draw(st.integers(2, 7))
    node = st.integers(0, n - 1)
    spine = [(draw(st.integers(0, i)), i + 1) for i in range(n - 1)]
    edges = np.array(spine + draw(st.lists(st.tuples(node, node), max_size=6)))
    metres = st.integers(0, 60)
    lengths = draw(st.lists(st.tuples(metres, metres), min_size=len(edges), max_size=len(edges)))
    sources = [draw(st.lists(node, min_size=1, max_size=2)) for _ in PAPER]
    return edges, np.array(lengths, dtype=float), sources, draw(node)


@given(towns())
@settings(max_examples=40, deadline=None)
def test_sharing_is_never_dearer_and_its_parts_sum_to_the_whole(town: Any) -> None:
    edges, lengths, sources, root = town
    plan = share(edges, lengths, PAPER, sources, root)
    assert plan.proven_optimal
    assert plan.bound_yuan == pytest.approx(plan.cost_yuan)
    assert plan.cost_yuan <= plan.separate_cost_yuan + 1e-6
    laid = dict.fromkeys(plan.utilities, 0.0)
    total = 0.0
    for one in plan.segments:
        section = plan.sections[one.section_id]
        total += one.length_m * section.trench_yuan_m(
            one.surface, prices=PAPER_PRICES, restoration_extra_m=0.25
        )
        for placed in section.pipes:
            total += one.length_m * (PAPER_PRICES.pipe_yuan_m(placed.pipe) or 0)
            laid[placed.pipe.utility] += one.length_m
    assert total == pytest.approx(plan.cost_yuan)
    for i, utility in enumerate(plan.utilities):
        metres = lengths[(plan.subset_of_edge >> i & 1) == 1].sum()
        assert laid[utility] == pytest.approx(metres)


# The trench of water and gas together is wider than that of either alone.
PAIR_M = narrowest_section([WATER, GAS], "non_carriageway", standards=PaperStandards()).width_m


def slots(metres: float) -> list[list[float]]:
    """The stem (third edge) has a slot of a width for both pipes, the arms have none."""
    return [[np.inf, np.inf, metres]] * 2


def test_a_section_wider_than_its_slot_is_not_dug_there() -> None:
    """Nor do two trenches of their own fit, and there is no other way: no plan is recommended."""
    plan = share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3, slot_width_m=slots(PAIR_M - 0.01))
    assert plan.shared_length_m == 0
    assert {one.utilities for one in plan.segments} == {("water",), ("gas",)}
    assert plan.crowded.tolist() == [2]
    assert not plan.proven_optimal
    assert plan.separate_cost_yuan is None
    assert plan.saving_yuan is None
    assert plan.saving_share is None
    assert plan.allocation is None


def test_a_section_as_wide_as_its_slot_fits() -> None:
    tight = share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3, slot_width_m=slots(PAIR_M))
    wide = share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3)
    assert tight.cost_yuan == pytest.approx(wide.cost_yuan)
    assert tight.shared_length_m == 40


def partitions(items: list[Any]) -> Iterator[list[list[Any]]]:
    """All ways to lay items in one trench or several."""
    if not items:
        yield []
        return
    first, *rest = items
    for parts in partitions(rest):
        yield [[first], *parts]
        for number in range(len(parts)):
            yield [*parts[:number], [first, *parts[number]], *parts[number + 1 :]]


@given(st.floats(0.5, 6.0), st.sets(st.sampled_from(range(4)), min_size=2))
@settings(deadline=None, max_examples=60, derandomize=True)
def test_trenches_side_by_side_fit_their_slot_together(room_m: float, chosen: set[int]) -> None:
    """The cheapest of all partitions that fit, or where none does whose shared trenches do."""
    pipes = [[WATER, GAS, POWER, TELECOM][number] for number in sorted(chosen)]
    options = []
    for parts in partitions(pipes):
        sections = [
            narrowest_section(part, "non_carriageway", standards=PaperStandards()) for part in parts
        ]
        width_m = sum(section.width_m for section in sections)
        yuan_m = sum(trench_yuan_m(part) for part in parts)
        widest_m = max((one.width_m for one in sections if len(one.pipes) > 1), default=0.0)
        options.append((round(yuan_m, 6), width_m, widest_m))
    fitting = [one for one in options if one[1] <= room_m + 1e-6]
    apart = [one for one in options if one[2] <= room_m + 1e-6]
    yuan_m, width_m, _ = min(fitting or apart)
    ends, rooms = [[0]] * len(pipes), [[room_m]] * len(pipes)
    plan = share([(0, 1)], [(40, 0)], pipes, ends, 1, slot_width_m=rooms)
    laid = sum(PAPER_PRICES.pipe_yuan_m(one) or 0.0 for one in pipes)
    assert plan.cost_yuan == pytest.approx(40 * (yuan_m + laid))
    assert plan.width_of_edge[0] == pytest.approx(width_m)
    assert bool(len(plan.crowded)) is not bool(fitting)
    separately_m = sum(
        narrowest_section([one], "non_carriageway", standards=PaperStandards()).width_m
        for one in pipes
    )
    assert (plan.separate_cost_yuan is not None) is (separately_m <= room_m + 1e-6)
    if plan.separate_cost_yuan is not None:
        assert plan.allocation is not None
        assert plan.allocation.within_ceilings  # nobody pays more than for digging alone


def width_m(*pipes: Any) -> float:
    section = narrowest_section(list(pipes), "non_carriageway", standards=PaperStandards())
    return section.width_m


def both_sides(near_m: float, far_m: float, far_length_m: float, pipes: list[Any]) -> JointPlan:
    """A street from node 0 to the parcel (1): 40 m of near side and the far side's metres."""
    rooms, starts = [[near_m, far_m]] * len(pipes), [[0]] * len(pipes)
    sides = [(0, 1), (0, 1)]
    return share(sides, [(40, 0), (far_length_m, 0)], pipes, starts, 1, slot_width_m=rooms)


def test_the_line_that_costs_least_to_lead_over_gives_way() -> None:
    # Room for a trench of two on the near side: of three, one goes over for 100 m. Worked out for
    # each: 40 m of trench for the others and 100 m of its own, and its pipe 60 m longer.
    pipes = [WATER, POWER, TELECOM]
    near_m = max(width_m(a, b) for a, b in [(WATER, POWER), (WATER, TELECOM), (POWER, TELECOM)])
    assert near_m < width_m(*pipes)
    yuan = {}
    for over in pipes:
        stay = [one for one in pipes if one is not over]
        trench = 40 * trench_yuan_m(stay) + 100 * trench_yuan_m([over])
        laid = 40 * sum(PAPER_PRICES.pipe_yuan_m(one) or 0.0 for one in stay)
        yuan[over.utility] = trench + laid + 100 * (PAPER_PRICES.pipe_yuan_m(over) or 0.0)
    plan = both_sides(near_m, np.inf, 100, pipes)
    goes = min(yuan, key=yuan.__getitem__)
    assert plan.cost_yuan == pytest.approx(yuan[goes])
    assert plan.proven_optimal
    bit = 1 << plan.utilities.index(goes)
    assert plan.subset_of_edge.tolist() == [0b111 ^ bit, bit]
    assert plan.gave_way.tolist() == [bit, 0]
    assert not len(plan.crowded)
    # Were there room side by side, two would lie in a trench that fits, and the third beside it.
    beside = min(
        trench_yuan_m([over]) + trench_yuan_m([one for one in pipes if one is not over])
        for over in pipes
    )
    laid = sum(PAPER_PRICES.pipe_yuan_m(one) or 0.0 for one in pipes)
    assert plan.roomy_cost_yuan == pytest.approx(40 * (beside + laid))


def test_trenches_of_others_take_their_room_from_one_line_too() -> None:
    """Water alone fits the near side of its own width, but not beside another trench of 1 m."""
    room = [[width_m(WATER), np.inf]]
    sides = [(0, 1), (0, 1)], [(40, 0), (100, 0)], [WATER], [[0]], 1
    free = share(*sides, slot_width_m=room, slot_taken_m=[0.0, 0.0])
    assert free.subset_of_edge.tolist() == [1, 0]
    beside = share(*sides, slot_width_m=room, slot_taken_m=[1.0, 0.0])
    assert beside.subset_of_edge.tolist() == [0, 1]
    assert beside.proven_optimal
    assert beside.separate_cost_yuan == pytest.approx(beside.cost_yuan)
    both = share(*sides, slot_width_m=room, slot_taken_m=[1.0, 1.0])
    assert both.subset_of_edge.tolist() == [0, 1]  # the far side is as wide as one likes


def test_the_saving_is_told_against_separate_trenches_that_fit() -> None:
    """One trench fits on the near side: to dig apart one of two must go over, together neither."""
    near_m = width_m(WATER, POWER)
    assert near_m < width_m(WATER) + width_m(POWER)
    plan = both_sides(near_m, np.inf, 100, [WATER, POWER])
    water, power = (
        trench_yuan_m([one]) + (PAPER_PRICES.pipe_yuan_m(one) or 0.0) for one in (WATER, POWER)
    )
    apart = min(40 * water + 100 * power, 100 * water + 40 * power)
    assert plan.separate_cost_yuan == pytest.approx(apart)
    assert plan.saving_yuan == pytest.approx(apart - plan.cost_yuan)
    assert plan.subset_of_edge.tolist() == [0b11, 0]
    assert not plan.gave_way.any()
    assert plan.allocation is not None
    shares = plan.allocation.shares
    assert sum(one.stand_alone_yuan for one in shares) == pytest.approx(apart)
    assert sum(one.shapley_yuan for one in shares) == pytest.approx(plan.cost_yuan)
    assert plan.allocation.within_ceilings


def test_routes_that_overlap_where_there_is_no_room_are_no_alternative() -> None:
    plan = both_sides(max(width_m(WATER), width_m(GAS)), np.inf, 100, [WATER, GAS])
    assert plan.overlap_cost_yuan is None
    assert plan.saving_vs_overlap_yuan is None
    assert sorted(plan.subset_of_edge.tolist()) != [0, 3]
    free = both_sides(np.inf, np.inf, 100, [WATER, GAS])
    assert free.overlap_cost_yuan == pytest.approx(free.cost_yuan)


def test_trenches_of_their_own_fit_where_an_existing_line_parts_the_slot() -> None:
    """Room for both on either side of the line, and nowhere for the trench of two."""
    each_m, all_m = max(width_m(WATER), width_m(GAS)), width_m(WATER) + width_m(GAS)
    assert each_m < PAIR_M
    ends = STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3
    parted = share(*ends, slot_width_m=slots(all_m), slot_gap_m=slots(each_m))
    assert not len(parted.crowded)
    assert parted.shared_length_m == 0
    assert parted.cost_yuan == pytest.approx(parted.separate_cost_yuan)
    less = share(*ends, slot_width_m=slots(all_m - 0.01), slot_gap_m=slots(each_m))
    narrow = share(*ends, slot_width_m=slots(all_m), slot_gap_m=slots(each_m - 0.01))
    assert less.crowded.tolist() == narrow.crowded.tolist() == [2]


def test_the_more_roomy_of_its_pipes_decides_whether_a_section_surely_does_not_fit() -> None:
    one_sided = [[np.inf, np.inf, PAIR_M], [np.inf, np.inf, 0.1]]
    plan = share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3, slot_width_m=one_sided)
    assert plan.shared_length_m == 40


def test_lines_go_together_where_there_is_room_though_it_is_longer() -> None:
    # A stem of 40 m without room and one of 42 m beside it with room.
    edges, lengths = [*STEM, (2, 3)], [*STEM_LENGTHS, (42, 0)]
    rooms = [[np.inf, np.inf, 0.5, np.inf]] * 2
    plan = share(edges, lengths, [WATER, GAS], [[0], [1]], 3, slot_width_m=rooms)
    assert plan.subset_of_edge.tolist() == [1, 2, 0, 3]
    assert (
        plan.separate_cost_yuan
        < share(
            edges[:2] + edges[3:], lengths[:2] + lengths[3:], [WATER, GAS], [[0], [1]], 3
        ).separate_cost_yuan
    )


def test_a_bound_that_rounding_lifts_above_the_cost_leaves_no_gap() -> None:
    plan = share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3)
    assert replace(plan, bound_yuan=plan.cost_yuan * (1 + 1e-12)).gap == 0.0


def test_slots_bound_nothing_in_carriageways_and_their_shape_is_checked() -> None:
    roads = [(0, 10), (0, 10), (0, 40)]
    tight = share(STEM, roads, [WATER, GAS], [[0], [1]], 3, slot_width_m=slots(0.1))
    assert tight.shared_length_m == 40
    for name in ("slot_width_m", "slot_gap_m"):
        with pytest.raises(ValueError, match=name):
            share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3, **{name: [1.0, 2.0]})
    with pytest.raises(ValueError, match="slot_taken_m"):
        share(STEM, STEM_LENGTHS, [WATER, GAS], [[0], [1]], 3, slot_taken_m=[1.0, 2.0])
