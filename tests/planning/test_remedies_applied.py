"""Every remedy that changes the application, applied to it: planning again must tell the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import shapely

from layers.store import Workspace
from planning.application import parse_application
from planning.external_lines import external_lines, lines_of_site, nearby_finder
from planning.groundwork import Groundwork, prepare
from planning.remedies import Remedy, remedies

_FIELD = {
    "max_dn_mm": "nominal_mm",
    "duct_holes": "duct_holes",
    "duct_outer_diameter_mm": "duct_outer_diameter_mm",
}


class Applied(NamedTuple):
    """A remedy and the application with it."""

    utility: str
    remedy: Remedy
    document: dict[str, Any]


def with_remedy(document: Mapping[str, Any], utility: str, one: Remedy) -> dict[str, Any] | None:
    """The application with a remedy applied; None where a remedy is no change of it."""
    after: dict[str, Any] = json.loads(json.dumps(document))
    if one.kind == "later_date":
        after["dig_date"] = one.value_after
    elif one.kind == "nearer_end_point":
        assert one.gate is not None
        after["gate"] = shapely.get_coordinates(one.gate).tolist()
    elif one.kind == "smaller_size":
        demand = after["demands"][utility]
        field = _FIELD.get(one.input) or ("duct_holes" if "孔" in one.text else "nominal_mm")
        size = re.search(r"改为 (?:DN)?([\d.]+)", one.text)
        assert size is not None
        demand[field] = int(float(size[1])) if field == "duct_holes" else float(size[1])
    else:
        return None
    return after


def applied(work: Groundwork, documents: list[Mapping[str, Any]]) -> list[Applied]:
    """Remedies of some applications, each applied."""
    found = []
    for document in documents:
        site = work.site(parse_application(document))
        for utility, line in lines_of_site(work, site).items():
            for one in remedies(work, site, line):
                after = with_remedy(document, utility, one)
                if after is not None:
                    after["application_id"] += f"-{len(found)}"
                    found.append(Applied(utility, one, after))
    return found


def check_told(work: Groundwork, found: list[Applied]) -> Counter[str]:
    """Plan again with each remedy: the outcome and whether it qualifies are as told."""
    cases = [parse_application(one.document) for one in found]
    again = prepare(work.survey, work.policy, cases)
    for (utility, one, _), case in zip(found, cases, strict=True):
        site = again.site(case)
        line = external_lines(again, case.demands[utility], [site], nearby_finder())[site.key]
        assert line.judged is not None
        told = (one.outcome_after, one.qualifies)
        assert (line.judged.verdict.outcome, line.judged.rank == 0) == told, (case, one.text)
    return Counter(one.remedy.kind for one in found)


def test_planning_again_with_a_remedy_recommends_what_it_tells(
    sample_work: Groundwork, sample_workspace: Path
) -> None:
    documents = Workspace.open(sample_workspace).applications()
    kinds = check_told(sample_work, applied(sample_work, list(documents)))
    assert set(kinds) >= {"later_date", "smaller_size"}
