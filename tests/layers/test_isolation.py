"""A parser that crashes, hangs, grows, writes or calls out does so alone, and not for long."""

from __future__ import annotations

import gc
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from layers import isolation
from layers.errors import ReadError
from layers.isolation import MEMORY_BYTES, Outcome, Reader, attempt
from layers.raw import RawLayer, Skipped, Wanted
from layers.transport import load, save
from tests.layers.layer_files import fingerprint, parcels_file

HOSTILE = "from tests.layers import hostile_reader; hostile_reader.install(); "


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader(first=HOSTILE)
    yield made
    made.close()


def do(reader: Reader, folder: Path, deed: str) -> tuple[RawLayer | Exception, Outcome | None]:
    path = folder / "a.txt"
    path.write_text(f"HOSTILE {deed}")
    return attempt(path, Wanted("parcels"), reader=reader)


@pytest.mark.parametrize("deed", ["crash", "kill", "leave", "lie"])
def test_parser_that_dies_is_an_error_of_its_file(reader: Reader, tmp_path: Path, deed) -> None:
    result, _outcome = do(reader, tmp_path, deed)
    assert isinstance(result, ReadError)
    assert str(result) == (
        "文件 a.txt:解析程序意外中止,文件可能已损坏。请用原软件打开核对并重新导出。"
    )
    good, _outcome = attempt(parcels_file(tmp_path), Wanted("parcels"), reader=reader)
    assert isinstance(good, RawLayer)  # the next file is read as if nothing had been


def test_error_in_a_reader_is_an_error_of_its_file_without_its_text(
    reader: Reader, tmp_path: Path
) -> None:
    result, _outcome = do(reader, tmp_path, "raise")
    assert isinstance(result, ReadError)
    assert "内容残缺或不合格式" in str(result)
    assert "IndexError" not in str(result)


@pytest.mark.parametrize("deed", ["loop", "sleep", "out_of_time"])
def test_parser_that_hangs_is_stopped(reader: Reader, tmp_path: Path, monkeypatch, deed) -> None:
    monkeypatch.setattr(isolation, "SECONDS", 1)
    result, outcome = do(reader, tmp_path, deed)
    assert isinstance(result, ReadError)
    assert "解析超过 1 秒,已中止" in str(result)
    assert outcome.seconds < 20  # it would go on for an hour


@pytest.mark.parametrize(
    ("deed", "message"), [("eat", "解析所需内存超过 500 MB"), ("eat_below_python", "意外中止")]
)
def test_parser_that_grows_is_stopped(reader: Reader, tmp_path: Path, deed, message) -> None:
    _result, idle = do(reader, tmp_path, "raise")
    result, outcome = do(reader, tmp_path, deed)
    assert isinstance(result, ReadError)
    assert message in str(result)
    assert outcome.peak_bytes - idle.peak_bytes <= MEMORY_BYTES


def test_parser_writes_nowhere_but_in_its_folder(reader: Reader, tmp_path: Path) -> None:
    place = tmp_path / "planted"
    result, _outcome = do(reader, tmp_path, f"write {place}")
    assert isinstance(result, OSError)
    assert not place.exists()
    assert not isinstance(do(reader, tmp_path, "write inside")[0], Exception)


def test_parser_cannot_fill_the_disk(reader: Reader, tmp_path: Path) -> None:
    result, _outcome = do(reader, tmp_path, "fill_disk")
    assert isinstance(result, OSError)


def test_parser_cannot_call_out(reader: Reader, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        assert isinstance(do(reader, tmp_path, f"connect {port}")[0], OSError)
        if reader.alone:  # where the system lets a process leave the network
            do(reader, tmp_path, f"connect_below_python {port}")
        with pytest.raises(TimeoutError):
            server.accept()


def test_parser_starts_no_program(reader: Reader, tmp_path: Path) -> None:
    assert isinstance(do(reader, tmp_path, "run")[0], OSError)


def test_nothing_is_left_of_a_parser(reader: Reader, tmp_path: Path, monkeypatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for deed in ("crash", "raise", "write inside"):
        do(reader, tmp_path, deed)
    assert fingerprint(scratch) == {}


def test_nothing_is_left_where_whoever_asked_was_killed(reader: Reader, tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    request = isolation._request(parcels_file(tmp_path), Wanted("parcels"), folder)
    receiving, sending = os.pipe()
    os.close(receiving)  # as the system does for a process that dies
    reader._send(json.dumps(request).encode(), sending)
    os.close(sending)
    ends = time.monotonic() + 10
    while folder.exists() and time.monotonic() < ends:
        time.sleep(0.02)
    assert not folder.exists()


def test_reading_process_that_was_killed_is_started_again(tmp_path: Path) -> None:
    reader, path = Reader(), parcels_file(tmp_path)
    try:
        for _time in range(2):
            assert isinstance(attempt(path, Wanted("parcels"), reader=reader)[0], RawLayer)
            os.kill(reader._process.pid, 9)
            reader._process.wait()
    finally:
        reader.close()
    gc.collect()  # no process and no socket is left to be warned of


def test_secrets_of_the_parent_are_not_given_to_the_reading_process() -> None:
    assert set(isolation._ENVIRONMENT) == {
        "LANG", "PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX",
        "ARROW_DEFAULT_MEMORY_POOL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
    }  # fmt: skip


# --- what goes from one process to the other ----------------------------------------------------

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.binary(max_size=4),
    st.text(st.characters(exclude_categories=()), max_size=4), st.dates(),
    st.datetimes(),
)  # fmt: skip


@given(columns=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=3))
def test_cells_arrive_as_they_were_sent(
    columns: list[list[object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    frame = pd.DataFrame(
        {f"列{n}": cells for n, cells in enumerate(columns)}, index=range(3), dtype=object
    )
    folder = tmp_path_factory.mktemp("sent")
    save(RawLayer("a", None, frame, np.array([None] * 3), {}, None), folder)
    arrived = load(folder).cells
    assert list(arrived.columns) == list(frame.columns)
    for name in frame.columns:
        sent, got = frame[name].tolist(), arrived[name].tolist()
        assert got == sent
        assert list(map(type, got)) == list(map(type, sent))


def test_everything_but_cells_arrives_too(tmp_path: Path) -> None:
    point = shapely.Point(1, 2, 3)
    raw = RawLayer(
        file="宗地.shp",
        source_layer="层",
        cells=pd.DataFrame([[1, "a"], [date(2024, 5, 1), None]], columns=["n", "n"], dtype=object),
        shapes=np.array([point, None]),
        unreadable={1: "坏"},
        crs=CRS.from_epsg(4547),
        notes=("注",),
        skipped=(Skipped("第 3 条", "已删除"),),
    )
    save(raw, tmp_path)
    arrived = load(tmp_path)
    for field in fields(RawLayer):
        sent, got = getattr(raw, field.name), getattr(arrived, field.name)
        if field.name == "cells":
            assert got.columns.tolist() == ["n", "n"]
            assert got.to_numpy().tolist() == sent.to_numpy().tolist()
        elif field.name == "shapes":
            assert got[0].equals_exact(point)
            assert got[0].has_z
            assert got[1] is None
        else:
            assert got == sent, field.name


def test_empty_layer_arrives(tmp_path: Path) -> None:
    save(RawLayer("a", None, pd.DataFrame(), np.array([], object), {}, None), tmp_path)
    arrived = load(tmp_path)
    assert (len(arrived.cells), len(arrived.shapes)) == (0, 0)
