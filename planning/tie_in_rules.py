"""Which mains and nodes a new line may join, and why not the others: one place for both.

Two questions: does a feature stand in the network at all (``standing``), and may it serve a given
pipe (``refusals``). Both answer with the key of a reason, '' for none; the first reason counts.
What a main does not say does not qualify it; an unknown wish of the pipe asks for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.utilities import Utility
from planning.existing_pipes import SIZES, nominal_at_least_mm
from planning.operators import operator_named
from planning.sizing_rules import apparent_kva, supply_voltage_kv
from planning.standards import Pipe, Standards

if TYPE_CHECKING:
    from planning.tie_ins import TieIns

# Only what is known to be in use may be joined; an unknown state is asked for.
IN_USE = "in_service"
# What stands between the names of several owners of one place, after NFKC.
_BETWEEN_OWNERS = re.compile(r"[、,;/|+&]")


def standing(table: pd.DataFrame, utility: Utility, field: str) -> pd.Series:
    """Why rows of ``lines`` (field 'subtype') or ``nodes`` (field 'kind') are no place to join."""
    return _first_reason(table.index, _against(table, utility, field))


def stands(table: pd.DataFrame, utility: Utility, field: str) -> NDArray[np.bool_]:
    """Which rows are a place to join: those with no reason against them."""
    against = _against(table, utility, field)
    return np.asarray(~np.logical_or.reduce(list(against.values())), bool)


def _against(table: pd.DataFrame, utility: Utility, field: str) -> dict[str, NDArray[np.bool_]]:
    kinds = utility.tie_in.lines if field == "subtype" else utility.tie_in.nodes
    status = table["status"]
    length_m = shapely.length(table.geometry.array) if field == "subtype" else np.ones(len(table))
    return {
        "wrong_network": (table["utility"] != utility.key).to_numpy(bool),
        "wrong_kind": ~table[field].isin(kinds).to_numpy(bool),
        "no_length": length_m <= 0,
        "unknown_status": status.isna().to_numpy(bool),
        "not_in_service": (status != IN_USE).to_numpy(bool),
    }


def refusals(features: pd.DataFrame, pipe: Pipe, standards: Standards) -> pd.Series:
    """Why features that stand in the network of the pipe's utility may not serve it."""
    return _first_reason(
        features.index,
        {
            "other_operator": served(features, pipe.operators) == 0,
            "too_small": _narrower(features, pipe.nominal_mm),
            **_pressure(features, pipe, standards),
            "wrong_voltage": _other_voltage(features, pipe.voltage_kv),
            "too_little_capacity": _too_weak(features, pipe.load_kw),
            "no_spare_bay": _below(features, "spare_bays", 1 if pipe.utility == "power" else None),
            "too_few_holes": _below(
                features,
                "free_holes",
                (pipe.duct_holes or 1) if pipe.utility == "telecom" else None,
            ),
        },
    )


def served(features: pd.DataFrame, operators: tuple[str, ...]) -> NDArray[np.int64]:
    """How many of some operators each feature serves, by its owners; 1 where none is asked for.

    Whose a feature is that does not say it is unknown: it serves none.
    """
    if not operators:
        return np.ones(len(features), np.int64)
    if "owner" not in features:
        return np.zeros(len(features), np.int64)
    return np.array([len(operators) - len(unserved(o, operators)) for o in features["owner"]], int)


def unserved(owner: Any, operators: tuple[str, ...]) -> tuple[str, ...]:
    """Which of some operators an owner is not; one place may be owned by several 共建共享."""
    if pd.isna(owner):
        return operators
    text = unicodedata.normalize("NFKC", str(owner))
    owners = {operator_named(one) for one in (text, *_BETWEEN_OWNERS.split(text))}
    return tuple(one for one in operators if operator_named(one) not in owners)


def _first_reason(index: pd.Index, holds: dict[str, Any]) -> pd.Series:
    masks = [np.broadcast_to(np.asarray(mask, bool), len(index)) for mask in holds.values()]
    return pd.Series(np.select(masks, list(holds), default=""), index=index, dtype=object)


def _below(features: pd.DataFrame, column: str, least: float | None) -> Any:
    if least is None or column not in features:
        return np.zeros(len(features), bool)
    return ~(_numbers(features, column) >= least)


def _narrower(features: pd.DataFrame, least_mm: float | None) -> Any:
    if least_mm is None or not {*SIZES} & {*features}:
        return np.zeros(len(features), bool)
    return ~(nominal_at_least_mm(features) >= least_mm)


def _other_voltage(features: pd.DataFrame, wanted_kv: float | None) -> Any:
    if wanted_kv is None or "voltage_kv" not in features:
        return np.zeros(len(features), bool)
    return supply_voltage_kv(_numbers(features, "voltage_kv")) != supply_voltage_kv(wanted_kv)


def _too_weak(features: pd.DataFrame, load_kw: float | None) -> Any:
    """Transformers that are not known to be rated for a load, and what else is rated below it.

    What a rated one has to spare its bays tell; units without a transformer have no rating.
    """
    if load_kw is None:
        return np.zeros(len(features), bool)
    told = features.reindex(columns=["kind", "capacity_kva"])
    rated_kva = _numbers(told, "capacity_kva")
    unknown = np.isnan(rated_kva) & (told["kind"] == "transformer").to_numpy(bool)
    return unknown | (rated_kva < apparent_kva(load_kw))


def _pressure(features: pd.DataFrame, pipe: Pipe, standards: Standards) -> dict[str, Any]:
    """A main of another pressure class; from sub-high pressure up it is joined by a station only.

    A pressure above the table's classes is of no class: nothing is known to fit it.
    """
    if "pressure_mpa" not in features:
        return {}
    told_mpa = _numbers(features, "pressure_mpa")
    known, row = np.unique(told_mpa, return_inverse=True)
    classes = np.array(
        [standards.pressure_class(p) if np.isfinite(p) else None for p in known], object
    )[row]
    wanted = None if pipe.pressure_mpa is None else standards.pressure_class(pipe.pressure_mpa)
    stations = standards.utilities[pipe.utility].tie_in.station_classes
    above_all = np.isfinite(told_mpa) & pd.isna(classes) & bool(stations)
    other = (classes != wanted) | (wanted is None)
    return {
        "needs_station": (np.isin(classes.astype(str), stations) | above_all) & other,
        "wrong_pressure": other & (pipe.pressure_mpa is not None),
    }


def _numbers(features: pd.DataFrame, column: str) -> Any:
    return pd.to_numeric(features[column], errors="coerce").to_numpy(float, na_value=np.nan)


def may_serve(tie_ins: TieIns, pipe: Pipe, standards: Standards) -> pd.Series:
    """Which of ``tie_ins.features`` may serve a pipe: large enough, right class, room left.

    Who wants several operators wants one bank for all: it is brought to a place that serves all
    where any can be reached from a street, and what serves some only is none then.
    """
    features = tie_ins.features
    fits = refusals(features, pipe, standards) == ""
    whole = fits & (served(features, pipe.operators) >= len(pipe.operators))
    is_reached = np.isin(np.arange(len(features)), tie_ins.ways.feature)
    return whole if (whole & is_reached).any() else fits
