"""The lines of one parcel out of the screening in force: what a click shows before any planning.

Guarded by the token of the layers. What is asked for is told by the query; what it means is left to
the callable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api import tokens
from language import gettext as _

ADDRESS = "/api/screening"
# A status and a GeoJSON FeatureCollection; else a message for the person who asked.
Answer = tuple[int, Mapping[str, Any]]


def screened_routes(
    workspace: str, lines: Callable[[Mapping[str, str]], Answer]
) -> list[BaseRoute]:
    """``GET /api/screening?parcel=…``, for one workspace.

    Optional: ``application`` (the first of the parcel by default) and ``language``. ``lines`` is
    called in a worker thread.
    """

    async def answer(request: Request) -> Response:
        asked = dict(request.query_params)
        if not tokens.is_valid(asked.pop("token", ""), workspace):
            return JSONResponse({"message": _("访问凭证无效或已过期,请刷新页面")}, status_code=403)
        status, found = await run_in_threadpool(lines, asked)
        return JSONResponse(found, status_code=status, headers={"Cache-Control": "no-store"})

    return [Route(ADDRESS, answer)]
