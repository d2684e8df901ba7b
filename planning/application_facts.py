"""Facts that an application itself tells its verdicts; what it does not say is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.application import Application

_ENTERPRISE: Mapping[Any, bool] = {"enterprise": True, "government": False, "person": False}


def application_facts(application: Application, utility: str) -> dict[str, Any]:
    """Facts of one utility by the names of the policy."""
    project, promiser = application.project, application.promiser.get(utility, {})
    facts = {
        "work_kind": application.work_kind,
        "dig_date": application.dig_date.isoformat(),
        "subject_kind": application.subject_kind,
        "enterprise_invested_or_dominant": _enterprise(project),
        "hazardous_goods": project.get("hazardous_goods"),
    }
    recorded = {"promiser_declines": "declines", "bad_credit": "bad_credit"}
    facts.update({fact: promiser[key] for fact, key in recorded.items() if key in promiser})
    return facts


def _enterprise(project: Mapping[str, Any]) -> bool | None:
    """Whether enterprises invest or dominate: share above 50 percent (policy measure).

    Unknown where the kind of the investment and the share contradict each other.
    """
    share = project.get("enterprise_percent")
    by_share = None if share is None else share > 50
    by_kind = _ENTERPRISE.get(project.get("investment_kind"), by_share)
    return by_kind if by_share in (None, by_kind) else None
