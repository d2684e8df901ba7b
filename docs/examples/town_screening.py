"""What the examples on real towns share: a report, screening of every parcel, and its findings.

Not an example by itself: ``sant_boi.py`` and ``krems.py`` convert their data and call ``run``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from gettext import gettext as _
from pathlib import Path

import click
import geopandas as gpd
import pandas as pd

from layers.store import Workspace
from layers.utilities import load_utilities
from planning.batch import cases_of, screen
from planning.groundwork import prepare
from planning.policies import load_policy
from reports.exchange import table_writer


@dataclass
class Report:
    """Lines to print: what was converted, and what was assumed because the file is silent."""

    lines: list[str] = field(default_factory=list)

    def converted(self, text: str) -> None:
        self.lines.append(_("换算 ") + text)

    def assumed(self, text: str) -> None:
        self.lines.append(_("假定 ") + text)


def pairs(mapping: Mapping[str, object]) -> str:
    """A mapping in one line."""
    return "、".join(f"{key} → {value}" for key, value in mapping.items())


def screen_all(
    workspace: Workspace, dig_date: date, progress: Callable[[int], None] | None = None
) -> gpd.GeoDataFrame:
    """Screen every parcel for every utility."""
    survey = workspace.survey()
    work = prepare(survey, load_policy(workspace.county))
    table = screen(work, cases_of(survey, [], dig_date), progress=progress)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=survey.crs)


def findings(table: gpd.GeoDataFrame) -> Iterator[str]:
    """What the screening found, in words, utility by utility."""
    for utility, rows in table.groupby("utility", sort=False):
        name = load_utilities()[str(utility)].zh
        routed = rows[rows["status"] == "routed"]
        yield _("{}:有路由 {},无路由 {} {}").format(
            name, len(routed), (rows["status"] == "unroutable").sum(), _counts(rows["reason"])
        )
        if len(routed):
            yield _("  长度(米)最短/四分之一/中位/四分之三/最长 {}").format(
                _quantiles(routed["length_m"])
            )
            yield _("  穿越道路次数 {};车行道内长度(米)合计 {:.0f},最长 {:.1f}").format(
                _counts(routed["crossing_count"].astype(int)),
                routed["kerb_m"].sum(),
                routed["kerb_m"].max(),
            )
            yield _("  判定 {};确定性 {};若补齐资料 {}").format(
                *(_counts(routed[c]) for c in ("outcome", "certainty", "otherwise"))
            )
    status = table["status"].value_counts()
    yield _("合计 {} 项:{}").format(len(table), _counts(table["status"]))
    yield _("有路由 {},无路由 {}").format(status.get("routed", 0), status.get("unroutable", 0))


def _counts(values: pd.Series) -> str:
    return "、".join(f"{name} {count}" for name, count in values.value_counts().items())


def _quantiles(values: pd.Series) -> str:
    shares: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)
    return " / ".join(f"{value:.1f}" for value in values.quantile(shares))


def run(
    out: Path | None,
    name: str,
    dig_date: datetime | None,
    make: Callable[[Path, Report], Workspace],
) -> int:
    """Make the workspace in a folder, screen it, print what was found; return the exit code.

    0: every line was routed. 1: some are unroutable. 2: unusable input, nothing is left behind
    where the folder was not named.
    """
    report = Report()
    day = date.today() if dig_date is None else dig_date.date()
    folder = out or Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        workspace = make(folder, report)
        count = workspace.versions()["parcels"].rows * len(load_utilities())
        with click.progressbar(
            length=count, label=_("筛查"), file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            table = screen_all(workspace, day, bar.update)
        table_writer(folder / "screen.gpkg")(table, table.crs)
    except (ValueError, OSError) as error:
        if out is None:
            shutil.rmtree(folder)
        click.echo(str(error), err=True)
        return 2
    for line in (*report.lines, *findings(table)):
        click.echo(line)
    click.echo(_("开挖日期 {};工作区和结果在 {}").format(day, folder))
    return 1 if (table["status"] == "unroutable").any() else 0
