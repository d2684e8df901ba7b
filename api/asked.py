"""What the map asks with a click or under the pointer, and what it is told.

Guarded by the token of the layers. What is asked for is told by the query; what it means is left to
the callables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import tokens
from language import gettext as _

# The lines of a parcel out of the screening in force, as a GeoJSON FeatureCollection:
# ``parcel``, and optionally ``application`` (the first of the parcel by default).
SCREENING = "/api/screening"
# What an existing main or node is, as ``label``: ``layer`` and ``id``.
EXISTING = "/api/existing"
# A status and what was asked for; else a message for the person who asked.
Answer = tuple[int, Mapping[str, Any]]


def asked_route(workspace: str, address: str, door: Callable[[Mapping[str, str]], Answer]) -> Route:
    """``GET`` at an address, for one workspace; ``language`` may always be named in the query.

    ``door`` is called in a worker thread.
    """

    async def answer(request: Request) -> Response:
        asked = dict(request.query_params)
        if not tokens.is_valid(asked.pop("token", ""), workspace):
            return JSONResponse({"message": _("访问凭证无效或已过期,请刷新页面")}, status_code=403)
        status, found = await run_in_threadpool(door, asked)
        return JSONResponse(found, status_code=status, headers={"Cache-Control": "no-store"})

    return Route(address, answer)
