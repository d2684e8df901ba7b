"""The plan 联合外线方案 of one case: every utility's line, its verdict, and the shared trench."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from shapely import LineString

from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application
from planning.both_feeds import BothFeeds
from planning.clearance_records import Clearance
from planning.clearances import clearances, worst_first
from planning.deep_trench import deep_trench
from planning.drawn_routes import DrawnRoute
from planning.external_lines import (
    ExternalLine,
    lines_of_site,
    not_planned,
)
from planning.gravity_ways import profile_of
from planning.groundwork import Groundwork, Site, prepare
from planning.joint import Joint, in_no_dig, plan_together
from planning.joint_notices import joint_notices
from planning.judged_routes import Route
from planning.manual_routes import ManualRoute, RefusedRoute, manual_routes
from planning.notices import Notice, day_notices, drawn_notices, notices_of
from planning.policy_model import Policy
from planning.quantities import SURFACES, Prices
from planning.questions import Question, questions_of
from planning.routes import DrawnWay
from planning.second_feed import with_second
from planning.sized_demands import with_sizes
from planning.sizing_rules import runs_by_gravity
from planning.special_ground import special_ground


@dataclass(frozen=True)
class Plan:
    """The finished plan of one case; ``to_json`` gives ``docs/schemas/plan.json``.

    ``lines`` by utility in the usual order, not requested ones too. ``manual`` are the newest
    drawn routes of the utilities that have one, with both feeds where both are drawn.
    """

    application: Application
    survey: Survey
    policy: Policy
    work: Groundwork
    site: Site
    lines: Mapping[str, ExternalLine]
    joint: Joint | None
    questions: tuple[Question, ...]
    notices: tuple[Notice, ...] = ()
    manual: Mapping[str, ManualRoute | RefusedRoute] = field(default_factory=dict)

    def worse_by_sharing(self, utility: str) -> bool:
        """Whether the joint plan may give the utility a stricter outcome than its own route."""
        alone, shared = self.lines[utility].judged, self.judged_shared(utility)
        if alone is None or shared is None:
            return False
        strictest_first = list(self.policy.outcomes)

        def strictness(route: Route | BothFeeds) -> tuple[int, int]:
            return route.rank, -min(map(strictest_first.index, route.verdict.possible))

        return strictness(shared) > strictness(alone)

    def judged_shared(self, utility: str) -> Route | BothFeeds | None:
        """What is judged of a utility in the joint plan: its route there, with a second feed."""
        line, shared = self.lines[utility], self.joint and self.joint.routes.get(utility)
        if not shared:
            return None
        return self.judged_with(line, "shared", shared)

    def judged_with(self, line: ExternalLine, kind: str, route: Route) -> Route | BothFeeds:
        """What is judged of a line that takes a route: of one with two feeds, it with another.

        The other is that of its own pair, or the recommended second feed. A drawn route has a
        second feed of its own (``ManualRoute``); one from the main of the second feed has none.
        """
        second = line.second
        if second is None or second.both is None or line.demand is None or kind == "manual":
            return route
        for both in (second.both, second.cheapest):
            if both is not None and any(route is one for one in both.routes):
                return both
        return with_second(self.work, line.demand, self.site, route, second) or route

    @cached_property
    def clearances(self) -> Mapping[str, tuple[Clearance, ...]]:
        """Clearances of the recommended route of every utility that has one; of both feeds."""
        return {
            utility: self.clearances_of_feeds(line, line.feeds)
            for utility, line in self.lines.items()
            if line.route is not None
        }

    def clearances_of_feeds(
        self, line: ExternalLine, feeds: Iterable[Route]
    ) -> tuple[Clearance, ...]:
        """Clearances of what is judged of a line: of its route, or of both feeds."""
        return worst_first(one for route in feeds for one in self.clearances_of(line, route))

    def clearances_of(self, line: ExternalLine, route: Route) -> tuple[Clearance, ...]:
        """Clearances of one route of a utility's line."""
        assert line.demand is not None
        profile = profile_of(
            self.work, line.demand, self.joined(line, route), route.line, self.site
        )
        return clearances(self.work, line.demand.pipe, route.line, profile)

    def clearances_of_drawn(self, line: ExternalLine, found: ManualRoute) -> tuple[Clearance, ...]:
        """Clearances of a drawn route, with those of the feed that it is judged with."""
        judged = found.judged
        feeds = judged.routes if isinstance(judged, BothFeeds) else (judged,)
        return self.clearances_of_feeds(line, feeds)

    def joined(self, line: ExternalLine, route: Route) -> Mapping[str, Any]:
        """Kind, id and chainage of the place in the network where a route begins."""
        way = route.way
        if isinstance(way, DrawnWay):
            return way.place
        return dict(self.work.tie_ins(line.utility).table.iloc[way.tie_in])

    @cached_property
    def assumed(self) -> frozenset[str]:
        """What costs rest on without being known: of the pipes, and of the roads crossed."""
        assumed = {name for line in self.lines.values() for name in line.assumed}
        routes = [
            route for line in self.lines.values() for route in (*line.routes.values(), *line.feeds)
        ]
        routes += self.joint.routes.values() if self.joint else []
        crossed = {int(road) for route in routes for road in route.crossings["road"]}
        roads = self.work.corridors.surfaces.table.iloc[sorted(crossed)]
        if not roads["surface"].isin(SURFACES).all():
            assumed.add("road_surface")
        if roads["width_assumed"].any():
            assumed.add("carriageway_width")
        feeds = [route for line in self.lines.values() for route in line.feeds]
        assumed |= {one.kind for route in feeds for one in special_ground(self.work, route)}
        drains = [line for line in self.lines.values() if runs_by_gravity(line.utility)]
        if any(
            deep_trench(self.work, line.demand, self.site, route) is None
            for line in drains
            for route in line.feeds
            if line.demand is not None
        ):
            assumed.add("trench_depth")
        return frozenset(assumed)

    def judge_drawn(self, utility: str, line: LineString, feed: int = 1) -> dict[str, Any]:
        """A drawn line judged in this plan: ``manual`` of the schema, and ``route`` if judged.

        ``feed`` tells which of two feeds it is; the other one that the application holds, if any,
        is judged with it.
        """
        from planning.plan_document import drawn_document

        return drawn_document(self, utility, DrawnRoute(line, feed=feed))

    def told_on(self, today: date) -> Plan:
        """The plan with what its day of digging says on a day: see ``day_notices``."""
        return replace(self, notices=(*day_notices(self.application, today), *self.notices))

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        from planning.plan_document import document

        return document(self)


def plan(
    application: Application,
    survey: Survey,
    policy: Policy,
    *,
    prices: Prices | None = None,
    corridors: Groundwork | None = None,
) -> Plan:
    """Plan the external lines of one application.

    Parameters
    ----------
    application, survey, policy
        The case, the county's layers in one projected CRS, and the county's rules.
    prices
        Unit prices; the example prices of ``rules/unit_prices.csv`` by default.
    corridors
        Groundwork prepared for this survey, to plan many cases; used if it knows the gate.

    Raises
    ------
    ApplicationError
        If the parcel is unknown or the gate is not on its red line.
    CrsError
        If the survey cannot be measured on.
    """
    application = with_sizes(application, policy)
    work = corridors
    if work is None or not work.knows(application):
        work = prepare(survey, policy, [application], prices=prices)
    site = work.site(application)
    found = lines_of_site(work, site)
    lines = {
        utility: found.get(utility) or not_planned(application, utility)
        for utility in load_utilities()
    }
    joint = plan_together(work, site, lines)
    too_wide = () if joint is None else in_no_dig(work, lines, joint)
    demands = {key: line.demand for key, line in lines.items() if line.demand is not None}
    manual = manual_routes(work, site, demands, application.drawn_routes)
    notices = (
        *notices_of(work, site, lines),
        *joint_notices(work, joint, too_wide),
        *drawn_notices(work, demands, manual),
    )
    return Plan(
        application,
        survey,
        policy,
        work,
        site,
        lines,
        None if too_wide else joint,
        questions_of(work, site, lines),
        tuple(dict.fromkeys(notices)),
        manual,
    )
