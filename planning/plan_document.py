"""The plan as plain values: what ``docs/schemas/plan.json`` describes and the screens show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from language import Text
from layers.utilities import load_utilities
from planning.both_feeds import BothFeeds
from planning.clearance_records import count_statuses, overlaps
from planning.clearances import depth_questions
from planning.comparison_document import QUALIFIES, comparison, cures, together_entry
from planning.crossing_methods import method_of
from planning.deep_trench import deep_trench
from planning.drawn_routes import DrawnRoute
from planning.external_lines import ExternalLine
from planning.gravity_ways import fall_of, unmet_of
from planning.handover import handover_entry
from planning.joint import AlongRoad, Joint
from planning.judged_routes import Route
from planning.manual_document import manual_entry
from planning.manual_routes import ManualRoute, RefusedRoute, manual_routes
from planning.qualifying_document import certificate_of, qualifying_price
from planning.quantities import size_mm
from planning.second_feed import SecondFeed
from planning.section_drawing import draw_section
from planning.sections import Section, pipe_label
from planning.sized_demands import sizing_entry
from planning.stretches import lane_m, stretches
from planning.survey_points import intervals, survey_points
from planning.tie_in_report import tie_in_entry
from planning.trace import trace

if TYPE_CHECKING:
    from planning.plan import Plan

SCHEMA = "tonggou/plan/1"


def document(plan: Plan) -> dict[str, Any]:
    """The whole plan; lengths in metres, areas in square metres, money in yuan, unknown null."""
    application, parcel = (
        plan.application,
        plan.survey.tables["parcels"].loc[plan.application.parcel_id],
    )
    asked = depth_questions(plan.clearances, plan.survey)
    answer = {
        "schema": SCHEMA,
        "application_id": application.application_id or None,
        "parcel_id": application.parcel_id,
        "source": application.source,
        "county": plan.survey.county,
        "policy_id": plan.policy.policy_id,
        "dig_date": application.dig_date.isoformat(),
        "crs": f"EPSG:{plan.survey.crs.to_epsg()}",
        "synthetic": plan.survey.synthetic,
        "layers": [
            {"layer": v.layer, "version": v.version, "sha256": v.sha256, "rows": v.rows}
            for v in plan.survey.versions.values()
        ],
        "project": dict(application.project),
        "parcel": {
            "name": parcel["name"],
            "land_use": parcel["land_use"],
            "area_m2": float(parcel.geometry.area),
            "geometry": _shape(parcel.geometry),
        },
        "utilities": [_line(plan, utility, line) for utility, line in plan.lines.items()],
        "joint": None if plan.joint is None else _joint(plan.joint),
        "questions": [asdict(question) for question in (*plan.questions, *asked)],
        "notices": [asdict(notice) for notice in plan.notices],
        "assumed": sorted(plan.assumed),
        "never_covered": [Text(one) for one in plan.policy.never_covered],
    }
    return {**answer, "trace": trace(answer, plan.survey)}


def _line(plan: Plan, utility: str, line: ExternalLine) -> dict[str, Any]:
    shared = plan.joint.routes.get(utility) if plan.joint else None
    shared_judged = plan.judged_shared(utility)
    route = line.route
    return {
        "utility": utility,
        "status": line.status,
        "reason": line.reason,
        "gap_m": line.gap_m,
        "no_dig": list(line.no_dig),
        "no_fall": None if line.no_fall is None else asdict(line.no_fall),
        "pipe": _pipe(line),
        "sizing": sizing_entry(plan.application.demands.get(utility)),
        "tie_ins": tie_in_entry(plan.work, plan.site, line),
        "recommended": line.recommended,
        "qualifying_route": line.qualifying_route,
        "certificate": certificate_of(line, plan.policy),
        "qualifying_price": qualifying_price(line, plan.policy),
        "handover": handover_entry(line.demand, _red_line(plan), route and route.line),
        "routes": [
            *(_route(plan, line, kind, found) for kind, found in line.routes.items()),
            *(_drawn(plan, line, found) for found in _judged(plan, utility)),
        ],
        **comparison(plan.work, plan.site, line, partial(_route, plan, line)),
        "remedies": cures(plan.work, plan.site, line, partial(_route, plan, line)),
        "second_feed": None if line.second is None else _second_feed(plan, line, line.second),
        "manual": _manual(plan, line, plan.manual.get(utility)),
        "shared_route": None if shared is None else _route(plan, line, "shared", shared),
        "measures": [] if line.judged is None else _measures(plan, line.judged.measures),
        "intervals": {} if line.judged is None else intervals(line.judged),
        "survey_points": _survey_points(plan, line),
        "clearances": [asdict(one) for one in plan.clearances.get(utility, ())],
        "verdict": {
            "alone": None if line.verdict is None else line.verdict.to_json(),
            "joint": None if shared_judged is None else shared_judged.verdict.to_json(),
            "made_worse_by_sharing": plan.worse_by_sharing(utility),
        },
    }


def _red_line(plan: Plan) -> shapely.Polygon:
    return plan.survey.tables["parcels"].geometry.loc[plan.application.parcel_id]


def _survey_points(plan: Plan, line: ExternalLine) -> list[dict[str, Any]]:
    if line.judged is None or line.demand is None:
        return []
    points = survey_points(plan.work, plan.site, line.demand, line.judged)
    return [asdict(one) | {"xy": list(one.xy)} for one in points]


def drawn_document(plan: Plan, utility: str, drawn: DrawnRoute) -> dict[str, Any]:
    """A drawn route that the application does not hold yet, as ``manual`` with its ``route``.

    It is judged with the other feed where the application holds that.
    """
    line = plan.lines[utility]
    demands = {} if line.demand is None else {utility: line.demand}
    history = (*plan.application.drawn_routes.get(utility, ()), drawn)
    found = manual_routes(plan.work, plan.site, demands, {utility: history})[utility]
    route = _drawn(plan, line, found) if isinstance(found, ManualRoute) else None
    return {**(_manual(plan, line, found) or {}), "route": route}


def _drawn(plan: Plan, line: ExternalLine, found: ManualRoute) -> dict[str, Any]:
    """A drawn route; with faults it cannot be laid so, whatever a clause says of its measures."""
    told = _route(plan, line, "manual", found.judged, found.number)
    return {**told, "qualifies": False} if found.has_faults else told


def _manual(
    plan: Plan, line: ExternalLine, found: ManualRoute | RefusedRoute | None
) -> dict[str, Any] | None:
    """Who drew a route and what it comes to, with its clearances; None without a drawing."""
    entry = manual_entry(found, line.judged, partial(_other_feed, plan, line))
    if entry is None:
        return None
    near = plan.clearances_of_drawn(line, found) if isinstance(found, ManualRoute) else ()
    return {**entry, "clearances": [asdict(one) for one in near]}


def _judged(plan: Plan, utility: str) -> list[ManualRoute]:
    """The drawn route of a utility, if there is one that could be judged."""
    drawn = plan.manual.get(utility)
    return [drawn] if isinstance(drawn, ManualRoute) else []


def _pipe(line: ExternalLine) -> dict[str, Any] | None:
    if line.demand is None:
        return None
    pipe = line.demand.pipe
    known = asdict(pipe) | {"label": pipe_label(pipe), "feeds": line.demand.feeds}
    return known | {"size_mm": size_mm(pipe), "operators": list(pipe.operators)}


def _route(
    plan: Plan, line: ExternalLine, kind: str, found: Route | BothFeeds, number: int = 0
) -> dict[str, Any]:
    """A route; of a line with two feeds, ``outcome`` and what goes with it are of both.

    ``number``: which one of two feeds is told.
    """
    assert line.demand is not None
    judged = found if isinstance(found, BothFeeds) else plan.judged_with(line, kind, found)
    route = found.routes[number] if isinstance(found, BothFeeds) else found
    figures = route.figures
    place = plan.joined(line, route)
    pieces = stretches(plan.work, line.demand.pipe, route)
    near = (
        plan.clearances[line.utility]
        if route is line.route and line.both is None
        else plan.clearances_of(line, route)
    )
    surfaces, graph = plan.work.corridors.surfaces, plan.work.corridors.graph
    roads, bored = surfaces.table["road_id"], graph.lines[list(route.bored)]
    crossed = route.crossings[route.crossings["count"] > 0]
    inside = surfaces.inside(
        np.full(len(crossed), route.line, object),
        crossed["road"].to_numpy(np.int64),
        crossed["kerb_m"].to_numpy(float),
    )
    return {
        "kind": kind,
        "outcome": judged.verdict.outcome,
        "otherwise": judged.verdict.otherwise,
        "certainty": judged.verdict.certainty,
        "qualifies": _qualifies(plan, line, judged),
        "together": together_entry(judged) if isinstance(judged, BothFeeds) else None,
        "measures": dict(route.measures),
        "length_m": figures["length_m"],
        "cost_yuan": figures["cost_yuan"],
        "crossing_count": int(figures["crossing_count"]),
        "crossing_kerb_m": _number(figures["kerb_m"]),
        "crossing_red_line_m": _number(figures["red_line_m"]),
        "green_m2": _number(figures["green_m2"]),
        "crossings": [
            {
                "road_id": str(roads.iat[road]),
                "kerb_m": _number(kerb_m),
                "red_line_m": _number(red_line_m),
                "method": method_of(part, bored),
                "geometry": _shape(part),
            }
            for road, kerb_m, red_line_m, part in zip(
                *(crossed[name] for name in ("road", "kerb_m", "red_line_m")), inside, strict=True
            )
        ],
        "roads": [str(roads.iat[road]) for road in route.roads],
        "tie_in": {
            "kind": str(place["kind"]),
            "line_id": place["feature_id"] if place["kind"] == "line" else None,
            "node_id": place["feature_id"] if place["kind"] == "node" else None,
            "xy": list(route.line.coords[0]),
            "chainage_m": _number(place["chainage_m"]),
        },
        "fall": _fall(plan, line, place, route),
        "deep_trench": _deep_trench(plan, line, route),
        "end": {
            "kind": "red_line" if plan.application.gate is None else "gate",
            "xy": list(route.line.coords[-1]),
        },
        "geometry": _shape(route.line),
        "stretches": [asdict(one) for one in pieces],
        "lane_m": lane_m(plan.work, pieces),
        "carried": [
            {"line_id": line_id, "laying": laying, "length_m": float(graph.length_m[edge])}
            for edge, line_id, laying in plan.work.corridors.carriers.among(route.bored)
        ],
        "pits": [_shape(pit) for pit in plan.work.ground.bores.pits_of(route.bored)],
        "strip": None if route.strip is None else _shape(route.strip),
        "clearance_counts": count_statuses(near),
        "overlap_count": sum(map(overlaps, near)),
    }


def _qualifies(plan: Plan, line: ExternalLine, judged: Route | BothFeeds) -> bool | None:
    """Whether every outcome that can result qualifies; a line without fall or cover never does."""
    assert line.demand is not None
    for route in judged.routes if isinstance(judged, BothFeeds) else (judged,):
        place = plan.joined(line, route)
        if unmet_of(plan.work, line.demand, place, route.line, plan.site):
            return False
    return QUALIFIES[judged.rank]


def _fall(
    plan: Plan, line: ExternalLine, place: Mapping[str, Any], route: Route
) -> dict[str, Any] | None:
    assert line.demand is not None
    told = fall_of(plan.work, line.demand, place, route.line, plan.site)
    return None if told is None else told.to_json()


def _deep_trench(plan: Plan, line: ExternalLine, route: Route) -> dict[str, float] | None:
    assert line.demand is not None
    told = deep_trench(plan.work, line.demand, plan.site, route)
    return None if told is None else told.to_json()


def _second_feed(plan: Plan, line: ExternalLine, found: SecondFeed) -> dict[str, Any]:
    """The second route, and what both come to: money as if each had a trench of its own."""
    both, other = found.both, found.cheapest
    told = line.routes.get("cheapest") is not line.route and other is not None
    return {
        "route": None if found.route is None else _route(plan, line, "second", found.route),
        "reason": found.reason,
        "apart": found.apart,
        "together": None if both is None else together_entry(both),
        "cheapest": {"route": _route(plan, line, "second", other, 1)} if told and other else None,
    }


def _other_feed(plan: Plan, line: ExternalLine, found: ManualRoute) -> dict[str, Any] | None:
    """The feed beside a drawn one; what both come to stands with the drawn route."""
    second = found.second
    if second is None:
        return None
    both = second.both
    return {
        "route": None if both is None else _route(plan, line, "second", both, 1 - found.number),
        "reason": second.reason,
        "apart": second.apart,
        "proven": second.proven,
    }


def _measures(plan: Plan, measures: Mapping[str, float | None]) -> list[dict[str, Any]]:
    inputs = plan.policy.inputs
    return [
        {
            "name": name,
            "zh": inputs[name].zh,
            "value": value,
            "unit": inputs[name].unit,
            "words": inputs[name].words,
        }
        for name, value in measures.items()
    ]


def _joint(joint: Joint) -> dict[str, Any]:
    found = joint.plan
    return {
        "utilities": list(found.utilities),
        "left_out": [asdict(one) for one in found.left_out],
        "apart": list(found.apart),
        "proven_optimal": found.proven_optimal,
        "bound_yuan": found.bound_yuan,
        "gap": found.gap,
        "fits": joint.fits,
        "gave_way": _along_roads(joint.gave_way),
        "beside_others": _along_roads(joint.beside_others),
        "cost_yuan": found.cost_yuan,
        "roomy_cost_yuan": found.roomy_cost_yuan,
        "separate_fits": joint.own_fit,
        "separate_cost_yuan": found.separate_cost_yuan,
        "overlap_cost_yuan": found.overlap_cost_yuan,
        "saving_yuan": found.saving_yuan,
        "saving_share": found.saving_share,
        "saving_vs_overlap_yuan": found.saving_vs_overlap_yuan,
        "shared_length_m": found.shared_length_m,
        "segments": [
            {
                "utilities": list(segment.utilities),
                "surface": segment.surface,
                "section_id": segment.section_id,
                "length_m": segment.length_m,
                "geometry": _shape(shapely.MultiLineString(list(joint.lines[list(segment.edges)]))),
            }
            for segment in found.segments
        ],
        "sections": [
            _section(found.sections[segment.section_id], segment.section_id, segment.surface)
            for segment in found.segments
        ],
        "allocation": [
            {
                "utility": share.utility,
                "shapley_yuan": share.shapley_yuan,
                "stand_alone_yuan": share.stand_alone_yuan,
            }
            for share in (found.allocation.shares if found.allocation else ())
        ],
    }


def _along_roads(told: Mapping[str, AlongRoad]) -> list[dict[str, Any]]:
    return [
        {"road_id": road, "utilities": list(one.utilities), "length_m": one.length_m}
        for road, one in told.items()
    ]


def _section(section: Section, section_id: str, surface: str) -> dict[str, Any]:
    return {
        "section_id": section_id,
        "surface": surface,
        "utilities": list(section.utilities),
        "width_m": section.width_m,
        "depth_m": section.depth_m,
        "pairs": [asdict(pair) for pair in section.pairs],
        "pipes": [
            {
                "utility": placed.pipe.utility,
                "label": placed.label,
                "x_m": placed.x_m,
                "cover_m": placed.cover_m,
                "width_m": placed.width_m,
                "height_m": placed.height_m,
            }
            for placed in section.pipes
        ],
        "svg": draw_section(section, surface, load_utilities()),
    }


def _shape(geometry: shapely.Geometry) -> Mapping[str, Any]:
    """GeoJSON of a geometry in the survey's own coordinates."""
    return dict(shapely.geometry.mapping(geometry))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
