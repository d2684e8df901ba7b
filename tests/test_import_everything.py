"""Every file at hand is imported or refused as expected, and no row of any is lost."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from docs.examples.import_everything import Fate, import_all
from tests.conftest import REPOSITORY
from tests.layers.layer_files import parcels_file

pytestmark = pytest.mark.slow_first

EXAMPLES = REPOSITORY / "docs/examples"


def recipes() -> list[dict[str, str]]:
    with (EXAMPLES / "everything.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.mark.shared
def test_every_shared_file_is_imported_or_refused_as_expected(shared: Path) -> None:
    expected = [
        (one["file"], one["layer"], one["outcome"], one["rows_in"], one["stored"])
        for one in recipes()
    ]
    fates = list(import_all(recipes(), shared / "data"))
    found = [
        (fate.file, fate.layer, fate.outcome, *(_text(n) for n in (fate.rows_in, fate.stored)))
        for fate in fates
    ]
    assert found == expected
    assert [fate for fate in fates if not fate.is_whole or not fate.told] == []


@pytest.mark.shared
def test_every_shared_file_has_its_recipe(shared: Path) -> None:
    beside = {".dbf", ".shx", ".prj", ".cpg", ".csv", ".mid"}
    files = {
        f"{folder}/{file.name}"
        for folder in ("messy", "networks", "osm")
        for file in (shared / "data" / folder).iterdir()
        if file.suffix.lower() not in beside
    }
    assert files == {one["file"] for one in recipes()}


@pytest.mark.parametrize(
    ("fate", "whole"),
    [
        (Fate("a", "parcels", "stored", 5, 3, 2, "x"), True),
        (Fate("a", "parcels", "stored", 5, 3, 1, "x"), False),
        (Fate("a", "parcels", "refused", None, None, None, "x"), True),
        (Fate("a", "parcels", "refused", None, None, None, ""), False),
    ],
)
def test_a_lost_row_is_seen(fate: Fate, whole: bool) -> None:
    assert fate.is_whole is whole


def test_the_table_is_printed(tmp_path: Path) -> None:
    file = parcels_file(tmp_path)
    recipe = tmp_path / "recipes.csv"
    recipe.write_text(
        "file,layer,source_layer,crs,set,workspace_crs\n"
        f"{file.name},parcels,,,,EPSG:4547\nnothing.shp,roads,,,,EPSG:4547\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(EXAMPLES / "import_everything.py"), str(recipe), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, len(lines)) == (0, "", 3)
    assert lines[1].startswith(f"{file.name} | parcels | stored | 3 | 3 | 0 |")
    assert lines[2].startswith("nothing.shp | roads | refused |")


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
