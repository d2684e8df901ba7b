"""Gravity lines go where they have the fall and the cover, and nowhere else."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gis.constrained import Constrained
from layers.survey import Survey
from planning import gravity_ways
from planning.batch import screen
from planning.external_lines import ExternalLine
from planning.gravity_ways import lightest_keeping_fall, longest_m, way_length_m
from planning.groundwork import Groundwork, Site
from planning.plan import plan
from planning.routes import Neighbourhood, Search, Way
from tests.towns import application, ground, line_of, main, node, policy, random_towns, street, town

pytestmark = pytest.mark.slow_first

# DN300 of plastic falls 2 per mille. From the gate it is 4 m to the near main, and 5.25 m to the
# strip, 100 m along it and 1.25 m, 106.5 m in all, to the end of the far one.
NEAR_M, FAR_M = 4.0, 106.5


def sewer(*points: tuple[float, float], at: float | None = None, **more: Any) -> dict[str, Any]:
    levels = {"start_invert_m": at, "end_invert_m": at}
    kind = {"utility": "sewage", "subtype": "main", "diameter_mm": 500.0}
    return main(*points, **{**kind, **levels, **more})


def mains(near: float | None, far: float | None) -> dict[str, Any]:
    return {
        "S-near": sewer((100, 8), (140, 8), at=near),
        "S-far": sewer((220, 8), (300, 8), at=far),
    }


def wish(**demand: Any) -> dict[str, Any]:
    pipe = {"nominal_mm": 300, "material": "HDPE", "last_well_invert_m": 98.5}
    return {"demands": {"sewage": {**pipe, **demand}}, "gate": (120, 12)}


def line(
    lines: dict[str, Any], *, demand: dict[str, Any] | None = None, **layers: Any
) -> ExternalLine:
    return line_of(town(lines=lines, **layers), "sewage", **wish(**(demand or {})))


def joined(found: ExternalLine) -> tuple[float, float]:
    """Length of the recommended route and the easting where it begins."""
    assert found.route is not None
    x = found.route.line.coords[0][0] - 582_000.0
    return round(found.route.figures["length_m"], 2), round(x, 2)


def test_a_near_main_that_is_too_high_is_passed_by_for_a_lower_one_farther_off() -> None:
    assert joined(line(mains(98.0, 98.0))) == (NEAR_M, 120)
    # 106.5 m need 0.213 m of fall.
    assert joined(line(mains(98.6, 98.28))) == (FAR_M, 220)
    assert line(mains(98.6, 98.29)).status == "unroutable"


def test_both_the_cheapest_and_the_shortest_keep_the_fall() -> None:
    routes = line(mains(98.6, 98.0)).routes
    assert {kind: round(one.figures["length_m"], 1) for kind, one in routes.items()} == {
        "cheapest": FAR_M,
        "shortest": FAR_M,
    }


def test_without_fall_the_nearest_place_says_what_is_missing() -> None:
    found = line(mains(98.6, 98.4))
    assert found.reason == "no_fall"
    assert found.no_fall is not None
    assert (found.no_fall.feature_id, found.no_fall.invert_m) == ("S-near", 98.6)
    assert found.no_fall.missing_m == pytest.approx(0.1 + NEAR_M * 0.002)
    assert found.no_fall.text.startswith("最近的接入处 S-near:落差 -0.10 米")


def test_what_is_unknown_bars_nothing_and_is_not_said_to_be_met() -> None:
    case = application(**wish())
    document = plan(case, town(lines=mains(None, 98.0)), policy()).to_json()
    sewage = next(one for one in document["utilities"] if one["utility"] == "sewage")
    fall = sewage["routes"][0]["fall"]
    assert (sewage["routes"][0]["tie_in"]["line_id"], fall["passes"]) == ("S-near", None)
    assert joined(line(mains(98.6, 98.4), demand={"last_well_invert_m": None}))[0] == NEAR_M
    assert joined(line(mains(98.6, 98.4), demand={"nominal_mm": None}))[0] == NEAR_M


def test_the_steeper_slope_of_the_application_holds() -> None:
    assert line(mains(98.6, 98.0), demand={"slope": 0.005}).status == "unroutable"  # 0.53 m
    assert joined(line(mains(98.6, 97.9), demand={"slope": 0.005})) == (FAR_M, 220)


def test_the_way_inside_the_parcel_counts_for_the_fall() -> None:
    """The well stands 20 m behind the gate: 126.5 m need 0.253 m."""
    well = {"kind": "last_well", "xy": [582_120.0, 3_502_032.0]}
    assert line(mains(98.6, 98.26), demand={"handover": well}).reason == "no_fall"
    assert joined(line(mains(98.6, 98.24), demand={"handover": well})) == (FAR_M, 220)


def test_a_handover_beside_the_parcel_counts_from_the_red_line() -> None:
    """The parcel ends at x = 140: a well drawn half a metre beside it bars nothing."""
    for x in (140.0, 140.5):
        place = {"kind": "last_well", "xy": [582_000.0 + x, 3_502_030.0]}
        found = line(mains(98.0, 98.0), demand={"handover": place})
        assert found.status == "routed", (x, found.reason)


def test_a_search_that_gave_up_proves_no_want_of_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gravity_ways, "cheapest_within", lambda *_, **__: Constrained(None, False, 0.0, 0)
    )
    case = application(**wish())
    made = plan(case, town(lines=mains(98.6, 98.0)), policy())
    assert made.lines["sewage"].status == "routed"
    (told,) = (one for one in made.to_json()["utilities"] if one["utility"] == "sewage")
    assert [one["fall"]["passes"] for one in told["routes"]] == [False] * len(told["routes"])
    assert [one["qualifies"] for one in told["routes"]] == [False] * len(told["routes"])
    assert told["tie_ins"]["candidates"] == []


def test_a_place_where_the_pipe_would_lie_too_shallow_is_passed_by() -> None:
    """Top of the pipe, 0.025 m of wall, at 98.325 m; 0.6 m of cover beside the carriageway.

    The ground over a DN500 at 98.0 m, 0.045 m of wall, with 0.37 m of cover lies at 98.915 m.
    """
    lines = {"S-near": sewer((100, 8), (140, 8), at=98.0, depth_m=0.37)}
    lines["S-far"] = sewer((220, 8), (300, 8), at=98.0, depth_m=0.38)
    assert joined(line(lines)) == (FAR_M, 220)
    del lines["S-far"]
    assert line(lines).reason == "no_cover"


def test_a_last_well_without_cover_joins_nothing() -> None:
    """The top at the well: 98.5 m, the bore and a wall of 0.025 m."""
    assert line(mains(98.0, 98.0), demand={"last_well_ground_m": 99.43}).status == "routed"
    found = line(mains(98.0, 98.0), demand={"last_well_ground_m": 99.42})
    assert found.reason == "no_cover"
    assert found.no_fall is not None
    assert found.no_fall.text == "用户末端井的管顶覆土小于最小覆土"


@pytest.mark.parametrize(("ground_m", "reason"), [(100.0, "no_cover"), (100.1, None)])
def test_the_wall_of_a_concrete_pipe_takes_of_its_cover(
    ground_m: float, reason: str | None
) -> None:
    """A DN1000 is 1.2 m high: the top of one at 98.4 m lies at 99.5 m, 0.1 m over its bore."""
    drain = {"utility": "storm", "diameter_mm": 1000.0, "material": "concrete"}
    lines = {"R-1": sewer((0, 8), (300, 8), at=98.38, depth_m=0.62, **drain)}
    pipe = {"nominal_mm": 1000, "material": "concrete", "last_well_invert_m": 98.4}
    case = {"storm": {**pipe, "last_well_ground_m": ground_m}}
    assert line_of(town(lines=lines), "storm", demands=case, gate=(120, 12)).reason == reason


# Ground at 100 m, also over the DN500 main on the far side of the street (0.045 m of wall).
LEVEL = {"last_well_invert_m": 99.05, "last_well_ground_m": 100.0}


def level_sewer(*points: tuple[float, float], at: float) -> dict[str, Any]:
    """A main under ground at 100 m."""
    return sewer(*points, at=at, depth_m=100.0 - at - 0.545)


def across(invert_m: float, **demand: Any) -> ExternalLine:
    """A line to a main at y = -8, 20 m off, 10 m of them below the carriageway."""
    lines = {"S-far": level_sewer((0, -8), (300, -8), at=invert_m)}
    return line(lines, demand={**LEVEL, **demand})


@pytest.mark.parametrize(("invert_m", "is_bare"), [(98.954, False), (98.956, True)])
def test_below_a_carriageway_some_level_between_the_ends_must_keep_the_cover(
    invert_m: float, is_bare: bool
) -> None:
    """0.70 m below the carriageway: the top no higher than 99.30 m, the invert than 98.975 m.

    After 10 m below it the line lies 0.02 m over the invert of the main at least.
    """
    found = across(invert_m)
    assert (found.status == "unroutable", found.reason == "no_cover") == (is_bare, is_bare)
    if is_bare:
        assert found.no_fall is not None
        assert "车行道下的最小覆土" in found.no_fall.text


def test_of_the_cover_below_a_carriageway_unknown_levels_say_nothing() -> None:
    assert across(99.0).reason == "no_cover"
    assert across(99.0, last_well_ground_m=None).status == "routed"
    assert across(99.0, last_well_invert_m=None).status == "routed"
    lines = {"S-far": sewer((0, -8), (300, -8), at=99.0)}  # no cover, so no ground
    assert line(lines, demand=LEVEL).status == "routed"
    roads = {"R-1": street((0, 0), (300, 0), carriageway_width_m=None)}
    lines = {"S-far": level_sewer((0, -8), (300, -8), at=99.0)}
    assert line(lines, demand=LEVEL, roads=roads).status == "routed"


def test_the_ground_over_a_carriageway_may_be_that_of_the_higher_end() -> None:
    """The invert at 99.02 m, the top at 99.345 m: 100.045 m of ground are wanted."""
    assert across(99.0, last_well_ground_m=100.05).status == "routed"
    assert across(99.0, last_well_ground_m=100.04).reason == "no_cover"


def test_a_main_farther_off_on_the_own_side_is_joined_where_none_across_may_be() -> None:
    """Beside the carriageway 0.6 m are enough; 106.5 m need 0.213 m of fall."""
    lines = {
        "S-across": level_sewer((0, -8), (300, -8), at=99.0),
        "S-own": level_sewer((220, 8), (300, 8), at=98.83),
    }
    assert joined(line(lines, demand=LEVEL)) == (FAR_M, 220)
    document = plan(application(**wish(**LEVEL)), town(lines=lines), policy()).to_json()
    (told,) = (one for one in document["utilities"] if one["utility"] == "sewage")
    every = [*told["routes"], *told["alternatives"]]
    assert {one["tie_in"]["line_id"] for one in every} == {"S-own"}


def test_screening_too_keeps_the_cover_below_carriageways() -> None:
    """The nearer main across the street lies too high, the other does not."""
    high = level_sewer((0, -8), (200, -8), at=99.0)
    deep = level_sewer((220, -8), (300, -8), at=98.7)
    for lines, status, tie_in in (
        ({"S-high": high, "S-deep": deep}, "routed", "S-deep"),
        ({"S-high": high}, "unroutable", None),
    ):
        survey, case = town(lines=lines), application(**wish(**LEVEL))
        row = screen(ground(survey, case), [case], ["sewage"]).iloc[0]
        made = plan(case, survey, policy()).lines["sewage"]
        assert (row["status"], made.status) == (status, status)
        assert (row["tie_in_id"] or None, row["reason"] or None) == (tie_in, made.reason)


def test_a_falling_main_is_joined_at_the_first_manhole_that_is_low_enough() -> None:
    """The main falls 1 in 50 from 99.0 m: 98.2 m at the first manhole, which needs 0.053 m."""
    falling = sewer((100, 8), (300, 8), start_invert_m=99.0, end_invert_m=95.0)
    holes = {
        f"M-{x}": node(x, 8, utility="sewage", kind="manhole", invert_level_m=99.0 - (x - 100) / 50)
        for x in (100, 140, 180, 220)
    }
    # 5.25 m to the strip, 20 m along it, 1.25 m to the manhole.
    well = {"last_well_invert_m": 98.26}
    assert joined(line({"S-1": falling}, nodes=holes, demand=well)) == (26.5, 140)
    well = {"last_well_invert_m": 97.6}
    assert joined(line({"S-1": falling}, nodes=holes, demand=well)) == (66.5, 180)


def test_the_search_for_a_route_that_qualifies_keeps_the_fall() -> None:
    """In front a young street; the main behind could be dug to but lies too high."""
    roads = {
        "R-1": street((0, 0), (300, 0), opened_on="2024-06-01", overhauled_on="2024-06-01"),
        "R-2": street((0, 64), (300, 64)),
    }
    lines = {"S-front": sewer((0, 8), (300, 8), at=98.0)}
    site = {"drainage": {"subject_kind": "six_small_trade"}}

    def found(behind: float) -> ExternalLine:
        lines["S-behind"] = sewer((220, 72), (300, 72), at=behind)
        case = {**wish(), "gate": None, **site}
        return line_of(town(roads=roads, lines=lines), "sewage", **case)

    low, high = found(97.0), found(98.4)
    assert low.route is not None
    assert (low.qualifying_route, low.route.verdict.outcome) == ("found", "commitment")
    assert (high.qualifying_route, high.recommended) == ("none", "cheapest")


def test_no_alternative_is_shown_that_has_no_fall() -> None:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 64), (300, 64))}

    def alternatives(behind: float) -> list[str]:
        lines = {"S-front": sewer((0, 8), (300, 8), at=98.0)}
        lines["S-behind"] = sewer((0, 72), (300, 72), at=behind)
        case = application(**{**wish(), "gate": None})
        document = plan(case, town(roads=roads, lines=lines), policy()).to_json()
        sewage = next(one for one in document["utilities"] if one["utility"] == "sewage")
        return [one["tie_in"]["line_id"] for one in sewage["alternatives"]]

    assert "S-behind" in alternatives(97.0)
    assert "S-behind" not in alternatives(98.6)


def test_screening_says_the_same_as_the_plan() -> None:
    survey = town(lines=mains(98.6, 98.28))
    wells = {"A-low": 98.0, "A-far": 98.5, "A-near": 98.7}
    cases = [
        application(application_id=name, **{**wish(last_well_invert_m=well), "gate": None})
        for name, well in wells.items()
        for name in (f"{name}-{n}" for n in range(8))
    ]
    work = ground(survey)
    rows = screen(work, cases, ["sewage"]).set_index("application_id")
    for case in cases[::8]:
        made = plan(case, survey, policy(), corridors=work).lines["sewage"]
        row = rows.loc[case.application_id]
        assert row["status"] == made.status
        if made.route is not None:
            assert row["length_m"] == pytest.approx(made.route.figures["length_m"])
    assert rows["tie_in_id"].dropna().unique().tolist() == ["S-far", "S-near"]
    assert set(rows["reason"].dropna()) == {"no_fall"}


# --- against an enumeration of ways --------------------------------------------------------------


def first_that_keeps(search: Search, site: Site, longest: np.ndarray) -> float | None:
    """Weight of the lightest of all simple ways that is short enough for its place."""
    if len(site.end_nodes) == 0:
        return None
    around = Neighbourhood(search.corridors, site.end_nodes)
    chosen, graph = around.edges(2_000.0), nx.Graph()

    def join(one: Any, two: Any, weight: float, length: float, key: Any) -> None:
        middle = ("edge", key)
        graph.add_edge(one, middle, weight=weight, length=length)
        graph.add_edge(middle, two, weight=0.0, length=0.0)

    corridors = search.corridors.graph
    for edge in chosen.tolist():
        if np.isfinite(search.edge_weights[edge]):
            ends = corridors.ends[edge].tolist()
            join(*ends, search.edge_weights[edge], corridors.length_m[edge], edge)
    table = search.tie_ins.table
    for row in np.flatnonzero(np.isfinite(search.tie_in_weights)).tolist():
        length = table["length_m"].iat[row]
        place = ("place", longest[row], row)  # of each way its own: none leads on through a main
        join(place, int(table["node"].iat[row]), search.tie_in_weights[row], length, ~row)
        graph.add_edge("network", place, weight=0.0, length=0.0)
    for end in site.end_nodes.tolist():
        graph.add_edge(end, "red line", weight=0.0, length=0.0)
    if "network" not in graph or not nx.has_path(graph, "network", "red line"):
        return None
    ways = nx.shortest_simple_paths(graph, "network", "red line", weight="weight")
    for path in islice(ways, 60):
        length = nx.path_weight(graph, path, "length")
        if length <= path[1][1] + 1e-6:
            return float(nx.path_weight(graph, path, "weight"))
    raise TooManyError


class TooManyError(Exception):
    """More ways than are looked at."""


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(random_towns(), st.lists(st.floats(96, 99), min_size=3, max_size=3))
def test_the_way_is_the_lightest_of_all_that_keep_the_fall(
    survey: Survey, levels: list[float]
) -> None:
    lines = survey.tables["lines"]
    for number, name in enumerate(lines.index):
        lines.loc[name, ["start_invert_m", "end_invert_m"]] = levels[number] + np.array([0.0, -0.5])
    tables = {**survey.tables, "lines": lines.assign(utility="sewage", subtype="main")}
    survey = Survey(survey.crs, tables, survey.county, survey.synthetic)
    parcel_id = survey.tables["parcels"].index[0]
    case = application(parcel_id, **{**wish(slope=0.01, nominal_mm=150), "gate": None})
    work: Groundwork = ground(survey)
    site, demand = work.site(case), case.demands["sewage"]
    longest = longest_m(work, demand)
    for objective in ("cheapest", "shortest"):
        search = work.search(demand.pipe, objective)
        way: Way | None = lightest_keeping_fall(work, demand, site, search)
        try:
            expected = first_that_keeps(search, site, longest)
        except TooManyError:
            # All that are lighter than the last one looked at are too long.
            continue
        assert (None if way is None else way.weight) == pytest.approx(expected, abs=1e-6)
        if way is not None:
            assert way_length_m(work, demand, way) <= longest[way.tie_in] + 1e-5
            ends = [set(work.corridors.graph.ends[edge].tolist()) for edge in way.edges]
            assert all(one & two for one, two in pairwise(ends))
