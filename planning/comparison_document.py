"""Routes to compare with those of a line, as plain values: alternatives and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planning.alternatives import alternatives
from planning.external_lines import ExternalLine
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route
from planning.nearby_ways import nearby_ways

Described = Callable[[str, Route], dict[str, Any]]


def comparison(
    work: Groundwork, site: Site, line: ExternalLine, described: Described
) -> dict[str, Any]:
    """The keys ``alternatives`` and ``compared`` of a utility; ``described`` words a route."""
    if line.route is None:
        return {"alternatives": [], "compared": None}
    nearby = nearby_ways(work, site, line)
    others = alternatives(line, nearby)
    return {
        "alternatives": [
            {**described("alternative", one.route), "differs": list(one.differs)}
            for one in others.found
        ],
        "compared": {
            "longest_m": nearby.longest_m,
            "alternatives_proven": others.proven,
        },
    }
