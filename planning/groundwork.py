"""Groundwork: everything about a county that does not depend on one case, prepared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.garbage import hand_back
from gis.linear import FloatArray, IntArray
from language import gettext as _
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import Application, ApplicationError, Gate
from planning.corridors import Corridors, build_corridors
from planning.crossing_methods import Bores, Methods, bores_of, bores_without_pits_yuan
from planning.facts import Ground
from planning.lanes import closed_lanes, ways_from_closed_lanes
from planning.narrow_slots import too_narrow, ways_too_narrow
from planning.no_dig import OPEN, Closed, Closures, closures_of
from planning.policy_model import Policy
from planning.quantities import (
    SURFACES,
    Prices,
    SingleCosts,
    load_prices,
    location,
    priced,
    single_costs,
)
from planning.routes import Search, WeighedEdges, WeighedTieIns
from planning.standards import Pipe, Standards, load_standards
from planning.tie_in_rules import may_serve, served
from planning.tie_ins import TieIns, find_tie_ins
from planning.tolerances import Tolerances

# For each application with gates its parcel and the points on the red line.
Joined = Mapping[str, tuple[str, Gate]]
# Where a groundwork keeps what ``planning.standing_searches`` hands on through an edit.
SEARCHES_BEFORE = "searches before"
# Where it keeps which mains and nodes may serve a pipe.
SERVING = "mains that may serve"
# Where it keeps what the ways to tie-ins cost, and of which metres on surfaces.
TIE_IN_YUAN = "yuan of ways to tie-ins"
# Where it keeps the bores that were looked at, and of which edges.
BORES = "bores"
# A gate farther from the red line than this is not on it: ten times the survey's centimetres.
_ON_RED_LINE_M = 1.0


@dataclass(frozen=True)
class Site:
    """Where the lines of one case end: its red line, or its gates.

    ``key`` tells cases apart: an application may bear the id of another parcel.
    """

    key: str
    application: Application
    end_nodes: IntArray
    gap_m: float


@dataclass(frozen=True)
class Groundwork:
    """A survey with its corridors, standards, prices and tie-ins, ready to be searched.

    ``closed`` is what may not be dug: nothing, unless ``under`` says otherwise. ``joined`` are the
    gates as the corridors lead to them. ``kept`` is what other work on this groundwork leaves for
    the next.
    """

    survey: Survey
    policy: Policy
    prices: Prices
    standards: Standards
    corridors: Corridors
    gates: Mapping[str, Gate] = field(default_factory=dict)
    joined: Joined = field(default_factory=dict, repr=False)
    _tie_ins: dict[str, TieIns] = field(default_factory=dict, repr=False)
    _tie_in_surfaces_m: dict[str, FloatArray] = field(default_factory=dict, repr=False)
    _rates: dict[Pipe, SingleCosts] = field(default_factory=dict, repr=False)
    _searches: dict[tuple[Pipe, str, Closed], Search] = field(default_factory=dict, repr=False)
    _methods: dict[tuple[Pipe, Closed, bool], Methods] = field(default_factory=dict, repr=False)
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)
    closed: Closed = OPEN
    _whole: Groundwork | None = field(default=None, repr=False)

    def under(self, closed: Closed) -> Groundwork:
        """The same groundwork with what may not be dug; everything prepared is shared."""
        return (
            self
            if closed == self.closed
            else replace(self, closed=closed, _whole=self._whole or self)
        )

    def tried(self, areas: tuple[int, ...]) -> list[Groundwork]:
        """The grounds that lines are looked for on while areas are closed, one after the other.

        Ancient trees and protected greenery are kept clear of on the first, wherever a way does so.
        """
        spared = [Closed(areas, spared=True)] if len(self.closures.spared) else []
        return [self.under(closed) for closed in [*spared, Closed(areas)]]

    def bare(self) -> Groundwork:
        """The same with nothing found or told yet that hangs on the survey."""
        return replace(
            self,
            _tie_ins={},
            _tie_in_surfaces_m={},
            _searches={},
            _methods={},
            kept={},
            _whole=None,
        )

    @cached_property
    def closures(self) -> Closures:
        """No-dig areas, ancient trees and protected greenery."""
        return self._whole.closures if self._whole else closures_of(self.survey, self.policy)

    @cached_property
    def tolerances(self) -> Tolerances:
        """How far the features of the survey may lie from where they are drawn."""
        if self._whole:
            return self._whole.tolerances
        return Tolerances(self.survey, self.policy.planning)

    @cached_property
    def ground(self) -> Ground:
        """What the facts of routes are read from."""
        if self._whole:
            return self._whole.ground
        return Ground(self.survey, self.corridors, self.policy)

    @cached_property
    def edge_surfaces_m(self) -> FloatArray:
        """Metres of every edge on every surface."""
        if self._whole:
            return self._whole.edge_surfaces_m
        graph = self.corridors.graph
        return self.corridors.surface_lengths(graph.measures, self.corridors.crossings)

    def tie_ins(self, utility: str) -> TieIns:
        """The tie-ins of a utility; those of all utilities are found at the first call."""
        if not self._tie_ins:
            found = find_tie_ins(
                self.corridors, self.survey, load_utilities().values(), self.policy
            )
            self._tie_ins.update(found)
            hand_back()
        return self._tie_ins[utility]

    def tie_in_surfaces_m(self, utility: str) -> FloatArray:
        """Metres of every tie-in way of a utility on every surface."""
        if utility not in self._tie_in_surfaces_m:
            tie_ins = self.tie_ins(utility)
            lengths = self.corridors.metres_on(tie_ins.ways._asdict(), tie_ins.crossed)
            self._tie_in_surfaces_m[utility] = lengths
        return self._tie_in_surfaces_m[utility]

    @cached_property
    def crossing_yuan_m(self) -> FloatArray:
        """Extra yuan of a metre of open crossing, by surface: none outside carriageways."""
        extra = self.prices.open_crossing_yuan(1.0)
        return np.array([extra * (location(s) == "carriageway") for s in SURFACES])

    def rates(self, pipe: Pipe) -> SingleCosts:
        """Yuan of a metre of one pipe in its own trench on every surface, crossings included."""
        if pipe not in self._rates:
            self._rates[pipe] = self._rates_of(pipe)
        return self._rates[pipe]

    def _rates_of(self, pipe: Pipe) -> SingleCosts:
        alone = single_costs(pipe, standards=self.standards, policy=self.policy, prices=self.prices)
        extra = dict(zip(SURFACES, self.crossing_yuan_m.tolist(), strict=True))
        return replace(alone, yuan_m={s: y + extra[s] for s, y in alone.yuan_m.items()})

    def strip_width_m(self, pipe: Pipe) -> float:
        """Width of the working strip of one pipe alone; the usual section for an unknown size."""
        settings = self.policy.planning
        width = self.rates(pipe).width_m
        usual = 2 * settings.half_section_allowance_m
        return (usual if width is None else width) + 2 * settings.work_margin_m

    def search(self, pipe: Pipe, objective: str) -> Search:
        """The search for one pipe, made once: metres for 'shortest', yuan for 'cheapest'.

        What may not be dug weighs infinity, and so does a slot too narrow for the trench.
        """
        key = (pipe, objective, self.closed)
        if key not in self._searches:
            self._searches[key] = self._search(pipe, objective)
        return self._searches[key]

    def _search(self, pipe: Pipe, objective: str) -> Search:
        tie_ins, graph = self.tie_ins(pipe.utility), self.corridors.graph
        methods, usable = self.methods(pipe, all_bores=False), self.usable_tie_ins(pipe)
        offsets = tie_ins.ways.length_m if objective == "shortest" else self.tie_in_yuan(pipe)
        weights = WeighedTieIns(offsets, usable, tie_ins.tie_break)
        stood, key = self.kept.get(SEARCHES_BEFORE), (pipe, objective, self.closed)
        same: Search | None = stood and stood.search(key, methods, tie_ins, weights)
        if same is not None:
            return same
        length_m = graph.length_m if objective == "shortest" else None
        edges = WeighedEdges(methods, graph.tie_break, length_m)
        found = Search(self.corridors, tie_ins, edges, weights)
        if stood is not None:
            stood.hand_lightest_on(key, found)
        if objective != "shortest":
            return found
        alike = (one for one in self._searches.values() if one.measures_as(found))
        return next(alike, found)  # the shortest ways of pipes that may take the same are

    def tie_in_yuan(self, pipe: Pipe) -> FloatArray:
        """What every way to a tie-in costs; told once of the same metres, edits or not."""
        key, surfaces_m = (TIE_IN_YUAN, pipe), self.tie_in_surfaces_m(pipe.utility)
        told_of, yuan = self.kept.get(key, (None, None))
        if told_of is not surfaces_m:
            yuan = priced(surfaces_m, self.rates(pipe).yuan_m)
            self.kept[key] = surfaces_m, yuan
        return np.asarray(yuan)

    def eligible_tie_ins(self, pipe: Pipe) -> NDArray[np.bool_]:
        """Which tie-in ways may serve a pipe, whatever may be dug; told once of what they join."""
        key, tie_ins = (SERVING, pipe), self.tie_ins(pipe.utility)
        if key not in self.kept:
            self.kept[key] = may_serve(tie_ins, pipe, self.standards).to_numpy(bool)
        serving: NDArray[np.bool_] = self.kept[key]
        return serving[tie_ins.ways.feature]

    def operators_apart(self, pipe: Pipe) -> bool:
        """Whether no place that may serve a pipe serves all operators that are wanted.

        A line to one of these is a part of what is wanted: what the whole measures is unknown.
        """
        if len(pipe.operators) < 2:
            return False
        key = ("operators apart", pipe)
        if key not in self.kept:
            tie_ins = self.tie_ins(pipe.utility)
            fits = may_serve(tie_ins, pipe, self.standards)
            many = served(tie_ins.features[fits], pipe.operators)
            self.kept[key] = bool((many < len(pipe.operators)).any())
        apart: bool = self.kept[key]
        return apart

    def usable_tie_ins(self, pipe: Pipe) -> NDArray[np.bool_]:
        """Which tie-in ways may serve a pipe, be dug, and hold its trench; told once."""
        key = ("usable tie-ins", pipe, self.closed)
        if key not in self.kept:
            self.kept[key] = self._usable_tie_ins(pipe)
        usable: NDArray[np.bool_] = self.kept[key]
        return usable

    def _usable_tie_ins(self, pipe: Pipe) -> NDArray[np.bool_]:
        tie_ins, width_m = self.tie_ins(pipe.utility), self.strip_width_m(pipe)
        barred = self.closures.barred(tie_ins, width_m, self.closed)
        usable = self.eligible_tie_ins(pipe) & ~barred
        usable &= ~ways_from_closed_lanes(self, pipe)
        return usable if self.closed.any_width else usable & ~ways_too_narrow(self, pipe)

    def methods(self, pipe: Pipe, *, all_bores: bool = True) -> Methods:
        """How one pipe goes over each edge, open cut or bored, and what that costs.

        Where only the cheaper method is asked for, not ``all_bores`` have to be looked at: most
        cost more than a cut wherever their pits lie.
        """
        key = (pipe, self.closed, all_bores)
        if key not in self._methods:
            stood = self.kept.get(SEARCHES_BEFORE)
            told = stood and stood.methods(*key)
            self._methods[key] = told or self._choose_methods(pipe, all_bores)
        return self._methods[key]

    def saved_yuan(self, pipe: Pipe, edges: IntArray) -> FloatArray:
        """What boring some edges saves against cutting them open, allowed or not; may be negative.

        0 where it cannot be.
        """
        open_yuan = priced(self.edge_surfaces_m[edges], self.rates(pipe).yuan_m)
        saved = open_yuan - self.methods(pipe).bore_yuan_of(edges)
        return np.where(np.isfinite(saved), saved, 0.0)

    def _choose_methods(self, pipe: Pipe, all_bores: bool) -> Methods:
        if all_bores:
            methods = self.methods(pipe, all_bores=False)
            methods = methods.but(self._bore_yuan(pipe, self.ground.bores))
        else:
            methods = self._cheaper_methods(pipe)
        methods = self.corridors.carriers.applied(
            methods, pipe, self.prices.pipe_yuan_m(pipe), self.corridors.graph
        )
        return self.corridors.drawn.applied(methods, pipe.utility)

    def _cheaper_methods(self, pipe: Pipe) -> Methods:
        """What cuts cost, and the bores that cost less."""
        graph = self.corridors.graph
        shut = self.closures.barred(graph, self.strip_width_m(pipe), self.closed)
        shut |= closed_lanes(self, pipe) | self.corridors.is_bored
        if not self.closed.any_width:
            shut |= too_narrow(self, pipe)
        cuts = Methods.of_cuts(self.edge_surfaces_m, self.rates(pipe).yuan_m, shut)
        cut_yuan = cuts.cut_yuan
        least_yuan = bores_without_pits_yuan(graph.length_m, pipe, self.prices)
        bores = self._bores_of(np.flatnonzero(least_yuan < cut_yuan))
        bore_yuan = self._bore_yuan(pipe, bores)
        return cuts.but(np.where(bore_yuan < cut_yuan, bore_yuan, np.inf))

    def _bore_yuan(self, pipe: Pipe, bores: Bores) -> FloatArray:
        """What every edge costs bored; infinite where it cannot be, or is none of the bores."""
        key = ("bores shut", self.closed)
        told_of, shut = self.kept.get(key, (None, None))
        if told_of is not bores:  # told once, whatever pipe they are for
            shut = bores.shut(self.closures, self.closed)
            self.kept[key] = bores, shut
        found = np.full(self.corridors.graph.edge_count, np.inf)
        found[bores.edge] = np.where(shut, np.inf, bores.yuan(pipe, self.prices))
        return found

    def _bores_of(self, edges: IntArray) -> Bores:
        """Those of some edges that may be bored, perhaps with others; edges are looked at once."""
        if "bores" in vars(self.ground):
            return self.ground.bores
        asked, found = self.kept.get(BORES, (edges[:0], None))
        if found is None or not np.isin(edges, asked).all():
            asked = np.union1d(asked, edges)
            found = bores_of(self.corridors, self.policy.planning, asked)
            self.kept[BORES] = asked, found
        bores: Bores = found
        return bores

    def knows(self, application: Application) -> bool:
        """Whether the application's gates, if it has any, are joined to the corridors so."""
        gate = self.gates.get(application.application_id)
        return application.gate is None or gate == application.gate

    def site(self, application: Application) -> Site:
        """Where the application's lines end.

        Raises
        ------
        SiteError
            If its parcel is not among the parcels, or its gate not on the parcel's red line.
        """
        red_line_of(self.survey, application)
        gate = application.gate
        key = application.application_id if gate is not None else application.parcel_id
        nodes = self.corridors.end_nodes(
            application.parcel_id, application.application_id if gate is not None else ""
        )
        gap = self.corridors.gaps_m.get(key, float("inf"))
        name = application.application_id
        site_key = f"application:{name}" if name else f"parcel:{application.parcel_id}"
        return Site(site_key, application, nodes, gap)


class SiteError(ApplicationError):
    """An application has no place in the survey; ``reason`` is a reason of an unroutable line."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def red_line_of(survey: Survey, application: Application) -> shapely.Polygon:
    """The parcel of an application; its gates, where given, are on the red line, its handovers
    inside.

    Raises ``SiteError`` otherwise.
    """
    parcels = survey.get("parcels")
    name = application.application_id or application.parcel_id
    if parcels is None or application.parcel_id not in parcels.index:
        raise SiteError(
            _(
                "申请 {name}:字段 parcel_id 的值 {value!r} 不在宗地图层中;"
                "请核对编号,或先导入该宗地(parcels)。"
            ).format(name=name, value=application.parcel_id),
            "unknown_parcel",
        )
    red_line = parcels.geometry.loc[application.parcel_id]
    if application.gate is not None:
        off = max(
            red_line.boundary.distance(point) for point in shapely.get_parts(application.gate)
        )
        if off > _ON_RED_LINE_M:
            raise SiteError(
                _(
                    "申请 {name}:字段 gate 离宗地 {parcel} 的红线 {off:.2f} 米;"
                    "接口须在红线上(允许 {limit:g} 米),请改正坐标或留空。"
                ).format(name=name, parcel=application.parcel_id, off=off, limit=_ON_RED_LINE_M)
                + _in_metres(survey, shapely.get_coordinates(application.gate)),
                "gate_off_red_line",
            )
    for utility, demand in application.demands.items():
        place = demand.handover and demand.handover.xy
        if place and not red_line.buffer(_ON_RED_LINE_M).covers(shapely.Point(place)):
            raise SiteError(
                _(
                    "申请 {name}:字段 demands.{utility}.handover.xy 不在宗地 {parcel} 内;"
                    "请改正坐标或留空。"
                ).format(name=name, utility=utility, parcel=application.parcel_id)
                + _in_metres(survey, np.array([place])),
                "handover_off_parcel",
            )
    return red_line


def _in_metres(survey: Survey, xy: FloatArray) -> str:
    """A hint where coordinates look like degrees; '' else. Metres on the map are never so few."""
    if not (np.abs(xy) <= (180.0, 90.0)).all():
        return ""
    return _("坐标像是经纬度(度):请换算成图层的坐标系 {crs}(米),先东后北。").format(
        crs=survey.crs.to_string()
    )


def placed(
    survey: Survey, applications: Iterable[Application]
) -> tuple[list[Application], list[SiteError]]:
    """Applications with a place in the survey, and why the others have none."""
    found: list[Application] = []
    refused: list[SiteError] = []
    for application in applications:
        try:
            red_line_of(survey, application)
        except SiteError as error:
            refused.append(error)
        else:
            found.append(application)
    return found, refused


def prepare(
    survey: Survey,
    policy: Policy,
    applications: Iterable[Application] = (),
    *,
    prices: Prices | None = None,
) -> Groundwork:
    """Build the corridors of a survey with the gates of its applications.

    Raises
    ------
    SiteError
        If an application's parcel or gate cannot be found.
    """
    applications = list(applications)
    joined = joined_gates(survey, applications)
    return Groundwork(
        survey,
        policy,
        prices or load_prices(),
        load_standards(),
        build_corridors(survey, policy, joined),
        gates_of(applications),
        joined,
    )


def gates_of(applications: Iterable[Application]) -> dict[str, Gate]:
    """The gates of the applications that have any."""
    return {a.application_id: a.gate for a in applications if a.gate is not None}


def joined_gates(survey: Survey, applications: Iterable[Application]) -> Joined:
    """The gates of applications, drawn onto the red lines of their parcels.

    Raises
    ------
    SiteError
        If an application's parcel or gate cannot be found.
    """
    joined: dict[str, tuple[str, Gate]] = {}
    for application in applications:
        red_line = red_line_of(survey, application)
        if application.gate is not None:
            nearest = shapely.shortest_line(red_line.boundary, shapely.get_parts(application.gate))
            on_red_line = shapely.MultiPoint(list(shapely.get_point(nearest, 0)))
            joined[application.application_id] = (application.parcel_id, on_red_line)
    return joined
