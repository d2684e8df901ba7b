"""Survey: the checked layers of one county, in one projected CRS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import geopandas as gpd
from pyproj import CRS

from gis.crs import require_projected
from language import gettext as _
from layers.edits import Edit
from layers.errors import LayerError
from layers.fields import layer_definition
from layers.placing import crs_name


@dataclass(frozen=True)
class LayerVersion:
    """One stored version of a layer: where it lies, its hash, and what it was made from.

    ``file`` is its file in the workspace, or its table in the database. ``source_file`` names what
    was imported; ``answers`` and ``version:N`` stand for answers and for a return to version N.
    ``rows_in`` counts the rows of the source, ``rejected`` those of them that were not stored. None
    or empty is unknown: versions stored before these were kept.
    """

    layer: str
    version: int
    file: str
    sha256: str
    rows: int
    crs: str
    data_class: str
    imported_at: str
    source_file: str
    problems: int
    author: str = ""
    note: str = ""
    rows_in: int | None = None
    rejected: int | None = None


@dataclass(frozen=True)
class Survey:
    """Layers by name, each indexed by its id, x east and y north in metres of ``crs``.

    Rows are in the order of their ids, whatever order they were given in: of equally good ones the
    first by id is taken, so nothing hangs on where a row stands in a file.
    A layer that was never imported is absent, that is unknown: ``get`` gives None. An imported
    layer without rows is known to be empty. Unknown numbers are NaN, all other unknowns None;
    dates are ISO text, or ``never`` where their field allows it; integers float64. Polygon layers
    may hold polygons in several parts. ``edits`` are the answers that were ever given to questions
    about it, the first one first.
    """

    crs: CRS
    tables: Mapping[str, gpd.GeoDataFrame]
    county: str
    synthetic: bool = False
    versions: Mapping[str, LayerVersion] = field(default_factory=dict)
    edits: Sequence[Edit] = ()

    def __post_init__(self) -> None:
        require_projected(self.crs)
        for layer, table in self.tables.items():
            _check_table(layer, table, self.crs)
        tables = {layer: in_order(table) for layer, table in self.tables.items()}
        object.__setattr__(self, "tables", MappingProxyType(tables))
        object.__setattr__(self, "versions", MappingProxyType(dict(self.versions)))

    def get(self, layer: str) -> gpd.GeoDataFrame | None:
        """Return the table of a layer, or None if it was never imported.

        Raises ``LayerError`` for a name that no layer has.
        """
        layer_definition(layer)
        return self.tables.get(layer)

    def has(self, layer: str) -> bool:
        """Tell whether the layer was imported, even if it has no rows."""
        return self.get(layer) is not None


def in_order(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows in the order of their ids; the very table where they are."""
    if table.index.is_monotonic_increasing:
        return table
    return table.sort_index(kind="stable")


def _check_table(layer: str, table: gpd.GeoDataFrame, crs: CRS) -> None:
    definition = layer_definition(layer)
    if table.crs is None or not table.crs.equals(crs, ignore_axis_order=True):
        raise LayerError(
            _("图层 {} 的坐标系 {} 与联合踏勘成果的坐标系 {} 不同。请先转换。").format(
                layer, crs_name(table.crs) if table.crs else _("未定义"), crs_name(crs)
            )
        )
    if table.index.name != definition.id_field:
        raise LayerError(
            _("图层 {} 的索引须为编号字段 {}。请先设置索引。").format(layer, definition.id_field)
        )
