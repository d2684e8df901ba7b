"""The application 报装申请: what the user wants, parsed and checked once at the door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from sys import intern
from typing import Any, NamedTuple, TypeAlias

import shapely

from language import Text, message_of
from language import gettext as _
from layers.names import APPLICATION_ID
from layers.utilities import load_utilities, policy_utility
from planning.application_fields import refuse_unknown
from planning.comparisons import day, is_finite
from planning.drawn_routes import FEEDS, DrawnRoute, parse_drawn_routes
from planning.rule_files import read_rows
from planning.sizing import Sizing, told_otherwise
from planning.sizing_rules import runs_by_gravity
from planning.standards import Pipe

_WORK_KINDS = (
    "new",
    "rebuild",
    "capacity_increase",
    "temporary",
    "main_extension",
    "relocation",
    "maintenance",
)
_WITHOUT_SEWAGE = "construction_site_without_sewage"
_SUBJECT_KINDS = (
    _WITHOUT_SEWAGE,
    "construction_site_with_sewage",
    "six_small_trade",
    "household",
    "other",
)
_NUMBERS = (
    "nominal_mm",
    "duct_holes",
    "duct_outer_diameter_mm",
    "pressure_mpa",
    "voltage_kv",
    "feeds",
)


_WHOLE = ("duct_holes", "feeds")
# What the user needs: a size is derived from it where the demand gives none (planning.sizing).
_WISHES = (
    "design_flow_l_s",
    "daily_water",
    "peak_hour_water",
    "fire_flow",
    "population",
    "households",
    "drain_flow",
    "slope",
    "catchment_m2",
    "runoff_coefficient",
    "gas_hourly",
    "appliance_m3_h",
    "requested_capacity",
    "cables",
    "outer_diameter_mm",
)
_LAYINGS = ("direct", "conduit")
# So many feeds of a line are planned and judged together (docs/decisions/0008).
MOST_FEEDS = len(FEEDS)
_INVESTMENT_KINDS = ("enterprise", "government", "person", "mixed")


# Where lines may enter: one point on the red line or several.
Gate: TypeAlias = shapely.Point | shapely.MultiPoint


class ApplicationError(ValueError):
    """An application says something that cannot be planned; the message tells field and cure."""


class Handover(NamedTuple):
    """Where a line is handed over to the user 交接点: its kind and, if given, its place."""

    kind: str
    xy: tuple[float, float] | None = None


@dataclass(frozen=True)
class Demand:
    """What one utility must bring: its new pipe, and how many feeds from different mains.

    Who does not speak of feeds wants one; ``None`` says that their number is not known.
    ``wish`` is what the user needs, by the names of ``planning.sizing``; ``sizing`` how a size was
    derived from it. Of a gravity line: ``last_well_invert_m`` and ``last_well_ground_m`` are the
    levels of the user's last well, ``slope`` is the one that the application gives.
    """

    pipe: Pipe
    feeds: int | None = 1
    last_well_invert_m: float | None = None
    last_well_ground_m: float | None = None
    slope: float | None = None
    handover: Handover | None = None
    wish: Mapping[str, float] = field(default_factory=dict, compare=False)
    sizing: Sizing | None = field(default=None, compare=False)


# One for all cases: of a county of parcels without applications each would hold four of its own.
_NONE: Mapping[str, Any] = {}


def _none() -> Mapping[str, Any]:
    return _NONE


@dataclass(frozen=True)
class Application:
    """One case: a parcel, a day to dig, and the demands of the utilities it wants.

    ``gate`` are the points on the red line, one or several, where lines may enter, in the
    survey's CRS, or None: then anywhere. ``source`` tells an
    application from the default demand of a parcel without one. ``promiser`` holds what is
    recorded of a utility's own will: ``declines`` and ``bad_credit``. ``drawn_routes`` are the
    lines that people drew for a utility, newest last. ``impossible`` says of utilities whose demand
    cannot be meant why (``parse_application``).
    """

    application_id: str
    parcel_id: str
    dig_date: date
    demands: Mapping[str, Demand]
    gate: Gate | None = None
    work_kind: str | None = None
    subject_kind: str | None = None
    project: Mapping[str, Any] = field(default_factory=_none)
    promiser: Mapping[str, Mapping[str, Any]] = field(default_factory=_none)
    drawn_routes: Mapping[str, tuple[DrawnRoute, ...]] = field(default_factory=_none)
    source: str = "application"
    impossible: Mapping[str, str] = field(default_factory=_none)

    @property
    def is_estimate(self) -> bool:
        """Whether the demands are the usual ones of the land use, which nobody applied for."""
        return self.source == "default_demand"


def parse_application(document: Mapping[str, Any], *, tolerant: bool = False) -> Application:
    """Read an application document (design 12).

    ``tolerant`` sets the demands aside that cannot be meant (``Application.impossible``) as long as
    one is left, so that the others are planned.

    Raises
    ------
    ApplicationError
        Naming the application, the field, the value, the rule and the cure.
    """
    name = str(document.get("application_id") or "")
    reader = _Reader(name or "?", document)
    if not name:
        raise reader.error("application_id", None, _("不能为空"), _("填写申请编号"))
    if not APPLICATION_ID.fullmatch(name):
        rule = _("须为 1 至 80 个文字、数字、-、_ 或 .,且不以标点开头")
        raise reader.error("application_id", name, rule, _("改正编号"))
    refuse_unknown("", document, reader.error)
    demands = document.get("demands")
    if not isinstance(demands, Mapping) or not demands:
        raise reader.error("demands", demands, _("须写明至少一个专业的需求"), _("填写 demands"))
    possible, impossible = _demands(reader, demands, tolerant=tolerant)
    return Application(
        application_id=name,
        parcel_id=reader.text("parcel_id", required=True) or "",
        dig_date=reader.day("dig_date"),
        demands=possible,
        gate=reader.points("gate"),
        work_kind=reader.choice("work_kind", document.get("work_kind"), _WORK_KINDS),
        subject_kind=_subject_kind(reader, document.get("drainage"), demands),
        project=_project(reader, document.get("project")),
        promiser=_promisers(reader, document.get("promiser"), document.get("consent")),
        drawn_routes=parse_drawn_routes(document.get("drawn_routes"), reader.error),
        impossible=impossible,
    )


@dataclass(frozen=True)
class _Reader:
    """Reads fields of one document and words the errors."""

    name: str
    document: Mapping[str, Any]

    def error(self, field_name: str, value: Any, rule: str, cure: str) -> ApplicationError:
        return ApplicationError(
            _("申请 {name}:字段 {field} 的值 {value!r} 不可用:{rule};{cure}。").format(
                name=self.name, field=field_name, value=value, rule=rule, cure=cure
            )
        )

    def text(self, key: str, *, required: bool = False) -> str | None:
        value = self.document.get(key)
        if value in (None, "") and required:
            raise self.error(key, value, _("不能为空"), _("补填该字段"))
        return None if value is None else str(value)

    def day(self, key: str) -> date:
        value = self.document.get(key)
        try:
            found = day(value)
        except ValueError:
            found = None
        if found is None:
            raise self.error(key, value, _("须为日期"), _("写成 年-月-日,例如 2026-11-22"))
        return found

    def points(self, key: str) -> Gate | None:
        """One point, or several as a list of points."""
        value = self.document.get(key)
        if value is None:
            return None
        if _is_pair(value):
            return shapely.Point(value)
        if isinstance(value, list | tuple) and value and all(map(_is_pair, value)):
            return shapely.MultiPoint(value)
        rule = _("须为 [东坐标, 北坐标](米),或由这样的点组成的列表")
        raise self.error(key, value, rule, _("改正或留空"))

    def choice(self, key: str, value: Any, allowed: tuple[str, ...]) -> str | None:
        if value is not None and value not in allowed:
            raise self.error(key, value, _("可用值为 ") + _("、").join(allowed), _("改用其中之一"))
        return None if value is None else str(value)

    def group(self, key: str, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(key, value, _("须为一组字段"), _("写成 {} 或留空"))
        return dict(value)

    def known(self, key: str, value: Any) -> dict[str, Any]:
        """A group of fields, all of which the schema knows."""
        found = self.group(key, value)
        refuse_unknown(key, found, self.error)
        return found

    def yes_or_no(self, key: str, value: Any) -> bool | None:
        if value is not None and not isinstance(value, bool):
            raise self.error(key, value, _("须为 true 或 false"), _("改正或留空(未知)"))
        return value


def _subject_kind(reader: _Reader, value: Any, demands: Mapping[str, Any]) -> str | None:
    """Kind of the drain user; unknown of a site that has no sewage and yet wants a sewer."""
    told = reader.known("drainage", value).get("subject_kind")
    kind = reader.choice("drainage.subject_kind", told, _SUBJECT_KINDS)
    return None if kind == _WITHOUT_SEWAGE and "sewage" in demands else kind


def _project(reader: _Reader, value: Any) -> dict[str, Any]:
    project = reader.known("project", value)
    reader.yes_or_no("project.hazardous_goods", project.get("hazardous_goods"))
    share = project.get("enterprise_percent")
    if share is not None and not (_is_number(share) and 0 <= share <= 100):
        raise reader.error(
            "project.enterprise_percent", share, _("须为 0 至 100 的数"), _("改正或留空(未知)")
        )
    kind = project.get("investment_kind")
    reader.choice("project.investment_kind", kind, _INVESTMENT_KINDS)
    for key, told in project.items():
        try:
            json.dumps(told, allow_nan=False)
        except ValueError:
            field_name = f"project.{key}"
            raise reader.error(field_name, told, _("须为有限的数"), _("改正或留空")) from None
    return project


def _promisers(reader: _Reader, value: Any, consent: Any) -> dict[str, dict[str, Any]]:
    """What is recorded of the will of who promises, by utility.

    Of drainage the user promises, whose own choice stands in the intake form; a refusal anywhere
    counts (国办发〔2020〕42号: who does not want to promise takes the usual way).
    """
    promisers = reader.group("promiser", value)
    for utility, record in promisers.items():
        reader.choice("promiser", utility, tuple(load_utilities()))
        promisers[utility] = reader.known(f"promiser.{utility}", record)
        for key, told in promisers[utility].items():
            reader.yes_or_no(f"promiser.{utility}.{key}", told)
    told = reader.known("consent", consent)
    reader.yes_or_no("consent.data_sharing", told.get("data_sharing"))
    choice = reader.yes_or_no("consent.commitment_choice", told.get("commitment_choice"))
    if choice is None:
        return promisers
    before, after = ({"declines": False}, {}) if choice else ({}, {"declines": True})
    by_user = {key: before | promisers.get(key, {}) | after for key in _promised_by_user()}
    return promisers | by_user


def _promised_by_user() -> list[str]:
    """Utilities of which the user promises, not the supplier (policy, ``promiser``)."""
    return [key for key in load_utilities() if policy_utility(key) == "drainage"]


def _demands(
    reader: _Reader, given: Mapping[str, Any], *, tolerant: bool
) -> tuple[dict[str, Demand], dict[str, str]]:
    """The demands that can be meant, and why the others cannot."""
    possible: dict[str, Demand] = {}
    impossible: dict[str, str] = {}
    for utility, value in given.items():
        try:
            possible[utility] = _demand(reader, utility, value)
        except ApplicationError as error:
            if not tolerant or utility not in load_utilities():
                raise
            impossible[utility] = message_of(error)
    if not possible:
        raise ApplicationError(Text("\n").join(impossible.values()))
    return possible, impossible


def _demand(reader: _Reader, utility: str, value: Any) -> Demand:
    place = f"demands.{utility}"
    if utility not in load_utilities():
        known = _("、").join(load_utilities())
        raise reader.error(place, utility, _("没有这个专业;可用值为 ") + known, _("改正专业名"))
    if not isinstance(value, Mapping):
        raise reader.error(place, value, _("须为一组字段"), _("写成 {} 或补填字段"))
    refuse_unknown(place, value, reader.error)
    for key in (*_NUMBERS, *_WISHES):
        number = value.get(key)
        if number is not None and not (_is_number(number) and number > 0):
            raise reader.error(f"{place}.{key}", number, _("须为正数"), _("改正或留空(未知)"))
        if key in _WHOLE and number is not None and number != int(number):
            raise reader.error(f"{place}.{key}", number, _("须为整数"), _("改正或留空(未知)"))
    reader.choice(f"{place}.laying", value.get("laying"), _LAYINGS)
    material = value.get("material")
    if material is not None and not isinstance(material, str):
        raise reader.error(f"{place}.material", material, _("须为文字"), _("改正或留空(未知)"))
    feeds = value.get("feeds", 1)
    if feeds is not None and feeds > MOST_FEEDS:
        rule = _("最多两路:三路以上没有可依的量算口径,不能比选和判定")
        cure = _("改为 2 先编制其中两路,其余各路与供应企业专题商定;路数未定可填 null")
        raise reader.error(f"{place}.feeds", feeds, rule, cure)
    if feeds is not None and feeds > 1 and runs_by_gravity(utility):
        rule = _("重力流管线没有双路:只算一处接入")
        cure = _("改为 1 或删去;另有一处接入的另立一份申请")
        raise reader.error(f"{place}.feeds", feeds, rule, cure)
    operators = _operators(reader, f"{place}.operators", value.get("operators"))
    pipe = replace(_pipe(utility, value), operators=operators)
    _refuse_two_sizes(reader, place, pipe, value.get("outer_diameter_mm"))
    return Demand(
        pipe,
        None if feeds is None else int(feeds),
        last_well_invert_m=_level(reader, place, "last_well_invert_m", value),
        last_well_ground_m=_level(reader, place, "last_well_ground_m", value),
        slope=None if value.get("slope") is None else float(value["slope"]),
        handover=_handover(reader, utility, value.get("handover")),
        wish={key: float(value[key]) for key in _WISHES if value.get(key) is not None},
    )


def _refuse_two_sizes(reader: _Reader, place: str, pipe: Pipe, outer_mm: float | None) -> None:
    """Both are said of the very pipe: which one is meant is not for a verdict to choose."""
    other = None if outer_mm is None else told_otherwise(pipe, outer_mm)
    if other is not None:
        name, told = other
        rule = _("这个外径对应 {name} = {told:g},而 {name} 填的是 {given:g}")
        rule = rule.format(name=name, told=told, given=getattr(pipe, name))
        cure = _("核对材质和两个值,改正其一或只留其一")
        raise reader.error(f"{place}.outer_diameter_mm", outer_mm, rule, cure)


def _operators(reader: _Reader, place: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise reader.error(place, value, _("须为运营商名称的列表"), _('写成 ["甲", "乙"] 或留空'))
    return tuple(dict.fromkeys(value))


def _level(reader: _Reader, place: str, name: str, values: Mapping[str, Any]) -> float | None:
    value = values.get(name)
    if value is not None and not _is_number(value):
        raise reader.error(f"{place}.{name}", value, _("须为高程(米)"), _("改正或留空(未知)"))
    return None if value is None else float(value)


def _handover(reader: _Reader, utility: str, value: Any) -> Handover | None:
    place = f"demands.{utility}.handover"
    told = reader.known(place, value)
    if not told:
        return None
    kinds = load_utilities()[utility].handover
    kind = reader.choice(f"{place}.kind", told.get("kind"), kinds) or kinds[0]
    xy = told.get("xy")
    if xy is None:
        return Handover(kind)
    if not _is_pair(xy):
        rule = _("须为 [东坐标, 北坐标](米)")
        raise reader.error(f"{place}.xy", xy, rule, _("改正或留空"))
    return Handover(kind, (float(xy[0]), float(xy[1])))


def _pipe(utility: str, value: Mapping[str, Any]) -> Pipe:
    numbers: dict[str, Any] = {
        key: None if value.get(key) is None else float(value[key])
        for key in ("nominal_mm", "duct_outer_diameter_mm", "pressure_mpa", "voltage_kv")
    }
    holes = value.get("duct_holes")
    told = holes is not None or numbers["duct_outer_diameter_mm"] is not None
    in_ducts = utility == "telecom" or (utility == "power" and told)
    load_kw = value.get("requested_capacity") if utility == "power" else None
    return Pipe(
        utility=utility,
        duct_holes=None if holes is None else int(holes),
        laying=str(value.get("laying") or ("conduit" if in_ducts else "direct")),
        material=value.get("material"),
        load_kw=None if load_kw is None else float(load_kw),
        **numbers,
    )


def _is_pair(value: Any) -> bool:
    pair = isinstance(value, list | tuple) and len(value) == 2
    return pair and all(_is_number(number) for number in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and is_finite(value)


@cache
def _default_demands() -> dict[str, tuple[dict[str, Demand], str | None]]:
    """Demands and subject kind by land use, from ``rules/default_demand.csv``."""
    found: dict[str, tuple[dict[str, Demand], str | None]] = {}
    for row in read_rows("default_demand.csv"):
        demands, subject = found.get(row["land_use"], ({}, None))
        fields = {k: float(row[k]) for k in _NUMBERS if row.get(k)}
        text = {k: row[k] for k in ("laying", "material") if row.get(k)}
        demands[row["utility"]] = Demand(_pipe(row["utility"], {**fields, **text}))
        found[row["land_use"]] = (demands, row.get("subject_kind") or subject)
    return found


def usual_pipes() -> list[Pipe]:
    """The pipes of all default demands."""
    return [d.pipe for demands, _ in _default_demands().values() for d in demands.values()]


def default_application(parcel_id: str, land_use: str | None, dig_date: date) -> Application:
    """The default demand of a parcel without an application, by its land use.

    A parcel of unknown or unlisted land use wants every utility, with unknown sizes.
    """
    unknown = {key: Demand(_pipe(key, {})) for key in load_utilities()}
    demands, subject = _default_demands().get(land_use or "", (unknown, None))
    return Application(
        application_id="",
        parcel_id=intern(parcel_id),  # one text for all that knows the parcel
        dig_date=dig_date,
        demands=demands,
        work_kind="new",
        subject_kind=subject,
        source="default_demand",
    )
