"""Ways to one answer, held against each other: two finders and networkx, plan and screening."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import networkx as nx
import pandas as pd
import pytest
from shapely.geometry import shape

from planning import plan_document
from planning.application import Application
from planning.external_lines import all_by_forest
from planning.groundwork import Groundwork, Site
from planning.plan import plan
from planning.routes import OBJECTIVES, Neighbourhood, Search, Way, best_way
from planning.standards import Pipe

# Figures of a screening and what the plan calls them.
_FIGURES = {
    "length_m": "length_m",
    "cost_yuan": "cost_yuan",
    "kerb_m": "crossing_kerb_m",
    "red_line_m": "crossing_red_line_m",
    "green_m2": "green_m2",
    "crossing_count": "crossing_count",
}
# Plans of so many cases are told in full where they are held against a screening.
_IN_FULL = 8
# Parts of a plan that no screening has, and what stands there if they are not told.
_TOLD_BY_PLANS_ALONE: Mapping[str, Any] = {
    "tie_in_entry": {},
    "stretches": [],
    "survey_points": (),
    "trace": [],
}


def check_finders_agree(work: Groundwork, wishes: list[tuple[Site, Pipe]]) -> int:
    """Compare the finders and networkx on both objectives; returns how many ways were compared."""
    forests: dict[tuple[Pipe, str], Any] = {}
    for pipe in dict.fromkeys(pipe for _, pipe in wishes):
        sites = [site for site, wish in wishes if wish == pipe]
        for objective in OBJECTIVES:
            forests[pipe, objective] = all_by_forest(work.search(pipe, objective), sites)
    around: dict[str, Neighbourhood] = {}
    compared = 0
    for site, pipe in sorted(wishes, key=lambda wish: wish[0].key):
        if site.key not in around:  # graphs are large: one site at a time
            around = {site.key: Neighbourhood(work.corridors, site.end_nodes)}
        for objective in OBJECTIVES:
            search = work.search(pipe, objective)
            one = best_way(search, site.end_nodes, around[site.key])
            other = forests[pipe, objective].get(site.key)
            assert (one is None) == (other is None), site.key
            if one is None:
                continue
            compared += 1
            assert other.weight == pytest.approx(one.weight, abs=1e-6), site.key
            assert replace(other, weight=one.weight) == one, site.key
            third = way_by_networkx(search, around[site.key], other.weight)
            assert third == one, site.key
            assert third.weight == pytest.approx(one.weight, abs=1e-6), site.key
    return compared


def way_by_networkx(search: Search, around: Neighbourhood, at_most: float) -> Way:
    """The lightest way in the graph that the planner shows, which holds all of at most a weight."""
    graph = around.networkx(search, at_most / search.lightest_rate)
    weight, nodes = nx.bidirectional_dijkstra(graph, "network", "red_line")
    keys = [
        min(graph[a][b].items(), key=lambda one: one[1]["weight"])[0] for a, b in pairwise(nodes)
    ]
    return Way(keys[0][1], tuple(keys[1:-1]), nodes[-2], weight)


def plans_of(work: Groundwork, cases: Sequence[Application]) -> list[dict[str, Any]]:
    """The plans of cases as plain values, without what else could be done.

    The first few are told in full, the others without what no screening tells.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_document, "comparison", lambda *_: {})
        patch.setattr(plan_document, "cures", lambda *_: [])
        told = []
        for number, case in enumerate(cases):
            if number == _IN_FULL:
                for name, nothing in _TOLD_BY_PLANS_ALONE.items():
                    patch.setattr(plan_document, name, lambda *_, nothing=nothing: nothing)
            told.append(plan(case, work.survey, work.policy, corridors=work).to_json())
        return told


def check_screening_equals_plans(
    table: pd.DataFrame, cases: Sequence[Application], answers: Sequence[Mapping[str, Any]]
) -> int:
    """Compare the rows of cases with the plans of each; returns how many were routed.

    ``table`` is of a screening of these cases, and perhaps of others; ``answers`` are the plans as
    plain values. No two cases are of one parcel and application.
    """
    named = table.assign(application_id=table["application_id"].fillna(""))
    table = named.set_index(["parcel_id", "application_id", "utility"])
    routed = 0
    for case, answer in zip(cases, answers, strict=True):
        for line in answer["utilities"]:
            row = table.loc[case.parcel_id, case.application_id, line["utility"]]
            where = (case.parcel_id, line["utility"])
            for name in ("status", "reason", "recommended", "qualifying_route", "gap_m"):
                assert _same(row[name], line[name]), (*where, name)
            verdict = line["verdict"]["alone"] or {}
            for name in ("outcome", "clause", "certainty", "otherwise"):
                assert _same(row[name], verdict.get(name)), (*where, name)
            for measure in line["measures"]:
                assert _same(row[measure["name"]], measure["value"]), (*where, measure["name"])
            if line["status"] == "routed":
                routed += 1
                _check_route(row, line, where)
    return routed


def _check_route(row: pd.Series, line: dict[str, Any], where: tuple[str, str]) -> None:
    (route,) = [r for r in line["routes"] if r["kind"] == line["recommended"]]
    for ours, theirs in _FIGURES.items():
        assert _same(row[ours], route[theirs]), (*where, ours)
    assert row["geometry"].equals_exact(shape(route["geometry"]), 1e-9), where
    assert row["tie_in_id"] in (route["tie_in"]["line_id"], route["tie_in"]["node_id"]), where


def _same(one: object, other: object) -> bool:
    """Equal, numbers within 1e-6; None and NaN are the same unknown."""
    one, other = (None if v is None or v != v else v for v in (one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=0, abs_tol=1e-6)
    return one == other
