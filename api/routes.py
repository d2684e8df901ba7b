"""The routes that stand beside the page, and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import tokens
from api.view_layers import LayerRequestError, ViewLayer, parse_box
from language import gettext as _

STATIC = Path(__file__).resolve().parent.parent / "static"
_PACKAGES = {"leaflet": "xstatic.pkg.leaflet", "jquery": "xstatic.pkg.jquery"}

# Scripts of the map's frame are evaluated text (streamlit-folium), hence unsafe-eval; nothing
# at all may be fetched from another machine.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "frame-ancestors 'self'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def routes(
    workspace: str,
    layers: Callable[[], Mapping[str, ViewLayer]],
    drawing: Sequence[BaseRoute] = (),
) -> list[BaseRoute]:
    """All routes of one workspace.

    Parameters
    ----------
    workspace
        Name that tokens are issued for.
    layers
        Gives the layers as they are now; called in a worker thread, so it may take its time.
    drawing
        Routes of :mod:`api.drawn_routes`, where lines may be drawn.
    """

    def layer(request: Request) -> Response:
        if not tokens.is_valid(request.query_params.get("token", ""), workspace):
            return _refusal(403, _("访问凭证无效或已过期,请刷新页面"))
        found = layers().get(request.path_params["name"])
        if found is None:
            return _refusal(404, _("没有这个图层"))
        try:
            box = parse_box(request.query_params.get("bbox", ""))
        except LayerRequestError as error:
            return _refusal(400, str(error))
        return Response(
            found.within(box),
            media_type="application/geo+json",
            headers={"Cache-Control": "private, max-age=60"},
        )

    return [
        Route("/api/health", lambda _request: JSONResponse({"status": "ok"})),
        Route("/api/layers/{name}", layer),
        *drawing,
        *(
            Mount(f"/assets/{name}", StaticFiles(directory=package_folder(package)))
            for name, package in _PACKAGES.items()
        ),
        Mount("/assets/tonggou", StaticFiles(directory=STATIC)),
    ]


def package_folder(package: str) -> Path:
    """Folder with the files of an installed xstatic package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{package} is not installed; see requirements.txt")
    return Path(spec.origin).parent / "data"


class SecurityHeaders:
    """ASGI middleware that adds :data:`HEADERS` to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the head of its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status_code=status)
