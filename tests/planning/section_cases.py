"""Pipes and standards of the paper cases: fixed sizes, clearances straight from the facts table."""

from __future__ import annotations

from dataclasses import dataclass, field

from planning.quantities import Price, Prices
from planning.standards import Pipe, TableValue

SOURCE = "GB 50289-2016 table 4.1.9"


def pipe(utility: str, **known: object) -> Pipe:
    """A pipe of which only the given fields are known."""
    unknown = dict.fromkeys(
        ("nominal_mm", "duct_holes", "duct_outer_diameter_mm", "pressure_mpa", "voltage_kv")
    )
    fields = {**unknown, "laying": "direct", "material": None, **known}
    return Pipe(utility=utility, **fields)  # type: ignore[arg-type]


WATER = pipe("water", nominal_mm=200)
GAS = pipe("gas", nominal_mm=110, pressure_mpa=0.4)
POWER = pipe("power", nominal_mm=350, voltage_kv=10.0, laying="conduit")
TELECOM = pipe("telecom", duct_holes=4, duct_outer_diameter_mm=110, laying="conduit")
SEWAGE = pipe("sewage", nominal_mm=300)
PAPER = [WATER, GAS, POWER, TELECOM]


@dataclass(frozen=True)
class PaperStandards:
    """The interface of the real standards with the values of the paper case.

    Clearances of table 4.1.9 for water DN200, gas of medium pressure A, power and telecom in
    conduits; covers of table 4.1.1; b1 of GB 50268-2008 table 4.3.2 for pipes up to DN500.
    """

    sizes: dict[str, float | None] = field(
        default_factory=lambda: {
            "water": 0.20,
            "gas": 0.11,
            "power": 0.35,
            "telecom": 0.23,
            "sewage": 0.30,
        }
    )
    clearances: dict[frozenset[str], float] = field(
        default_factory=lambda: {
            frozenset({"water", "gas"}): 0.5,
            frozenset({"water", "power"}): 0.5,
            frozenset({"water", "telecom"}): 1.0,
            frozenset({"gas", "power"}): 1.0,
            frozenset({"gas", "telecom"}): 1.0,
            frozenset({"power", "telecom"}): 0.5,
            frozenset({"water", "sewage"}): 1.0,
            frozenset({"gas", "sewage"}): 1.2,
            frozenset({"power", "sewage"}): 0.5,
            frozenset({"telecom", "sewage"}): 1.0,
        }
    )
    covers: dict[str, tuple[float, float]] = field(
        default_factory=lambda: {
            "water": (0.60, 0.70),
            "gas": (0.60, 0.90),
            "power": (0.50, 0.50),
            "telecom": (0.60, 0.90),
            "sewage": (0.60, 0.70),
        }
    )

    def outer_size_m(self, one: Pipe) -> tuple[float, float] | None:
        size = self.sizes[one.utility]
        return None if size is None else (size, size)

    def horizontal_clearance(self, a: Pipe, b: Pipe) -> TableValue:
        return _value(self.clearances.get(frozenset({a.utility, b.utility})))

    def cover(self, one: Pipe, place: str) -> TableValue:
        return _value(self.covers[one.utility][place == "carriageway"])

    def working_space(self, one: Pipe) -> TableValue:
        return _value(0.30)


def _value(value_m: float | None) -> TableValue:
    status = "no_table_value" if value_m is None else "value"
    return TableValue(
        value_m=value_m,
        status=status,
        source=SOURCE,
        confidence="recalled",
        condition=None,
        note=None,
    )


def price(item: str, yuan: str, unit: str, **keys: object) -> Price:
    """One row of a price list made for a test."""
    from decimal import Decimal

    blank = dict.fromkeys(("utility", "surface", "size_from_mm", "size_to_mm"))
    return Price(
        item=item,
        unit=unit,
        price_yuan=Decimal(yuan),
        note="",
        source="paper",
        confidence="assumed",
        **{**blank, **keys},  # type: ignore[arg-type]
    )


PAPER_PRICES = Prices(
    (
        price("excavation", "10", "m3"),
        price("restoration", "100", "m2", surface="footway"),
        price("restoration", "300", "m2", surface="asphalt"),
        price("pipe", "20", "m", utility="water"),
        price("pipe", "30", "m", utility="gas"),
        price("pipe", "40", "m", utility="power"),
        price("pipe", "5", "hole_m", utility="telecom"),
        price("pipe", "25", "m", utility="sewage"),
    ),
    "paper.csv",
)
