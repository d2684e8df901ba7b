"""How exported layers look elsewhere: the colours of CJJ 61 by utility, as QML and SLD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from language import gettext as _
from layers.fields import layer_definition
from layers.utilities import load_utilities

UTILITY = "utility"
_SLD = "http://www.opengis.net/sld"
_OGC = "http://www.opengis.net/ogc"
_QGIS = "3.22.0"  # the release whose style files these are
_GREY = (128, 128, 128)  # what belongs to no utility
_LINE_MM, _POINT_MM = 0.6, 2.0  # widths on the map, a matter of looks


@dataclass(frozen=True)
class Look:
    """The name and the colour of what belongs to one utility, or to none."""

    name: str
    rgb: tuple[int, int, int]

    @property
    def hexed(self) -> str:
        """The colour as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


def looks(layer: str) -> Mapping[str | None, Look]:
    """Looks of a layer by the value of its utility; None is for all else, and always there."""
    definition = layer_definition(layer)
    by_utility: dict[str | None, Look] = {}
    if UTILITY in definition.names:
        by_utility |= {one.key: Look(one.zh, one.cjj61_rgb) for one in load_utilities().values()}
    return by_utility | {None: Look(definition.zh, _GREY)}


def qml(layer: str, kind: str) -> str:
    """A QGIS style; ``kind`` is ``line``, ``marker`` or ``fill``."""
    root = ET.Element("qgis", version=_QGIS, styleCategories="Symbology")
    found = looks(layer)
    coloured = len(found) > 1
    renderer = ET.SubElement(
        root,
        "renderer-v2",
        type="categorizedSymbol" if coloured else "singleSymbol",
        **({"attr": UTILITY} if coloured else {}),
        symbollevels="0",
        enableorderby="0",
        forceraster="0",
    )
    if coloured:
        categories = ET.SubElement(renderer, "categories")
        for number, (key, look) in enumerate(found.items()):
            told = {"value": key or "", "label": look.name if key else _("其他")}
            ET.SubElement(categories, "category", **told, symbol=str(number), render="true")
    symbols = ET.SubElement(renderer, "symbols")
    for number, look in enumerate(found.values()):
        symbol = ET.SubElement(
            symbols, "symbol", type=kind, name=str(number), alpha="1", clip_to_extent="1"
        )
        _symbol_layer(symbol, kind, look)
    return ET.tostring(root, encoding="unicode")


def _symbol_layer(symbol: ET.Element, kind: str, look: Look) -> None:
    colour = ",".join(map(str, (*look.rgb, 255)))
    faint = ",".join(map(str, (*look.rgb, 64)))
    name, options = {
        "line": ("SimpleLine", {"line_color": colour, "line_width": str(_LINE_MM)}),
        "marker": ("SimpleMarker", {"name": "circle", "color": colour, "size": str(_POINT_MM)}),
        "fill": ("SimpleFill", {"color": faint, "outline_color": colour, "style": "solid"}),
    }[kind]
    made = ET.SubElement(
        symbol, "layer", {"class": name, "enabled": "1", "locked": "0", "pass": "0"}
    )
    group = ET.SubElement(made, "Option", type="Map")
    for key, value in options.items():
        ET.SubElement(group, "Option", name=key, value=value, type="QString")
    for key, value in options.items():  # as releases before 3.26 read them
        ET.SubElement(made, "prop", k=key, v=value)


def sld(layer: str, kind: str) -> str:
    """The same style as OGC Styled Layer Descriptor 1.0."""
    ET.register_namespace("", _SLD)
    ET.register_namespace("ogc", _OGC)
    root = ET.Element(f"{{{_SLD}}}StyledLayerDescriptor", version="1.0.0")
    named = _under(root, "NamedLayer")
    _under(named, "Name", layer)
    style = _under(_under(named, "UserStyle"), "FeatureTypeStyle")
    for key, look in looks(layer).items():
        rule = _under(style, "Rule")
        _under(rule, "Name", look.name if key else _("其他"))
        if key is not None:
            equal = ET.SubElement(
                ET.SubElement(rule, f"{{{_OGC}}}Filter"), f"{{{_OGC}}}PropertyIsEqualTo"
            )
            ET.SubElement(equal, f"{{{_OGC}}}PropertyName").text = UTILITY
            ET.SubElement(equal, f"{{{_OGC}}}Literal").text = key
        elif len(looks(layer)) > 1:
            _under(rule, "ElseFilter")
        _symbolizer(rule, kind, look)
    return ET.tostring(root, encoding="unicode")


def _symbolizer(rule: ET.Element, kind: str, look: Look) -> None:
    if kind == "marker":
        mark = _under(_under(_under(rule, "PointSymbolizer"), "Graphic"), "Mark")
        _under(mark, "WellKnownName", "circle")
        _parameter(_under(mark, "Fill"), "fill", look.hexed)
        return
    symbolizer = _under(rule, "LineSymbolizer" if kind == "line" else "PolygonSymbolizer")
    if kind == "fill":
        _parameter(_under(symbolizer, "Fill"), "fill", look.hexed)
        _parameter(symbolizer[0], "fill-opacity", "0.25")
    stroke = _under(symbolizer, "Stroke")
    _parameter(stroke, "stroke", look.hexed)
    _parameter(stroke, "stroke-width", "2")


def _under(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    made = ET.SubElement(parent, f"{{{_SLD}}}{name}")
    made.text = text
    return made


def _parameter(parent: ET.Element, name: str, value: str) -> None:
    ET.SubElement(parent, f"{{{_SLD}}}CssParameter", name=name).text = value
