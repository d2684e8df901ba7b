"""The page in a real browser that can reach nothing but this machine, and its server."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.conftest import require
from tests.planned_town import keep_screening, make_workspace
from tests.ui.servers import PATIENCE_S, servers
from tests.ui.town import fill_workspace, town

# The same engine with and without windows of its own, which nobody would see.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("town") / "workspace"
    fill_workspace(path, town())
    return path


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town's workspace with a screening of today in force."""
    path = make_workspace(tmp_path_factory.mktemp("screened"))
    keep_screening(path, date.today())
    return path


@pytest.fixture
def serve() -> Iterator[Callable[[str, Path], str]]:
    """Start servers that end with the test."""
    with servers() as start:
        yield start


@pytest.fixture(scope="session")
def address(workspace: Path) -> Iterator[str]:
    with servers() as start:
        yield start("tests/ui/fixture_app.py", workspace)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    require(find_spec("playwright") is not None, "the package playwright")
    from playwright import sync_api as playwright

    executable = next(filter(None, map(shutil.which, _BROWSERS)), None)
    require(executable is not None, "headless Chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


LIES_STILL = "() => !map._animatingZoom && !(map._panAnim && map._panAnim._inProgress)"


@dataclass
class Visit:
    """One page that was opened, and everything that it asked for or complained about."""

    page: Any
    address: str
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    received: int = 0
    begun: int = 0  # runs of the script that the server told of
    is_running: bool = False
    layers: list[Any] = field(default_factory=list)

    def open(self) -> None:
        """Go to the page and wait until the map and its parcels are there."""
        page = self.page
        page.on("request", self._note_request)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", self._note_response)
        page.on("requestfinished", self._note_finished)
        page.on("websocket", lambda socket: socket.on("framereceived", self._note_frame))
        page.goto(self.address, wait_until="domcontentloaded")
        self.wait(
            lambda: (
                self.frame
                and self.frame.evaluate(
                    "() => Object.values(map._layers)"
                    ".some(l => l.feature && l.feature.properties.id)"
                )
            )
        )

    def leave(self) -> Any:
        """Shut the page; give its context, which keeps nothing of it but what may be cached."""
        context = self.page.context
        origin = "/".join(self.address.split("/")[:3])
        kept = {"origin": origin, "storageTypes": "cookies,indexeddb,local_storage,service_workers"}
        context.new_cdp_session(self.page).send("Storage.clearDataForOrigin", kept)
        context.clear_cookies()
        for page in context.pages:
            page.close()
        return context

    @property
    def frame(self) -> Any:
        """The frame that holds the map, if it is there."""
        for frame in self.page.frames:
            try:
                if frame.query_selector(".leaflet-map-pane"):
                    return frame
            except Exception:
                if not frame.is_detached():  # one that went away meanwhile holds no map
                    raise
        return None

    def in_map(self, ask: Callable[[Any], Any]) -> Any:
        """What is asked of the map's frame; None while it is not there or goes away meanwhile."""
        frame = self.frame
        if frame is None:
            return None
        try:
            return ask(frame)
        except Exception:
            if not frame.is_detached():
                raise
        return None

    def wait(self, ready: Callable[[], Any]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if ready():
                return
            self.page.wait_for_timeout(100)
        pytest.fail("the page did not become ready")

    @contextmanager
    def run(self) -> Iterator[None]:
        """Wait until the page has run for what is done meanwhile."""
        before = self.begun
        yield
        self.wait(lambda: self.begun > before and not self.is_running)
        self.page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()

    def choose(self, words: str) -> None:
        """Pick an application in the select box and wait for its case."""
        self.page.locator(".st-key-bar input").first.click()
        self.page.keyboard.type(words)
        self.page.get_by_role("option", name=words).first.click()
        self.page.locator(".tg-figures").wait_for()

    def click_map(self, lat: float, lon: float) -> None:
        """Click a place on the map."""
        self.page.mouse.click(*self._place(lat, lon))

    def tap_map(self, lat: float, lon: float) -> None:
        """Tap a place on the map with a finger."""
        self.page.touchscreen.tap(*self._place(lat, lon))

    def _place(self, lat: float, lon: float) -> tuple[float, float]:
        """Where a place of the map is on the page, in pixels, once the map lies still."""
        self.wait(lambda: self.frame and self.frame.evaluate(LIES_STILL))
        x, y = self.frame.evaluate(
            "at => { const p = map.latLngToContainerPoint(at); return [p.x, p.y]; }", [lat, lon]
        )
        frame = self.page.locator(".st-key-town iframe").bounding_box()
        return frame["x"] + x, frame["y"] + y

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)

    def _note_response(self, response: Any) -> None:
        if response.status >= 400:
            self.refused.append(f"{response.status} {response.url}")

    def _note_finished(self, request: Any) -> None:
        if "/api/layers/" in request.url:
            self.layers.append(request)

    def _note_frame(self, data: str | bytes) -> None:
        self.received += len(data)
        told = ForwardMsg.FromString(data).WhichOneof("type") if isinstance(data, bytes) else None
        if told == "new_session":
            self.begun, self.is_running = self.begun + 1, True
        elif told == "script_finished":
            self.is_running = False

    @property
    def layer_bytes(self) -> int:
        """Bytes of all layer answers as they came over the wire."""
        return sum(one.sizes()["responseBodySize"] for one in self.layers)


@pytest.fixture(scope="session")
def idle_contexts() -> dict[tuple[int, int, bool], list[Any]]:
    """Browser contexts that no test has in hand, by width, height and whether there are fingers.

    They are used again for what they have in their cache, the page's scripts: to have those served
    and compiled anew takes a fifth of an opening.
    """
    return defaultdict(list)


@pytest.fixture
def visit(
    chromium: Any,
    idle_contexts: dict[tuple[int, int, bool], list[Any]],
    serve: Callable[[str, Path], str],
) -> Iterator[Callable[[str, str], Visit]]:
    """Open an address at the size of a device; pages are shut before the test's servers end."""
    visits: list[tuple[list[Any], Visit]] = []

    def open_page(address: str, device: str) -> Visit:
        width, height = SIZES[device]
        phone = device == "phone"
        idle = idle_contexts[width, height, phone]
        context = (
            idle.pop()
            if idle
            else chromium.new_context(
                viewport={"width": width, "height": height}, has_touch=phone, is_mobile=phone
            )
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        opened = Visit(context.new_page(), address)
        visits.append((idle, opened))
        opened.open()
        return opened

    yield open_page
    for idle, opened in visits:
        idle.append(opened.leave())
