"""Units in cells, and the notations of pipe sizes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.quantities import Size, convertible, number_in, size_of, split_unit, unit_named


@pytest.mark.parametrize(
    ("cell", "size"),
    [
        ("DN200", Size(nominal_mm="200")),
        ("ＤＮ２００", Size(nominal_mm="200")),
        ("De110", Size(outer_mm="110")),
        ("de 110", Size(outer_mm="110")),
        ("dn110", Size(outer_mm="110")),  # small letters: outer diameter of plastic pipes
        ("D219x6", Size(outer_mm="219")),
        ("Φ159*4.5", Size(outer_mm="159")),
        ("1000×600", Size(width_mm="1000", height_mm="600")),
        ("Φ200", None),  # nominal or outer: cannot be told
        ("D200", None),
        ("200", None),
        (200, None),
        ("JKLYJ-3x70", None),
    ],
)
def test_a_size_says_what_it_is_or_nothing(cell, size) -> None:
    assert size_of(cell) == size


@pytest.mark.parametrize(
    ("text", "unit", "given", "number"),
    [
        ("0.2m", "mm", "", 200), ("20 cm", "mm", "", 200), ("200毫米", "mm", "", 200),
        ("1.2", "mm", "m", 1200), ("150cm", "m", "", 1.5), ("400kPa", "MPa", "", 0.4),
        ("4bar", "MPa", "", 0.4), ("380V", "kV", "", 0.38), ("10千伏", "kV", "", 10),
        ("8in", "m", "", 0.2032), ("3 ft", "m", "", 0.9144), ("200mm", "mm", "in", 200),
    ],
)  # fmt: skip
def test_units_are_converted_and_a_unit_in_the_cell_goes_first(text, unit, given, number) -> None:
    assert float(number_in(text, unit=unit, given=given)) == pytest.approx(number)


@pytest.mark.parametrize(("text", "nominal"), [('6"', 150), ("6in", 150), ("2.5 英寸", 65)])
def test_inches_of_a_nominal_size_are_its_dn(text, nominal) -> None:
    assert number_in(text, unit="mm", notation="nominal") == nominal
    assert number_in(text, unit="mm", notation="outer") == Decimal(
        text[:-1].strip(' i"英')
    ) * Decimal("25.4")


@pytest.mark.parametrize(
    ("text", "notation", "rule"),
    [
        ("De110", "nominal", "是外径,字段须为公称直径"),
        ("DN100", "outer", "是公称直径,字段须为外径"),
        ("Φ200", "nominal", "写法没有说明是公称直径还是外径,须写作 DN 或 De"),
        ("800x600", "nominal", "是宽×高的断面,不是直径"),
        ("200 kV", "nominal", "单位 kV 不能换算为 mm"),
        ("约200", "nominal", "须为数字,或带单位的数字,不带其他文字"),
    ],
)
def test_another_size_than_asked_is_refused_with_the_rule(text, notation, rule) -> None:
    with pytest.raises(ValueError, match=rule):
        number_in(text, unit="mm", notation=notation)


@given(st.integers(1, 5000), st.sampled_from(["mm", "cm", "m", "in"]))
def test_a_unit_in_the_cell_is_as_a_unit_stated(number: int, unit: str) -> None:
    assert number_in(f"{number}{unit}", unit="mm") == number_in(str(number), unit="mm", given=unit)


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        ("管径(m)", ("管径", "m")), ("管径（毫米）", ("管径", "mm")),
        ("depth[cm]", ("depth", "cm")),
        ("管径", ("管径", None)), ("备注(旧)", ("备注(旧)", None)),
    ],
)  # fmt: skip
def test_unit_in_brackets_is_read_from_a_column_name(column, parts) -> None:
    assert split_unit(column) == parts


def test_capital_letters_tell_mega_from_milli_and_kinds_do_not_mix() -> None:
    assert (unit_named("MPa"), unit_named("mpa"), unit_named("x")) == ("MPa", "MPa", None)
    assert convertible("in", "mm")
    assert not convertible("kV", "mm")
