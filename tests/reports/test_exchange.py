"""Exchange files: whole or not at all, readable again, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from planning.batch import cases_of, screen
from planning.plan import Plan, plan
from reports import exchange
from reports.exchange import (
    ExportError,
    require_place,
    table_writer,
    write_graph,
    write_json,
    write_plan,
)
from tests import towns
from tests.towns import application, ground, main, node, parcel, street, town

SURVEY = town(
    parcels={"P-1": parcel(200, 12, 240, 52), "P-2": parcel(20, 70, 60, 99)},
    lines={"W-1": main((0, -8), (20, -8))},
    nodes={"N-1": node(20, -7, utility="power", kind="transformer", spare_bays=1)},
)
DEMANDS = {
    "water": {"nominal_mm": 150, "material": "PE"},
    "power": {"duct_holes": 2, "duct_outer_diameter_mm": 110, "laying": "conduit"},
    "gas": {},
}


@pytest.fixture(scope="module")
def shared_plan() -> Plan:
    return plan(application(demands=DEMANDS), SURVEY, towns.policy())


def test_json_is_written_in_chinese_and_refuses_what_is_no_number(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_json({"zh": "给水", "gap_m": None}, file)
    assert file.read_text("utf-8") == '{"zh": "给水", "gap_m": null}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"gap_m": float("nan")}, file)
    assert json.loads(file.read_text("utf-8")) == {"zh": "给水", "gap_m": None}
    assert [one.name for one in tmp_path.iterdir()] == ["plan.json"]


def test_a_file_takes_its_name_when_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, seen = tmp_path / "plan.json", []
    monkeypatch.setattr(exchange, "sync", lambda draft: seen.append((draft.read_bytes(), *names())))

    def names() -> list[str]:
        return [one.name for one in tmp_path.iterdir() if one.is_file()]

    write_json({"gap_m": 1}, file)
    assert seen == [(b'{"gap_m": 1}',)]
    assert names() == ["plan.json"]


def test_a_plan_is_written_as_layers(shared_plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "plan.gpkg"
    write_plan(shared_plan.to_json(), shared_plan.survey.crs, file)
    layers = {name for name, _ in pyogrio.list_layers(file)}
    assert layers == {"routes", "strips", "crossings", "trenches"}
    routes = gpd.read_file(file, layer="routes")
    assert routes.crs.to_epsg() == 4547
    assert set(routes["utility"]) == {"water", "power"}
    recommended = routes[routes["recommended"]]
    for row in recommended.itertuples():
        line = shared_plan.lines[row.utility].route
        assert line is not None
        assert row.geometry.equals_exact(line.line, 1e-6)
        assert row.length_m == pytest.approx(line.figures["length_m"])
    crossings = gpd.read_file(file, layer="crossings")
    assert set(crossings["road_id"]) == {"R-1"}
    assert crossings.geometry.length.to_numpy() == pytest.approx(crossings["kerb_m"].to_numpy())
    trenches = gpd.read_file(file, layer="trenches")
    assert {"power", "water"} in [set(name.split("+")) for name in trenches["utilities"]]


@pytest.mark.parametrize(("fits", "told"), [(True, "yes"), (None, "unknown"), (False, None)])
def test_trenches_are_written_with_whether_they_have_room_and_not_without(
    fits: bool | None, told: str | None, shared_plan: Plan, tmp_path: Path
) -> None:
    answer = shared_plan.to_json()
    changed = {**answer, "joint": {**answer["joint"], "fits": fits}}
    write_plan(changed, shared_plan.survey.crs, tmp_path / "plan.gpkg")
    layers = {name for name, _ in pyogrio.list_layers(tmp_path / "plan.gpkg")}
    assert ("trenches" in layers) is (told is not None)
    if told is not None:
        assert set(gpd.read_file(tmp_path / "plan.gpkg", layer="trenches")["fits"]) == {told}


def test_both_feeds_are_written_each_with_its_own_and_both_figures(tmp_path: Path) -> None:
    """W-2 lies in a young street: the cheapest pair takes it, the one that qualifies does not."""
    survey = town(
        roads={
            "R-1": street((0, 0), (300, 0)),
            "R-2": street((0, 64), (300, 64), opened_on="2025-06-01"),
        },
        lines={
            "W-1": main((0, 8), (300, 8)),
            "W-2": main((0, 56), (300, 56)),
            "W-3": main((0, -8), (300, -8)),
        },
    )
    case = application(demands={"water": {"nominal_mm": 200, "material": "PE", "feeds": 2}})
    found = plan(case, survey, towns.policy())
    file = tmp_path / "plan.gpkg"
    write_plan(found.to_json(), survey.crs, file)
    routes = gpd.read_file(file, layer="routes").set_index(["kind", "feed"])
    line = found.lines["water"]
    assert line.second is not None
    pairs = {"qualifying": line.both, "cheapest": line.second.cheapest}
    for kind, both in pairs.items():
        assert both is not None
        for feed, route in enumerate(both.routes, start=1):
            row = routes.loc[(kind, feed)]
            assert row.geometry.equals_exact(route.line, 1e-6)
            assert row.length_m == pytest.approx(route.figures["length_m"])
            assert row.both_pipe_length_m == pytest.approx(both.measures["pipe_length_m"])
            assert row.both_green_m2 == pytest.approx(both.figures["green_m2"], abs=1e-9)
            assert bool(row.recommended) == (kind == "qualifying")
    strips = gpd.read_file(file, layer="strips")
    assert len(strips) == len(routes)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_a_screening_draws_both_feeds_beside_the_figures_of_both(
    suffix: str, tmp_path: Path
) -> None:
    survey = town(lines={"W-1": main((0, 8), (300, 8)), "W-3": main((0, -8), (300, -8))})
    wish = {"nominal_mm": 200, "material": "PE"}
    cases = [application(demands={"water": {**wish, "feeds": feeds}}) for feeds in (1, 2)]
    table = screen(ground(survey, *cases), cases, ["water"])
    file = tmp_path / f"screen{suffix}"
    table_writer(file)(table, survey.crs)
    read = gpd.read_parquet(file) if suffix == ".parquet" else gpd.read_file(file)
    assert read.geometry.length.tolist() == pytest.approx(read["length_m"].tolist())
    assert [len(shapely.get_parts(one)) for one in read.geometry] == [1, 2]
    assert read["tie_in_id"].tolist() == ["W-1", "W-1;W-3"]


def test_a_plan_without_any_route_is_still_a_file(tmp_path: Path) -> None:
    nothing = plan(application("P-2"), SURVEY, towns.policy())
    assert nothing.lines["water"].status == "unroutable"
    write_plan(nothing.to_json(), SURVEY.crs, tmp_path / "plan.gpkg")
    assert {name for name, _ in pyogrio.list_layers(tmp_path / "plan.gpkg")} == {"routes"}
    assert gpd.read_file(tmp_path / "plan.gpkg", layer="routes").empty


def test_the_graph_is_written_with_every_measure(tmp_path: Path) -> None:
    work = ground(SURVEY)
    counts = write_graph(work, tmp_path / "graph.gpkg")
    edges = gpd.read_file(tmp_path / "graph.gpkg", layer="edges")
    nodes = gpd.read_file(tmp_path / "graph.gpkg", layer="nodes")
    assert counts == {"nodes": len(nodes), "edges": len(edges)}
    assert {"kind", "length_m", "kerb_m", "red_line_m", "green_m", "road_id"} <= set(edges.columns)
    assert edges.geometry.length.to_numpy() == pytest.approx(edges["length_m"].to_numpy())
    places = nodes.set_index("node_id").geometry
    for row in edges.itertuples():
        assert row.geometry.coords[0] == pytest.approx(places.loc[row.start_node].coords[0])


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".csv"])
def test_a_screening_is_read_again_as_it_was_written(suffix: str, tmp_path: Path) -> None:
    """Same rows, same columns, same values; the routes too where the format holds shapes."""
    table = screen(ground(SURVEY), cases_of(SURVEY, [], towns.dig_date()), ["water", "telecom"])
    assert set(table["status"]) == {"routed", "unroutable"}
    file = tmp_path / f"screen{suffix}"
    table_writer(file)(table, SURVEY.crs)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    if suffix == ".csv":
        read = pd.read_csv(file)
        assert list(read.columns) == list(table.columns.drop("geometry"))
    else:
        read = gpd.read_parquet(file) if suffix == ".parquet" else gpd.read_file(file)
        assert list(read.columns) == list(table.columns)
        assert read.crs.to_epsg() == 4547
        drawn = table["geometry"].notna().to_numpy()
        assert read["geometry"].notna().to_numpy().tolist() == drawn.tolist()
        for one, other in zip(read["geometry"][drawn], table["geometry"][drawn], strict=True):
            assert one.equals_exact(other, 1e-9)
    assert len(read) == len(table)
    for name in table.columns.drop("geometry"):
        assert read[name].isna().tolist() == table[name].isna().tolist(), name
        known = table[name].notna().to_numpy()
        if table[name].dtype.kind == "f":
            assert read[name][known].tolist() == pytest.approx(table[name][known].tolist()), name
        else:
            assert read[name][known].astype(str).tolist() == table[name][known].tolist(), name


def test_a_screening_without_any_route_is_written_too(tmp_path: Path) -> None:
    table = screen(ground(SURVEY), cases_of(SURVEY, [], towns.dig_date()), ["telecom"])
    assert (table["status"] == "unroutable").all()
    for suffix in (".parquet", ".gpkg", ".csv"):
        table_writer(tmp_path / f"screen{suffix}")(table, SURVEY.crs)
    assert len(gpd.read_file(tmp_path / "screen.gpkg")) == len(table)


def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path) -> None:
    table = screen(ground(SURVEY), cases_of(SURVEY, [], towns.dig_date()), ["water"])
    for text in ("=1+1", "+1", "-1", "@x", "\t=1"):
        table_writer(tmp_path / "screen.csv")(table.assign(parcel_id=text), SURVEY.crs)
        with (tmp_path / "screen.csv").open(encoding="utf-8-sig", newline="") as file:
            assert {row["parcel_id"] for row in csv.DictReader(file)} == {f"'{text}"}


def test_an_unknown_suffix_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"不能写成这种文件;请用 \.parquet、\.gpkg、\.csv 结尾。"):
        table_writer(tmp_path / "screen.xlsx")


def test_a_place_that_cannot_be_written_is_named_before_the_work(tmp_path: Path) -> None:
    require_place(tmp_path / "plan.json", ".json")
    with pytest.raises(ExportError, match=r"nowhere 不存在;请先新建,或改写到别处。"):
        require_place(tmp_path / "nowhere" / "plan.json", ".json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ExportError, match=r"这是文件夹;请写明文件名。"):
        require_place(tmp_path / "folder.json", ".json")
