"""Sides of streets: the compass side of a centre line that a place lies on."""

from __future__ import annotations

import numpy as np
import shapely

from planning.texts import gettext as _

COMPASS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")


def compass(centre: shapely.LineString, line: shapely.LineString) -> str:
    """The side of a centre line that the middle of a line beside it lies on, as of ``COMPASS``."""
    middle = shapely.line_interpolate_point(line, 0.5, normalized=True)
    return _direction(shapely.shortest_line(centre, middle))


def _direction(way: shapely.LineString) -> str:
    """Where a straight way leads."""
    (x0, y0), (x1, y1) = shapely.get_coordinates(way)
    return COMPASS[round(np.degrees(np.arctan2(y1 - y0, x1 - x0)) / 45) % 8]


def compass_side(centre: shapely.LineString, line: shapely.LineString) -> str:
    """The same in words: ``北侧``."""
    return _words(compass(centre, line))


def side_of_place(place: shapely.Point, other: shapely.Point) -> str:
    """On which side of a place another one lies, in words; empty where they are the same."""
    way = shapely.LineString([place, other])
    return _words(_direction(way)) if way.length else ""


def _words(side: str) -> str:
    sides = (
        _("东侧"),
        _("东北侧"),
        _("北侧"),
        _("西北侧"),
        _("西侧"),
        _("西南侧"),
        _("南侧"),
        _("东南侧"),
    )
    return sides[COMPASS.index(side)]
