"""Sides of streets: the compass side of a centre line that a place lies on."""

from __future__ import annotations

import numpy as np
import shapely

from planning.texts import gettext as _

COMPASS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")


def compass(centre: shapely.LineString, line: shapely.LineString) -> str:
    """The side of a centre line that the middle of a line beside it lies on, as of ``COMPASS``."""
    middle = shapely.line_interpolate_point(line, 0.5, normalized=True)
    (x0, y0), (x1, y1) = shapely.get_coordinates(shapely.shortest_line(centre, middle))
    return COMPASS[round(np.degrees(np.arctan2(y1 - y0, x1 - x0)) / 45) % 8]


def compass_side(centre: shapely.LineString, line: shapely.LineString) -> str:
    """The same in words: ``北侧``."""
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
    return sides[COMPASS.index(compass(centre, line))]
