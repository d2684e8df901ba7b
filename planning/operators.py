"""Operators 运营商: one name for each, however it is written.

Table: ``rules/operators.csv``, a name and what else it is called. An operator that it does not hold
is called as it is written, wide letters and spaces aside.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from planning.rule_files import read_rows


def operator_named(text: str) -> str:
    """The one name of an operator.

    >>> operator_named(" 中国移动 "), operator_named("甲 公司")
    ('移动', '甲公司')
    """
    plain = _plain(text)
    return _names().get(plain, plain)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    rows = read_rows("operators.csv", ("operator", "aliases"))
    return {
        _plain(name): row["operator"]
        for row in rows
        for name in (row["operator"], *row["aliases"].split("|"))
    }
