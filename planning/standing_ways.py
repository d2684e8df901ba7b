"""Standing ways: which ways of a county an edit has left as they were, and how far it is to it.

The ground before and after an edit, side by side. An edge or a way to a tie-in is *touched* where
the edit changed it, or lies so near that it may be measured or judged otherwise now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, ranges
from gis.patched_tree import Tree
from gis.spread import both_ways, spread, start_at
from planning.application import Application, Demand
from planning.groundwork import Groundwork
from planning.local_edits import Edit
from planning.red_lines import lands_of
from planning.screening_sites import Sites
from planning.screening_ways import Ways, cut_off, lightest_ways

Mask = NDArray[np.bool_]
# What is judged beside a route lies no farther from it than lines are joined, over a carriageway,
# and this for working strips, pits and the zones of trees.
_BESIDE_M = 40.0


@dataclass(frozen=True, eq=False)
class Side:
    """The ground before or after an edit; ``cases`` are the same on both.

    ``edges`` tells which of the graph's edges are touched; ``boxes`` lie round what changed, and
    what lies within ``beside_m`` of them is touched.
    """

    work: Groundwork
    cases: Sequence[Application]
    edges: Mask
    boxes: NDArray[Any]
    beside_m: float
    _tie_ins: dict[str, Mask] = field(default_factory=dict, repr=False)

    @staticmethod
    def both(before: Groundwork, edit: Edit, cases: Sequence[Application]) -> tuple[Side, Side]:
        """The two sides of a local edit."""
        assert edit.region is not None
        half_m = max(
            float(work.corridors.surfaces.half_width_m.max(initial=0.0))
            for work in (before, edit.work)
        )
        beside_m = edit.work.policy.planning.max_snap_m + half_m + _BESIDE_M
        stayed = edit.edge_before[edit.edge_before >= 0]
        gone = np.ones(before.corridors.graph.edge_count, bool)
        gone[stayed] = False
        one, two = (
            Side(work, cases, changed, edit.region.boxes, beside_m)._with_near()
            for work, changed in ((before, gone), (edit.work, edit.edge_before < 0))
        )
        return one, two

    def _with_near(self) -> Side:
        """The same with edges that lie near the edit among the touched ones."""
        self.edges[self._near(self.work.corridors.graph.tree)] = True
        return self

    def _near(self, tree: Tree | shapely.STRtree) -> IntArray:
        _, near = tree.query(self.boxes, predicate="dwithin", distance=self.beside_m)
        return np.unique(near)

    def parcels_near(self) -> IntArray:
        """Cases whose parcels lie near the edit, by their numbers."""
        lands = lands_of(self.work, [case.parcel_id for case in self.cases])
        return self._near(shapely.STRtree(lands))

    def tie_ins(self, utility: str) -> Mask:
        """Which ways to tie-ins of a utility are touched."""
        if utility not in self._tie_ins:
            found = self.work.tie_ins(utility)
            touched = np.zeros(len(found.lines), bool)
            touched[self._near(found.tree)] = True
            self._tie_ins[utility] = touched
        return self._tie_ins[utility]

    @cached_property
    def sites(self) -> Sites:
        """The sites of the cases."""
        return Sites(self.work, self.cases)

    def free_m(self, utility: str, most_m: float) -> FloatArray:
        """How far from each site's red line, along the edges, the nearest touched piece begins.

        Infinite where it is farther than ``most_m``, and for a site without ends.
        """
        graph = self.work.corridors.graph
        joined = self.work.tie_ins(utility).table["node"].to_numpy(np.int64)
        touched = np.union1d(graph.ends[self.edges].ravel(), joined[self.tie_ins(utility)])
        arcs, start = both_ways(graph.node_count, graph.ends), start_at(graph.node_count, touched)
        away, _ = spread(arcs, graph.length_m[arcs.edge], start, most_m)
        starts, nodes = self.sites.ends_of(np.arange(len(self.cases)))
        found = np.full(len(self.cases), np.inf)
        np.minimum.at(found, np.repeat(np.arange(len(found)), np.diff(starts)), away[nodes])
        return found

    def lightest(self, ground: Groundwork, demand: Demand, objective: str, some: IntArray) -> Ways:
        """The lightest ways of some sites, given in ascending order."""
        return lightest_ways(ground.search(demand.pipe, objective), self.sites.steps.of_sites(some))

    def untouched(self, ways: Ways) -> Mask:
        """Which ways run over no touched piece."""
        steps, starts = ways.steps
        over = np.r_[0, np.cumsum(self.edges[steps])][starts]
        return np.asarray((np.diff(over) == 0) & ~self.tie_ins(ways.tie_ins.utility)[ways.tie_in])

    def cut_off(self, demand: Demand, some: IntArray) -> Mask:
        """True for sites that nothing joins to the network; given in ascending order."""
        tie_ins = self.work.tie_ins(demand.pipe.utility)
        usable = self.work.eligible_tie_ins(demand.pipe)
        return cut_off(self.work.corridors, tie_ins, usable, self.sites.steps, some)


@dataclass(frozen=True)
class Compared:
    """What the lightest ways of some sites are on both sides.

    ``same`` have the same way, of which nothing is touched; ``neither`` have none.
    """

    same: Mask
    neither: Mask


def compared(
    before: Ways, after: Ways, sides: tuple[Side, Side], edit: Edit, some: IntArray
) -> Compared:
    """Compare the lightest ways of some sites, given in ascending order."""
    place = [_places(ways, some) for ways in (before, after)]
    known = np.array([at >= 0 for at in place])
    at = np.flatnonzero(known.all(axis=0))
    one, two = (where[at] for where in place)
    same = sides[0].untouched(before)[one] & sides[1].untouched(after)[two]
    same &= _over_the_same(before, one, after, two, edit.edge_before)
    stand = np.zeros(len(some), bool)
    stand[at] = same
    return Compared(stand, np.asarray(~known.any(axis=0)))


def _places(ways: Ways, some: IntArray) -> IntArray:
    """Where the way of each site is among the ways, -1 for a site without one."""
    at = np.searchsorted(ways.site, some)
    found = at < len(ways)
    found[found] = ways.site[at[found]] == some[found]
    return np.where(found, at, -1)


def _over_the_same(
    before: Ways, one: IntArray, after: Ways, two: IntArray, edge_before: IntArray
) -> Mask:
    """Whether pairs of ways begin at the same tie-in and run over the same edges."""
    lines = before.tie_ins.lines[before.tie_in[one]], after.tie_ins.lines[after.tie_in[two]]
    ids = (ways.tie_ins.feature_ids for ways in (before, after))
    names = [np.asarray(every, object) for every in ids]
    same = np.asarray(shapely.equals_exact(*lines, 0.0), bool)
    same &= names[0][before.tie_in[one]] == names[1][after.tie_in[two]]
    steps, starts = zip(before.steps, after.steps, strict=True)
    counts = np.diff(starts[0])[one], np.diff(starts[1])[two]
    same &= counts[0] == counts[1]
    at = np.flatnonzero(same)
    walks = [
        every[ranges(begin[which], begin[which + 1])]
        for every, begin, which in zip(steps, starts, (one[at], two[at]), strict=True)
    ]
    differ = edge_before[walks[1]] != walks[0]
    owner = np.repeat(at, counts[0][at])
    same[owner[differ]] = False
    return same
