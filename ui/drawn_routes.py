"""Routes drawn on the map: what the map shows of a judged one, and how one is kept.

Both callables of :func:`api.drawn_routes.drawn_routes` are made here. A drawing comes as longitude
and latitude and is kept in the coordinates of the workspace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pyproj import CRS, Transformer
from shapely.geometry import LineString

from layers.store import Workspace
from layers.utilities import load_utilities
from planning.application import ApplicationError, parse_application
from planning.drawn_routes import drawn_entry
from planning.policies import load_policy
from ui.case_drawing import Placer
from ui.case_marks import fault_marks
from ui.county import County, open_county
from ui.language import gettext as _
from ui.language import speak
from ui.planning_service import REFUSALS, judge_drawn_line
from ui.surroundings import judged_drawing
from ui.view import View
from ui.words import Words

log = logging.getLogger(__name__)
Answer = tuple[int, dict[str, Any]]
_writing = Lock()  # read, append and save of one application must not overlap


def judge_door(workspace: Path) -> Callable[[Mapping[str, Any]], Answer]:
    """What judges a drawing: its card and its course on the map, or why it cannot be judged."""

    def judge(drawing: Mapping[str, Any]) -> Answer:
        return _answered(lambda: _judged(open_county(workspace), drawing))

    return judge


def keep_door(workspace: Path) -> Callable[[Mapping[str, Any]], Answer]:
    """What keeps a drawing as the newest of its application; one that is refused is not kept."""

    def keep(drawing: Mapping[str, Any]) -> Answer:
        def kept() -> Answer:
            if drawing["line"] is not None:
                status, answer = _judged(open_county(workspace), drawing)
                if status != 200:
                    return status, answer
            keep_drawing(workspace, drawing)
            return 200, {"kept": True}

        return _answered(kept)

    return keep


def keep_drawing(workspace: Path, drawing: Mapping[str, Any]) -> None:
    """Append a drawing to the history of its application; without a line it is withdrawn.

    Raises
    ------
    WorkspaceError, ApplicationError
        If there is no such application, or it could not be read again with the drawing.
    """
    with _writing:
        opened = Workspace.open(workspace)
        document = opened.application(drawing["application_id"])
        line = None if drawing["line"] is None else _in_metres(drawing["line"], opened.crs)
        coordinates = None if line is None else [[x, y] for x, y in line.coords]
        now = datetime.now(UTC).astimezone()
        entry = drawn_entry(coordinates, drawing["author"], now, drawing["note"])
        drawn = dict(document.get("drawn_routes") or {})
        drawn[drawing["utility"]] = [*(drawn.get(drawing["utility"]) or []), entry]
        changed = {**document, "drawn_routes": drawn}
        parse_application(changed)
        opened.save_application(changed)


def _answered(act: Callable[[], Answer]) -> Answer:
    """An answer, or a message for the person; what is our fault goes to the log."""
    try:
        return act()
    except REFUSALS as error:
        return 422, {"message": str(error)}
    except Exception:
        log.exception("a drawn route could not be handled")
        return 500, {"message": _("计算出错,已记入日志。请联系管理员。")}


def _judged(county: County, drawing: Mapping[str, Any]) -> Answer:
    speak(drawing.get("language"))
    name, utility = drawing["application_id"], drawing["utility"]
    if name not in county.applications:
        raise ApplicationError(_("没有这份报装申请:{}").format(name))
    if utility not in load_utilities():
        raise ApplicationError(_("没有这个专业:{}").format(utility))
    line = _in_metres(drawing["line"], county.survey.crs)
    found = judge_drawn_line(name, utility, line, county)
    if found["status"] == "refused":
        return 422, {"message": found["reason"]}
    view = View({}, load_utilities(), Words(load_policy(county.survey.county)))
    place = Placer(county.survey.crs)
    return 200, {
        "html": judged_drawing(view, found, found["route"]),
        "line": place.line(found["route"]["geometry"]["coordinates"]),
        "faults": fault_marks(found["faults"], place),
    }


def _in_metres(line: list[list[float]], crs: CRS) -> LineString:
    to_metres = Transformer.from_crs(4326, crs, always_xy=True)
    return LineString([to_metres.transform(lon, lat) for lon, lat in line])
