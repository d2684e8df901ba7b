"""Outside sizes of pipes and duct banks, and what materials are called.

Tables: ``rules/standards/pipe_sizes.csv`` and ``materials.csv``, with source and confidence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from planning.rule_files import read_rows

Size = tuple[float, float]
# Outside diameters nearer than this are one.
_SAME_M = 1e-6


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
    """Sizes in steps; a size between two steps takes the larger."""

    pipes: Mapping[str, tuple[tuple[float, Size], ...]]
    banks: Mapping[int, tuple[tuple[float, Size], ...]]
    cables: tuple[tuple[float, Size], ...]

    def outer_size_m(self, pipe: Sized) -> Size | None:
        """Outside width and height in metres; ``None`` for an unknown or unlisted size."""
        if pipe.laying == "conduit":
            return self.bank(pipe.duct_holes, pipe.duct_outer_diameter_mm)
        if pipe.nominal_mm is not None:
            return _step(self.pipes.get(pipe.material or "", ()), pipe.nominal_mm)
        if pipe.utility == "power" and pipe.voltage_kv is not None:
            return _step(self.cables, pipe.voltage_kv)
        return None

    def nominal_of(self, material: str, outer_mm: float) -> float | None:
        """The nominal size with an outside diameter; None where the material lists none."""
        outer_m = outer_mm / 1000
        for size, (wide_m, _height_m) in self.pipes.get(material, ()):
            if abs(wide_m - outer_m) < _SAME_M:
                return size
        return None

    def nominal_within(self, material: str | None, outer_mm: float) -> float | None:
        """The largest nominal size within an outside diameter; of an unknown material the least.

        None where it is smaller than all that are listed.
        """
        listed = self.pipes.values() if material is None else [self.pipes.get(material, ())]
        most_m = outer_mm / 1000 + _SAME_M
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
    banks: dict[int, list[tuple[float, Size]]] = {}
    cables: list[tuple[float, Size]] = []
    for row in rows:
        size = (float(row["width_m"]), float(row["height_m"]))
        if row["shape"] == "pipe":
            pipes.setdefault(row["material"], []).append((float(row["nominal_mm"]), size))
        elif row["shape"] == "bank":
            step = (float(row["duct_outer_diameter_mm"]), size)
            banks.setdefault(int(row["duct_holes"]), []).append(step)
        else:
            cables.append((float(row["voltage_kv_to"]), size))
    return PipeSizes(
        {name: _sorted(steps) for name, steps in pipes.items()},
        {holes: _sorted(steps) for holes, steps in banks.items()},
        _sorted(cables),
    )


def _sorted(steps: Iterable[tuple[float, Size]]) -> tuple[tuple[float, Size], ...]:
    return tuple(sorted(steps))


def _step(steps: tuple[tuple[float, Size], ...], wanted: float) -> Size | None:
    place = bisect_left(steps, wanted, key=lambda step: step[0])
    return steps[place][1] if place < len(steps) else None
