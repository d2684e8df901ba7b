"""Command line of the benchmarks: ``python -m benchmarks --list`` or ``… NAME --json``."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.measuring import versions
from benchmarks.yardstick import yardstick_s

BENCHMARKS = {
    "screening": "screen all parcels for six utilities; corridors and tie-ins timed apart",
    "arrays": "the same on arrays alone, what they leave open counted and not solved; memory",
    "click": "first answer of a click; plan a parcel, its lines alone, cached and after an edit",
    "edit": "edit one feature of each layer, then the six lines of the parcel beside it",
    "imports": "import and check a shapefile of --parcels parcels in GBK",
    "noding": "cut street lines where they cross and build the graph; --parcels counts for nothing",
    "constrained": "cheapest route under caps; --parcels counts for nothing",
    "joint": "exact joint trench of six utilities, at 3,000 edges and at --edges",
}
EDGES = 20_000
EDGES_PER_PARCEL = 40


def measure(name: str, edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Run one benchmark; CPU seconds, MB of the highest resident memory, ratios peer to ours.

    ``yardstick_s`` tells how quick the machine is.
    """
    answer = importlib.import_module(f"benchmarks.{name}").run(edges, parcels, peers)
    return {"name": name, **answer, "yardstick_s": yardstick_s(), "versions": versions()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when done, 2 for unusable arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", nargs="?", choices=list(BENCHMARKS))
    parser.add_argument("--list", action="store_true", help="names of the benchmarks")
    parser.add_argument("--edges", type=int, default=EDGES, help="about so many corridor edges")
    parser.add_argument("--parcels", type=int, help="default: one for every 40 edges")
    parser.add_argument("--peers", action="store_true", help="measure networkx beside")
    parser.add_argument("--json", action="store_true", help="nothing but JSON on stdout")
    given = parser.parse_args(arguments)
    if given.list:
        print(*(f"{name:10} {words}" for name, words in BENCHMARKS.items()), sep="\n")
        return 0
    if given.name is None:
        parser.error("name a benchmark, or --list")
    parcels = given.edges // EDGES_PER_PARCEL if given.parcels is None else given.parcels
    if given.edges < 1 or parcels < 1:
        parser.error("--edges and --parcels must be positive")
    logging.basicConfig(stream=sys.stderr)
    try:
        answer = measure(given.name, given.edges, parcels, given.peers)
    except ValueError as error:
        parser.error(str(error))
    print(json.dumps(answer, indent=None if given.json else 2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
