"""What differs between two versions of a layer, by id: rows, cells and shapes."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

# Points looked at along each segment where shapes are compared, as a share of its length.
_STEP = 0.1


@dataclass(frozen=True)
class CellChange:
    """One cell: what it held and what it holds; None is unknown."""

    field: str
    old: object
    new: object


@dataclass(frozen=True)
class ShapeChange:
    """How a shape changed.

    ``moved_m`` is the farthest that any place of either shape lies from the other (Hausdorff
    distance, looked at every tenth of a segment); 0 where only vertices or direction differ.
    ``length_m`` and ``area_m2`` are new less old: for lines and for polygons, else None.
    """

    moved_m: float
    length_m: float | None
    area_m2: float | None


@dataclass(frozen=True)
class FeatureChange:
    """A row of both versions that differs; ``shape`` is None where its geometry is the same."""

    feature_id: str
    cells: tuple[CellChange, ...]
    shape: ShapeChange | None


@dataclass(frozen=True)
class LayerDiff:
    """Ids of rows that only one version has, and the rows of both that differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[FeatureChange, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> LayerDiff:
    """Compare two tables of one layer, both indexed by id, in one projected CRS.

    A field that only one of them has is unknown in the other.
    """
    common = new.index[new.index.isin(old.index)]
    before, after = old.loc[common], new.loc[common]
    cells: dict[str, list[CellChange]] = {}
    for field in dict.fromkeys([*_fields(old), *_fields(new)]):
        was, now = _cells(before, field), _cells(after, field)
        for place in np.flatnonzero(~_same(was, now)).tolist():
            change = CellChange(field, _plain(was.iloc[place]), _plain(now.iloc[place]))
            cells.setdefault(str(common[place]), []).append(change)
    shapes = _shape_changes(common, np.asarray(before.geometry), np.asarray(after.geometry))
    return LayerDiff(
        added=tuple(map(str, new.index[~new.index.isin(old.index)])),
        removed=tuple(map(str, old.index[~old.index.isin(new.index)])),
        changed=tuple(
            FeatureChange(name, tuple(cells.get(name, ())), shapes.get(name))
            for name in map(str, common)
            if name in cells or name in shapes
        ),
    )


def _fields(table: gpd.GeoDataFrame) -> list[str]:
    return [name for name in table.columns if name != table.geometry.name]


def _cells(table: gpd.GeoDataFrame, field: str) -> pd.Series:
    unknown = pd.Series([None] * len(table), index=table.index, dtype=object)
    return pd.Series(table[field]) if field in table.columns else unknown


def _same(was: pd.Series, now: pd.Series) -> np.ndarray:
    one, other = was.astype(object), now.astype(object)
    unknown, also = one.isna().to_numpy(), other.isna().to_numpy()
    equal = one.to_numpy() == other.to_numpy()
    return np.asarray(np.where(unknown | also, unknown & also, equal), dtype=bool)


def _plain(value: object) -> object:
    """A cell as plain Python, None where it is unknown."""
    if pd.isna(value):  # type: ignore[call-overload]
        return None
    return value.item() if isinstance(value, np.generic) else value


def _shape_changes(ids: pd.Index, old: np.ndarray, new: np.ndarray) -> dict[str, ShapeChange]:
    # Where a ring starts does not matter; which way a line runs does.
    areas = (shapely.get_dimensions(old) == 2) & (shapely.get_dimensions(new) == 2)
    one, other = old.copy(), new.copy()
    one[areas], other[areas] = shapely.normalize(old[areas]), shapely.normalize(new[areas])
    return {
        str(ids[place]): _shape_change(old[place], new[place])
        for place in np.flatnonzero(~shapely.equals_exact(one, other, 0.0)).tolist()
    }


def _shape_change(old: shapely.Geometry, new: shapely.Geometry) -> ShapeChange:
    lowest = min(shapely.get_dimensions(old), shapely.get_dimensions(new))
    points = shapely.get_dimensions(old) == shapely.get_dimensions(new) == 0
    moved = (
        shapely.hausdorff_distance(old, new)
        if points
        else shapely.hausdorff_distance(old, new, densify=_STEP)
    )
    return ShapeChange(
        moved_m=float(moved),
        length_m=float(new.length - old.length) if lowest == 1 else None,
        area_m2=float(new.area - old.area) if lowest == 2 else None,
    )
