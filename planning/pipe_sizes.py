"""Outside sizes of pipes and duct banks, and what materials are called.

Tables: ``rules/standards/pipe_sizes.csv`` and ``materials.csv``, with source and confidence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from typing import Protocol

from planning.rule_files import read_rows

Size = tuple[float, float]
# Outside diameters nearer than this are one: series of one size differ by so much.
_SAME_M = 0.002
_ROUNDING_M = 1e-6


class Sized(Protocol):
    """What a pipe must tell to have a size; material by the name of ``materials.csv``."""

    @property
    def utility(self) -> str: ...
    @property
    def nominal_mm(self) -> float | None: ...
    @property
    def duct_holes(self) -> int | None: ...
    @property
    def duct_outer_diameter_mm(self) -> float | None: ...
    @property
    def voltage_kv(self) -> float | None: ...
    @property
    def laying(self) -> str | None: ...
    @property
    def material(self) -> str | None: ...
    @property
    def outer_mm(self) -> float | None: ...


@dataclass(frozen=True, eq=False)
class Materials:
    """Names and aliases of materials, and their classes of GB 50268 table 4.3.2."""

    by_alias: Mapping[str, str]
    classes: Mapping[str, frozenset[str]]

    def name(self, text: str | None) -> str | None:
        """The table's name of a material; ``None`` for none or one that it does not know."""
        return None if text is None else self.by_alias.get(str(text).strip().casefold())

    def pipe_classes(self, name: str | None) -> frozenset[str]:
        return self.classes.get(name or "", frozenset())


@dataclass(frozen=True, eq=False)
class PipeSizes:
    """Sizes in steps; a size between two steps takes the larger.

    ``outers`` are other outside diameters that pipes of a nominal size are made with.
    """

    pipes: Mapping[str, tuple[tuple[float, Size], ...]]
    outers: Mapping[str, tuple[tuple[float, Size], ...]]
    banks: Mapping[int, tuple[tuple[float, Size], ...]]
    cables: tuple[tuple[float, Size], ...]

    def outer_size_m(self, pipe: Sized) -> Size | None:
        """Outside width and height in metres; ``None`` for an unknown or unlisted size."""
        if pipe.laying == "conduit":
            return self.bank(pipe.duct_holes, pipe.duct_outer_diameter_mm)
        if pipe.outer_mm is not None and pipe.laying == "direct":
            return pipe.outer_mm / 1000, pipe.outer_mm / 1000
        if pipe.nominal_mm is not None:
            return _step(self.pipes.get(pipe.material or "", ()), pipe.nominal_mm)
        if pipe.utility == "power" and pipe.voltage_kv is not None:
            return _step(self.cables, pipe.voltage_kv)
        return None

    def nominal_of(self, material: str, outer_mm: float) -> float | None:
        """The nominal size with an outside diameter; None where the material lists none."""
        off_m, size = self.nearest_of(material, outer_mm)
        return size if off_m < _SAME_M else None

    def nearest_of(self, material: str, outer_mm: float) -> tuple[float, float]:
        """How far the nearest listed outside diameter is off, in metres, and its nominal size."""
        listed = (*self.pipes.get(material, ()), *self.outers.get(material, ()))
        off_m = [(abs(wide_m - outer_mm / 1000), size) for size, (wide_m, _height_m) in listed]
        return min(off_m, default=(inf, 0.0))

    def nominal_within(self, material: str | None, outer_mm: float) -> float | None:
        """The largest nominal size within an outside diameter; of an unknown material the least.

        None where it is smaller than all that are listed.
        """
        listed = self.pipes.values() if material is None else [self.pipes.get(material, ())]
        most_m = outer_mm / 1000 + _ROUNDING_M
        within = [
            max((size for size, (wide_m, _) in steps if wide_m < most_m), default=0.0)
            for steps in listed
        ]
        return min(within, default=0.0) or None

    @cached_property
    def widest_m(self) -> float:
        """Outside width of the widest pipe or bank that is listed."""
        steps = (*self.pipes.values(), *self.banks.values(), self.cables)
        return max(width for listed in steps for _size, (width, _height) in listed)

    def bank(self, holes: int | None, diameter_mm: float | None) -> Size | None:
        """Outside width and height of a bank of ducts; ``None`` for an unknown or unlisted one."""
        if not holes or diameter_mm is None:
            return None
        listed = min((one for one in self.banks if one >= holes), default=None)
        return None if listed is None else _step(self.banks[listed], diameter_mm)


@lru_cache(maxsize=1)
def load_materials() -> Materials:
    """Materials of ``rules/standards/materials.csv``."""
    by_alias: dict[str, str] = {}
    classes = {}
    for row in read_rows("standards/materials.csv", ("material", "aliases", "pipe_class")):
        for alias in (row["material"], row["zh"], *row["aliases"].split("|")):
            by_alias[alias.casefold()] = row["material"]
        classes[row["material"]] = frozenset(row["pipe_class"].split("|"))
    return Materials(by_alias, classes)


@lru_cache(maxsize=1)
def load_pipe_sizes() -> PipeSizes:
    """Sizes of ``rules/standards/pipe_sizes.csv``."""
    rows = read_rows("standards/pipe_sizes.csv", ("shape", "width_m", "height_m"))
    pipes: dict[str, list[tuple[float, Size]]] = {}
    outers: dict[str, list[tuple[float, Size]]] = {}
    banks: dict[int, list[tuple[float, Size]]] = {}
    cables: list[tuple[float, Size]] = []
    for row in rows:
        size = (float(row["width_m"]), float(row["height_m"]))
        if row["shape"] in ("pipe", "outer"):
            of_shape = pipes if row["shape"] == "pipe" else outers
            of_shape.setdefault(row["material"], []).append((float(row["nominal_mm"]), size))
        elif row["shape"] == "bank":
            step = (float(row["duct_outer_diameter_mm"]), size)
            banks.setdefault(int(row["duct_holes"]), []).append(step)
        else:
            cables.append((float(row["voltage_kv_to"]), size))
    return PipeSizes(
        {name: _sorted(steps) for name, steps in pipes.items()},
        {name: _sorted(steps) for name, steps in outers.items()},
        {holes: _sorted(steps) for holes, steps in banks.items()},
        _sorted(cables),
    )


def _sorted(steps: Iterable[tuple[float, Size]]) -> tuple[tuple[float, Size], ...]:
    return tuple(sorted(steps))


def _step(steps: tuple[tuple[float, Size], ...], wanted: float) -> Size | None:
    place = bisect_left(steps, wanted, key=lambda step: step[0])
    return steps[place][1] if place < len(steps) else None
