"""What can be wrong with the rows of a layer, and between layers. Each check yields problems."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from language import gettext as _
from language import said
from layers.attribute_checks import attribute_problems
from layers.check_rules import Severity, check_rules
from layers.coverage_checks import coverage_problems
from layers.fields import LAYERS, Field, LayerDefinition, layer_definition, values_by_utility
from layers.network_checks import network_problems
from layers.place_checks import place_problems
from layers.problems import Problem, problems_table
from layers.shape_checks import shape_problems
from layers.shapes import base_type
from layers.survey import Survey

# layer, field, the layer whose ids it must be among
REFERENCES = (
    ("carriageways", "road_id", "roads"),
    ("road_red_lines", "road_id", "roads"),
    ("nodes", "line_id", "lines"),
)
# layer, the field that must not be larger, than this one
ORDERED = (
    ("roads", "carriageway_width_m", "red_line_width_m"),
    ("roads", "opened_on", "overhauled_on"),
    ("lines", "free_holes", "duct_holes"),
    ("no_dig", "from_date", "to_date"),
    ("planned_works", "starts_on", "ends_on"),
)
# No coordinate of any plane zone is as large, with the number of the zone before it.
_MOST_M = 100_000_000.0
_BOUNDS: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Rows:
    """Rows under check: ids are a column of ``table``; ``numbers`` are their rows in ``file``."""

    definition: LayerDefinition
    table: gpd.GeoDataFrame
    file: str
    numbers: np.ndarray

    def problem(
        self,
        position: int,
        field: str | None,
        rule: str,
        cure: str,
        *,
        value: object = None,
        severity: Severity | None = None,
        rule_id: str = "",
        key: str = "",
        at: tuple[float, float] | None = None,
        repair: bool = True,
    ) -> Problem:
        """Return a problem of the row at ``position``, with its id and place.

        The place is ``at``, else a point of the row's shape. A rule of ``layers.check_rules`` says
        how severe it is; without one it is an error. ``repair`` is False where the rule's repair
        does not fit this case.
        """
        name = self.table[self.definition.id_field].iloc[position]
        shape = self.table.geometry.iloc[position]
        x, y = at or place_of(shape)
        rule_of = check_rules()[rule_id] if rule_id else None
        return Problem(
            layer=self.definition.name,
            file=self.file,
            row=int(self.numbers[position]),
            feature_id=None if pd.isna(name) else str(name),
            field=field,
            value=None if value is None else str(value)[:80],
            rule=rule,
            cure=cure,
            severity=severity or (rule_of.severity if rule_of else "error"),
            x=x,
            y=y,
            rule_id=rule_id,
            key=key,
            repair=rule_of.repair if rule_of and repair else None,
            extent=extent_of(shape),
        )

    def whole(
        self,
        rule: str,
        cure: str,
        *,
        rule_id: str,
        key: str = "",
        extent: tuple[float, float, float, float] | None = None,
    ) -> Problem:
        """Return a problem of the layer as a whole, placed in the middle of ``extent``."""
        west, south, east, north = extent or (None, None, None, None)
        return Problem(
            layer=self.definition.name,
            file=self.file,
            row=None,
            feature_id=None,
            field=None,
            value=None,
            rule=rule,
            cure=cure,
            severity=check_rules()[rule_id].severity,
            x=None if west is None or east is None else (west + east) / 2,
            y=None if south is None or north is None else (south + north) / 2,
            rule_id=rule_id,
            key=key,
            extent=extent,
        )


def check(survey: Survey) -> pd.DataFrame:
    """Return the problems of a whole survey as a table, in the order of layers and rows."""
    return problems_table(problem for _layer, found in check_layers(survey) for problem in found)


def check_layers(
    survey: Survey, *, layers: Collection[str] | None = None, today: date | None = None
) -> Iterator[tuple[str, list[Problem]]]:
    """Yield each layer of the survey with its problems, so that progress can be shown.

    Only ``layers`` are checked, if given, though against all others. ``today`` is the day after
    which nothing that exists was built.
    """
    day = (today or date.today()).isoformat()
    whole, survey = survey, _without_immeasurable(survey)
    for layer in LAYERS:
        table = survey.get(layer)
        if table is not None and (layers is None or layer in layers):
            rows = _rows_of(survey, layer, table)
            yield (
                layer,
                [
                    *row_problems(_rows_of(whole, layer, whole.tables[layer])),
                    *_reference_problems(rows, survey),
                    *shape_problems(rows),
                    *place_problems(rows, survey),
                    *network_problems(rows, survey),
                    *attribute_problems(rows, survey, day),
                    *coverage_problems(rows, survey),
                ],
            )


def row_problems(rows: Rows) -> Iterator[Problem]:
    """Yield what is wrong with the rows of one layer, taken by itself."""
    yield from _missing(rows)
    yield from _duplicates(rows)
    for field in rows.definition.fields:
        yield from _not_allowed(rows, field)
    yield from _wrong_subtypes(rows)
    yield from _disordered(rows)
    yield from _bad_shapes(rows)


def place_of(shape: BaseGeometry | None) -> tuple[float | None, float | None]:
    """Return a point of the shape in its CRS, or None twice if it has no finite coordinate."""
    if shape is None or shape.is_empty:
        return None, None
    coordinates = shapely.get_coordinates(shape)
    finite = coordinates[np.isfinite(coordinates).all(axis=1)]
    return (float(finite[0, 0]), float(finite[0, 1])) if len(finite) else (None, None)


def extent_of(shape: BaseGeometry | None) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of the shape, or None if they are not all finite."""
    if shape is None or shape.is_empty:
        return None
    west, south, east, north = map(float, shape.bounds)
    return (west, south, east, north) if np.isfinite((west, south, east, north)).all() else None


def _without_immeasurable(survey: Survey) -> Survey:
    """The survey without the shapes that have no place on the ground: nothing can be said of them.

    Rows stay; ``row_problems`` tells of them.
    """
    tables = {}
    for layer, table in survey.tables.items():
        shapes = np.array(table.geometry.array)
        bad = ~_measurable(shapes)
        if bad.any():
            shapes[bad] = None
            tables[layer] = table.set_geometry(shapes)
    return replace(survey, tables={**survey.tables, **tables}) if tables else survey


def _rows_of(survey: Survey, layer: str, table: gpd.GeoDataFrame) -> Rows:
    version = survey.versions.get(layer)
    return Rows(
        definition=layer_definition(layer),
        table=table.reset_index(),
        file=version.file if version else layer,
        numbers=np.arange(1, len(table) + 1),
    )


def _missing(rows: Rows) -> Iterator[Problem]:
    for field in rows.definition.fields:
        if field.required:
            for position in np.flatnonzero(rows.table[field.name].isna()):
                yield rows.problem(
                    int(position),
                    field.name,
                    _("必填字段“{}”为空").format(field.label),
                    _("请补填,或用 --map {0}=列名、--set {0}=值 指明").format(field.name),
                    rule_id="missing_value",
                )


def _duplicates(rows: Rows) -> Iterator[Problem]:
    ids = rows.table[rows.definition.id_field]
    for position in np.flatnonzero(ids.notna() & ids.duplicated(keep=False)):
        yield rows.problem(
            int(position),
            rows.definition.id_field,
            _("编号在图层中须唯一"),
            _("请合并或改正重复的编号"),
            value=ids.iloc[position],
            rule_id="duplicate_id",
        )


def _not_allowed(rows: Rows, field: Field) -> Iterator[Problem]:
    if field.name not in rows.table or not field.allowed or field.type == "date":
        return
    column = rows.table[field.name]
    if field.type == "enum":
        good = column.isin(field.allowed)
        rule = _("须为下列之一:{}").format(_("、").join(field.allowed))
    else:
        sign = ">=" if field.allowed[0].startswith(">=") else ">"
        bound = float(field.allowed[0].removeprefix(sign))
        good = pd.Series(_BOUNDS[sign](column.to_numpy(dtype=float), bound), column.index)
        rule = _("须{} {:g}(单位 {})").format(
            {">": "大于", ">=": "不小于"}[sign], bound, field.unit or "个"
        )
    for position in np.flatnonzero(~good & column.notna()):
        yield rows.problem(
            int(position),
            field.name,
            rule,
            _("请改正该值,未知则留空"),
            value=column.iloc[position],
            rule_id="value_not_allowed",
        )


def _wrong_subtypes(rows: Rows) -> Iterator[Problem]:
    allowed = values_by_utility(rows.definition.name, "subtype")
    if not allowed or "subtype" not in rows.table:
        return
    pairs = zip(rows.table["utility"], rows.table["subtype"], strict=True)
    for position, (utility, subtype) in enumerate(pairs):
        if utility in allowed and pd.notna(subtype) and subtype not in allowed[utility]:
            yield rows.problem(
                position,
                "subtype",
                _("专业 {} 的子类须为下列之一:{}").format(
                    utility, _("、").join(sorted(allowed[utility]))
                ),
                _("请改正子类或专业"),
                value=subtype,
                rule_id="wrong_subtype",
            )


def _disordered(rows: Rows) -> Iterator[Problem]:
    for layer, smaller, larger in ORDERED:
        if layer == rows.definition.name and {smaller, larger} <= set(rows.table):
            low, high = rows.table[smaller], rows.table[larger]
            known = low.notna() & high.notna()
            wrong = known & (low.where(known, high) > high.where(known, low))
            for position in np.flatnonzero(wrong):
                yield rows.problem(
                    int(position),
                    larger,
                    _("{} 不应小于(早于){} {}").format(
                        rows.definition.field(larger).label,
                        rows.definition.field(smaller).label,
                        low.iloc[position],
                    ),
                    _("请核对两个字段"),
                    value=high.iloc[position],
                    rule_id="wrong_order",
                    key=smaller,
                )


def _bad_shapes(rows: Rows) -> Iterator[Problem]:
    shapes = np.asarray(rows.table.geometry)
    types = rows.definition.geometry_types
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    finite = _measurable(shapes)
    fitting = np.array([s is not None and base_type(s) in types for s in shapes], dtype=bool)
    good = usable & finite & fitting
    good[good] = shapely.is_valid(shapes[good])
    for position in np.flatnonzero(~good).tolist():
        yield _bad_shape(rows, position, usable[position], finite[position], fitting[position])


def _bad_shape(rows: Rows, position: int, usable: bool, finite: bool, fitting: bool) -> Problem:
    shape = rows.table.geometry.iloc[position]
    if not usable:
        rule_id = "empty_geometry"
        rule, cure = _("几何为空"), _("请补画图形或删除该行")
    elif not finite:
        rule_id = "not_finite"
        rule, cure = _("坐标含有 NaN、无穷大或大得不可能的数"), _("请改正坐标")
    elif not fitting:
        rule_id = "wrong_type"
        rule = _("几何类型为 {},须为 {}").format(
            shape.geom_type, " / ".join(rows.definition.geometry_types)
        )
        cure = _("请核对是否选错图层,或转换几何类型")
    else:
        rule_id = "invalid_geometry"
        rule = _("图形无效:{}").format(invalid_because(shape))
        cure = _("请修复自相交、重复点等错误后重新导出")
    return rows.problem(position, "geometry", rule, cure, rule_id=rule_id)


# By how the reason that GEOS gives begins; what follows tells the place.
_INVALID = said(
    {
        "Too few points": "没有长度或面积,各点在同一处",
        "Ring Self-intersection": "边界自相交",
        "Self-intersection": "自相交",
        "Hole lies outside shell": "内环在外环之外",
        "Holes are nested": "内环互相嵌套",
        "Nested shells": "外环互相嵌套",
        "Interior is disconnected": "内部被边界断开",
        "Duplicate Rings": "有重复的环",
        "Ring is not closed": "环没有闭合",
    }
)


def invalid_because(shape: shapely.Geometry) -> str:
    """Why a shape is invalid, and where, in words."""
    reason, _sign, place = shapely.is_valid_reason(shape).rstrip("]").partition("[")
    words = next((w for start, w in _INVALID.items() if reason.startswith(start)), reason)
    return _("{}(在 {} 处)").format(words, place) if place else words


def _measurable(shapes: np.ndarray) -> np.ndarray:
    """Tell of each shape whether all its coordinates are metres on the ground; empty ones are."""
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    bad = owner[~(np.abs(coordinates) <= _MOST_M).all(axis=1)]
    finite = np.ones(len(shapes), dtype=bool)
    finite[bad] = False
    return finite


def _reference_problems(rows: Rows, survey: Survey) -> Iterator[Problem]:
    for layer, field, target in REFERENCES:
        table = survey.get(target)
        if layer == rows.definition.name and table is not None:
            column = rows.table[field]
            for position in np.flatnonzero(column.notna() & ~column.isin(table.index)):
                yield rows.problem(
                    int(position),
                    field,
                    _("所指编号在图层 {} 中不存在").format(target),
                    _("请改正编号,或补充导入图层 {}").format(target),
                    value=column.iloc[position],
                    rule_id="wrong_reference",
                )
