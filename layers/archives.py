"""Archives: unpacked under caps into a folder of their own, and only what a reader may need.

The caps are those of the county's real archives with room, not of what an archive says of
itself: bytes are counted while they come out.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from language import gettext as _
from layers.errors import ReadError
from layers.raw import RawLayer, Wanted

MAX_ENTRIES = 200
MAX_TOTAL_BYTES = 300_000_000
MAX_RATIO = 100
_RATIO_FROM_BYTES = 1_000_000
_ENTRY = b"PK\x03\x04"
_CHUNK_BYTES = 1 << 16
_ARCHIVES = frozenset(
    {".zip", ".kmz", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".jar"}
)
# Files that belong to another of the same stem, and are no layer by themselves.
_BESIDE = {
    ".shp": {".dbf", ".shx", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".qix"},
    ".tab": {".dat", ".map", ".id", ".ind"},
    ".mif": {".mid"},
}
# Beside layers these are what somebody wrote about them.
_TEXTS = frozenset({".txt", ".dat"})
_NAME = re.compile(r"[^\x00-\x1f/\\:]{1,120}")
_FAILURES = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)


def is_zip(head: bytes) -> bool:
    """Tell an archive, which a workbook is too."""
    return head.startswith(_ENTRY)


def entry_names(head: bytes) -> list[bytes]:
    """Return the names of the entries whose headers lie in the beginning of an archive."""
    if not is_zip(head):
        return []
    starts = [found.start() for found in re.finditer(re.escape(_ENTRY), head)]
    return [
        head[at + 30 : at + 30 + int.from_bytes(head[at + 26 : at + 28], "little")] for at in starts
    ]


def read_archive(
    path: Path,
    wanted: Wanted,
    *,
    suffixes: frozenset[str],
    read: Callable[[Path, Wanted], RawLayer],
    tell: Callable[[Path], object],
) -> RawLayer:
    """Read the one layer of an archive that is wanted; ``read`` reads a file by its kind, which
    ``tell`` tells.

    Several files in an archive are its layers, by their names without suffix.
    """
    with tempfile.TemporaryDirectory() as folder:
        members = _unpack(path, Path(folder), suffixes)
        chosen, inner = _choose(_of_use(members, tell), path, wanted)
        raw = read(members[chosen], replace(wanted, source_layer=inner))
    name = chosen if raw.source_layer is None else raw.source_layer
    return replace(raw, file=path.name, source_layer=name)


def unpack_gzip(path: Path, target: Path) -> None:
    """Write what a gzip file holds, under the same caps."""
    try:
        with gzip.open(path, "rb") as packed, target.open("wb") as plain:
            _copy(packed, plain, path.stat().st_size, MAX_TOTAL_BYTES, path)
    except _FAILURES as error:
        raise _damaged(path) from error


def _choose(members: dict[str, Path], path: Path, wanted: Wanted) -> tuple[str, str | None]:
    """Return the name of the member to read, and the layer to read inside it."""
    asked = wanted.source_layer
    if asked in members:
        return str(asked), None
    if len(members) == 1:
        return next(iter(members)), asked
    if asked is None and wanted.layer in members:
        return wanted.layer, None
    if not members:
        problem = _("压缩包里没有可以读取的文件。请确认压缩包内有图层数据")
    elif asked is not None:
        problem = _("没有图层“{}”").format(asked)
    else:
        problem = _("须指明要导入的图层")
    raise ReadError(
        _("文件 {}:{}。文件中的图层:{}。请用 --source-layer 指定。").format(
            path.name, problem, _("、").join(members) or _("无")
        )
    )


def _unpack(path: Path, folder: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    """Unpack the entries of use; return the files that can be layers, by name."""
    needed = suffixes.union(*_BESIDE.values())
    left = MAX_TOTAL_BYTES
    files: list[Path] = []
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise ReadError(
                    _("文件 {}:压缩包有 {} 个条目,上限 {} 个。请只压缩要导入的图层。").format(
                        path.name, len(entries), MAX_ENTRIES
                    )
                )
            for entry in entries:
                place = _place(entry, path)
                if place is None:
                    continue
                keep = place.suffix.lower() in needed
                target = folder / place if keep else Path("/dev/null")
                if keep:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    files.append(target)
                with archive.open(entry) as packed, target.open("wb") as plain:
                    left -= _copy(packed, plain, entry.compress_size, left, path)
    except RuntimeError as error:
        if isinstance(error, NotImplementedError):
            raise _damaged(path) from error
        raise ReadError(
            _("文件 {}:压缩包有密码。请解除密码后重新压缩。").format(path.name)
        ) from error
    except _FAILURES as error:
        raise _damaged(path) from error
    return _layers(files, suffixes)


def _place(entry: zipfile.ZipInfo, path: Path) -> PurePosixPath | None:
    """Return where an entry goes below the folder; None for folders and what systems add."""
    name = entry.filename
    if not entry.flag_bits & 0x800:  # not declared as UTF-8: Chinese systems write GBK
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    place = PurePosixPath(name.replace("\\", "/"))
    mode = entry.external_attr >> 16
    unsafe = place.is_absolute() or ".." in place.parts or (mode and stat.S_ISLNK(mode))
    if unsafe or not all(_NAME.fullmatch(part) for part in place.parts):
        raise ReadError(
            _("文件 {}:压缩包含有链接、绝对路径或 .. 路径({}),已拒绝。请重新压缩。").format(
                path.name, name[:60]
            )
        )
    if entry.is_dir() or place.parts[0] == "__MACOSX" or place.name.startswith("._"):
        return None
    if place.suffix.lower() in _ARCHIVES:
        raise ReadError(
            _("文件 {}:压缩包里还有压缩包({})。请解开后分别导入。").format(path.name, place.name)
        )
    return place


def _copy(
    packed: IO[bytes] | gzip.GzipFile, plain: IO[bytes], packed_bytes: int, left: int, path: Path
) -> int:
    """Copy what comes out; return how many bytes, or raise ``ReadError`` at a cap."""
    count = 0
    while chunk := packed.read(_CHUNK_BYTES):
        count += len(chunk)
        if count > left:
            raise ReadError(
                _("文件 {}:解压后超过 {} MB。请按区域拆分后导入。").format(
                    path.name, MAX_TOTAL_BYTES // 1_000_000
                )
            )
        if count > _RATIO_FROM_BYTES and count > MAX_RATIO * max(packed_bytes, 1):
            raise ReadError(
                _("文件 {}:压缩比超过 {} 倍,可能是压缩炸弹,已拒绝。请核对来源。").format(
                    path.name, MAX_RATIO
                )
            )
        plain.write(chunk)
    return count


def _layers(files: list[Path], suffixes: frozenset[str]) -> dict[str, Path]:
    stems: dict[Path, set[str]] = {}
    for file in files:
        stems.setdefault(file.with_suffix(""), set()).add(file.suffix.lower())
    beside = {
        (stem, other)
        for stem, found in stems.items()
        for main, others in _BESIDE.items()
        if main in found
        for other in others
    }
    layers: dict[str, Path] = {}
    for file in files:
        suffix = file.suffix.lower()
        if suffix in suffixes and (file.with_suffix(""), suffix) not in beside:
            name = file.stem if file.stem not in layers else file.name
            layers[name] = file
    return layers


def _of_use(members: dict[str, Path], tell: Callable[[Path], object]) -> dict[str, Path]:
    """Leave out texts that are no tables, and all texts where something else is there."""
    drawn = {name: file for name, file in members.items() if file.suffix.lower() not in _TEXTS}
    return drawn or {name: file for name, file in members.items() if _told(file, tell)}


def _told(file: Path, tell: Callable[[Path], object]) -> bool:
    try:
        tell(file)
    except ReadError:
        return False
    return True


def _damaged(path: Path) -> ReadError:
    return ReadError(_("文件 {}:压缩包已损坏或不完整。请重新压缩或重新下载。").format(path.name))
