"""How the place of each thing was found: surveyed, read off a map, told, or not recorded."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

SEED = 30
SOURCES = ("surveyed", "digitised", "hearsay", None)
# Shares of the sources in the town, whose records are old. The district was surveyed throughout.
TOWN = {
    "parcels": (1.0, 0.0, 0.0, 0.0),
    "roads": (0.75, 0.20, 0.0, 0.05),
    "green": (0.45, 0.45, 0.0, 0.10),
    "nodes": (0.85, 0.13, 0.0, 0.02),
}
SCALES = (500, 1000)


def with_positions(layer: str, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table with the source of every place, and the scale of the maps read off."""
    if layer not in TOWN:
        return table
    rng = np.random.default_rng([SEED, list(TOWN).index(layer)])
    drawn = rng.choice(len(SOURCES), len(table), p=TOWN[layer])
    scales = rng.choice(SCALES, len(table))
    in_district = table.iloc[:, 0].str.contains("-N").to_numpy()
    source = [SOURCES[0 if new else k] for k, new in zip(drawn, in_district, strict=True)]
    digitised = np.array(source, object) == "digitised"
    scale = pd.array(np.where(digitised, scales, -1), dtype="Int64")
    scale[~digitised] = pd.NA
    placed = table.assign(position_source=source, position_scale=scale)
    return placed[
        [*table.columns.drop("geometry"), "position_source", "position_scale", "geometry"]
    ]
