"""How each thing was found: surveyed, read off a map, told, or not recorded; depths of lines."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

SEED = 30
SOURCES = ("surveyed", "digitised", "hearsay", None)
# Shares of the sources in the town, whose records are old. The district was surveyed throughout.
TOWN = {
    "parcels": (1.0, 0.0, 0.0, 0.0),
    "roads": (0.75, 0.20, 0.0, 0.05),
    "green": (0.45, 0.45, 0.0, 0.10),
    "nodes": (0.85, 0.13, 0.0, 0.02),
    "buildings": (0.75, 0.20, 0.0, 0.05),
    "trees": (0.60, 0.30, 0.0, 0.10),
    "railways": (1.0, 0.0, 0.0, 0.0),
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


def with_covers(lines: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the lines with the cover of both ends, in metres.

    Pressure lines and cables lie at an even depth. A sewer's ends lie below the ground of their
    manholes by the inverts.
    """
    even = lines["start_invert_m"].isna()
    ground = nodes.set_index([nodes.geometry.x.round(3), nodes.geometry.y.round(3)])
    ground = ground["ground_level_m"].dropna().groupby(level=[0, 1]).first()
    covers = {}
    for end, point in (("start", 0), ("end", -1)):
        at = shapely.get_point(lines.geometry.array, point)
        places = pd.MultiIndex.from_arrays([shapely.get_x(at).round(3), shapely.get_y(at).round(3)])
        levels = ground.reindex(places).to_numpy(float) - lines[f"{end}_invert_m"].to_numpy(float)
        below = (levels - lines["diameter_mm"].to_numpy(float) / 1000).round(2)
        covers[f"{end}_depth_m"] = lines["depth_m"].where(even, below)
    columns = lines.columns.tolist()
    after = columns.index("depth_m") + 1
    return lines.assign(**covers)[[*columns[:after], *covers, *columns[after:]]]
