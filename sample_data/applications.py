"""Write the applications and what is expected of them: ``sample_data/applications``."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sample_data.cases import CASES, DIG_DATE, Case
from sample_data.district import front_point, lot_id
from sample_data.district_plan import LOTS
from sample_data.mains import UTILITIES
from sample_data.town import Tables

COLUMNS = ["application_id", "utility", "status", "outcome", "clause", "measure", "target"]


def parcel_of(case: Case, county: Tables) -> str:
    """Return the parcel of a case: its lot, or the town's first one outside the urban area."""
    if case.lot in LOTS:
        return lot_id(case.lot)
    areas, parcels = county["service_areas"], county["parcels"]
    urban = areas.geometry[areas.kind == "urban_area"].union_all()
    outside = ~parcels.representative_point().within(urban)
    return str(parcels.parcel_id[outside].min())


def document(case: Case, parcel_id: str, gate_m: float | None) -> dict[str, Any]:
    """Return the application document of a case (design 12); chainage of its gate or None."""
    gate = None if gate_m is None else front_point(LOTS[case.lot], gate_m)
    written: dict[str, Any] = {
        "application_id": case.application_id,
        "parcel_id": parcel_id,
        "dig_date": DIG_DATE,
        "gate": None if gate is None else [gate.x, gate.y],
        "work_kind": case.work_kind,
        "project": {"project_name": case.project_name, **case.project},
        "drainage": {"subject_kind": case.subject_kind},
        "demands": {utility: dict(demand) for utility, demand in case.demands.items()},
    }
    if case.declines:
        written["promiser"] = {utility: {"declines": True} for utility in case.declines}
    return written


def documents(county: Tables, gates: Mapping[int, float]) -> list[dict[str, Any]]:
    """Return the documents of all cases, with the gates at the given chainages."""
    return [document(c, parcel_of(c, county), gates.get(c.number)) for c in CASES]


def expected_rows() -> list[dict[str, str]]:
    """Return what is expected: a row per case and utility, with its boundary measure if any."""
    rows = []
    for case in CASES:
        for utility in filter(case.expected.get, UTILITIES):
            outcome, clause = case.expected[utility]
            boundary = (case.slide.measure, case.slide.target) if case.slide else ("", "")
            values = (case.application_id, utility, "routed" if outcome else "unroutable",
                      outcome, clause, *boundary)  # fmt: skip
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def write_applications(folder: Path, written: list[dict[str, Any]]) -> None:
    """Write one JSON file per document and the table of what is expected; older ones go."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for one in written:
        text = json.dumps(one, ensure_ascii=False, indent=2)
        (folder / f"{one['application_id']}.json").write_text(text + "\n", encoding="utf-8")
    with (folder / "expected.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(expected_rows())
