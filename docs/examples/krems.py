"""Real streets from end to end: Krems an der Donau from OpenStreetMap, with made-up mains.

    python docs/examples/krems.py [--data FILE] [--out FOLDER] [--bounds W S E N] [--seed N]

Reads roads, buildings, greenery, water and railways of an extract, makes parcels from the
buildings and draws mains along the streets from a seed; imports all of it, screens every parcel
for every utility and prints what was converted, assumed and found. The mains are synthetic: the
workspace says so and their ids begin with SYN. Map data (c) OpenStreetMap contributors, ODbL:
everything is written to FOLDER, by default a temporary one, never here.
Exit 0: every line was routed. 1: some are unroutable, each with its reason. 2: unusable input.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from functools import partial
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from docs.examples.town_screening import Report, pairs, run  # noqa: E402 - runs from anywhere
from layers.errors import ReadError  # noqa: E402
from layers.store import Workspace  # noqa: E402

DATA = REPOSITORY.parent / "shared/data/osm/krems.osm.gz"
COUNTY, CRS = "411523_xinxian", "EPSG:25833"  # zone 33: Krems lies 0.6 degrees from its meridian
CONVERTER = Path(__file__).with_name("osm_to_geopackage.py")

# Our class and an assumed carriageway width in metres by the kind of way.
_ROADS = {
    "trunk": ("expressway", 8.0),
    "trunk_link": ("arterial", 5.0),
    "primary": ("arterial", 9.0),
    "primary_link": ("arterial", 5.0),
    "secondary": ("collector", 8.0),
    "secondary_link": ("collector", 5.0),
    "tertiary": ("collector", 7.0),
    "residential": ("local", 6.0),
    "living_street": ("local", 6.0),
    "unclassified": ("local", 6.0),
    "pedestrian": ("lane", 5.0),
    "service": ("lane", 4.0),
    "track": ("lane", 3.0),
}
# Assumed to belong to estates and farms; all other ways to the town.
_ESTATE = ("service", "track")
# Assumed land of the road beyond each kerb, so that red line = carriageway + twice this.
_BESIDE_KERB_M = 3.0
_GREEN = {"park": "park", "common": "park", "grass": "verge", "forest": None, "wood": None}
_WATER_WIDTH_M = {"river": 15.0, "stream": 3.0, "canal": 8.0}
# A parcel is the land this near to its buildings; what is smaller than the least is left out.
_YARD_M = 6.0
_LEAST_PARCEL_M2 = 100.0
# Streets that mains lie in, and shorter ones than this have none.
_SERVED = ("arterial", "collector", "local", "lane")
_LEAST_STREET_M = 40.0

# Made-up networks: share of the streets that have one, metres beyond the kerb (less than none:
# in the carriageway), and what the mains are.
_NETWORKS: dict[str, tuple[float, float, dict[str, Any]]] = {
    "water": (0.9, 1.0, {"subtype": "distribution", "diameter_mm": 200.0, "material": "PE"}),
    "sewage": (0.9, -2.0, {"subtype": "main", "diameter_mm": 400.0, "depth_m": 2.5}),
    "storm": (0.6, -1.0, {"subtype": "main", "diameter_mm": 600.0, "depth_m": 2.0}),
    "gas": (0.7, 0.5, {"subtype": "distribution", "diameter_mm": 160.0, "pressure_mpa": 0.2}),
    "power": (0.6, 2.0, {"subtype": "medium_voltage", "voltage_kv": 10.0, "laying": "duct"}),
    "telecom": (0.8, 1.5, {"subtype": "duct", "duct_holes": 6, "free_holes": 4, "laying": "duct"}),
}
# Networks joined at nodes only: kind, metres between nodes, and what they offer.
_NODES: dict[str, tuple[str, float, dict[str, Any]]] = {
    "power": ("ring_main_unit", 200.0, {"spare_bays": 2, "voltage_kv": 10.0}),
    "telecom": ("handhole", 80.0, {"free_holes": 4}),
}


def read_osm(
    data: Path, out: Path, bounds: tuple[float, ...] | None
) -> dict[str, gpd.GeoDataFrame]:
    """Lines and areas of an extract in metres; ``bounds`` west, south, east, north in degrees.

    Raises ``ReadError`` for a file that is no extract.
    """
    file = out / "osm.gpkg"
    command = [sys.executable, str(CONVERTER), str(data), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise ReadError(done.stderr.strip().splitlines()[-1])
    tables = {}
    for layer in ("lines", "multipolygons"):
        table = gpd.read_file(file, layer=layer, engine="pyogrio", bbox=bounds)
        tables[layer] = table.to_crs(CRS)
    return tables


def tag(table: gpd.GeoDataFrame, name: str) -> pd.Series:
    """Value of a tag that the driver leaves among the others; None where it is not set."""
    return table["other_tags"].str.extract(rf'"{re.escape(name)}"=>"([^"]*)"')[0]


def roads_of(lines: gpd.GeoDataFrame, report: Report) -> gpd.GeoDataFrame:
    """Ways for vehicles as roads; tunnels and footpaths are left out."""
    ways = lines[lines["highway"].isin(_ROADS) & (tag(lines, "tunnel") != "yes")]
    width = ways["highway"].map({kind: width for kind, (_class, width) in _ROADS.items()})
    left_out = lines["highway"].notna().sum() - len(ways)
    report.converted(_("道路 {} 条;步行道、隧道等 {} 条未导入").format(len(ways), left_out))
    report.converted(_("道路等级:{}").format(pairs({k: c for k, (c, _w) in _ROADS.items()})))
    report.assumed(_("车行道宽(米):{}").format(pairs({k: w for k, (_c, w) in _ROADS.items()})))
    report.assumed(_("{} 不属城市道路,其余由城市管养").format("、".join(_ESTATE)))
    report.assumed(_("红线宽 = 车行道宽 + 2 × {} 米;路面沥青").format(_BESIDE_KERB_M))
    table = gpd.GeoDataFrame(
        {
            "road_id": "OSM-" + ways["osm_id"].astype(str),
            "name": ways["name"],
            "road_class": ways["highway"].map({k: c for k, (c, _w) in _ROADS.items()}),
            "carriageway_width_m": width,
            "red_line_width_m": width + 2 * _BESIDE_KERB_M,
            "surface": "asphalt",
            "authority": np.where(ways["highway"].isin(_ESTATE), "estate", "municipal"),
            "on_bridge": tag(ways, "bridge") == "yes",
        },
        geometry=ways.geometry,
        crs=CRS,
    )
    return table.drop_duplicates("road_id")


def areas_of(osm: dict[str, gpd.GeoDataFrame], report: Report) -> dict[str, gpd.GeoDataFrame]:
    """Buildings, greenery, water and railways."""
    lines, areas = osm["lines"], osm["multipolygons"]
    areas = areas.assign(id="OSM-" + areas["osm_way_id"].fillna(areas["osm_id"]).astype(str))
    houses = areas[areas["building"].notna()]
    green = areas[areas[["leisure", "landuse", "natural"]].isin(list(_GREEN)).any(axis=1)]
    kind = green[["leisure", "landuse", "natural"]].apply(lambda c: c.map(_GREEN)).bfill(axis=1)
    wet = areas[(areas["natural"] == "water") | areas["landuse"].isin(("reservoir", "basin"))]
    streams = lines[lines["waterway"].isin(_WATER_WIDTH_M) & (tag(lines, "tunnel") != "yes")]
    drawn = shapely.buffer(
        np.asarray(streams.geometry),
        streams["waterway"].map(_WATER_WIDTH_M).to_numpy(float) / 2,
        cap_style="flat",
    )
    water = pd.concat(
        [
            _table("water_body_id", wet["id"], wet.geometry, name=wet["name"]),
            _table("water_body_id", "OSM-" + streams["osm_id"].astype(str), drawn),
        ]
    )
    rails = lines[(lines["railway"] == "rail") & (tag(lines, "tunnel") != "yes")]
    electrified = tag(rails, "electrified").map({"contact_line": True, "yes": True, "no": False})
    report.converted(_("绿地:{}").format(pairs({k: v or _("未知") for k, v in _GREEN.items()})))
    report.assumed(_("只有中心线的水体宽(米):{}").format(pairs(_WATER_WIDTH_M)))
    return {
        "buildings": _table("building_id", houses["id"], houses.geometry, name=houses["name"]),
        "green": _table("green_id", green["id"], green.geometry, kind=kind.iloc[:, 0]),
        "water_bodies": water.drop_duplicates("water_body_id"),
        "railways": _table(
            "railway_id",
            "OSM-" + rails["osm_id"].astype(str),
            rails.geometry,
            electrified=electrified,
        ),
    }


def _table(id_field: str, ids: pd.Series, shapes: Any, **columns: Any) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame({id_field: ids, **columns}, geometry=np.asarray(shapes), crs=CRS)
    return table.drop_duplicates(id_field)


def parcels_of(
    buildings: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, water: gpd.GeoDataFrame, report: Report
) -> gpd.GeoDataFrame:
    """Land within a yard of buildings, those that touch made one, less roads and water."""
    yards = shapely.union_all(
        shapely.buffer(np.asarray(buildings.geometry), _YARD_M, join_style="mitre", mitre_limit=1.5)
    )
    half = roads["red_line_width_m"].to_numpy(float) / 2
    public = shapely.union_all([*shapely.buffer(np.asarray(roads.geometry), half), *water.geometry])
    parts = shapely.get_parts(shapely.difference(yards, public))
    parts = parts[shapely.area(parts) >= _LEAST_PARCEL_M2]
    report.assumed(
        _("宗地 {} 块 = 建筑外扩 {} 米合并,扣除道路红线和水体;小于 {} 平方米的未取").format(
            len(parts), _YARD_M, _LEAST_PARCEL_M2
        )
    )
    order = np.lexsort((shapely.get_x(shapely.centroid(parts)), shapely.area(parts)))
    ids = pd.Series([f"P-{number:04d}" for number in range(1, len(parts) + 1)])
    return _table("parcel_id", ids, parts[order], land_use="residential")


def networks_of(
    roads: gpd.GeoDataFrame, seed: int, report: Report
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Made-up mains along streets on a side drawn from the seed, and the nodes on them."""
    drawing = np.random.default_rng(seed)
    streets = roads[roads["road_class"].isin(_SERVED) & (roads.length >= _LEAST_STREET_M)]
    lines, nodes = [], []
    for utility, (share, beyond_kerb_m, about) in _NETWORKS.items():
        chosen = streets[drawing.random(len(streets)) < share]
        side = drawing.choice([-1.0, 1.0], len(chosen))
        beside = side * (chosen["carriageway_width_m"].to_numpy(float) / 2 + beyond_kerb_m)
        drawn = shapely.offset_curve(np.asarray(chosen.geometry), beside, join_style="mitre")
        kept = (shapely.get_type_id(drawn) == 1) & (shapely.length(drawn) > 0)
        ids = f"SYN-{utility}-" + chosen["road_id"].str.removeprefix("OSM-")
        mains = _table(
            "line_id", ids[kept], drawn[kept], utility=utility, status="in_service", **about
        )
        lines.append(mains)
        if utility in _NODES:
            nodes.append(_nodes_on(mains, utility))
        report.assumed(
            _("{}:虚构干管 {} 条,共 {:.1f} 公里,{}").format(
                utility, len(mains), mains.length.sum() / 1000, pairs(about)
            )
        )
    return pd.concat(lines), pd.concat(nodes)


def _nodes_on(mains: gpd.GeoDataFrame, utility: str) -> gpd.GeoDataFrame:
    """Nodes at even distances along mains."""
    kind, step_m, about = _NODES[utility]
    at = [
        (row, m)
        for row, long in enumerate(mains.length)
        for m in np.arange(step_m / 4, long, step_m)
    ]
    row, along = np.array(at).T
    places = shapely.line_interpolate_point(np.asarray(mains.geometry)[row.astype(int)], along)
    main = mains["line_id"].to_numpy(object)[row.astype(int)]
    ids = pd.Series([f"SYN-{kind}-{number:04d}" for number in range(1, len(at) + 1)])
    return _table(
        "node_id",
        ids,
        places,
        utility=utility,
        kind=kind,
        line_id=main,
        status="in_service",
        **about,
    )


def import_all(
    data: Path,
    out: Path,
    report: Report,
    *,
    bounds: tuple[float, ...] | None = None,
    seed: int = 1,
) -> Workspace:
    """Make a workspace in ``out`` with the layers of the extract and made-up networks."""
    if not data.is_file():
        raise ReadError(_("文件 {}:磁盘上没有这个文件。请核对路径。").format(data))
    workspace = Workspace.create(out / "workspace", COUNTY, CRS, synthetic=True)
    converted = out / "converted"
    converted.mkdir()
    osm = read_osm(data, converted, bounds)
    roads = roads_of(osm["lines"], report)
    layers = {"roads": roads, **areas_of(osm, report)}
    parcels = parcels_of(layers["buildings"], roads, layers["water_bodies"], report)
    lines, nodes = networks_of(roads, seed, report)
    layers |= {"parcels": parcels, "lines": lines, "nodes": nodes}
    for name, table in layers.items():
        if len(table):
            file = converted / f"{name}.gpkg"
            table.to_file(file, layer=name, driver="GPKG", engine="pyogrio")
            workspace.import_layer(name, file)
    report.assumed(_("全部管网由种子 {} 虚构,编号以 SYN 开头").format(seed))
    return workspace


@click.command(help=_("导入 OpenStreetMap 的 Krems,虚构管网,筛查全部宗地并打印结果。"))
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help=_("OSM 文件,可为 .gz"))
@click.option("--out", type=click.Path(path_type=Path), help=_("写到哪个空文件夹;缺省为临时文件夹"))
@click.option("--bounds", type=float, nargs=4, help=_("只取这一范围:西 南 东 北,经纬度"))
@click.option("--seed", type=int, default=1, help=_("虚构管网的种子"))
@click.option("--dig-date", type=click.DateTime(["%Y-%m-%d"]), help=_("开挖日期,缺省为今天"))
def main(
    data: Path,
    out: Path | None,
    bounds: tuple[float, ...] | None,
    seed: int,
    dig_date: datetime | None,
) -> None:
    """Import, screen, report."""
    make = partial(import_all, data, bounds=bounds, seed=seed)
    sys.exit(run(out, "krems", dig_date, make))


if __name__ == "__main__":
    main()
