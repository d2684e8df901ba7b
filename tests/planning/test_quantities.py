"""Prices: the shipped list, the sums made with it, and lists that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.policies import load_policy
from planning.quantities import (
    PRICES,
    SURFACES,
    PriceError,
    Prices,
    bored_mm,
    load_prices,
    location,
    single_costs,
)
from tests.planning.section_cases import PAPER_PRICES, PaperStandards, pipe, price

COUNTY = "411523_xinxian"


def test_a_metre_of_trench_is_dug_and_its_surface_restored_on_both_sides() -> None:
    # 0.8 x 0.8 x 10 = 6.4 for digging; (0.8 + 2 x 0.25) x 100 = 130 for the surface
    yuan_m = PAPER_PRICES.trench_yuan_m(0.8, 0.8, "footway", restoration_extra_m=0.25)
    assert yuan_m == pytest.approx(136.4)


def test_the_shipped_list_prices_every_surface_utility_and_green() -> None:
    prices = load_prices()
    for surface in SURFACES:
        assert prices.trench_yuan_m(1.0, 1.0, surface, restoration_extra_m=0.25) > 0
    for utility in ("water", "sewage", "storm", "gas", "power", "telecom"):
        assert prices.tie_in_yuan(utility) > 0
        small = pipe(utility, nominal_mm=100, duct_holes=2)
        assert (prices.pipe_yuan_m(small) or 0) > 0
        assert (prices.trenchless_yuan(small, 20.0) or 0) > (
            prices.trenchless_yuan(small, 10.0) or 0
        )
    for kind in ("verge", "park", "protected"):
        assert prices.green_yuan(kind, 2.0) == 2 * prices.green_yuan(kind, 1.0) > 0
    assert prices.open_crossing_yuan(14.0) == pytest.approx(14 * prices.open_crossing_yuan(1.0))


def test_every_shipped_price_says_that_it_is_an_example() -> None:
    for row in load_prices().rows:
        assert "示例" in row.note
        assert row.confidence == "assumed"


def test_a_size_on_the_limit_of_a_band_belongs_to_the_smaller_one() -> None:
    prices = load_prices()
    on, past = pipe("water", nominal_mm=200), pipe("water", nominal_mm=200.1)
    assert prices.pipe_yuan_m(on) == prices.pipe_yuan_m(pipe("water", nominal_mm=160))
    assert (prices.pipe_yuan_m(past) or 0) > (prices.pipe_yuan_m(on) or 0)


def test_unknown_size_has_no_price_and_ducts_are_priced_by_hole() -> None:
    prices = load_prices()
    assert prices.pipe_yuan_m(pipe("water")) is None
    assert prices.trenchless_yuan(pipe("water"), 10.0) is None
    assert prices.pipe_yuan_m(pipe("water", nominal_mm=9000)) is None
    assert prices.pipe_yuan_m(pipe("telecom", duct_outer_diameter_mm=110)) is None
    two, four = (pipe("telecom", duct_holes=n, duct_outer_diameter_mm=110) for n in (2, 4))
    assert prices.pipe_yuan_m(four) == 2 * (prices.pipe_yuan_m(two) or 0)


@pytest.mark.parametrize("utility", ["power", "telecom"])
def test_ducts_are_paid_by_the_hole_and_bored_by_the_width_of_their_bank(utility: str) -> None:
    prices = load_prices()
    banks = {n: pipe(utility, duct_holes=n, duct_outer_diameter_mm=110) for n in (1, 3, 9, 99)}
    one_yuan = prices.pipe_yuan_m(banks[1]) or 0
    assert [prices.pipe_yuan_m(banks[n]) for n in (3, 9)] == [3 * one_yuan, 9 * one_yuan]
    assert prices.pipe_yuan_m(pipe(utility, duct_outer_diameter_mm=110)) is None
    # Three or three by three with 10 mm between are 350 mm wide; so many as 99 are not listed.
    bored = {n: prices.trenchless_yuan(bank, 20.0) for n, bank in banks.items()}
    assert bored == {1: 9000 + 20 * 900, 3: 9000 + 20 * 1500, 9: bored[3], 99: bored[1]}
    assert bored_mm(banks[3]) == pytest.approx(350)
    assert bored_mm(pipe("water", nominal_mm=300)) == 300


def test_single_pipe_costs_its_trench_and_itself_on_each_surface() -> None:
    # water: 0.20 + 2 x 0.30 wide, footway 0.60 + 0.20 deep: 136.4 + pipe 20 = 156.4;
    # asphalt 0.70 + 0.20 deep: 0.8 x 0.9 x 10 + 1.3 x 300 + 20 = 417.2
    prices = Prices(
        (
            *PAPER_PRICES.rows,
            price("green", "0", "m2", surface="verge"),
            *(
                price("restoration", "0", "m2", surface=s)
                for s in SURFACES
                if s not in ("footway", "asphalt")
            ),
        ),
        "paper.csv",
    )
    policy = load_policy(COUNTY)
    assert policy.planning.restoration_extra_m == 0.25
    water = pipe("water", nominal_mm=200)
    costs = single_costs(
        water,
        standards=PaperStandards(),  # type: ignore[arg-type]
        policy=policy,
        prices=prices,
    ).yuan_m
    assert costs["footway"] == pytest.approx(156.4)
    assert costs["asphalt"] == pytest.approx(417.2)
    assert set(costs) == set(SURFACES)


def test_an_unknown_size_is_dug_as_the_usual_section_and_named() -> None:
    policy, prices = load_policy(COUNTY), load_prices()
    standards = PaperStandards()
    standards.sizes["gas"] = None
    costs = single_costs(
        pipe("gas"),
        standards=standards,
        policy=policy,
        prices=prices,  # type: ignore[arg-type]
    )
    assert costs.assumed == ("size", "pipe_price")
    usual_m = 2 * policy.planning.half_section_allowance_m
    assert costs.yuan_m["footway"] == pytest.approx(
        prices.trench_yuan_m(usual_m, 0.6 + usual_m, "footway", restoration_extra_m=0.25)
    )


def test_green_in_a_verge_is_compensated_over_the_restored_width() -> None:
    # 1.0 m wide and 1.0 m deep in a verge: 1 m3 dug, 1.0 + 2 x 0.25 = 1.5 m restored.
    prices = load_prices()
    verge = prices.trench_yuan_m(1.0, 1.0, "verge", restoration_extra_m=0.25)
    bare = prices.trench_yuan_m(1.0, 1.0, "verge", restoration_extra_m=-0.5)  # nothing restored
    assert verge - bare == pytest.approx(1.5 * (45 + prices.green_yuan("verge", 1.0)))


def test_footway_and_verge_are_no_carriageway() -> None:
    assert [s for s in SURFACES if location(s) == "non_carriageway"] == ["footway", "verge"]


def test_a_missing_price_names_the_list_and_the_cure() -> None:
    with pytest.raises(PriceError, match=r"paper\.csv:没有 restoration verge 的单价;.*补一行"):
        PAPER_PRICES.trench_yuan_m(1.0, 1.0, "verge", restoration_extra_m=0.25)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("price_yuan", "price", r"prices\.csv:缺少列 price_yuan"),
        (",m3,65,", ",m3,cheap,", r"prices\.csv:2,字段 price_yuan = “cheap”.*不小于 0"),
        (",m3,65,", ",m3,-1,", "price_yuan = “-1”"),
        (",m3,65,", ",m3,NaN,", "price_yuan = “NaN”"),
        (",m3,65,", ",,65,", "字段 unit = “”:不能为空"),
        (",assumed", ",certain", "字段 confidence = “certain”"),
        ("pipe,water,,50,100", "pipe,water,,40,100", "与第 10 行的规格范围重叠"),
    ],
)
def test_a_bad_list_is_refused_with_file_row_field_and_cure(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = PRICES.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "prices.csv"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PriceError, match=message):
        load_prices(file)
