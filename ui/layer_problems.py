"""What is wrong with the layers of a county: a table, and each problem on the map."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from api.escape import esc
from layers.checks import check
from ui import words
from ui.case_drawing import Placer, case_drawing
from ui.case_marks import case_marks
from ui.county import County
from ui.language import gettext as _
from ui.notes import told

_MARKED = 1_000  # more marks would stall a phone
_NEAR_M = 60.0  # what is shown round a problem that was chosen


def layer_problems(county: County, _workspace: Path) -> None:
    """Show the problems of all layers; the one that is chosen is shown on the map."""
    with st.spinner(_("正在核对全部图层…")):
        found = problems_of(county)
    st.html(f"<h3>{_('问题')}<small>{_('选一行,地图跳到该处')}</small></h3>")
    if found.empty:
        told(_("未发现问题。"))
        return
    st.html(_summary(found))
    shown = _narrowed(found)
    event: Any = st.dataframe(
        _rows(shown),
        hide_index=True,
        width="stretch",
        height=320,
        on_select="rerun",
        selection_mode="single-row",
        key="problem_rows",
    )
    chosen = event.selection.rows
    at = None if not chosen else int(shown.index[chosen[0]])
    if at != st.session_state.get("problem"):
        st.session_state["problem"] = at
        st.session_state["problem_focus"] = st.session_state.get("problem_focus", 0) + 1
    if at is not None:
        _about(found.loc[at])


def problem_drawing(county: County, *, shown: bool) -> dict[str, Any]:
    """Marks of all problems that have a place, and the view of the one that is chosen."""
    drawing = case_drawing(None) | case_marks(None)
    if not shown:
        return drawing
    found = problems_of(county)
    placed = found[found["x"].notna() & found["y"].notna()].head(_MARKED)
    place = Placer(county.survey.crs)
    drawing["clearances"] = [
        {
            "at": place.point((one["x"], one["y"])),
            "status": "fail" if one["severity"] == "error" else "uncertain",
            "label": esc(f"{one['feature_id'] or ''} {one['rule']}"),
        }
        for one in placed.to_dict("records")
    ]
    chosen = st.session_state.get("problem")
    if chosen in placed.index:
        x, y = placed.loc[chosen, ["x", "y"]]
        corners = [(x - _NEAR_M, y - _NEAR_M), (x + _NEAR_M, y + _NEAR_M)]
        drawing["bounds"] = [place.point(corner) for corner in corners]
        drawing["focus"] = f"problem {st.session_state.get('problem_focus', 0)}"
    return drawing


def problems_of(county: County) -> pd.DataFrame:
    """The problems of a county's layers, worked out once for their versions."""
    return _problems(_Checked(county))


class _Checked:
    """A county's survey as the key of a cache: the same if its layers are the same."""

    def __init__(self, county: County) -> None:
        self.survey = county.survey
        self._key = tuple(sorted((k, one.sha256) for k, one in county.survey.versions.items()))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Checked) and other._key == self._key


@lru_cache(maxsize=2)
def _problems(checked: _Checked) -> pd.DataFrame:
    return check(checked.survey).reset_index(drop=True)


def _summary(found: pd.DataFrame) -> str:
    counts = found.groupby("layer", sort=False)["severity"].value_counts()
    rows = "".join(
        f"<tr><td>{esc(words.layer(str(layer)))}</td>"
        f'<td class="n">{counts.get((layer, "error"), 0)}</td>'
        f'<td class="n">{counts.get((layer, "warning"), 0)}</td></tr>'
        for layer in dict.fromkeys(found["layer"])
    )
    return (
        f'<table class="tg-small"><thead><tr><th>{_("图层")}</th><th class="n">{_("错误")}</th>'
        f'<th class="n">{_("提醒")}</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _narrowed(found: pd.DataFrame) -> pd.DataFrame:
    layers = list(dict.fromkeys(found["layer"]))
    chosen = st.selectbox(
        _("图层"),
        [None, *layers],
        key="problem_layer",
        format_func=lambda name: _("全部") if name is None else words.layer(name),
    )
    return found if chosen is None else found[found["layer"] == chosen]


def _rows(shown: pd.DataFrame) -> pd.DataFrame:
    severity = shown["severity"].map({"error": _("错误"), "warning": _("提醒"), "note": _("提示")})
    return pd.DataFrame(
        {
            _("程度"): severity.fillna(shown["severity"]),
            _("图层"): shown["layer"].map(words.layer),
            _("编号"): shown["feature_id"],
            _("问题"): shown["rule"],
        }
    )


def _about(one: pd.Series) -> None:
    where = [words.layer(one["layer"]), one["feature_id"]]
    where += [one["field"], one["value"]]
    told(
        " ".join(str(part) for part in where if not pd.isna(part))
        + f"\n{one['rule']}\n{one['cure']}"
    )
