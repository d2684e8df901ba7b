"""Convert an OpenStreetMap extract by GDAL's OSM driver, and by no other driver.

    python docs/examples/osm_to_geopackage.py FILE.osm[.gz] OUT.gpkg

Writes the layers ``lines`` and ``multipolygons``. The planner keeps GDAL's OSM driver shut, for
uploads never reach GDAL; this script opens it alone, in a process of its own, for a file that the
person who runs it has chosen. Exit 0: written. 2: the file cannot be read.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
from gettext import gettext as _
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from layers.gdal_safety import disable_unsafe_drivers

DRIVER = "OSM"
LAYERS = ("lines", "multipolygons")


def convert(source: Path, target: Path) -> None:
    """Write the layers of an extract, plain or gzipped, into a new GeoPackage (EPSG:4326)."""
    disable_unsafe_drivers(keep=(DRIVER, "GPKG"))  # before the drivers are registered
    import pyogrio

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "extract.osm"
        opened = gzip.open if source.suffix == ".gz" else open
        with opened(source, "rb") as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        for layer in LAYERS:
            table = pyogrio.read_dataframe(plain, layer=layer)
            pyogrio.write_dataframe(table, target, layer=layer, driver="GPKG", append=False)


if __name__ == "__main__":
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except (OSError, IndexError, RuntimeError) as error:
        print(_("读不出 OSM 文件:{}").format(error), file=sys.stderr)
        sys.exit(2)
