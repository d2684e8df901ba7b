"""XML made safe before a parser sees it: no document type, no entities, UTF-8."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from language import gettext as _
from layers.errors import ReadError

_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
# A document type, and with it entities, may only stand before the first element, where a parser
# of well-formed XML expects nothing else but comments and instructions.
_DOCUMENT_TYPE = re.compile(r"\A\ufeff?(?:\s|<!--.*?-->|<\?.*?\?>)*<!(?!--)", re.DOTALL)
_BEFORE_ROOT = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE
)
_START_BYTES = 1 << 20
# Python has codecs of other things too, such as compressed bytes.
_TEXT_CODECS = ("utf", "iso", "latin", "us-ascii", "ascii", "windows", "cp", "big5", "koi8", "euc",
                "shift")  # fmt: skip
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def root_of(head: bytes) -> str | None:
    """Return the local name of the first element in the beginning of a file, or None."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head.decode("utf-16", "ignore") if wide else head.decode("latin-1")
    text = _BEFORE_ROOT.sub("", text)
    match = re.match(r"(?:\xef\xbb\xbf|\ufeff)?\s*<(?:[\w.-]+:)?([\w.-]+)[\s>/]", text)
    return match[1] if match else None


def write_safe(path: Path, target: Path, *, shown: str) -> tuple[str, ...]:
    """Write an XML file as UTF-8 without control characters; return notes on what was done.

    Raises ``ReadError`` for a file with a document type or entities, or text that its encoding
    does not fit.
    """
    content = path.read_bytes()
    declared = _DECLARATION.match(content)
    codec = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    named = declared[1].decode("ascii") if declared and codec is None else None
    text, used = _decoded(content, codec or _python(named) or "utf-8", shown)
    _refuse(text, shown)
    clean, controls = _CONTROLS.subn("", text)
    body = re.sub(r"^\s*<\?xml[^>]*\?>", "", clean.removeprefix("\ufeff"))
    target.write_text('<?xml version="1.0" encoding="UTF-8"?>' + body, encoding="utf-8", newline="")
    notes = []
    if used == "gb18030":
        notes.append(_("文字按 GB18030 读取"))
    if controls:
        notes.append(_("已去除 {} 个控制字符").format(controls))
    return tuple(notes)


def refuse_document_type(path: Path) -> None:
    """Raise ``ReadError`` for an XML file with a document type, of which only the start is read."""
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    _refuse(start.decode("utf-8", "replace"), path.name)


def _refuse(text: str, shown: str) -> None:
    if _DOCUMENT_TYPE.match(text):
        raise ReadError(
            _("文件 {}:XML 含有 DOCTYPE 或实体定义,已拒绝。请重新导出不含 DOCTYPE 的文件。").format(
                shown
            )
        )


def _python(name: str | None) -> str | None:
    """Return a codec of text for a declared encoding; Chinese ones as their superset."""
    if name is None:
        return None
    lowered = name.lower()
    if lowered in ("gb2312", "gbk", "gb18030", "gb_2312-80", "cp936"):
        return "gb18030"
    text = lowered.startswith(_TEXT_CODECS)
    try:
        return codecs.lookup(lowered).name if text else None
    except LookupError:
        return None


def _decoded(content: bytes, codec: str, shown: str) -> tuple[str, str]:
    for one in dict.fromkeys((codec, "utf-8", "gb18030")):
        try:
            return content.decode(one), one
        except UnicodeDecodeError:
            continue
    raise ReadError(
        _("文件 {}:文字编码与声明不符,也不是 UTF-8 或 GB18030。请重新导出为 UTF-8。").format(shown)
    )
