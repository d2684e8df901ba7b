"""Open questions: what is unknown, asked once per road, layer, main or application."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray

from planning.application import Demand
from planning.comparisons import is_unknown, last_day_of_works
from planning.external_lines import ExternalLine
from planning.facts import Dug
from planning.groundwork import Groundwork, Site
from planning.judged_routes import told_by_routes
from planning.verdict_logic import OPEN_OUTCOME
from planning.verdicts import Verdict

APPLICATION = "application"
# The field of a layer that was never imported: everything of it is missing.
WHOLE_LAYER = "geometry"

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
# Those that are measured in the working strip, as soon as the size says how wide it is.
_IN_STRIP = frozenset(_LAYER_OF) - {"in_service_area"}
_SIZE = "max_dn_mm"
_ANCIENT = "ancient_tree_or_park"
# Layers of things that no line may run through: without them every route is only a guess.
_OBSTACLES = ("buildings", "water_bodies", "railways")
# Verdict inputs that roads tell, and the fields of a road that they need.
_ROAD_COLUMNS = {
    "road_opened_on": ("opened_on", "authority", "red_line_width_m"),
    "road_overhauled_on": (
        "overhauled_on",
        "planned_works_on",
        "authority",
        "red_line_width_m",
    ),
    "touches_city_road": ("authority", "red_line_width_m"),
    "road_crossing_m": ("carriageway_width_m", "red_line_width_m"),
    "on_bridge": ("on_bridge",),
}
# Verdict inputs measured on the way to a main, and the demand that decides which main it is.
_DEMAND_FIELDS = {"construction_length_m": "pressure_mpa", "line_length_m": "voltage_kv"}

Subject = tuple[str, str, str]  # kind, id and field: what is asked


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
    case = site.application
    asked: dict[Subject, list[str]] = {}
    for utility, line in lines.items():
        for kind, key, field in open_subjects(work, line):
            name = (case.application_id or case.parcel_id) if kind == APPLICATION else key
            asked.setdefault((kind, name, field), []).append(utility)
    return tuple(Question(*subject, tuple(utilities)) for subject, utilities in asked.items())


def open_subjects(work: Groundwork, line: ExternalLine) -> tuple[Subject, ...]:
    """What one line leaves open, each once; subjects of its own application bear no id."""
    judged, demand = line.judged, line.demand
    if demand is None:
        return ()
    if judged is None:
        return tuple(unknown_states(work, line.utility))
    found = [*missing_obstacles(work)]
    if judged.answer.outcome == OPEN_OUTCOME:
        unknown = unknown_inputs(judged.verdict)
        dig_date = date.fromisoformat(judged.facts["dig_date"])
        found += unknown_of_route(work, demand, unknown, judged.roads, dig_date)
    return tuple(dict.fromkeys(found))


def as_text(subjects: Iterable[Subject]) -> str | None:
    """Subjects as one cell of a table, in one order; None for nothing."""
    found = sorted(set(subjects))
    return json.dumps(found, ensure_ascii=False) if found else None


def from_text(cell: str) -> list[Subject]:
    """The subjects that ``as_text`` wrote."""
    return [(kind, key, field) for kind, key, field in json.loads(cell)]


def unknown_inputs(verdict: Verdict) -> tuple[str, ...]:
    """Inputs whose value would be needed for a verdict that is open; none of any other."""
    if verdict.outcome != OPEN_OUTCOME:
        return ()
    names = (f.input for f in verdict.findings if f.status == "unknown" and f.input)
    return tuple(dict.fromkeys(names))


def missing_obstacles(work: Groundwork) -> Iterator[Subject]:
    """Layers of obstacles that were never imported, whatever the verdict says."""
    for layer in _OBSTACLES:
        if not work.survey.has(layer):
            yield "layer", layer, WHOLE_LAYER


def unknown_states(work: Groundwork, utility: str) -> Iterator[Subject]:
    """Layers whose mains or nodes may not be joined because they do not say if they are in use."""
    for layer in ("lines", "nodes"):
        table = work.survey.get(layer)
        if table is not None and utility in set(table["utility"][table["status"].isna()]):
            yield "layer", layer, "status"


def unknown_of_route(
    work: Groundwork, demand: Demand, unknown: Iterable[str], roads: Dug, dig_date: date
) -> Iterator[Subject]:
    """Who could tell the inputs that are unknown; subjects of the application bear no id."""
    apart = work.operators_apart(demand.pipe)
    in_part = told_by_routes(work.policy, demand.pipe.utility) if apart else ()
    for name in _not_measured_later(work, demand, tuple(unknown)):
        if name in in_part:
            yield APPLICATION, "", "operators"
        elif name in _ROAD_COLUMNS:
            for column in _ROAD_COLUMNS[name]:
                for road in _roads_lacking(work, roads, name, column, dig_date):
                    yield "road", road, column
        elif field := _undemanded(work, demand, name):
            yield APPLICATION, "", field
        elif name == _ANCIENT and (told := _unknown_of_trees(work)):
            yield from told
        elif (told_by := _LAYER_OF.get(name)) and not work.survey.has(told_by):
            yield "layer", told_by, WHOLE_LAYER
        else:
            yield APPLICATION, "", name


def _unknown_of_trees(work: Groundwork) -> list[Subject]:
    """That crowns of ancient trees are unknown; whether trees are ancient is asked as usual."""
    trees = work.ground.ancient_trees
    if trees is None or not trees.lack_crowns:
        return []
    crowns = ("layer", "trees", "crown_width_m")
    all_told = all(one is True for one in trees.is_ancient)
    return [crowns] if all_told else [crowns, (APPLICATION, "", _ANCIENT)]


def _not_measured_later(work: Groundwork, demand: Demand, unknown: Sequence[str]) -> Iterator[str]:
    """The inputs that somebody must tell: not those that only wait for the size, asked for too."""
    waits = _SIZE in unknown and work.rates(demand.pipe).width_m is None
    for name in unknown:
        if not (waits and name in _IN_STRIP and work.survey.has(_LAYER_OF[name])):
            yield name


def hangs_on_roads(unknown: Iterable[str]) -> bool:
    """Whether roads could tell any of the inputs that are unknown."""
    return any(name in _ROAD_COLUMNS for name in unknown)


def _undemanded(work: Groundwork, demand: Demand, name: str) -> str | None:
    """What the demand owes before a measure can be told: its feeds, pressure or voltage."""
    field = _DEMAND_FIELDS.get(name)
    if demand.feeds is None and work.policy.inputs[name].surveyed:
        return "feeds"
    if field is None or getattr(demand.pipe, field) is not None:
        return None
    return field


def _roads_lacking(
    work: Groundwork, roads: Dug, name: str, column: str, dig_date: date
) -> Iterator[str]:
    """Ids of the roads of a route whose record leaves an input open for want of a field."""
    lacking, ids = _lacking(work, column, dig_date), work.corridors.surfaces.road_ids
    by_reach = column == "red_line_width_m" and name != "road_crossing_m"
    for row, dug in roads.items():
        city = work.ground.is_city_road[row] is not False
        if city and (dug is None if by_reach else lacking[row]):
            yield ids[row]


def roads_in_question(work: Groundwork, dig_date: date) -> NDArray[np.bool_]:
    """For each road whether digging it up on a day can leave anything open for want of a field."""
    columns = {column for asked in _ROAD_COLUMNS.values() for column in asked}
    lacking = [_lacking(work, column, dig_date) for column in columns]
    beside = ~shapely.is_missing(work.ground.land_in_reach)
    return np.asarray(np.logical_or.reduce([beside, *lacking]))


def _lacking(work: Groundwork, column: str, dig_date: date) -> NDArray[np.bool_]:
    """For each road whether it may be a city road whose record lacks a field on a day."""
    by_day = column in ("opened_on", "overhauled_on", "planned_works_on")
    key = ("lacking", column, dig_date if by_day else None)
    found = work.kept.get(key)
    if not isinstance(found, np.ndarray):
        table, city = work.corridors.surfaces.table, np.array(work.ground.is_city_road, object)
        if column == "authority":
            lacks = [one is None for one in city]
        elif column == "carriageway_width_m":
            lacks = table["width_assumed"].to_numpy(bool).tolist()
        elif column == "on_bridge":
            lacks = [value is not False for value in table[column].to_numpy(object)]
        elif column == "opened_on":  # or it is to be opened later
            lacks = [work.ground.opened(row, dig_date) is None for row in range(len(table))]
        elif column == "planned_works_on":  # works that were due: whether they were done
            lacks = _superseded(work, dig_date)
        elif column == "overhauled_on":  # so may works of the layer have been
            asked = _superseded(work, dig_date)
            lacks = [
                not also and work.ground.last_overhaul(row, dig_date) is None
                for row, also in enumerate(asked)
            ]
        else:
            lacks = [is_unknown(value) for value in table[column].to_numpy(object)]
        may_be_city = np.array([one is not False for one in city], bool)
        found = work.kept[key] = np.array(lacks, bool) & may_be_city
    return found


def _superseded(work: Groundwork, dig_date: date) -> list[bool]:
    """For each road whether works of its own record leave open when it was last overhauled."""
    years = work.ground.overhaul_bar_years
    return [
        last is not None and last_day_of_works(last, planned, years, dig_date) is None
        for _, last, planned, _ in zip(*work.ground.road_days, strict=True)
    ]
