"""Which utility a CAD layer holds, by its name; its colour by CJJ 61 is only a hint to people.

Data: ``dxf_layers.csv``. Codes stand at the beginning of a name (JS, JSLINE, JS-管线), words
anywhere in it, Latin ones as whole words. A name that speaks of two utilities tells none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from language import gettext as _
from layers.fields import fold
from layers.survey_columns import rows_of
from layers.utilities import load_utilities

# What drawings of surveys put behind the code: its lines, points, texts and marks.
_BEHIND_A_CODE = r"(?:line|point|text|mark|lines|points|pt|ln|zj|gx|gd|zh|$|[^a-z])"


@cache
def utility_of_layer(name: str) -> str | None:
    """Return the utility that a layer's name tells, None if it tells none or more than one."""
    text = fold(name)
    words = set(re.findall(r"[a-z]+", text))
    found = {row["utility"] for row in rows_of("dxf_layers.csv") if _speaks_of(text, words, row)}
    return found.pop() or None if len(found) == 1 else None


def _speaks_of(text: str, words: set[str], row: Mapping[str, str]) -> bool:
    codes = "|".join(fold(code) for code in row["codes"].split("|"))
    if re.match(f"(?:{codes}){_BEHIND_A_CODE}", text):
        return True
    return any(
        word in words if word.isascii() else word in text
        for word in map(fold, row["words"].split("|"))
    )


def layer_notes(
    told: Mapping[str, str | None], counts: Mapping[str, int], colours: Mapping[str, str]
) -> tuple[str, ...]:
    """Say which layers were taken for which utility, and which could not be told."""
    known = [f"{name}→{utility}({counts[name]})" for name, utility in told.items() if utility]
    unknown = [
        f"{name}({counts[name]}{_hint(colours.get(name, ''))})"
        for name, utility in told.items()
        if not utility
    ]
    notes = [_("按图层名认定专业:{}").format(_("、").join(known))] if known else []
    if unknown:
        notes.append(
            _("图层名看不出专业:{}。请用 --source-layer 图层名 --set utility=专业 分别导入").format(
                _("、").join(unknown)
            )
        )
    return tuple(notes)


def _hint(colour: str) -> str:
    names = [
        one.zh
        for one in load_utilities().values()
        if "#{:02x}{:02x}{:02x}".format(*one.cjj61_rgb) == colour
    ]
    return _(",颜色同 CJJ 61 {}").format(_("、").join(names)) if names else ""
