"""Quantities and money: what a metre of trench, a pipe, a crossing and a connection cost.

The prices stand in ``rules/unit_prices.csv`` and are examples, not quotations. Amounts are yuan;
a size that is not given has no pipe price (``None``), never a price of zero.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.linear import FloatArray
from language import gettext as _
from planning.pipe_sizes import load_pipe_sizes
from planning.rule_files import CONFIDENCES, RuleFileError

if TYPE_CHECKING:
    from planning.policy_model import Policy
    from planning.standards import Pipe, Standards

PRICES = Path(__file__).resolve().parent.parent / "rules" / "unit_prices.csv"

SURFACES = ("footway", "verge", "asphalt", "concrete", "paver", "gravel", "earth")
NON_CARRIAGEWAY = ("footway", "verge")


def priced(surfaces_m: FloatArray, yuan_m: Mapping[str, float]) -> FloatArray:
    """Yuan of lines: (n, ``SURFACES``) metres on each surface times the price of a metre there.

    Not a matrix product: the threads of the library behind it spin while nothing is to be done.
    """
    prices = np.array([yuan_m[surface] for surface in SURFACES])
    return np.asarray(np.einsum("ij,j->i", surfaces_m, prices))


def location(surface: str) -> str:
    """Column of the cover table for a surface: ``non_carriageway`` or ``carriageway``."""
    return "non_carriageway" if surface in NON_CARRIAGEWAY else "carriageway"


class PriceError(RuleFileError):
    """A price list that cannot be used, or a price that is asked for and missing."""


@dataclass(frozen=True)
class Price:
    """One row of the price list; ``None`` in a key means that it fits every value."""

    item: str
    utility: str | None
    surface: str | None
    size_from_mm: Decimal | None
    size_to_mm: Decimal | None
    unit: str
    price_yuan: Decimal
    note: str
    source: str
    confidence: str

    def fits(self, utility: str | None, surface: str | None) -> bool:
        """Whether the row prices its item for this utility and surface."""
        return self.utility in (None, utility) and self.surface in (None, surface)

    def holds(self, size_mm: float | None) -> bool:
        """Whether the size lies in the row's band, from exclusive, to inclusive."""
        if self.size_from_mm is None and self.size_to_mm is None:
            return True
        return (
            size_mm is not None
            and (self.size_from_mm is None or size_mm > self.size_from_mm)
            and (self.size_to_mm is None or size_mm <= self.size_to_mm)
        )


@dataclass(frozen=True)
class Prices:
    """The price list with the questions asked of it."""

    rows: tuple[Price, ...]
    file: str

    def trench_yuan_m(
        self,
        section_width_m: float,
        depth_m: float,
        surface: str,
        *,
        restoration_extra_m: float,
    ) -> float:
        """Yuan per metre of trench: earth dug and refilled, and the surface made good.

        The surface is restored over the width and ``restoration_extra_m`` on each side; in a
        verge the occupied green is compensated over the same width.
        """
        dug_m2 = section_width_m * depth_m
        restored_m = section_width_m + 2 * restoration_extra_m
        again = self.made_good_yuan(surface)
        return self.excavation_yuan(dug_m2, surface) + restored_m * again

    def excavation_yuan(self, volume_m3: float, surface: str) -> float:
        """Yuan for earth dug and refilled beneath a surface."""
        return volume_m3 * self._known("excavation", surface=surface)

    def made_good_yuan(self, surface: str) -> float:
        """Yuan per square metre of surface made good; in a verge the green is compensated too."""
        again = self._known("restoration", surface=surface)
        return again + self.green_yuan(surface, 1.0) if surface == "verge" else again

    def pipe_yuan_m(self, pipe: Pipe) -> float | None:
        """Yuan per metre of pipe laid; ``None`` when its size or number of ducts is unknown."""
        row = self._find("pipe", utility=pipe.utility, size_mm=size_mm(pipe))
        if row is None:
            return None
        if row.unit != "hole_m":
            return float(row.price_yuan)
        return None if pipe.duct_holes is None else float(row.price_yuan) * pipe.duct_holes

    def open_crossing_yuan(self, kerb_m: float) -> float:
        """Extra yuan to cross a carriageway in open cut, by its length kerb to kerb."""
        return kerb_m * self._known("open_crossing")

    def trenchless_yuan(self, pipe: Pipe, length_m: float) -> float | None:
        """Yuan for one bore without its pipe: set-up and length; ``None`` for an unknown size."""
        row = self._find("trenchless", utility=pipe.utility, size_mm=bored_mm(pipe))
        if row is None:
            return None
        setup = self._known("trenchless_setup", utility=pipe.utility)
        return setup + length_m * float(row.price_yuan)

    def green_yuan(self, kind: str, area_m2: float) -> float:
        """Yuan of compensation for an area of green of a kind (park, verge, protected)."""
        return area_m2 * self._known("green", surface=kind)

    def tie_in_yuan(self, utility: str) -> float:
        """Yuan for the connection to the network of a utility."""
        return self._known("tie_in", utility=utility)

    def _find(
        self,
        item: str,
        *,
        utility: str | None = None,
        surface: str | None = None,
        size_mm: float | None = None,
    ) -> Price | None:
        rows = (row for row in self._of_item.get(item, ()) if row.fits(utility, surface))
        return next((row for row in rows if row.holds(size_mm)), None)

    @cached_property
    def _of_item(self) -> dict[str, list[Price]]:
        """The rows of each item, in order."""
        found: dict[str, list[Price]] = defaultdict(list)
        for row in self.rows:
            found[row.item].append(row)
        return dict(found)

    def _known(self, item: str, *, utility: str | None = None, surface: str | None = None) -> float:
        row = self._find(item, utility=utility, surface=surface)
        if row is None:
            raise PriceError(
                _("{file}:没有 {item} {key} 的单价;请在单价表中补一行").format(
                    file=self.file, item=item, key=surface or utility or ""
                )
            )
        return float(row.price_yuan)


@dataclass(frozen=True)
class SingleCosts:
    """Yuan per metre of one pipe in its own trench, by surface, and what had to be assumed.

    ``width_m`` is the width of that trench, None where the size of the pipe is unknown.
    """

    yuan_m: Mapping[str, float]
    assumed: tuple[str, ...]
    width_m: float | None


def size_mm(pipe: Pipe) -> float | None:
    """Size that a pipe is priced by: nominal diameter, else outer diameter of its ducts."""
    return pipe.duct_outer_diameter_mm if pipe.nominal_mm is None else pipe.nominal_mm


def bored_mm(pipe: Pipe) -> float | None:
    """Size that a bore is priced by: nominal diameter, else outer width of the bank of ducts.

    Of a bank that is not listed, or of an unknown number of ducts, that of one: at least so much.
    """
    bank = load_pipe_sizes().bank(pipe.duct_holes, pipe.duct_outer_diameter_mm)
    return size_mm(pipe) if pipe.nominal_mm is not None or bank is None else bank[0] * 1000


def single_costs(
    pipe: Pipe, *, standards: Standards, policy: Policy, prices: Prices
) -> SingleCosts:
    """Yuan per metre of one pipe in a trench of its own on every surface.

    Depth is cover plus outside height (GB 50289-2016 4.1.1), width the outside width plus the
    working space on both sides (GB 50268-2008 4.3.2). What is unknown is assumed and named: an
    unknown size is dug as wide as the policy's usual section and carries no pipe price; an
    unknown cover digs to the outside height alone.
    """
    usual_m = 2 * policy.planning.half_section_allowance_m
    size, space = standards.outer_size_m(pipe), standards.working_space(pipe).value_m
    width_m, height_m = size or (usual_m, usual_m)
    if size is not None and space is not None:
        width_m += 2 * space
    covers = {surface: standards.cover(pipe, location(surface)).value_m for surface in SURFACES}
    pipe_yuan_m = prices.pipe_yuan_m(pipe)
    unknown = {
        "size": size is None,
        "working_space": size is not None and space is None,
        "cover": None in covers.values(),
        "pipe_price": pipe_yuan_m is None,
    }
    yuan_m = {
        surface: (pipe_yuan_m or 0.0)
        + prices.trench_yuan_m(
            width_m,
            (cover or 0.0) + height_m,
            surface,
            restoration_extra_m=policy.planning.restoration_extra_m,
        )
        for surface, cover in covers.items()
    }
    assumed = tuple(name for name, missing in unknown.items() if missing)
    return SingleCosts(yuan_m, assumed, None if size is None else width_m)


@lru_cache(maxsize=4)
def load_prices(path: Path | None = None) -> Prices:
    """The price list, checked; read once for each file.

    Raises
    ------
    PriceError
        With file, row, field, value, rule and cure, if the list cannot be used.
    """
    file = path or PRICES
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        _check_columns(reader.fieldnames or (), file.name)
        rows = tuple(_price(row, f"{file.name}:{number}") for number, row in enumerate(reader, 2))
    _check_bands(rows, file.name)
    return Prices(rows, file.name)


def _check_columns(names: Iterable[str], file: str) -> None:
    missing = [name for name in Price.__dataclass_fields__ if name not in names]
    if missing:
        raise PriceError(
            _("{file}:缺少列 {names};请补上").format(file=file, names=_("、").join(missing))
        )


def _price(row: Mapping[str, str], where: str) -> Price:
    for name in ("item", "unit", "source"):
        if not row[name]:
            raise _wrong(where, name, row[name], _("不能为空"), _("填写内容"))
    if row["confidence"] not in CONFIDENCES:
        cure = _("改为其中之一:{allowed}").format(allowed=_("、").join(CONFIDENCES))
        raise _wrong(where, "confidence", row["confidence"], _("不在允许值之内"), cure)
    return Price(
        item=row["item"],
        utility=row["utility"] or None,
        surface=row["surface"] or None,
        size_from_mm=_number(row, "size_from_mm", where) if row["size_from_mm"] else None,
        size_to_mm=_number(row, "size_to_mm", where) if row["size_to_mm"] else None,
        unit=row["unit"],
        price_yuan=_number(row, "price_yuan", where),
        note=row["note"],
        source=row["source"],
        confidence=row["confidence"],
    )


def _number(row: Mapping[str, str], name: str, where: str) -> Decimal:
    try:
        value = Decimal(row[name])
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise _wrong(where, name, row[name], _("须为不小于 0 的数"), _("改为数字"))
    return value


def _wrong(where: str, name: str, value: str, rule: str, cure: str) -> PriceError:
    return PriceError(
        _("{where},字段 {name} = “{value}”:{rule};{cure}").format(
            where=where, name=name, value=value, rule=rule, cure=cure
        )
    )


def _check_bands(rows: tuple[Price, ...], file: str) -> None:
    """Refuse two rows that price the same thing: the answer would hang on their order."""
    for i, one in enumerate(rows):
        for number, other in enumerate(rows[i + 1 :], i + 3):
            same = (one.item, one.utility, one.surface) == (
                other.item,
                other.utility,
                other.surface,
            )
            if same and _overlap(one, other):
                raise _wrong(
                    f"{file}:{number}",
                    "size_from_mm",
                    str(other.size_from_mm or ""),
                    _("与第 {row} 行的规格范围重叠").format(row=i + 2),
                    _("改正范围或删除一行"),
                )


def _overlap(one: Price, other: Price) -> bool:
    largest = Decimal("Infinity")
    start = max(one.size_from_mm or Decimal(0), other.size_from_mm or Decimal(0))
    end = min(
        largest if one.size_to_mm is None else one.size_to_mm,
        largest if other.size_to_mm is None else other.size_to_mm,
    )
    return start < end
