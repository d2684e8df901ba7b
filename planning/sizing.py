"""Sizing: from what the user needs to a nominal size, by formulas that are named (design 6).

Every number comes from ``rules/sizing`` with source and confidence. Where a rule is missing the
size stays unknown and the steps say what is missing; a size that the demand gives itself rules,
and the derived one is shown beside it. One that falls short of the needs is nobody's word on what
must be laid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, inf, log10, sqrt
from typing import Any

from planning.hydraulics import (
    full_area_m2,
    manning_flow_l_s,
    slope_for_velocity,
)
from planning.pipe_sizes import load_pipe_sizes
from planning.sizing_rules import (
    Number,
    SizingRules,
    apparent_kva,
    at_step,
    between,
    least_sure,
    load_sizing_rules,
    supply_voltage_kv,
)
from planning.standards import Pipe, load_standards
from planning.texts import gettext as _

PLASTICS = frozenset({"PE", "HDPE", "PVC", "MPP"})


@dataclass(frozen=True)
class Sizing:
    """What a demand comes to: the derived size, or why there is none.

    ``derived`` by field of ``Pipe``; ``inputs`` are the demand's own numbers; ``overridden`` says
    that the demand gives another size itself, which rules; ``filled`` are the derived fields that
    the demand did not give. ``least`` is what the needs ask for at least, by field, infinite where
    no listed size is large enough; fields given below it are ``short``.
    """

    derived: tuple[tuple[str, float], ...]
    formula: str
    inputs: tuple[tuple[str, float], ...]
    steps: tuple[str, ...]
    source: str
    confidence: str | None
    overridden: bool = False
    filled: tuple[str, ...] = ()
    least: tuple[tuple[str, float], ...] = ()
    short: tuple[str, ...] = ()

    @property
    def unverified(self) -> tuple[str, ...]:
        """Fields of the pipe whose size nobody vouches for: by rules that are not, or short."""
        derived = () if self.confidence == "verified" else self.filled
        return tuple(sorted({*derived, *self.short}))


@dataclass
class _Work:
    """One derivation under way: the demand, the rules, and what was used so far."""

    pipe: Pipe
    wish: Mapping[str, float]
    rules: SizingRules
    county: str
    low_voltage_limit: Number
    used: list[Number] = field(default_factory=list)
    inputs: dict[str, float] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    least: dict[str, float] = field(default_factory=dict)
    formula: str = ""

    def wants(self, *names: str) -> bool:
        return all(name in self.wish for name in names)

    def read(self, name: str) -> float:
        """A number of the demand, noted as an input."""
        self.inputs[name] = self.wish[name]
        return self.wish[name]

    def rule(self, name: str) -> float:
        """A number of the rules, noted as used."""
        return self.use(self.rules.settings[name])

    def use(self, number: Number) -> float:
        self.used.append(number)
        return number.value

    def say(self, text: str, **values: float | str) -> None:
        self.steps.append(text.format(**values))


Derived = dict[str, float]


def size(
    pipe: Pipe,
    wish: Mapping[str, float],
    county: str,
    low_voltage_limit: Number,
    rules: SizingRules | None = None,
) -> tuple[Pipe, Sizing | None]:
    """The pipe with its derived size, and how it was derived; None where nothing asks for it.

    Parameters
    ----------
    pipe
        What the demand says of the pipe itself; what it gives is kept.
    wish
        What the user needs, by the names of the application's demand.
    county, low_voltage_limit
        Whose storm formula holds, and up to which kW supply is at low voltage.
    """
    work = _Work(pipe, wish, rules or load_sizing_rules(), county, low_voltage_limit)
    derived = _derive(work)
    if derived is None:
        return pipe, None
    known = {**work.least, **derived}
    given = {name for name in known if getattr(pipe, name) is not None}
    overridden = any(getattr(pipe, name) != known[name] for name in given)
    for name in sorted(given):
        work.say(
            _("申请已写明 {name} = {value:g},以申请为准"), name=name, value=getattr(pipe, name)
        )
    new: dict[str, Any] = {name: value for name, value in derived.items() if name not in given}
    if "duct_holes" in new:
        new["duct_holes"] = int(new["duct_holes"])
    sized = replace(pipe, **new)
    if pipe.utility not in _IN_DUCTS:
        sized = replace(sized, outer_mm=wish.get("outer_diameter_mm"))
    sizing = Sizing(
        tuple(sorted(derived.items())),
        work.formula,
        tuple(sorted(work.inputs.items())),
        tuple(work.steps),
        ";".join(dict.fromkeys(one.source for one in work.used)),
        least_sure(work.used) if work.used else None,
        overridden,
        tuple(sorted(new)),
        tuple(sorted(work.least.items())),
        tuple(name for name in sorted(work.least) if _is_short(sized, name, work.least[name])),
    )
    return sized, sizing


def _is_short(pipe: Pipe, name: str, least: float) -> bool:
    value = getattr(pipe, name)
    if value is None:
        return False
    return bool((supply_voltage_kv(value) if name == "voltage_kv" else value) < least)


def _derive(work: _Work) -> Derived | None:
    """The derived fields; empty where rules are missing, None where nothing asks for a size.

    An outside diameter is that of the pipe itself: it tells its size, whatever the needs ask for.
    """
    needed = _METHODS[work.pipe.utility](work)
    work.least.update(needed or {})
    if not work.wants("outer_diameter_mm"):
        return needed
    if work.pipe.utility in _IN_DUCTS:
        return {**(needed or {}), "duct_outer_diameter_mm": work.read("outer_diameter_mm")}
    return _from_outer_diameter(work)


def _from_outer_diameter(work: _Work) -> Derived:
    work.formula = "; ".join(filter(None, (work.formula, _("外径换算公称直径"))))
    outer_m = work.read("outer_diameter_mm") / 1000
    work.use(Number(outer_m, "rules/standards/pipe_sizes.csv", "recalled"))
    nominal = load_pipe_sizes().nominal_of(_material(work.pipe), outer_m * 1000)
    if nominal is None:
        work.say(_("管径表中没有外径 {de:g} mm,公称直径未知"), de=outer_m * 1000)
        return {}
    work.say(_("外径 {de:g} mm 即 DN{dn:g}"), de=outer_m * 1000, dn=nominal)
    return {"nominal_mm": nominal}


def told_otherwise(pipe: Pipe, outer_diameter_mm: float) -> tuple[str, float] | None:
    """The field of a pipe that its outside diameter contradicts, with what it tells instead.

    A pipe's nominal size is told by the listed outside diameter of its material that is nearest:
    diameters of other series differ by a few millimetres. None where both may be meant, or the
    size is not listed.
    """
    if pipe.utility in _IN_DUCTS:
        given, field_name = pipe.duct_outer_diameter_mm, "duct_outer_diameter_mm"
        told = outer_diameter_mm
        return None if given is None or given == told else (field_name, told)
    sizes = _sizes(pipe)
    given = next((one for one, _m in sizes if one >= (pipe.nominal_mm or inf)), None)
    if given is None:
        return None
    told = load_pipe_sizes().nearest_of(_material(pipe), outer_diameter_mm)[1]
    return None if given == told else ("nominal_mm", told)


# --- water ---------------------------------------------------------------------------------------


def _water(work: _Work) -> Derived | None:
    """The smallest pipe that carries the usual flow, and the fire flow on top of it.

    A fire flow alone tells what the pipe must have at least, and no size: what is used every day
    is unknown.
    """
    usual = _water_flow_l_s(work)
    fire = work.read("fire_flow") if work.wants("fire_flow") else 0.0
    if usual is None and not fire:
        return None
    work.formula = "Q = A·v"
    needed = _carrying(work, usual or 0.0, fire)
    if usual is not None:
        return needed
    work.least.update(needed)
    work.say(_("日常用水量未知:只能推算消防所需的最小管径,公称直径未知"))
    return {}


def _carrying(work: _Work, flow: float, fire: float) -> Derived:
    if _is_plastic(work.pipe):
        work.rule("plastic_wall_share")
    for nominal, outer_m in _sizes(work.pipe):
        area = full_area_m2(_bore_m(work, nominal, outer_m))
        usual, limit = flow / area / 1000, at_step(work.rules.water_velocity, nominal)
        if usual > limit.value or not _carries_fire(
            work, nominal, (flow + fire) / area / 1000, fire
        ):
            continue
        if flow:
            text = _("DN{dn:g}:流速 {v:.2f} 米/秒,不大于 {limit:g}")
            work.say(text, dn=nominal, v=usual, limit=work.use(limit))
        return {"nominal_mm": nominal}
    return _none_large_enough(work)


def _carries_fire(work: _Work, nominal_mm: float, velocity_m_s: float, fire: float) -> bool:
    """Whether a pipe carries the fire flow on top; said of the first that does."""
    if not fire:
        return True
    settings = work.rules.settings
    least, limit = settings["fire_least_nominal_mm"], settings["fire_velocity_m_s"]
    if nominal_mm < least.value or velocity_m_s > limit.value:
        return False
    work.used += [least, limit]
    text = _("DN{dn:g} 加消防 {fire:g} 升/秒:流速 {v:.2f} 米/秒,不大于 {limit:g}")
    work.say(text, dn=nominal_mm, fire=fire, v=velocity_m_s, limit=limit.value)
    return True


def _none_large_enough(work: _Work) -> Derived:
    work.say(_("管径表中没有足够大的管径,公称直径未知"))
    if _sizes(work.pipe):
        work.least["nominal_mm"] = inf
    return {}


def _water_flow_l_s(work: _Work) -> float | None:
    """Flow of the greatest hour without fire, from the first of the demand's numbers that tells."""
    if work.wants("design_flow_l_s"):
        return work.read("design_flow_l_s")
    if work.wants("peak_hour_water"):
        flow = work.read("peak_hour_water") / 3.6
        work.say(_("最大时用水量 ÷ 3.6 = {flow:.2f} 升/秒"), flow=flow)
        return flow
    daily = _daily_water_m3(work)
    if daily is None:
        return None
    flow = daily * work.rule("water_hour_factor") / 86.4
    work.say(
        _("日用水量 {daily:.1f} 立方米 × 时变化系数 ÷ 86.4 = {flow:.2f} 升/秒"),
        daily=daily,
        flow=flow,
    )
    return flow


def _daily_water_m3(work: _Work) -> float | None:
    if work.wants("daily_water"):
        return work.read("daily_water")
    if work.wants("population"):
        people = work.read("population")
    elif work.wants("households"):
        people = work.read("households") * work.rule("persons_per_household")
    else:
        return None
    daily = people * work.rule("water_quota_l_per_person_day") / 1000
    work.say(_("{people:g} 人 × 用水定额 = {daily:.1f} 立方米/日"), people=people, daily=daily)
    return daily


# --- sewage and storm ----------------------------------------------------------------------------


def _sewage(work: _Work) -> Derived | None:
    flow = _sewage_flow_l_s(work)
    if flow is None:
        return None
    return _gravity(work, flow, "least_velocity_sewage_m_s", work.rules.sewage_fill)


def _sewage_flow_l_s(work: _Work) -> float | None:
    if work.wants("design_flow_l_s"):
        return work.read("design_flow_l_s")
    daily = _daily_sewage_m3(work)
    if daily is None:
        return None
    mean = daily / 86.4
    factor = work.use(between(work.rules.sewage_peaking, mean))
    text = _("平均流量 {mean:.2f} 升/秒 × 变化系数 {factor:.2f} = {flow:.2f} 升/秒")
    work.say(text, mean=mean, factor=factor, flow=mean * factor)
    return mean * factor


def _daily_sewage_m3(work: _Work) -> float | None:
    if work.wants("drain_flow"):
        return work.read("drain_flow")
    water = _daily_water_m3(work)
    if water is None:
        return None
    daily = water * work.rule("sewage_share_of_water")
    work.say(_("污水量按用水量折算为 {daily:.1f} 立方米/日"), daily=daily)
    return daily


def _storm(work: _Work) -> Derived | None:
    full = _fills("storm", work.rules)
    if work.wants("design_flow_l_s"):
        return _gravity(work, work.read("design_flow_l_s"), "least_velocity_storm_m_s", full)
    if not work.wants("catchment_m2"):
        return None
    flow = _storm_flow_l_s(work)
    return {} if flow is None else _gravity(work, flow, "least_velocity_storm_m_s", full)


def _storm_flow_l_s(work: _Work) -> float | None:
    """Q = ψ q F by the county's storm formula; None where the formula or ψ is missing."""
    work.formula = "Q = ψ·q·F"
    area_ha = work.read("catchment_m2") / 10_000
    storm = work.rules.storms.get(work.county)
    if storm is None:
        work.say(_("本县没有录入暴雨强度公式,管径未知;请补录公式或直接给出设计流量"))
        return None
    if not work.wants("runoff_coefficient"):
        work.say(_("没有径流系数,管径未知;请补填 runoff_coefficient"))
        return None
    rain = 167 * work.use(storm.a) * (1 + storm.c * log10(storm.return_period_years))
    rain /= (storm.inlet_minutes + storm.b) ** storm.n
    flow = float(work.read("runoff_coefficient") * rain * area_ha)
    text = _("暴雨强度 {rain:.1f} 升/(秒·公顷),设计流量 {flow:.1f} 升/秒")
    work.say(text, rain=rain, flow=flow)
    return flow


def _gravity(work: _Work, flow: float, velocity: str, fills: tuple[Number, ...]) -> Derived:
    """The smallest pipe that carries the flow at its greatest fill and least slope."""
    work.formula = (work.formula + "; " if work.formula else "") + "Q = A·R^(2/3)·i^(1/2)/n"
    least_mm, rough = work.rule("gravity_least_nominal_mm"), roughness(work.pipe, work.rules)
    given = work.read("slope") if work.wants("slope") else 0.0
    work.used += [rough, work.rules.settings[velocity]]
    for nominal, _outer in _sizes(work.pipe):
        fill = at_step(fills, nominal)
        least = least_slope(work.pipe, nominal, work.rules)
        slope = max(given, least)
        carried = manning_flow_l_s(nominal / 1000, fill.value, slope, rough.value)
        if nominal < least_mm or carried < flow:
            continue
        work.use(fill)
        if 0.0 < given < least:
            text = _("申请的坡度 {given:.4f} 小于最小坡度 {least:.4f},按最小坡度算")
            work.say(text, given=given, least=least)
        text = _("DN{dn:g}:坡度 {slope:.4f}、充满度 {fill:g} 过 {carried:.1f} 升/秒,需 {flow:.2f}")
        work.say(text, dn=nominal, slope=slope, fill=fill.value, carried=carried, flow=flow)
        return {"nominal_mm": nominal}
    return _none_large_enough(work)


def _fills(utility: str, rules: SizingRules) -> tuple[Number, ...]:
    """How full sewers of each size may run at most; storm drains of any size run full."""
    return rules.sewage_fill if utility == "sewage" else (rules.settings["storm_fill"],)


def roughness(pipe: Pipe, rules: SizingRules) -> Number:
    """Manning's n of a pipe by its material, the usual one of its utility where it names none."""
    return rules.settings["roughness_plastic" if _is_plastic(pipe) else "roughness_other"]


def least_slope(pipe: Pipe, nominal_mm: float, rules: SizingRules) -> float:
    """The least slope of a sewer or storm drain: that of its table or of its least velocity."""
    fill = at_step(_fills(pipe.utility, rules), nominal_mm).value
    velocity = rules.settings[f"least_velocity_{pipe.utility}_m_s"].value
    slope = slope_for_velocity(nominal_mm / 1000, fill, velocity, roughness(pipe, rules).value)
    if nominal_mm <= rules.settings["gravity_least_nominal_mm"].value:
        kind = "plastic" if _is_plastic(pipe) else "other"
        slope = max(slope, rules.settings[f"least_slope_{kind}_300"].value)
    return slope


# --- gas, power, telecom -------------------------------------------------------------------------


def _gas(work: _Work) -> Derived | None:
    if work.wants("gas_hourly"):
        flow = work.read("gas_hourly")
    elif work.wants("households", "appliance_m3_h"):
        households = work.read("households")
        factor = work.use(at_step(work.rules.gas_simultaneity, households))
        flow = households * factor * work.read("appliance_m3_h")
    else:
        return None
    work.formula = "Q = Σ k·N·Qn"
    work.say(_("小时计算流量 {flow:.1f} 立方米/时"), flow=flow)
    work.say(_("没有可核实的流速或允许压降规则,管径未知;请由燃气公司给出公称直径"))
    return {}


def _power(work: _Work) -> Derived | None:
    if not work.wants("requested_capacity"):
        return None
    work.formula = "I = P / (√3·U·cosφ)"
    load_kw, limit_kw = work.read("requested_capacity"), work.use(work.low_voltage_limit)
    low_kv = work.rule("low_voltage_kv")
    derived = low_kv if load_kw <= limit_kw else work.rule("high_voltage_kv")
    text = _("{load:g} 千瓦,低压供电上限 {limit:g} 千瓦:{volts:g} 千伏")
    work.say(text, load=load_kw, limit=limit_kw, volts=derived)
    most_kva = work.rule("high_voltage_limit_kva")
    if derived != low_kv and apparent_kva(load_kw) > most_kva:
        before, derived = derived, work.rule("higher_voltage_kv")
        text = _("超过 {before:g} 千伏供电的上限 {most:g} 千伏安:{volts:g} 千伏")
        work.say(text, before=before, most=most_kva, volts=derived)
    voltage = float(supply_voltage_kv(work.pipe.voltage_kv or derived))
    rated = work.rule("low_voltage_rated_kv") if voltage == low_kv else voltage
    current = load_kw / (sqrt(3) * rated * work.rule("power_factor"))
    work.say(_("计算电流 {current:.0f} 安;没有可核实的载流量表,电缆截面未知"), current=current)
    return {"voltage_kv": derived}


def _telecom(work: _Work) -> Derived | None:
    if not work.wants("cables"):
        return None
    work.formula = _("孔数 = 缆数 + 备用孔")
    holes = ceil(work.read("cables")) + work.rule("spare_holes")
    work.say(_("{holes:g} 孔"), holes=holes)
    return {"duct_holes": holes}


# Utilities that lie in ducts: an outer diameter is that of a duct and tells no nominal size.
_IN_DUCTS = ("power", "telecom")
_METHODS: Mapping[str, Callable[[_Work], Derived | None]] = {
    "water": _water,
    "sewage": _sewage,
    "storm": _storm,
    "gas": _gas,
    "power": _power,
    "telecom": _telecom,
}


# --- pipes ---------------------------------------------------------------------------------------


def _material(pipe: Pipe) -> str:
    standards = load_standards()
    return standards.materials.name(pipe.material) or standards.usual_material[pipe.utility]


def _is_plastic(pipe: Pipe) -> bool:
    return _material(pipe) in PLASTICS


def _sizes(pipe: Pipe) -> list[tuple[float, float]]:
    """Standard sizes of the pipe's material: nominal size in mm, outside diameter in m."""
    steps = load_pipe_sizes().pipes.get(_material(pipe), ())
    return [(nominal, outside[0]) for nominal, outside in steps]


def _bore_m(work: _Work, nominal_mm: float, outer_m: float) -> float:
    """Inside diameter of a pressure pipe: of plastics, which are named by their outside, that less
    two walls, else the nominal size.
    """
    if not _is_plastic(work.pipe):
        return nominal_mm / 1000
    return outer_m * (1 - 2 * work.rules.settings["plastic_wall_share"].value)
