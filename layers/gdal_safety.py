"""Shut the reader's dangerous doors before it is loaded.

GDAL chooses its driver by a file's content, so that a virtual layer or a service description
that is merely named ``.geojson`` could read any file of the server or fetch a URL. The drivers
are registered once, when ``pyogrio`` is imported: this module must be imported before it, which
the package sees to. Uploaded files do not reach GDAL at all (``reading.py``); it reads and writes
only our own stored versions.
"""

from __future__ import annotations

import os

# Drivers that follow a reference to another file, database or service.
VIRTUAL_AND_NETWORK_DRIVERS = (
    "OGR_VRT", "GDALG", "HTTP", "WFS", "OAPIF", "OGCAPI", "CSW", "EEDA", "Elasticsearch",
    "Carto", "AmigoCloud", "NGW", "PLSCENES", "GPSBabel", "ADBC", "JSONFG", "ESRIJSON",
    "TopoJSON", "GeoJSONSeq", "SQLite", "MBTiles",
)  # fmt: skip
# Drivers of formats that no reader here offers.
UNUSED_DRIVERS = (
    "PCIDSK", "PDS4", "VICAR", "PDF", "LVBAG", "S57", "DGN", "GPX", "OGR_GMT", "WAsP",
    "OpenFileGDB", "GeoRSS", "VFK", "PGDUMP", "OGR_PDS", "EDIGEO", "Idrisi", "ODS", "SXF",
    "Selafin", "JML", "VDV", "MVT", "MapML", "GTFS", "PMTiles", "MiraMonVector", "AVCBin",
    "AVCE00", "AIVector", "CSV", "XLSX", "KML", "LIBKML", "GML", "OSM", "DXF",
    "MapInfo File", "ESRI Shapefile",
)  # fmt: skip

_ENVIRONMENT = {
    "OGR_SKIP": ",".join(VIRTUAL_AND_NETWORK_DRIVERS + UNUSED_DRIVERS),
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_PAM_ENABLED": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    "PROJ_NETWORK": "OFF",
}


def disable_unsafe_drivers() -> None:
    """Set the environment that GDAL reads when it registers its drivers."""
    os.environ.update(_ENVIRONMENT)


disable_unsafe_drivers()
