"""What the address of the page says: the case in hand and the language, to be linked or reloaded.

The page writes its case into the address. An address that the page did not write was opened as a
link, or is one that the visitor went back to: then the page takes its case from there.
"""

from __future__ import annotations

import streamlit as st

from language import LANGUAGES, speak
from language import gettext as _
from ui.county import County

_LANGUAGE, _APPLICATION, _PARCEL = "lang", "application", "parcel"
_WRITTEN = "address"  # in the session: the address as this page wrote it last
_LONGEST = 80  # characters of an id that a message repeats


def speak_to_visitor() -> None:
    """Speak the language that the visitor chose, here or by the address; else the usual one."""
    named = st.query_params.get(_LANGUAGE)
    if named in LANGUAGES and _is_foreign():
        st.session_state["language"] = named
    speak(st.session_state.get("language"))


def take_case(county: County) -> None:
    """Take the case that the address names, where it is not the page that wrote it there.

    The page forgets its case too while another one is shown: the select box is gone then. Of a
    case that does not exist ``not_found`` of the session tells.
    """
    if "opened" in st.session_state and not _is_foreign():
        return
    application, parcel = (st.query_params.get(name) for name in (_APPLICATION, _PARCEL))
    parcels = county.survey.get("parcels")
    has_case = application in county.applications
    has_parcel = not application and parcels is not None and parcel in parcels.index
    missing = None
    if application and not has_case:
        missing = _("没有这份报装申请:{}").format(application[:_LONGEST])
    elif parcel and not application and not has_parcel:
        missing = _("没有这块宗地:{}").format(parcel[:_LONGEST])
    named = (_APPLICATION, application) if has_case else (_PARCEL, parcel) if has_parcel else None
    st.session_state["opened"] = named
    st.session_state["not_found"] = missing
    st.session_state["asking"] = False


def case_in_hand() -> tuple[str | None, str | None]:
    """Ids of the application and of the parcel in hand: at most one of them."""
    kind, key = st.session_state.get("opened") or (None, None)
    return key if kind == _APPLICATION else None, key if kind == _PARCEL else None


def open_application(application_id: str) -> None:
    """Take an application in hand."""
    st.session_state["opened"] = _APPLICATION, application_id
    look_at(gently=False)


def to_start() -> None:
    """Leave whatever is in hand for the list of applications."""
    st.session_state["opened"] = None
    look_at(gently=True)


def look_at(*, gently: bool) -> None:
    """Ask the map to move to the case: once, and only as far as needed if ``gently``."""
    st.session_state["asking"] = False
    st.session_state["not_found"] = None
    st.session_state["focus"] = (st.session_state.get("focus", (0, True))[0] + 1, gently)
    st.session_state["chosen"] = None


def write_case() -> None:
    """Write the case in hand into the address, and the language if the visitor chose one."""
    application, parcel = case_in_hand()
    write_language({_APPLICATION: application, _PARCEL: parcel})


def without_case() -> dict[str, str]:
    """What the address of the start says: all but the case."""
    told = st.query_params.to_dict()
    return {name: value for name, value in told.items() if name not in (_APPLICATION, _PARCEL)}


def write_language(case: dict[str, str | None] | None = None) -> None:
    """Write the language into the address; what else stands there stays, but for a ``case``."""
    named = {_LANGUAGE: st.session_state.get("language")} | (case or {})
    told = {**st.query_params.to_dict(), **named}
    told = {name: value for name, value in told.items() if value}
    if told != st.query_params.to_dict():
        st.query_params.from_dict(told)
    st.session_state[_WRITTEN] = told


def _is_foreign() -> bool:
    """Whether the address is not as this page wrote it."""
    return st.query_params.to_dict() != st.session_state.get(_WRITTEN, {})
