"""The trench section as a drawing to scale: ground, benches, pipes, gaps, width and depth (SVG)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from language import Text
from layers.utilities import Utility
from planning.sections import PlacedPipe, Section
from planning.texts import gettext as _

WIDTH = 360.0
"""Width of the drawing in its own units; one unit is a pixel at 360 px."""

LEFT, RIGHT = 50.0, 16.0
"""Margins beside the trench; the depth stands in the left one."""

LABELS_Y, GROUND_Y = 14.0, 62.0
"""Base line of the first label row, and the surface of the ground."""

DEEPEST = 130.0
"""A deep trench is scaled down to this height."""

LABEL_SPACE = 46.0
"""Least distance between the middles of two labels, four Chinese characters wide."""

INK, SOFT, SOIL, DUG = "#33404a", "#6b7780", "#d9cfb8", "#f4ecd9"
PAVEMENT, GRASS = "#9aa0a4", "#8fae6b"
FONT = "'Noto Sans CJK SC','Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"

# Where a word goes in a drawing that is not yet written out: characters for private use.
_OPEN, _SHUT = "\ue000", "\ue001"

SURFACE_NAMES = {
    "footway": _("人行道"),
    "verge": _("绿化带"),
    "asphalt": _("沥青路面"),
    "concrete": _("水泥路面"),
    "paver": _("砖铺路面"),
    "gravel": _("碎石路面"),
    "earth": _("土路"),
}


def draw_section(section: Section, surface: str, utilities: Mapping[str, Utility]) -> str:
    """The section as an SVG text, readable at 360 px; lengths in it are metres.

    Parameters
    ----------
    section
        Section to draw.
    surface
        Key of the surface it is dug in.
    utilities
        Names and colours.
    """
    scale = min((WIDTH - LEFT - RIGHT) / section.width_m, DEEPEST / section.depth_m)
    x0 = LEFT + (WIDTH - LEFT - RIGHT - section.width_m * scale) / 2
    sheet = _Sheet(scale, x0)
    floor = GROUND_Y + section.depth_m * scale
    height = floor + 66
    root = _root(height)
    names = [utilities[key].zh for key in section.utilities]
    title = _("共沟断面") + " " + _(" – ").join(names)
    ElementTree.SubElement(root, "title").text = title
    _ground(root, sheet, section, surface, floor)
    for placed, x in zip(section.pipes, _label_places(section, sheet), strict=True):
        _pipe(root, sheet, placed, utilities[placed.pipe.utility], x)
    _gaps(root, sheet, section, floor + 14)
    _across(root, x0, x0 + section.width_m * scale, floor + 34, f"{section.width_m:.2f} m")
    _depth(root, x0 - 12, floor, f"{section.depth_m:.2f} m")
    _scale_bar(root, scale, height - 8)
    return _with_words(root)


class _Sheet:
    """From metres in the section to units of the drawing."""

    def __init__(self, scale: float, x0: float) -> None:
        self.scale = scale
        self.x0 = x0

    def x(self, metres: float) -> float:
        return self.x0 + metres * self.scale

    def y(self, metres: float) -> float:
        return GROUND_Y + metres * self.scale


def _root(height: float) -> ElementTree.Element:
    return ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH:g} {height:.1f}",
            "width": f"{WIDTH:g}",
            "height": f"{height:.1f}",
            "role": "img",
            "font-family": FONT,
            "font-size": "11",
        },
    )


def _add(parent: ElementTree.Element, tag: str, **attributes: float | str) -> ElementTree.Element:
    written = {
        name.replace("_", "-"): value if isinstance(value, str) else f"{value:.2f}"
        for name, value in attributes.items()
    }
    return ElementTree.SubElement(parent, tag, written)


def _with_words(root: ElementTree.Element) -> Text:
    """The drawing as text, with its words put into it so that they can be said anew."""
    told = [one for one in root.iter() if one.text]
    words = [_escaped(one.text or "") for one in told]
    for number, one in enumerate(told):
        one.text = f"{_OPEN}{number}{_SHUT}"
    svg = ElementTree.tostring(root, encoding="unicode").replace("{", "{{").replace("}", "}}")
    return Text(svg.replace(_OPEN, "{").replace(_SHUT, "}")).format(*words)


def _escaped(word: str) -> str:
    """A word that is harmless inside the drawing, whatever was put into it."""
    if not isinstance(word, Text) or word.pattern is None:
        return Text(escape(word)) if isinstance(word, Text) else escape(word)
    args = [_escaped(one) if isinstance(one, str) else one for one in word.args]
    named = {k: _escaped(one) if isinstance(one, str) else one for k, one in word.named.items()}
    return Text(word.pattern).format(*args, **named)


def _text(
    root: ElementTree.Element, words: str, x: float, y: float, **attributes: float | str
) -> None:
    style: dict[str, float | str] = {"text_anchor": "middle", "fill": INK, **attributes}
    _add(root, "text", x=x, y=y, **style).text = words


def _line(
    root: ElementTree.Element, x1: float, y1: float, x2: float, y2: float, **style: float | str
) -> None:
    drawn: dict[str, float | str] = {"stroke": INK, "stroke_width": 1.0, **style}
    _add(root, "line", x1=x1, y1=y1, x2=x2, y2=y2, **drawn)


def _ground(
    root: ElementTree.Element, sheet: _Sheet, section: Section, surface: str, floor: float
) -> None:
    """Soil, the dug benches in it, the surface beside them and its name."""
    _add(root, "rect", x=0.0, y=GROUND_Y, width=WIDTH, height=floor - GROUND_Y + 8, fill=SOIL)
    top = GRASS if surface == "verge" else PAVEMENT
    corners = [(sheet.x(0), GROUND_Y)]
    for left, right, depth in section.benches:
        corners += [(sheet.x(left), sheet.y(depth)), (sheet.x(right), sheet.y(depth))]
    corners.append((sheet.x(section.width_m), GROUND_Y))
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
    _add(root, "polygon", points=points, fill=DUG, stroke="#b79f6c", stroke_width=1.2)
    for start, end in ((0.0, sheet.x(0)), (sheet.x(section.width_m), WIDTH)):
        _add(root, "rect", x=start, y=GROUND_Y - 4, width=end - start, height=4.0, fill=top)
    _line(
        root,
        sheet.x(0),
        GROUND_Y,
        sheet.x(section.width_m),
        GROUND_Y,
        stroke=top,
        stroke_dasharray="4 3",
    )
    _text(
        root,
        SURFACE_NAMES.get(surface, surface),
        4.0,
        GROUND_Y - 9,
        text_anchor="start",
        fill=SOFT,
        font_size="10",
    )


def _label_places(section: Section, sheet: _Sheet) -> list[float]:
    """Middles of the labels over their pipes, pushed apart where they would touch."""
    wanted = [sheet.x(one.x_m + one.width_m / 2) for one in section.pipes]
    space = min(LABEL_SPACE, (WIDTH - LABEL_SPACE) / max(len(wanted) - 1, 1))
    places = _pushed(wanted, LABEL_SPACE / 2, space)
    mirrored = _pushed([WIDTH - x for x in reversed(places)], LABEL_SPACE / 2, space)
    return [WIDTH - x for x in reversed(mirrored)]


def _pushed(wanted: Sequence[float], first: float, space: float) -> list[float]:
    places: list[float] = []
    for x in wanted:
        places.append(max(x, places[-1] + space if places else first))
    return places


def _pipe(
    root: ElementTree.Element, sheet: _Sheet, placed: PlacedPipe, utility: Utility, label_x: float
) -> None:
    x, y = sheet.x(placed.x_m), sheet.y(placed.cover_m)
    width, height = placed.width_m * sheet.scale, placed.height_m * sheet.scale
    middle = x + width / 2
    points = (
        f"{label_x:.2f},{LABELS_Y + 17:.2f} {middle:.2f},{GROUND_Y - 6:.2f} {middle:.2f},{y:.2f}"
    )
    _add(
        root,
        "polyline",
        points=points,
        fill="none",
        stroke=utility.colour,
        stroke_width=0.8,
        stroke_opacity=0.7,
    )
    shape: dict[str, float | str] = {"fill": "#ffffff", "stroke": utility.colour}
    shape["stroke_width"] = max(1.4, min(3.0, height / 6))
    inset = float(shape["stroke_width"]) / 2
    if placed.pipe.laying == "conduit" or placed.width_m != placed.height_m:
        _add(
            root,
            "rect",
            x=x + inset,
            y=y + inset,
            width=max(width - 2 * inset, 0.5),
            height=max(height - 2 * inset, 0.5),
            rx=1.0,
            **shape,
        )
    else:
        _add(root, "circle", cx=middle, cy=y + height / 2, r=max(width / 2 - inset, 0.5), **shape)
    _text(root, utility.zh, label_x, LABELS_Y, font_weight="600")
    _text(root, placed.label, label_x, LABELS_Y + 13, fill=SOFT, font_size="10")


def _gaps(root: ElementTree.Element, sheet: _Sheet, section: Section, y: float) -> None:
    """Gaps between neighbours, with lines down from the faces; narrow ones take two rows."""
    down_to = y + 3
    for place, (one, other) in enumerate(pairwise(section.pipes)):
        left, right = sheet.x(one.x_m + one.width_m), sheet.x(other.x_m)
        for x, placed in ((left, one), (right, other)):
            start = sheet.y(placed.cover_m + placed.height_m / 2)
            _line(root, x, start, x, down_to, stroke=SOFT, stroke_width=0.5, stroke_dasharray="2 2")
        _line(root, left, y, right, y, stroke=SOFT, stroke_width=0.8)
        row = 10 if right - left < 26 and place % 2 else 0
        words = f"{other.x_m - one.x_m - one.width_m:.2f}"
        _text(root, words, (left + right) / 2, y + 11 + row, font_size="10")


def _across(root: ElementTree.Element, x1: float, x2: float, y: float, words: str) -> None:
    _line(root, x1, y, x2, y)
    for x in (x1, x2):
        _line(root, x, y - 4, x, y + 4)
    _text(root, words, (x1 + x2) / 2, y + 13, font_weight="700")


def _depth(root: ElementTree.Element, x: float, floor: float, words: str) -> None:
    _line(root, x, GROUND_Y, x, floor)
    for y in (GROUND_Y, floor):
        _line(root, x - 4, y, x + 4, y)
    _text(root, words, x - 4, (GROUND_Y + floor) / 2 + 4, text_anchor="end", font_size="10")


def _scale_bar(root: ElementTree.Element, scale: float, y: float) -> None:
    length_m = 1.0 if scale < 120 else 0.5
    x1, x2 = 8.0, 8.0 + length_m * scale
    _add(root, "rect", x=x1, y=y - 3, width=(x2 - x1) / 2, height=3.0, fill=INK)
    _add(
        root,
        "rect",
        x=(x1 + x2) / 2,
        y=y - 3,
        width=(x2 - x1) / 2,
        height=3.0,
        fill="#ffffff",
        stroke=INK,
        stroke_width=0.6,
    )
    _text(root, f"{length_m:g} m", x2 + 5, y, text_anchor="start", fill=SOFT, font_size="10")
