"""Ask an ASGI application without a server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of one answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(app: ASGIApp, path: str, **query: str) -> Answer:
    """GET a path, sent as it is written, with a query."""
    return _ask(app, "GET", path, query, b"", [])


def post(
    app: ASGIApp, path: str, body: bytes, content_type: str = "application/json", **query: str
) -> Answer:
    """POST a body to a path with a query."""
    return _ask(app, "POST", path, query, body, [(b"content-type", content_type.encode())])


def _ask(
    app: ASGIApp,
    method: str,
    path: str,
    query: dict[str, str],
    body: bytes,
    headers: list[tuple[bytes, bytes]],
) -> Answer:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": urlencode(query).encode(),
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Message] = []
    request: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not request:
            await asyncio.Event().wait()  # the caller stays connected
        return request.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await app(scope, receive, send)

    with ThreadPoolExecutor(1) as apart:  # the browser tests keep a loop of their own running
        apart.submit(lambda: asyncio.run(ask())).result()
    start = next(one for one in sent if one["type"] == "http.response.start")
    told = {key.decode().lower(): value.decode() for key, value in start["headers"]}
    return Answer(start["status"], told, b"".join(one.get("body", b"") for one in sent))
