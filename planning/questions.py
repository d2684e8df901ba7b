"""Open questions: what is unknown, asked once per road, layer, main or application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planning.comparisons import is_unknown
from planning.external_lines import ExternalLine
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Route

# Verdict inputs that a layer tells as a whole: unknown means that the layer is missing.
_LAYER_OF = {
    "touches_green": "green",
    "green_affected_m2": "green",
    "green_temporary_m2": "green",
    "touches_tree": "trees",
    "tree_moving": "trees",
    "ancient_tree_or_park": "trees",
    "in_service_area": "service_areas",
}
# Layers of things that no line may run through: without them every route is only a guess.
_OBSTACLES = ("buildings", "water_bodies", "railways")
# Verdict inputs that roads tell, and the fields of a road that they need.
_ROAD_COLUMNS = {
    "road_opened_on": ("opened_on", "authority", "red_line_width_m"),
    "road_overhauled_on": ("overhauled_on", "authority", "red_line_width_m"),
    "touches_city_road": ("authority", "red_line_width_m"),
    "road_crossing_m": ("carriageway_width_m", "red_line_width_m"),
    "on_bridge": ("on_bridge",),
}


# Verdict inputs measured on the way to a main, and the demand that decides which main it is.
_DEMAND_FIELDS = {"construction_length_m": "pressure_mpa", "line_length_m": "voltage_kv"}


@dataclass(frozen=True)
class Question:
    """One thing to find out: a field of a road, layer, main or application, for these utilities."""

    subject_kind: str
    subject_id: str
    field: str
    utilities: tuple[str, ...]


def questions_of(
    work: Groundwork, site: Site, lines: Mapping[str, ExternalLine]
) -> tuple[Question, ...]:
    """Every question that the recommended routes and their verdicts leave open, each once."""
    asked: dict[tuple[str, str, str], list[str]] = {}
    for utility, line in lines.items():
        for subject in dict.fromkeys(_open(work, site, line)):
            asked.setdefault(subject, []).append(utility)
    return tuple(Question(*subject, tuple(utilities)) for subject, utilities in asked.items())


def _open(work: Groundwork, site: Site, line: ExternalLine) -> Iterator[tuple[str, str, str]]:
    route = line.route
    if route is None:
        yield from _unknown_states(work, line)
        return
    for layer in _OBSTACLES:
        if not work.survey.has(layer):
            yield "layer", layer, "geometry"
    if route.verdict.outcome != "undetermined":
        return
    case = site.application
    unknown = [f.input for f in route.verdict.findings if f.status == "unknown" and f.input]
    for name in dict.fromkeys(unknown):
        if name in _ROAD_COLUMNS:
            for column in _ROAD_COLUMNS[name]:
                for road in _roads_lacking(work, route, name, column):
                    yield "road", road, column
        elif field := _undemanded(work, line, name):
            yield "application", case.application_id or case.parcel_id, field
        elif (told_by := _LAYER_OF.get(name)) and not work.survey.has(told_by):
            yield "layer", told_by, name
        else:
            yield "application", case.application_id or case.parcel_id, name


def _unknown_states(work: Groundwork, line: ExternalLine) -> Iterator[tuple[str, str, str]]:
    """Layers whose mains or nodes may not be joined because they do not say if they are in use."""
    if line.status != "unroutable":
        return
    for layer in ("lines", "nodes"):
        table = work.survey.get(layer)
        if table is not None and table["status"][table["utility"] == line.utility].isna().any():
            yield "layer", layer, "status"


def _undemanded(work: Groundwork, line: ExternalLine, name: str) -> str | None:
    """What the demand owes before a measure can be told: its feeds, pressure or voltage."""
    field = _DEMAND_FIELDS.get(name)
    if line.demand is None:
        return None
    if line.demand.feeds is None and work.policy.inputs[name].surveyed:
        return "feeds"
    if field is None or getattr(line.demand.pipe, field) is not None:
        return None
    return field


def _roads_lacking(work: Groundwork, route: Route, name: str, column: str) -> Iterator[str]:
    """Ids of the roads of a route whose record leaves an input open for want of a field."""
    for row, dug in route.roads.items():
        road, city = work.corridors.surfaces.table.iloc[row], work.ground.is_city_road[row]
        if column == "authority":
            lacks = city is None
        elif column == "red_line_width_m" and name != "road_crossing_m":
            lacks = dug is None
        elif column == "carriageway_width_m":
            lacks = bool(road["width_assumed"])
        elif column == "on_bridge":
            lacks = road[column] is not False
        else:
            lacks = is_unknown(road[column])
        if lacks and city is not False:
            yield str(road["road_id"])
