"""Street lines that only cross made a routable graph: cut at every crossing, nodes numbered."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.county import CRS_CODE, street_lines
from benchmarks.measuring import cpu_of, in_child
from gis.linear import LineArray
from gis.network import arcs
from gis.noding import node_lines

# snkit takes a hundred times as long as the others: it gets a small town, and so do we beside it.
SNKIT_EDGES = 5_000
# Where a PostGIS with pgRouting is, as psql knows it; tables are made and dropped there.
DATABASE_VARIABLE = "TONGGOU_BENCHMARK_DATABASE"
_REPEATS = 3


def run(edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` the others on the same lines; there are no parcels."""
    ours = in_child(_ours, edges)
    others: dict[str, Any] = {}
    if peers:
        small = min(edges, SNKIT_EDGES)
        others = {name: in_child(measure, edges) for name, measure in _PEERS.items()}
        others["snkit"] = in_child(_snkit, small)
        others["ours_beside_snkit"] = in_child(_ours, small)
    base = dict.fromkeys(others, ours) | {"snkit": others.get("ours_beside_snkit", ours)}
    return {
        **ours,
        "peers": others,
        "ratios": {
            f"{name}_to_ours": peer["cpu_s"]["total"] / base[name]["cpu_s"]["total"]
            for name, peer in others.items()
            if "cpu_s" in peer and name != "ours_beside_snkit"
        },
    }


def _ours(edges: int) -> dict[str, Any]:
    lines = street_lines(edges)
    network = node_lines(lines)
    metres = shapely.length(network.pieces.lines)
    node_s = cpu_of(lambda: node_lines(lines), _REPEATS)
    graph_s = cpu_of(lambda: arcs(network.ends, metres, len(network.node_xy)), _REPEATS)
    return _told(len(lines), len(network.ends), len(network.node_xy), node_s, graph_s)


def _told(lines: int, edges: int, nodes: int, node_s: float, graph_s: float) -> dict[str, Any]:
    cpu_s = {"node": node_s, "graph": graph_s, "total": node_s + graph_s}
    return {"lines": lines, "edges": edges, "nodes": nodes, "cpu_s": cpu_s}


def _by_shapely(cut: Callable[[LineArray], Any], edges: int) -> dict[str, Any]:
    """Cut by one call that forgets which line each part came from; ends numbered by numpy."""
    lines = street_lines(edges)

    def graph(parts: LineArray) -> tuple[int, int]:
        tips = np.concatenate([shapely.get_point(parts, 0), shapely.get_point(parts, -1)])
        xy, number = np.unique(shapely.get_coordinates(tips), axis=0, return_inverse=True)
        ends = number.reshape(2, -1).T.astype(np.int64)
        arcs(ends, shapely.length(parts), len(xy))
        return len(ends), len(xy)

    parts = shapely.get_parts(cut(lines))
    node_s = cpu_of(lambda: shapely.get_parts(cut(lines)), _REPEATS)
    return _told(len(lines), *graph(parts), node_s, cpu_of(lambda: graph(parts), _REPEATS))


def _shapely_node(edges: int) -> dict[str, Any]:
    return _by_shapely(lambda lines: shapely.node(shapely.multilinestrings(lines)), edges)


def _shapely_union(edges: int) -> dict[str, Any]:
    return _by_shapely(shapely.union_all, edges)


def _momepy(edges: int) -> dict[str, Any]:
    """Cut by ``union_all``, as momepy has no noder; its networkx graph. Edges are its own."""
    try:
        import momepy
    except ImportError as error:
        return {"not_measured": str(error)}
    lines = street_lines(edges)

    def cut() -> gpd.GeoDataFrame:
        parts = shapely.get_parts(shapely.union_all(lines))
        return gpd.GeoDataFrame(geometry=parts, crs=CRS_CODE)

    table = cut()
    graph = momepy.gdf_to_nx(table)
    node_s, graph_s = cpu_of(cut), cpu_of(lambda: momepy.gdf_to_nx(table))
    counts = graph.number_of_edges(), graph.number_of_nodes()
    return _told(len(lines), *counts, node_s, graph_s)


def _snkit(edges: int) -> dict[str, Any]:
    """Cut at intersections, end points added, topology from them."""
    try:
        import snkit
    except ImportError as error:
        return {"not_measured": str(error)}
    lines = street_lines(edges)
    bare = snkit.Network(edges=gpd.GeoDataFrame(geometry=lines, crs=CRS_CODE))
    cuts: list[Any] = []
    node_s = cpu_of(lambda: cuts.append(snkit.network.split_edges_at_intersections(bare)))
    made: list[Any] = []
    graph_s = cpu_of(lambda: made.append(_snkit_topology(snkit.network, cuts[0])))
    return _told(len(lines), len(made[0].edges), len(made[0].nodes), node_s, graph_s)


def _snkit_topology(snkit: Any, network: Any) -> Any:
    return snkit.add_topology(snkit.add_ids(snkit.add_endpoints(network)))


def _pgrouting(edges: int) -> dict[str, Any]:
    """``pgr_nodeNetwork`` and ``pgr_createTopology``: CPU seconds of the server's own process."""
    database = os.environ.get(DATABASE_VARIABLE)
    if not database:
        return {"not_measured": f"{DATABASE_VARIABLE} names no database"}
    lines = street_lines(edges)
    try:
        with _Psql(database) as server:
            server.ask("CREATE EXTENSION IF NOT EXISTS pgrouting CASCADE; SELECT 1;")
            server.ask(_streets_as_sql(lines))
            node_s = server.cpu_of("SELECT pgr_nodeNetwork('streets', 0.001, 'id', 'geom');")
            graph_s = server.cpu_of(
                "SELECT pgr_createTopology('streets_noded', 0.001, 'geom', 'id');"
            )
            counts = [
                int(server.ask(f"SELECT count(*) FROM {table};"))
                for table in ("streets_noded", "streets_noded_vertices_pgr")
            ]
            server.ask("DROP TABLE streets, streets_noded, streets_noded_vertices_pgr; SELECT 1;")
    except (OSError, ValueError) as error:
        return {"not_measured": str(error)}
    return _told(len(lines), *counts, node_s, graph_s)


def _streets_as_sql(lines: LineArray) -> str:
    rows = "\n".join(
        f"{number}\t{shape}" for number, shape in enumerate(shapely.to_wkb(lines, hex=True), 1)
    )
    table = "CREATE TABLE streets (id bigint PRIMARY KEY, geom geometry(LineString));"
    index = "CREATE INDEX ON streets USING gist (geom); SELECT 1;"
    return f"{table}\nCOPY streets FROM STDIN;\n{rows}\n\\.\n{index}"


class _Psql:
    """One session of psql, and so one process of the server, which is on this machine."""

    def __init__(self, database: str) -> None:
        self._process = subprocess.Popen(
            ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._backend = self.ask("SELECT pg_backend_pid();")

    def __enter__(self) -> _Psql:
        return self

    def __exit__(self, *_: object) -> None:
        _open(self._process.stdin).close()
        self._process.wait()

    def ask(self, sql: str) -> str:
        """The first value of the last statement."""
        _open(self._process.stdin).write(sql + "\n")
        _open(self._process.stdin).flush()
        answer = _open(self._process.stdout).readline()
        if not answer:
            raise ValueError(f"psql refused: {sql[:60]}")
        return answer.strip()

    def cpu_of(self, sql: str) -> float:
        """CPU seconds that the server spends on a statement."""
        before = self._cpu_s()
        self.ask(sql)
        return self._cpu_s() - before

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self._backend}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _open(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("psql has no pipe")
    return stream


_PEERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "shapely_node": _shapely_node,
    "shapely_union_all": _shapely_union,
    "momepy": _momepy,
    "pgr_nodeNetwork": _pgrouting,
}
