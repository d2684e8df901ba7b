"""What every kind of number in ``plan.json`` was read from: the place it stands at, the features.

Functions of a place yield the layer, feature and field of everything that its number hangs on. What
the document does not name one by one, such as the roads of a candidate that is no route, is named
by its whole layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import shapely

from layers.survey import Survey
from planning.drawn_roads import SURVEYED
from planning.existing_pipes import SIZES

POLICY = "rules/counties/{county}/policy.toml"
_LAYERS = {"line": "lines", "node": "nodes"}
_WIDTHS = ("carriageway_width_m", "red_line_width_m")
_DEPTHS = ("depth_m", "start_depth_m", "end_depth_m")
# What a tolerance comes from (``planning.tolerances``): of every layer, of hidden lines too.
_POSITION = ("position_source", "position_accuracy_m", "position_scale")
_HIDDEN = ("depth_m", "laying")


class Feature(NamedTuple):
    """Where a value was read: layer, id of the feature (None for the whole layer), field.

    ``application`` stands beside the layers for what the user asked for.
    """

    layer: str
    id: str | None
    field: str


class Rule(NamedTuple):
    """A file under ``rules/`` and the clause, table or item in it."""

    file: str
    ref: str


@dataclass(frozen=True)
class Place:
    """One place of a document: what the pattern's names are bound to there."""

    document: Mapping[str, Any]
    survey: Survey
    pointer: tuple[str, ...]
    bound: Mapping[str, str]

    @property
    def line(self) -> Mapping[str, Any]:
        """The utility's entry."""
        found: Mapping[str, Any] = self.document["utilities"][int(self.bound["u"])]
        return found

    @property
    def route(self) -> Mapping[str, Any]:
        """The route that the number stands in; else the drawn or recommended one it tells of."""
        own = self._within
        if own is not None:
            return own
        if self._of_drawn:
            return self._of_kind("manual")
        if "joint" in self.pointer and self.line["shared_route"]:
            return dict(self.line["shared_route"])
        return self.recommended

    @property
    def routes(self) -> list[Mapping[str, Any]]:
        """The routes that the number is of: of a line with two feeds both, unless it is of one."""
        of_both = self._within is None or "together" in self.pointer
        other = self._other_feed if of_both else None
        return [self.route] if other is None else [self.route, other]

    @property
    def _other_feed(self) -> Mapping[str, Any] | None:
        """The other route of a line with two feeds: of a drawn one that beside it."""
        second, first = self.line.get("second_feed") or {}, self.line["recommended"]
        if self._of_drawn or self.route.get("kind") == "manual":
            second, first = (self.line.get("manual") or {}).get("second_feed") or {}, "manual"
        elif second.get("together") is None:
            return None
        elif "cheapest" in self.pointer:
            second, first = second["cheapest"] or second, "cheapest"
        found: Mapping[str, Any] | None = second.get("route")
        return self._of_kind(first) if found and found is self._within else found

    @property
    def _of_drawn(self) -> bool:
        return self.pointer[2:3] == ("manual",)

    def _of_kind(self, kind: str | None) -> Mapping[str, Any]:
        """The route of a kind, empty where there is none."""
        return next((r for r in self.line["routes"] if r["kind"] == kind), {})

    @property
    def _within(self) -> Mapping[str, Any] | None:
        value: Any = self.document
        for segment in self.pointer:
            value = value[int(segment) if isinstance(value, list) else segment]
            if isinstance(value, Mapping) and "tie_in" in value:
                return value
        return None

    def innermost(self, *keys: str) -> Mapping[str, Any]:
        """The innermost part of the document on the way here that has one of some keys."""
        value: Any = self.document
        found: Mapping[str, Any] = {}
        for segment in self.pointer:
            value = value[int(segment) if isinstance(value, list) else segment]
            if isinstance(value, Mapping) and not value.keys().isdisjoint(keys):
                found = value
        return found

    @property
    def recommended(self) -> Mapping[str, Any]:
        """The recommended route, empty where there is none."""
        return self._of_kind(self.line["recommended"])

    def item(self, *names: str) -> Mapping[str, Any]:
        """An element of a list below the utility, by the name ``n``."""
        found: Any = self.line
        for name in names:
            found = found[name]
        element: Mapping[str, Any] = found[int(self.bound["n"])]
        return element

    @property
    def clearance(self) -> Mapping[str, Any]:
        """The clearance that the number stands in: of the recommended or of the drawn route."""
        return self.item("manual", "clearances") if self._of_drawn else self.item("clearances")

    def policy(self, ref: str) -> Rule:
        """A clause or input of the county's policy."""
        return Rule(POLICY.format(county=self.document["county"]), ref)


Inputs = Callable[[Place], Iterator[Feature]]


def nothing(_place: Place) -> Iterator[Feature]:
    """Given by a rule or counted in the plan itself."""
    yield from ()


def parcel(place: Place) -> Iterator[Feature]:
    """The red line of the parcel."""
    yield Feature("parcels", place.document["parcel_id"], "geometry")


def asked(place: Place) -> Iterator[Feature]:
    """What the application, or the usual demand of the land use, asks for."""
    if place.document["source"] == "application":
        name = str(place.document["application_id"])
        yield Feature("application", name, f"demands.{place.line['utility']}")
    else:
        yield Feature("parcels", place.document["parcel_id"], "land_use")


def way(place: Place) -> Iterator[Feature]:
    """The ends of a route and the roads that it follows."""
    for route in place.routes:
        tie_in = route.get("tie_in")
        if tie_in:
            key = tie_in["line_id"] or tie_in["node_id"]
            yield Feature(_LAYERS[tie_in["kind"]], key, "geometry")
    yield from parcel(place)
    for route in place.routes:
        for road in route.get("roads", ()):
            yield Feature("roads", road, "geometry")


def tie_in(place: Place) -> Iterator[Feature]:
    """The main or node that a route joins."""
    yield next(way(place))


def levels(place: Place) -> Iterator[Feature]:
    """What the fall of a gravity line hangs on: the user's last well, the network, the way."""
    yield from asked(place)
    found = place.route.get("tie_in")
    if found:
        yield from _inverts(found["kind"], found["line_id"] or found["node_id"])
    yield from way(place)


def _inverts(kind: str, key: str) -> Iterator[Feature]:
    """The levels of the main or node that a gravity line joins."""
    for field in ("start_invert_m", "end_invert_m") if kind == "line" else ("invert_level_m",):
        yield Feature(_LAYERS[kind], key, field)


def nearest_level(place: Place) -> Iterator[Feature]:
    """The same of the nearest place to join, where no way keeps the fall."""
    yield from asked(place)
    found = place.line["no_fall"]
    yield Feature(_LAYERS[found["kind"]], found["feature_id"], "geometry")
    yield from _inverts(found["kind"], found["feature_id"])
    yield from parcel(place)


def joined_by_candidate(place: Place) -> Iterator[Feature]:
    """The main or node that might be joined, and the red line that it lies near to."""
    one = place.item("tie_ins", place.bound["list"])
    yield Feature(_LAYERS[one["kind"]], one["id"], "geometry")
    yield from parcel(place)


def candidate(place: Place) -> Iterator[Feature]:
    """The ends of the way through a candidate; of the roads that it may follow the whole layer."""
    yield from joined_by_candidate(place)
    yield Feature("roads", None, "geometry")


def candidate_levels(place: Place) -> Iterator[Feature]:
    """What the fall through a candidate hangs on."""
    one = place.item("tie_ins", place.bound["list"])
    yield from asked(place)
    yield from _inverts(one["kind"], one["id"])
    yield from candidate(place)


def dug_by_candidate(place: Place) -> Iterator[Feature]:
    """What the cost of the way through a candidate hangs on."""
    yield from asked(place)
    yield from candidate(place)
    for field in (*_WIDTHS, "surface"):
        yield Feature("roads", None, field)


def in_ducts(place: Place) -> Iterator[Feature]:
    """The way of a route and the existing lines whose ducts, poles or walls carry it."""
    yield from way(place)
    for route in place.routes:
        for one in route.get("carried", ()):
            yield Feature("lines", one["line_id"], "geometry")


def crossed(place: Place) -> Iterator[Feature]:
    """The roads that a route crosses, their widths, and the areas that were surveyed of them."""
    yield from way(place)
    for crossing in (one for route in place.routes for one in route.get("crossings", ())):
        yield from _edges(place, crossing["road_id"])


def _edges(place: Place, road: str) -> Iterator[Feature]:
    """The widths of a road and the areas that were surveyed of it."""
    for field in _WIDTHS:
        yield Feature("roads", road, field)
    for layer in SURVEYED:
        drawn = place.survey.get(layer)
        if drawn is not None and road in drawn.index:
            yield Feature(layer, road, "geometry")


def grounds(place: Place) -> Iterator[Feature]:
    """What a route lies in: the widths of its streets, and the lines beside it."""
    yield from way(place)
    found = place.route.get("stretches", ())
    for road in dict.fromkeys(one["road_id"] for one in found if one["road_id"] is not None):
        for field in _WIDTHS:
            yield Feature("roads", road, field)
    for line in dict.fromkeys(line for one in found for line in one["lines"]):
        for field in ("geometry", *sizes(place, line)):
            yield Feature("lines", line, field)


def sizes(place: Place, line_id: str | None) -> list[str]:
    """The fields that tell the size of a line, the nominal one where none does."""
    lines = place.survey.get("lines")
    if lines is None or line_id not in lines.index:
        return [SIZES[0]]
    return [name for name in SIZES[:-1] if pd.notna(lines.loc[line_id, name])] or [SIZES[0]]


def greenery(place: Place) -> Iterator[Feature]:
    """The greenery under the working strip; the whole layer where there is none."""
    green = place.survey.get("green")
    strips = [strip for route in place.routes if (strip := route.get("strip")) is not None]
    rows: list[str | None] = []
    for strip in strips if green is not None else ():
        rows += _under(green, shapely.geometry.shape(strip))
    for name in dict.fromkeys(rows) or [None]:
        yield Feature("green", name, "geometry")
    yield from way(place)


def _under(table: Any, strip: shapely.Geometry) -> list[str | None]:
    rows = table.sindex.query(strip, predicate="intersects")
    return [*sorted(str(name) for name in table.index[rows])]


def dug(place: Place) -> Iterator[Feature]:
    """What the cost of a route hangs on: its size, its way and the surfaces."""
    yield from asked(place)
    yield from crossed(place)
    for road in (road for route in place.routes for road in route.get("roads", ())):
        yield Feature("roads", road, "surface")


def near(place: Place) -> Iterator[Feature]:
    """What a clearance is measured to, and the route."""
    one = place.clearance
    of_line = (*sizes(place, one["id"]), *_DEPTHS) if one["against"] == "line" else ()
    for field in ("geometry", *of_line):
        yield Feature(one["layer"], one["id"], field)
    yield from asked(place)


def located(place: Place) -> Iterator[Feature]:
    """How well the thing near a route is located, or its depth where it is crossed."""
    one = place.clearance
    if one["direction"] == "crossing":
        for field in ("position_source", *_DEPTHS):
            yield Feature(one["layer"], one["id"], field)
        return
    yield from _exactness(place, one["layer"], one["id"])
    if one["against"] == "kerb":
        yield Feature(one["layer"], one["id"], "carriageway_width_m")


def _exactness(place: Place, layer: str, key: str | None) -> Iterator[Feature]:
    """What tells how exactly a feature is located, as far as its layer has columns for it."""
    table = place.survey.get(layer)
    columns = () if table is None else table.columns
    hidden = (*_HIDDEN, *sizes(place, key)) if layer == "lines" else ()
    for field in (*_POSITION, *hidden):
        if field in columns:
            yield Feature(layer, key, field)


def held(place: Place) -> Iterator[Feature]:
    """What a measure was read from, and how exactly each thing is located that it hangs on."""
    read = list(measured(place))
    yield from read
    yield from _hold(place, read)


def _hold(place: Place, read: Iterable[Feature]) -> Iterator[Feature]:
    """How exactly everything is located that the line hangs on: main, red line, kerbs, ducts."""
    kerbs = [
        one
        for route in place.routes
        for road in _roads_beside(route)
        for one in (Feature("roads", road, "geometry"), *_edges(place, road))
    ]
    every = [*read, *in_ducts(place), *kerbs]
    yield from kerbs
    for layer, key in dict.fromkeys((one.layer, one.id) for one in every):
        if layer != "application":
            yield from _exactness(place, layer, key)


def _roads_beside(route: Mapping[str, Any]) -> list[str]:
    """The roads that a route follows, digs or crosses, whose kerbs its points hang on."""
    parts = (*route.get("crossings", ()), *route.get("stretches", ()))
    named = (*route.get("roads", ()), *(one["road_id"] for one in parts))
    return [road for road in dict.fromkeys(named) if road is not None]


def surveyed_at(place: Place) -> Iterator[Feature]:
    """The feature that is to be surveyed, and what tells how exactly it is located now."""
    one = place.item("survey_points")["feature"]
    yield Feature(one["layer"], one["id"], "geometry")
    yield from _exactness(place, one["layer"], one["id"])


def to_survey(place: Place) -> Iterator[Feature]:
    """What decides how exactly a feature has to be known: all that the line hangs on."""
    yield from surveyed_at(place)
    yield from _hold(place, [*surveyed_at(place), *greenery(place)])
    yield from greenery(place)


def everything(place: Place) -> Iterator[Feature]:
    """What the joint plan is made of: the demands and ends of its members."""
    yield from parcel(place)
    for number, line in enumerate(place.document["utilities"]):
        if line["shared_route"] is not None:
            member = ("utilities", str(number), "shared_route", "length_m")
            one = Place(place.document, place.survey, member, {"u": str(number)})
            yield from asked(one)
            yield from way(one)


def measured(place: Place) -> Iterator[Feature]:
    """What a measure, or a finding about one, was read from."""
    name = str(named(place).get("name") or named(place).get("input") or "")
    for part, inputs in _MEASURED_FROM.items():
        if part in name:
            yield from inputs(place)
            return
    yield from way(place)


_MEASURED_FROM: Mapping[str, Inputs] = {
    "new_duct": in_ducts,
    "green": greenery,
    "crossing": crossed,
    "_dn_": asked,
    "duct_": asked,
    "pressure": asked,
    "voltage": asked,
    "opened": crossed,
    "overhauled": crossed,
}


def named(place: Place) -> Mapping[str, Any]:
    """The measure, finding or change that a place belongs to."""
    if "input" in place.bound:
        return {"name": place.bound["input"]}
    return place.innermost("input", "name")
