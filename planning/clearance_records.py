"""What a clearance is told as: gap, table value, status and one Chinese sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planning.standards import TableValue
from planning.texts import gettext as _

STATUSES = ("fail", "uncertain", "pass", "no_table_value", "unknown")

# Less than this is printed as nothing.
_PRINTED_M = 0.005
# Gaps equal to the table pass: far below a millimetre, floats decide.
EQUAL_M = 1e-6


@dataclass(frozen=True)
class Clearance:
    """One pair: the new line and one thing near it. Metres; None is unknown.

    ``gap_m`` is between outer faces, negative where they would overlap; where a size is unknown
    it is the most that the gap can be. ``margin_m`` is the gap less what is required.
    """

    against: str
    layer: str
    id: str | None
    utility: str | None
    direction: str
    gap_m: float | None
    required_m: float | None
    margin_m: float | None
    tolerance_m: float | None
    status: str
    ref: str | None
    source: str | None
    confidence: str | None
    xy: tuple[float, float] | None
    text: str


def count_statuses(clearances: Iterable[Clearance]) -> dict[str, int]:
    """How many pairs there are of every status."""
    counted = Counter(one.status for one in clearances)
    return {status: counted[status] for status in STATUSES}


def overlaps(one: Clearance) -> bool:
    """Whether a pair that fails would lie on each other, seen from above or at a crossing."""
    return one.status == "fail" and one.gap_m is not None and one.gap_m < -EQUAL_M


def judge_gap(
    gap_m: float | None, tolerance_m: float | None, value: TableValue, *, exact: bool = True
) -> str:
    """Status of a gap against a table's value; bounds pass.

    ``exact`` False: a size is unknown and the gap can only be smaller than given. An unknown
    tolerance can settle nothing.
    """
    if value.value_m is None:
        return "no_table_value"
    if gap_m is None:
        return "unknown"
    if tolerance_m is None:
        return "uncertain"
    least = value.value_m if value.least_m is None else value.least_m
    if gap_m + tolerance_m < least - EQUAL_M:
        return "fail"
    surely = exact and gap_m - tolerance_m >= value.value_m - EQUAL_M
    return "pass" if surely else "uncertain"


def sentence(one: Clearance, name: str, exact: bool) -> str:
    """What the pair is, in one sentence; ``exact`` is False where a size is unknown."""
    way = _("交叉") if one.direction == "crossing" else _("平行")
    if one.status == "no_table_value":
        return _("与{name}{way}:表中没有这一项").format(name=name, way=way)
    if one.gap_m is None:
        what = _("埋深未知") if exact else _("管径或埋深未知")
        return _("与{name}交叉:{what},竖向净距无从核对,请探明").format(name=name, what=what)
    words = {
        "fail": _("低于表列净距,需采取措施"),
        "pass": _("满足表列净距"),
        "uncertain": _why_uncertain(one, exact),
    }[one.status]
    told = _("与{name}{way}净距 {gap:.2f} 米,表列 {required:.2f} 米:{words}")
    if one.gap_m <= -_PRINTED_M:
        told = _("与{name}{way},{where}重叠 {gap:.2f} 米,表列净距 {required:.2f} 米:{words}")
    where = _("竖向") if one.direction == "crossing" else _("平面上")
    return told.format(
        name=name, way=way, where=where, gap=abs(one.gap_m), required=one.required_m, words=words
    )


def _why_uncertain(one: Clearance, exact: bool) -> str:
    if not exact:
        return _("外形尺寸未知,按已知的最小尺寸量,实际更小,不能确定")
    if one.tolerance_m is None:
        drawn = _("图上低于表列净距") if (one.margin_m or 0) < -EQUAL_M else _("图上满足")
        if one.direction == "crossing":
            return _("{drawn},埋深精度未知,请探明").format(drawn=drawn)
        return _("{drawn},位置精度未知,请实测").format(drawn=drawn)
    return _("在误差 ±{m:.2f} 米之内,不能确定,请实测").format(m=one.tolerance_m)


def unimported(against: str, layer: str, utility: str | None, name: str) -> Clearance:
    """The entry of a layer, or of one utility's network, that was never imported."""
    text = _("{name}没有导入,净距无从核对").format(name=name)
    blank: Any = dict.fromkeys(
        ("id", "gap_m", "required_m", "margin_m", "tolerance_m", "ref", "source", "confidence")
    )
    return Clearance(
        against, layer, utility=utility, direction="parallel", status="unknown", xy=None,
        text=text, **blank,
    )  # fmt: skip
