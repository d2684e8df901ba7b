"""Open questions of all applications, and the one place where they are answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from api.escape import esc
from language import gettext as _
from layers.answers import NOTHING, Answer
from layers.fields import Field, layer_definition
from layers.store import Workspace
from layers.utilities import load_utilities
from planning.policies import load_policy
from planning.questions import APPLICATION, WHOLE_LAYER
from ui import words
from ui.county import County
from ui.planning_service import REFUSALS, questions_of_county
from ui.view import View
from ui.words import Words

log = logging.getLogger(__name__)
_SHOWN = 8  # questions in sight, those that settle most; the others fold away


def open_questions(county: County, workspace: Path) -> None:
    """Show what the applications wait for, and take an answer for all of them."""
    done = st.session_state.pop("answered", None)
    if done:
        st.html(f'<p class="tg-note-none">{esc(done)}</p>')
    found = questions_of_county(county)
    view = View({"utilities": []}, load_utilities(), Words(load_policy(county.survey.county)))
    asked = found[found["subject_kind"] != APPLICATION]
    st.html(_listed(view, county, asked) + _left_to_applicants(view, found))
    if not asked.empty:
        _answering(view, county, workspace, asked)


# --- what is asked --------------------------------------------------------------------------------


def _listed(view: View, county: County, asked: pd.DataFrame) -> str:
    """What one answer would settle, for all cases: most first."""
    head = f"<h3>{_('待查事项')}<small>{_('答一次,各案通用')}</small></h3>"
    if asked.empty:
        return f'{head}<p class="tg-soft">{_("没有待查的道路、管线或图层。")}</p>'
    rows = [_row(view, county, one) for one in _records(asked)]
    rest = rows[_SHOWN:]
    folded = f"<details><summary>{_('其余')} {len(rest)}</summary>{_table(rest)}</details>"
    counted = _("「答后可定」:只差这一项的申请数。")
    note = f'<p class="tg-soft">{counted}</p>'
    return head + _table(rows[:_SHOWN]) + (folded if rest else "") + note


def _records(asked: pd.DataFrame) -> list[Mapping[str, object]]:
    return list(asked.to_dict("records"))  # type: ignore[arg-type]


def _table(rows: Sequence[str]) -> str:
    return (
        f'<table class="tg-small tg-asked"><thead><tr><th>{_("待查")}</th>'
        f'<th class="n">{_("涉及申请")}</th><th class="n">{_("答后可定")}</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(view: View, county: County, one: Mapping[str, object]) -> str:
    names = _("、").join(view.name(str(key)) for key in _texts(one["utilities"]))
    return (
        f"<tr><td>{esc(subject(view, county, one))}"
        f'<br><span class="tg-soft">{esc(names)}</span></td>'
        f'<td class="n">{one["cases"]}</td><td class="n">{one["settles_cases"]}</td></tr>'
    )


def subject(view: View, county: County, one: Mapping[str, object]) -> str:
    """What is asked, in words: 道路 人民路(R-1) 通车日期."""
    kind, name = str(one["subject_kind"]), str(one["subject_id"])
    if kind == "layer":
        name = words.layer(name)
    elif kind == "road" and name in county.road_names:
        name = county.road_names[name] + _("({})").format(name)
    return f"{words.SUBJECTS.get(kind, kind)} {name} {_field_name(view, one)}"


def _field_name(view: View, one: Mapping[str, object]) -> str:
    field = field_of(one)
    if one["subject_kind"] != "layer" or field is None:
        return view.words.field(str(one["subject_kind"]), str(one["field"]))
    return field.label


def _left_to_applicants(view: View, found: pd.DataFrame) -> str:
    """What only an application can say: to be filled in there."""
    own = found[found["subject_kind"] == APPLICATION]
    if own.empty:
        return ""
    rows = "".join(
        f"<li><b>{esc(one['subject_id'])}</b> "
        f"{esc(view.words.field(APPLICATION, str(one['field'])))}</li>"
        for one in _records(own)
    )
    return (
        f"<details><summary>{_('须在申请中补填')} {len(own)}</summary>"
        f'<ul class="tg-questions">{rows}</ul></details>'
    )


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else []


# --- the answer -----------------------------------------------------------------------------------


def field_of(one: Mapping[str, object]) -> Field | None:
    """The field of a layer that a question asks for; None where the whole layer is missing."""
    kind, name = str(one["subject_kind"]), str(one["field"])
    layer = str(one["subject_id"]) if kind == "layer" else words.FIELD_LAYERS.get(kind)
    if layer is None or name == WHOLE_LAYER:
        return None
    return next((each for each in layer_definition(layer).fields if each.name == name), None)


def _answering(view: View, county: County, workspace: Path, asked: pd.DataFrame) -> None:
    """One form for all questions; what it stores is a new version of a layer."""
    by_name = {f"{one['subject']} {one['field']}": one for one in _records(asked)}
    st.html(f"<h3>{_('作答')}<small>{_('存为图层的新版本,记下核实人')}</small></h3>")
    chosen = st.selectbox(
        _("待查"),
        list(by_name),
        key="question",
        format_func=lambda name: subject(view, county, by_name[name]),
    )
    one = by_name[chosen]
    with st.form(f"answer {chosen}", clear_on_submit=True, border=False):
        value = _value(one)
        author = st.text_input(_("核实人"), max_chars=80)
        note = st.text_input(_("依据或说明"), max_chars=400)
        sent = st.form_submit_button(_("保存,各案生效"), type="primary")
    if sent:
        answer = Answer(str(one["subject"]), str(one["field"]), value)
        version = county.survey.versions.get(answer.layer)
        asked_of = version.version if version else 0
        _store(workspace, replace(answer, version=asked_of), author, note)


def _value(one: Mapping[str, object]) -> str:
    """The answer as text, in the way that its field takes it."""
    field = field_of(one)
    name = _("答案")
    if field is None:
        nothing = _("本县没有此类对象;有则请导入该图层")
        return str(st.selectbox(name, [NOTHING], format_func=lambda _value: nothing))
    if field.type == "boolean":
        told = {"true": _("是"), "false": _("否")}
        return str(st.radio(name, list(told), format_func=told.__getitem__, horizontal=True))
    if field.type == "enum":
        options = [value for value in field.allowed if value != "unknown"]
        return str(st.selectbox(name, options, format_func=field.spelled))
    hint = "2026-11-22" if field.type == "date" else words.unit(field.unit)
    text = st.text_input(name, placeholder=hint, max_chars=80)
    # a day and a word in its place contradict each other: both together are refused as no day
    offered = field.allowed if field.type == "date" else ()
    chosen = [word for word in offered if st.checkbox(field.spelled(word))]
    return " ".join(filter(None, [text.strip(), *chosen]))


def _store(workspace: Path, answer: Answer, author: str, note: str) -> None:
    """Store an answer and show the questions that are left; say what stands against it."""
    if not author.strip():
        _refused(_("请写明核实人。"))
        return
    try:
        edits = Workspace.open(workspace).answer([answer], author=author, note=note)
    except REFUSALS as error:
        _refused(str(error))
    except OSError:
        log.exception("an answer could not be stored")
        _refused(_("读写工作区出错,没有保存任何改动。请联系管理员。"))
    else:
        st.session_state["answered"] = _("已保存 {} 处,各案按新值重算。").format(len(edits))
        st.rerun()


def _refused(text: str) -> None:
    st.html(f'<p class="tg-note-warn"><b>{_("未保存")}</b> {esc(text)}</p>')
