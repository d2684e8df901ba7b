"""Compare the screening of a town with the planner of one parcel, for every parcel and utility.

    python docs/examples/check_batch.py WORKSPACE [--every N] [--dig-date 2026-11-22]

The screening solves all cases on arrays; here each case is planned alone, by a search of the
neighbourhood of its parcel, and every column is compared: status, reason, verdict, figures,
measures, questions and the line itself. ``--every 10`` takes one case in ten.
Exit 0: all equal. 1: differences, listed. 2: unusable workspace.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from gettext import gettext as _
from pathlib import Path
from typing import Any, NamedTuple

import click
import pandas as pd
import shapely

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from layers.store import Workspace  # noqa: E402 - runs from anywhere
from planning.application import Application, ApplicationError, parse_application  # noqa: E402
from planning.batch import cases_of, screen  # noqa: E402
from planning.external_lines import ExternalLine, lines_of_site  # noqa: E402
from planning.groundwork import Groundwork, SiteError, placed, prepare  # noqa: E402
from planning.policies import load_policy  # noqa: E402
from planning.questions import as_text, open_subjects  # noqa: E402
from planning.sized_demands import with_sizes  # noqa: E402

# Numbers and coordinates may differ by rounding of sums in another order.
_SAME = 1e-6
_OF_LINE = ("status", "reason", "gap_m", "recommended", "qualifying_route")
_OF_VERDICT = ("outcome", "clause", "certainty", "otherwise")
_FIGURES = ("length_m", "cost_yuan", "crossing_count", "kerb_m", "red_line_m", "green_m2")


class Difference(NamedTuple):
    """One cell that differs: of which case and utility, which column, both values."""

    case: str
    utility: str
    column: str
    screened: object
    planned: object


def compare(work: Groundwork, cases: Sequence[Application]) -> Iterator[tuple[int, Difference]]:
    """Differences between the screening of all cases and their plans, with the pairs compared.

    The first of each pair counts the pairs so far, the last one is told even without difference.
    """
    screened = screen(work, cases)
    each = len(screened) // max(len(cases), 1)
    pairs = 0
    for number, case in enumerate(cases):
        rows = screened.iloc[number * each : (number + 1) * each]
        name = case.application_id or case.parcel_id
        for utility, planned in planned_rows(work, case).items():
            pairs += 1
            row = rows[rows["utility"] == utility].iloc[0]
            for column, value in planned.items():
                if not _same(row[column], value):
                    yield pairs, Difference(name, utility, column, row[column], value)
    yield pairs, Difference("", "", "", None, None)


def planned_rows(work: Groundwork, case: Application) -> dict[str, dict[str, Any]]:
    """What the planner of one parcel finds, by utility and column of a screening."""
    case = with_sizes(case, work.policy)
    try:
        site = work.site(case)
    except SiteError as error:
        refused = {"status": "unroutable", "reason": error.reason}
        return {utility: dict(refused) for utility in case.demands}
    return {utility: _columns(work, line) for utility, line in lines_of_site(work, site).items()}


def _columns(work: Groundwork, line: ExternalLine) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(line, name) for name in _OF_LINE}
    found |= {name: getattr(line.verdict, name, None) for name in _OF_VERDICT}
    found["open_questions"] = as_text(open_subjects(work, line))
    if line.judged is None:
        return found | dict.fromkeys((*_FIGURES, "geometry"))
    figures = {name: line.judged.figures[name] for name in _FIGURES}
    return found | figures | dict(line.judged.measures) | {"geometry": line.course}


def _same(one: Any, other: Any) -> bool:
    """Equal, numbers and coordinates within a millionth; None and NaN are the same unknown."""
    one, other = (None if value is None or value != value else value for value in (one, other))
    if isinstance(one, shapely.Geometry) and isinstance(other, shapely.Geometry):
        return bool(shapely.hausdorff_distance(one, other) < _SAME)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=_SAME)
    return bool(one == other)


@click.command(help=_("逐宗地核对筛查结果与单宗地方案是否一致。"))
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--every", default=1, type=click.IntRange(min=1), help=_("每几宗核对一宗"))
@click.option("--dig-date", type=click.DateTime(["%Y-%m-%d"]), help=_("拟开挖日期,缺省为今天"))
def main(workspace: Path, every: int, dig_date: Any) -> None:
    """Compare and print the differences."""
    try:
        opened = Workspace.open(workspace)
        survey = opened.survey()
        for fault in opened.application_faults():
            click.echo(fault, err=True)
        applications = [parse_application(document) for document in opened.applications()]
        work = prepare(survey, load_policy(opened.county), placed(survey, applications)[0])
    except (ValueError, ApplicationError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    day = date.today() if dig_date is None else dig_date.date()
    cases = cases_of(survey, applications, day)
    found = [*compare(work, cases[::every])]
    for _pairs, one in found[:-1]:
        click.echo(f"{one.case} {one.utility} {one.column}: {one.screened} / {one.planned}")
    wrong = pd.unique(pd.Series([one.case + one.utility for _pairs, one in found[:-1]], dtype=str))
    click.echo(_("核对 {} 项,不一致 {} 项").format(found[-1][0], len(wrong)))
    sys.exit(1 if len(wrong) else 0)


if __name__ == "__main__":
    main()
