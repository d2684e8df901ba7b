"""Shut the reader's dangerous doors before it is loaded.

GDAL chooses its driver by a file's content, so that a virtual layer or a service description
that is merely named ``.geojson`` could read any file of the server or fetch a URL. The drivers
are registered once, when ``pyogrio`` is imported: this module must be imported before it, which
the package sees to. The main process keeps the drivers of our own stored versions and results
(``OWN_DRIVERS``); a file that somebody gave us meets GDAL only in a process of its own, in which
the one driver that its content names is registered and no other (``only_driver``).
"""

from __future__ import annotations

import os
from typing import Any

# What we write and read ourselves.
OWN_DRIVERS = ("GPKG", "GeoJSON", "FlatGeobuf")
# One of these at a time, for a file that somebody gave us.
UPLOAD_DRIVERS = ("ESRI Shapefile", "GML", "MapInfo File", "FlatGeobuf")
# Part of GDAL itself, without files.
_BUILT_IN = "MEM"

# Drivers that follow a reference to another file, database or service.
VIRTUAL_AND_NETWORK_DRIVERS = (
    "OGR_VRT", "GDALG", "HTTP", "WFS", "OAPIF", "OGCAPI", "CSW", "EEDA", "Elasticsearch",
    "Carto", "AmigoCloud", "NGW", "PLSCENES", "GPSBabel", "ADBC", "JSONFG", "ESRIJSON",
    "TopoJSON", "GeoJSONSeq", "SQLite", "MBTiles",
)  # fmt: skip
# Drivers of formats that no reader here offers, or reads without GDAL.
UNUSED_DRIVERS = (
    "PCIDSK", "PDS4", "VICAR", "PDF", "LVBAG", "S57", "DGN", "GPX", "OGR_GMT", "WAsP",
    "OpenFileGDB", "GeoRSS", "VFK", "PGDUMP", "OGR_PDS", "EDIGEO", "Idrisi", "ODS", "SXF",
    "Selafin", "JML", "VDV", "MVT", "MapML", "GTFS", "PMTiles", "MiraMonVector", "AVCBin",
    "AVCE00", "AIVector", "CSV", "XLSX", "KML", "LIBKML", "OSM",
    "DXF",
)  # fmt: skip
_KNOWN_DRIVERS = (
    *VIRTUAL_AND_NETWORK_DRIVERS, *UNUSED_DRIVERS, *OWN_DRIVERS, *UPLOAD_DRIVERS,
)  # fmt: skip

_ENVIRONMENT = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_PAM_ENABLED": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    # Files are written as drafts, and brought to the disk once when they are whole: GDAL would
    # have the disk asked for every table of a draft, which takes longer than all else.
    "OGR_SQLITE_SYNCHRONOUS": "OFF",
    "PROJ_NETWORK": "OFF",
}
# For drivers of other people's files: restore a missing index, keep text as text, resolve no link.
_READING = {
    "SHAPE_RESTORE_SHX": "YES",
    "GML_FIELDTYPES": "ALWAYS_STRING",
    "GML_SKIP_RESOLVE_ELEMS": "ALL",
    "GML_DOWNLOAD_SCHEMA": "NO",
    "GDAL_NUM_THREADS": "1",
}


def disable_unsafe_drivers(*, keep: tuple[str, ...] = OWN_DRIVERS) -> None:
    """Set the environment that GDAL reads when it registers its drivers."""
    skipped = [name for name in dict.fromkeys(_KNOWN_DRIVERS) if name not in keep]
    os.environ.update(_ENVIRONMENT, OGR_SKIP=",".join(skipped))


def only_driver(driver: str) -> Any:
    """Load pyogrio with one driver of ``UPLOAD_DRIVERS``, for a process that reads one file.

    Raises ``RuntimeError`` if another driver is there as well: pyogrio was loaded before, or its
    GDAL has a driver that this module does not know.
    """
    if driver not in UPLOAD_DRIVERS:
        raise RuntimeError(f"no driver for uploads: {driver}")
    disable_unsafe_drivers(keep=(driver,))
    os.environ.update(_READING)
    import pyogrio

    if set(pyogrio.list_drivers()) - {driver, _BUILT_IN}:
        raise RuntimeError(f"drivers beside {driver}: {sorted(pyogrio.list_drivers())}")
    return pyogrio


disable_unsafe_drivers()
