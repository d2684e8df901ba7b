"""Nothing hangs on the order of rows in a file, or on the numbers that nodes and edges have."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from pandas.testing import assert_frame_equal
from shapely.ops import substring

from gis.network import CorridorGraph
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import default_application
from planning.batch import cases_of, screen
from planning.corridors import Corridors
from planning.groundwork import prepare
from planning.local_edits import edited
from planning.plan import plan
from planning.tie_ins import find_tie_ins
from tests import towns
from tests.planning.edits import ready
from tests.planning.whole_builds import assert_equal, assert_equal_tie_ins
from tests.random_counties import random_county
from tests.towns import ORIGIN, main, node, policy, street, table, town

pytestmark = pytest.mark.slow_first


def falling(seed: int) -> Survey:
    """A random county whose sewers come in bent pieces that fall to their last points, with
    manholes at their ends and middles.
    """
    survey, rng = random_county(seed), np.random.default_rng(seed)
    lines, nodes = survey.tables["lines"], survey.tables["nodes"]
    sewers = lines[lines["utility"] == "sewage"]
    pieces, holes = {}, {}
    for name, sewer in sewers.geometry.items():
        ends = np.linspace(0.0, 1.0, 5)
        for k, (begin, end) in enumerate(pairwise(ends)):
            piece = substring(sewer, begin, end, normalized=True)
            x, y = shapely.get_coordinates(piece)[-1] - ORIGIN + rng.choice([-6.0, 0.0, 6.0], 2)
            xy = [*map(tuple, shapely.get_coordinates(piece) - ORIGIN), (x, y)]
            row = {"start_invert_m": 48.0 - k, "end_invert_m": 47.5 - k, "diameter_mm": 400.0}
            pieces[f"{name}-{k}"] = main(*xy, utility="sewage", subtype="main", **row)
            for n, at in enumerate((xy[-1], xy[-2])):
                holes[f"H-{name}-{k}-{n}"] = node(*at, utility="sewage", kind="manhole")
    layers = {
        "lines": pd.concat([lines.drop(sewers.index), table("lines", pieces)]),
        "nodes": pd.concat([nodes, table("nodes", holes)]),
    }
    return Survey(survey.crs, {**survey.tables, **layers}, survey.county, synthetic=True)


def shuffled(survey: Survey, rng: np.random.Generator) -> Survey:
    tables = {name: rows.iloc[rng.permutation(len(rows))] for name, rows in survey.tables.items()}
    return Survey(survey.crs, tables, survey.county, survey.synthetic)


@pytest.mark.parametrize("seed", range(2))
def test_a_shuffled_survey_gives_the_same_plan_and_the_same_screening(seed: int) -> None:
    survey = falling(seed)
    other = shuffled(survey, np.random.default_rng(seed))
    works = [ready(one) for one in (survey, other)]
    assert_equal(*works)
    cases = [cases_of(one, [], towns.dig_date()) for one in (survey, other)]
    tables = [screen(work, own, ["water"]) for work, own in zip(works, cases, strict=True)]
    assert_frame_equal(*(table.drop(columns="geometry") for table in tables))
    assert (tables[0]["geometry"].to_numpy() == tables[1]["geometry"].to_numpy()).all()
    case = default_application(cases[0][0].parcel_id, "residential", towns.dig_date())
    one, two = (plan(case, each, policy()).to_json() for each in (survey, other))
    assert one == two
    assert any(line["tie_ins"]["rejected"] for line in one["utilities"])


def renumbered(corridors: Corridors, rng: np.random.Generator) -> Corridors:
    """The same corridors with other numbers of nodes and edges."""
    old, carriers = corridors.graph, corridors.carriers
    at, order = rng.permutation(old.node_count), rng.permutation(old.edge_count)
    node, edge = np.argsort(at), np.argsort(order)
    graph = CorridorGraph(
        old.node_xy[at],
        node[old.ends[order]],
        old.lines[order],
        old.measures.iloc[order].reset_index(drop=True),
    )

    def told(rows: pd.DataFrame, name: str, numbers: Any) -> pd.DataFrame:
        return rows.assign(**{name: numbers[rows[name].to_numpy(np.int64)]})

    return replace(
        corridors,
        graph=graph,
        crossings=told(corridors.crossings, "edge", edge),
        sites=told(corridors.sites, "node", node),
        feet=told(corridors.feet, "node", node),
        carriers=replace(
            carriers,
            table=told(carriers.table, "edge", edge),
            leads=told(carriers.leads, "edge", edge),
            joints=told(carriers.joints, "node", node),
        ),
    )


def straight() -> Survey:
    """Streets along the axes and a sewer whose bent pieces fall, with a manhole at every end.

    Strips have a node opposite each manhole: two edges are equally near to it.
    """
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((150, -120), (150, 120))}
    pieces, holes = {}, {}
    for k, x in enumerate(range(10, 290, 20)):
        low = 16.0 if k % 2 else 8.0
        row = {"start_invert_m": 48.0 - k, "end_invert_m": 47.5 - k, "diameter_mm": 400.0}
        at = (x, 24.0 - low), (x + 12, 8.0), (x + 20, low)
        pieces[f"S-{k}"] = main(*at, utility="sewage", subtype="main", **row)
        holes[f"H-{k}"] = node(x + 20, low, utility="sewage", kind="manhole")
        holes[f"H-{k}m"] = node(x + 12, 8.0, utility="sewage", kind="manhole")
    return town(roads=roads, lines=pieces, nodes=holes)


@pytest.mark.parametrize("seed", range(-1, 4))
def test_ways_to_tie_ins_are_the_same_whatever_numbers_the_graph_has(seed: int) -> None:
    survey, utilities = falling(seed) if seed >= 0 else straight(), load_utilities().values()
    corridors = prepare(survey, policy()).corridors
    other = renumbered(corridors, np.random.default_rng(abs(seed)))
    found = [find_tie_ins(one, survey, utilities, policy()) for one in (corridors, other)]
    for key in load_utilities():
        assert_equal_tie_ins(corridors, found[0][key], other, found[1][key])


def test_a_row_that_moves_in_its_file_is_no_edit() -> None:
    survey = falling(0)
    work = ready(survey)
    edit = edited(work, shuffled(survey, np.random.default_rng(0)))
    assert edit.is_local
    assert edit.changed == {}
    assert edit.work.corridors.graph is work.corridors.graph
