"""Demands with the sizes that follow from what the user needs, by the county's rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planning.application import Application, Demand
from planning.policy_model import Policy
from planning.sizing import size
from planning.sizing_rules import Number


def with_sizes(application: Application, policy: Policy) -> Application:
    """The application with every size that its demands leave open and its needs tell."""
    if application.source != "application":
        return application
    if not any(demand.wish for demand in application.demands.values()):
        return application
    limit = policy.planning.settings["low_voltage_limit_kw"]
    number = Number(policy.planning.value("low_voltage_limit_kw"), limit.source, limit.confidence)

    def sized(demand: Demand) -> Demand:
        if not demand.wish:
            return demand
        pipe, sizing = size(demand.pipe, demand.wish, policy.county, number)
        return replace(demand, pipe=pipe, sizing=sizing)

    demands = {key: sized(demand) for key, demand in application.demands.items()}
    return replace(application, demands=demands)


def sizing_entry(demand: Demand | None) -> dict[str, Any] | None:
    """How the size of a demand was derived, as plain values; None where nothing asked for it."""
    if demand is None or demand.sizing is None:
        return None
    sizing = demand.sizing
    derived = dict(sizing.derived)
    return {
        **{name: derived.get(name) for name in ("nominal_mm", "duct_holes", "voltage_kv")},
        "formula": sizing.formula,
        "inputs": dict(sizing.inputs),
        "steps": list(sizing.steps),
        "source": sizing.source,
        "confidence": sizing.confidence,
        "overridden": sizing.overridden,
    }
