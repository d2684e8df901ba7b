"""Draw the situations and write docs/gallery.md: ``python -m tests.gallery``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import shapely

from layers.utilities import load_utilities
from planning.plan import Plan
from tests.situations import SITUATIONS, Situation
from tests.towns import ORIGIN

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDER = DOCS / "images" / "gallery"
WIDTH = 720.0
"""Width of every picture in its own units."""

INK, SOFT = "#33404a", "#8a949b"
LAND, ROAD, GREEN, PARK, TREE = "#f6f3ec", "#dfe3e6", "#cfe3bd", "#b5d59c", "#5c8a3c"
WATER, PARCEL, BUILDING, OWN = "#bcd9ea", "#ece5d6", "#cfc5b2", "#fbe0c4"
FONT = "'Noto Sans CJK SC','Noto Sans',sans-serif"


LEGEND = (
    "Made-up towns; every figure below is read from the plan that the picture shows. Thick line:",
    "the recommended route, from the main (ring) to the red line (dot). Dashed: the cheapest",
    "route where that one is not recommended. Pale band: working strip. Dark bars: pieces in",
    "carriageways. Thin lines: existing mains; green dots: trees. `python -m tests.gallery` draws",
    "the page anew, and a test keeps it true.",
)


def write_gallery() -> None:
    """Write every picture and the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    plans = {situation.key: situation.plan() for situation in SITUATIONS}
    for situation in SITUATIONS:
        picture = draw(situation, plans[situation.key])
        (FOLDER / f"{situation.key}.svg").write_text(picture, encoding="utf-8")
    page = "\n".join(page_lines(plans)) + "\n"
    (DOCS / "gallery.md").write_text(page, encoding="utf-8")


def page_lines(plans: dict[str, Plan]) -> Iterator[str]:
    """The page, line by line."""
    yield "# Gallery: situations and the route in each"
    yield ""
    yield from LEGEND
    for number, situation in enumerate(SITUATIONS, start=1):
        yield ""
        yield f"## {number}. {situation.title}"
        yield ""
        yield f"![{situation.title}](images/gallery/{situation.key}.svg)"
        yield ""
        yield situation.words(plans[situation.key])


def draw(situation: Situation, plan: Plan) -> str:
    """The map of a situation with its route, as SVG; 1 unit is ``WIDTH / metres`` wide."""
    west, south, east, north = situation.view
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"{west:g} {-north:g} {east - west:g} {north - south:g}",
            "width": f"{WIDTH:g}",
            "height": f"{WIDTH * (north - south) / (east - west):.0f}",
            "font-family": FONT,
        },
    )
    ElementTree.SubElement(root, "title").text = situation.title
    _area(root, shapely.box(*situation.view), LAND, moved=False)
    _ground(root, plan)
    _network(root, situation, plan)
    _route(root, situation, plan)
    _scale_bar(root, situation)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _ground(root: ElementTree.Element, plan: Plan) -> None:
    tables = plan.survey.tables
    _areas(root, tables["water_bodies"].geometry, WATER)
    green = tables["green"]
    _areas(root, green.geometry[green["kind"] == "verge"], GREEN)
    _areas(root, green.geometry[green["kind"] != "verge"], PARK)
    _areas(root, plan.work.corridors.surfaces.own_area, ROAD)
    parcels = tables["parcels"].geometry
    own = parcels.index == plan.application.parcel_id
    _areas(root, parcels[~own], PARCEL, stroke="#b9ae99", stroke_width="0.4")
    _areas(root, parcels[own], OWN, stroke="#c2410c", stroke_width="0.8")
    _areas(root, tables["buildings"].geometry, BUILDING)
    for tree in tables["trees"].geometry:
        _dot(root, tree, 0.9, fill=TREE)


def _network(root: ElementTree.Element, situation: Situation, plan: Plan) -> None:
    colour = load_utilities()[situation.utility].colour
    for line in plan.survey.tables["lines"].geometry:
        _path(root, line, stroke=colour, stroke_width="0.7", opacity="0.6")
    for point in plan.survey.tables["nodes"].geometry:
        _dot(root, point, 1.2, fill=colour, opacity="0.6")


def _route(root: ElementTree.Element, situation: Situation, plan: Plan) -> None:
    line = plan.lines[situation.utility]
    colour = load_utilities()[situation.utility].colour
    route, cheapest = line.route, line.routes.get("cheapest")
    if route is None:
        return
    if route.strip is not None:
        _area(root, route.strip, colour, opacity="0.18")
    if cheapest is not None and cheapest.line != route.line:
        _path(root, cheapest.line, stroke=INK, stroke_width="0.9", stroke_dasharray="2.5 2")
    _path(root, route.line, stroke=colour, stroke_width="1.8")
    for road in route.crossings["road"]:
        inside = route.line.intersection(plan.work.corridors.surfaces.own_area[road])
        _path(root, inside, stroke=INK, stroke_width="2.6", opacity="0.75")
    ends = shapely.points(shapely.get_coordinates(route.line)[[0, -1]])
    _dot(root, ends[0], 2.0, fill="white", stroke=colour, stroke_width="1")
    _dot(root, ends[1], 1.8, fill=INK)


def _areas(
    root: ElementTree.Element, shapes: Iterable[shapely.Geometry], fill: str, **style: str
) -> None:
    for shape in shapes:
        _area(root, shape, fill, **style)


def _area(
    root: ElementTree.Element,
    shape: shapely.Geometry,
    fill: str,
    *,
    moved: bool = True,
    **style: str,
) -> None:
    rings = shapely.get_parts(shapely.boundary(shape))
    d = " ".join(_steps(ring, moved) + "Z" for ring in shapely.get_parts(rings))
    ElementTree.SubElement(
        root, "path", {"d": d, "fill": fill, "fill-rule": "evenodd", **_named(style)}
    )


def _path(root: ElementTree.Element, shape: shapely.Geometry, **style: str) -> None:
    for part in shapely.get_parts(shape):
        look = {
            "d": _steps(part, True),
            "fill": "none",
            "stroke-linejoin": "round",
            **_named(style),
        }
        ElementTree.SubElement(root, "path", look)


def _dot(root: ElementTree.Element, point: shapely.Point, radius: float, **style: str) -> None:
    x, y = shapely.get_coordinates(point)[0] - ORIGIN
    look = {"cx": f"{x:.2f}", "cy": f"{-y:.2f}", "r": f"{radius:g}", **_named(style)}
    ElementTree.SubElement(root, "circle", look)


def _steps(line: shapely.Geometry, moved: bool) -> str:
    xy = shapely.get_coordinates(line) - (ORIGIN if moved else (0, 0))
    xy = np.round(xy, 2) + 0.0
    return "M" + "L".join(f"{x:g} {-y + 0.0:g}" for x, y in xy)


def _named(style: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in style.items()}


def _scale_bar(root: ElementTree.Element, situation: Situation) -> None:
    west, south, east, _ = situation.view
    length = 20.0 if east - west < 250 else 50.0
    x, y = east - length - 5, -south - 4
    bar = {"d": f"M{x:g} {y - 2:g}v2h{length:g}v-2", "fill": "none", "stroke": INK}
    ElementTree.SubElement(root, "path", {**bar, "stroke-width": "0.6"})
    size = (east - west) / 45
    words = {"x": f"{x + length / 2:g}", "y": f"{y - 2.5:g}", "font-size": f"{size:.1f}"}
    text = ElementTree.SubElement(root, "text", {**words, "text-anchor": "middle", "fill": INK})
    text.text = f"{length:g} m"


if __name__ == "__main__":
    write_gallery()
