"""Things: checked tables of parcels, roads and networks, and where they are kept."""

from layers import gdal_safety as gdal_safety  # must precede every import of pyogrio
