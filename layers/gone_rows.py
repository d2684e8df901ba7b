"""Rows that go 缺失的行: what a layer had and the file that replaces it does not bring again.

A file of one district put over the layer of a county reads well row by row; only beside the version
before it can be seen that it is a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from language import gettext as _
from layers.errors import LayerError

_NAMED = 5  # ids in a sentence; the others are counted


@dataclass(frozen=True)
class Gone:
    """The rows of a layer that its next version has no more.

    ``before`` counts the rows that the layer had in its ``version``; ``ids`` are those of them that
    go, in their order; ``cases`` the applications whose parcels are among them.
    """

    version: int = 0
    before: int = 0
    ids: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()

    @property
    def is_most(self) -> bool:
        """Whether more than half of the layer goes: then the file is rather a part than news."""
        return 2 * len(self.ids) > self.before

    @property
    def told(self) -> str:
        """What goes, in a sentence; empty for nothing."""
        if not self.ids:
            return ""
        said = _("第 {} 版的 {} 行中有 {} 行新版不再有({})").format(
            self.version, self.before, len(self.ids), _named(self.ids)
        )
        if not self.cases:
            return said
        return said + _(",{} 件在办申请因此没有宗地({})").format(
            len(self.cases), _named(self.cases)
        )


NOTHING_GONE = Gone()


def gone(
    version: int,
    before: pd.Index,
    after: pd.Index,
    applications: Iterable[Mapping[str, Any]] = (),
) -> Gone:
    """Return the rows that a version had ``before`` and that are not there ``after``.

    ``applications`` are asked for a layer of parcels only. Both indexes hold the ids of rows.
    """
    ids = tuple(map(str, before[~before.isin(after)]))
    lost = set(ids)
    cases = (str(one["application_id"]) for one in applications if one.get("parcel_id") in lost)
    return Gone(version, len(before), ids, tuple(cases))


def refuse_emptied(lost: Gone, rows: int, file: str) -> None:
    """Raise ``LayerError`` for a file without a single row where the layer has some."""
    if lost.ids and not rows:
        raise LayerError(
            _(
                "文件 {}:其中没有一行数据,而图层现有 {} 行,未导入任何内容。"
                "请核对导出范围和所选图层;确要清空图层的,加 --accept-empty。"
            ).format(file, lost.before)
        )


def emptiness(rows: int) -> Sequence[str]:
    """That a layer without rows is known to be empty from now on, and no more unknown."""
    return [] if rows else [_("文件没有一行数据:从此视为本县没有此类对象")]


def _named(names: tuple[str, ...]) -> str:
    told = _("、").join(names[:_NAMED])
    return told if len(names) <= _NAMED else _("{} 等").format(told)
