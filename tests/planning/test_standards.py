"""Tables of the standards: paper values, pairs without row, unknown attributes, two standards."""

from __future__ import annotations

import csv
from itertools import combinations, product
from pathlib import Path

import pytest

from layers.utilities import load_utilities
from planning.rule_files import CONFIDENCES, RULES, RuleFileError, read_rows
from planning.standards import Pipe, load_standards

STANDARDS = load_standards()
TABLES = sorted((RULES / "standards").glob("*.csv"))
TELECOM = Pipe("telecom", duct_holes=2, duct_outer_diameter_mm=110, laying="conduit")
POWER = Pipe("power", duct_holes=3, duct_outer_diameter_mm=110, voltage_kv=10, laying="conduit")
WATER = Pipe("water", nominal_mm=200)
GAS = Pipe("gas", nominal_mm=100, pressure_mpa=0.4)
SEWAGE = Pipe("sewage", nominal_mm=400)


def test_outside_sizes_of_the_paper_check() -> None:
    # design 8: telecom 2 x 110 + 10, power 3 x 110 + 20, water DN200, gas DN100 = de110
    widths = [STANDARDS.outer_size_m(pipe)[0] for pipe in (TELECOM, POWER, WATER, GAS)]  # type: ignore[index]
    assert widths == [0.23, 0.35, 0.20, 0.11]


def test_clearances_and_working_space_of_the_paper_check() -> None:
    # order telecom, power, water, gas: gaps 0.5 each, telecom-water 1.0, power-gas 1.0, b1 0.30
    between = {
        (a.utility, b.utility): STANDARDS.horizontal_clearance(a, b).value_m
        for a, b in combinations((TELECOM, POWER, WATER, GAS), 2)
    }
    assert between == {
        ("telecom", "power"): 0.5,
        ("telecom", "water"): 1.0,
        ("telecom", "gas"): 1.0,
        ("power", "water"): 0.5,
        ("power", "gas"): 1.0,
        ("water", "gas"): 0.5,
    }
    assert {STANDARDS.working_space(p).value_m for p in (TELECOM, POWER, WATER, GAS)} == {0.3}
    assert sum((0.3, 0.23, 0.5, 0.35, 0.5, 0.20, 0.5, 0.11, 0.3)) == pytest.approx(2.99)


def test_a_clearance_is_the_same_both_ways() -> None:
    pipes = (TELECOM, POWER, WATER, GAS, SEWAGE)
    for a, b in product(pipes, pipes):
        assert STANDARDS.horizontal_clearance(a, b) == STANDARDS.horizontal_clearance(b, a)
        assert STANDARDS.vertical_clearance(a, b) == STANDARDS.vertical_clearance(b, a)


def test_a_pair_without_a_row_has_no_value_and_never_zero() -> None:
    value = STANDARDS.horizontal_clearance(SEWAGE, SEWAGE)
    assert (value.value_m, value.status) == (None, "no_table_value")
    above_all = Pipe("gas", nominal_mm=300, pressure_mpa=4.0)
    assert STANDARDS.horizontal_clearance(above_all, WATER).status == "no_table_value"
    assert STANDARDS.clearance_to(WATER, "canal").status == "no_table_value"
    assert (
        STANDARDS.cover(Pipe("heating"), "carriageway").status == "no_table_value"
        if ("heating" in load_utilities())
        else True
    )


@pytest.mark.parametrize(
    ("pressure", "building", "sewer"),
    [(0.005, 0.7, 1.0), (0.01, 1.0, 1.2), (0.2, 1.0, 1.2), (0.4, 1.5, 1.2), (0.8, 5.0, 1.5)],
)
def test_gas_clearances_follow_the_pressure_class(
    pressure: float, building: float, sewer: float
) -> None:
    pipe = Pipe("gas", nominal_mm=100, pressure_mpa=pressure)
    assert STANDARDS.clearance_to(pipe, "building").value_m == building
    assert STANDARDS.horizontal_clearance(pipe, SEWAGE).value_m == sewer


def test_water_steps_at_200_mm() -> None:
    large = Pipe("water", nominal_mm=250)
    assert STANDARDS.horizontal_clearance(WATER, SEWAGE).value_m == 1.0
    assert STANDARDS.horizontal_clearance(large, SEWAGE).value_m == 1.5
    assert STANDARDS.clearance_to(large, "building").value_m == 3.0


def test_an_unknown_attribute_takes_the_largest_value_it_leaves_open_and_says_so() -> None:
    value = STANDARDS.horizontal_clearance(Pipe("water"), SEWAGE)
    assert (value.value_m, value.confidence) == (1.5, "inferred")
    assert value.note == "有未知属性,取可能值中的最大值"
    assert STANDARDS.horizontal_clearance(Pipe("power", laying="conduit"), TELECOM).value_m == 2.0
    assert STANDARDS.clearance_to(POWER, "rail").value_m == 10.0
    assert STANDARDS.clearance_to(POWER, "rail", electrified=False).value_m == 3.0


def test_the_larger_of_two_standards_rules_and_the_other_is_shown() -> None:
    cover = STANDARDS.cover(TELECOM, "non_carriageway")
    assert (cover.value_m, cover.source[:8]) == (0.7, "GB 50373")
    assert cover.other is not None
    assert (cover.other.value_m, cover.other.source[:8]) == (0.6, "GB 50289")
    assert STANDARDS.cover(TELECOM, "carriageway").value_m == 0.9


def test_covers_of_the_usual_pipes() -> None:
    found = {
        pipe.utility: tuple(
            STANDARDS.cover(pipe, place).value_m for place in ("non_carriageway", "carriageway")
        )
        for pipe in (WATER, SEWAGE, GAS, POWER)
    }
    assert found == {
        "water": (0.6, 1.0),  # PE under a carriageway: 1.00
        "sewage": (0.6, 0.7),
        "gas": (0.6, 0.9),
        "power": (0.5, 0.5),
    }
    iron = Pipe("water", nominal_mm=200, material="球墨铸铁")
    assert STANDARDS.cover(iron, "carriageway").value_m == 0.7


def test_working_space_follows_material_and_outside_width() -> None:
    concrete = Pipe("storm", nominal_mm=300, material="钢筋混凝土")
    assert STANDARDS.working_space(concrete).value_m == 0.4  # rigid joint rules, joint unknown
    assert STANDARDS.working_space(Pipe("storm", nominal_mm=800, material="HDPE")).value_m == 0.4
    assert STANDARDS.working_space(Pipe("water")).status == "no_table_value"


def test_a_size_between_two_steps_takes_the_larger_and_an_unknown_one_has_none() -> None:
    assert STANDARDS.outer_size_m(Pipe("water", nominal_mm=190)) == (0.2, 0.2)
    assert STANDARDS.outer_size_m(Pipe("water")) is None
    assert STANDARDS.outer_size_m(Pipe("telecom", duct_holes=2, laying="conduit")) is None
    assert STANDARDS.outer_size_m(Pipe("water", nominal_mm=9000)) is None


def test_side_slopes_follow_soil_and_load() -> None:
    assert STANDARDS.side_slope("medium dense sand", "dynamic_load").value_m == 1.5
    assert STANDARDS.side_slope("old loess", "no_load").value_m == 0.1


def usual_lines() -> list[Pipe]:
    """Pipes such as a county's survey holds."""
    pipes = [
        Pipe("water", nominal_mm=size, pressure_mpa=0.35, material=material)
        for size, material in product((50, 100, 200, 300, 500, 600), ("PE", "球墨铸铁", "钢", None))
    ]
    pipes += [
        Pipe(utility, nominal_mm=size, material=material)
        for utility, size, material in product(
            ("sewage", "storm"), (200, 300, 400, 600, 800, 1000, 1200), ("HDPE", "混凝土", None)
        )
    ]
    pipes += [
        Pipe("gas", nominal_mm=size, pressure_mpa=pressure, material="PE")
        for size, pressure in product((50, 100, 150, 200, 300), (0.005, 0.1, 0.2, 0.4, 0.8, 1.6))
    ]
    pipes += [
        Pipe("power", None, holes, 167, voltage_kv=10, laying="conduit", material="CPVC")
        for holes in (1, 8, 12)
    ]
    pipes.append(Pipe("power", voltage_kv=0.4, laying="direct", material="YJV22"))
    pipes += [
        Pipe("telecom", None, holes, 110, laying="conduit", material="PVC-U")
        for holes in (1, 2, 4, 6, 12, 18)
    ]
    return pipes


@pytest.mark.parametrize("pipe", usual_lines(), ids=str)
def test_every_usual_line_resolves_in_every_table(pipe: Pipe) -> None:
    for table in ("horizontal", "vertical", "cover", "cjj61"):
        assert STANDARDS.keys(pipe, table)
    for place in ("carriageway", "non_carriageway"):
        assert STANDARDS.cover(pipe, place).status == "value"
    for thing in ("kerb", "building", "tree"):
        assert STANDARDS.clearance_to(pipe, thing).status == "value"
    assert STANDARDS.outer_size_m(pipe) is not None
    assert STANDARDS.working_space(pipe).status == "value"
    for other in (WATER, GAS, POWER, TELECOM):
        if other.utility != pipe.utility:
            assert STANDARDS.horizontal_clearance(pipe, other).status == "value"
            assert STANDARDS.vertical_clearance(pipe, other).status == "value"


def test_every_default_demand_has_a_size_and_a_known_utility() -> None:
    rows = read_rows("default_demand.csv")
    assert len({row["land_use"] for row in rows}) == 11
    for row in rows:
        pipe = Pipe(
            row["utility"],
            float(row["nominal_mm"]) if row["nominal_mm"] else None,
            int(row["duct_holes"]) if row["duct_holes"] else None,
            float(row["duct_outer_diameter_mm"]) if row["duct_outer_diameter_mm"] else None,
            float(row["pressure_mpa"]) if row["pressure_mpa"] else None,
            float(row["voltage_kv"]) if row["voltage_kv"] else None,
            row["laying"],
            row["material"],
        )
        assert row["confidence"] == "assumed"
        assert row["utility"] in load_utilities()
        assert STANDARDS.outer_size_m(pipe) is not None
        assert STANDARDS.working_space(pipe).status == "value"


@pytest.mark.parametrize("file", TABLES, ids=[file.name for file in TABLES])
def test_every_row_bears_source_and_confidence(file: Path) -> None:
    rows = read_rows(f"standards/{file.name}")
    assert rows
    for row in rows:
        assert row["source"]
        assert row["confidence"] in CONFIDENCES


@pytest.mark.shared
@pytest.mark.parametrize(
    ("table", "shared_table", "keys", "value"),
    [
        ("horizontal_clearance", "gb50289_horizontal_clearance", "a b condition", "min_m"),
        ("side_slope", "gb50268_side_slope", "soil", "m_no_load"),
        ("trench_width", "gb50268_trench_width", "pipe_class od_mm_gt", "b1_mm_each_side"),
    ],
)
def test_the_tables_hold_every_value_of_the_facts(
    shared: Path, table: str, shared_table: str, keys: str, value: str
) -> None:
    own = {
        tuple(row[key] for key in (*keys.split(), "source")): row[value]
        for row in read_rows(f"standards/{table}.csv")
    }
    with (shared / "facts" / f"{shared_table}.csv").open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            assert own[tuple(row[key] for key in (*keys.split(), "source"))] == row[value]


def test_the_classes_of_gas_pressure() -> None:
    classes = [STANDARDS.pressure_class(p) for p in (0.003, 0.2, 0.4, 0.8, 1.6, 2.5)]
    assert classes == ["gas_low", "gas_mid_b", "gas_mid_a", "gas_subhigh_b", "gas_subhigh_a", None]


def test_a_table_without_a_needed_column_is_refused() -> None:
    with pytest.raises(RuleFileError, match=r"cover\.csv:缺少列 depth"):
        read_rows("standards/cover.csv", ("depth",))
