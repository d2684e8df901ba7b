"""Pieces of routes: corridor edges and ways to tie-ins, each judged as if it were the whole route.

Whatever a route is judged by only gets worse as it grows: it is longer, crosses more, its strip
covers more, it digs up more roads. A piece that cannot qualify alone is in no route that
qualifies, and what the pieces of a route add up to is no more than what the route measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.handing_on import hand_on
from gis.linear import POSITION_TOLERANCE_M, FloatArray, IntArray, chain
from layers.utilities import policy_utility
from planning.application import Demand
from planning.city_roads import edges_in_city_roads, in_city_roads, tie_ins_in_city_roads
from planning.comparisons import NUMERIC, is_unknown
from planning.facts import pipe_facts
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Told, rank_among, site_facts, tell, working_strips
from planning.measures import MEASURES, Figures, measure_all
from planning.piece_ground import (
    BORED,
    CUT,
    FIGURES,
    PieceGround,
    PieceRows,
    piece_ground,
    rows_of,
)
from planning.policy_model import Condition, UtilityRules
from planning.readings import read_as
from planning.routes import Routes, Way, measure_lines
from planning.verdict_tables import Coded, Column, hashable, possible_columns
from planning.verdicts import Verdict, judge, possible_of

# Farther past any limit than any route: a measure as bad as it can be.
_WORST = 1e9
# Bounds of area give way by so much, as overlays are exact to about a square millimetre.
_AREA_ROUNDING_M2 = 1e-6

Caps = Mapping[str, tuple[Condition, float]]
# Which of some rows of pieces touch some roads.
Touching = Callable[[PieceRows], NDArray[np.bool_]]
# Where a groundwork keeps inputs of a route that is no metre long, and outcomes that are possible.
NOTHING, OUTCOMES = "nothing", "outcomes"
# What books tell of a demand whatever lies where.
_OF_DEMAND = ("rules", "growing", "touching", "unchanging", "_counting_green", "_metre_adds")


@dataclass(frozen=True)
class Reason:
    """Why no route qualifies.

    ``kind``: demand or site, an input that no route can change; no_path, all ways lead over
    pieces that do not qualify; cap, a measure is ``least`` at least on any way and may be
    ``limit`` at most; together, not all limits can be kept at once; limit, the search gave up;
    spared, only ways clear of ancient trees and protected greenery were looked at; milder, by an
    input ways may be better than their pieces.
    """

    kind: str
    input: str | None = None
    least: float | None = None
    limit: float | None = None


class Run(NamedTuple):
    """Consecutive pieces of a way: their lines, the edges among them, and those that are bored.

    What comes before the first edge is the way to a tie-in.
    """

    lines: tuple[shapely.LineString, ...]
    edges: tuple[int, ...]
    bored: tuple[int, ...]

    @property
    def of_its_own(self) -> Run:
        """The run with its own bores only."""
        return self._replace(bored=tuple(edge for edge in self.bored if edge in self.edges))

    @property
    def line(self) -> shapely.LineString:
        """All of them as one line, empty for none."""
        return _joined(self.lines)

    def without(self, left_out: Sequence[int]) -> shapely.Geometry:
        """The stretches between edges that are left out."""
        if not left_out:
            return self.line
        stretches: list[list[shapely.LineString]] = [[]]
        edges = [*([-1] * (len(self.lines) - len(self.edges))), *self.edges]
        for edge, line in zip(edges, self.lines, strict=True):
            if edge in left_out:
                stretches.append([])
            else:
                stretches[-1].append(line)
        joined = map(_joined, stretches)
        return shapely.MultiLineString([one for one in joined if not one.is_empty])


def _joined(lines: Sequence[shapely.LineString]) -> shapely.LineString:
    """Consecutive lines as one; those without a metre are left out."""
    chosen = [line for line in lines if line.length > 0]
    if not chosen:
        return shapely.LineString()
    ends = shapely.get_point(chosen[:2], [[0], [-1]])
    turned = len(chosen) > 1 and shapely.dwithin(ends[0, 0], ends[:, 1], POSITION_TOLERANCE_M).any()
    return chain(chosen, ends[int(turned), 0].coords[0])


def _without(ranks: NDArray[np.int8], touched: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Ranks by row, -1 for those touched; rows that came since it was looked are left out."""
    count = min(len(ranks), len(touched))
    return np.where(touched[:count], np.int8(-1), ranks[:count])


@dataclass(frozen=True)
class PieceBook:
    """The pieces of routes of one demand under the facts that no route changes, each once."""

    work: Groundwork
    demand: Demand
    given: Mapping[str, Any]
    _told: dict[Any, NDArray[np.int8]] = field(default_factory=dict, repr=False)
    _ranked: dict[Any, int] = field(default_factory=dict, repr=False)
    _caps: dict[int, Caps] = field(default_factory=dict, repr=False)

    @property
    def utility(self) -> str:
        return self.demand.pipe.utility

    @cached_property
    def rules(self) -> UtilityRules:
        """The rules that the utility is judged by."""
        return self.work.policy.rules[policy_utility(self.utility)]

    @property
    def dig_date(self) -> date:
        """The day of digging."""
        return date.fromisoformat(self.given["dig_date"])

    def after(self, work: Groundwork, touching: Touching | None) -> PieceBook:
        """The book after an edit: pieces that stand, by their rows, are not judged again.

        ``touching`` tells the rows of pieces that touch roads with other days now: they are.
        """
        ground, told = work.under(self.work.closed), self._told
        if touching is not None:
            told = {
                (rows, worst): _without(ranks, touching(rows))
                for (rows, worst), ranks in list(told.items())
            }
        book = PieceBook(ground, self.demand, self.given, told, self._ranked, self._caps)
        hand_on(self, book, _OF_DEMAND)
        return book

    def _ground(self, of: str) -> PieceGround:
        return piece_ground(self.work, self.demand, of)

    def _ranks(
        self, pieces: Sequence[tuple[PieceGround, IntArray]], worst: bool
    ) -> list[NDArray[np.int8]]:
        """Ranks of pieces by kind; ``worst``: if all that routes measure were as bad as can be.

        What qualifies at worst does so because nothing that it touches needs a permit.
        """
        rows = rows_of(pieces)
        known = [self._known(ground.told, worst) for ground, _ in pieces]
        found = [ranks[mine] for ranks, mine in zip(known, rows, strict=True)]
        if not any((ranks < 0).any() for ranks in found):
            return found
        fresh = [np.unique(mine[ranks < 0]) for ranks, mine in zip(found, rows, strict=True)]
        grounds = [ground for ground, _ in pieces]
        judged = self._judged(list(zip(grounds, fresh, strict=True)), worst)
        for ranks, mine in zip(known, fresh, strict=True):
            ranks[mine], judged = judged[: len(mine)], judged[len(mine) :]
        return [ranks[mine] for ranks, mine in zip(known, rows, strict=True)]

    def _known(self, told: PieceRows, worst: bool) -> NDArray[np.int8]:
        """Ranks by row, -1 where none was told yet."""
        known = self._told.get((told, worst), np.zeros(0, np.int8))
        if len(known) < len(told):
            known = np.concatenate([known, np.full(len(told) - len(known), -1, np.int8)])
            self._told[told, worst] = known
        return known

    def _judged(
        self, pieces: Sequence[tuple[PieceGround, IntArray]], worst: bool
    ) -> NDArray[np.int8]:
        """Ranks of rows of pieces of several kinds, judged at once."""
        figures = np.concatenate([ground.figures(rows) for ground, rows in pieces])
        named = dict(zip(FIGURES, figures.T, strict=True))
        columns: dict[str, Column] = dict(measure_all(self.utility, Figures(self.demand, **named)))
        if worst:
            columns |= dict.fromkeys(self.growing, np.full(len(figures), _WORST))
        facts: list[Mapping[str, Any]] = []
        places = []
        for ground, rows in pieces:
            kinds, place = np.unique(ground.told.kind[rows], return_inverse=True)
            places.append(place + len(facts))
            facts += ground.facts(kinds.tolist(), self.dig_date)
        for name in facts[0]:
            columns[name] = Coded.of([fact[name] for fact in facts], np.concatenate(places))
        alike = np.zeros(len(figures), np.intp)
        for name, value in {**pipe_facts(self.demand), **self.given}.items():
            columns[name] = Coded(alike, [value])
        return self._ranked_as(columns, len(figures))

    def figures(
        self,
        edges: IntArray,
        bored: NDArray[np.bool_],
        tie_ins: IntArray,
        *,
        green: bool = True,
    ) -> tuple[FloatArray, NDArray[Any]]:
        """Figures of edges, then of ways to tie-ins, and their strips in greenery if wanted."""
        count = len(edges)
        figures = np.zeros((count + len(tie_ins), len(FIGURES)))
        parts_in_green = np.full(len(figures), None, object)
        parts = (
            (CUT, np.flatnonzero(~bored), edges[~bored]),
            (BORED, np.flatnonzero(bored), edges[bored]),
            (self.utility, np.arange(count, len(figures)), tie_ins),
        )
        for of, at, numbers in parts:
            ground = self._ground(of)
            rows = ground.rows(numbers)
            figures[at] = ground.figures(rows)
            if green:
                parts_in_green[at] = ground.green(rows)
        return figures, parts_in_green

    def qualifying(
        self,
        edges: IntArray,
        bored: NDArray[np.bool_],
        tie_ins: IntArray,
        level: int,
        *,
        worst: bool,
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which edges and ways to tie-ins have at most a rank, alone or at worst.

        Where a city road bars all that lies in it, only the others are looked at.
        """
        good_edges, good_tie_ins = np.ones(len(edges), bool), np.ones(len(tie_ins), bool)
        if self._rank_in_city_road(worst) > level:
            beneath, inside = edges_in_city_roads(self.work)
            good_edges = ~np.where(bored, beneath[edges], inside[edges])
            good_tie_ins = ~tie_ins_in_city_roads(self.work, self.utility, tie_ins)
        cut, drilled, joined = good_edges & ~bored, good_edges & bored, good_tie_ins.copy()
        pieces = (CUT, edges[cut]), (BORED, edges[drilled]), (self.utility, tie_ins[joined])
        ranks = self._ranks([(self._ground(of), numbers) for of, numbers in pieces], worst)
        good_edges[cut], good_edges[drilled] = ranks[0] <= level, ranks[1] <= level
        good_tie_ins[joined] = ranks[2] <= level
        return good_edges, good_tie_ins

    def shut_in(self, site: Site) -> bool:
        """Whether every last step to the red line is known to touch a city road."""
        if not self.city_road_bars:
            return False
        return bool(in_city_roads(self.work, self.utility, site.end_nodes).all())

    @property
    def city_road_bars(self) -> bool:
        """Whether nothing that lies in a city road can qualify, if all it measures is bad."""
        return self._rank_in_city_road(worst=True) == 2

    def _rank_in_city_road(self, worst: bool) -> int:
        """The rank of a route that is known to lie in a city road, and of nothing else."""
        return self.rank_of_facts({"touches_city_road": True}, worst=worst)

    def rank_of_facts(self, facts: Mapping[str, Any], *, worst: bool) -> int:
        """The rank of a route of nothing but facts, if it measured nothing or, ``worst``, badly."""
        return self.rank({**facts, **(dict.fromkeys(self.growing, _WORST) if worst else {})})

    def traced(self, runs: Sequence[Run]) -> Routes:
        """Runs of pieces traced as if each were a whole route."""
        lines = np.array([run.line for run in runs], object)
        ways = [Way(-1, run.edges, -1, 0.0) for run in runs]
        kind = self.work.corridors.graph.kind
        carried = [[edge for edge in run.bored if kind[edge] == "carrier"] for run in runs]
        in_ground, cut = (
            [
                run.without(edges) if edges else line
                for run, line, edges in zip(runs, lines, some, strict=True)
            ]
            for some in (carried, [run.bored for run in runs])
        )
        routes = measure_lines(self.work.corridors, ways, np.array(in_ground, object))
        return replace(
            routes.measuring(length_m=shapely.length(lines)),
            lines=lines,
            bored=[run.bored for run in runs],
            cut=np.array(cut, object),
        )

    def _tell(self, runs: Sequence[Run]) -> Told:
        routes = self.traced(runs)
        working = working_strips(self.work, self.demand, routes)
        dates = [self.dig_date] * len(runs)
        return tell(self.work, self.demand, dates, routes, working)

    def ranks(self, runs: Sequence[Run]) -> list[int]:
        """Ranks of runs of pieces, judged as if each were a whole route."""
        told, each = self._tell(runs), np.arange(len(runs))
        columns: dict[str, Column] = dict(measure_all(self.utility, told.figures))
        for name in told.facts[0]:
            columns[name] = Coded.of([hashable(fact[name]) for fact in told.facts], each)
        for name, value in self.given.items():
            columns[name] = Coded(np.zeros(len(runs), np.intp), [value])
        return list(map(int, self._ranked_as(columns, len(runs))))

    def _ranked_as(self, columns: Mapping[str, Column], count: int) -> NDArray[np.int8]:
        """Ranks of rows of inputs."""
        known = self.work.kept.setdefault((OUTCOMES,), {})
        possible, of_row = possible_columns(self.utility, columns, count, self.work.policy, known)
        return np.array([rank_among(one) for one in possible], np.int8)[of_row]

    # --- what no route can change --------------------------------------------------------------

    @cached_property
    def nothing(self) -> dict[str, Any]:
        """Inputs of a route that is no metre long: the best that any route could have."""
        key = (NOTHING, self.demand, self.given["dig_date"])
        if key not in self.work.kept:
            told = self._tell([Run((), (), ())])
            self.work.kept[key] = {**told.measures[0], **told.facts[0]}
        return {**self.work.kept[key], **self.given}

    def judge(self, changes: Mapping[str, Any]) -> Verdict:
        """The verdict on a route of nothing but these inputs."""
        return judge(self.utility, {}, {**self.nothing, **changes}, self.work.policy, mode="plan")

    def rank(self, changes: Mapping[str, Any]) -> int:
        """The rank of a route of nothing but these inputs."""
        key = tuple(changes.items())
        if key not in self._ranked:
            possible = possible_of(self.utility, {**self.nothing, **changes}, self.work.policy)
            self._ranked[key] = rank_among(possible)
        return self._ranked[key]

    @cached_property
    def growing(self) -> tuple[str, ...]:
        """Measures that grow with the route or are unknown; the others the demand alone tells."""
        none, some = (self.measured(np.full((5, 1), value)) for value in (0.0, 1.0))
        return tuple(name for name in none if none[name][0] != some[name][0])

    def measured(self, figures: FloatArray) -> dict[str, FloatArray]:
        """Measures of rows length, kerb, red line, green and trees; no single longest piece."""
        length_m, kerb_m, red_line_m, green_m2, trees = figures
        columns = Figures(self.demand, length_m, kerb_m, red_line_m, 0.0 * kerb_m, green_m2, trees)
        return {name: measure(columns) for name, measure in MEASURES[self.utility].items()}

    def counts_green(self, name: str) -> bool:
        """Whether a measure grows with the greenery in the strip."""
        return name in self._counting_green

    @cached_property
    def _counting_green(self) -> frozenset[str]:
        none, green = np.zeros((5, 1)), np.zeros((5, 1))
        green[3] = 1.0
        before, after = self.measured(none), self.measured(green)
        return frozenset(name for name in after if before[name][0] != after[name][0])

    def metre_adds(self, name: str) -> float:
        """What a metre of route adds at least to a measure."""
        return self._metre_adds[name]

    @cached_property
    def _metre_adds(self) -> Mapping[str, float]:
        none, metre = np.zeros((5, 1)), np.zeros((5, 1))
        metre[0] = 1.0
        before, after = self.measured(none), self.measured(metre)
        return {
            name: max(float(np.nan_to_num(after[name][0] - before[name][0])), 0.0) for name in after
        }

    @cached_property
    def touching(self) -> list[dict[str, Any]]:
        """For each permit what a route at least touches that needs it.

        Nothing where one is needed whatever the route touches.
        """
        if self.rank_of_facts({}, worst=True) == 2:
            return [{}]
        needed = [permit.required_when for permit in self.rules.permits]
        touched = [
            {one.input: one.limit}
            for one in needed
            if one.comparator == "is" and one.input not in self.given
        ]
        return touched or [{}]

    @cached_property
    def unchanging(self) -> tuple[int, Reason]:
        """The best rank of a route that needs a permit, and the input that bars better ones."""
        best = min(self.touching, key=self.rank)
        kinds = ("scope", "condition", "guard")
        findings = self.judge(best).findings
        barring = [f for f in findings if f.status != "met" and f.kind in kinds and f.input]
        if not barring:
            return self.rank(best), Reason("site")
        first = min(barring, key=lambda f: (f.status != "failed", kinds.index(f.kind)))
        kind = "site" if first.input in self.given else "demand"
        reason = Reason(kind, first.input, _number(first.value), _number(first.limit))
        return self.rank(best), reason

    def caps(self, level: int) -> Caps:
        """Measures that a route of at most this rank keeps within a limit, if it needs a permit.

        With the condition and the least value that is printed past it.
        """
        if level not in self._caps:
            self._caps[level] = self._find_caps(level)
        return self._caps[level]

    def _find_caps(self, level: int) -> Caps:
        found: dict[str, tuple[Condition, float]] = {}
        for condition, source in self._limits():
            past = condition.limit + (condition.comparator == "at_most") * condition.round_to
            changes = {source: float(past)}
            if all(self.rank({**least, **changes}) > level for least in self.touching):
                limit = float(past - condition.round_to / 2)
                if source not in found or limit < found[source][1]:
                    found[source] = (condition, limit)
        return found

    def _limits(self) -> list[tuple[Condition, str]]:
        """Upper limits of growing measures in the clauses, and the measure read in force."""
        conditions = (c for clause in self.rules.clauses for c in (*clause.all_of, *clause.any_of))
        limits = [
            (one, read_as(self.work.policy, self.utility, one.input))
            for one in conditions
            if one.comparator in NUMERIC and one.comparator in ("at_most", "below")
        ]
        return [(one, source) for one, source in limits if source in self.growing]


def _number(value: object) -> float | None:
    """A finding's value or limit where it is a number."""
    plain = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return float(str(value)) if plain and not is_unknown(value) else None


def piece_book(work: Groundwork, demand: Demand, site: Site) -> PieceBook:
    """The book of a demand at a site; sites of equal facts share one."""
    given = site_facts(work, site, demand.pipe.utility)
    key = ("pieces", demand, work.closed, tuple(given.items()))
    if key not in work.kept:
        work.kept[key] = PieceBook(work, demand, given)
    book: PieceBook = work.kept[key]
    return book


def amounts(
    book: PieceBook,
    figures: FloatArray,
    green: NDArray[Any],
    ends: IntArray,
    single: IntArray,
    routes: int = 1,
) -> dict[str, FloatArray]:
    """What each piece adds at least to every growing measure of a route that it is part of.

    ``figures`` and ``green`` as of the book. ``ends`` are the nodes of each piece, -1 for none;
    ``single`` numbers kinds of pieces of which a route has one only, 0 for none. An unknown
    amount counts as nothing. Of greenery the pieces of so many ``routes`` together add as much.
    """
    length_m, kerb_m, red_line_m, _longest, _green, trees = figures.T
    green_m2 = green_bounds(green, ends, single, routes)
    table = np.stack([length_m, kerb_m, red_line_m, green_m2, trees])
    none, some = book.measured(np.zeros((5, 1))), book.measured(np.nan_to_num(table))
    return {name: np.maximum(np.nan_to_num(some[name] - none[name]), 0.0) for name in book.growing}


def green_bounds(
    green: Sequence[Any] | NDArray[Any], ends: IntArray, single: IntArray, routes: int = 1
) -> FloatArray:
    """Least areas whose sum over the pieces of any route is at most the area of their union.

    A union is at least the sum of its parts less what each two of them share (Bonferroni); each
    of two pieces bears half of it. At a node a route goes from one piece to one other, and of a
    ``single`` kind it has one piece: there only the largest share counts. Of the different pieces
    of more ``routes`` as many more meet there: those of each other route are two at a node.
    """
    shapes = np.array(green, object)
    area = np.nan_to_num(shapely.area(shapes))
    some = np.flatnonzero(area > 0)
    if len(some) < 2:
        return np.asarray(np.maximum(area - _AREA_ROUNDING_M2, 0.0))
    one, two = shapely.STRtree(shapes[some]).query(shapes[some])
    one, two = some[one], some[two]
    alike = (single[one] == single[two]) & (single[one] > 0)
    apart = (one < two) & (~alike if routes == 1 else True)
    one, two = one[apart], two[apart]
    shared_m2 = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    one, two, shared_m2 = np.r_[one, two], np.r_[two, one], np.r_[shared_m2, shared_m2]
    some = shared_m2 > 0
    one, two, shared_m2 = one[some], two[some], shared_m2[some]
    node, kind = _shared_node(ends[one], ends[two]), single[two]
    count = np.select([node >= 0, kind > 0], [2 * routes - 1, routes], len(one))
    most = _place_among(one, np.where(node >= 0, node, -1 - kind), shared_m2) < count
    area -= np.bincount(one[most], shared_m2[most], minlength=len(area)) / 2
    return np.asarray(np.maximum(area - _AREA_ROUNDING_M2, 0.0))


def _place_among(one: IntArray, of: IntArray, shared_m2: FloatArray) -> IntArray:
    """The place of each share among those of one piece and group, the largest first."""
    order = np.lexsort((-shared_m2, of, one))
    anew = (np.diff(one[order], prepend=-1) != 0) | (np.diff(of[order], prepend=0) != 0)
    at = np.arange(len(order))
    place = np.zeros(len(order), np.int64)
    place[order] = at - np.maximum.accumulate(np.where(anew, at, 0))
    return place


def _shared_node(ends: IntArray, others: IntArray) -> IntArray:
    """A node that two pieces have in common, -1 for none."""
    first, second = ends.T
    meets = [(node >= 0) & (others == node[:, None]).any(axis=1) for node in (first, second)]
    return np.select(meets, [first, second], -1)
