"""Routes beside the page: tokens, refusals, local assets, headers."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from api import tokens
from api.routes import SecurityHeaders, package_folder, routes
from api.view_layers import view_layers
from tests.api.asgi import get
from tests.ui.town import town

WORKSPACE = "/somewhere"
BOX = "114.86,31.63,114.88,31.65"


@pytest.fixture(scope="module")
def app() -> Starlette:
    layers = view_layers(town().tables)
    return Starlette(
        routes=routes(WORKSPACE, lambda: layers), middleware=[Middleware(SecurityHeaders)]
    )


def ask(app: Starlette, **changed: str) -> tuple[int, str]:
    query = {"bbox": BOX, "token": tokens.issue(WORKSPACE), **changed}
    name = query.pop("name", "parcels")
    answer = get(app, f"/api/layers/{name}", **query)
    return answer.status, answer.body.decode()


def test_a_valid_token_reads_the_layer(app: Starlette) -> None:
    status, text = ask(app)
    assert status == 200
    assert '"total":14' in text


@pytest.mark.parametrize("whose", ["nobody", "forger", "elsewhere"])
def test_without_a_token_of_this_workspace_nothing_is_read(app: Starlette, whose: str) -> None:
    token = {"nobody": "", "forger": "forged", "elsewhere": tokens.issue("/elsewhere")}[whose]
    status, text = ask(app, token=token)
    assert status == 403
    assert "features" not in text


def test_an_old_token_is_refused() -> None:
    token = tokens.issue(WORKSPACE)
    assert tokens.is_valid(token, WORKSPACE)
    assert not tokens.is_valid(token, WORKSPACE, lifetime_s=-1)


def test_an_unknown_layer_and_a_bad_box_are_refused_in_words(app: Starlette) -> None:
    assert ask(app, name="secret")[0] == 404
    status, text = ask(app, bbox="1,2,3")
    assert status == 400
    assert "bbox" in text


@pytest.mark.parametrize(
    "path",
    [
        "/assets/leaflet/leaflet.js",
        "/assets/leaflet/leaflet.css",
        "/assets/jquery/jquery.min.js",
        "/assets/leaflet/images/marker-icon.png",
        "/assets/tonggou/fix.js",
        "/assets/tonggou/style.css",
    ],
)
def test_every_asset_of_the_map_comes_from_here(app: Starlette, path: str) -> None:
    assert get(app, path).status == 200


def test_no_file_beside_the_assets_can_be_read(app: Starlette) -> None:
    for path in ("/assets/tonggou/../settings.py", "/assets/leaflet/../../../../settings.py"):
        assert get(app, path).status == 404


def test_every_answer_forbids_outside_sources_and_foreign_frames(app: Starlette) -> None:
    headers = get(app, "/api/health").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_a_missing_package_is_named() -> None:
    with pytest.raises((FileNotFoundError, ModuleNotFoundError), match="xstatic"):
        package_folder("xstatic.pkg.absent")
