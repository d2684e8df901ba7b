"""Drawing through the door: only with a token for drawing, only lines, and nothing by accident."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.applications import Starlette

from api import tokens
from api.drawn_routes import MAX_FILE_BYTES, MAX_POINTS, SentFile, drawn_routes, pen
from tests.api.asgi import Answer, post

WORKSPACE = "/somewhere"
LINE = [[114.87, 31.64], [114.88, 31.65]]
ASKED = {"application_id": "BZ-1", "utility": "water", "line": LINE}


@pytest.fixture
def kept() -> list[Mapping[str, Any]]:
    return []


@pytest.fixture
def app(kept: list[Mapping[str, Any]]) -> Starlette:
    def judge(drawing: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"judged": drawing["utility"]}

    def keep(drawing: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        kept.append(drawing)
        return 200, {"kept": True}

    def read(sent: SentFile) -> tuple[int, dict[str, Any]]:
        return 200, {"name": sent.name, "language": sent.language, "size": len(sent.content)}

    return Starlette(routes=drawn_routes(WORKSPACE, judge, keep, read))


def ask(app: Starlette, way: str, asked: Any, **changed: str) -> Answer:
    query = {"token": tokens.issue(pen(WORKSPACE)), **changed}
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return post(app, f"/api/drawn/{way}", body, **query)


def test_a_line_is_judged_and_kept_with_author_and_note(
    app: Starlette, kept: list[Mapping[str, Any]]
) -> None:
    assert json.loads(ask(app, "judge", ASKED).body) == {"judged": "water"}
    assert kept == []
    assert ask(app, "keep", {**ASKED, "author": " 张工 ", "note": "避树"}).status == 200
    told = {"author": "张工", "note": "避树", "language": "", "drawing_id": ""}
    assert kept == [{**ASKED, **told}]


def test_which_of_two_feeds_is_drawn_goes_on(app: Starlette, kept: list[Mapping[str, Any]]) -> None:
    assert ask(app, "keep", {**ASKED, "feed": 2}).status == 200
    assert kept[0]["feed"] == 2


def test_a_route_is_withdrawn_by_keeping_no_line_and_no_line_is_judged(
    app: Starlette, kept: list[Mapping[str, Any]]
) -> None:
    nothing = {**ASKED, "line": None, "drawing_id": "0123456789abcdef"}
    assert ask(app, "judge", nothing).status == 400
    assert ask(app, "keep", nothing).status == 200
    assert kept[0]["line"] is None
    assert kept[0]["drawing_id"] == "0123456789abcdef"


@pytest.mark.parametrize("whose", ["nobody", "reader", "elsewhere"])
def test_without_a_token_for_drawing_here_nothing_is_kept(
    app: Starlette, kept: list[Mapping[str, Any]], whose: str
) -> None:
    """A token that reads the layers of the same workspace does not write."""
    token = {
        "nobody": "",
        "reader": tokens.issue(WORKSPACE),
        "elsewhere": tokens.issue(pen("/elsewhere")),
    }[whose]
    assert ask(app, "keep", ASKED, token=token).status == 403
    assert kept == []


@pytest.mark.parametrize(
    "asked",
    [
        b"{",
        b"[" * 100_000,
        b'{"line": [[1e999, 1], [1, 1]]}',
        b" " * 500_000,
        [],
        {**ASKED, "line": "0,0"},
        {**ASKED, "line": [[114.87, 31.64]]},
        {**ASKED, "line": [[114.87, 31.64], [114.88]]},
        {**ASKED, "line": [[114.87, 31.64], [114.88, "31.65"]]},
        {**ASKED, "line": [[114.87, 31.64], [True, 31.65]]},
        {**ASKED, "line": [[582000, 3502000], [582001, 3502001]]},
        {**ASKED, "line": LINE * (MAX_POINTS // 2) + LINE[:1]},
        {**ASKED, "line": LINE[:1] * 2},
        {**ASKED, "line": [[10**400, 31.64], [114.88, 31.65]]},
        {**ASKED, "application_id": "BZ-1\ud800"},
        {**ASKED, "note": "\udfff"},
        {**ASKED, "note": "长" * 401},
        {**ASKED, "author": 7},
        {**ASKED, "application_id": ["BZ-1"]},
        {**ASKED, "feed": 3},
        {**ASKED, "feed": "2"},
        {**ASKED, "feed": True},
    ],
    ids=range(22),
)
def test_anything_but_a_line_is_refused_in_words(
    app: Starlette, kept: list[Mapping[str, Any]], asked: Any
) -> None:
    answer = ask(app, "keep", asked)
    assert answer.status == 400
    assert json.loads(answer.body)["message"]
    assert kept == []


def test_a_line_of_as_many_points_as_may_be_is_kept(
    app: Starlette, kept: list[Mapping[str, Any]]
) -> None:
    assert ask(app, "keep", {**ASKED, "line": LINE * (MAX_POINTS // 2)}).status == 200
    assert len(kept[0]["line"]) == MAX_POINTS


def test_a_form_of_another_page_is_refused(app: Starlette, kept: list[Mapping[str, Any]]) -> None:
    """A page elsewhere can send a form or plain text without asking; JSON it cannot."""
    token = tokens.issue(pen(WORKSPACE))
    body = json.dumps(ASKED).encode()
    assert post(app, "/api/drawn/keep", body, "text/plain", token=token).status == 400
    assert kept == []


# --- the line of a file -------------------------------------------------------------------------


def send(
    app: Starlette, content: bytes, kind: str = "application/octet-stream", **said: str
) -> Answer:
    query = {"token": tokens.issue(pen(WORKSPACE)), "name": "线.dxf", "language": "en", **said}
    return post(app, "/api/drawn/read", content, kind, **query)


def test_a_file_comes_whole_with_its_name_and_the_language(app: Starlette) -> None:
    answer = send(app, bytes(300_000))
    assert json.loads(answer.body) == {"name": "线.dxf", "language": "en", "size": 300_000}


def test_a_file_is_taken_by_who_may_draw_only_and_from_this_page_only(app: Starlette) -> None:
    assert send(app, b"x", token=tokens.issue(WORKSPACE)).status == 403
    assert send(app, b"x", "multipart/form-data").status == 400


def test_a_file_that_is_too_large_is_refused_with_the_limit(app: Starlette) -> None:
    assert send(app, bytes(MAX_FILE_BYTES)).status == 200
    answer = send(app, bytes(MAX_FILE_BYTES + 1))
    assert (answer.status, str(MAX_FILE_BYTES) in answer.body.decode()) == (400, True)
