"""Tie-ins: where a network may be joined, and by which pipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import box

from gis import linear
from gis.regions import Region
from layers.utilities import load_utilities
from planning.corridors import Corridors
from planning.standards import Pipe, load_standards
from planning.tie_in_rules import may_serve, refusals
from planning.tie_ins import TieIns, find_tie_ins
from tests import towns
from tests.random_counties import random_county
from tests.towns import ground, main, node, parcel, street, town

GAS = {"utility": "gas", "subtype": "distribution"}
RMU = {"utility": "power", "kind": "ring_main_unit"}
HANDHOLE = {"utility": "telecom", "kind": "handhole"}


def tie_ins(utility: str = "water", **layers: towns.Rows) -> TieIns:
    survey = town(**layers)
    work = ground(survey)
    return find_tie_ins(work.corridors, survey, [load_utilities()[utility]], towns.policy())[
        utility
    ]


def usable(found: TieIns, **wish: Any) -> set[str]:
    """Ids that a pipe may join."""
    pipe = Pipe(found.utility, **{"laying": "direct", **wish})
    rows = may_serve(found, pipe, load_standards()).to_numpy(bool)[found.ways.feature]
    return {key for key, fits in zip(found.feature_ids, rows, strict=True) if fits}


def test_a_water_main_is_tapped_between_its_ends_at_the_foot_of_every_near_node() -> None:
    found = tie_ins(lines={"W-1": main((0, 8), (300, 8))})
    assert set(found.table["kind"]) == {"line"}
    # The way from the strip (y = 6.75) is 1.25 m, that from the far strip 14.75 m.
    assert found.table["length_m"].min() == pytest.approx(1.25)
    row = found.table["length_m"].argmin()
    (_, y0), (x1, y1) = towns.xy(found.lines[row])
    assert (y0, y1) == (6.75, 8.0)
    assert found.table["chainage_m"].iloc[row] == pytest.approx(x1)


def test_mains_of_another_kind_out_of_use_or_out_of_reach_are_no_tie_ins() -> None:
    found = tie_ins(
        lines={
            "W-1": main((0, 8), (300, 8), subtype="transmission"),
            "W-2": main((0, 8), (300, 8), status="abandoned"),
            "W-3": main((0, 8), (300, 8), status="planned"),
            "W-4": main((0, 60), (300, 60)),  # 53.25 m behind the strip, more than 40
            "G-1": main((0, 8), (300, 8), **GAS),
        }
    )
    assert found.table.empty
    assert found.imported
    assert set(found.features.index.get_level_values("feature_id")) == {"W-4"}


def test_a_main_of_unknown_status_is_no_tie_in() -> None:
    found = tie_ins(lines={"W-1": main((0, 8), (300, 8), status=None)})
    assert found.imported
    assert found.feature_ids == []


@pytest.mark.parametrize("absent", [("lines", "nodes"), ("lines",), ("nodes",), ()])
@pytest.mark.parametrize("utility", ["water", "sewage", "power"])
def test_a_utility_without_a_network_was_not_imported(
    absent: tuple[str, ...], utility: str
) -> None:
    survey = town(absent=absent)
    found = find_tie_ins(
        ground(survey).corridors, survey, [load_utilities()[utility]], towns.policy()
    )[utility]
    assert not found.imported
    assert found.table.empty


def test_a_main_must_be_as_large_as_the_pipe_and_say_so() -> None:
    found = tie_ins(
        lines={
            "W-200": main((0, 8), (300, 8), diameter_mm=200),
            "W-199": main((0, 8.5), (300, 8.5), diameter_mm=199),
            "W-?": main((0, 9), (300, 9), diameter_mm=None),
        }
    )
    assert usable(found, nominal_mm=200.0) == {"W-200"}
    assert usable(found, nominal_mm=None) == {"W-200", "W-199", "W-?"}


def test_a_gas_main_must_have_the_pressure_class_of_the_pipe() -> None:
    found = tie_ins(
        "gas",
        lines={
            "G-low": main((0, 8), (300, 8), **GAS, pressure_mpa=0.005),
            "G-mid": main((0, 8.2), (300, 8.2), **GAS, pressure_mpa=0.1),
            "G-high": main((0, 8.4), (300, 8.4), **GAS, pressure_mpa=0.4),
            "G-?": main((0, 8.6), (300, 8.6), **GAS, pressure_mpa=None),
        },
    )
    # GB 50028: low < 0.01, mid B to 0.2, mid A to 0.4 MPa.
    assert usable(found, pressure_mpa=0.2) == {"G-mid"}
    assert usable(found, pressure_mpa=0.4) == {"G-high"}
    # Above 1.6 MPa there is no class: no main is known to fit, least one of unknown pressure.
    assert usable(found, pressure_mpa=2.5) == set()


def test_power_needs_a_node_with_a_spare_bay_and_its_voltage() -> None:
    found = tie_ins(
        "power",
        lines={
            "D-1": main((0, 8), (300, 8), utility="power", subtype="medium_voltage", voltage_kv=10)
        },
        nodes={
            "N-1": node(50, 8, **RMU, spare_bays=1, voltage_kv=10),
            "N-2": node(80, 8, **RMU, spare_bays=0, voltage_kv=10),
            "N-3": node(110, 8, **RMU, voltage_kv=10),
            "N-4": node(140, 8, **RMU, spare_bays=1, voltage_kv=0.4),
            "N-5": node(170, 8, utility="power", kind="pole", spare_bays=1, voltage_kv=10),
            "N-6": node(200, 8, **RMU, spare_bays=1, line_id="D-1"),
        },
    )
    assert set(found.table["kind"]) == {"node"}
    # N-6 does not say its voltage: its main does.
    assert usable(found, voltage_kv=10.0) == {"N-1", "N-6"}


def test_a_transformer_must_be_rated_for_the_load() -> None:
    # 150 kW at a power factor of 0.9 are 166.7 kVA. A ring main unit has no rating of its own.
    transformer = {"utility": "power", "kind": "transformer", "spare_bays": 1, "voltage_kv": 0.4}
    unit = {**RMU, "spare_bays": 1, "voltage_kv": 0.4}
    found = tie_ins(
        "power",
        nodes={
            "T-30": node(50, 8, **transformer, capacity_kva=30.0),
            "T-166": node(80, 8, **transformer, capacity_kva=166.0),
            "T-167": node(110, 8, **transformer, capacity_kva=167.0),
            "T-?": node(140, 8, **transformer),
            "N-?": node(170, 8, **unit),
            "N-30": node(200, 8, **unit, capacity_kva=30.0),
        },
    )
    assert usable(found, voltage_kv=0.4, load_kw=150.0) == {"T-167", "N-?"}
    assert len(usable(found, voltage_kv=0.4)) == 6  # nobody says what is to be supplied


@pytest.mark.parametrize(
    ("wanted_kv", "joined"),
    [
        (0.22, {"N-0.22", "N-0.38", "N-0.4"}),
        (0.38, {"N-0.22", "N-0.38", "N-0.4"}),
        (0.4, {"N-0.22", "N-0.38", "N-0.4"}),
        (0.66, {"N-0.66"}),  # a voltage of mines, not of the public network
        (6.0, set()),
        (10.0, {"N-10"}),
    ],
)
def test_low_voltage_is_one_however_it_is_told(wanted_kv: float, joined: set[str]) -> None:
    volts = (0.22, 0.38, 0.4, 0.66, 10.0)
    nodes = {
        f"N-{kv:g}": node(50 + 30 * at, 8, **RMU, spare_bays=1, voltage_kv=kv)
        for at, kv in enumerate(volts)
    }
    nodes["N-?"] = node(230, 8, **RMU, spare_bays=1)
    assert usable(tie_ins("power", nodes=nodes), voltage_kv=wanted_kv) == joined


def test_telecom_needs_as_many_free_holes_as_the_bank_has() -> None:
    found = tie_ins(
        "telecom",
        nodes={
            "H-1": node(50, 8, **HANDHOLE, free_holes=1),
            "H-2": node(80, 8, **HANDHOLE, free_holes=2),
            "H-?": node(110, 8, **HANDHOLE),
        },
    )
    assert usable(found, duct_holes=2) == {"H-2"}
    assert usable(found, duct_holes=None) == {"H-1", "H-2"}


def test_a_sub_high_gas_main_is_joined_through_a_station_only() -> None:
    lines = {"G-1": main((0, 8), (300, 8), **GAS, pressure_mpa=0.8)}
    found = tie_ins("gas", lines=lines)
    assert usable(found, pressure_mpa=None) == set()
    assert usable(found, pressure_mpa=0.2) == set()
    assert usable(found, pressure_mpa=0.6) == {"G-1"}  # sub-high B itself


@pytest.mark.parametrize(
    ("main_mpa", "wanted_mpa", "reason"),
    [
        # GB 50028: sub-high A to 1.6 MPa, high pressure above: the table has no class for it.
        (1.6, None, "needs_station"),
        (1.61, None, "needs_station"),
        (2.5, None, "needs_station"),
        (2.5, 0.2, "needs_station"),
        (2.5, 1.6, "needs_station"),
        (1.6, 1.6, ""),
        (0.4, None, ""),
        (None, None, ""),
        (None, 0.2, "wrong_pressure"),
    ],
)
def test_a_gas_main_above_all_classes_is_joined_through_a_station_only(
    main_mpa: float | None, wanted_mpa: float | None, reason: str
) -> None:
    found = tie_ins("gas", lines={"G-1": main((0, 8), (300, 8), **GAS, pressure_mpa=main_mpa)})
    pipe = Pipe("gas", pressure_mpa=wanted_mpa)
    assert refusals(found.features, pipe, load_standards()).tolist() == [reason]


def test_a_water_main_of_any_pressure_needs_no_station() -> None:
    found = tie_ins(lines={"W-1": main((0, 8), (300, 8), pressure_mpa=2.5)})
    assert usable(found) == {"W-1"}


def test_telecom_joins_the_operators_that_the_user_wants() -> None:
    nodes = {
        "H-1": node(50, 8, **HANDHOLE, free_holes=4, owner="甲"),
        "H-2": node(80, 8, **HANDHOLE, free_holes=4, owner="乙"),
        "H-?": node(110, 8, **HANDHOLE, free_holes=4),
    }
    found = tie_ins("telecom", nodes=nodes)
    assert usable(found, operators=("甲", "丙")) == {"H-1"}
    assert usable(found) == {"H-1", "H-2", "H-?"}


def test_every_refusal_has_its_reason_and_the_first_counts() -> None:
    found = tie_ins(
        "gas",
        lines={
            "G-1": main((0, 8), (300, 8), **{**GAS, "diameter_mm": 50}, pressure_mpa=0.8),
            "G-2": main((0, 8.2), (300, 8.2), **GAS, pressure_mpa=0.8),
            "G-3": main((0, 8.4), (300, 8.4), **GAS, pressure_mpa=0.4),
            "G-4": main((0, 8.6), (300, 8.6), **GAS, pressure_mpa=0.1),
        },
    )
    pipe = Pipe("gas", nominal_mm=100, pressure_mpa=0.2)
    said = refusals(found.features, pipe, load_standards()).droplevel("kind").to_dict()
    assert said == {"G-1": "too_small", "G-2": "needs_station", "G-3": "wrong_pressure", "G-4": ""}


def test_a_main_and_a_node_may_bear_the_same_id() -> None:
    found = tie_ins(
        "sewage",
        lines={"1": main((0, 8), (300, 8), utility="sewage", subtype="main")},
        nodes={"1": node(50, 8, utility="sewage", kind="manhole")},
    )
    assert usable(found, nominal_mm=300.0) == {"1"}
    assert usable(found, nominal_mm=301.0) == set()


def test_no_way_leads_through_a_building_or_across_water() -> None:
    lines = {"W-1": main((0, 20), (300, 20))}
    free = tie_ins(lines=lines, parcels={})
    assert not free.table.empty
    wall = {"B-1": {"geometry": box(-50, 14, 350, 15)}}
    assert tie_ins(lines=lines, parcels={}, buildings=wall).table.empty
    assert tie_ins(lines=lines, parcels={}, water_bodies=wall).table.empty


def test_a_carriageway_is_not_crossed_at_a_sharp_angle() -> None:
    # The main runs 30 degrees off the street; every way must meet the kerb at 60 degrees or more.
    survey = town(
        roads={"R-1": street((0, 0), (300, 0))},
        lines={"W-1": main((0, -30), (300, 143))},
        parcels={},
    )
    work = ground(survey)
    found = find_tie_ins(work.corridors, survey, [load_utilities()["water"]], towns.policy())[
        "water"
    ]
    least = towns.policy().planning.min_crossing_angle_deg
    assert len(found.crossings)
    for row in found.crossings["tie_in"].unique():
        (x0, y0), (x1, y1) = towns.xy(found.lines[row])
        slope = abs(y1 - y0) / max(abs(x1 - x0), 1e-9)
        assert slope >= 0.999 * 3**0.5, least  # tan 60 degrees


# Red lines at y = 10 and 40: 30 m of open land between the streets, the median of a road has 12.
PARALLEL = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 50), (300, 50))}


def test_a_main_in_the_next_street_is_not_joined_over_the_land_between() -> None:
    # From the strip of R-1 at y = 6.75 the main before the kerb of R-2 is 37.25 m away.
    found = tie_ins(roads=PARALLEL, parcels={}, lines={"W-1": main((0, 44), (300, 44))})
    starts = [towns.xy(line)[0][1] for line in found.lines]
    assert set(starts) == {43.25, 56.75}
    assert set(found.closed["reason"]) == {"off_street"}
    assert set(found.closed["y"] - towns.ORIGIN[1]) == {44.0}


@pytest.mark.parametrize(
    ("main_y", "street_y"), [(25, 50), (23, 31)], ids=["a main of no street", "as near as a median"]
)
def test_a_main_beside_the_streets_or_over_a_median_is_joined(
    main_y: float, street_y: float
) -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, street_y), (300, street_y))}
    found = tie_ins(roads=roads, parcels={}, lines={"W-1": main((0, main_y), (300, main_y))})
    assert 6.75 in [towns.xy(line)[0][1] for line in found.lines]
    assert found.closed.empty


def test_a_parcel_is_joined_to_the_main_of_a_street_over_the_land_before_it() -> None:
    found = tie_ins(
        lines={"W-1": main((0, 8), (300, 8))}, parcels={"P-1": parcel(100, 30, 140, 60)}
    )
    assert 30.0 in [towns.xy(line)[0][1] for line in found.lines]


@pytest.mark.parametrize("seed", range(8))
def test_near_a_region_the_ways_from_its_nodes_are_those_of_all(seed: int) -> None:
    survey = random_county(seed)
    corridors = ground(survey).corridors
    west, south, east, north = shapely.total_bounds(corridors.graph.lines)
    near = Region(np.array([[west, south, (west + east) / 2, (south + north) / 2]]))
    utilities = load_utilities().values()
    found = [
        find_tie_ins(corridors, survey, utilities, towns.policy(), region)
        for region in (None, near)
    ]
    compared = [[ways_from(one[key], corridors, near) for key in one] for one in found]
    assert compared[0] == compared[1]
    assert any(compared[0])
    assert sum(len(one.lines) for one in found[1].values()) < sum(
        len(one.lines) for one in found[0].values()
    )


@pytest.mark.parametrize("seed", range(4))
def test_ways_tried_a_few_at_a_time_are_those_tried_together(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey, found = random_county(seed), []
    corridors = ground(survey).corridors
    for at_once in (10_000, 7):
        monkeypatch.setattr(linear, "_AT_ONCE", at_once)
        told = find_tie_ins(corridors, survey, load_utilities().values(), towns.policy())
        found.append(list(told.values()))
    assert sum(len(one.lines) for one in found[0]) > 7
    for together, few in zip(*found, strict=True):
        assert (together.lines == few.lines).all()
        for name in ("ways", "crossed", "closed_ways"):
            for one, two in zip(getattr(together, name), getattr(few, name), strict=True):
                assert one == pytest.approx(two, abs=1e-9, nan_ok=True)


def ways_from(found: TieIns, corridors: Corridors, near: Region) -> list[tuple[Any, ...]]:
    """All that is told of open and closed ways from nodes in a region, in one order."""
    told = []
    for table, lines in ((found.table, found.lines), (found.closed, None)):
        node = table["node"].to_numpy(np.int64)
        rows = np.flatnonzero(near.holds(corridors.graph.node_xy[node]))
        for row in rows.tolist():
            way = "" if lines is None else lines[row].wkt
            told.append((*map(str, table.iloc[row]), way))
    return sorted(told)
