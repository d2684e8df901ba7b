"""What the bench gives to take along is what the commands write."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
from click.testing import CliRunner
from geopandas.testing import assert_geodataframe_equal

import cli
from tests.ui.conftest import SIZES, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow_first]


def run(*arguments: object) -> None:
    done = CliRunner().invoke(cli.main, [str(one) for one in arguments])
    assert done.exit_code in (0, 1), done.output


def download(page: Any, suffix: str, folder: Path) -> Path:
    from playwright.sync_api import expect  # where it is absent, the fixtures said so

    button = page.locator(f".st-key-download{suffix.replace('.', '-')} button")
    expect(button).to_have_count(1, timeout=30_000)  # those of the page before go meanwhile
    with page.expect_download() as waiting:
        button.click()
    taken = folder / waiting.value.suggested_filename
    waiting.value.save_as(taken)
    return taken


def assert_same_layers(first: Path, second: Path) -> None:
    names = [name for name, _kind in pyogrio.list_layers(first)]
    assert names == [name for name, _kind in pyogrio.list_layers(second)]
    for name in names:
        tables = (gpd.read_file(file, layer=name) for file in (first, second))
        assert_geodataframe_equal(*tables)


@pytest.mark.parametrize("device", SIZES)
def test_the_plan_and_the_screening_are_taken_along_as_the_commands_write_them(
    visit: Callable[[str, str], Visit],
    serve: Callable[[str, Path], str],
    screened: Path,
    tmp_path: Path,
    device: str,
) -> None:
    opened = visit(serve("app.py", screened), device)
    day = date.today().isoformat()
    run("screen", screened, "--out", tmp_path / "screen.csv")
    run("screen", screened, "--out", tmp_path / "screen.gpkg")
    table = download(opened.page, ".csv", tmp_path)
    assert table.name == f"screen-{day}.csv"
    assert table.read_bytes() == (tmp_path / "screen.csv").read_bytes()
    assert_same_layers(download(opened.page, ".gpkg", tmp_path), tmp_path / "screen.gpkg")

    files = tmp_path / "plan.json", tmp_path / "plan.gpkg"
    run("plan", screened, "--application", "BZ-1", "--out", files[0], "--gpkg", files[1])
    opened.choose("BZ-1")
    plan = download(opened.page, ".json", tmp_path)
    assert plan.name == "plan-BZ-1.json"
    assert json.loads(plan.read_text("utf-8")) == json.loads(files[0].read_text("utf-8"))
    assert_same_layers(download(opened.page, ".gpkg", tmp_path), files[1])
    assert (opened.outside, opened.errors, opened.refused) == ([], [], [])


def test_nothing_of_a_screening_is_offered_where_none_is_in_force(
    visit: Callable[[str, str], Visit], address: str
) -> None:
    opened = visit(address, "desktop")
    opened.page.locator(".tg-empty").wait_for()
    opened.page.locator(".st-key-cases").wait_for()
    assert opened.page.locator(".st-key-downloads").count() == 0
