"""Make a workspace look as the first version of the program left it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

_FIRST = """
CREATE TABLE layer_versions (
    layer TEXT NOT NULL, version INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
    rows INTEGER NOT NULL, crs TEXT NOT NULL, data_class TEXT NOT NULL,
    imported_at TEXT NOT NULL, source_file TEXT NOT NULL, problems INTEGER NOT NULL,
    PRIMARY KEY (layer, version)
)
"""
_COLUMNS = "layer, version, file, sha256, rows, crs, data_class, imported_at, source_file, problems"


def make_old(path: Path) -> None:
    """Take away authors, counts, sources, exports and answers, and the mark of the schema."""
    settings = path / "workspace.toml"
    settings.write_text(settings.read_text("utf-8").replace("schema = 2", "schema = 1"), "utf-8")
    shutil.rmtree(path / "sources", ignore_errors=True)
    with closing(sqlite3.connect(path / "tonggou.sqlite")) as database:
        query = f"SELECT {_COLUMNS} FROM layer_versions"
        rows = database.execute(query).fetchall()
        for table in ("layer_versions", "edits", "layer_sources", "exports"):
            database.execute(f"DROP TABLE {table}")
        database.execute(_FIRST)
        database.executemany(f"INSERT INTO layer_versions VALUES ({','.join('?' * 10)})", rows)
        database.execute("PRAGMA user_version = 0")
        database.commit()
