"""How quick a machine is: six shortest-path forests of a plain net by scipy, nothing of ours.

Seconds measured on two machines, or at two loads, are compared as multiples of this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import dijkstra

from benchmarks.measuring import cpu_of, in_child

# A net of a county as large as the goals speak of: 58,564 nodes, some 100,000 edges.
_SIDE = 242
_MISSING = 0.14
_SERVED = 0.2
_FORESTS = 6
_REPEATS = 5


def yardstick_s() -> float:
    """CPU seconds of six forests with predecessors, the median of five runs in a fresh process."""
    found: float = in_child(_forests)["cpu_s"]
    return found


def _forests() -> dict[str, Any]:
    nodes = _SIDE * _SIDE
    nets = [_net(seed) for seed in range(_FORESTS)]

    def grow() -> None:
        for net in nets:
            dijkstra(net, indices=nodes, return_predecessors=True)

    return {"cpu_s": cpu_of(grow, _REPEATS)}


def _net(seed: int) -> scipy.sparse.csr_array:
    """A grid of streets with links missing, and a source that leads to a fifth of its nodes."""
    draw, nodes = np.random.default_rng(seed), _SIDE * _SIDE
    number = np.arange(nodes).reshape(_SIDE, _SIDE)
    links = np.concatenate(
        [
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
            np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
        ]
    )
    links = links[draw.random(len(links)) >= _MISSING]
    taps = draw.choice(nodes, int(nodes * _SERVED), replace=False)
    one = np.concatenate([links[:, 0], links[:, 1], np.full(len(taps), nodes)])
    other = np.concatenate([links[:, 1], links[:, 0], taps])
    metres = draw.uniform(30.0, 120.0, len(links))
    weight = np.concatenate([metres, metres, draw.uniform(1.0, 30.0, len(taps))])
    return scipy.sparse.csr_array((weight, (one, other)), shape=(nodes + 1, nodes + 1))
