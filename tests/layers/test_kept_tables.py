"""Kept tables: given back as they were for an equal key only, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pyproj import CRS
from shapely.geometry import LineString

from layers.errors import WorkspaceError
from layers.kept_tables import MOST, KeptTables

METRES = CRS("EPSG:4547")
KEY = {"layers": {"roads": [1, "ab"]}, "day": "2026-11-29", "applications": [{"a": 1.5}]}


@pytest.fixture
def kept(tmp_path: Path) -> KeptTables:
    return KeptTables(tmp_path / "kept")


def a_table(length_m: float = 12.3456789012345) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "parcel_id": pd.Series(["甲-1", "甲-2"], dtype="str"),
            "reason": pd.Series([None, "no_room"], dtype="str"),
            "nobody": pd.Series([None, None], dtype=object),
            "length_m": [length_m, np.nan],
            "geometry": [LineString([(0.1, 0.2), (length_m, 1 / 3)]), None],
        }
    )


def test_a_kept_table_comes_back_as_it_was(kept: KeptTables) -> None:
    file = kept.keep(KEY, a_table(), METRES)
    assert kept.find(KEY) == file
    back = kept.read(file, KEY)
    assert back is not None
    assert_frame_equal(back.drop(columns="geometry"), a_table().drop(columns="geometry"))
    assert back["geometry"][0].equals_exact(a_table()["geometry"][0], 0.0)
    assert back["geometry"][1] is None
    assert back.attrs == {}


@pytest.mark.parametrize(
    "other",
    [
        {**KEY, "layers": {"roads": [2, "ab"]}},
        {**KEY, "layers": {"roads": [1, "ac"]}},
        {**KEY, "layers": {}},
        {**KEY, "day": "2026-11-30"},
        {**KEY, "applications": []},
        {**KEY, "more": None},
    ],
)
def test_another_key_finds_nothing(kept: KeptTables, other: dict) -> None:
    kept.keep(KEY, a_table(), METRES)
    assert kept.find(other) is None


def test_a_file_under_the_name_of_another_key_is_refused(kept: KeptTables) -> None:
    file = kept.keep(KEY, a_table(), METRES)
    other = {**KEY, "day": "2026-11-30"}
    wanted = kept.keep(other, a_table(2.0), METRES)
    wanted.unlink()
    moved = file.rename(wanted.with_stem(f"{wanted.stem[:16]}-{file.stem[17:]}"))
    assert kept.find(other) == moved
    with pytest.raises(WorkspaceError, match="文件已损坏"):
        kept.read(moved, other)
    assert kept.listed() == []


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("spoil", [_cut, _flipped, lambda _content: b""])
def test_a_damaged_file_is_refused(kept: KeptTables, spoil: Callable[[bytes], bytes]) -> None:
    file = kept.keep(KEY, a_table(), METRES)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(WorkspaceError, match="文件已损坏"):
        kept.read(file, KEY)


@pytest.mark.parametrize("content", [b"no parquet at all", b"PAR1PAR1", b"{}"])
def test_what_is_no_table_of_ours_is_refused(kept: KeptTables, content: bytes) -> None:
    name = kept.keep(KEY, a_table(), METRES).name.partition("-")[0]
    file = kept.folder / f"{name}-{hashlib.sha256(content).hexdigest()}.parquet"
    file.write_bytes(content)
    with pytest.raises(WorkspaceError, match="文件已损坏"):
        kept.read(file, KEY)
    assert [one for one, _key in kept.listed()] != [file]


def test_a_file_that_another_program_let_go_is_nothing(kept: KeptTables) -> None:
    file = kept.keep(KEY, a_table(), METRES)
    kept.forget(file)
    kept.forget(file)
    assert (kept.find(KEY), kept.read(file, KEY), kept.listed()) == (None, None, [])


def test_only_the_newest_are_kept_and_one_of_a_key(kept: KeptTables) -> None:
    assert kept.listed() == []
    for day in range(MOST + 2):
        kept.keep({**KEY, "day": day}, a_table(day), METRES)
        kept.keep({**KEY, "day": day}, a_table(day + 0.5), METRES)
    found = [key["day"] for _file, key in kept.listed()]
    assert found == list(range(MOST + 2))[: -MOST - 1 : -1]
    newest = kept.read(*kept.listed()[0])
    assert newest is not None
    assert newest["length_m"][0] == MOST + 1.5


def test_a_draft_of_another_program_is_no_kept_table(kept: KeptTables) -> None:
    kept.keep(KEY, a_table(), METRES)
    draft = kept.folder / ".tmp-00000000-1-x.parquet"
    draft.write_bytes(b"half")
    assert len(kept.listed()) == 1
    kept.keep({**KEY, "day": "later"}, a_table(), METRES)
    assert draft.exists()
