"""Importing and checking a shapefile of parcels in GBK without a .cpg, against plain geopandas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.county import COUNTY, CRS_CODE
from benchmarks.measuring import ONE_THREAD, in_child
from layers.checks import check_layers
from layers.isolation import attempt
from layers.raw import Wanted
from layers.store import Workspace

# What ours sets in the environment before GDAL is loaded.
_OURS = ("OGR_SKIP", "GDAL_DRIVER_PATH", "GDAL_DISABLE_READDIR_ON_OPEN", "GDAL_PAM_ENABLED")


def run(_edges: int, parcels: int, peers: bool) -> dict[str, Any]:
    """Measure ours, and with ``peers`` what a careful script does with geopandas."""
    with tempfile.TemporaryDirectory(prefix="tonggou-bench-") as folder:
        file = Path(folder) / "parcels.shp"
        _plain("make", str(file), str(parcels))
        ours = in_child(_ours, str(file))
        others = {"geopandas": _plain("check", str(file))} if peers else {}
    return {
        **ours,
        "peers": others,
        "ratios": {
            f"{name}_to_ours": peer["cpu_s"] / ours["cpu_s"]["whole"]
            for name, peer in others.items()
        },
    }


def _ours(file: str) -> dict[str, Any]:
    """Import into a new workspace, then check the layer; the process that reads counts too."""
    _raw, outcome = attempt(Path(file), Wanted("parcels"))  # read once more, to see what it takes
    assert outcome is not None
    with tempfile.TemporaryDirectory(prefix="tonggou-bench-") as folder:
        workspace = Workspace.create(Path(folder) / "workspace", COUNTY, CRS_CODE)
        start = time.process_time()
        result = workspace.import_layer("parcels", file)
        import_s = time.process_time() - start
        start = time.process_time()
        problems = sum(len(found) for _layer, found in check_layers(workspace.survey()))
        check_s = time.process_time() - start
    return {
        "parcels": result.rows,
        "problems": problems,
        "cpu_s": {
            "reader": outcome.cpu_seconds,
            "import": import_s,
            "check": check_s,
            "whole": outcome.cpu_seconds + import_s + check_s,
        },
        "reader_mb": outcome.peak_bytes / 2**20,
    }


def _plain(task: str, *arguments: str) -> dict[str, Any]:
    """Run ``plain_geopandas.py``, which must not know what ours shuts."""
    known = {name: value for name, value in os.environ.items() if name not in _OURS}
    script = Path(__file__).with_name("plain_geopandas.py")
    done = subprocess.run(
        [sys.executable, str(script), task, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**known, **ONE_THREAD},
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
