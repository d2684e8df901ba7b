"""Solve the boundary cases: move gates and lawn ends until the printed measures are the targets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import box

from layers.fields import layer_definition
from layers.survey import Survey
from planning.application import parse_application
from planning.external_lines import ExternalLine, all_by_forest, external_lines
from planning.groundwork import prepare
from planning.policies import load_policy
from sample_data import layout
from sample_data.applications import documents
from sample_data.cases import CASES, start_values
from sample_data.district import build_county
from sample_data.roads import CRS
from sample_data.town import Tables

log = logging.getLogger(__name__)
COUNTY = "411523_xinxian"
MARGIN = 0.002
"""A solved value is at least this far from where its printed form would change, in its unit."""
NEARBY = (520.0, 1640.0, 1680.0, 2640.0)
"""The district with the ring before it: what is solved on. The town beyond is too far to matter."""
MOST_ROUNDS = 12
MOVING = [(case, case.slide) for case in CASES if case.slide and case.slide.growth]


class Solution(NamedTuple):
    """Chainages of gates by case number, of lawn ends by lot."""

    gates: dict[int, float]
    lawns: dict[str, float]


def solve(town: Tables) -> Solution:
    """Return the solved chainages of all boundary cases.

    Every round builds the district, routes the boundary cases with the project's own engine and
    moves each gate or lawn by what is missing; routes grow with their gate metre by metre, so
    that a few rounds are enough.

    Raises
    ------
    RuntimeError
        If a case does not settle.
    """
    gates, lawns = start_values()
    for _ in range(MOST_ROUNDS):
        values = _measured(build_county(town, lawns), gates)
        off = {case.number: float(slide.target) - values[case.number] for case, slide in MOVING}
        log.info("largest error %.4f", max(map(abs, off.values())))
        if all(abs(error) <= 0.005 - MARGIN for error in off.values()):
            return Solution(gates, lawns)
        for case, slide in MOVING:
            step = round(off[case.number] / slide.growth, 4)
            if slide.lawn_m is not None:
                lawns[case.lot] += step
            else:
                gates[case.number] += step
    raise RuntimeError(f"boundary cases do not settle: {off}")


def _measured(county: Tables, gates: Mapping[int, float]) -> dict[int, float]:
    """Return the boundary measure of every moving case on the district alone."""
    applications = {
        case.number: parse_application(written)
        for case, written in zip(CASES, documents(county, gates), strict=True)
        if case.lot != "town"
    }
    survey = survey_of(county, clip=NEARBY)
    work = prepare(survey, load_policy(COUNTY), applications.values())
    values = {}
    for case, slide in MOVING:
        site = work.site(applications[case.number])
        (demand,) = site.application.demands.values()
        line = external_lines(work, demand, [site], all_by_forest)[site.key]
        values[case.number] = _value(line, slide.measure)
    return values


def _value(line: ExternalLine, measure: str) -> float:
    """The measure of the cheapest route: past its limit another one may be recommended."""
    value = line.routes["cheapest"].measures[measure] if line.routes else None
    return np.nan if value is None else value


def survey_of(county: Tables, clip: tuple[float, float, float, float] | None = None) -> Survey:
    """Return the tables as a survey, each indexed by its id; what is missing is None.

    ``clip`` keeps the rows that touch a rectangle, in metres from the town's corner.
    """
    x, y = layout.ORIGIN
    window = None if clip is None else box(clip[0] + x, clip[1] + y, clip[2] + x, clip[3] + y)
    tables = {}
    for name, table in county.items():
        kept = table if window is None else table[table.intersects(window)]
        tables[name] = _unknown_is_none(kept.set_index(layer_definition(name).id_field))
    return Survey(gpd.GeoSeries(crs=CRS).crs, tables, COUNTY, True)


def _unknown_is_none(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    known = table.copy()
    for column in known.columns.drop("geometry"):
        if not pd.api.types.is_numeric_dtype(known[column]):
            values = known[column].astype(object)
            known[column] = values.where(values.notna(), None)
    return known
