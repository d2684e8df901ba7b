"""How the page gets a plan; the only module of the page that knows the planner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import streamlit as st

from layers.survey import Survey
from planning.application import default_application, parse_application
from planning.plan import plan
from planning.policies import load_policy


def plan_of_application(document: Mapping[str, Any], survey: Survey) -> dict[str, Any]:
    """Plan JSON of an application on the survey as it is now.

    Raises
    ------
    ValueError
        The application cannot be planned; the message is for the user.
    """
    return _application_plan(json.dumps(document, sort_keys=True), _versions(survey), survey)


def plan_of_parcel(parcel_id: str, dig_date: date, survey: Survey) -> dict[str, Any]:
    """Plan JSON of a parcel without an application, on the usual demand of its land use."""
    return _parcel_plan(parcel_id, dig_date, _versions(survey), survey)


def _versions(survey: Survey) -> tuple[tuple[str, str], ...]:
    """Hashes of the layers: what a remembered plan rests on, beside the application."""
    return tuple((name, version.sha256) for name, version in sorted(survey.versions.items()))


@st.cache_data(max_entries=300, show_spinner=False)
def _application_plan(
    document: str, versions: tuple[tuple[str, str], ...], _survey: Survey
) -> dict[str, Any]:
    application = parse_application(json.loads(document))
    return plan(application, _survey, load_policy(_survey.county)).to_json()


@st.cache_data(max_entries=300, show_spinner=False)
def _parcel_plan(
    parcel_id: str, dig_date: date, versions: tuple[tuple[str, str], ...], _survey: Survey
) -> dict[str, Any]:
    parcels = _survey.tables["parcels"]
    land_use = parcels["land_use"].get(parcel_id)
    application = default_application(parcel_id, land_use, dig_date)
    return plan(application, _survey, load_policy(_survey.county)).to_json()
