"""Make the sample county again: ``python -m sample_data.make``."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from sample_data.town import SEED, build_town

HERE = Path(__file__).parent
COUNTY = HERE / "county.gpkg"


def write(tables: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the tables as layers of one GeoPackage, replacing the file."""
    path.unlink(missing_ok=True)
    for name, table in tables.items():
        table.to_file(path, layer=name, driver="GPKG", engine="pyogrio", VERSION="1.2")


def main() -> None:
    """Build the town from its seed and write it beside this file."""
    write(build_town(SEED), COUNTY)


if __name__ == "__main__":
    main()
