"""Tables that were worked out from a workspace, kept in its folder with what they were made from.

A table is kept under its key: everything that it was made from, as JSON. It is given out for an
equal key only. Each lies in one GeoParquet file that holds its key and is named by the hash of the
key and that of its bytes, so that it is there whole or not at all and a damaged one is told from a
sound one. Nothing is lost with such a file: it can be made again. No file is opened that could run
anything, since a workspace may come from elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from language import gettext as _
from layers.errors import WorkspaceError
from layers.versions import sweep, temporary_file

Key = Mapping[str, Any]
# So many of a county: what is in force, and those that one comes back to or goes on from.
MOST = 3
_SUFFIX = ".parquet"
# Where geopandas keeps the attributes of a table in a Parquet file.
_ATTRIBUTES = b"PANDAS_ATTRS"
_KEY = "made_from"


@dataclass(frozen=True)
class KeptTables:
    """The kept tables of one kind; the folder need not be there."""

    folder: Path

    def find(self, key: Key) -> Path | None:
        """Return the newest file that is kept under this key, without looking into it."""
        return self.named(name_of(key))

    def named(self, name: str) -> Path | None:
        """Return what :meth:`find` does, for the name of a key."""
        return next(iter(self._newest_first(f"{name}-*{_SUFFIX}")), None)

    def read(self, file: Path, key: Key) -> pd.DataFrame | None:
        """Return the table that a file keeps under this key, shapes as objects.

        None if another program let it go meanwhile. Raises ``WorkspaceError`` if it is not as it
        was written, or is kept under another key.
        """
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            if hashlib.sha256(content).hexdigest() != file.stem.partition("-")[2]:
                raise ValueError("other bytes than those that were written")
            table = gpd.read_parquet(io.BytesIO(content))
            found = table.attrs.pop(_KEY)
            if found != _plain(key):
                raise ValueError("made from something else")
        # What is no GeoParquet file, or lacks what we write.
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WorkspaceError(_("{}:文件已损坏。").format(file.name)) from error
        plain = pd.DataFrame(table)
        return plain.assign(geometry=np.asarray(table.geometry.array, object))

    def keep(self, key: Key, table: pd.DataFrame, crs: CRS) -> Path:
        """Keep a table under its key and let the oldest ones go; return its file.

        Raises ``OSError`` if it cannot be written.
        """
        self.folder.mkdir(exist_ok=True)
        sweep(self.folder)
        shapes = gpd.GeoDataFrame(table, geometry="geometry", crs=crs)
        shapes.attrs = {_KEY: _plain(key)}
        with temporary_file(self.folder, _SUFFIX) as draft:
            shapes.to_parquet(draft, compression="zstd")
            sha256 = hashlib.sha256(draft.read_bytes()).hexdigest()
            file = self.folder / f"{name_of(key)}-{sha256}{_SUFFIX}"
            draft.replace(file)
        self._let_go(key, file)
        return file

    def listed(self) -> list[tuple[Path, Key]]:
        """Return the files with the keys that they say they are kept under, newest first.

        Damaged ones are left out, as far as their keys show it.
        """
        found = ((file, _key_in(file)) for file in self._newest_first(f"[!.]*{_SUFFIX}"))
        return [(file, key) for file, key in found if key is not None]

    def forget(self, file: Path) -> None:
        """Remove a kept table; nothing happens if it is gone or cannot be removed."""
        with suppress(OSError):
            file.unlink()

    def _newest_first(self, pattern: str) -> list[Path]:
        dated = []
        for file in self.folder.glob(pattern):
            with suppress(OSError):  # another program let it go meanwhile
                dated.append((file.stat().st_mtime_ns, file))
        return [file for _when, file in sorted(dated, reverse=True)]

    def _let_go(self, key: Key, made: Path) -> None:
        """Remove older files of the same key, and all but the newest of the others."""
        others = [file for file in self._newest_first(f"[!.]*{_SUFFIX}") if file != made]
        same = [file for file in others if file.name.startswith(f"{name_of(key)}-")]
        for file in [*same, *[one for one in others if one not in same][MOST - 1 :]]:
            self.forget(file)


def _plain(key: Key) -> Any:
    """A key as JSON gives it back."""
    return json.loads(json.dumps(key))


def name_of(key: Key) -> str:
    """Return the name of a key, with which the names of its files begin."""
    text = json.dumps(key, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _key_in(file: Path) -> Key | None:
    """The key that a file says it is kept under; None where it says none that fits its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stored = (pq.read_schema(file).metadata or {})[_ATTRIBUTES]
        key = json.loads(stored)[_KEY]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None
    fits = isinstance(key, dict) and file.name.startswith(f"{name_of(key)}-")
    return key if fits else None
