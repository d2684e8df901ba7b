"""One edit: corridors and tie-ins round it, against building all of them anew; then a click."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import shapely
from shapely import affinity

from benchmarks.ground import cases, groundwork
from benchmarks.measuring import cpu_of, cpu_samples, in_child, percentile
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.groundwork import Groundwork, prepare
from planning.local_edits import Edit, edited
from planning.plan import plan

REPEATS = 3


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure edits of one feature of several layers; the whole build stands for the peer."""
    ours = in_child(_ours, edges, parcels)
    others = {"whole_build": in_child(_whole, edges, parcels)} if peers else {}
    return {
        **ours,
        "peers": others,
        "ratios": {
            f"{name}_to_{what}": peer["cpu_s"] / seconds
            for name, peer in others.items()
            for what, seconds in ours["cpu_s"].items()
            if what.startswith("edit_")
        },
    }


def _ours(edges: int, parcels: int) -> dict[str, Any]:
    work = groundwork(edges, parcels)
    seconds: dict[str, float] = {}
    outcome: dict[str, Any] = {}
    for name, survey in _edits(work.survey).items():
        edited(work, survey)  # indexes of the layers are made at their first use
        made: list[Edit] = []
        change: Callable[[], None] = partial(_keep, made, work, survey)
        seconds[f"edit_{name}"] = percentile(cpu_samples(change, REPEATS), 0.50)
        new = int((made[-1].edge_before < 0).sum())
        outcome[name] = {"local": made[-1].is_local, "new_edges": new}
    after = edited(work, _edits(work.survey)["parcel"]).work
    case = cases(after)[len(cases(after)) // 2]
    click = partial(plan, case, after.survey, after.policy, corridors=after)
    seconds["first_plan_after_edit"] = cpu_of(click)
    seconds["next_plan"] = cpu_of(click, REPEATS)
    return {
        "edges": work.corridors.graph.edge_count,
        "parcels": len(cases(work)),
        "cpu_s": seconds,
        "edits": outcome,
    }


def _keep(made: list[Edit], work: Groundwork, survey: Survey) -> None:
    made[:] = [edited(work, survey)]


def _whole(edges: int, parcels: int) -> dict[str, Any]:
    work = groundwork(edges, parcels)

    def build() -> None:
        whole = prepare(work.survey, work.policy)
        for utility in load_utilities():
            whole.tie_ins(utility)

    return {"cpu_s": cpu_of(build)}


def _edits(survey: Survey) -> dict[str, Survey]:
    """One feature in the middle of each of some layers, changed a little."""
    return {
        "parcel": moved(survey, "parcels"),
        "main": moved(survey, "lines"),
        "green": moved(survey, "green"),
        "tree": moved(survey, "trees"),
        "road_gone": _without(survey, "roads"),
    }


def moved(survey: Survey, layer: str) -> Survey:
    """The survey with one feature in the middle of a layer half a metre aside."""
    table = survey.tables[layer]
    shapes = np.asarray(table.geometry.array).copy()
    row = len(shapes) // 2
    shapes[row] = affinity.translate(shapes[row], 0.5, 0.5)
    return _with(survey, layer, table.set_geometry(shapes, crs=table.crs))


def _without(survey: Survey, layer: str) -> Survey:
    table = survey.tables[layer]
    shortest = int(np.argmin(shapely.length(np.asarray(table.geometry.array))))
    return _with(survey, layer, table.drop(table.index[shortest]))


def _with(survey: Survey, layer: str, table: Any) -> Survey:
    return Survey(survey.crs, {**survey.tables, layer: table}, survey.county, survey.synthetic)
