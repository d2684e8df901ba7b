"""Words of the reports on problems, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from layers.check_rules import check_rules

# Severity to its name and meaning, Chinese and English; the gravest first.
SEVERITIES: Mapping[str, tuple[str, str, str, str]] = {
    "error": ("错误", "Error", "该行不能入库", "the row cannot be stored"),
    "warning": (
        "提醒",
        "Warning",
        "很可能有误,照原样使用,须有人核对",
        "probably wrong; used as it is until somebody has looked",
    ),
    "note": ("提示", "Note", "可能无误,请留意", "may be right; worth a look"),
}


def rule_names(rule: str) -> tuple[str, str]:
    """Return the Chinese and English name of a rule; a text that is no rule stands for itself."""
    known = check_rules().get(rule)
    return (rule, rule) if known is None else (known.zh, known.en)
