"""What an answer depends on beside the data: the program, its rules and the libraries under it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import shapely

_ROOT = Path(__file__).resolve().parent.parent
# What decides, the names that an application may say among it; what shows or writes a finished
# answer does not change it.
_DECIDING = ("gis", "layers", "planning", "rules", "docs/schemas")
# A sum in another order or another way through equals may change a last digit, or a choice.
_LIBRARIES = ("numpy", "pandas", "scipy", "shapely", "networkx", "geopandas", "pyproj")


@cache
def product_digest() -> str:
    """Return a hash of the deciding code, the rules and the versions of the libraries.

    It stands for the program as this process runs it: looked at once, as rules are read once.
    An answer kept under it is made anew as soon as any of these differs.
    """
    return digest_of(_ROOT)


def digest_of(root: Path) -> str:
    """Return the hash of the program in this folder: of every deciding file's name and bytes."""
    found = hashlib.sha256()
    for name in (*(f"{one} {version(one)}" for one in _LIBRARIES), shapely.geos_version_string):
        found.update(f"{name}\n".encode())
    for file in sorted(
        file
        for folder in _DECIDING
        for file in (root / folder).rglob("*")
        if file.is_file() and file.parent.name != "__pycache__"
    ):
        content = file.read_bytes()
        found.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()
