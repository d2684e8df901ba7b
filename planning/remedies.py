"""What would make a line eligible 怎样才能符合: for every unmet test the change that meets it.

Nothing here is worded without being computed: a change is made, the line is traced, measured and
judged again by the same code, and is listed only if the test is then met or the outcome milder.
A change of the application (another end, a later day, a smaller size) is told by what planning
again with it recommends: that may be another way, which the same test still bars.
A route within a limit on length is the cheapest there is among the ways near the site
(``planning.nearby_ways``); within a limit on greenery, which is searched by lower bounds that are
tightened until a route measures within it, it need not be. A route clear of what a guard bars is
the cheapest that a search under a policy with that guard alone finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import shapely

from planning.answers import answer_texts, best_answer
from planning.application import Demand, Gate
from planning.both_feeds import BothFeeds, both_feeds
from planning.external_lines import ExternalLine, external_lines, nearby_finder
from planning.findings import Finding, json_value
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route, rank_of, site_facts
from planning.nearby_ways import nearby_ways
from planning.no_dig import OPEN, Closed
from planning.pareto import amounts_of
from planning.policy_model import Guard, Policy
from planning.qualifying import judge_ways
from planning.questions import unknown_of_route
from planning.readings import read_as
from planning.route_pieces import piece_book
from planning.routes import Way
from planning.search_areas import CAP_ROUNDING
from planning.single_rules import with_one_condition, with_one_guard
from planning.standards import Pipe
from planning.street_sides import side_of_place
from planning.texts import gettext as _
from planning.verdicts import Verdict

# Findings that a change may meet; scope and permits are met by an answer only.
_CHANGED = ("guard", "condition")
_AGAINST = ("scope", *_CHANGED)
Unmet = tuple[str, str, str]
# So many smaller sizes are tried where the size decides only by the width of the trench.
_MOST_SIZES = 3
# Searches for a route within a limit on greenery, and the least by which the next is tighter.
_MOST_ROUNDS, _LEAST_STEP = 8, 0.05
# Nearer than this to the present end a place is printed as that end.
_SAME_PLACE_M = 0.05
_SIZE_OF = {
    "max_dn_mm": "nominal_mm",
    "duct_outer_diameter_mm": "duct_outer_diameter_mm",
    "duct_holes": "duct_holes",
}
_DAYS_OF_ROADS = {"road_opened_on": "opened_on", "road_overhauled_on": "overhauled_on"}


@dataclass(frozen=True)
class Remedy:
    """One change that meets a test; ``judged`` where the line runs or is crossed otherwise.

    ``gate`` is where the ends on the red line are to be.

    Values are those of the test's input as judged, or the days of digging. ``remaining`` are the
    tests (kind, input, status) that stand against the line once this one change is made.
    """

    input: str
    kind: str
    text: str
    value_before: Any
    value_after: Any
    limit: Any
    margin: Any
    outcome_after: str
    qualifies: bool
    remaining: tuple[Unmet, ...]
    extra_yuan: float | None = None
    judged: Route | BothFeeds | None = None
    gate: Gate | None = None

    @property
    def route(self) -> Route | None:
        """The route; of two feeds the first."""
        return None if self.judged is None else routes_of(self.judged)[0]


@dataclass(frozen=True)
class _Line:
    """The line to cure: what is judged of it, its route or two, with the ground it was found on."""

    work: Groundwork
    site: Site
    line: ExternalLine
    demand: Demand
    judged: Route | BothFeeds

    @property
    def utility(self) -> str:
        return self.demand.pipe.utility

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes: the feeds of a line that has two, or its one."""
        return routes_of(self.judged)

    @property
    def one_feed(self) -> Demand:
        """The demand of a single feed: of two, no piece measures less."""
        is_pair = isinstance(self.judged, BothFeeds)
        return replace(self.demand, feeds=1) if is_pair else self.demand

    def again(
        self,
        *,
        demand: Demand | None = None,
        site: Site | None = None,
        routes: Sequence[tuple[Way, tuple[int, ...]]] | None = None,
        work: Groundwork | None = None,
    ) -> Route | BothFeeds:
        """The recommended ways, judged with something changed."""
        work, demand, site = work or self.work, demand or self.demand, site or self.site
        ways = routes or [(one.way, one.bored) for one in self.routes]
        found = judge_ways(work, demand, [site] * len(ways), *zip(*ways, strict=True))
        if len(found) == 1:
            return found[0]
        return both_feeds(work, demand, site, *found)


def routes_of(judged: Route | BothFeeds) -> tuple[Route, ...]:
    """The routes of what is judged: the feeds of a line that has two, or its one."""
    return judged.routes if isinstance(judged, BothFeeds) else (judged,)


def remedies(work: Groundwork, site: Site, line: ExternalLine) -> list[Remedy]:
    """Changes by unmet test, those that make the line qualify first; none where it qualifies.

    Of two feeds the two are changed and judged together.
    """
    if line.judged is None or line.demand is None or line.judged.rank == 0:
        return []
    mine = _Line(work.under(line.closed), site, line, line.demand, line.judged)
    found = list(_answers(mine))
    for finding in line.judged.verdict.findings:
        if finding.kind in _CHANGED and finding.status != "met" and finding.input:
            own = [*_routes(mine, finding), *_bored(mine, finding), *_sizes(mine, finding)]
            own += _later(mine, finding)
            found += _once(own)
    strictness = list(work.policy.outcomes)
    return sorted(found, key=lambda one: (not one.qualifies, -strictness.index(one.outcome_after)))


def _once(found: list[Remedy]) -> list[Remedy]:
    """The cheapest of every kind of change."""
    best: dict[str, Remedy] = {}
    for one in found:
        other = best.get(one.kind)
        if other is None or (one.extra_yuan or 0.0) < (other.extra_yuan or 0.0):
            best[one.kind] = one
    return list(best.values())


def _after(
    mine: _Line, finding: Finding, judged: Route | BothFeeds, kind: str, text: str
) -> Iterator[Remedy]:
    """The remedy that a judged change is, if it meets the test or makes the outcome milder."""
    same = _same(finding, judged)
    if not _met(finding, judged) and judged.rank >= mine.judged.rank:
        return
    after = same[0] if same else finding._replace(value=None, margin=None)
    yield Remedy(
        str(finding.input),
        kind,
        text,
        json_value(finding.value),
        json_value(after.value),
        json_value(after.limit),
        json_value(after.margin),
        judged.verdict.outcome,
        judged.rank == 0,
        _remaining(judged.verdict),
        judged.figures["cost_yuan"] - mine.judged.figures["cost_yuan"],
        None if kind == "smaller_size" else judged,
    )


def _remaining(verdict: Verdict) -> tuple[Unmet, ...]:
    """What still stands against a line, each once; nothing where it qualifies."""
    if rank_of(verdict) == 0:
        return ()
    unmet = [f for f in verdict.findings if f.kind in _AGAINST and f.status != "met" and f.input]
    return tuple(dict.fromkeys((one.kind, str(one.input), one.status) for one in unmet))


def _same(finding: Finding, judged: Route | BothFeeds) -> list[Finding]:
    """The same test of another verdict; none where it is no longer asked for."""
    return [f for f in judged.verdict.findings if (f.kind, f.id) == (finding.kind, finding.id)]


def _met(finding: Finding, judged: Route | BothFeeds) -> bool:
    return all(one.status == "met" for one in _same(finding, judged))


# --- another route, another end ------------------------------------------------------------------


def _routes(mine: _Line, finding: Finding) -> Iterator[Remedy]:
    """The cheapest route that meets the test, to the same end and, where a gate is, to any."""
    if not _hangs_on_route(mine, finding):
        return
    sites = [(mine.site, False)]
    if mine.site.application.gate is not None:
        free = replace(mine.site.application, gate=None)
        sites.append((mine.work.site(free), True))
    for site, moved in sites:
        found = _another(mine, finding, site)
        if found is None:
            continue
        kind = "nearer_end_point" if moved else _kind(mine, found)
        text = _text(mine, found, kind)
        gate = None
        if moved:
            there = _ending_where(site, found)
            gate, found = there.application.gate, _planned(mine, site=there)
        if found is not None:
            for one in _after(mine, finding, found, kind, text):
                yield replace(one, gate=gate)


def _ending_where(site: Site, judged: Route | BothFeeds) -> Site:
    """The site with gates where its routes end."""
    routes = routes_of(judged)
    gate = shapely.union_all([shapely.get_point(one.line, -1) for one in routes])
    nodes = np.unique([one.way.end_node for one in routes])
    return replace(site, application=replace(site.application, gate=gate), end_nodes=nodes)


def _planned(
    mine: _Line, *, demand: Demand | None = None, site: Site | None = None
) -> Route | BothFeeds | None:
    """What planning again recommends with something changed; None without as many feeds."""
    work, demand, site = mine.work.under(OPEN), demand or mine.demand, site or mine.site
    judged = external_lines(work, demand, [site], nearby_finder())[site.key].judged
    return judged if isinstance(judged, type(mine.judged)) else None


def _another(mine: _Line, finding: Finding, site: Site) -> Route | BothFeeds | None:
    """The cheapest route, or pair of feeds, that meets a test, whatever else it does not."""
    policy = mine.work.policy
    if finding.kind == "guard":
        return _under(mine, with_one_guard(policy, mine.utility, finding.id), site)
    if isinstance(mine.judged, BothFeeds):
        return _under(mine, with_one_condition(policy, mine.utility, finding), site)
    return _within(mine, finding, site)


def _under(mine: _Line, policy: Policy, site: Site) -> Route | BothFeeds | None:
    """The cheapest that qualifies under another policy, judged under that in force."""
    whole = mine.work.under(OPEN)
    ground = replace(whole, policy=policy, kept={}, _whole=whole)
    found = external_lines(ground, mine.demand, [site], nearby_finder())[site.key]
    if found.qualifying_route != "found" or found.judged is None:
        return None
    ways = [(one.way, one.bored) for one in routes_of(found.judged)]
    return mine.again(work=mine.work.under(found.closed), site=site, routes=ways)


def _within(mine: _Line, finding: Finding, site: Site) -> Route | None:
    """The cheapest route near the site that keeps a limit."""
    figure = _figure(mine, finding)
    nearby = nearby_ways(mine.work, replace(site, key=mine.site.key), mine.line)
    amounts = None if figure is None else amounts_of(nearby, figure)
    if figure is None or amounts is None or not nearby.is_whole:
        return None
    cap = float(finding.limit) + float(mine.work.policy.round_to) / 2 - CAP_ROUNDING
    for _round in range(_MOST_ROUNDS):
        found, used = nearby.cheapest(amounts.edges, amounts.stubs, cap)
        if found is None:
            return None
        [route] = nearby.judged([found])
        if _met(finding, route):
            return route
        cap = used - _LEAST_STEP
    return None


def _figure(mine: _Line, finding: Finding) -> str | None:
    """The figure of a route that an input with an upper limit is read from."""
    if finding.comparator not in ("at_most", "below"):
        return None
    name = _source(mine, str(finding.input))
    named = {"length": "length_m", "construction": "length_m", "green": "green_m2"}
    return next((figure for part, figure in named.items() if part in name), None)


def _hangs_on_route(mine: _Line, finding: Finding) -> bool:
    """Whether another route can change the input of a test at all."""
    if finding.kind == "guard":
        return finding.input not in site_facts(mine.work, mine.site, mine.utility)
    book = piece_book(mine.work, mine.one_feed, mine.site)
    return _source(mine, str(finding.input)) in book.growing


def _source(mine: _Line, name: str) -> str:
    """The measure that is read for an input under the readings in force."""
    return read_as(mine.work.policy, mine.utility, name)


def _kind(mine: _Line, judged: Route | BothFeeds) -> str:
    bores = mine.work.ground.bores
    before, after = (
        {edge for one in routes for edge in bores.among(one.bored).tolist()}
        for routes in (mine.routes, routes_of(judged))
    )
    if after - before:
        return "trenchless"
    return "other_tie_in" if _joined_anew(mine, judged) else "other_route"


def _joined_anew(mine: _Line, judged: Route | BothFeeds) -> list[str]:
    """Names of the mains and nodes that are joined and were not before."""
    before = [_joined(mine, one) for one in mine.routes]
    return [place[1] for one in routes_of(judged) if (place := _joined(mine, one)) not in before]


def _joined(mine: _Line, route: Route) -> tuple[str, str]:
    place = mine.work.tie_ins(mine.utility).table.iloc[route.way.tie_in]
    return str(place["kind"]), str(place["feature_id"])


def _text(mine: _Line, judged: Route | BothFeeds, kind: str) -> str:
    routes = routes_of(judged)
    if kind == "other_tie_in":
        return _("改由 {name} 接入").format(name=_("、").join(_joined_anew(mine, judged)))
    if kind == "nearer_end_point":
        ends = dict.fromkeys(one.line.coords[-1][:2] for one in routes)
        places = _("、").join(_place(mine, shapely.Point(end)) for end in ends)
        return _("接口改在或增设在红线 {places} 处").format(places=places)
    if kind == "trenchless":
        crossed = [
            road
            for one in routes
            for road in one.crossings["road"][one.crossings["count"] > 0].tolist()
        ]
        return _("非开挖穿越 {roads}").format(roads=_names(mine, crossed))
    return _("改走 {roads}").format(roads=_names(mine, list(judged.roads)))


def _place(mine: _Line, end: shapely.Point) -> str:
    """A place on the red line by its coordinates, and where it lies as seen from the present end.

    Of two feeds from the nearer of their ends.
    """
    ends = [shapely.get_point(one.line, -1) for one in mine.routes]
    now = min(ends, key=end.distance)
    told = f"({end.x:.1f}, {end.y:.1f})"
    away_m = now.distance(end)
    if away_m < _SAME_PLACE_M:
        return told
    side = side_of_place(now, end)
    return _("{place}(现接口{side} {away:.1f} 米)").format(place=told, side=side, away=away_m)


def _names(mine: _Line, roads: list[int]) -> str:
    table = mine.work.corridors.surfaces.table.iloc[list(dict.fromkeys(roads))]
    names = table["name"].fillna(table["road_id"]).astype(str)
    return _("、").join(dict.fromkeys(names)) or _("道路以外")


# --- the same route, laid otherwise --------------------------------------------------------------


def _bored(mine: _Line, finding: Finding) -> Iterator[Remedy]:
    """All crossings of the recommended way bored that can be."""
    if not _hangs_on_route(mine, finding):
        return
    possible = np.isfinite(mine.work.methods(mine.demand.pipe).bore_yuan)
    more = []
    for one in mine.routes:
        crossing = mine.work.ground.bores.among(one.way.edges).tolist()
        more.append([edge for edge in crossing if possible[edge] and edge not in one.bored])
    if not any(more):
        return
    ways = [(one.way, (*one.bored, *edges)) for one, edges in zip(mine.routes, more, strict=True)]
    found = mine.again(routes=ways)
    yield from _after(mine, finding, found, "trenchless", _text(mine, found, "trenchless"))


def _sizes(mine: _Line, finding: Finding) -> Iterator[Remedy]:
    """The next standard size below with which the test is met; the demand must allow it.

    Sizes below what the needs of the demand ask for are none.
    """
    pipe = mine.demand.pipe
    named = _SIZE_OF.get(str(finding.input))
    by_width = "green" in str(finding.input)
    field = named or ("duct_holes" if pipe.laying == "conduit" else "nominal_mm")
    if (named is None and not by_width) or getattr(pipe, field) is None:
        return
    smaller = _standard_sizes(mine.work, pipe, field)
    if named is not None:
        smaller = [size for size in smaller if size <= float(finding.limit)]
    sizing = mine.demand.sizing
    least = None if sizing is None else dict(sizing.least).get(field)
    smaller = [size for size in smaller if least is None or size >= least]
    for size in smaller[:_MOST_SIZES]:
        value: Any = int(size) if field == "duct_holes" else size
        changed = replace(pipe, **{field: value})
        fits = mine.work.eligible_tie_ins(changed)
        if not all(fits[one.way.tie_in] for one in mine.routes):
            continue
        demand = replace(mine.demand, pipe=changed, sizing=None)
        text = _size_text(field, getattr(pipe, field), size)
        if not any(_after(mine, finding, mine.again(demand=demand), "smaller_size", text)):
            continue
        planned = _planned(mine, demand=demand)
        if planned is not None and (
            found := list(_after(mine, finding, planned, "smaller_size", text))
        ):
            yield from found
            return


def _standard_sizes(work: Groundwork, pipe: Pipe, field: str) -> list[float]:
    """Standard sizes below that of a pipe, the largest first."""
    sizes = work.standards.sizes
    if field == "duct_holes":
        listed = [float(holes) for holes in sizes.banks]
    elif field == "duct_outer_diameter_mm":
        listed = [step for steps in sizes.banks.values() for step, _size in steps]
    else:
        own = sizes.pipes.get(work.standards.materials.name(pipe.material) or "")
        every = [own] if own else list(sizes.pipes.values())
        listed = [step for steps in every for step, _size in steps]
    return sorted({size for size in listed if size < getattr(pipe, field)}, reverse=True)


def _size_text(field: str, before: float, after: float) -> str:
    words = {
        "nominal_mm": _("管径由 DN{before:g} 改为 DN{after:g}(用量须允许)"),
        "duct_outer_diameter_mm": _("管外径由 {before:g} mm 改为 {after:g} mm(用量须允许)"),
        "duct_holes": _("管孔由 {before:g} 孔改为 {after:g} 孔(用量须允许)"),
    }
    return words[field].format(before=before, after=after)


# --- another day ---------------------------------------------------------------------------------


def _later(mine: _Line, finding: Finding) -> Iterator[Remedy]:
    """The first day after the period for which a road bars digging, if digging is open then."""
    guard = _guard(mine.work.policy, finding)
    if guard is None or guard.all_of[0].date is None or finding.status != "failed":
        return
    last = finding.limit
    if not isinstance(last, date) or last == date.max:
        return
    first = last + timedelta(days=1)
    closures, width = mine.work.closures, mine.work.strip_width_m(mine.demand.pipe)
    lines = np.array([one.line for one in mine.routes], object)
    if closures.entered(lines, width, Closed(closures.on(first))):
        return
    moved = replace(mine.site, application=replace(mine.site.application, dig_date=first))
    found = _planned(mine, site=moved)
    if found is None:
        return
    text = _("推迟到 {day} 开挖").format(day=first.isoformat())
    for one in _after(mine, finding, found, "later_date", text):
        yield replace(
            one,
            value_before=mine.site.application.dig_date.isoformat(),
            value_after=first.isoformat(),
            limit=last.isoformat(),
            margin=(first - last).days,
            extra_yuan=None,
            judged=None,
        )


def _guard(policy: Policy, finding: Finding) -> Guard | None:
    named = (one for one in policy.guards if (finding.kind, finding.id) == ("guard", one.id))
    return next(named, None)


# --- an answer -----------------------------------------------------------------------------------


def _hangs_on_day(mine: _Line, name: str) -> bool:
    """Whether a day of roads is all that is unknown about an input; true for other inputs.

    The day of a road may be known while it is not known whether the road is dug.
    """
    day = _DAYS_OF_ROADS.get(name)
    dig_date = mine.site.application.dig_date
    asked = unknown_of_route(mine.work, mine.demand, [name], mine.judged.roads, dig_date)
    fields = {field for kind, _key, field in asked if kind == "road"}
    return day is None or (bool(fields) and fields <= {day, "planned_works_on"})


def _answers(mine: _Line) -> Iterator[Remedy]:
    """For every unknown that an undetermined verdict hangs on, what each answer makes of it."""
    if mine.judged.verdict.outcome != "undetermined":
        return
    asked: set[str] = set()
    for finding in mine.judged.verdict.findings:
        name = finding.input
        if finding.status != "unknown" or name is None or name in asked:
            continue
        asked.add(name)
        if not _hangs_on_day(mine, name):
            continue
        source = _source(mine, name)
        tried = answer_texts(mine.work.policy, mine.utility, finding, source, mine.judged)
        best = best_answer(tried)
        if best is None or len({one.verdict.outcome for one in tried}) == 1:
            continue  # whatever it is, alone it decides nothing
        yield Remedy(
            name,
            "answer",
            _("查明{name}:{answers}").format(
                name=mine.work.policy.inputs[name].zh,
                answers=_(";").join(
                    _("{answer},则{outcome}").format(
                        answer=one.text, outcome=mine.work.policy.outcomes[one.verdict.outcome]
                    )
                    for one in tried
                ),
            ),
            None,
            json_value(best.value),
            json_value(finding.limit),
            None,
            best.verdict.outcome,
            rank_of(best.verdict) == 0,
            _remaining(best.verdict),
        )
