"""How the page gets a plan; the only module of the page that knows the planner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import streamlit as st

from layers.survey import Survey
from planning.plan import plan
from planning.policies import load_policy


@st.cache_data(max_entries=300, show_spinner=False)
def _plan(application: str, versions: str, _survey: Survey) -> dict[str, Any]:
    """Plan of an application; the cache key is its text and the hashes of the layers."""
    policy = load_policy(_survey.county)
    answer: dict[str, Any] = plan(json.loads(application), _survey, policy).to_json()
    return answer


def plan_for(application: Mapping[str, Any], survey: Survey) -> dict[str, Any]:
    """Plan JSON of an application on the survey as it is now, from memory if it was asked before.

    Raises
    ------
    ValueError
        The application cannot be planned; the message is for the user.
    """
    versions = {name: version.sha256 for name, version in survey.versions.items()}
    return _plan(json.dumps(application, sort_keys=True, default=str),
                 json.dumps(versions, sort_keys=True), survey)


def default_application(parcel_id: str, survey: Survey, *, dig_date: date) -> dict[str, Any]:
    """An application with the demand that is usual for the land use of a parcel."""
    return {"application_id": f"default-{parcel_id}", "parcel_id": parcel_id,
            "dig_date": dig_date.isoformat(), "demands": {}}
