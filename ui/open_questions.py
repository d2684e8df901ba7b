"""Open questions of all applications, and the one place where they are answered."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

from api.escape import esc
from language import gettext as _
from layers.answers import NOTHING, Answer
from layers.edits import Edit, said, taken_back_words
from layers.errors import AnswerError
from layers.fields import Field, layer_definition
from layers.store import Workspace
from layers.survey import LayerVersion
from layers.utilities import load_utilities
from planning.policies import load_policy
from planning.questions import APPLICATION, WHOLE_LAYER
from ui import words
from ui.address import open_application
from ui.county import County
from ui.planning_service import REFUSALS, questions_of_county
from ui.view import View
from ui.words import Words

log = logging.getLogger(__name__)
_NAMED = 3  # applications named in a row
_SHOWN = 8  # questions in sight, those that settle most; the others fold away


def open_questions(county: County, workspace: Path) -> None:
    """Show what the applications wait for, and take an answer for all of them."""
    done = st.session_state.pop("answered", None)
    if done:
        st.html(f'<p class="tg-note-none">{esc(done)}</p>')
    found = questions_of_county(county)
    view = View({"utilities": []}, load_utilities(), Words(load_policy(county.survey.county)))
    asked = found[found["subject_kind"] != APPLICATION]
    st.html(_listed(view, county, asked))
    if not asked.empty:
        _answering(view, county, workspace, asked)
    _left_to_applicants(view, found)
    _given(view, county, workspace)


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
        f'<br><span class="tg-soft">{esc(names)} · {esc(_briefly(_texts(one["case_ids"])))}'
        "</span></td>"
        f'<td class="n">{one["cases"]}</td><td class="n">{one["settles_cases"]}</td></tr>'
    )


def _briefly(cases: Sequence[str]) -> str:
    """The first applications of several; all of them stand beside the answer as buttons."""
    told = _("、").join(cases[:_NAMED])
    return told if len(cases) <= _NAMED else _("{} 等").format(told)


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


def _left_to_applicants(view: View, found: pd.DataFrame) -> None:
    """What only an application can say: to be filled in there."""
    own = found[found["subject_kind"] == APPLICATION]
    if own.empty:
        return
    with st.expander(f"{_('须在申请中补填')} {len(own)}"):
        where = _("由报装申请写明:在申请文件(applications/编号.json)中补填后,本页随即更新。")
        st.html(f'<p class="tg-soft">{where}</p>')
        with st.container(key="owed"):
            for case, name in sorted(set(zip(own["subject_id"], own["field"], strict=True))):
                told = f"{case} {view.words.field(APPLICATION, name)}"
                st.button(
                    told,
                    key=f"owes-{case}-{name}",
                    type="tertiary",
                    on_click=open_application,
                    args=(case,),
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
    with st.container(key="asking", horizontal=True, vertical_alignment="center"):
        st.html(f'<span class="tg-soft">{_("涉及申请")}</span>')
        for case in _texts(one["case_ids"]):
            st.button(
                case, key=f"asks-{case}", type="tertiary", on_click=open_application, args=(case,)
            )
    # a form of its own for every question and after every answer: what was refused stays in it
    with st.form(f"answer {chosen} {st.session_state.get('answers', 0)}", border=False):
        value = _value(one)
        author = st.text_input(_("核实人"), max_chars=80)
        note = st.text_input(_("依据或说明"), max_chars=400)
        sent = st.form_submit_button(_("保存,各案生效"), type="primary")
    if sent:
        answer = Answer(str(one["subject"]), str(one["field"]), value)
        version = county.survey.versions.get(answer.layer)
        asked_of = version.version if version else 0
        about = subject(view, county, one)
        _store(workspace, replace(answer, version=asked_of), about, author, note)


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
    hint = _("如 {}").format("2016-09-10") if field.type == "date" else words.unit(field.unit)
    text = st.text_input(name, placeholder=hint, max_chars=80)
    # a day and a word in its place contradict each other: both together are refused as no day
    offered = field.allowed if field.type == "date" else ()
    chosen = [word for word in offered if st.checkbox(field.spelled(word))]
    return " ".join(filter(None, [text.strip(), *chosen]))


def _store(workspace: Path, answer: Answer, about: str, author: str, note: str) -> None:
    """Store an answer and show the questions that are left; say what stands against it."""
    if not author.strip():
        _refused(_("请写明核实人。"))
        return
    with _telling(about):
        edits = Workspace.open(workspace).answer([answer], author=author, note=note)
        _done(_("已保存 {} 处,各案按新值重算。").format(len(edits)))


@contextmanager
def _telling(about: str) -> Iterator[None]:
    """Say in words of the page why nothing was stored, if so."""
    try:
        yield
    except AnswerError as error:
        _refused(f"{about}{_(':')}{error.reason}")
    except REFUSALS as error:
        _refused(str(error))
    except OSError:
        log.exception("an answer could not be stored")
        _refused(_("读写工作区出错,没有保存任何改动。请联系管理员。"))


def _done(told: str) -> None:
    """Begin anew with empty forms, and with what was done above them."""
    st.session_state["answered"] = told
    st.session_state["answers"] = st.session_state.get("answers", 0) + 1
    st.rerun()


def _refused(text: str) -> None:
    st.html(f'<p class="tg-note-warn"><b>{_("未保存")}</b> {esc(text)}</p>')


# --- the answers that were given ------------------------------------------------------------------


def _given(view: View, county: County, workspace: Path) -> None:
    """The answers in force, each with who gave it, and a way to take one back."""
    answers = _in_force(str(workspace), tuple(county.survey.versions.values()))
    if not answers:
        return
    with st.expander(f"{_('已答')} {len(answers)}"):
        rows = "".join(f"<li>{esc(_told(view, county, one))}</li>" for one in answers)
        st.html(f'<ul class="tg-questions">{rows}</ul>')
        own = [one for one in answers if not one.is_of_layer]
        if not own:
            return
        with st.form(f"withdraw {st.session_state.get('answers', 0)}", border=False):
            wanted = st.selectbox(
                _("收回"),
                own,
                index=None,
                placeholder=_("选择要收回的答案"),
                format_func=lambda one: _told(view, county, one),
            )
            author = st.text_input(_("收回人"), max_chars=80)
            note = st.text_input(_("原因"), max_chars=400)
            sent = st.form_submit_button(_("收回,恢复原值"))
        if sent:
            _take_back(workspace, wanted, author, note)


@lru_cache(maxsize=4)
def _in_force(workspace: str, versions: tuple[LayerVersion, ...]) -> list[Edit]:
    """The answers that layers hold in these versions, the newest first."""
    opened = Workspace.open(workspace)
    found = [one for version in versions for one in opened.held(version)]
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def _told(view: View, county: County, one: Edit) -> str:
    """An answer in words: 道路 小河路(R-7) 大修日期 = 从未大修(张工 2026-11-30)."""
    if one.is_of_layer:
        told = _("本县没有此类对象") + said(replace(one, new=""))
        return f"{words.SUBJECTS['layer']} {words.layer(one.layer)}{_(':')}{told}"
    kind = next((kind for kind, layer in words.FIELD_LAYERS.items() if layer == one.layer), "layer")
    about = {"subject_kind": kind, "subject_id": one.feature_id, "field": one.field}
    return f"{subject(view, county, about)} = {said(one)}"


def _take_back(workspace: Path, answer: Edit | None, author: str, note: str) -> None:
    if answer is None or not author.strip():
        _refused(_("请选择要收回的一项,并写明收回人。"))
        return
    with _telling(taken_back_words(answer)):
        Workspace.open(workspace).withdraw(answer, author=author, note=note)
        _done(taken_back_words(answer))
