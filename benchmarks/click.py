"""One click: its first answer, the plan of one parcel, its lines alone, and after an edit."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import networkx as nx
import numpy as np
from starlette.responses import JSONResponse

from benchmarks.county import COUNTY
from benchmarks.edit import moved, six_lines
from benchmarks.ground import NETWORK, cases, groundwork, networkx_graph, spread_out
from benchmarks.measuring import cpu_samples, in_child, percentile
from layers.store import Workspace
from planning.application import Application
from planning.batch import screen
from planning.county_screening import Inputs
from planning.groundwork import Groundwork
from planning.local_edits import edited
from planning.plan import Plan, plan
from ui.screened_county import lines_door

CLICKS = 24
FIRST_ANSWERS = 240
EDITS = 3
PEER_CLICKS = 6


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` the full networkx search on the same county."""
    ours = in_child(_ours, edges, parcels)
    others = {"networkx_single_source": in_child(_networkx, edges, parcels)} if peers else {}
    return {
        **ours,
        "peers": others,
        "ratios": {
            f"{name}_to_our_cached": peer["cpu_s"]["p50"] / ours["cpu_s"]["cached_p50"]
            for name, peer in others.items()
        },
    }


def _ours(edges: int, parcels: int) -> dict[str, Any]:
    work = groundwork(edges, parcels)
    clicked = spread_out(cases(work), CLICKS)

    def click(case: Application, ground: Groundwork) -> Plan:
        return plan(case, work.survey, work.policy, corridors=ground)

    for case in clicked:  # every demand's search is made at its first use
        click(case, work)
    cached = [s for case in clicked for s in cpu_samples(partial(click, case, work), 1)]
    first = _first_answers(work)
    for case in clicked:
        six_lines(work, case)
    lines = [s for case in clicked for s in cpu_samples(partial(six_lines, work, case), 1)]
    after_edit = cpu_samples(partial(_after_edit, work, clicked[0]), EDITS)
    return {
        "edges": work.corridors.graph.edge_count,
        "parcels": len(cases(work)),
        "cpu_s": {
            "first_answer_p50": percentile(first, 0.50),
            "first_answer_p95": percentile(first, 0.95),
            "cached_p50": percentile(cached, 0.50),
            "cached_p95": percentile(cached, 0.95),
            "lines_p50": percentile(lines, 0.50),
            "lines_p95": percentile(lines, 0.95),
            "after_edit_p50": percentile(after_edit, 0.50),
            "after_edit_p95": percentile(after_edit, 0.95),
        },
    }


def _first_answers(work: Groundwork) -> list[float]:
    """What the server does for the first answer of a click, where a screening is kept.

    Layers and applications are looked at for changes, six lines with every column are looked up,
    put into degrees and written as JSON. Some parcels are screened, as finding one of more takes
    no longer.
    """
    with TemporaryDirectory() as place:
        workspace, parcels = _kept_county(Path(place), work)
        lines = lines_door(workspace.path)

        def click(parcel: str) -> None:
            status, answer = lines({"parcel": parcel})
            if status != 200:
                raise RuntimeError(answer["message"])
            JSONResponse(answer)

        click(parcels[0])  # the screening is read at the first one
        turns = [parcel for parcel in parcels for _ in range(FIRST_ANSWERS // len(parcels))]
        return [s for parcel in turns for s in cpu_samples(partial(click, parcel), 1)]


def _kept_county(place: Path, work: Groundwork) -> tuple[Workspace, list[str]]:
    """A workspace of the county's parcels that keeps a screening of today, and whose it has."""
    made = Workspace.create(place / "workspace", COUNTY, work.survey.crs, synthetic=True)
    file = place / "parcels.gpkg"
    work.survey.tables["parcels"].reset_index().to_file(file, driver="GPKG")
    made.import_layer("parcels", file)
    inputs = Inputs(made, made.survey(), [], date.today())
    chosen = spread_out(inputs.cases(), CLICKS)
    made.screenings.keep(inputs.key, screen(work, chosen), work.survey.crs)
    return made, [case.parcel_id for case in chosen]


def _after_edit(work: Groundwork, case: Application) -> None:
    """A parcel is moved and another one planned: what the edit does not reach stands."""
    row = len(work.survey.tables["parcels"]) // 2
    after = edited(work, moved(work.survey, "parcels", row)).work
    plan(case, after.survey, after.policy, corridors=after)


def _networkx(edges: int, parcels: int) -> dict[str, Any]:
    """Distances and paths to the whole graph, least over the tie-ins; routes only, no measures."""
    work = groundwork(edges, parcels)
    clicked = spread_out(cases(work), PEER_CLICKS)
    samples = []
    for case in clicked:
        starts = work.site(case).end_nodes
        graphs = [networkx_graph(work.search(d.pipe, "cheapest")) for d in case.demands.values()]
        for graph in graphs:
            graph.add_weighted_edges_from(("red line", int(node), 0.0) for node in starts)

        def click(graphs: list[nx.DiGraph] = graphs) -> None:
            for graph in graphs:
                lengths, _ = nx.single_source_dijkstra(graph, "red line")
                lengths.get(NETWORK, np.inf)

        samples += cpu_samples(click, 1)
    return {"cpu_s": {"p50": percentile(samples, 0.50), "p95": percentile(samples, 0.95)}}
