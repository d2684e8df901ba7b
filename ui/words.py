"""Chinese words for the codes that plans and verdicts carry.

Names of measures, facts and permits come from the policy, names of survey fields from the
layers; here stand only the words that belong to the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from language import gettext as _
from language import said
from layers.fields import layer_definition
from planning.comparisons import rounded
from planning.policy_model import Policy
from planning.questions import WHOLE_LAYER

QUALIFYING = ("commitment", "commitment_filing", "not_required")


def head(text: str) -> str:
    """A text at the head of a row or a column: with a capital, in a language that has them."""
    return text[:1].upper() + text[1:]


def qualifies(verdict: Mapping[str, Any]) -> bool:
    """Whether a line qualifies whichever of the outcomes results that still can."""
    return all(outcome in QUALIFYING for outcome in verdict["possible"])


CERTAINTY = said(
    {
        "firm": "确定",
        "too_close": "太接近限值,待测",
        "depends_on_reading": "取决于条文口径",
        "rests_on_unverified": "依据待核",
        "not_assessed": "未评估测量误差",
    }
)

# What an application is asked for that is no input of a verdict.
_DEMAND_FIELDS = said({"feeds": "路数", "operators": "运营商"})

# What a status means depends on what was asked: a limit, a bar, or whether a permit is needed.
_STATUS = {
    "condition": said({"met": "符合", "failed": "不符合"}),
    "scope": said({"met": "在范围内", "failed": "不在范围"}),
    "guard": said({"met": "未触发", "failed": "触发"}),
    "not_required": said({"met": "不涉及", "failed": "涉及"}),
    "advisory": said({"met": "无", "failed": "注意"}),
}
KINDS = said(
    {
        "condition": "条款",
        "guard": "限制",
        "scope": "适用范围",
        "not_required": "涉及许可",
        "advisory": "提示",
    }
)

APART = said(
    {
        "side": "两路各走街道一侧",
        "edges": "两路不共用路段",
        "none": "两路有共用路段",
    }
)
HANDOVERS = said(
    {
        "meter_well": "水表井",
        "meter_box": "表箱",
        "switching_room": "配电间",
        "equipment_room": "设备间",
        "last_well": "末端井",
    }
)

LAND_USES = said(
    {
        "residential": "居住",
        "commercial": "商业",
        "office": "办公",
        "education": "教育",
        "medical": "医疗",
        "industrial": "工业",
        "logistics": "物流仓储",
        "public": "公共服务",
        "utility": "公用设施",
        "green": "绿地",
        "mixed": "混合",
    }
)

SURFACES = said(
    {
        "footway": "人行道",
        "verge": "绿化带",
        "asphalt": "沥青路面",
        "concrete": "水泥路面",
        "paver": "砖铺路面",
        "gravel": "碎石路面",
        "earth": "土路",
        "unknown": "路面未知",
    }
)

_UNITS = said({"m2": "m²", "holes": "孔", "pipes": "根"})
_TWO_DECIMALS = ("m", "m²")  # as letters print them

_VALUES = said(
    {
        "construction_site_without_sewage": "无污水产生的工地",
        "construction_site_with_sewage": "有污水产生的工地",
        "six_small_trade": "六小行业",
        "household": "居民",
        "other": "其他",
        "new": "新装",
        "rebuild": "改建",
        "capacity_increase": "增容",
        "temporary": "临时",
        "main_extension": "干管延伸",
        "relocation": "迁改",
        "maintenance": "维修",
        "never": "从未发生",
    }
)

_COMPARATORS = said(
    {
        "at_most": "≤ {}",
        "at_least": "≥ {}",
        "below": "< {}",
        "above": "> {}",
        "is": "{}",
        "is_not": "不是{}",
        "is_one_of": "{}",
        "not_after_years": "{} 之后",
    }
)

SUBJECTS = said(
    {
        "road": "道路",
        "layer": "图层",
        "line": "管线",
        "application": "报装申请",
        "node": "管线点",
        "parcel": "宗地",
        "county": "县区",
    }
)
FIELD_LAYERS = {"road": "roads", "line": "lines", "node": "nodes", "parcel": "parcels"}

CONFIDENCE = said({"verified": "已核", "inferred": "推断", "recalled": "待核", "assumed": "假定"})

# Other readings of unclear words: what each switch of the policy would mean.
_READINGS = said(
    {
        ("power_other", "not_low_voltage"): "低压接入不在其列",
        ("power_other", "void"): "第(4)项无量化条件,不适用",
        ("green_union", "sum"): "两类面积相加",
        ("green_union", "each"): "两类面积分别计算",
        ("water_length", "route_once"): "平行管只计一次",
        ("gas_length", "all_pipe"): "各管长度相加",
        ("crossing_extent", "kerb"): "只计路缘石之间",
        ("crossing_extent", "longest_kerb"): "只计最长一处(路缘石之间)",
        ("investor_of", "line_works"): "看外线工程由谁投资",
        ("duct_bound", "holes_at_110"): "孔数只限外径恰为 110 mm 者",
        ("duct_length", "new_ducts"): "只计新建管道,不计利用的既有管孔",
        ("multibore", "pipe"): "梅花管按一孔计",
        ("scope_and", "either"): "城区之外已覆盖的也适用",
    }
)


@dataclass(frozen=True)
class Words:
    """Names of inputs and permits under one policy."""

    policy: Policy

    def input(self, name: str) -> str:
        """Name of a measure or fact."""
        known = self.policy.inputs.get(name)
        return _(known.zh) if known else name

    def unit(self, name: str) -> str:
        """Unit of a measure, empty where it has none."""
        known = self.policy.inputs.get(name)
        return unit(known.unit) if known else ""

    def outcome(self, key: str) -> str:
        """Name of an outcome, in the policy's own words."""
        return _(self.policy.outcomes.get(key) or key)

    def permit(self, key: str) -> str:
        """Name of a permit."""
        return next((_(one.zh) for one in self.policy.permits if one.id == key), key)

    def reading(self, switch: str, value: str) -> tuple[str, str]:
        """The unclear words of the policy, and how this reading takes them."""
        known = self.policy.switches.get(switch)
        quote = known.quote if known and known.quote else switch
        return quote, _READINGS.get((switch, value), value)

    def field(self, subject_kind: str, name: str) -> str:
        """Name of the field that a question asks for."""
        if subject_kind == "layer":
            whole = name == WHOLE_LAYER
            return _("尚未导入") if whole else _("有的没有填在用状态,须逐条核实")
        layer = FIELD_LAYERS.get(subject_kind)
        fields = layer_definition(layer).fields if layer else ()
        known = next((one.label for one in fields if one.name == name), None)
        known = known or _DEMAND_FIELDS.get(name)
        return self.input(name) if known is None else known


def unit(code: str | None) -> str:
    """A unit as a person would write it."""
    return _UNITS.get(code or "", code or "")


def source(text: str) -> str:
    """Where a value comes from; the rules name tables of standards in English."""
    return text.replace(" table ", _(" 表 "))


def data_class(code: str) -> str:
    """The class of a layer's data."""
    named = {"public": _("公开"), "internal": _("内部"), "sensitive": _("敏感")}
    return named.get(code, code)


def layer_entry(name: str) -> str:
    """Name of a layer as an entry of a list or a table."""
    return head(layer(name))


def layer(name: str) -> str:
    """Name of a layer."""
    try:
        return _(layer_definition(name).zh)
    except ValueError:
        return name


def status(finding: Mapping[str, object]) -> str:
    """What a finding says, in one word."""
    words = _STATUS.get(str(finding["kind"]), _STATUS["condition"])
    return words.get(str(finding["status"]), _("未知"))


def limit(finding: Mapping[str, object]) -> str:
    """Limit of a finding with its comparator; a dash where it has none."""
    if finding.get("limit") is None:
        return "—"
    pattern = _COMPARATORS.get(str(finding.get("comparator")), "{}")
    return pattern.format(value(finding["limit"]))


def value(value: object, unit: str = "") -> str:
    """A value as a person would write it; None is 未知, true and false are 是 and 否."""
    if value is None:
        return _("未知")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, (int, float)):
        text = f"{(rounded(value, Decimal('0.01')) or Decimal(0)) + 0:,.2f}".replace("-", "−")
        return text if unit in _TWO_DECIMALS else text.rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return _("、").join(dict.fromkeys(_VALUES.get(str(one), _word(one)) for one in value))
    return _VALUES.get(str(value), str(value))


def _word(one: object) -> str:
    return _("未知") if one is None else str(one)


def margin(finding: Mapping[str, Any], unit: str = "") -> str:
    """Room left to the limit, negative past it; in days where the limit is a day."""
    room = finding.get("margin")
    if room is None:
        return "—"
    days = f" {_('天')}" if finding.get("comparator") == "not_after_years" else ""
    return value(room, unit) + days
