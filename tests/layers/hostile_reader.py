"""A reader that does on purpose what a broken parser does by accident; for the reading process."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pandas as pd

from layers import formats
from layers.formats import Format
from layers.raw import RawLayer, Wanted


def install() -> None:
    """Let files that begin with HOSTILE be read by ``deed``."""
    row = Format("hostile", "hostile", frozenset({".txt"}), _fits, deed)
    formats.FORMATS = (row, *formats.FORMATS)


def _fits(head: bytes) -> bool:
    return head.startswith(b"HOSTILE ")


def deed(path: Path, _wanted: Wanted) -> RawLayer:
    """Do what the file says."""
    _word, name, *arguments = path.read_text().split()
    _DEEDS[name](*arguments)
    return RawLayer(path.name, None, pd.DataFrame(), pd.Series([], dtype=object), {}, None)


def _crash() -> None:
    ctypes.string_at(0)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _leave() -> None:
    os._exit(0)


def _loop() -> None:
    while True:
        pass


def _out_of_time() -> None:
    """Be told by the system that the processor's time is over, before the account says so."""
    os.kill(os.getpid(), signal.SIGXCPU)


def _sleep() -> None:
    time.sleep(3600)


def _eat() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(50_000_000))


def _eat_below_python() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    while block := libc.malloc(ctypes.c_size_t(50_000_000)):
        ctypes.memset(block, 1, 50_000_000)
    os.abort()


def _write(place: str) -> None:
    Path(place).write_text("written by a parser")


def _connect(port: str) -> None:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
        pass


def _connect_below_python(port: str) -> None:
    libc = ctypes.CDLL(None)
    handle = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    address = socket.AF_INET.to_bytes(2, "little") + int(port).to_bytes(2, "big")
    libc.connect(handle, address + socket.inet_aton("127.0.0.1") + bytes(8), 16)


def _run() -> None:
    subprocess.run(["/bin/true"], check=False)


def _fill_disk() -> None:
    with Path("filling").open("wb") as file:
        while True:
            file.write(bytes(100_000_000))


def _lie() -> None:
    Path("reply.json").write_text('{"kind": "layer"}')
    os._exit(0)


def _raise() -> None:
    raise IndexError("a bug in a reader")


_DEEDS = {
    function.__name__.removeprefix("_"): function
    for function in (
        _crash, _kill, _leave, _loop, _out_of_time, _sleep, _eat, _eat_below_python, _write,
        _connect, _connect_below_python, _run, _fill_disk, _lie, _raise,
    )
}  # fmt: skip
