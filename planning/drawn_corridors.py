"""Drawn corridors 绘制走廊: ways that people drew where a line may run though no road is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.linear import IntArray
from language import gettext as _
from layers.errors import LayerError
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.added_ways import Places, add_ways
from planning.application import Gate
from planning.comparisons import is_unknown
from planning.crossing_methods import Methods
from planning.feet import gate_points, node_points

if TYPE_CHECKING:
    from planning.corridors import Corridors

KIND = "drawn"


@dataclass(frozen=True)
class Drawn:
    """Edges of a corridor graph that were drawn: the corridor of each, and who may use it."""

    edge: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    corridor_id: tuple[str, ...] = ()
    utilities: tuple[frozenset[str], ...] = ()

    def kept_from(self, utility: str) -> IntArray:
        """The edges that are kept for others."""
        foreign = np.array([utility not in allowed for allowed in self.utilities], bool)
        return np.asarray(self.edge[foreign])

    def applied(self, methods: Methods, utility: str) -> Methods:
        """The methods of a utility without the corridors that are kept for others."""
        foreign = self.kept_from(utility)
        if len(foreign) == 0:
            return methods
        shut, bore = methods.shut.copy(), methods.bore_yuan
        shut[foreign], bore[foreign] = True, np.inf
        return methods.but(bore, shut)


def with_drawn(
    bare: Corridors,
    survey: Survey,
    gates: Mapping[str, tuple[str, Gate]] | None,
    max_snap_m: float,
) -> Corridors:
    """The corridors with those that were drawn, joined to the strips that they meet or end by.

    Raises
    ------
    LayerError
        If a corridor is kept for a utility that does not exist.
    """
    table = survey.get("drawn_corridors")
    if table is None or table.empty:
        return bare
    told = zip(table.index.astype(str), table["utilities"], strict=True)
    allowed = [_utilities(key, names) for key, names in told]
    lines = np.asarray(table.geometry.array)
    longer, way_of = add_ways(bare, lines, KIND, places_of(survey, gates), max_snap_m)
    edge = np.flatnonzero(way_of >= 0)
    rows = way_of[edge].tolist()
    names = table.index.astype(str)
    drawn = Drawn(edge, tuple(names[row] for row in rows), tuple(allowed[row] for row in rows))
    return replace(longer, drawn=drawn)


def kept_from(corridors: Corridors, utility: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """True for edges that are no way of a utility, and for nodes that only these lead to.

    To it a corridor that is kept for others is not there, nor what joins that to a red line.
    """
    graph, connector = corridors.graph, corridors.is_connector
    edges, nodes = np.zeros(graph.edge_count, bool), np.zeros(graph.node_count, bool)
    foreign = corridors.drawn.kept_from(utility)
    if len(foreign) == 0:
        return edges, nodes
    edges[foreign] = nodes[graph.ends[foreign]] = True
    nodes[graph.ends[~edges & ~connector]] = False
    edges |= connector & nodes[graph.ends].any(axis=1)
    nodes[graph.ends[edges]] = True
    nodes[graph.ends[~edges]] = False
    return edges, nodes


def places_of(survey: Survey, gates: Mapping[str, tuple[str, Gate]] | None) -> Places:
    """Parcels, gates and network nodes that may be joined to added ways."""
    parcels = survey.get("parcels")
    tables = [
        gate_points(gates).assign(parcel_id=lambda t: t["key"].map(lambda k: (gates or {})[k][0])),
        node_points(survey).assign(parcel_id=""),
    ]
    if parcels is not None:
        ids = parcels.index.astype(str)
        shapes = np.asarray(parcels.geometry.array)
        told = {"kind": "parcel", "key": ids, "parcel_id": ids, "point": shapes}
        tables.insert(0, pd.DataFrame(told))
    table = pd.concat([one for one in tables if len(one)], ignore_index=True)
    return Places(table[["kind", "key", "parcel_id"]], table["point"].to_numpy(object))


def _utilities(corridor_id: str, told: object) -> frozenset[str]:
    """Keys of the utilities that a text names, by key or by Chinese name; all for an empty one."""
    known = load_utilities()
    if is_unknown(told) or not str(told).strip():
        return frozenset(known)
    by_name = {utility.zh: key for key, utility in known.items()} | {key: key for key in known}
    names = [name for name in re.split(r"[,,、;;|\s]+", str(told)) if name]
    for name in names:
        if name not in by_name:
            raise LayerError(
                _(
                    "绘制走廊 {key}:字段 utilities 的值 {name!r} 不是已知专业;"
                    "请改为其中之一:{known},多个以顿号分隔。"
                ).format(key=corridor_id, name=name, known=_("、").join(by_name))
            )
    return frozenset(by_name[name] for name in names)
