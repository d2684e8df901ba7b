"""The drawing of a section: to scale, inside its sheet, and only drawing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from layers.utilities import load_utilities
from planning.section_drawing import LABEL_SPACE, draw_section
from planning.sections import narrowest_section
from tests.planning.section_cases import PAPER, PaperStandards

SVG = "{http://www.w3.org/2000/svg}"


def drawn(surface: str = "footway") -> ElementTree.Element:
    section = narrowest_section(PAPER, "non_carriageway", standards=PaperStandards())
    return ElementTree.fromstring(draw_section(section, surface, load_utilities()))


def numbers(element: ElementTree.Element, *names: str) -> list[float]:
    return [float(element.attrib[name]) for name in names]


def test_all_shapes_and_texts_lie_on_the_sheet() -> None:
    root = drawn()
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert (left, top, width) == (0, 0, 360)
    for text in root.iter(f"{SVG}text"):
        x, y = numbers(text, "x", "y")
        assert 0 <= x <= width
        assert 8 <= y <= height
    for shape in root.iter(f"{SVG}circle"):
        x, y, r = numbers(shape, "cx", "cy", "r")
        assert r <= x <= width - r
        assert r <= y <= height - r


def test_the_trench_is_to_scale() -> None:
    root = drawn()
    polygon = next(root.iter(f"{SVG}polygon"))
    corners = [tuple(map(float, point.split(","))) for point in polygon.attrib["points"].split()]
    xs, ys = [x for x, _y in corners], [y for _x, y in corners]
    # paper section: 2.99 m wide, deepest bench 0.50 + 0.35 = 0.85 m
    assert (max(xs) - min(xs)) / (max(ys) - min(ys)) == pytest.approx(2.99 / 0.85, rel=1e-3)
    water, gas = (
        2 * float(c.attrib["r"]) + float(c.attrib["stroke-width"])
        for c in root.iter(f"{SVG}circle")
    )
    assert water / gas == pytest.approx(0.20 / 0.11, rel=0.01)


def test_it_names_utilities_sizes_gaps_width_depth_and_surface_in_the_utilities_colours() -> None:
    root = drawn()
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"人行道", "通信", "4孔", "电力", "给水", "DN200", "燃气", "2.99 m", "0.85 m"} <= set(
        texts
    )
    assert texts.count("0.50") == 3
    strokes = {shape.attrib.get("stroke") for shape in root.iter()}
    assert {load_utilities()[one.utility].colour for one in PAPER} <= strokes
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "共沟断面 通信 – 电力 – 给水 – 燃气"


def test_labels_never_touch_each_other() -> None:
    names = {one.zh for one in load_utilities().values()}
    xs = [numbers(text, "x")[0] for text in drawn().iter(f"{SVG}text") if text.text in names]
    assert all(right - left >= LABEL_SPACE - 0.1 for left, right in pairwise(xs))


def test_foreign_text_is_escaped() -> None:
    utilities = dict(load_utilities())
    utilities["gas"] = replace(utilities["gas"], zh='<script>alert("x")</script>')
    section = narrowest_section(PAPER, "non_carriageway", standards=PaperStandards())
    svg = draw_section(section, "<b>", utilities)
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "&lt;script&gt;" in svg
