"""Standing searches: how pipes go over edges, handed on through an edit.

What a pipe costs on an edge, by which method, and whether it may lie there at all hangs on nothing
far from the edge. After an edit it is told anew of the edges near it, on ground cut out round them,
and taken over for all others; both when a search first asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gis.handing_on import Exchange, hand_on, numbers_after
from gis.linear import IntArray, distinct
from gis.regions import Region
from planning.corridor_parts import cut_out_edges
from planning.crossing_methods import Bores, Methods
from planning.facts import Ground
from planning.groundwork import SEARCHES_BEFORE, Groundwork
from planning.narrow_slots import NOT_IN_SLOTS, tight_after
from planning.no_dig import Closed
from planning.roads_since import RoadsSince
from planning.routes import Search, WeighedTieIns
from planning.slots import EXISTING, existing_lines_near
from planning.standards import Pipe
from planning.tie_ins import TieIns


@dataclass(frozen=True)
class StandingSearches:
    """Methods and searches that a groundwork made before an edit, for the one after it.

    ``edges`` tells which went and came, ``number`` which each is now, -1 for those gone; ``near``
    are those of which methods are told anew, ascending, all new ones among them. With
    ``same_lines`` edges and their numbers are the very same, whatever else is told of them.
    """

    told: Mapping[tuple[Pipe, Closed, bool], Methods]
    made: Mapping[tuple[Pipe, str, Closed], Search]
    work: Groundwork
    edges: Exchange
    number: IntArray
    near: IntArray
    same_lines: bool

    def methods(self, pipe: Pipe, closed: Closed, all_bores: bool) -> Methods | None:
        """The methods of a pipe, the very ones where none is another; None if never told."""
        before = self.told.get((pipe, closed, all_bores))
        if before is None:
            return None
        anew = self.part.under(closed).methods(pipe, all_bores=all_bores)
        if self.same_lines and self._tell_the_same(before, anew):
            return before
        found = []
        for old, new in (before.bore_yuan, anew.bore_yuan), (before.shut, anew.shut):
            column = self.edges.of(old, np.zeros(len(self.edges.at), old.dtype))
            column = column.copy() if column is old else column
            column[self.near] = new
            found.append(column)
        return replace(before, surfaces_m=self.work.edge_surfaces_m).but(*found)

    def _tell_the_same(self, before: Methods, anew: Methods) -> bool:
        """Whether the prices of the edges near are what they were."""
        return np.array_equal(before.cut_yuan_of(self.near), anew.cut_yuan) and np.array_equal(
            before.bore_yuan_of(self.near), anew.bore_yuan
        )

    def search(
        self,
        key: tuple[Pipe, str, Closed],
        methods: Methods,
        tie_ins: TieIns,
        tie_in_weights: WeighedTieIns,
    ) -> Search | None:
        """The search made before where all that it hangs on is the very same, else None."""
        before = self.made.get(key)
        if before is None or before.tie_ins is not tie_ins:
            return None
        if self.told.get((key[0], key[2], False)) is not methods:
            return None
        if not np.array_equal(before.tie_in_weights, tie_in_weights):
            return None  # ways may cross another pavement where no edge does
        after = replace(before, corridors=self.work.corridors, tie_in_weights=tie_in_weights)
        hand_on(before, after, ("best_rows", "lightest_rate", "lightest_edge"))
        return after

    def hand_lightest_on(self, key: tuple[Pipe, str, Closed], after: Search) -> None:
        """Give a search the lightest edge where it is one near, or that of the one before."""
        before = self.made.get(key)
        if before is None or "lightest_edge" not in vars(before):
            return
        rate, edge = before.lightest_edge
        now = int(self.number[edge]) if edge >= 0 else -1
        near_rate, place = after.lightest_among(self.near)
        if place >= 0 and near_rate <= rate:
            vars(after)["lightest_edge"] = near_rate, int(self.near[place])
        elif now >= 0 and now not in self.near:
            vars(after)["lightest_edge"] = rate, now

    @cached_property
    def part(self) -> Groundwork:
        """The ground of nothing but the edges near the edit."""
        work, near = self.work, self.near
        corridors = cut_out_edges(work.corridors, near)
        part = replace(work.bare(), corridors=corridors)
        ground = Ground(work.survey, corridors, work.policy)
        if "bores" in vars(work.ground):
            vars(ground)["bores"] = _among(work.ground.bores, near)
        vars(part).update(
            ground=ground,
            closures=work.closures,
            tolerances=work.tolerances,
            edge_surfaces_m=work.edge_surfaces_m[near],
        )
        part.kept[EXISTING] = existing_lines_near(work, corridors.graph.lines, _reach_m(work))
        return part


def hand_searches_on(
    before: Groundwork,
    after: Groundwork,
    changed: Set[str],
    roads: RoadsSince,
    region: Region,
    edge_before: IntArray,
) -> None:
    """Give methods and searches to the groundwork ``after`` an edit, for when they are asked for.

    Parameters
    ----------
    changed
        The layers with changes.
    roads
        The rows that roads had.
    region
        Holds all that changed, features and edges.
    edge_before
        For every edge its number before, -1 for a new one.
    """
    if not roads.keep_numbers or "no_dig" in changed:
        return  # roads and no-dig areas are told by their numbers
    graph = after.corridors.graph
    near = region.near(graph.tree, max(_reach_m(before), _reach_m(after)))
    along = np.flatnonzero((edge_before < 0) | roads.of_told(graph.road))
    near = distinct(np.concatenate([near, along]))
    same_lines = graph.lines is before.corridors.graph.lines
    count = before.corridors.graph.edge_count
    edges, number = Exchange.told_by(edge_before, count), numbers_after(edge_before, count)
    stood = StandingSearches(
        dict(before._methods), dict(before._searches), after, edges, number, near, same_lines
    )
    stand = changed <= NOT_IN_SLOTS and same_lines
    after.kept.update(tight_after(before, stood.part, near, number, stand=stand))
    after.kept[SEARCHES_BEFORE] = stood


def _reach_m(work: Groundwork) -> float:
    """No method hangs on anything farther from its edge: strips, pits, slots from kerb to kerb."""
    settings, surfaces = work.policy.planning, work.corridors.surfaces
    beside_m = surfaces.beside_m
    slot_m = float(beside_m[np.isfinite(beside_m)].max(initial=0.0))
    spared_m = max(work.ground.ancient_reach_m, settings.value("protected_green_buffer_m"))
    return slot_m + work.corridors.setback_m + spared_m + work.closures.beside_m


def _among(bores: Bores, edges: IntArray) -> Bores:
    """Bores of some edges, ascending, numbered anew."""
    kept = np.isin(bores.edge, edges)
    return Bores(
        np.searchsorted(edges, bores.edge[kept]),
        bores.lines[kept],
        bores.pits[kept],
        bores.green_m2[kept],
        bores.paved_m2[kept],
    )
