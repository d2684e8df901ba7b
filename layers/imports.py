"""What an import is given, what it makes of it and returns, and what it refuses as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict

import geopandas as gpd
from pyproj import CRS

from language import gettext as _
from layers.conforming import Conformed, conform
from layers.errors import LayerError
from layers.georeferencing import Surroundings
from layers.gone_rows import NOTHING_GONE, Gone
from layers.problems import Problem
from layers.raw import COORDINATES, RawLayer
from layers.reading import read_layer
from layers.source_crs import stated_crs
from layers.source_memory import SourceMemory, document_of, source_key, to_remember

DATA_CLASSES = ("public", "internal", "sensitive")

Progress = Callable[[str], None]


class Taking(TypedDict, total=False):
    """How a file is to be taken.

    ``points`` is the point table of a line table that is a file of its own. Of a table ``mapping``
    may also name the columns ``north`` and ``east``. All else is that of ``reading.read_layer`` and
    ``conforming.conform``.
    """

    source_layer: str | None
    points: Path | str | None
    crs: CRS | str | None
    swap_axes: bool
    datum_shift: str | None
    mapping: Mapping[str, str] | None
    constants: Mapping[str, str] | None
    units: Mapping[str, str] | None
    source: str | None
    make_ids: bool
    id_prefix: str


class Taken(NamedTuple):
    """What a file held, what it is as a layer, the rows that stay, and what to remember."""

    raw: RawLayer
    conformed: Conformed
    old: gpd.GeoDataFrame | None
    said: tuple[str, bytes] | None

    @property
    def left_out(self) -> int:
        """Features that the reader left out, each named in a problem."""
        return sum(one.count for one in self.raw.skipped)

    @property
    def rows_in(self) -> int:
        """Features of the file."""
        return len(self.raw.cells) + self.left_out


@dataclass(frozen=True)
class ImportResult:
    """What an import stored. ``rejected_file`` is the CSV of rejected rows, if there are any.

    ``rows_in`` counts the features of the file: each is stored, rejected, or left out by its reader
    and named in ``problems``. ``rows`` counts the rows of the version: lines in several parts are
    several, and those of the version before are kept with ``append``. ``gone`` are the rows of the
    version before that this one has no more.
    """

    layer: str
    version: int
    rows: int
    rejected: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    rejected_file: Path | None
    rows_in: int
    gone: Gone = NOTHING_GONE


def refuse_class(data_class: str) -> None:
    """Raise ``LayerError`` for a class of data that may not be stored."""
    if data_class not in DATA_CLASSES:
        raise LayerError(
            _("数据类别“{}”不可入库,须为 {}。涉密数据不得导入。").format(
                data_class, _("、").join(DATA_CLASSES)
            )
        )


def refuse_nameless(author: str) -> None:
    """Raise ``LayerError`` where nobody stands for what is to be stored or to leave."""
    if not author.strip():
        raise LayerError(_("请写明经办人(--author)。"))


def stricter(one: str, other: str) -> str:
    """Return the class of data that is kept more strictly."""
    return max(one, other, key=DATA_CLASSES.index)


def take(
    layer: str,
    file: Path | str,
    taking: Taking,
    *,
    target: CRS,
    old: gpd.GeoDataFrame | None,
    around: Callable[[], Surroundings],
    remembered: Callable[[RawLayer], SourceMemory],
    tell: Progress,
) -> Taken:
    """Read a file and make it rows of a layer in the CRS ``target``, beside the ``old`` ones.

    ``around`` tells what is known of the place; ``remembered`` what was stated of an earlier file
    of the same source. Raises ``ReadError`` and ``LayerError`` as reading and conforming do.
    """
    crs, mapping = taking.get("crs"), taking.get("mapping") or {}
    units = taking.get("units") or {}
    stated_crs(crs)  # refuses a name that is none before anything is read
    tell(_("读取"))
    raw = read_layer(
        file,
        source_layer=taking.get("source_layer"),
        layer=layer,
        beside=taking.get("points"),
        mapping=mapping,
        constants=taking.get("constants"),
    )
    fields = {field: column for field, column in mapping.items() if field not in COORDINATES}
    tell(_("核对"))
    memory = remembered(raw)
    conformed = conform(
        raw,
        layer,
        target=target,
        crs=crs,
        swap_axes=taking.get("swap_axes", False),
        datum_shift=taking.get("datum_shift"),
        around=around(),
        mapping=fields,
        constants=taking.get("constants"),
        units=units,
        memory=memory,
        make_ids=taking.get("make_ids", False),
        id_prefix=taking.get("id_prefix", ""),
        stored=None if old is None else old.index,
    )
    stated = SourceMemory({**memory.mapping, **fields}, {**memory.units, **units})
    said, key = to_remember(raw, stated), source_key(raw, layer, taking.get("source"))
    kept = None if said is None else (document_of(key), said)
    return Taken(raw, conformed, old, kept)
