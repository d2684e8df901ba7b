"""How the page gets a plan; the only module of the page that knows the planner.

Plans and the groundwork under them are kept in memory, by the application's text and the
hashes of the layers. What is given out is shared: read it, do not change it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from threading import Lock, Thread
from typing import Any

import pandas as pd
from shapely.geometry import LineString

from gis.crs import CrsError
from gis.garbage import leave_alone
from language import spoken
from layers.errors import LayerError, ReadError, WorkspaceError
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.application import (
    Application,
    ApplicationError,
    default_application,
    parse_application,
)
from planning.batch import screen
from planning.county_questions import questions_of_cases
from planning.groundwork import Groundwork, placed, prepare
from planning.local_edits import edited
from planning.plan import Plan, plan
from planning.policies import load_policy
from planning.texts import in_words
from ui.county import County

log = logging.getLogger(__name__)
# Errors whose message is for the user; any other is a fault of ours.
REFUSALS = (ApplicationError, CrsError, LayerError, ReadError, WorkspaceError)
_GATE_KEYS = ("application_id", "parcel_id", "gate")
_one_at_a_time = Lock()  # groundwork takes seconds and much memory: never twice at once
_latest: list[Groundwork] = []  # at most one: an edit is built anew only where it reaches
_wanted: list[County] = []  # at most one: the county that was to be made ready last


def plan_of_application(application_id: str, county: County) -> dict[str, Any]:
    """Plan JSON of an open application.

    Raises
    ------
    ApplicationError, CrsError, LayerError, WorkspaceError
        The application or a layer cannot be used; the message is for the user.
    """
    request = json.dumps(county.applications[application_id])
    return _said(request, _Held(county), date.today(), spoken())


def judge_drawn_line(
    application_id: str, utility: str, line: LineString, county: County, feed: int = 1
) -> dict[str, Any]:
    """A line drawn for an application, of two feeds either, judged: see ``Plan.judge_drawn``.

    Raises
    ------
    ApplicationError, CrsError, LayerError, WorkspaceError
        As :func:`plan_of_application`; the message is for the user.
    """
    made = _plan(json.dumps(county.applications[application_id]), _Held(county))
    return in_words(made.judge_drawn(utility, line, feed))


def questions_of_county(county: County) -> pd.DataFrame:
    """What the verdicts of all applications wait for: see ``county_questions``.

    Raises
    ------
    CrsError, LayerError, WorkspaceError
        As :func:`plan_of_application`; the message is for the user.
    """
    return _questions(json.dumps(list(county.applications.values())), _Held(county))


def plan_of_parcel(parcel_id: str, dig_date: date, county: County) -> dict[str, Any]:
    """Plan JSON of a parcel without an application, on the usual demand of its land use."""
    request = json.dumps([parcel_id, dig_date.isoformat()])
    return _said(request, _Held(county), date.today(), spoken())


def is_preparing() -> bool:
    """Tell whether the groundwork is being made; a plan asked for now must wait for it."""
    return _one_at_a_time.locked()


def keep_ready(county: County) -> None:
    """Take an edit in while its map is drawn, so that a click after it need not wait for it.

    Nothing where no county was made ready before: a server does that when it starts.
    """
    if _wanted and _wanted[0] is not county:
        _wanted[:] = [county]
        Thread(target=warm_up, args=(county,), daemon=True).start()


def warm_up(county: County) -> None:
    """Prepare what the first plan would otherwise wait for; problems are only logged.

    A county that another one has taken the place of by the time that it is its turn is left out.
    """
    _wanted[:] = [county]
    try:
        with _one_at_a_time:
            if _wanted[0] is not county:
                return
            groundwork = _groundwork(_Held(county))
            for utility in load_utilities():
                groundwork.tie_ins(utility)
        leave_alone()
    except REFUSALS as error:
        log.warning("the planner waits for better data: %s", error)
    except Exception:
        log.exception("could not prepare the planner")


class _Held:
    """A county as the key of a cache: the same if its layers and gates are the same.

    Whatever else an application says, the groundwork stays: a route that is drawn and kept must
    not make everybody wait for the corridors again.
    """

    def __init__(self, county: County) -> None:
        self.survey: Survey = county.survey
        self.documents = tuple(county.applications.values())
        hashes = sorted((name, one.sha256) for name, one in county.survey.versions.items())
        gates = [[one.get(key) for key in _GATE_KEYS] for one in self.documents]
        self._key = json.dumps([hashes, gates], sort_keys=True)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other._key == self._key


@lru_cache(maxsize=200)
def _said(request: str, held: _Held, today: date, _language: str) -> dict[str, Any]:
    """The document in the language that is spoken."""
    return in_words(_document(request, held, today))


@lru_cache(maxsize=200)
def _document(request: str, held: _Held, today: date) -> dict[str, Any]:
    return _plan(request, held).told_on(today).to_json()


@lru_cache(maxsize=50)
def _plan(request: str, held: _Held) -> Plan:
    asked = json.loads(request)
    application = _default(held, *asked) if isinstance(asked, list) else parse_application(asked)
    policy = load_policy(held.survey.county)
    with _one_at_a_time:
        groundwork = _groundwork(held)
    return plan(application, held.survey, policy, corridors=groundwork)


@lru_cache(maxsize=1)
def _questions(documents: str, held: _Held) -> pd.DataFrame:
    applications = [one for one in map(_readable, json.loads(documents)) if one is not None]
    with _one_at_a_time:
        groundwork = _groundwork(held)
    return questions_of_cases(screen(groundwork, applications, geometry=False))


@lru_cache(maxsize=1)
def _groundwork(held: _Held) -> Groundwork:
    """Corridors with the gates of all applications that can be read and fit their parcels."""
    applications = [one for one in map(_readable, held.documents) if one is not None]
    known, refused = placed(held.survey, applications)
    for error in refused:  # the case says so when it is opened
        log.warning("gate left out of the groundwork: %s", error)
    policy = load_policy(held.survey.county)
    before = _latest.pop() if _latest else None
    if before is not None and before.policy is policy and before.survey.crs == held.survey.crs:
        made = edited(before, held.survey, known).work
    else:
        made = prepare(held.survey, policy, known)
    _latest.append(made)
    return made


def _readable(document: Mapping[str, Any]) -> Application | None:
    try:
        return parse_application(document)
    except ApplicationError as error:
        log.warning("application left out of the groundwork: %s", error)
        return None


def _default(held: _Held, parcel_id: str, day: str) -> Application:
    land_use = held.survey.tables["parcels"]["land_use"].get(parcel_id)
    return default_application(parcel_id, land_use, date.fromisoformat(day))
