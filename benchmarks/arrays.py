"""Screening on arrays alone: what they leave open is counted and not solved."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.ground import DIG_DATE, cases, groundwork
from benchmarks.measuring import cpu_of, forget_peak, in_child, peak_mb, resident_mb
from benchmarks.screening import (
    per_parcel_measured,
    per_parcel_unstopped,
    searches_of,
    vectorised,
)
from planning import batch


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` the others on the same county."""
    ours = in_child(_ours, edges, parcels)
    others = {}
    if peers:
        others = {
            "networkx_per_parcel_measured": in_child(per_parcel_measured, edges, parcels),
            "networkx_per_parcel_unstopped": in_child(per_parcel_unstopped, edges, parcels),
            "networkx_shapely_vectorised": in_child(vectorised, edges, parcels),
        }
    first_s = ours["cpu_s"]["screening_first_with_edge_measures"]
    ratios = {f"{name}_to_our_first": one["cpu_s"] / first_s for name, one in others.items()}
    return {**ours, "peers": others, "ratios": ratios}


def _ours(edges: int, parcels: int) -> dict[str, Any]:
    work = groundwork(edges, parcels)
    ground_mb = peak_mb()
    graph, wanted = work.corridors.graph, cases(work)
    measures_s = cpu_of(lambda: work.corridors.measure(graph.lines))
    grounds = work.tried(work.closures.on(DIG_DATE))
    searches_s = cpu_of(lambda: [searches_of(ground, wanted) for ground in grounds])
    left: list[dict[str, float]] = []

    def screen_all() -> None:
        left.append(batch.screen(work, wanted, geometry=False).attrs["one_by_one"])

    gc.collect()
    before_mb = resident_mb()
    forget_peak()
    with _none_one_by_one():
        first_s = cpu_of(screen_all)
        screening_mb = peak_mb() - before_mb
        again_s = cpu_of(screen_all)
    return {
        "edges": graph.edge_count,
        "parcels": len(wanted),
        "plots": len({tuple(work.site(case).end_nodes.tolist()) for case in wanted}),
        "pairs_left_open": left[0]["pairs"],
        "pairs_to_solve": left[0]["solved"],
        "mb": {
            "ground_at_most": ground_mb,
            "before": before_mb,
            "screening_first_on_top": screening_mb,
        },
        "cpu_s": {
            "searches": searches_s,
            "edge_measures": measures_s,
            "screening_first": first_s,
            "screening_first_with_edge_measures": first_s + measures_s,
            "screening_again": again_s,
        },
    }


@contextmanager
def _none_one_by_one() -> Iterator[None]:
    """What arrays leave open stays open. A mock would hold on to the tables that it was given."""
    solving = batch._one_by_one
    batch._one_by_one = lambda *_: None
    try:
        yield
    finally:
        batch._one_by_one = solving
