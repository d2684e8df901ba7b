"""Routes drawn on the map: what the map shows of a judged one, how one is kept or comes as a file.

The callables of :func:`api.drawn_routes.drawn_routes` are made here. A drawing comes as longitude
and latitude and is kept in the coordinates of the workspace.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import numpy as np
from pyproj import CRS
from shapely import remove_repeated_points
from shapely.geometry import LineString

from api.drawn_routes import MAX_POINTS, SentFile
from language import gettext as _
from language import speak
from layers.drawn_lines import LineFile, read_line
from layers.errors import ReadError
from layers.moments import moment
from layers.source_crs import SourceCrs, reproject
from layers.store import Workspace
from layers.utilities import load_utilities
from planning.application import ApplicationError, parse_application
from planning.drawn_routes import DrawnRoute, drawn_entry, of_feed
from planning.policies import load_policy
from ui.case_drawing import Placer
from ui.case_marks import clearance_marks, fault_marks
from ui.county import County, open_county
from ui.planning_service import REFUSALS, judge_drawn_line
from ui.surroundings import drawn_card, faults_of_drawn
from ui.uploads import safe_name
from ui.view import View
from ui.words import Words

log = logging.getLogger(__name__)
Answer = tuple[int, dict[str, Any]]
# A drawn line is an external line of some hundred metres; judging takes time by its length.
MAX_LENGTH_M = 5000
MAX_KEPT = 50  # drawings of one feed of a utility in the history of an application
_AROUND_DEG = 0.01  # about a kilometre: so far beyond all that is mapped a line may be drawn
_DEGREES = CRS.from_epsg(4326)
_writing = Lock()  # read, append and save of one application must not overlap
_judging = Lock()  # one line at a time: others must not take all processors
# More do not wait: the map needs threads for its layers. A file may take a minute to read, so that
# reading has places of its own, and nobody who draws waits for it.
_to_judge = BoundedSemaphore(8)
_to_read = BoundedSemaphore(2)


class BusyError(RuntimeError):
    """Too many lines are being judged, or read."""


def judge_door(workspace: Path) -> Callable[[Mapping[str, Any]], Answer]:
    """What judges a drawing: its card and its course on the map, or why it cannot be judged."""

    def judge(drawing: Mapping[str, Any]) -> Answer:
        return _answered(
            drawing.get("language", ""), lambda: _judged(open_county(workspace), drawing)
        )

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

        return _answered(drawing.get("language", ""), kept)

    return keep


def read_door(workspace: Path) -> Callable[[SentFile], Answer]:
    """What reads the line of a file, for it to be judged and kept as a drawn one."""

    def read(sent: SentFile) -> Answer:
        return _answered(sent.language, lambda: _read(open_county(workspace), sent))

    return read


def keep_drawing(workspace: Path, drawing: Mapping[str, Any]) -> None:
    """Append a drawing to the history of its application; without a line one is withdrawn.

    The newest one sent again, as after a broken connection, is kept once. What is withdrawn is the
    drawing that ``drawing_id`` names, and nothing where that is no longer the newest of its feed.

    Raises
    ------
    WorkspaceError, ApplicationError
        If there is no such application, it could not be read again with the drawing, its history
        is full, or the drawing to withdraw is not in force.
    OSError
        If it could not be written.
    """
    with _writing:
        opened = Workspace.open(workspace)
        document = opened.application(drawing["application_id"])
        utility, feed = drawing["utility"], _feed(drawing)
        history = of_feed(parse_application(document).drawn_routes.get(utility, ()), feed)
        line = None if drawing["line"] is None else _in_metres(drawing["line"], opened.crs)
        if line is not None and _is_newest(history, line, drawing):
            return
        if line is None:
            _refuse_withdrawal(history, drawing.get("drawing_id", ""))
        else:
            _refuse_more(history)
        coordinates = None if line is None else [[x, y] for x, y in line.coords]
        author, note = drawing["author"], drawing["note"]
        entry = drawn_entry(coordinates, author, datetime.now(UTC), note, feed)
        drawn = dict(document.get("drawn_routes") or {})
        drawn[utility] = [*(drawn.get(utility) or []), entry]
        changed = {**document, "drawn_routes": drawn}
        parse_application(changed)
        opened.save_application(changed)


def _is_newest(
    history: tuple[DrawnRoute, ...], line: LineString, drawing: Mapping[str, Any]
) -> bool:
    """Whether the last that was kept is this very drawing."""
    if not history:
        return False
    line = remove_repeated_points(line)
    asked = DrawnRoute(line, drawing["author"], note=drawing["note"], feed=_feed(drawing))
    return replace(history[-1], at="") == asked


def _refuse_withdrawal(history: tuple[DrawnRoute, ...], drawing_id: str) -> None:
    """Refuse to withdraw anything but the drawing that a person saw, and only while it counts."""
    newest = history[-1] if history else None
    if newest is None or newest.line is None:
        raise ApplicationError(_("没有可撤回的手绘路由,它可能已被他人撤回"))
    if newest.drawing_id != drawing_id:
        raise ApplicationError(
            _(
                "您看到的手绘路由已被更新的一条取代({}),没有撤回任何路由。"
                "请看过现在这一条,仍要撤回的再撤回。"
            ).format(" ".join(part for part in (newest.author, moment(newest.at)) if part))
        )


def _refuse_more(history: tuple[DrawnRoute, ...]) -> None:
    if len(history) >= MAX_KEPT:
        raise ApplicationError(
            _("这一路已保留手绘路由 {} 次,达到上限;请联系管理员清理该申请的历史").format(
                len(history)
            )
        )


def _answered(language: str, act: Callable[[], Answer]) -> Answer:
    """An answer, or a message in the person's language; what is our fault goes to the log."""
    speak(language)
    try:
        return act()
    except REFUSALS as error:
        return 422, {"message": str(error)}
    except BusyError as error:
        return 503, {"message": str(error)}
    except OSError:
        log.exception("a workspace could not be read or written")
        return 500, {"message": _("读写工作区出错,没有保存任何改动。请联系管理员。")}
    except Exception:
        log.exception("a drawn route could not be handled")
        return 500, {"message": _("计算出错,已记入日志。请联系管理员。")}


def _read(county: County, sent: SentFile) -> Answer:
    """The line of a file as the map sends a drawn one, the notes of reading it, and its name."""
    name = safe_name(sent.name)
    if name.lower().endswith(".shp"):
        raise ReadError(
            _(
                "文件 {}:只有 .shp,没有写明坐标系的 .prj。请把同名的各文件一起压缩为 ZIP 后再选。"
            ).format(name)
        )
    full = _("正在读取的线文件过多,请稍候再试")
    with tempfile.TemporaryDirectory(prefix="tonggou-line-") as folder, _place(_to_read, full):
        file = Path(folder) / name
        file.write_bytes(sent.content)
        found = read_line(file, county.survey.crs)
    line = _in_degrees(found.line, county.survey.crs)
    try:
        _refuse_points(line)
        _placed(line, county)
    except ApplicationError as error:
        raise ApplicationError(_told(name, error, found)) from None
    return 200, {"line": line, "file": name, "notes": list(found.notes)}


def _told(name: str, error: ApplicationError, found: LineFile) -> str:
    """Why the line of a file cannot be drawn, how it was read, and what to do."""
    cure = _("请在原软件中核对这条线和坐标系,改正后另存。")
    return "\n".join([_("文件 {}:{}。").format(name, error), *found.notes, cure])


def _refuse_points(line: list[list[float]]) -> None:
    if len(line) > MAX_POINTS:
        raise ApplicationError(_("线有 {} 个点,最多 {} 个").format(len(line), MAX_POINTS))


def _judged(county: County, drawing: Mapping[str, Any]) -> Answer:
    name, utility = drawing["application_id"], drawing["utility"]
    if name not in county.applications:
        raise ApplicationError(_("没有这份报装申请:{}").format(name))
    if utility not in load_utilities():
        raise ApplicationError(_("没有这个专业:{}").format(utility))
    line = _placed(drawing["line"], county)
    with _place(_to_judge, _("正在核算的手绘路由过多,请稍候再试")), _judging:
        found = judge_drawn_line(name, utility, line, county, _feed(drawing))
    if found["status"] == "refused":
        return 422, {"message": found["reason"]}
    view = View({}, load_utilities(), Words(load_policy(county.survey.county)))
    place = Placer(county.survey.crs)
    courses = [_course(one, place) for one in _feeds(found)]
    if _feed(drawing) != found["feed"]:  # the other one was drawn before
        courses.reverse()
    return 200, {
        "html": drawn_card(view, found, found["route"]),
        "line": courses[0],
        "other": courses[1],
        "faults": fault_marks(faults_of_drawn(found), place),
        "clearances": clearance_marks([("", one) for one in found["clearances"]], place),
    }


def _feed(drawing: Mapping[str, Any]) -> int:
    """Which feed was drawn; who does not speak of feeds means the first."""
    return int(drawing.get("feed", 1))


def _feeds(found: Mapping[str, Any]) -> tuple[Any, Any]:
    """The drawn route and the feed with which it is judged; None for a line of one."""
    return found["route"], (found["second_feed"] or {}).get("route")


def _course(route: Mapping[str, Any] | None, place: Placer) -> list[Any]:
    return [] if route is None else place.line(route["geometry"]["coordinates"])


@contextmanager
def _place(places: BoundedSemaphore, full: str) -> Iterator[None]:
    """Hold one of the places; ``BusyError`` in the words ``full`` where none is free."""
    if not places.acquire(blocking=False):
        raise BusyError(full)
    try:
        yield
    finally:
        places.release()


def _placed(line: list[list[float]], county: County) -> LineString:
    """A drawn line in metres; refused outside the county, too long, or without length."""
    lon, lat = np.array(line, float).T
    west, south, east, north = county.bounds
    inside = (west - _AROUND_DEG <= lon) & (lon <= east + _AROUND_DEG)
    inside &= (south - _AROUND_DEG <= lat) & (lat <= north + _AROUND_DEG)
    if not inside.all():
        raise ApplicationError(
            _("手绘路由第 {} 个点不在本县图层范围内").format(int(np.argmin(inside)) + 1)
        )
    placed = _in_metres(line, county.survey.crs)
    if not np.isfinite(placed.length) or placed.length == 0:
        raise ApplicationError(_("手绘路由须有至少两个不同的点"))
    if placed.length > MAX_LENGTH_M:
        raise ApplicationError(
            _("手绘路由长 {} 米,最长 {} 米;请画短些").format(round(placed.length), MAX_LENGTH_M)
        )
    return placed


def _in_degrees(line: LineString, crs: CRS) -> list[list[float]]:
    [placed], _notes = reproject(np.array([line], object), SourceCrs(crs), _DEGREES)
    return [list(at) for at in placed.coords]


def _in_metres(line: list[list[float]], crs: CRS) -> LineString:
    [placed], _notes = reproject(np.array([LineString(line)], object), SourceCrs(_DEGREES), crs)
    return placed
