"""Free width of slots on paper: kerb, red line, land, existing lines with their clearances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from planning.slots import Slots, _gaps, has_slot, slot_table, slots_of
from planning.standards import Pipe, load_standards
from tests import towns
from tests.towns import application, main, node, parcel, street, town

STANDARDS = load_standards()
WATER = Pipe("water", nominal_mm=200, material="PE")
# One main of every other utility, far from the street: all networks are known.
ELSEWHERE = {
    f"X-{utility}": main((0, 400), (300, 400), utility=utility, subtype=None)
    for utility in ("water", "sewage", "storm", "gas", "power", "telecom")
}
GAS = {"utility": "gas", "subtype": "distribution", "pressure_mpa": 0.1, "material": "PE"}


def north(pipe: Pipe | None = WATER, **layers: Any) -> tuple[float, float]:
    """Free width of the northern side of the usual street, and the most that it can be."""
    layers["lines"] = {**ELSEWHERE, **layers.get("lines", {})}
    work = towns.ground(town(**{"parcels": {}, **layers}))
    slots = slots_of(work)
    side = has_slot(work) & (work.corridors.graph.measures["side"] == 1).to_numpy()
    free = slots.free_m(pipe, STANDARDS)[side]
    most = slots.most_m([pipe or WATER], STANDARDS)[0][side]
    return float(free.min()), float(most.min())


# Water keeps 1.5 m from the kerb (table 4.1.9), 0.3 m of them in its own trench.
KERB_M = 1.2


def test_an_empty_slot_is_as_wide_as_the_footway() -> None:
    # Kerb at y = 5, red line at y = 10.
    assert north(None)[0] == pytest.approx(5.0)
    assert north() == (pytest.approx(5.0 - KERB_M), pytest.approx(5.0 - KERB_M))


def test_land_and_buildings_nearer_than_the_red_line_bound_the_slot() -> None:
    free, most = north(parcels={"P-1": parcel(100, 9, 140, 40)})
    assert free == pytest.approx(4.0 - KERB_M)
    assert most == pytest.approx(
        5.0 - KERB_M
    )  # the red line is recorded, where land ends may be misdrawn
    house = {"B-1": {"geometry": box(50, 8.5, 60, 20)}}
    assert north(buildings=house)[0] == pytest.approx(3.5 - KERB_M)


def test_an_existing_line_takes_its_width_and_its_clearance_to_the_new_pipe() -> None:
    # Gas DN160 PE is 0.16 m wide, 3.5 m from the kerb; water DN200 keeps 0.5 m from it (table
    # 4.1.9) of which 0.3 m are the working space of its own trench.
    gas = {"G-1": main((0, 8.5), (300, 8.5), **{**GAS, "diameter_mm": 160.0})}
    outer_m = STANDARDS.outer_size_m(Pipe("gas", nominal_mm=160, material="PE"))
    assert outer_m is not None
    space = STANDARDS.working_space(WATER).value_m
    assert space == 0.3
    assert north(lines=gas)[0] == pytest.approx(3.5 - outer_m[0] / 2 - (0.5 - space) - KERB_M)
    assert north(None, lines=gas)[0] == pytest.approx(3.5 - outer_m[0] / 2)


def test_a_line_of_unknown_size_leaves_the_width_unknown_and_never_free() -> None:
    blind = {"G-1": main((0, 8), (300, 8), **{**GAS, "diameter_mm": None})}
    free, most = north(lines=blind)
    assert np.isnan(free)
    assert most == pytest.approx(5.0 - KERB_M)


def test_the_tolerance_of_a_line_widens_only_what_may_be_free() -> None:
    told = {"position_source": "digitised", "position_accuracy_m": 0.1}
    gas = {"G-1": main((0, 8), (300, 8), **{**GAS, "diameter_mm": 160.0, **told})}
    vague = {"G-1": main((0, 8), (300, 8), **{**GAS, "diameter_mm": 160.0})}
    free, most = north(lines=gas)
    factor = towns.policy().planning.value("tolerance_per_mean_error")
    assert most == pytest.approx(free + 0.1 * factor)
    assert north(lines=vague)[1] == pytest.approx(5.0 - KERB_M)  # nobody says where it lies


def test_what_was_never_told_is_unknown() -> None:
    unknown_red_line = {"R-1": street((0, 0), (300, 0), red_line_width_m=None)}
    free, most = north(roads=unknown_red_line)
    assert np.isnan(free)
    assert most == np.inf
    # A width that is only the usual one of its class tells nobody what is free.
    free, _most = north(roads={"R-1": street((0, 0), (300, 0), carriageway_width_m=None)})
    assert np.isnan(free)
    # No gas network was imported, though other lines were.
    free, most = north(lines={"X-gas": main((0, 400), (300, 400))})
    assert np.isnan(free)
    assert most == pytest.approx(5.0 - KERB_M)
    work = towns.ground(town(parcels={}, absent=("lines",)))
    assert np.isnan(slots_of(work).free_m(WATER, STANDARDS)).all()


def test_lines_that_cross_or_hang_or_are_gone_take_nothing() -> None:
    lines = {
        "W-cross": main((60, -50), (60, 50)),
        "W-wire": main((0, 8), (300, 8), utility="power", laying="overhead"),
        "W-gone": main((0, 8), (300, 8), status="abandoned"),
    }
    assert north(lines=lines)[0] == pytest.approx(5.0 - KERB_M)


def test_the_narrowest_place_decides_and_edges_in_carriageways_have_no_slot() -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((150, 0), (150, 100))}
    work = towns.ground(town(parcels={}, roads=roads, lines=ELSEWHERE))
    table = slot_table(work)
    over_mouth = (work.corridors.graph.measures["kerb_m"] > 0).to_numpy()
    assert table.loc[over_mouth, "slot"].isna().all()
    assert table.loc[over_mouth, "free_width_m"].isna().all()
    short = {"G-1": main((100, 8), (110, 8), **{**GAS, "diameter_mm": 160.0})}
    assert north(lines=short)[0] < 3.0


def test_the_slot_is_a_verge_where_most_of_the_strip_is_green() -> None:
    green = {"V-1": {"kind": "verge", "geometry": box(-10, 5, 310, 10)}}
    work = towns.ground(town(parcels={}, green=green, lines=ELSEWHERE))
    table = slot_table(work)
    side = work.corridors.graph.measures["side"]
    assert set(table.loc[(side == 1) & table["slot"].notna(), "slot"]) == {"verge"}
    assert set(table.loc[(side == -1) & table["slot"].notna(), "slot"]) == {"footway"}
    named = [name for name in table if name.startswith("free_width_")]
    assert {"free_width_m", "free_width_water_m", "free_width_telecom_m"} <= set(named)


def test_a_part_of_the_edges_has_the_widths_of_the_whole() -> None:
    gas = {"G-1": main((0, 8), (300, 8), **{**GAS, "diameter_mm": 160.0})}
    case = application()
    survey = town(lines={**ELSEWHERE, **gas}, nodes={"N-1": node(60, 8, utility="power")})
    work = towns.ground(survey, case)
    some = np.flatnonzero(has_slot(work))[::2]
    part, whole = slots_of(work, some), slots_of(work)
    assert part.free_m(WATER, STANDARDS) == pytest.approx(whole.free_m(WATER, STANDARDS)[some])
    for one, other in zip(
        part.most_m([WATER], STANDARDS), whole.most_m([WATER], STANDARDS), strict=True
    ):
        assert one == pytest.approx(other[some])
    assert isinstance(part, Slots)


def test_what_may_be_free_on_both_sides_of_a_line_and_what_surely_is_in_one_piece() -> None:
    """The less that any pipe keeps counts for the most that may be free, the more for the least."""
    told = {"position_source": "digitised", "position_accuracy_m": 0.1}
    off = 0.1 * towns.policy().planning.value("tolerance_per_mean_error")
    gas = {"G-1": main((0, 8.5), (300, 8.5), **{**GAS, "diameter_mm": 160.0, **told})}
    work = towns.ground(town(parcels={}, lines={**ELSEWHERE, **gas}))
    storm = Pipe("storm", nominal_mm=300, material="concrete")
    side = has_slot(work) & (work.corridors.graph.measures["side"] == 1).to_numpy()
    outer_m = STANDARDS.outer_size_m(Pipe("gas", nominal_mm=160, material="PE"))
    assert outer_m is not None
    keep, kerb = [], []
    for pipe in (WATER, storm):
        space = STANDARDS.working_space(pipe).value_m
        clearance = STANDARDS.horizontal_clearance(pipe, Pipe("gas", pressure_mpa=0.1)).value_m
        to_kerb = STANDARDS.clearance_to(pipe, "kerb").value_m
        assert space is not None
        assert clearance is not None
        assert to_kerb is not None
        keep.append(outer_m[0] / 2 + max(clearance - space, 0.0))
        kerb.append(max(to_kerb - space, 0.0))
    assert keep[0] != pytest.approx(keep[1])
    assert kerb[0] != pytest.approx(kerb[1])
    slots = slots_of(work)
    largest, total = slots.most_m([WATER, storm], STANDARDS)
    assert largest[side].min() == pytest.approx(3.5 - (min(keep) - off) - min(kerb))
    assert total[side].min() == pytest.approx(5.0 - 2 * (min(keep) - off) - min(kerb))
    least = slots.least_m([WATER, storm], STANDARDS)[side].min()
    assert least == pytest.approx(3.5 - (max(keep) + off) - max(kerb))


INTERVALS = st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 30)), max_size=6)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 100), INTERVALS), min_size=1, max_size=5))
def test_gaps_are_those_of_a_ruler(sections: list[Any]) -> None:
    room = np.array([room for room, _ in sections], float)
    rows = [(n, at, keep) for n, (_, found) in enumerate(sections) for at, keep in found]
    owner, at, keep = np.array(rows, float).reshape(-1, 3).T
    gaps, free = _gaps(room, owner.astype(np.int64), at, keep)
    for number, (width, found) in enumerate(sections):
        taken = np.zeros(width, bool)  # one mark for each unit of the ruler
        for one, half in found:
            taken[max(one - half, 0) : max(one + half, 0)] = True
        runs = "".join("x" if t else "." for t in taken).split("x")
        # Keep-outs of no width and at the very edge part the ruler too.
        cuts = [one for one, half in found if half == 0 and 0 < one < width]
        if not cuts:
            assert gaps[number] == max(len(run) for run in runs)
        assert free[number] == np.sum(~taken)
        assert gaps[number] <= width
