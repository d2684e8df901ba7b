"""Where pairs of feeds are looked for: what two ways round a site use together, and keep apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from gis.linear import FloatArray, IntArray, LineArray
from gis.pairs import Pair, PairedWay, PairProblem
from planning.application import Demand
from planning.both_feeds import BESIDE_M, SAME_M
from planning.groundwork import Site
from planning.lanes import ALONG_STREETS
from planning.measures import Figures, measure_all
from planning.route_pieces import Caps, PieceBook, amounts
from planning.routes import Way
from planning.search_areas import CAP_ROUNDING, Area, area_round

# How far two feeds keep from each other, the best first: on sides of streets of their own, off each
# other's edges, not at all. The last steps to the red line may be the same.
APART = ("side", "edges", "none")
# What runs along a route leaves it within so many metres.
LEAVING_M = 1.0


class Off(NamedTuple):
    """One way of a pair keeps off some edges and ways to tie-ins."""

    way: int
    edges: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()


def counted_once(demand: Demand, book: PieceBook) -> frozenset[str]:
    """Growing measures that grow once where both feeds lie in the same ground."""
    apart, beside = (_both_long(demand, shared_m) for shared_m in (0.0, 1.0))
    ground = {name for name in book.growing if beside[name] < apart[name]}
    return frozenset(ground | {name for name in book.growing if book.counts_green(name)})


def sharing_bars(demand: Demand, book: PieceBook, level: int) -> bool:
    """Whether two feeds in one trench cannot have a rank, as a bank of ducts for both."""
    apart, beside = (_both_long(demand, shared_m) for shared_m in (0.0, 1.0))
    more = {
        name: value
        for name, value in beside.items()
        if name not in book.growing and value > apart[name]
    }
    return bool(more) and all(book.rank({**least, **more}) > level for least in book.touching)


def _both_long(demand: Demand, shared_m: float) -> dict[str, float]:
    """Measures of two feeds of a metre each, of which so much lies in one trench."""
    none = np.zeros(1)
    figures = Figures(
        demand, none + 2.0, none, none, none, none, none, feeds=2, shared_m=none + shared_m
    )
    told = measure_all(demand.pipe.utility, figures)
    return {name: float(values[0]) for name, values in told.items()}


@dataclass(frozen=True)
class PairArea:
    """An area with the mains that its tie-ins belong to; pieces are numbered as in the area.

    ``book`` is that of one feed: of a pair no piece measures less. ``once`` names the measures
    that grow once where both lie.
    """

    book: PieceBook
    area: Area
    group: IntArray
    once: frozenset[str]

    @staticmethod
    def round(
        book: PieceBook, site: Site, reach_m: float, number: IntArray, once: frozenset[str]
    ) -> PairArea:
        """What lies within reach of a site, with tie-ins of mains that are known."""
        area = area_round(book, site, reach_m)
        area = area.part(np.ones(len(area.edges), bool), number[area.tie_ins] >= 0)
        return PairArea(book, area, number[area.tie_ins], once)

    def allowed(self, level: int, *, worst: bool) -> PairArea:
        """The part of pieces that qualify alone."""
        return self._part(self.area.allowed(level, worst=worst))

    def no_dearer(self, yuan: float) -> PairArea:
        """The part that ways of at most so many yuan use."""
        return self._part(self.area.no_dearer(yuan))

    def _part(self, area: Area) -> PairArea:
        number = dict(zip(self.area.tie_ins.tolist(), self.group.tolist(), strict=True))
        group = np.array([number[one] for one in area.tie_ins.tolist()], np.int64)
        return PairArea(self.book, area, group, self.once)

    # --- what pairs use --------------------------------------------------------------------------

    def problem(
        self, caps: Caps, *, side_by_side: bool = False, beside: bool = False
    ) -> PairProblem:
        """The pairs in the area under caps.

        Without ``side_by_side`` only last steps are shared, and without ``beside`` no way to a
        tie-in runs along the other way for more than it takes to leave it.
        """
        area, count = self.area, len(self.area.edges)
        rows = self._rows(caps, beside=beside)
        together = self._together(side_by_side) if caps else np.zeros((0, 2), np.int64)
        one, two = (rows[:, together[:, way]] for way in (0, 1))
        once = np.array([name in self.once for name in caps], bool)[:, None]
        edge_yuan, tie_in_yuan = area.yuan
        return PairProblem(
            len(area.nodes),
            area.ends,
            edge_yuan,
            rows[:, :count],
            area.sources,
            tie_in_yuan,
            rows[:, count:],
            _numbered(self.group),
            area.targets,
            np.array([cap + CAP_ROUNDING for _, cap in caps.values()]),
            together,
            np.where(once, np.maximum(one, two), one + two),
        )

    def _rows(self, caps: Caps, *, beside: bool) -> FloatArray:
        """What every piece adds at least to the capped measures of a pair."""
        area, book = self.area, self.book
        count = len(area.edges) + len(area.tie_ins)
        if not caps:
            return np.zeros((0, count))
        green = any(map(book.counts_green, caps))
        figures, parts = book.figures(area.edges, area.bored, area.tie_ins, green=green)
        ends, kinds = area.ends_and_kinds(book.work.corridors.is_connector)
        least = amounts(book, figures, parts, ends, kinds, routes=2)
        rows = np.array([least[name] for name in caps]).reshape(len(caps), count)
        ground = [name in self.once and not book.counts_green(name) for name in caps]
        if any(ground):
            rows[ground] *= self._own_share(beside)
        return rows

    def _own_share(self, beside: bool) -> FloatArray:
        """Which share of every piece lies in none that the other way may run along.

        Edges meet at nodes only, but connectors and ways to tie-ins may lie in others. Of such
        two each bears half, and a way has one of each kind, those to tie-ins from its own main.
        """
        area, graph = self.area, self.book.work.corridors.graph
        lines, count = np.concatenate([graph.lines[area.edges], self._stubs]), len(area.edges)
        edge = np.r_[area.edges, -1 - np.arange(len(area.tie_ins))]
        group = np.r_[np.full(count, -1), self.group]
        kind = np.r_[self.book.work.corridors.is_connector[area.edges] * 1, 2 + 0 * self.group]
        length = shapely.length(lines)
        some = np.flatnonzero((kind > 0) & (length > 0))
        one, two = shapely.STRtree(lines).query(lines[some], "dwithin", distance=SAME_M)
        one = some[one]
        may_meet = (edge[one] != edge[two]) & ((group[one] != group[two]) | (group[one] < 0))
        one, two = one[may_meet], two[may_meet]
        along = shapely.intersection(lines[one], shapely.buffer(lines[two], SAME_M))
        pairs = pd.DataFrame({"one": one, "kind": kind[two], "m": shapely.length(along)})
        pairs = pairs[pairs["m"] > 4 * SAME_M]  # others only touch
        most = pairs[pairs["kind"] > 0].sort_values("m", ascending=False)
        rank = most.groupby(["one", "kind"]).cumcount()
        alike = most["kind"].to_numpy() == kind[most["one"]]
        most = most[rank.to_numpy() < np.where(alike, 1, 2)].assign(m=lambda rows: rows["m"] / 2)
        lost = pd.concat([pairs[pairs["kind"] == 0], most])
        taken = np.bincount(lost["one"], lost["m"], minlength=len(lines))
        if not beside:
            taken = np.where(kind == 2, np.minimum(taken, LEAVING_M), taken)
        left_m = np.maximum(length - taken, 0.0)
        return np.asarray(np.divide(left_m, length, out=np.ones(len(lines)), where=length > 0))

    def _together(self, side_by_side: bool) -> IntArray:
        """Edges that two ways may take side by side, cut open or bored each as it is."""
        usable = np.arange(len(self.area.edges))
        if not side_by_side:
            usable = usable[self.book.work.corridors.is_connector[self.area.edges]]
        pairs = [(one, two) for one in usable.tolist() for two in self._variants(one)]
        return np.array(pairs, np.int64).reshape(-1, 2)

    # --- what pairs keep apart -------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether nothing leads out of the part that the red line reaches."""
        return self.area.is_closed

    def shut_in(self, edges: Iterable[int], sources: Iterable[int]) -> bool:
        """Whether a way off these pieces neither reaches a tie-in nor leaves the area."""
        kept = np.ones(len(self.area.edges), bool), np.ones(len(self.area.tie_ins), bool)
        kept[0][list(edges)] = False
        kept[1][list(sources)] = False
        part = self.area.part(*kept)
        return part.is_closed and not part.reached[part.sources].any()

    def conflict(self, pair: Pair, apart: str, *, last_steps: bool = False) -> list[Off] | None:
        """What two ways have in common that they should not: one of the two keeps off it.

        Every pair that keeps apart so far is told by one of the answers; None where this one does.
        ``last_steps`` may not be shared either. A duct without the holes for both never is.
        """
        one, two = pair.first, pair.second
        shared = set(self._real(one.edges)) & set(self._real(two.edges))
        if not last_steps and apart != "none":
            shared = {e for e in shared if not self.book.work.corridors.is_connector[e]}
        elif not last_steps:
            carriers = self.book.work.corridors.carriers
            shared = set(carriers.filled_by(self.book.demand.pipe, shared).tolist())
        if shared:
            edge = min(shared)
            same = tuple(np.flatnonzero(self.area.edges == edge).tolist())
            return [Off(0, same), Off(1, same)]
        if apart == "side":
            common = (set(self._side_of(one)) & set(self._side_of(two))) - {-1}
            if common:
                side = tuple(np.flatnonzero(self._side == min(common)).tolist())
                return [Off(0, side), Off(1, side)]
        if apart != "none":
            return self._along(0, one, two) or self._along(1, two, one)
        return None

    def apart(self, pair: Pair) -> str:
        """How far the ways of a pair keep apart."""
        return next(apart for apart in APART if self.conflict(pair, apart) is None)

    def _along(self, way: int, own: PairedWay, other: PairedWay) -> list[Off] | None:
        """Whether the way to a tie-in runs along the other way for more than it takes to leave."""
        stub = self._stubs[own.source]
        graph = self.book.work.corridors.graph
        lines = np.array([self._stubs[other.source], *graph.lines[self._real(other.edges)]], object)
        near = shapely.intersection(stub, shapely.buffer(lines, BESIDE_M))
        beside_m = shapely.length(shapely.union_all(near))
        if beside_m <= LEAVING_M:
            return None
        found = [Off(way, (), (own.source,))]
        along = np.flatnonzero(shapely.length(near) > 0).tolist()
        for at in along:
            if at == 0:
                found.append(Off(1 - way, (), (other.source,)))
            else:
                edge = self.area.edges[other.edges[at - 1]]
                found.append(Off(1 - way, tuple(np.flatnonzero(self.area.edges == edge).tolist())))
        return found

    def _real(self, edges: Sequence[int]) -> list[int]:
        return list(self.area.edges[list(edges)].tolist())

    def _side_of(self, way: PairedWay) -> list[int]:
        return list(self._side[list(way.edges)].tolist())

    @cached_property
    def _side(self) -> IntArray:
        """The side of a street that every edge runs along, -1 for none."""
        table = self.book.work.corridors.graph.measures.iloc[self.area.edges]
        strip = table["kind"].isin(ALONG_STREETS).to_numpy(bool)
        sides = pd.MultiIndex.from_frame(table[["road", "side"]])
        return np.where(strip, pd.factorize(sides)[0], -1)

    @cached_property
    def _at(self) -> dict[int, list[int]]:
        """Rows of every edge of the graph: two where it may be cut open and bored."""
        found: dict[int, list[int]] = {}
        for row, edge in enumerate(self.area.edges.tolist()):
            found.setdefault(edge, []).append(row)
        return found

    def _variants(self, row: int) -> list[int]:
        return self._at[int(self.area.edges[row])]

    @cached_property
    def _stubs(self) -> LineArray:
        return np.asarray(self.book.work.tie_ins(self.book.utility).lines[self.area.tie_ins])

    # --- ways ------------------------------------------------------------------------------------

    def way(self, one: PairedWay) -> tuple[Way, tuple[int, ...]]:
        """A way in numbers of the graph, and those of its edges that are bored."""
        walked = list(one.edges)
        edges = self.area.edges[walked]
        edge_yuan, tie_in_yuan = self.area.yuan
        yuan = float(tie_in_yuan[one.source] + edge_yuan[walked].sum())
        tie_in = int(self.area.tie_ins[one.source])
        end = int(self.area.nodes[self.area.targets[one.target]])
        bored = tuple(edges[self.area.bored[walked]].tolist())
        return Way(tie_in, tuple(edges.tolist()), end, yuan), bored


def _numbered(group: IntArray) -> IntArray:
    """Groups numbered anew from 0: few bits tell them apart."""
    return np.asarray(np.unique(group, return_inverse=True)[1], np.int64)
