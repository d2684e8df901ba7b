"""The open applications and what the county's policy says of each.

Outcome and clause of every case are written here from the words of the policy and from the value
that the case is built for; no verdict code is asked. Each boundary case comes with its neighbour
just past the limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIG_DATE = "2026-11-22"
DRAINAGE = ("sewage", "storm")

# outcome and clause by utility: every condition of the clause is met, or one is not
MET = {
    "water": ("commitment", "四(四)(1)"),
    "sewage": ("commitment", "四(四)(2)"),
    "storm": ("commitment", "四(四)(2)"),
    "gas": ("commitment", "四(四)(3)"),
    "power": ("commitment_filing", "四(四)(6)"),
    "telecom": ("commitment", "四(四)(5)"),
}
PAST = {
    "water": ("ordinary_approval", "四(四)(1)"),
    "sewage": ("ordinary_approval", "四(四)(2)"),
    "storm": ("ordinary_approval", "四(四)(2)"),
    "gas": ("ordinary_approval", "四(四)(3)"),
    "power": ("commitment", "四(四)(4)"),
    "telecom": ("ordinary_approval", "四(四)(5)"),
}
OPEN = {utility: ("undetermined", clause) for utility, (_, clause) in MET.items()}
BARRED = ("blocked", "城市道路管理条例第33条")
UNTOUCHED = ("not_required", "")
OUTSIDE = ("not_covered", "二(一)")
DECLINED = ("ordinary_approval", "国办发〔2020〕42号")
UNROUTED = ("", "")

ENTERPRISE = {"investment_kind": "enterprise", "enterprise_percent": 100, "hazardous_goods": False}
GOVERNMENT = {"investment_kind": "government", "enterprise_percent": 0, "hazardous_goods": False}


@dataclass(frozen=True)
class Slide:
    """What ``solving`` moves until the measure is the target: a gate, or the end of a lawn.

    ``growth`` is how much the measure grows for a metre of chainage, about. The gate moves, or
    else the free end of the lawn before the lot, from chainage ``lawn_m``.
    """

    measure: str
    target: str
    growth: float = 0.0
    lawn_m: float | None = None


@dataclass(frozen=True)
class Case:
    """One application: its lot, what it wants, and what is expected of each utility."""

    number: int
    lot: str
    project_name: str
    demands: Mapping[str, Mapping[str, Any]]
    expected: Mapping[str, tuple[str, str]]
    gate_m: float | None = None
    slide: Slide | None = None
    project: Mapping[str, Any] = field(default_factory=lambda: ENTERPRISE)
    subject_kind: str | None = None
    work_kind: str = "new"
    declines: tuple[str, ...] = ()

    @property
    def application_id(self) -> str:
        """Return the number of the application, 报装 of 2026."""
        return f"BZ-2026-{self.number:03d}"


def _water(nominal_mm: int | None) -> dict[str, Any]:
    return {"water": {"nominal_mm": nominal_mm, "material": "PE"}}


def _gas(nominal_mm: int = 100) -> dict[str, Any]:
    return {"gas": {"nominal_mm": nominal_mm, "pressure_mpa": 0.2, "material": "PE"}}


def _power(voltage_kv: float = 10) -> dict[str, Any]:
    return {"power": {"voltage_kv": voltage_kv, "duct_holes": 3, "duct_outer_diameter_mm": 110,
                      "laying": "conduit", "material": "MPP"}}  # fmt: skip


def _telecom(holes: int = 2, outer_diameter_mm: int = 110) -> dict[str, Any]:
    return {"telecom": {"duct_holes": holes, "duct_outer_diameter_mm": outer_diameter_mm,
                        "laying": "conduit", "material": "PVC"}}  # fmt: skip


SEWAGE = {"sewage": {"nominal_mm": 300, "material": "HDPE"}}
STORM = {"storm": {"nominal_mm": 400, "material": "HDPE"}}


def _all(table: Mapping[str, tuple[str, str]], *utilities: str) -> dict[str, tuple[str, str]]:
    return {utility: table[utility] for utility in utilities}


def _mixed(percent: float | None) -> dict[str, Any]:
    return {"investment_kind": "mixed", "enterprise_percent": percent, "hazardous_goods": False}


NEIGHBOURS = [
    Case(1, "N2", "兰台花园住宅小区新装",
         {**_water(150), **SEWAGE, **STORM, **_gas(), **_power(), **_telecom()},
         {**_all(MET, "water", "gas", "power", "telecom"), **_all(PAST, *DRAINAGE)},
         subject_kind="household"),
    Case(2, "N1", "兰台广场商住综合体新装",
         {**_water(200), **SEWAGE, **STORM, **_gas(150), **_power(), **_telecom()},
         {**_all(MET, "water", "gas", "power", "telecom"), **_all(PAST, *DRAINAGE)},
         subject_kind="other", project=_mixed(60)),
    Case(3, "N3", "兰台酒店新装",
         {**_water(150), **SEWAGE, **_gas(), **_power(), **_telecom()},
         {**_all(MET, "water", "gas", "power", "telecom"), **_all(PAST, "sewage")},
         subject_kind="other"),
    Case(4, "N4", "兰台大厦(县属办公楼)新装",
         {**_water(100), **SEWAGE, **_power(), **_telecom()},
         {**_all(MET, "water", "telecom"), **_all(PAST, "sewage", "power")},
         subject_kind="other", project=GOVERNMENT),
]  # fmt: skip

LIMITS = [
    Case(5, "X1", "育才中学新校区供水", _water(200), _all(MET, "water"), 146,
         Slide("pipe_length_m", "200.00", -1), GOVERNMENT),
    Case(6, "X3", "学府商业中心供水", _water(200), _all(PAST, "water"), 146,
         Slide("pipe_length_m", "200.01", -1)),
    Case(7, "S1", "新城花园供水", _water(300), _all(MET, "water"), 235,
         Slide("max_dn_mm", "300")),
    Case(8, "S2", "新城综合体供水", _water(350), _all(PAST, "water"), 274,
         Slide("max_dn_mm", "350")),
    Case(9, "F1", "芳草雅苑供水", _water(200), _all(MET, "water"), 165,
         Slide("green_affected_m2", "200.00", -1.8, 49)),
    Case(10, "F2", "芳草花园供水", _water(200), _all(PAST, "water"), 190,
         Slide("green_affected_m2", "200.01", 1.8, 181)),
    Case(11, "X6", "城北医院供气", _gas(), _all(MET, "gas"), 574,
         Slide("construction_length_m", "200.00", 1), GOVERNMENT),
    Case(12, "X8", "城北家园供气", _gas(), _all(PAST, "gas"), 574,
         Slide("construction_length_m", "200.01", 1)),
    Case(13, "S5", "政务服务中心通信接入", _telecom(2), _all(MET, "telecom"), 425,
         Slide("duct_holes", "2"), GOVERNMENT),
    Case(14, "S6", "新城酒店通信接入", _telecom(3), _all(PAST, "telecom"), 467,
         Slide("duct_holes", "3")),
    Case(15, "S4", "新城购物中心通信接入", _telecom(1, 110), _all(MET, "telecom"), 372,
         Slide("duct_outer_diameter_mm", "110")),
    Case(16, "S16", "天桥村安置点通信接入", _telecom(2, 125), _all(PAST, "telecom"), 560,
         Slide("duct_outer_diameter_mm", "125"), GOVERNMENT),
    Case(17, "X2", "数据中心通信接入", _telecom(), _all(MET, "telecom"), 95,
         Slide("pipe_length_m", "200.00", -1)),
    Case(18, "X7", "云计算服务中心通信接入", _telecom(), _all(PAST, "telecom"), 625,
         Slide("pipe_length_m", "200.01", 1)),
    Case(19, "L1", "绿茵商务中心通信接入", _telecom(), _all(MET, "telecom"), 152,
         Slide("green_temporary_m2", "200.00", -1.8, 37)),
    Case(20, "L2", "绿茵社区服务中心通信接入", _telecom(), _all(PAST, "telecom"), 165,
         Slide("green_temporary_m2", "200.01", 1.8, 159), GOVERNMENT),
    Case(21, "S3", "新城大厦低压供电", _power(0.4), _all(MET, "power"), 338,
         Slide("crossing_red_line_m", "50.00")),
    Case(22, "B3", "创新大厦低压供电", _power(0.4), _all(PAST, "power"), 490,
         Slide("crossing_red_line_m", "50.01")),
    Case(23, "B2", "新能源电池厂专线供电", _power(), _all(MET, "power"), 855,
         Slide("line_length_m", "800.00", 1)),
    Case(24, "B1", "精密制造产业园专线供电", _power(), _all(PAST, "power"), 846,
         Slide("line_length_m", "800.01", 1)),
]  # fmt: skip

OTHERS = [
    Case(25, "S7", "金穗商场供电(企业出资51%)", _power(), _all(MET, "power"),
         project=_mixed(51)),
    Case(26, "S8", "金穗大厦供电(企业出资50%)", _power(), _all(PAST, "power"),
         project=_mixed(50)),
    Case(27, "S9", "商会大厦供电(投资主体待补)", _power(), _all(OPEN, "power"),
         project={"hazardous_goods": False}),
    Case(28, "S10", "烟花爆竹批发市场供电", _power(), _all(PAST, "power"),
         project={**ENTERPRISE, "hazardous_goods": True}),
    Case(29, "L4", "绿茵新村供电增容", _power(), {"power": DECLINED},
         work_kind="capacity_increase", declines=("power",)),
    Case(30, "S14", "会展名邸供水(管径待定)", _water(None), _all(OPEN, "water")),
    Case(31, "H1", "小河新村供水改造", _water(100), _all(OPEN, "water"), work_kind="rebuild"),
    Case(32, "Y2", "迎新小区供水", _water(100), {"water": BARRED}),
    Case(33, "Y1", "迎新家园供水", _water(100), {"water": BARRED}),
    Case(34, "D1", "古渡商场供水", _water(100), {"water": BARRED}),
    Case(35, "U1", "老窑厂地块临时用水用电", {**_water(100), **_power()},
         {"water": UNROUTED, "power": UNROUTED}, work_kind="temporary"),
    Case(36, "town", "城东安置房供水与通信", {**_water(100), **_telecom()},
         {"water": OUTSIDE, "telecom": OUTSIDE}, project=GOVERNMENT),
    Case(37, "E1", "和园一期供水", _water(100), {"water": UNTOUCHED}, 50),
    Case(38, "S11", "云台茶叶加工厂排水", {**SEWAGE, **STORM}, _all(PAST, *DRAINAGE), 408,
         subject_kind="other"),
    Case(39, "S12", "夜市小餐饮街排水", {**SEWAGE}, _all(MET, "sewage"),
         subject_kind="six_small_trade", project={"investment_kind": "person"}),
    Case(40, "S13", "安置房工地雨水排放", {**STORM}, _all(MET, "storm"),
         subject_kind="construction_site_without_sewage", work_kind="temporary"),
    Case(41, "S17", "会展中心工地排水", {**SEWAGE}, _all(PAST, "sewage"),
         subject_kind="construction_site_with_sewage", work_kind="temporary"),
    Case(42, "X4", "学府雅苑居民排水", {**SEWAGE}, _all(PAST, "sewage"),
         subject_kind="household"),
    Case(43, "S15", "会展花园供水(DN600)", _water(600), {"water": UNROUTED}),
]  # fmt: skip

CASES = [*NEIGHBOURS, *LIMITS, *OTHERS]


def start_values() -> tuple[dict[int, float], dict[str, float]]:
    """Return the chainages that solving starts from: of gates by case, of lawn ends by lot."""
    gates = {case.number: case.gate_m for case in CASES if case.gate_m is not None}
    slides = {case.lot: case.slide for case in CASES if case.slide}
    lawns = {lot: one.lawn_m for lot, one in slides.items() if one.lawn_m is not None}
    return gates, lawns
