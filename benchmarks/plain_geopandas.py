"""A shapefile of parcels in GBK, made and read by plain geopandas; nothing of ours is loaded here.

Run as a script in a process of its own, since ours shuts most of GDAL's drivers:
``make FILE PARCELS`` or ``check FILE``. Prints CPU seconds and the highest memory as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

_SIDE_M = 40.0
_WEST_M, _SOUTH_M = 480_000.0, 3_500_000.0
_USES = ("居住用地", "商业服务业设施用地", "工业用地", "教育用地")


def make(file: Path, parcels: int) -> dict[str, Any]:
    """A shapefile as a county has it: parcels of five to nine corners, Chinese texts in GBK."""
    rng = np.random.default_rng(1)
    columns = int(np.ceil(parcels**0.5))
    number = np.arange(parcels)
    west, south = _WEST_M + number % columns * _SIDE_M, _SOUTH_M + number // columns * _SIDE_M
    shapes = []
    for x, y in zip(west.tolist(), south.tolist(), strict=True):
        count = int(rng.integers(5, 10))
        turn = (np.arange(count) + rng.uniform(0, 0.8, count)) / count * 2 * np.pi
        away = rng.uniform(0.3, 0.45, count) * _SIDE_M
        shapes.append(shapely.Polygon(np.c_[x + away * np.cos(turn), y + away * np.sin(turn)]))
    table = gpd.GeoDataFrame(
        {
            "宗地编号": [f"ZD{one:06d}" for one in number],
            "宗地名": [f"新集镇第{one}号" for one in number],
            "用地性质": np.array(_USES)[rng.integers(0, len(_USES), parcels)],
        },
        geometry=shapes,
        crs="EPSG:4547",
    )
    table.to_file(file, driver="ESRI Shapefile", encoding="GBK", engine="pyogrio")
    file.with_suffix(".cpg").unlink(missing_ok=True)
    return {}


def check(file: Path) -> dict[str, Any]:
    """What a careful script does: read, look for broken and doubled rows and overlaps, write."""
    start = time.process_time()
    table = gpd.read_file(file, encoding="gb18030", engine="pyogrio")
    broken = int((~table.is_valid).sum() + table["宗地编号"].duplicated().sum())
    overlaps = len(gpd.sjoin(table, table, predicate="overlaps"))
    with tempfile.TemporaryDirectory(prefix="tonggou-bench-") as folder:
        table.to_file(Path(folder) / "parcels.gpkg", driver="GPKG", engine="pyogrio")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu_s = time.process_time() - start
    return {"cpu_s": cpu_s, "peak_mb": peak_mb, "broken": broken, "overlaps": overlaps}


if __name__ == "__main__":
    task, name, *rest = sys.argv[1:]
    done = make(Path(name), int(rest[0])) if task == "make" else check(Path(name))
    print(json.dumps(done))
