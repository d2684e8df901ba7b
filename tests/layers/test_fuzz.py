"""300 broken copies of ten good files: the parent lives, nothing leaks, nothing takes long.

Bytes are flipped, cut out, doubled or cut off by a seed. Every copy is parsed as an upload is, in a
process of its own with its own limits.
"""

from __future__ import annotations

import random
import socket
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from layers import isolation
from layers.errors import LayerError, ReadError
from layers.isolation import MEMORY_BYTES, Outcome, Reader, attempt
from layers.raw import RawLayer, Wanted
from tests.layers.layer_files import fingerprint

pytestmark = pytest.mark.slow_first

SEED = 20261128
TIMES = 30  # of each file
# A good file of each format, the parts that are mutated by turns, and the layer asked for.
FILES = {
    "a.gpkg": ((".gpkg",), "parcels"),
    "a.geojson": ((".geojson",), "parcels"),
    "gb18030.shp": ((".shp", ".dbf", ".shx", ".prj", ".cpg"), "parcels"),
    "a.fgb": ((".fgb",), "parcels"),
    "a.parquet": ((".parquet",), "parcels"),
    "a.kml": ((".kml",), "parcels"),
    "a.gml": ((".gml",), "parcels"),
    "a.tab": ((".map", ".dat", ".tab", ".id"), "parcels"),
    "a.zip": ((".zip",), "parcels"),
    "a.osm.pbf": ((".pbf",), "roads"),
}


@dataclass(frozen=True)
class Told:
    """What came of one broken copy."""

    name: str
    number: int
    result: RawLayer | Exception
    outcome: Outcome | None


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Break a file in one of four ways."""
    changed = bytearray(content)
    way = chance.randrange(4)
    at = chance.randrange(len(changed))
    size = min(len(changed) - at, chance.choice((1, 4, 32, 256)))
    if way == 0:
        for _flip in range(chance.choice((1, 3, 10, 30))):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del changed[at : at + size]
    elif way == 2:
        changed[at:at] = changed[at : at + size] * chance.choice((1, 20))
    else:
        del changed[max(at, 1) :]
    return bytes(changed)


def copy(foreign: Path, folder: Path, name: str, number: int, chance: random.Random) -> Path:
    """Write a broken copy of a file beside good copies of its other parts."""
    suffixes, _layer = FILES[name]
    stem = name.removesuffix(Path(name).suffix)
    broken = suffixes[number % len(suffixes)]
    folder.mkdir()
    for suffix in suffixes:
        content = (foreign / f"{stem}{suffix}").read_bytes()
        fresh = mutated(content, chance) if suffix == broken else content
        (folder / f"{stem}{suffix}").write_bytes(fresh)
    return folder / name


@pytest.fixture(scope="module")
def told(foreign: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """Parse all copies; no connection may be asked for, and nothing written beside them."""
    chance, folder = random.Random(SEED), tmp_path_factory.mktemp("fuzz")
    scratch = tmp_path_factory.mktemp("scratch")
    reader, found = Reader(), []
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(socket.create_server(("127.0.0.1", 0))) as server,
    ):
        server.settimeout(0.1)
        patch.setattr(tempfile, "tempdir", str(scratch))
        patch.setattr(isolation._log, "disabled", True)
        for name, (_suffixes, layer) in FILES.items():
            for number in range(TIMES):
                path = copy(foreign, folder / f"{name}-{number}", name, number, chance)
                before = fingerprint(path.parent)
                result, outcome = attempt(path, Wanted(layer), reader=reader)
                assert fingerprint(path.parent) == before
                found.append(Told(name, number, result, outcome))
        with pytest.raises(TimeoutError):
            server.accept()
    reader.close()
    assert fingerprint(scratch) == {}
    return found


def test_three_hundred_broken_files_are_read_or_refused(told: list[Told]) -> None:
    assert len(told) == 300
    for one in told:
        read = isinstance(one.result, RawLayer | ReadError | LayerError)
        assert read, (one.name, one.number, one.result)
        if isinstance(one.result, Exception):
            assert "文件 " in str(one.result)
            assert "Traceback" not in str(one.result)
    for name in FILES:  # the search is worth something only if files break, and not all do
        refused = sum(isinstance(one.result, Exception) for one in told if one.name == name)
        assert refused > 0, name
    assert sum(isinstance(one.result, RawLayer) for one in told) > 30


def test_no_broken_file_takes_long_or_much(told: list[Told]) -> None:
    idle = min(one.outcome.peak_bytes for one in told if one.outcome)
    for one in told:
        assert one.outcome is not None, (one.name, one.number)
        assert one.outcome.seconds < 10, (one.name, one.number)
        assert one.outcome.peak_bytes - idle <= MEMORY_BYTES, (one.name, one.number)


def test_what_is_read_of_a_broken_file_has_a_reason_for_every_shape_it_lacks(
    told: list[Told],
) -> None:
    for one in told:
        if isinstance(one.result, RawLayer):
            assert len(one.result.shapes) == len(one.result.cells)
            assert all(one.result.shapes[position] is None for position in one.result.unreadable)
