"""The narrowest lawful section: the paper case and every order as oracle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.sections import (
    Layout,
    SectionError,
    layouts_of_sets,
    narrowest_section,
    pipe_label,
    sections_of_sets,
    why_apart,
    why_no_section,
)
from planning.standards import Pipe
from tests.planning.section_cases import (
    GAS,
    PAPER,
    PAPER_PRICES,
    POWER,
    TELECOM,
    WATER,
    PaperStandards,
    pipe,
)

PLACE = "non_carriageway"


def width_of(order: tuple[str, ...], standards: PaperStandards) -> float:
    """Width of one order, worked out apart from the code under test: push each pipe right."""
    x: dict[str, float] = {}
    for one in order:
        x[one] = max(
            [
                x[other]
                + (standards.sizes[other] or 0)
                + standards.clearances[frozenset({one, other})]
                for other in x
            ],
            default=0.0,
        )
    return 0.3 + max(x[one] + (standards.sizes[one] or 0) for one in order) + 0.3


def test_paper_section_is_2_99_m_wide_in_the_order_telecom_power_water_gas() -> None:
    # 0.30 + 0.23 + 0.5 + 0.35 + 0.5 + 0.20 + 0.5 + 0.11 + 0.30 = 2.99
    section = narrowest_section(PAPER, PLACE, standards=PaperStandards())
    assert section.utilities == ("telecom", "power", "water", "gas")
    assert section.width_m == pytest.approx(2.99)
    assert [round(one.x_m, 2) for one in section.pipes] == [0.30, 1.03, 1.88, 2.58]


def test_paper_section_holds_all_six_pairs() -> None:
    section = narrowest_section(PAPER, PLACE, standards=PaperStandards())
    gaps = {(pair.a, pair.b): (round(pair.gap_m, 2), pair.required_m) for pair in section.pairs}
    assert gaps == {
        ("telecom", "power"): (0.50, 0.5),
        ("telecom", "water"): (1.35, 1.0),
        ("telecom", "gas"): (2.05, 1.0),
        ("power", "water"): (0.50, 0.5),
        ("power", "gas"): (1.20, 1.0),
        ("water", "gas"): (0.50, 0.5),
    }
    assert [pair.decides for pair in section.pairs] == [True, False, False, True, False, True]
    assert {pair.confidence for pair in section.pairs} == {"recalled"}


def test_paper_section_is_the_least_of_all_24_orders() -> None:
    standards = PaperStandards()
    widths = [
        width_of(order, standards)
        for order in permutations(standards.sizes, 4)
        if "sewage" not in order
    ]
    assert len(widths) == 24
    assert min(widths) == pytest.approx(2.99)


def test_four_separate_trenches_are_3_29_m_and_5_29_m_with_restoration_against_3_49() -> None:
    # 0.89 m of pipes + 8 x 0.30 = 3.29; restoration adds 0.25 m on each side of each trench
    standards = PaperStandards()
    alone = [narrowest_section([one], PLACE, standards=standards).width_m for one in PAPER]
    shared = narrowest_section(PAPER, PLACE, standards=standards).width_m
    assert sum(alone) == pytest.approx(3.29)
    assert sum(width + 2 * 0.25 for width in alone) == pytest.approx(5.29)
    assert shared + 2 * 0.25 == pytest.approx(3.49)


def test_each_pipe_lies_at_its_own_cover_on_its_own_bench() -> None:
    section = narrowest_section([WATER, POWER], "carriageway", standards=PaperStandards())
    # power 0.50 + 0.35 = 0.85 deep, water 0.70 + 0.20 = 0.90; step midway in the 0.5 m gap
    assert section.utilities == ("power", "water")
    assert section.depth_m == pytest.approx(0.90)
    left, right = section.benches
    assert left == pytest.approx((0.0, 0.30 + 0.35 + 0.25, 0.85))
    assert right == pytest.approx((0.90, 0.90 + 0.25 + 0.20 + 0.30, 0.90))
    assert section.dug_m2 == pytest.approx(0.90 * 0.85 + 0.75 * 0.90)


def test_an_inner_pipe_of_large_working_space_widens_the_trench() -> None:
    class Wide(PaperStandards):
        def working_space(self, one):  # type: ignore[no-untyped-def]
            value = super().working_space(one)
            from dataclasses import replace

            return replace(value, value_m=2.0) if one.utility == "power" else value

    section = narrowest_section([TELECOM, POWER, WATER], PLACE, standards=Wide())
    power = next(one for one in section.pipes if one.pipe is POWER)
    assert power.x_m >= 2.0 - 1e-9
    assert section.width_m - power.x_m - power.width_m >= 2.0 - 1e-9


def test_a_pair_without_clearance_may_not_share_and_says_so() -> None:
    standards = PaperStandards()
    del standards.clearances[frozenset({"water", "gas"})]
    assert "给水与燃气" in (why_apart(WATER, GAS, standards) or "")
    assert why_apart(WATER, POWER, standards) is None
    with pytest.raises(SectionError, match="给水与燃气"):
        narrowest_section([WATER, GAS], PLACE, standards=standards)


def test_unknown_size_and_wrong_counts_are_refused() -> None:
    standards = PaperStandards()
    standards.sizes["gas"] = None
    assert "规格未知" in (why_no_section(GAS, standards) or "")
    assert why_no_section(WATER, standards) is None
    with pytest.raises(SectionError, match="燃气:规格未知"):
        narrowest_section([WATER, GAS], PLACE, standards=standards)
    with pytest.raises(SectionError, match="1 至 8"):
        narrowest_section([], PLACE, standards=standards)
    with pytest.raises(SectionError, match="1 至 8"):
        narrowest_section([WATER] * 9, PLACE, standards=standards)


def test_labels_name_the_size_that_is_known() -> None:
    assert pipe_label(WATER) == "DN200"
    assert pipe_label(TELECOM) == "4孔"
    assert pipe_label(pipe("power", voltage_kv=10.0)) == "10 kV"
    assert pipe_label(pipe("water")) == ""


def layouts(standards: PaperStandards, pipes: Sequence[Pipe] = PAPER) -> list[Layout]:
    sections = sections_of_sets(pipes, PLACE, standards=standards)  # type: ignore[arg-type]
    told = layouts_of_sets(sections, "footway", prices=PAPER_PRICES, restoration_extra_m=0.25)
    return [choices[0] for choices in told]


def test_a_set_shares_one_trench_where_that_is_cheapest() -> None:
    full = layouts(PaperStandards())[-1]
    assert [section.utilities for section in full.sections] == [
        ("telecom", "power", "water", "gas")
    ]


def test_a_set_with_a_barred_pair_lies_in_several_trenches() -> None:
    standards = PaperStandards()
    del standards.clearances[frozenset({"water", "gas"})]
    full = layouts(standards)[-1]
    trenches = [set(section.utilities) for section in full.sections]
    assert len(trenches) == 2
    assert not any({"water", "gas"} <= trench for trench in trenches)


def test_a_set_parts_where_a_wide_gap_makes_sharing_dearer() -> None:
    standards = PaperStandards()
    standards.clearances[frozenset({"water", "gas"})] = 9.0
    layout = layouts(standards, [WATER, GAS])[3]
    assert [section.utilities for section in layout.sections] == [("water",), ("gas",)]


def test_the_cheapest_partition_is_the_best_of_all_partitions() -> None:
    standards = PaperStandards()
    standards.clearances[frozenset({"telecom", "gas"})] = 3.0
    standards.clearances[frozenset({"power", "gas"})] = 3.0
    table = layouts(standards)

    def price(group: tuple[int, ...]) -> float:
        section = narrowest_section([PAPER[i] for i in group], PLACE, standards=standards)
        return section.trench_yuan_m("footway", prices=PAPER_PRICES, restoration_extra_m=0.25)

    def best(rest: tuple[int, ...]) -> float:
        if not rest:
            return 0.0
        head, tail = rest[0], rest[1:]
        return min(
            price((head, *mates)) + best(tuple(i for i in tail if i not in mates))
            for count in range(len(tail) + 1)
            for mates in combinations(tail, count)
        )

    for subset in range(1, 16):
        group = tuple(i for i in range(4) if subset >> i & 1)
        assert table[subset].yuan_m == pytest.approx(best(group))


@st.composite
def random_standards(draw: st.DrawFn) -> PaperStandards:
    standards = PaperStandards()
    size = st.sampled_from([0.05, 0.11, 0.2, 0.35, 0.8])
    for utility in standards.sizes:
        standards.sizes[utility] = draw(size)
    for pair in standards.clearances:
        standards.clearances[pair] = draw(st.sampled_from([0.1, 0.25, 0.5, 1.0, 1.5, 2.0]))
    return standards


@given(random_standards())
@settings(max_examples=40, deadline=None)
def test_no_order_is_narrower_and_every_gap_holds(standards: PaperStandards) -> None:
    pipes = [*PAPER, pipe("sewage", nominal_mm=300)]
    section = narrowest_section(pipes, PLACE, standards=standards)
    names = tuple(one.utility for one in pipes)
    assert section.width_m == pytest.approx(
        min(width_of(order, standards) for order in permutations(names))
    )
    assert all(pair.gap_m >= pair.required_m - 1e-9 for pair in section.pairs)
    assert len(section.pairs) == 10


@given(random_standards(), st.permutations(PAPER))
@settings(max_examples=30, deadline=None)
def test_the_width_does_not_hang_on_the_order_of_the_input(
    standards: PaperStandards, shuffled: list[object]
) -> None:
    one = narrowest_section(PAPER, PLACE, standards=standards)
    other = narrowest_section(shuffled, PLACE, standards=standards)  # type: ignore[arg-type]
    assert one.width_m == pytest.approx(other.width_m)
