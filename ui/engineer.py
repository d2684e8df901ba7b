"""The engineer's bench: the map, the case in hand, its verdicts and its shared trench."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_folium import st_folium

from api import tokens
from api.drawn_routes import pen
from language import gettext as _
from language import spoken
from layers.utilities import load_utilities
from planning.policies import load_policy
from ui import panel
from ui.address import (
    case_in_hand,
    look_at,
    open_application,
    speak_to_visitor,
    take_case,
    write_case,
)
from ui.bar import bar, configure
from ui.case_drawing import awaited_drawing, case_drawing, pen_for
from ui.case_marks import case_marks
from ui.comparison import comparison, eligibility
from ui.county import County, application_faults, application_title, data_note, open_county
from ui.downloads import plan_downloads, screening_downloads
from ui.drawn_routes import keep_door
from ui.maps import case_group, town_map
from ui.notes import alarm
from ui.open_questions import open_questions
from ui.planning_service import (
    REFUSALS,
    is_preparing,
    keep_ready,
    plan_of_application,
    plan_of_parcel,
)
from ui.screened_county import ScreenedCounty, screening_in_force
from ui.screened_panel import first_answer
from ui.shared_trench import shared_trench
from ui.surroundings import surroundings
from ui.verdict_detail import verdict_detail
from ui.view import View
from ui.whole_screening import screening_offer, screening_progress
from ui.words import Words

log = logging.getLogger(__name__)
_MAP_HEIGHT_PX = 640  # before the style sheet fits the map to the window


def engineer_page(workspace: Path, pages: Sequence[Any] = ()) -> None:
    """Show the bench for one workspace; tokens for its layers are issued for its path."""
    speak_to_visitor()
    configure(_("同沟 · 路由规划"))
    _bench(workspace, pages)


@st.fragment(run_every=tokens.RENEW_S)
def _bench(workspace: Path, pages: Sequence[Any]) -> None:
    speak_to_visitor()
    try:
        county = open_county(workspace)
    except REFUSALS as error:
        with st.container(key="alarm"):
            alarm(_("工作区打不开"), str(error))
        return
    keep_ready(county)
    take_case(county)
    write_case()
    _choosing(bar(pages, _("路由规划"), synthetic=county.survey.synthetic), county)
    with st.container(key="bench"):
        map_side, case_side = st.columns([65, 35], gap=None)
    screening = screening_in_force(workspace, county)
    # A link or a reload: the map needs no plan, and is there before it.
    is_first = "mapped" not in st.session_state and _parcel_in_hand(county) is not None
    st.session_state["mapped"] = True
    if is_first:
        with map_side, st.container(key="town"):
            _map(county, _awaited(county), None, str(workspace), screening)
    with case_side, st.container(key="case"):
        screening_progress(workspace)
        plan, title, is_default = _planned(county, workspace, screening)
        if is_first and plan:
            st.rerun()
        view = _panel(county, workspace, plan, title, is_default=is_default) if plan else None
    if not is_first:
        with map_side, st.container(key="town"):
            _map(county, _drawing(view), view, str(workspace), screening)


def _choosing(place: DeltaGenerator, county: County) -> None:
    """The box in the bar: applications first, then parcels, each found by its id or its name."""
    place.selectbox(
        _("报装申请"),
        list(county.cases),
        index=None,
        key="opened",
        placeholder=_("选择报装申请或宗地(编号、名称),或点击地图上的宗地"),
        label_visibility="collapsed",
        format_func=lambda case: county.cases[case],
        on_change=_choose_case,
        args=(county,),
    )


def _choose_case(county: County) -> None:
    """Look at what was chosen; of a parcel with an application, at this."""
    _application, parcel = case_in_hand()
    if parcel is not None:
        st.session_state["opened"] = county.case_of(parcel)
    look_at(gently=False)


def _choose_parcel(county: County) -> None:
    """Take the parcel under the click on the map; a click beside all parcels changes nothing."""
    click = (st.session_state.get("map") or {}).get("last_clicked")
    if not click or click == st.session_state.get("last_click"):
        return
    st.session_state["last_click"] = click
    parcel = county.parcel_at(click["lat"], click["lng"])
    if parcel is None or parcel == _parcel_in_hand(county):
        return
    st.session_state["opened"] = county.case_of(parcel)
    look_at(gently=True)


def _parcel_in_hand(county: County) -> str | None:
    """The parcel that is shown already: a click on it only runs the page again."""
    selected, parcel = case_in_hand()
    if selected in county.applications:
        return str(county.applications[selected]["parcel_id"])
    return parcel


def _planned(
    county: County, workspace: Path, screening: ScreenedCounty | None
) -> tuple[dict[str, Any] | None, str, bool]:
    """The plan of what is selected, its title, and whether its demand is only the default."""
    selected, parcel = case_in_hand()
    try:
        with _meanwhile(county, screening, selected, parcel), st.spinner(_waiting_words()):
            if selected is not None:
                plan = plan_of_application(selected, county)
                return plan, application_title(county.applications[selected]), False
            if parcel is not None:
                plan = plan_of_parcel(parcel, date.today(), county)
                return plan, _("默认需求试算"), True
    except REFUSALS as error:
        alarm(_("无法计算"), str(error))
    except Exception:
        log.exception("plan failed for application %s, parcel %s", selected, parcel)
        alarm(_("计算出错"), _("方案未能算出,已记入日志。请换一个申请,或联系管理员。"))
    else:
        if st.session_state.get("asking"):
            _asking(county, workspace)
        else:
            _empty(county, workspace, screening)
    return None, "", False


@contextmanager
def _meanwhile(
    county: County, screening: ScreenedCounty | None, selected: str | None, parcel: str | None
) -> Iterator[None]:
    """What the screening says of a case that was just chosen, until its plan is there."""
    case = selected, parcel
    if selected is not None:
        parcel, title = (
            county.applications[selected]["parcel_id"],
            application_title(county.applications[selected]),
        )
    else:
        title = _("默认需求试算")
    is_new = st.session_state.get("told") != case
    lines = screening.of(parcel, selected) if screening and parcel and is_new else []
    if not lines or screening is None:
        yield
        return
    place = st.empty()
    place.html(first_answer(screening, lines, title))
    try:
        yield
    finally:
        place.empty()
    st.session_state["told"] = case


def _waiting_words() -> str:
    """What a visitor waits for; a plan after a start or an edit waits for the corridors."""
    if is_preparing():
        return _("正在准备管线走廊(系统刚启动时约半分钟,数据改动后数秒),随后算出方案…")
    return _("正在计算外线方案…")


def _empty(county: County, workspace: Path, screening: ScreenedCounty | None) -> None:
    """Nothing is selected yet: say what to do and list the open applications."""
    if missing := st.session_state.get("not_found"):
        alarm(_("链接中的案件打不开"), missing + _("。请核对链接,或在此另选。"))
    number = len(county.applications)
    count = f"{number} {_('件,地图上深色边框')}" if number else _("暂无")
    st.html(
        f'<div class="tg-empty"><h2 class="tg-title">{_("尚未选择")}</h2>'
        f"<p>{_what_to_do(county)}</p></div>"
    )
    if county.applications and county.survey.has("parcels"):
        _ask_button()
    screening_offer(workspace, county, screening)
    screening_downloads(screening)
    st.html(f"<h3>{_('在办申请')}<small>{count}</small></h3>")
    if faults := application_faults(workspace):
        alarm(_("有申请读不出,未列入"), "\n".join(faults))
    with st.container(key="cases"):
        for key, application in county.applications.items():
            st.button(
                application_title(application),
                key=f"case-{key}",
                type="tertiary",
                width="stretch",
                on_click=open_application,
                args=(key,),
            )


def _ask_button() -> None:
    """Gathered on request: every application is planned for it."""
    words = _("汇总各案待查事项,一处作答")
    st.button(words, key="ask", type="tertiary", on_click=_ask, args=(True,))


def _ask(asking: bool) -> None:
    """Leave the case in hand for the questions of all cases, or these for the list of cases."""
    st.session_state["opened"] = None
    st.session_state["asking"] = asking


def _asking(county: County, workspace: Path) -> None:
    """What all applications wait for, and the place to answer."""
    st.button("← " + _("返回在办申请"), key="back", type="tertiary", on_click=_ask, args=(False,))
    try:
        with st.spinner(_("正在汇总全部申请的待查事项…")):
            open_questions(county, workspace)
    except REFUSALS as error:
        alarm(_("无法计算"), str(error))
    except Exception:
        log.exception("the questions of the county could not be gathered")
        alarm(_("计算出错"), _("待查事项未能汇总,已记入日志。请联系管理员。"))


def _what_to_do(county: County) -> str:
    """The first step that is open in this workspace."""
    if not county.survey.has("parcels"):
        return _("工作区还没有宗地。请先到「数据」页导入宗地、道路和管网图层。")
    if not county.applications:
        return _("在地图上点一块宗地,按默认需求试算。")
    return _("在地图上点一块宗地,或选一件报装申请。")


def _panel(
    county: County, workspace: Path, plan: Mapping[str, Any], title: str, *, is_default: bool
) -> View:
    """The case panel; gives the view that the map shall show too."""
    words = Words(load_policy(county.survey.county))
    view = View(plan, load_utilities(), words, road_names=county.road_names)
    st.html(panel.heading(plan, title, default_demand=is_default))
    if view.routed:
        with st.container(key="ways", horizontal=True, vertical_alignment="center"):
            view = replace(view, joint=_ways(view))
    summary = st.container()
    view = replace(view, chosen=_chosen(view))
    summary.html(
        panel.figures(view) + panel.lines_table(view) + panel.obstacles(view) + panel.notices(view)
    )
    if view.chosen:
        line = next(one for one in view.wanted if one["utility"] == view.chosen)
        st.html(_about(view, line))
        _withdrawing(workspace, view, line)
    st.html(shared_trench(view) + panel.questions(view))
    if view.plan["questions"] and county.applications:
        _ask_button()
    rests_on = panel.assumptions(view) + panel.never_covered(view)
    if rests_on:
        st.html(rests_on)
    plan_downloads(view, county.survey.crs)
    return view


def _about(view: View, line: Mapping[str, Any]) -> str:
    """Everything about one line: its verdict, what would cure it, its routes, what it meets."""
    alone = [eligibility(view, line), comparison(view, line), surroundings(view, line)]
    if line["status"] != "routed":
        return panel.unroutable(view, line) + "".join(alone[1:])
    if view.joint and any(alone):
        told = _("以下是各自敷设的推荐路由的情况:")
        alone = [f'<p class="tg-soft tg-alone">{told}</p>', *alone]
    return verdict_detail(view, line) + "".join(alone)


def _withdrawing(workspace: Path, view: View, line: Mapping[str, Any]) -> None:
    """Let a drawn route, or either of two feeds, be withdrawn; its history stays."""
    manual, refused = line.get("manual"), st.session_state.pop("not_withdrawn", None)
    if refused:
        alarm(_("未撤回"), refused)
    if not manual:
        return
    asked = {"application_id": view.plan["application_id"], "utility": line["utility"]}
    nothing = {"line": None, "note": "", "language": spoken()}
    second = manual.get("second_drawn")
    buttons = {manual.get("feed", 1): (_("撤回手绘路由"), manual)}
    if second:
        buttons = {1: (_("撤回手绘第一路"), manual), 2: (_("撤回手绘第二路"), second)}
    with st.container(key="withdrawing", horizontal=True, vertical_alignment="center"):
        st.text_input(
            _("撤回人"),
            key="withdrawn_by",
            max_chars=80,
            placeholder=_("撤回人"),
            label_visibility="collapsed",
            width=150,
        )
        for feed, (words, shown) in buttons.items():
            named = {"feed": feed, "drawing_id": shown["drawing_id"]}
            st.button(
                words,
                key="withdraw" if len(buttons) == 1 else f"withdraw-{feed}",
                on_click=_withdraw,
                args=(workspace, {**asked, **nothing, **named}),
            )


def _withdraw(workspace: Path, asked: Mapping[str, Any]) -> None:
    """Withdraw the drawn route that is shown; what stands against it is told above the button."""
    author = (st.session_state.get("withdrawn_by") or "").strip()
    status, answer = keep_door(workspace)({**asked, "author": author})
    if status != 200:
        st.session_state["not_withdrawn"] = answer["message"]


def _ways(view: View) -> bool:
    """Switches for what the map shows; gives whether the shared trench is meant.

    One that has no room is shown only to who asks for it, whatever was chosen of other cases.
    """
    choice = False
    if view.shares:
        fits = view.plan["joint"]["fits"] is not False
        picked = st.segmented_control(
            _("方案"),
            [True, False],
            default=fits,
            key="joint" if fits else "joint_without_room",
            label_visibility="collapsed",
            format_func=lambda shared: _("共沟方案") if shared else _("各自敷设"),
        )
        choice = fits if picked is None else picked
    st.toggle(_("显示作业带"), key="strips")
    return choice


def _chosen(view: View) -> str | None:
    """The line whose grounds shall be shown in full."""
    chosen: str | None = st.pills(
        _("逐项查看依据"),
        [line["utility"] for line in view.wanted],
        key="chosen",
        format_func=view.name,
    )
    return chosen


def _awaited(county: County) -> dict[str, Any]:
    """What the map shows of a case before its plan is there."""
    parcel, parcels = _parcel_in_hand(county), county.survey.get("parcels")
    if parcels is None or parcel not in parcels.index:
        return case_marks(None) | case_drawing(None)
    geometry = parcels.geometry[parcel]
    return case_marks(None) | awaited_drawing(parcel, geometry, county.survey.crs)


def _drawing(view: View | None) -> dict[str, Any]:
    number, gently = st.session_state.get("focus", (0, True))
    return case_marks(view) | case_drawing(
        view, strips=bool(st.session_state.get("strips")), focus=str(number), gently=gently
    )


def _map(
    county: County,
    drawing: dict[str, Any],
    view: View | None,
    token_name: str,
    screening: ScreenedCounty | None,
) -> None:
    st_folium(
        town_map(
            county.bounds,
            set(county.layers),
            load_utilities(),
            note=data_note(county),
            middle=county.middle,
        ),
        key="map",
        height=_MAP_HEIGHT_PX,
        use_container_width=True,
        returned_objects=["last_clicked"],
        feature_group_to_add=case_group(
            drawing,
            tokens.issue(token_name),
            pen_for(view, tokens.issue(pen(token_name))),
            screening.for_map() if screening else None,
        ),
        on_change=lambda: _choose_parcel(county),
    )
