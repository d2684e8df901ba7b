"""Edits of one feature, then the six lines of the parcel beside it, against a whole build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from shapely import affinity

from benchmarks.ground import cases, groundwork, spread_out
from benchmarks.measuring import cpu_of, cpu_samples, in_child, percentile
from gis.garbage import leave_alone
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application
from planning.external_lines import lines_of_site
from planning.groundwork import Groundwork, prepare
from planning.local_edits import Edit, edited

# Edits of each kind, spread over the county, each with the lines of the parcel beside it.
PLACES = 20
Change = Callable[[Survey, int], Survey]


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure edits of one feature of several layers; the whole build stands for the peer."""
    ours = in_child(_ours, edges, parcels)
    others = {"whole_build": in_child(_whole, edges, parcels)} if peers else {}
    return {
        **ours,
        "peers": others,
        "ratios": {
            f"{name}_to_edit_{kind}": peer["cpu_s"] / found["edit_p50"]
            for name, peer in others.items()
            for kind, found in ours["cpu_s"].items()
        },
    }


def _ours(edges: int, parcels: int) -> dict[str, Any]:
    work = groundwork(edges, parcels)
    applications = cases(work)
    six_lines(work, applications[0])  # what the county is asked once is made at its first click
    leave_alone()  # as the application does
    samples: dict[str, list[tuple[float, float]]] = {}
    outcome: dict[str, Any] = {}
    for kind, (layer, change) in EDITS.items():
        rows = spread_out(range(len(work.survey.tables[layer])), PLACES + 2)[1:-1]
        edited(work, change(work.survey, rows[0]))  # indexes of the layers, made at their first use
        samples[kind], edits = [], []
        for row in rows:
            case = _beside(applications, work.survey, layer, row)
            spent, edit = _edit_and_click(work, change(work.survey, row), case)
            samples[kind].append(spent)
            edits.append((edit.is_local, int((edit.edge_before < 0).sum())))
            del edit  # memory of one edit at a time
        outcome[kind] = {
            "local": sum(is_local for is_local, _ in edits),
            "of": len(edits),
            "new_edges": [new_edges for _, new_edges in edits],
        }
    return {
        "edges": work.corridors.graph.edge_count,
        "parcels": len(applications),
        "cpu_s": {
            **{kind: _told(some) for kind, some in samples.items()},
            "any": _told([sample for some in samples.values() for sample in some]),
        },
        "edits": outcome,
    }


def _edit_and_click(
    work: Groundwork, survey: Survey, case: Application
) -> tuple[tuple[float, float], Edit]:
    """CPU seconds of the edit and of the lines after it, of a parcel that was clicked before."""
    six_lines(work, case)
    made: list[Edit] = []
    (edit_s,) = cpu_samples(lambda: made.append(edited(work, survey)), 1)
    (lines_s,) = cpu_samples(lambda: six_lines(made[0].work, case), 1)
    return (edit_s, lines_s), made[0]


def _told(samples: list[tuple[float, float]]) -> dict[str, float]:
    edit, lines = map(list, zip(*samples, strict=True))
    both = [sum(sample) for sample in samples]
    named = {"edit": edit, "lines": lines, "edit_and_lines": both}
    shares = {"p50": 0.50, "p95": 0.95}
    return {
        f"{name}_{share}": percentile(values, number)
        for name, values in named.items()
        for share, number in shares.items()
    }


def six_lines(work: Groundwork, case: Application) -> None:
    """The external lines of a parcel with measures and verdicts: no shared trench, no remedies."""
    for line in lines_of_site(work, work.site(case)).values():
        _ = line.verdict  # made when it is asked for


def _beside(applications: list[Application], survey: Survey, layer: str, row: int) -> Application:
    """The parcel nearest to a feature."""
    place = survey.tables[layer].geometry.array[row]
    away = shapely.distance(np.asarray(survey.tables["parcels"].geometry.array), place)
    nearest = survey.tables["parcels"].index[int(np.argmin(away))]
    return next(case for case in applications if case.parcel_id == nearest)


def _whole(edges: int, parcels: int) -> dict[str, Any]:
    work = groundwork(edges, parcels)

    def build() -> None:
        whole = prepare(work.survey, work.policy)
        for utility in load_utilities():
            whole.tie_ins(utility)

    return {"cpu_s": cpu_of(build)}


def moved(survey: Survey, layer: str, row: int) -> Survey:
    """The survey with one feature of a layer half a metre aside."""
    table = survey.tables[layer]
    shapes = np.asarray(table.geometry.array).copy()
    shapes[row] = affinity.translate(shapes[row], 0.5, 0.5)
    return _with(survey, layer, table.set_geometry(shapes, crs=table.crs))


def told(survey: Survey, layer: str, row: int, field: str, value: Any) -> Survey:
    """The survey with another value in one field of a feature."""
    table = survey.tables[layer].copy()
    table.loc[table.index[row], field] = value
    return _with(survey, layer, table)


def _wider(survey: Survey, row: int) -> Survey:
    width = float(survey.tables["roads"]["carriageway_width_m"].iloc[row])
    return told(survey, "roads", row, "carriageway_width_m", width + 1.0)


def _opened(survey: Survey, row: int) -> Survey:
    return told(survey, "roads", row, "opened_on", "2025-11-01")


def _moving(layer: str) -> tuple[str, Change]:
    return layer, lambda survey, row: moved(survey, layer, row)


EDITS: dict[str, tuple[str, Change]] = {
    "parcel": _moving("parcels"),
    "main": _moving("lines"),
    "building": _moving("buildings"),
    "green": _moving("green"),
    "tree": _moving("trees"),
    "road_status": ("roads", _opened),
    "road_width": ("roads", _wider),
}


def _with(survey: Survey, layer: str, table: Any) -> Survey:
    return Survey(survey.crs, {**survey.tables, layer: table}, survey.county, survey.synthetic)
