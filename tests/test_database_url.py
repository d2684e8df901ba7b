"""The doors with ``TONGGOU_DATABASE_URL``: the sample county in PostGIS, planned and exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from cli import main
from layers import databases
from tests.postgis import Server
from ui.county import open_county

pytestmark = pytest.mark.slow_first


@pytest.fixture
def run(postgis: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("TONGGOU_DATABASE_URL", postgis.url)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    yield invoke
    databases.use(None)


def test_the_sample_county_lives_in_the_database(run, postgis: Server, tmp_path: Path) -> None:
    folder = tmp_path / "county"
    made = run("demo", folder, "--json")
    assert made.exit_code == 0, made.output
    assert {file.name for file in folder.iterdir() if file.is_file()} == {"workspace.toml"}
    assert not [file for file in folder.rglob("*") if file.suffix in (".gpkg", ".sqlite")]
    planned = run("plan", folder, "--application", "BZ-2026-001", "--out", tmp_path / "plan.json")
    assert planned.exit_code in (0, 1), planned.output
    assert planned.stdout.startswith("给水 长 128.68 米")  # as in the README, from the folder store
    listed = json.loads(run("versions", folder, "--layer", "lines", "--json").stdout)
    assert [one["file"] for one in listed["versions"]] == ["lines_1"]
    done = run("export", folder, "--layer", "lines", "--out", tmp_path / "lines.gpkg")
    assert done.exit_code == 0, done.output

    county = open_county(folder)  # the page's way, with the database that the door named
    assert len(county.applications) == json.loads(made.stdout)["applications"]
    assert open_county(folder).survey is county.survey
    with psycopg.connect(postgis.url) as connection:
        query = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tonggou_411523_xinxian_%'"
        assert connection.execute(query).fetchone()[0] >= 1


def test_an_address_that_cannot_be_stops_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGGOU_DATABASE_URL", "mysql://root:geheim@127.0.0.1/x")
    refused = CliRunner().invoke(main, ["demo", str(tmp_path / "county")])
    assert refused.exit_code == 2
    assert "TONGGOU_DATABASE_URL 须写作" in refused.stderr
    assert "geheim" not in refused.output
    assert not (tmp_path / "county").exists()
