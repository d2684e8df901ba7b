"""Trench sections: the narrowest lawful way to lay pipes side by side in one trench.

Order and gaps follow the horizontal clearances between outer faces (GB 50289-2016 table 4.1.9),
each pipe lies at its own cover (table 4.1.1) on its own bench, and the walls keep the working
space of every pipe (GB 50268-2008 4.3.2). Walls are upright; lengths are metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations, product
from typing import TYPE_CHECKING

from gis.subsets import members, splits
from layers.utilities import load_utilities
from planning.quantities import Prices
from planning.texts import gettext as _

if TYPE_CHECKING:
    from planning.standards import Pipe, Standards, TableValue

MAX_PIPES = 8
"""Up to here every order is tried: 8! / 2 = 20 160."""

DIGITS = 9
"""Decimals at which widths and prices count as equal: far below a millimetre or a cent."""


class SectionError(ValueError):
    """Pipes that cannot lie in one trench; the message says which and why."""


@dataclass(frozen=True)
class PlacedPipe:
    """One pipe in the section; ``x_m`` is its left outer face from the left wall."""

    pipe: Pipe
    label: str
    x_m: float
    cover_m: float
    width_m: float
    height_m: float
    cover_source: str
    cover_confidence: str

    @property
    def bottom_m(self) -> float:
        """Depth of the underside below the surface, metres."""
        return self.cover_m + self.height_m


@dataclass(frozen=True)
class PairGap:
    """Gap between the outer faces of two pipes, and the clearance that the table asks for."""

    a: str
    b: str
    gap_m: float
    required_m: float
    source: str
    confidence: str

    @property
    def decides(self) -> bool:
        """Whether the gap is as small as it may be."""
        return self.gap_m <= self.required_m + 1e-9


@dataclass(frozen=True)
class Section:
    """A trench seen along its way; pipes from left to right."""

    location: str
    pipes: tuple[PlacedPipe, ...]
    pairs: tuple[PairGap, ...]
    width_m: float

    @property
    def utilities(self) -> tuple[str, ...]:
        """Utilities from left to right."""
        return tuple(placed.pipe.utility for placed in self.pipes)

    @property
    def depth_m(self) -> float:
        """Depth of the deepest bench, metres."""
        return max(placed.bottom_m for placed in self.pipes)

    @property
    def benches(self) -> tuple[tuple[float, float, float], ...]:
        """Floor as (left, right, depth) in metres; steps lie midway between neighbours."""
        steps = [(one.x_m + one.width_m + other.x_m) / 2 for one, other in pairwise(self.pipes)]
        edges = [0.0, *steps, self.width_m]
        return tuple(
            (left, right, placed.bottom_m)
            for (left, right), placed in zip(pairwise(edges), self.pipes, strict=True)
        )

    @property
    def dug_m2(self) -> float:
        """Earth dug for one metre of trench, cubic metres."""
        return sum((right - left) * depth for left, right, depth in self.benches)

    def trench_yuan_m(self, surface: str, *, prices: Prices, restoration_extra_m: float) -> float:
        """Yuan for one metre of trench without its pipes."""
        return prices.trench_yuan_m(
            self.width_m,
            self.dug_m2 / self.width_m,
            surface,
            restoration_extra_m=restoration_extra_m,
        )


@dataclass(frozen=True)
class Layout:
    """Trenches for a set of pipes on one surface: yuan a metre without the pipes' price."""

    sections: tuple[Section, ...]
    yuan_m: float


def width_of(layout: Layout) -> float:
    """Width of all trenches of a layout side by side, metres."""
    return sum(section.width_m for section in layout.sections)


def widest_of(layout: Layout) -> float:
    """Width of its widest trench, metres; 0 without any."""
    return max((one.width_m for one in layout.sections), default=0.0)


def widest_shared_of(layout: Layout) -> float:
    """Width of its widest trench of several pipes, metres; 0 where each pipe has its own."""
    return max((one.width_m for one in layout.sections if len(one.pipes) > 1), default=0.0)


def pipe_label(pipe: Pipe) -> str:
    """Short name of a pipe in drawings, such as ``DN200`` or ``6孔``; empty when unknown."""
    if pipe.duct_holes is not None:
        return _("{holes}孔").format(holes=pipe.duct_holes)
    if pipe.nominal_mm is not None:
        return f"DN{pipe.nominal_mm:g}"
    return "" if pipe.voltage_kv is None else f"{pipe.voltage_kv:g} kV"


def why_no_section(pipe: Pipe, standards: Standards) -> str | None:
    """Reason why no section can be drawn for a pipe; ``None`` when one can."""
    if standards.outer_size_m(pipe) is None:
        return _("规格未知,无法确定外径;请在申请中补填管径或孔数")
    values = {
        _("覆土深度"): standards.cover(pipe, "non_carriageway"),
        _("车行道覆土深度"): standards.cover(pipe, "carriageway"),
        _("沟槽工作面宽度"): standards.working_space(pipe),
    }
    missing = [name for name, value in values.items() if value.value_m is None]
    return _("标准表中没有{names}的数值").format(names=_("、").join(missing)) if missing else None


def why_apart(a: Pipe, b: Pipe, standards: Standards) -> str | None:
    """Reason why two pipes may not share one trench; ``None`` when they may."""
    value = standards.horizontal_clearance(a, b)
    if value.value_m is not None:
        return None
    return _("{a}与{b}:净距表中没有这一对的水平净距,不能同沟").format(a=_name(a), b=_name(b))


def narrowest_section(pipes: Sequence[Pipe], place: str, *, standards: Standards) -> Section:
    """The narrowest section that holds the pipes; among equals the one with least earth to dig.

    Parameters
    ----------
    pipes
        1 to 8 pipes, all orders are tried but mirror images: the pipe that stands later in
        ``pipes`` leads, so that power and telecom lie toward the red line (GB 50289-2016 4.1.3).
    place
        ``carriageway`` or ``non_carriageway``.

    Raises
    ------
    SectionError
        For no pipe or too many, and when a size, cover or clearance has no value.
    """
    if not 1 <= len(pipes) <= MAX_PIPES:
        raise SectionError(
            _("一个断面须有 1 至 {most} 根管线,现有 {count} 根").format(
                most=MAX_PIPES, count=len(pipes)
            )
        )
    parts = _read_parts(pipes, place, standards)
    orders = [
        order
        for order in permutations(range(len(pipes)))
        if len(order) == 1 or order[0] > order[-1]
    ]
    walls = [_walls(_faces(parts, order), order, parts) for order in orders]
    widths = [round(right - left, DIGITS) for left, right in walls]
    narrowest = min(widths)
    equals = [
        _section(parts, order, place)
        for order, width in zip(orders, widths, strict=True)
        if width == narrowest
    ]
    return min(equals, key=lambda section: round(section.dug_m2, DIGITS))


def sections_of_sets(
    pipes: Sequence[Pipe], place: str, *, standards: Standards
) -> list[Section | None]:
    """The narrowest section of every set of pipes; entry ``S`` is the set ``S``.

    ``None`` for the empty set and for sets with a pair that has no clearance in the table. Every
    pipe must have a section of its own (:func:`why_no_section`).
    """
    apart = {
        1 << i | 1 << j
        for i, j in combinations(range(len(pipes)), 2)
        if why_apart(pipes[i], pipes[j], standards) is not None
    }
    return [
        None
        if subset == 0 or any(subset & pair == pair for pair in apart)
        else narrowest_section([pipes[i] for i in members(subset)], place, standards=standards)
        for subset in range(2 ** len(pipes))
    ]


def layouts_of_sets(
    sections: Sequence[Section | None],
    surface: str,
    *,
    prices: Prices,
    restoration_extra_m: float,
) -> list[tuple[Layout, ...]]:
    """The trenches for every set of pipes on a surface; entry ``S`` is the set ``S``.

    A set lies in its narrowest section, or in several trenches where that is cheaper or where it
    has no section. The cheapest layout of a set comes first, then those that cost more and are
    narrower: all trenches side by side, or the widest that is shared.
    ``sections`` are those of :func:`sections_of_sets` at the surface's place.
    """
    layouts: list[tuple[Layout, ...]] = [(Layout((), 0.0),)]
    for subset, section in enumerate(sections[1:], 1):
        choices = [
            Layout(one.sections + other.sections, one.yuan_m + other.yuan_m)
            for a, b in splits(subset)
            for one, other in product(layouts[a], layouts[b])
        ]
        if section is not None:
            yuan_m = section.trench_yuan_m(
                surface, prices=prices, restoration_extra_m=restoration_extra_m
            )
            choices.insert(0, Layout((section,), yuan_m))
        layouts.append(_none_narrower_and_cheaper(choices))
    return layouts


def _none_narrower_and_cheaper(
    choices: Sequence[Layout],
) -> tuple[Layout, ...]:
    """The layouts that no other is as cheap and as narrow as, by price; of equals the first."""
    told = [
        tuple(round(value, DIGITS) for value in (one.yuan_m, width_of(one), widest_shared_of(one)))
        for one in choices
    ]
    kept: list[int] = []
    for number in sorted(range(len(choices)), key=told.__getitem__):
        _, width, shared = told[number]
        if not any(told[one][1] <= width and told[one][2] <= shared for one in kept):
            kept.append(number)
    return tuple(choices[number] for number in kept)


@dataclass(frozen=True)
class _Parts:
    """Pipes of one section with their sizes, covers, working spaces and pairwise clearances."""

    pipes: tuple[Pipe, ...]
    sizes: tuple[tuple[float, float], ...]
    covers: tuple[TableValue, ...]
    spaces: tuple[float, ...]
    clearances: dict[tuple[int, int], TableValue]


def _read_parts(pipes: Sequence[Pipe], place: str, standards: Standards) -> _Parts:
    sizes = [standards.outer_size_m(pipe) for pipe in pipes]
    for pipe, size in zip(pipes, sizes, strict=True):
        if size is None:
            raise SectionError(_("{utility}:规格未知,请补填管径或孔数").format(utility=_name(pipe)))
    clearances = {}
    for i, j in combinations(range(len(pipes)), 2):
        reason = why_apart(pipes[i], pipes[j], standards)
        if reason is not None:
            raise SectionError(reason)
        value = standards.horizontal_clearance(pipes[i], pipes[j])
        clearances[i, j] = clearances[j, i] = value
    covers = tuple(standards.cover(pipe, place) for pipe in pipes)
    spaces = [standards.working_space(pipe) for pipe in pipes]
    for value in (*covers, *spaces):
        _metres(value)
    return _Parts(
        pipes=tuple(pipes),
        sizes=tuple(size for size in sizes if size is not None),
        covers=covers,
        spaces=tuple(_metres(value) for value in spaces),
        clearances=clearances,
    )


def _name(pipe: Pipe) -> str:
    return load_utilities()[pipe.utility].zh


def _metres(value: TableValue) -> float:
    if value.value_m is None:
        raise SectionError(_("标准表中没有数值:{source}").format(source=value.source))
    return value.value_m


def _faces(parts: _Parts, order: Sequence[int]) -> list[float]:
    """Left outer faces when each pipe stands as close as all before it allow; the first at 0."""
    faces: list[float] = []
    for place, i in enumerate(order):
        after = [
            faces[earlier] + parts.sizes[j][0] + _metres(parts.clearances[j, i])
            for earlier, j in enumerate(order[:place])
        ]
        faces.append(max(after, default=0.0))
    return faces


def _walls(faces: Sequence[float], order: Sequence[int], parts: _Parts) -> tuple[float, float]:
    left = min(x - parts.spaces[i] for x, i in zip(faces, order, strict=True))
    right = max(x + parts.sizes[i][0] + parts.spaces[i] for x, i in zip(faces, order, strict=True))
    return left, right


def _section(parts: _Parts, order: Sequence[int], place: str) -> Section:
    faces = _faces(parts, order)
    left, right = _walls(faces, order, parts)
    placed = [_place(parts, i, x - left) for x, i in zip(faces, order, strict=True)]
    pairs = [
        _gap(parts.clearances[order[a], order[b]], placed[a], placed[b])
        for a, b in combinations(range(len(order)), 2)
    ]
    return Section(place, tuple(placed), tuple(pairs), right - left)


def _place(parts: _Parts, i: int, x_m: float) -> PlacedPipe:
    pipe, (width_m, height_m), cover = parts.pipes[i], parts.sizes[i], parts.covers[i]
    return PlacedPipe(
        pipe,
        pipe_label(pipe),
        x_m,
        _metres(cover),
        width_m,
        height_m,
        cover.source,
        cover.confidence,
    )


def _gap(value: TableValue, a: PlacedPipe, b: PlacedPipe) -> PairGap:
    return PairGap(
        a.pipe.utility,
        b.pipe.utility,
        b.x_m - a.x_m - a.width_m,
        _metres(value),
        value.source,
        value.confidence,
    )
