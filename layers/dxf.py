"""CAD drawings (DXF), text or binary, damaged ones as far as they can be recovered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from language import gettext as _
from layers.dxf_files import BINARY_MARK, DAMAGE, Decode, decoder, recovered
from layers.dxf_layers import layer_notes, utility_of_layer
from layers.dxf_places import Placing, placing_of
from layers.dxf_shapes import TOLERANCE_M, UnfitError, shape_of
from layers.errors import ReadError
from layers.fields import LayerDefinition, fold, layer_definition
from layers.raw import RawLayer, Skipped, Wanted

if TYPE_CHECKING:
    from ezdxf.document import Drawing
    from ezdxf.entities.dxfgfx import DXFGraphic

_NAMES = re.compile("[,,、]")
_SAMPLE = 1_000
# Where an entity keeps its first point.
_ANCHORS = ("start", "insert", "location", "center")
# The application under which CASS keeps the code of an entity.
_CASS = "SOUTH"


def read_dxf(path: Path, wanted: Wanted) -> RawLayer:
    """Read the entities of the model space whose shapes the wanted layer takes.

    Curves become chords within 0.01 m. Coordinates come in metres by the declared unit, or in the
    CRS of a GEODATA block; the CRS is None without one. The id is the handle. ``utility`` is
    what the name of the drawing's layer tells, unless the user states one.
    ``wanted.source_layer`` picks layers of the drawing: names with commas, ``*`` for any text.

    Raises
    ------
    ReadError
        If the file cannot be recovered, or has no such layer.
    """
    drawing, notes = recovered(path)
    decode, code_page_notes = decoder(drawing)
    entities = _chosen(path, list(drawing.modelspace()), wanted, decode)
    placing = placing_of(drawing, _sample(entities))
    definition = layer_definition(wanted.layer)
    reader = _Reader(drawing, definition, placing, decode)
    for entity in entities:
        reader.take(entity)
    cells = pd.DataFrame(reader.rows, dtype=object)
    return RawLayer(
        path.name,
        wanted.source_layer,
        cells.assign(**_utilities(cells, definition, wanted)),
        _array(reader.shapes),
        reader.unreadable,
        placing.crs,
        notes=(
            *notes,
            *code_page_notes,
            *placing.notes,
            *_layer_notes(drawing, cells, definition, wanted),
            *_hidden_notes(drawing, decode),
        ),
        skipped=(*reader.left_out(), *_paper(drawing)),
        used=("layer",) if "utility" in definition.names else (),
    )


def refuse_dwg(path: Path, _wanted: Wanted) -> RawLayer:
    """Say that a DWG has to be saved as DXF: no free library reads it."""
    raise ReadError(_("文件 {}:DWG 是封闭格式,无法读取。请在 CAD 中另存为 DXF。").format(path.name))


def is_dxf(head: bytes) -> bool:
    """Tell a drawing by its first bytes: the binary mark, or a section behind remarks."""
    return head.startswith(BINARY_MARK) or _TEXT_DXF.match(head) is not None


_TEXT_DXF = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:999[ \t]*\r?\n[^\n]*\n\s*)*0[ \t]*\r?\n\s*SECTION\s"
)


class _Reader:
    """Collects rows, and counts what is none by layer, type and reason."""

    def __init__(
        self, drawing: Drawing, definition: LayerDefinition, placing: Placing, decode: Decode
    ) -> None:
        self._drawing, self._definition, self._decode = drawing, definition, decode
        self._placing = placing
        self._skipped: Counter[tuple[str, str, str]] = Counter()
        self.rows: list[dict[str, object]] = []
        self.shapes: list[BaseGeometry | None] = []
        self.unreadable: dict[int, str] = {}

    def take(self, entity: DXFGraphic) -> None:
        """Add a row, or count the entity as left out."""
        shape = None
        try:
            with np.errstate(invalid="ignore", over="ignore"):
                shape = shape_of(
                    entity,
                    self._definition.geometry_types,
                    self._placing.move,
                    TOLERANCE_M / self._placing.metres_per_unit,
                )
        except UnfitError as reason:
            layer = self._decode(str(entity.dxf.get("layer", "0")))
            self._skipped[layer, entity.dxftype(), str(reason)] += 1
            return
        except (*DAMAGE, ShapelyError):
            self.unreadable[len(self.rows)] = _("图元的几何数据不完整或已损坏")
        self.rows.append(self._cells(entity))
        self.shapes.append(shape)

    def left_out(self) -> Iterator[Skipped]:
        """Yield what is no row, once for each layer, type and reason."""
        for (layer, kind, reason), count in self._skipped.items():
            yield Skipped(_("图层 {} 的 {}").format(layer, kind), reason, count)

    def _cells(self, entity: DXFGraphic) -> dict[str, object]:
        handle, layer = entity.dxf.get("handle"), str(entity.dxf.get("layer", "0"))
        block = entity.dxf.get("name") if entity.dxftype() == "INSERT" else None
        own = {
            self._definition.id_field: handle,
            "layer": self._decode(layer),
            "entity": entity.dxftype(),
            "block": block if block is None else self._decode(block),
            "colour": _colour(self._drawing, entity),
            "elevation": _elevation(entity),
            "thickness": _attribute(entity, "thickness"),
            "cass_code": _cass_code(entity),
        }
        attributes = {
            self._decode(one.dxf.get("tag", "")): self._decode(one.dxf.get("text", ""))
            for one in getattr(entity, "attribs", ())
        }
        return own | {
            f"{tag}_attribute" if tag in own else tag: text for tag, text in attributes.items()
        }


def _chosen(
    path: Path, entities: list[DXFGraphic], wanted: Wanted, decode: Decode
) -> list[DXFGraphic]:
    if wanted.source_layer is None:
        return entities
    patterns = [fold(part) for part in _NAMES.split(wanted.source_layer) if part.strip()]
    names = [decode(str(entity.dxf.get("layer", "0"))) for entity in entities]
    absent = [p for p in patterns if not any(fnmatchcase(fold(name), p) for name in set(names))]
    if absent:
        raise ReadError(
            _("文件 {}:模型空间没有图层“{}”的图元。图层:{}。请改正 --source-layer。").format(
                path.name, _("、").join(absent), _("、").join(dict.fromkeys(names)) or _("无")
            )
        )
    return [
        entity
        for name, entity in zip(names, entities, strict=True)
        if any(fnmatchcase(fold(name), pattern) for pattern in patterns)
    ]


def _sample(entities: Sequence[DXFGraphic]) -> np.ndarray:
    """Return a coordinate (x, y) of some entities, in drawing units."""
    found = []
    for entity in entities[:_SAMPLE]:
        for name in _ANCHORS:
            if entity.dxf.hasattr(name):
                found.append(tuple(entity.dxf.get(name))[:2])
                break
        else:
            corners = list(getattr(entity, "vertices_in_wcs", list)())
            found += [tuple(corners[0])[:2]] if corners else []
    return np.array(found, dtype=float).reshape(-1, 2)


def _array(shapes: Sequence[BaseGeometry | None]) -> np.ndarray:
    array = np.full(len(shapes), None, dtype=object)
    array[:] = shapes
    return array


def _utilities(
    cells: pd.DataFrame, definition: LayerDefinition, wanted: Wanted
) -> dict[str, pd.Series]:
    """Return the column ``utility``, where the layer has one and the user does not state it."""
    stated = "utility" in {*wanted.mapping, *wanted.constants}
    if stated or "utility" not in definition.names or not len(cells):
        return {}
    return {"utility": pd.Series(map(utility_of_layer, cells["layer"]), dtype=object)}


def _layer_notes(
    drawing: Drawing, cells: pd.DataFrame, definition: LayerDefinition, wanted: Wanted
) -> tuple[str, ...]:
    if not _utilities(cells, definition, wanted):
        return ()
    counts = Counter(cells["layer"])
    return layer_notes(
        {name: utility_of_layer(name) for name in counts},
        counts,
        dict(zip(cells["layer"], cells["colour"], strict=True)),
    )


def _hidden_notes(drawing: Drawing, decode: Decode) -> tuple[str, ...]:
    used = {str(entity.dxf.get("layer", "0")) for entity in drawing.modelspace()}
    hidden = [one.dxf.name for one in drawing.layers if one.is_off() or one.is_frozen()]
    names = [decode(name) for name in hidden if name in used]
    return (_("关闭或冻结的图层也已读入:{}").format(_("、").join(names)),) if names else ()


def _paper(drawing: Drawing) -> list[Skipped]:
    return [
        Skipped(_("图纸空间“{}”").format(sheet.name), _("只读模型空间"), len(sheet))
        for sheet in drawing.layouts
        if not sheet.is_modelspace and len(sheet)
    ]


def _colour(drawing: Drawing, entity: DXFGraphic) -> str | None:
    """Return the colour as ``#rrggbb``, that of its layer where the entity has none of its own."""
    from ezdxf.colors import aci2rgb, int2rgb

    true_colour, index = entity.dxf.get("true_color"), entity.dxf.get("color", 256)
    if true_colour is None and index == 256:
        name = entity.dxf.get("layer", "0")
        layer = drawing.layers.get(name) if drawing.layers.has_entry(name) else None
        if layer is None:
            return None
        true_colour, index = layer.dxf.get("true_color"), abs(layer.dxf.color)
    if true_colour is not None:
        return "#{:02x}{:02x}{:02x}".format(*int2rgb(true_colour))
    return "#{:02x}{:02x}{:02x}".format(*aci2rgb(index)) if 0 < index < 256 else None


def _attribute(entity: DXFGraphic, name: str) -> Any:
    return entity.dxf.get(name) if entity.dxf.hasattr(name) else None


def _elevation(entity: DXFGraphic) -> float | None:
    """Return the height of an entity drawn in a plane, or of its first point."""
    value = None
    for name in ("elevation", *_ANCHORS):
        value = _attribute(entity, name) if value is None else value
    height = value if value is None or isinstance(value, int | float) else tuple(value)[2]
    return None if height is None else float(height)


def _cass_code(entity: DXFGraphic) -> str | None:
    """Return the code that CASS gave the entity."""
    if not entity.has_xdata(_CASS):
        return None
    return next((str(tag.value) for tag in entity.get_xdata(_CASS) if tag.code == 1000), None)
