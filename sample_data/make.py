"""Make the sample county again: ``python -m sample_data.make``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import geopandas as gpd

from sample_data.applications import documents, write_applications
from sample_data.district import build_county
from sample_data.solving import solve
from sample_data.town import SEED, Tables, build_town

HERE = Path(__file__).parent
COUNTY = HERE / "county.gpkg"
APPLICATIONS = HERE / "applications"


def make(town: Tables) -> tuple[Tables, list[dict[str, Any]]]:
    """Return the county's tables, town and district, and its open applications."""
    solution = solve(town)
    county = build_county(town, solution.lawns)
    return county, documents(county, solution.gates)


def write(tables: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the tables as layers of one GeoPackage, replacing the file."""
    path.unlink(missing_ok=True)
    for name, table in tables.items():
        table.to_file(path, layer=name, driver="GPKG", engine="pyogrio", VERSION="1.2")


def main() -> None:
    """Build the county from its seed and write it and its applications beside this file."""
    logging.basicConfig(level=logging.INFO)
    county, written = make(build_town(SEED))
    write(county, COUNTY)
    write_applications(APPLICATIONS, written)


if __name__ == "__main__":
    main()
