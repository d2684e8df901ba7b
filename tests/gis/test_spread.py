"""What is joined over usable edges equals the components of networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gis.spread import both_ways, joined

NODES = 7


@given(
    st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.booleans())),
    st.sets(st.integers(0, NODES - 1)),
)
def test_what_is_joined_is_the_components_of_the_nodes_over_usable_edges(
    edges: list[tuple[int, int, bool]], nodes: set[int]
) -> None:
    ends = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    usable = np.array([edge[2] for edge in edges], bool)
    graph = nx.Graph()
    graph.add_nodes_from(range(NODES))
    graph.add_edges_from(ends[usable].tolist())
    expected = {node for one in nodes for node in nx.node_connected_component(graph, one)}
    found = joined(both_ways(NODES, ends), usable, np.array(sorted(nodes), np.int64))
    assert set(np.flatnonzero(found).tolist()) == expected
