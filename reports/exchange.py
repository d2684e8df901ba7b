"""Exchange files: plans, screenings and the corridor graph as JSON, GeoPackage, Parquet or CSV.

A file is written beside its name and renamed when it is whole, so that nobody reads half of it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS

from language import gettext as _
from layers.versions import sync
from planning.groundwork import Groundwork
from planning.slots import slot_table

# QGIS and field programs of the last years read this version without a warning.
_GPKG_VERSION = "1.2"
# A spreadsheet takes a cell that starts so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "=")


# What questions may be written as.
QUESTION_FILES = (".csv", ".json")


class ExportError(ValueError):
    """A result cannot be written where or as it was asked for."""


def require_place(file: Path, *suffixes: str) -> None:
    """Raise ``ExportError`` if ``file`` cannot be written; to be asked before any long work."""
    if file.suffix.lower() not in suffixes:
        raise ExportError(
            _("文件 {}:不能写成这种文件;请用 {} 结尾。").format(file, _("、").join(suffixes))
        )
    if file.is_dir():
        raise ExportError(_("文件 {}:这是文件夹;请写明文件名。").format(file))
    if not file.parent.is_dir():
        raise ExportError(_("文件夹 {} 不存在;请先新建,或改写到别处。").format(file.parent))


def write_json(answer: Mapping[str, Any], file: Path) -> None:
    """Write plain values as JSON text."""
    with replacing(file) as draft:
        draft.write_text(json.dumps(answer, ensure_ascii=False, allow_nan=False), "utf-8")


def write_drawing(drawing: str, file: Path) -> None:
    """Write an SVG text."""
    with replacing(file) as draft:
        draft.write_text(drawing, "utf-8")


def write_plan(answer: Mapping[str, Any], crs: CRS, file: Path) -> None:
    """Write the routes, working strips, crossings and shared trenches of a plan as layers.

    ``answer`` is the plan as plain values (``Plan.to_json``), ``crs`` that of its survey. A layer
    without rows is left out, but ``routes`` is always there. Trenches that have no room are no
    recommendation and left out; ``fits`` of the others is "yes" or, where not known, "unknown".
    """
    layers: dict[str, list[dict[str, Any]]] = {
        "routes": [],
        "strips": [],
        "crossings": [],
        "trenches": [],
    }
    for line in answer["utilities"]:
        for named, feed, drawn, route in _routes(line):
            about = {
                "application_id": answer["application_id"],
                "parcel_id": answer["parcel_id"],
                "utility": line["utility"],
                "kind": named["kind"],
                "feed": feed,
                "drawn": drawn,
                "recommended": named["kind"] == line["recommended"],
            }
            figures = {**_numbers(route), **_both(named)}
            layers["routes"].append({**about, **figures, "geometry": route["geometry"]})
            if route["strip"] is not None:
                layers["strips"].append({**about, "geometry": route["strip"]})
            layers["crossings"] += [{**about, **crossing} for crossing in route["crossings"]]
    joint = answer["joint"]
    for segment in joint["segments"] if joint and joint["fits"] is not False else ():
        fits = "yes" if joint["fits"] else "unknown"
        layers["trenches"].append(
            segment | {"utilities": "+".join(segment["utilities"]), "fits": fits}
        )
    tables = {name: _features(rows, crs) for name, rows in layers.items() if rows}
    tables.setdefault("routes", gpd.GeoDataFrame({"utility": []}, geometry=[], crs=crs))
    _write_layers(tables, file)


def _routes(
    line: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], int, bool, Mapping[str, Any]]]:
    """Every route with its feed and whether a person drew it, of two feeds the other after it."""
    manual = line["manual"]
    for route in line["routes"]:
        drawn = route["kind"] == "manual"
        feed = manual["feed"] if drawn else 1
        yield route, feed, drawn, route
        if route["together"] is None:
            continue
        other = (manual if drawn else line)["second_feed"]
        if route["kind"] == "cheapest":
            other = other["cheapest"] or other
        yield route, 3 - feed, drawn and manual["second_drawn"] is not None, other["route"]


def _both(route: Mapping[str, Any]) -> dict[str, Any]:
    """What both of two feeds come to, as judged; the verdict beside it is on that."""
    both = route["together"] or {}
    told = {**_numbers(both), **both.get("measures", {})}
    return {f"both_{name}": value for name, value in told.items()}


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if isinstance(v, int | float)}


def write_graph(work: Groundwork, file: Path) -> dict[str, int]:
    """Write the corridor graph: layers ``nodes`` and ``edges`` with every edge measure."""
    graph, crs = work.corridors.graph, work.survey.crs
    roads = work.corridors.surfaces.table["road_id"].to_numpy()
    edges = graph.measures.assign(
        edge_id=range(graph.edge_count),
        start_node=graph.ends[:, 0],
        end_node=graph.ends[:, 1],
        road_id=roads[graph.measures["road"].to_numpy()],
        **slot_table(work),
    ).drop(columns="road")
    nodes = pd.DataFrame({"node_id": range(graph.node_count)})
    tables = {
        "nodes": gpd.GeoDataFrame(nodes, geometry=shapely.points(graph.node_xy), crs=crs),
        "edges": gpd.GeoDataFrame(edges, geometry=graph.lines, crs=crs),
    }
    _write_layers(tables, file)
    return {"nodes": graph.node_count, "edges": graph.edge_count}


def table_writer(file: Path) -> Callable[[pd.DataFrame, CRS], None]:
    """Return what writes a screening table to ``file``, by its suffix.

    Raises ``ExportError`` at once for a suffix that is not .parquet, .gpkg or .csv.
    """
    writers = {".parquet": _write_parquet, ".gpkg": _write_gpkg, ".csv": _write_csv}
    require_place(file, *writers)
    write = writers[file.suffix.lower()]
    return lambda table, crs: write(table, crs, file)


def write_questions(questions: pd.DataFrame, file: Path) -> None:
    """Write the questions of all cases, as CSV with an empty column to answer in, or as JSON."""
    require_place(file, *QUESTION_FILES)
    if file.suffix.lower() == ".json":
        rows = [{key: _plain(value) for key, value in row.items()} for row in _records(questions)]
        write_json({"questions": rows}, file)
        return
    cells = questions.map(lambda v: ";".join(v) if isinstance(v, tuple) else v).map(harmless)
    with replacing(file) as draft:
        cells.assign(answer="").to_csv(draft, index=False, encoding="utf-8-sig")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    """A tuple as a list, anything else as it is."""
    return list(value) if isinstance(value, tuple) else value


def _write_parquet(table: pd.DataFrame, crs: CRS, file: Path) -> None:
    with replacing(file) as draft:
        gpd.GeoDataFrame(table, geometry="geometry", crs=crs).to_parquet(draft)


def _write_gpkg(table: pd.DataFrame, crs: CRS, file: Path) -> None:
    _write_layers({"screen": gpd.GeoDataFrame(table, geometry="geometry", crs=crs)}, file)


def _write_csv(table: pd.DataFrame, _crs: CRS, file: Path) -> None:
    safe = table.drop(columns="geometry", errors="ignore").map(harmless)
    with replacing(file) as draft:
        safe.to_csv(draft, index=False, encoding="utf-8-sig")


def harmless(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _features(rows: list[dict[str, Any]], crs: CRS) -> gpd.GeoDataFrame:
    shapes = [shapely.geometry.shape(row["geometry"]) for row in rows]
    plain = [{k: v for k, v in row.items() if k != "geometry"} for row in rows]
    return gpd.GeoDataFrame(plain, geometry=shapes, crs=crs)


def _write_layers(tables: Mapping[str, gpd.GeoDataFrame], file: Path) -> None:
    with replacing(file) as draft:
        for name, table in tables.items():
            table.to_file(draft, layer=name, driver="GPKG", VERSION=_GPKG_VERSION)


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A draft with the same suffix beside the file, renamed over it when it was written whole."""
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=file.parent) as folder:
        draft = Path(folder) / file.name
        yield draft
        sync(draft)
        draft.replace(file)
