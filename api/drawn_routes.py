"""Routes drawn on the map: judged at once, and kept in the application when the person wishes.

A line may also come as a file, which is read and not kept. Like the layers they are guarded by a
token, one of their own: who may look may not yet write.
Only the shape of a request is checked here; what it means is left to the callables.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api import tokens
from language import gettext as _

# A line drawn by clicks has tens of points, one of a file hundreds; each one costs time to judge.
MAX_POINTS = 500
_MAX_BYTES = 60_000  # as many points with 16 digits each way, and the texts
MAX_FILE_BYTES = 20_000_000  # one line takes kilobytes: room for what else a drawing holds
_FEEDS = (1, 2)
_MAX_TEXT = {
    "application_id": 80,
    "utility": 20,
    "author": 80,
    "note": 400,
    "language": 8,
    "drawing_id": 16,
}

Drawing = Mapping[str, Any]
# A status and what to answer; the message of a refusal is for the person who drew.
Answer = tuple[int, Mapping[str, Any]]


class DrawingError(ValueError):
    """A request does not hold a drawn line."""


@dataclass(frozen=True)
class SentFile:
    """A file as it was sent: its name is anybody's, its content has yet to be looked at."""

    name: str
    content: bytes | bytearray
    language: str


def pen(workspace: str) -> str:
    """Name that tokens for drawing in a workspace are issued for."""
    return f"draw:{workspace}"


def drawn_routes(
    workspace: str,
    judge: Callable[[Drawing], Answer],
    keep: Callable[[Drawing], Answer],
    read: Callable[[SentFile], Answer],
) -> list[BaseRoute]:
    """``POST /api/drawn/judge``, ``/api/drawn/keep`` and ``/api/drawn/read``, for one workspace.

    The first two take ``application_id``, ``utility``, ``line`` as [longitude, latitude] pairs, and
    optionally ``author``, ``note`` and which ``feed`` of two it is, the first where left out;
    ``keep`` takes null for ``line`` to withdraw the drawing of the feed that ``drawing_id`` (as the
    plan gives it) names. ``read`` takes a file as it is, as
    ``application/octet-stream``, with its ``name`` and the ``language`` in the query; the ``line``
    of its answer is what the others take.
    The callables are called in a worker thread.
    """

    def door(act: Callable[[Any], Answer], parse: Callable[[Request], Awaitable[Any]]) -> Any:
        async def answer(request: Request) -> Response:
            if not tokens.is_valid(request.query_params.get("token", ""), pen(workspace)):
                return JSONResponse(
                    {"message": _("访问凭证无效或已过期,请刷新页面")}, status_code=403
                )
            try:
                asked = await parse(request)
            except DrawingError as error:
                return JSONResponse({"message": str(error)}, status_code=400)
            status, found = await run_in_threadpool(act, asked)
            return JSONResponse(found, status_code=status)

        return answer

    return [
        Route("/api/drawn/judge", door(judge, _drawing), methods=["POST"]),
        Route("/api/drawn/keep", door(keep, _drawing_or_none), methods=["POST"]),
        Route("/api/drawn/read", door(read, _file), methods=["POST"]),
    ]


async def _drawing(request: Request) -> dict[str, Any]:
    return parse_drawing(await _body(request, "application/json", _MAX_BYTES), may_be_empty=False)


async def _drawing_or_none(request: Request) -> dict[str, Any]:
    return parse_drawing(await _body(request, "application/json", _MAX_BYTES), may_be_empty=True)


async def _file(request: Request) -> SentFile:
    content = await _body(request, "application/octet-stream", MAX_FILE_BYTES)
    said = request.query_params
    return SentFile(said.get("name", ""), content, said.get("language", ""))


def parse_drawing(body: bytes | bytearray, *, may_be_empty: bool) -> dict[str, Any]:
    """The fields of a request; ``DrawingError`` if it is not of the right shape."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise DrawingError(_("请求不是 JSON")) from None
    if not isinstance(asked, dict):
        raise DrawingError(_("请求须为 JSON 对象"))
    found: dict[str, Any] = {}
    for name, longest in _MAX_TEXT.items():
        text = asked.get(name, "")
        if not isinstance(text, str) or len(text) > longest:
            raise DrawingError(_("{} 须为不超过 {} 字的文字").format(name, longest))
        if not _is_writable(text):
            raise DrawingError(_("{} 含有无法保存的字符,请改写").format(name))
        found[name] = text.strip()
    if "feed" in asked:
        found["feed"] = _feed(asked["feed"])
    found["line"] = _line(asked.get("line"), may_be_empty=may_be_empty)
    return found


def _feed(value: Any) -> int:
    if isinstance(value, bool) or value not in _FEEDS:
        raise DrawingError(_("feed 须为 1(第一路)或 2(第二路)"))
    return int(value)


def _line(value: Any, *, may_be_empty: bool) -> list[list[float]] | None:
    if value is None and may_be_empty:
        return None
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_POINTS:
        raise DrawingError(_("手绘路由须为 2 至 {} 个点,请减少折点").format(MAX_POINTS))
    if not all(_is_place(point) for point in value):
        raise DrawingError(_("line 的每个点须为 [经度, 纬度]"))
    if all(point == value[0] for point in value):
        raise DrawingError(_("手绘路由须有至少两个不同的点"))
    return [[float(lon), float(lat)] for lon, lat in value]


def _is_place(point: Any) -> bool:
    if not isinstance(point, list) or len(point) != 2:
        return False
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in point):
        return False
    lon, lat = point  # compared as they are: a whole number may be too long for a float
    return -180 <= lon <= 180 and -90 <= lat <= 90


def _is_writable(text: str) -> bool:
    """Whether a text can be stored: JSON may hold halves of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _body(request: Request, content_type: str, most: int) -> bytearray:
    """The body, if it is of the type and not too large; read no further than that.

    Neither type can be sent by a page from elsewhere without asking.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != content_type:
        raise DrawingError(_("请求须为 {}").format(content_type))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise DrawingError(_("请求过大,最多 {} 字节").format(most))
    return body
