"""Which encoding a shapefile's text has: what its bytes allow, against what the file declares."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from language import gettext as _
from layers.dbf import Column, Dbf

# Language bytes that name one encoding. Not 0x57 ("ANSI": the system's own, whichever that was)
# and not 0x01, 0x03, which programs also write on systems in other languages.
_LANGUAGES = {
    0x4D: "gb18030", 0x4F: "cp950", 0x4E: "cp949", 0x13: "cp932", 0x7A: "gb18030",
    0x78: "cp950", 0x79: "cp949", 0x7B: "cp932", 0xC8: "cp1250", 0xC9: "cp1251",
    0xCA: "cp1254", 0xCB: "cp1253", 0x7D: "cp1255", 0x7E: "cp1256", 0x26: "cp866",
    0x64: "cp852", 0x65: "cp866",
}  # fmt: skip
# GB 2312 holds nearly every character of running Chinese text. Text of another alphabet that
# happens to decode as GB 18030 is full of rarer ones.
_USUAL_SHARE = 0.9


@dataclass(frozen=True)
class Found:
    """An encoding (None: it cannot be told), and in words why, if nobody declared it."""

    codec: str | None
    note: str | None = None


def find_encoding(table: Dbf, declared: str | None) -> Found:
    """Tell the encoding of a table's names and texts; ``declared`` is the text of its ``.cpg``.

    What fits strictly as UTF-8 is UTF-8: other encodings practically never do. Else the declared
    encoding is taken if it fits, then the language byte's, then GB 18030 if it fits and gives
    usual characters.
    """
    texts = _texts(table)
    named = None if declared is None else codec_of(declared)
    if not texts:
        return Found(named or "utf-8")
    if _fits(texts, "utf-8"):
        return Found("utf-8", _used("UTF-8", declared, same=named == "utf-8"))
    if named is not None and named != "utf-8" and _fits(texts, named):
        return Found(named)
    by_language = _LANGUAGES.get(table.language)
    if by_language is not None and by_language != "gb18030" and _fits(texts, by_language):
        return Found(by_language, _used(by_language, declared))
    if _fits(texts, "gb18030") and _usual(texts):
        return Found("gb18030", _used("GB18030", declared))
    return Found(
        None,
        _("文字编码无法判明(不是 UTF-8,也不像 GB18030)。请附上写明编码的 .cpg 文件后重新导入"),
    )


def fitting(content: bytes) -> str | None:
    """Return ``utf-8`` or ``gb18030`` if a text file is surely one of them, else None."""
    if content.isascii():
        return None
    whole = [(line, len(line) + 2) for line in content.splitlines() if not line.isascii()]
    if _fits(whole, "utf-8"):
        return "utf-8"
    return "gb18030" if _fits(whole, "gb18030") and _usual(whole) else None


def codec_of(declared: str) -> str | None:
    """Return Python's name of the encoding that the text of a ``.cpg`` names, or None."""
    name = declared.strip().strip("\ufeff").strip().lower()
    number = re.fullmatch(r"(?:ansi|cp|windows|oem|ibm|ldid)?[\s_/-]*(\d{3,5})", name)
    known = {"65001": "utf-8", "936": "gb18030", "54936": "gb18030", "950": "cp950",
             "88591": "latin-1", "20936": "gb18030"}  # fmt: skip
    names = [known.get(number[1], f"cp{number[1]}")] if number else []
    for one in [*names, name, name.replace(" ", "-")]:
        try:
            found = codecs.lookup(one).name
        except (LookupError, ValueError):
            continue
        chinese = found in ("gbk", "gb2312", "gb18030")
        text = chinese or found.startswith(
            ("utf", "cp", "iso", "latin", "big5", "euc", "koi", "shift", "mac")
        )
        if text:
            return "gb18030" if chinese else found
    return None


def decode(cells: Sequence[bytes], codec: str | None, width: int) -> list[object]:
    """Return texts, None for empty cells. What the codec cannot read stays bytes.

    Text that fills its field may end within a character, which is left out.
    """
    return [None if not cell else _decoded(cell, codec or "ascii", width) for cell in cells]


def _decoded(cell: bytes, codec: str, width: int) -> object:
    try:
        return cell.decode(codec)
    except UnicodeDecodeError:
        pass
    if len(cell) >= width - 1:
        try:
            return codecs.getincrementaldecoder(codec)().decode(cell, final=False)
        except UnicodeDecodeError:
            pass
    return cell


def _texts(table: Dbf) -> list[tuple[bytes, int]]:
    """Return all names and texts that are not plain ASCII, each with the room that it had."""
    names = [(column.name, 10) for column in table.columns]
    cells = [
        (cell, column.width)
        for column in table.columns
        if column.kind == "C"
        for cell in _distinct(column)
    ]
    return [(text, room) for text, room in [*names, *cells] if not text.isascii()]


def _distinct(column: Column) -> set[bytes]:
    return set(column.cells.tolist())


def _fits(texts: Sequence[tuple[bytes, int]], codec: str) -> bool:
    return not any(isinstance(_decoded(text, codec, room), bytes) for text, room in texts)


def _usual(texts: Sequence[tuple[bytes, int]]) -> bool:
    letters = [
        letter
        for text, room in texts
        for letter in str(_decoded(text, "gb18030", room))
        if not letter.isascii()
    ]
    usual = sum(_is_gb2312(letter) for letter in letters)
    return usual >= _USUAL_SHARE * len(letters)


def _is_gb2312(letter: str) -> bool:
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _used(name: str, declared: str | None, *, same: bool = False) -> str | None:
    if same:
        return None
    if declared is None:
        return _("没有 .cpg,文字按 {} 读取").format(name)
    return _(".cpg 写的编码“{}”与内容不符,文字按 {} 读取").format(declared.strip()[:20], name)
