"""Write one small table in every format as other programs do; run as a script of its own.

    python foreign_files.py FOLDER

The drivers that write them are shut in the process of the tests, as they are in the program. The
table: four parcels near Xin County with Chinese names, in CGCS2000 degrees (EPSG:4490) or metres.
"""

from __future__ import annotations

import gzip
import sys
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import osmium
import shapely

NAMES = ["新县第一小学", "将军路18号", "é", ""]
IDS = ["P1", "P2", "007", "P4"]
# South-west corners in metres of EPSG:4547, and a side of 10 m.
CORNERS = [(581_600.0 + 20 * n, 3_500_400.0) for n in range(4)]


def table(crs: str = "EPSG:4547") -> gpd.GeoDataFrame:
    """Return the four parcels."""
    shapes = [shapely.box(x, y, x + 10, y + 10) for x, y in CORNERS]
    columns = {"宗地编号": IDS, "名称": NAMES, "n": [1, 2, 3, 4]}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4547").to_crs(crs)


def write_all(folder: Path) -> None:
    """Write all formats into a folder."""
    metres, degrees = table(), table("EPSG:4490")
    for encoding in ("UTF-8", "GB18030"):
        file = folder / f"{encoding.lower()}.shp"
        metres.iloc[[0, 1, 3]].to_file(file, driver="ESRI Shapefile", encoding=encoding)
    metres.to_file(folder / "a.fgb", driver="FlatGeobuf")
    metres.to_parquet(folder / "a.parquet")
    metres.to_file(folder / "a.gpkg", driver="GPKG", layer="things")
    degrees.to_file(folder / "a.kml", driver="LIBKML")
    degrees.to_file(folder / "a.geojson", driver="GeoJSON")
    degrees.to_file(folder / "a.gml", driver="GML", FORMAT="GML3.2")
    metres.iloc[[0, 1, 3]].to_file(folder / "a.tab", driver="MapInfo File", ENCODING="CP936")
    metres.iloc[[0, 1, 3]].to_file(folder / "a.mif", driver="MapInfo File", ENCODING="CP936")
    write_osm(folder)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
            archive.write(folder / f"gb18030{suffix}", f"数据/宗地{suffix}")
    with zipfile.ZipFile(folder / "a.kmz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "a.kml", "doc.kml")


def write_osm(folder: Path) -> None:
    """Write a small extract as XML, packed XML and PBF."""
    west, south, step = 114.86, 31.63, 0.001
    with osmium.SimpleWriter(str(folder / "a.osm"), overwrite=True) as writer:
        for number in range(1, 9):
            place = (west + step * (number % 4), south + step * (number // 4))
            tags = {"emergency": "fire_hydrant"} if number == 8 else {}
            writer.add_node(
                osmium.osm.mutable.Node(id=number, location=place, tags=tags, version=1)
            )
        ways = {
            1: ([1, 2, 3], {"highway": "residential", "name": "将军路", "width": "7 m"}),
            2: ([3, 7], {"highway": "primary", "bridge": "yes", "surface": "asphalt"}),
            3: ([1, 2, 6, 5, 1], {"building": "yes", "building:levels": "6", "name": "学校"}),
            4: ([4, 5, 6, 4], {"highway": "pedestrian", "area": "yes"}),
            5: ([3, 99], {"highway": "service", "width": "wide"}),
            6: ([5, 6], {"waterway": "stream", "name": "小潢河"}),
            7: ([1, 2, 6, 1], {"natural": "water", "water": "pond"}),
            8: ([2, 6], {"power": "line", "voltage": "10000"}),
            9: ([1, 7], {"railway": "rail", "electrified": "contact_line"}),
            10: ([1, 2, 5, 1], {"leisure": "park"}),
            11: ([2, 3], {"building": "yes"}),
            12: ([6, 7], {"highway": "tertiary", "tunnel": "yes", "layer": "-2"}),
        }
        for number, (nodes, tags) in ways.items():
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags=tags, version=1))
    content = (folder / "a.osm").read_bytes()
    with gzip.open(folder / "a.osm.gz", "wb") as packed:
        packed.write(content)
    with osmium.SimpleWriter(str(folder / "a.osm.pbf"), overwrite=True) as writer:
        for feature in osmium.FileProcessor(str(folder / "a.osm")):
            writer.add(feature)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
