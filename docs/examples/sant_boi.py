"""Real input from end to end: Sant Boi de Llobregat, parcels, streets, water and sewer mains.

    python docs/examples/sant_boi.py [--data FILE] [--out FOLDER] [--land-use NAME]

Converts the layers of the file into those of a workspace, imports them, screens every parcel for
every utility and prints what was converted, assumed and found. The data are not ours (Giswater
example, GPL-3): everything is written to FOLDER, by default a temporary one, never here.
Exit 0: every line was routed. 1: some are unroutable, each with its reason. 2: unusable input.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from gettext import gettext as _
from pathlib import Path

import click
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from docs.examples.town_screening import Report, pairs, run  # noqa: E402 - runs from anywhere
from layers.fields import layer_definition  # noqa: E402
from layers.reading import read_layer  # noqa: E402
from layers.store import Workspace  # noqa: E402
from layers.utilities import load_utilities  # noqa: E402
from planning.application import default_application  # noqa: E402
from planning.pipe_sizes import load_pipe_sizes  # noqa: E402

DATA = REPOSITORY.parent / "shared/data/networks/santboi_water_sewer_parcels.gpkg"
LAND_USES = next(f.allowed for f in layer_definition("parcels").fields if f.name == "land_use")
COUNTY, CRS = "411523_xinxian", "EPSG:25831"

# The red lines of a street are as far apart as the parcels on its two sides; parked gardens and
# open places lie farther off, so a low percentile is taken, of points every two metres.
_PERCENTILE = 10
_STEP_M = 2.0
_IN_REACH_M = 25.0
_LEAST_SHARE = 0.2
# Share of a Spanish town street between its kerbs: assumed, the file has no kerbs.
_CARRIAGEWAY_SHARE = 0.6
_ROAD_CLASS = {"C": "local", "Av": "collector", "Rd": "collector", "Pje": "lane"}
_STATUS = {"0": "abandoned", "1": "in_service", "2": "planned"}
_MATERIAL = {
    "PVC": "PVC",
    "PE": "PE",
    "PEHD": "PE",
    "PELD": "PE",
    "PEC": "PE",
    "FD": "ductile_iron",
}
_SEWER_MATERIAL = {"Concrete": "concrete", "PEC": "PE", "PVC": "PVC", "PEAD": "PE"}
_WATER_CODE = re.compile(r"(PVC|PEHD|PELD|FC|FD)(\d+)(?:-PN\d+)?")
_SEWER_CODE = re.compile(r"CC(\d{3})")


def nominal_of_outer(material: str, outer_mm: float) -> float:
    """Nominal size in mm of a plastic pipe by its outer diameter, from the project's table.

    An outer diameter that the table does not list stands for itself.
    """
    for nominal_mm, (width_m, _height) in load_pipe_sizes().pipes.get(material, ()):
        if round(width_m * 1000) == round(outer_mm):
            return nominal_mm
    return outer_mm


def water_size(code: str) -> tuple[float | None, str | None]:
    """Nominal size in mm and material of a water main's code such as PVC110-PN16.

    The number is the outer diameter for PVC and PE, the nominal size for ductile iron (FD) and
    fibre cement (FC). A code without a size gives None.
    """
    match = _WATER_CODE.fullmatch(code)
    if match is None:
        return None, None
    material, number = _MATERIAL.get(match[1]), float(match[2])
    plastic = material in ("PVC", "PE")
    return (nominal_of_outer(str(material), number) if plastic else number), material


def sewer_size(code: str, material: str | None) -> float | None:
    """Nominal size in mm of a circular sewer's code: CC040 is 40 cm, CC315 315 mm outside.

    Rectangular and egg-shaped sewers (RC, EG) have no diameter: None.
    """
    match = _SEWER_CODE.fullmatch(code)
    if match is None:
        return None
    number = float(match[1])
    return nominal_of_outer(material or "", number) if number > 200 else number * 10


def street_gap_m(axis: shapely.LineString, parcels: shapely.STRtree) -> float | None:
    """Distance between the parcels on both sides of a street, in metres.

    Twice a low percentile of the distance from the axis to the nearest parcel; None where
    parcels line less than a fifth of the street.
    """
    points = shapely.line_interpolate_point(axis, np.arange(_STEP_M / 2, axis.length, _STEP_M))
    _rows, distance = parcels.query_nearest(points, all_matches=False, return_distance=True)
    near = distance[distance < _IN_REACH_M]
    if len(near) < _LEAST_SHARE * len(points):
        return None
    return float(2 * np.percentile(near, _PERCENTILE))


def streets(data: Path, report: Report) -> gpd.GeoDataFrame:
    """Street axes as roads, with widths from the gap between the parcels."""
    axes, parcels = _source(data, "street_axis"), _source(data, "parcel")
    tree = shapely.STRtree(parcels.geometry.to_numpy())
    gaps = [street_gap_m(axis, tree) for axis in axes.geometry]
    roads = gpd.GeoDataFrame(
        {
            "road_id": axes["street_id"],
            "name": axes["name"],
            "road_class": axes["type"].map(_ROAD_CLASS),
            "red_line_width_m": [None if g is None else round(g, 1) for g in gaps],
            "carriageway_width_m": [
                None if g is None else round(g * _CARRIAGEWAY_SHARE, 1) for g in gaps
            ],
            "surface": "asphalt",
        },
        geometry=axes.geometry,
        crs=CRS,
    )
    report.converted(_("道路等级:{}").format(pairs(_ROAD_CLASS)))
    report.assumed(
        _("红线宽 = 2 × 轴线到宗地距离的第 {} 百分位,车行道宽 = 红线宽 × {};路面沥青").format(
            _PERCENTILE, _CARRIAGEWAY_SHARE
        )
    )
    for road in roads.itertuples():
        report.assumed(
            _("  {} {}:红线宽 {} m,车行道宽 {} m").format(
                road.road_id, road.name, road.red_line_width_m, road.carriageway_width_m
            )
            if road.red_line_width_m == road.red_line_width_m
            else _("  {} {}:沿线宗地不足,宽度按等级 {} 取县级缺省值").format(
                road.road_id, road.name, road.road_class
            )
        )
    return roads


def water_mains(data: Path, report: Report) -> gpd.GeoDataFrame:
    """Water mains as distribution lines."""
    mains = _without(_source(data, "water_main"), "arccat_id", r"VIRTUAL", "water_main", report)
    sizes = mains["arccat_id"].map(water_size)
    _say_sizes(_("给水"), mains["arccat_id"], sizes.str[0], report)
    return _mains(mains, "water", "distribution", sizes.str[0], sizes.str[1])


def sewer_mains(data: Path, report: Report) -> gpd.GeoDataFrame:
    """Sewer conduits as sewage mains, with their inverts."""
    mains = _source(data, "sewer_main")
    for column, text in (("arc_type", r"(?!CONDUIT).*"), ("matcat_id", "Virtual")):
        mains = _without(mains, column, text, "sewer_main", report)
    material = mains["matcat_id"].map(_SEWER_MATERIAL)
    sizes = pd.Series(map(sewer_size, mains["arccat_id"], material), mains.index, dtype=float)
    _say_sizes(_("污水"), mains["arccat_id"], sizes, report)
    report.converted(_("管底高程:elev1 → start_invert_m,elev2 → end_invert_m"))
    inverts = {"start_invert_m": mains["elev1"], "end_invert_m": mains["elev2"]}
    return _mains(mains, "sewage", "main", sizes, material).assign(**inverts)


def _mains(
    source: gpd.GeoDataFrame,
    utility: str,
    subtype: str,
    diameter_mm: pd.Series,
    material: pd.Series,
) -> gpd.GeoDataFrame:
    columns = {
        "line_id": source["arc_id"],
        "utility": utility,
        "subtype": subtype,
        "diameter_mm": diameter_mm.astype(float),
        "material": material,
        "laying": "buried",
        "status": source["state"].map(_STATUS),
    }
    if "builtdate" in source:
        columns["built_on"] = source["builtdate"].astype(str)
    return gpd.GeoDataFrame(columns, geometry=source.geometry, crs=CRS)


def _without(
    table: gpd.GeoDataFrame, column: str, pattern: str, layer: str, report: Report
) -> gpd.GeoDataFrame:
    """Leave out what is no pipe, and say so."""
    out = table[column].fillna("").str.fullmatch(pattern)
    for code, count in table.loc[out, column].value_counts().items():
        report.converted(
            _("{} 中 {} = {} 的 {} 行不是管道,未导入").format(layer, column, code, count)
        )
    return table[~out]


def _say_sizes(name: str, codes: pd.Series, sizes: pd.Series, report: Report) -> None:
    for code, size in sizes.groupby(codes).first().reindex(codes.unique()).sort_index().items():
        said = _("管径未知") if size is None or np.isnan(size) else f"DN{size:g}"
        report.converted(
            _("{}管径代码 {} → {}({} 段)").format(name, code, said, (codes == code).sum())
        )


def _say_demand(land_use: str, tables: Mapping[str, gpd.GeoDataFrame], report: Report) -> None:
    """How many mains are large enough: where few are, routes are long."""
    for utility, demand in default_application("", land_use, date.today()).demands.items():
        size = demand.pipe.nominal_mm
        if utility in tables and size is not None:
            mains = tables[utility][tables[utility]["status"] == "in_service"]
            report.assumed(
                _("  {}需求 DN{:g}:在用干管 {} 段中 {} 段够大").format(
                    load_utilities()[utility].zh,
                    size,
                    len(mains),
                    (mains["diameter_mm"] >= size).sum(),
                )
            )


def _source(data: Path, layer: str) -> gpd.GeoDataFrame:
    raw = read_layer(data, source_layer=layer, layer=layer)
    return gpd.GeoDataFrame(raw.cells, geometry=raw.shapes, crs=CRS)


def import_all(
    data: Path, out: Path, report: Report, *, land_use: str | None = "residential"
) -> Workspace:
    """Make a workspace in ``out`` with the parcels, roads and mains of the file."""
    tables = {
        "roads": streets(data, report),
        "water": water_mains(data, report),
        "sewage": sewer_mains(data, report),
    }
    workspace = Workspace.create(out / "workspace", COUNTY, CRS)
    converted = out / "converted"
    converted.mkdir()
    for name, table in tables.items():
        table.to_file(converted / f"{name}.gpkg", layer=name, driver="GPKG", engine="pyogrio")
    constants = {"land_use": land_use} if land_use else {}
    mapping = {"parcel_id": "plot_id", "address": "street_number"}
    workspace.import_layer(
        "parcels", data, source_layer="parcel", crs=CRS, mapping=mapping, constants=constants
    )
    workspace.import_layer("roads", converted / "roads.gpkg")
    workspace.import_layer("lines", converted / "water.gpkg", id_prefix="W-")
    workspace.import_layer("lines", converted / "sewage.gpkg", id_prefix="S-", append=True)
    report.converted(_("状态:{};管线编号加前缀 W-、S-(两个网的编号有重复)").format(pairs(_STATUS)))
    if land_use is None:
        report.assumed(_("用地性质未知:每块地要全部专业,管径未知"))
    else:
        report.assumed(_("用地性质全部为 {},需求按 rules/default_demand.csv").format(land_use))
        _say_demand(land_use, tables, report)
    return workspace


@click.command(help=_("导入真实数据 Sant Boi,筛查全部宗地并打印结果。"))
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help=_("GeoPackage 文件"))
@click.option("--out", type=click.Path(path_type=Path), help=_("写到哪个空文件夹;缺省为临时文件夹"))
@click.option(
    "--land-use",
    type=click.Choice([*LAND_USES, "unknown"]),
    default="residential",
    help=_("全部宗地的用地性质"),
)
@click.option("--dig-date", type=click.DateTime(["%Y-%m-%d"]), help=_("开挖日期,缺省为今天"))
def main(data: Path, out: Path | None, land_use: str, dig_date: datetime | None) -> None:
    """Import, screen, report."""
    known = None if land_use == "unknown" else land_use
    make = partial(import_all, data, land_use=known)
    sys.exit(run(out, "sant_boi", dig_date, make))


if __name__ == "__main__":
    main()
