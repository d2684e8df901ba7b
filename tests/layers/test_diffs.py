"""Differences between two versions of a layer."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from layers.diffs import CellChange, FeatureChange, LayerDiff, ShapeChange, diff


def table(rows: dict[str, tuple[object, float | None, BaseGeometry]]) -> gpd.GeoDataFrame:
    columns = {
        "name": pd.Series([row[0] for row in rows.values()], dtype=object),
        "depth_m": pd.Series([row[1] for row in rows.values()], dtype="float64"),
    }
    shapes = [row[2] for row in rows.values()]
    made = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4547")
    return made.set_index(pd.Index(list(rows), name="line_id", dtype=object))


LINE = LineString([(0, 0), (10, 0)])


def test_rows_cells_and_shapes_that_differ_are_told() -> None:
    old = table({"a": ("x", 1.0, LINE), "b": (None, None, LINE), "c": ("z", 2.5, LINE)})
    new = table(
        {"d": ("w", 1.0, LINE), "c": ("z", None, LineString([(0, 0), (10, 3)])),
         "b": (None, None, LINE)}
    )  # fmt: skip
    found = diff(old, new)
    assert (found.added, found.removed) == (("d",), ("a",))
    (change,) = found.changed
    assert change.feature_id == "c"
    assert change.cells == (CellChange("depth_m", 2.5, None),)
    assert change.shape is not None
    assert change.shape.moved_m == 3.0
    assert change.shape.length_m == pytest.approx(109**0.5 - 10)
    assert change.shape.area_m2 is None


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (Point(0, 0), Point(3, 4), ShapeChange(5.0, None, None)),
        (LINE, LINE.reverse(), ShapeChange(0.0, 0.0, None)),
        (LINE, LineString([(0, 0), (5, 0), (10, 0)]), ShapeChange(0.0, 0.0, None)),
        (
            Polygon([(0, 0), (4, 0), (4, 4), (0, 4)]),
            Polygon([(0, 0), (6, 0), (6, 4), (0, 4)]),
            ShapeChange(2.0, None, 8.0),
        ),
    ],
)
def test_a_change_of_shape_is_measured(
    old: BaseGeometry, new: BaseGeometry, change: ShapeChange
) -> None:
    found = diff(table({"a": ("x", 1.0, old)}), table({"a": ("x", 1.0, new)}))
    assert found == LayerDiff((), (), (FeatureChange("a", (), change),))


def test_a_ring_that_starts_elsewhere_is_the_same_parcel() -> None:
    one = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)])
    other = Polygon([(4, 4), (4, 0), (0, 0), (0, 4)])
    assert not diff(table({"a": ("x", 1.0, one)}), table({"a": ("x", 1.0, other)}))


def test_a_field_that_one_version_lacks_is_unknown_in_it() -> None:
    new = table({"a": ("x", 1.0, LINE), "b": (None, 1.0, LINE)})
    found = diff(new.drop(columns="name"), new)
    assert found.changed == (FeatureChange("a", (CellChange("name", None, "x"),), None),)


def test_empty_layers_differ_in_nothing() -> None:
    assert not diff(table({}), table({}))
    assert diff(table({}), table({"a": ("x", 1.0, LINE)})).added == ("a",)


rows = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(
        st.sampled_from([None, "x", "", "未知"]),
        st.sampled_from([None, 0.0, 1.5]),
        st.sampled_from([LINE, LINE.reverse(), LineString([(0, 0), (10, 1)])]),
    ),
)


@given(rows, rows)
def test_a_difference_takes_the_old_rows_to_the_new(one: dict, other: dict) -> None:
    found = diff(table(one), table(other))
    made = {name: list(row[:2]) for name, row in one.items() if name not in found.removed}
    for change in found.changed:
        for cell in change.cells:
            place = ["name", "depth_m"].index(cell.field)
            assert made[change.feature_id][place] == cell.old
            made[change.feature_id][place] = cell.new
    made |= {name: list(other[name][:2]) for name in found.added}
    assert made == {name: list(row[:2]) for name, row in other.items()}
    moved = {change.feature_id for change in found.changed if change.shape}
    common = set(one) & set(other)
    assert moved == {name for name in common if not one[name][2].equals_exact(other[name][2], 0)}


@given(rows, rows)
def test_a_difference_backwards_is_its_mirror(one: dict, other: dict) -> None:
    forth, back = diff(table(one), table(other)), diff(table(other), table(one))
    assert set(forth.added) == set(back.removed)
    assert set(forth.removed) == set(back.added)
    assert {c.feature_id for c in forth.changed} == {c.feature_id for c in back.changed}
