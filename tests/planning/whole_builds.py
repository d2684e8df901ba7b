"""What an edited groundwork is held against: one that is prepared from nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point

from layers.utilities import load_utilities
from planning.corridors import Corridors
from planning.groundwork import Groundwork
from planning.tie_ins import TieIns

# What two graphs are compared by, written anew: nothing of ``gis.keys`` or ``planning.splicing``.


def _near(value: Any) -> Any:
    return round(value, 3) + 0.0 if isinstance(value, float) and value == value else str(value)


def vertices(line: Any) -> tuple[tuple[float, float], ...]:
    return tuple((round(x, 3) + 0.0, round(y, 3) + 0.0) for x, y in line.coords)


def _edges(corridors: Corridors) -> Counter[Any]:
    graph, names = corridors.graph, [*corridors.surfaces.table["road_id"], ""]
    rows = graph.measures.assign(road=[names[road] for road in graph.measures["road"]])
    crossed: dict[int, list[Any]] = {}
    for edge, road, kerb_m in corridors.crossings[["edge", "road", "kerb_m"]].itertuples(
        index=False
    ):
        crossed.setdefault(int(edge), []).append((names[int(road)], round(kerb_m, 3)))
    return Counter(
        (
            vertices(line),
            *map(_near, record.values()),
            tuple(sorted(crossed.get(number, []))),
            *(vertices(Point(graph.node_xy[end])) for end in graph.ends[number]),
        )
        for number, (line, record) in enumerate(
            zip(graph.lines, rows.to_dict("records"), strict=True)
        )
    )


def _degrees(corridors: Corridors) -> Counter[Any]:
    graph = corridors.graph
    degree = np.bincount(graph.ends.ravel(), minlength=graph.node_count)
    return Counter(zip(map(tuple, graph.node_xy.round(3)), degree.tolist(), strict=True))


def _ending(corridors: Corridors, rows: pd.DataFrame) -> Counter[Any]:
    xy = corridors.graph.node_xy[rows["node"].to_numpy(int)].round(3)
    told = rows.drop(columns=[name for name in ("node", "xy") if name in rows])
    return Counter(
        (*map(_near, record.values()), *place)
        for record, place in zip(told.to_dict("records"), xy.tolist(), strict=True)
    )


def _ways(corridors: Corridors, tie_ins: TieIns) -> Counter[Any]:
    table = tie_ins.table.assign(line=[vertices(line) for line in tie_ins.lines])
    kerb_m = tie_ins.crossings.groupby("tie_in")["kerb_m"].sum().round(3)
    return _ending(corridors, table.assign(crossed=kerb_m.reindex(table.index).fillna(0.0)))


def assert_equal(one: Groundwork, two: Groundwork) -> None:
    assert _edges(one.corridors) == _edges(two.corridors)
    assert _degrees(one.corridors) == _degrees(two.corridors)
    for name in ("sites", "feet"):
        rows = getattr(one.corridors, name), getattr(two.corridors, name)
        assert _ending(one.corridors, rows[0]) == _ending(two.corridors, rows[1])
    assert dict(one.corridors.gaps_m) == pytest.approx(dict(two.corridors.gaps_m))
    for utility in load_utilities():
        old, new = one.tie_ins(utility), two.tie_ins(utility)
        assert_equal_tie_ins(one.corridors, old, two.corridors, new)
        assert old.features.astype(str).equals(new.features.astype(str))


def assert_equal_tie_ins(one: Corridors, old: TieIns, two: Corridors, new: TieIns) -> None:
    assert _ways(one, old) == _ways(two, new)
    assert _ending(one, old.closed) == _ending(two, new.closed)
    reasons = [rows.closed.drop_duplicates(["kind", "feature_id"]) for rows in (old, new)]
    told = [rows[["kind", "feature_id", "reason"]].to_numpy() for rows in reasons]
    assert told[0].tolist() == told[1].tolist()
