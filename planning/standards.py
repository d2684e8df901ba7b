"""Standards 标准: clearances, cover, working space and outside sizes of pipes.

Tables: ``rules/standards/*.csv``, every value with source and confidence. Clearances are between
outer faces (GB 50289-2016 tables 4.1.9 and 4.1.14, cover 4.1.1), working space is b1 of
GB 50268-2008 table 4.3.2. Where rows of two standards apply, the larger value rules and the other
is shown.
Where an attribute of a pipe is unknown, the largest of the rows that it leaves open rules, and the
value says so. A pair without a row is ``no_table_value``, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from layers.utilities import Utility, load_utilities
from planning.pipe_sizes import Materials, PipeSizes, load_materials, load_pipe_sizes
from planning.rule_files import read_rows
from planning.texts import gettext as _

_PAIRS_KEPT = 10_000  # ample for the kinds of line of a county; some megabytes


@dataclass(frozen=True)
class Pipe:
    """Pipe, cable or duct bank of one utility; ``None`` is unknown.

    ``operators`` are those whose network it may join, any where none is named; ``load_kw`` is what
    a power line must supply; ``outer_mm`` the outside diameter of a pipe that is told by it.
    """

    utility: str
    nominal_mm: float | None = None
    duct_holes: int | None = None
    duct_outer_diameter_mm: float | None = None
    pressure_mpa: float | None = None
    voltage_kv: float | None = None
    laying: str | None = "direct"
    material: str | None = None
    operators: tuple[str, ...] = ()
    load_kw: float | None = None
    outer_mm: float | None = None


@dataclass(frozen=True)
class TableValue:
    """Value of a table in metres, or that the tables have none.

    ``least_m`` is what the value may come down to once the unknown attributes are known; where
    nothing is unknown it is the value itself.
    """

    value_m: float | None
    status: str
    source: str
    confidence: str
    condition: str | None = None
    note: str | None = None
    other: TableValue | None = None
    least_m: float | None = None


@dataclass(frozen=True)
class Row:
    """One row of a table: keys, an optional condition on one attribute, and the value."""

    keys: frozenset[str]
    value_m: float | None
    about: str
    test: str
    limit: str
    source: str
    confidence: str
    condition: str
    note: str

    def applies(self, attributes: Mapping[str, Any]) -> bool | None:
        """Whether the condition holds; ``None`` where its attribute is unknown."""
        if not self.about:
            return True
        value = attributes.get(self.about)
        if value is None:
            return None
        if self.test == "is":
            return bool(value) == (self.limit == "true")
        limit = float(self.limit)
        if self.test == "at_most":
            return bool(value <= limit)
        if self.test == "above":
            return bool(value > limit)
        return bool(value < limit) if self.test == "below" else bool(value >= limit)


@dataclass(frozen=True, eq=False)
class Standards:
    """All tables with the questions asked of them."""

    horizontal: Mapping[frozenset[str], tuple[Row, ...]]
    vertical: Mapping[frozenset[str], tuple[Row, ...]]
    covers: Mapping[frozenset[str], tuple[Row, ...]]
    widths: tuple[tuple[float, float, Row], ...]
    slopes: Mapping[frozenset[str], tuple[Row, ...]]
    sizes: PipeSizes
    materials: Materials
    utilities: Mapping[str, Utility]

    def outer_size_m(self, pipe: Pipe) -> tuple[float, float] | None:
        """Outside width and height in metres; ``None`` when the size is unknown."""
        return self.sizes.outer_size_m(self._full(pipe))

    def horizontal_clearance(self, a: Pipe, b: Pipe) -> TableValue:
        """Least distance side by side, outer face to outer face (table 4.1.9)."""
        return self._told("horizontal", a, b)

    def vertical_clearance(self, a: Pipe, b: Pipe) -> TableValue:
        """Least distance at a crossing, outer face to outer face (table 4.1.14)."""
        return self._told("vertical", a, b)

    def clearance_to(self, pipe: Pipe, thing: str, **about: Any) -> TableValue:
        """Least distance to building, tree, shrub, kerb, rail, pole_lt10kv, tower_le35kv...

        ``about`` tells what rows ask of the thing: ``electrified`` of a railway, ``tower_kv``.
        """
        rows = _rows_of(self.horizontal, self.keys(pipe, "horizontal"), (thing,))
        return _strictest(rows, {**vars(pipe), **about})

    def vertical_clearance_to(self, pipe: Pipe, thing: str) -> TableValue:
        """Least distance at a crossing of rail_base, tram_rail_base... (table 4.1.14)."""
        rows = _rows_of(self.vertical, self.keys(pipe, "vertical"), (thing,))
        return _strictest(rows, vars(pipe))

    def farthest_m(self, pipe: Pipe) -> float:
        """The largest distance that the table asks of a pipe from anything beside it."""
        keys = frozenset(self.keys(pipe, "horizontal"))
        rows = (row for pair, rows in self.horizontal.items() if pair & keys for row in rows)
        return max((row.value_m or 0.0 for row in rows), default=0.0)

    def cover(self, pipe: Pipe, location: str) -> TableValue:
        """Least cover to the top, at ``carriageway`` or ``non_carriageway`` (table 4.1.1)."""
        rows = _rows_of(self.covers, self.keys(pipe, "cover"), (location,))
        return _strictest(rows, vars(pipe))

    def working_space(self, pipe: Pipe) -> TableValue:
        """Working space b1 on each side of the pipe in the trench."""
        size = self.outer_size_m(pipe)
        if size is None:
            return replace(NO_VALUE, note=_("管径未知"))
        width_mm = size[0] * 1000
        classes = self.materials.pipe_classes(self._full(pipe).material)
        rows = [
            row
            for above, up_to, row in self.widths
            if above < width_mm <= up_to and row.keys & classes
        ]
        return _strictest(rows, {})

    def side_slope(self, soil: str, load: str) -> TableValue:
        """Run per unit depth of an open trench side; load: no_load, static_load, dynamic_load."""
        return _strictest(_rows_of(self.slopes, (soil,), (load,)), {})

    def pressure_class(self, pressure_mpa: float) -> str | None:
        """Class of a gas pressure by the keys of the clearance table; ``None`` above them all."""
        found = self.utilities["gas"].keys_for("horizontal", {"pressure_mpa": pressure_mpa})
        return found[0] if found else None

    def keys(self, pipe: Pipe, table: str) -> tuple[str, ...]:
        """Keys of a pipe in a table: horizontal, vertical, cover or cjj61."""
        return self.utilities[pipe.utility].keys_for(table, vars(self._full(pipe)))

    @cached_property
    def usual_material(self) -> Mapping[str, str]:
        """Material of a new pipe that names none, by utility."""
        return {key: one.default_material for key, one in self.utilities.items()}

    def _full(self, pipe: Pipe) -> Pipe:
        """The pipe with its material by the table's name, the usual one where it has none."""
        name = self.materials.name(pipe.material) or self.usual_material[pipe.utility]
        return replace(pipe, material=name)

    @cached_property
    def _told(self) -> Callable[[str, Pipe, Pipe], TableValue]:
        """What was found between two pipes; a slot asks it of the same few lines at every edge."""
        return lru_cache(maxsize=_PAIRS_KEPT)(self._between)

    def _between(self, name: str, a: Pipe, b: Pipe) -> TableValue:
        table = self.horizontal if name == "horizontal" else self.vertical
        rows = _rows_of(table, self.keys(a, name), self.keys(b, name))
        sizes = [pipe.nominal_mm for pipe in (a, b)]
        voltages = [pipe.voltage_kv for pipe in (a, b) if pipe.utility == "power"]
        return _strictest(rows, {"nominal_mm": _largest(sizes), "voltage_kv": _largest(voltages)})


NO_VALUE = TableValue(None, "no_table_value", "", "", note=_("表中没有这一项"))


@lru_cache(maxsize=1)
def load_standards() -> Standards:
    """All tables of ``rules/standards``, read once."""
    return Standards(
        horizontal=_indexed(_pair_rows("standards/horizontal_clearance.csv")),
        vertical=_indexed(_pair_rows("standards/vertical_clearance.csv")),
        covers=_indexed(
            _row(one, {one["line_type"], one["location"]}, one["min_cover_m"])
            for one in read_rows("standards/cover.csv")
        ),
        widths=tuple(
            (
                float(one["od_mm_gt"]),
                float(one["od_mm_le"] or "inf"),
                _row(one, {one["pipe_class"]}, str(float(one["b1_mm"]) / 1000)),
            )
            for one in read_rows("standards/trench_width.csv")
        ),
        slopes=_indexed(
            _row(one, {one["soil"], load}, one[f"m_{load}"])
            for one in read_rows("standards/side_slope.csv")
            for load in ("no_load", "static_load", "dynamic_load")
        ),
        sizes=load_pipe_sizes(),
        materials=load_materials(),
        utilities=load_utilities(),
    )


def _pair_rows(name: str) -> Iterable[Row]:
    return (_row(one, {one["a"], one["b"]}, one["min_m"]) for one in read_rows(name))


def _row(cells: Mapping[str, str], keys: set[str], value: str) -> Row:
    return Row(
        keys=frozenset(keys),
        value_m=float(value) if value else None,
        about=cells.get("about", ""),
        test=cells.get("test", ""),
        limit=cells.get("limit", ""),
        source=cells["source"],
        confidence=cells["confidence"],
        condition=cells.get("condition", ""),
        note=cells["note"],
    )


def _indexed(rows: Iterable[Row]) -> Mapping[frozenset[str], tuple[Row, ...]]:
    found: dict[frozenset[str], tuple[Row, ...]] = {}
    for row in rows:
        found[row.keys] = (*found.get(row.keys, ()), row)
    return found


def _rows_of(
    table: Mapping[frozenset[str], tuple[Row, ...]], left: Iterable[str], right: Iterable[str]
) -> list[Row]:
    """Rows of all pairs of keys, each pair once."""
    right = tuple(right)
    pairs = dict.fromkeys(frozenset((a, b)) for a in left for b in right)
    return [row for pair in pairs for row in table.get(pair, ())]


def _strictest(rows: Iterable[Row], attributes: Mapping[str, Any]) -> TableValue:
    """The largest value of the rows that apply or may apply; other standards beside it."""
    valued = [row for row in rows if row.value_m is not None]
    found = [(row, truth) for row in valued if (truth := row.applies(attributes)) is not False]
    if not found:
        return NO_VALUE
    ranked = sorted(found, key=lambda pair: -(pair[0].value_m or 0))
    first = ranked[0][0]
    same_source = {row.value_m for row, _truth in found if row.source == first.source}
    differing = (row for row, _truth in ranked if row.source != first.source)
    other = next((row for row in differing if row.value_m != first.value_m), None)
    sure = ranked[0][1] is True
    open_rows = [(row, truth) for row, truth in found if not sure or row.source == first.source]
    value = replace(
        _value(first),
        other=None if other is None else _value(other),
        least_m=min(row.value_m or 0 for row, _truth in open_rows),
    )
    if len(same_source) == 1:
        return value
    return replace(value, confidence="inferred", note=_("有未知属性,取可能值中的最大值"))


def _value(row: Row) -> TableValue:
    return TableValue(
        value_m=row.value_m,
        status="value",
        source=row.source,
        confidence=row.confidence,
        condition=row.condition or None,
        note=row.note or None,
    )


def _largest(values: Iterable[float | None]) -> float | None:
    """Largest of values; unknown if one is, or there is none."""
    known = list(values)
    if not known or None in known:
        return None
    return max(value for value in known if value is not None)
