"""Text files of unknown encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from language import gettext as _
from layers.errors import ReadError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# White space that texts have; all other control characters speak of another kind of file.
_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1a")

# A text with so many characters broken is still told as one, to be refused by its line.
_BROKEN = 0.1


@dataclass(frozen=True)
class Decoded:
    """A text and the encoding that it was read in."""

    text: str
    encoding: str


def decoded(path: Path) -> Decoded:
    """Read a text by its byte order mark, else as strict UTF-8, else as GB18030.

    GB18030 contains GBK and GB 2312. Raises ``ReadError`` if none fits.
    """
    content = path.read_bytes()
    lines = []
    for encoding in _encodings(content):
        try:
            return Decoded(content.decode(encoding), encoding.removesuffix("-sig"))
        except UnicodeDecodeError as error:
            lines.append(content.count(b"\n", 0, error.start) + 1)
    raise ReadError(
        _(
            "文件 {}:第 {} 行的文字既不是 UTF-8 也不是 GB18030(GBK)编码。"
            "请改正该行,或将文件另存为 UTF-8。"
        ).format(path.name, max(lines))
    )


def encoding_notes(encoding: str) -> tuple[str, ...]:
    """Return the sentence that names the encoding, where it is not the usual one."""
    return () if encoding == "utf-8" else (_("文字编码:{}").format(encoding.upper()),)


def beginning(head: bytes) -> str | None:
    """Return the text that a file begins with, None if its first bytes are no text.

    The last line is left out where another one stands before it: it may be cut anywhere.
    """
    whole_lines = head[: head.rfind(b"\n") + 1] or head
    for encoding in _encodings(head):
        cut = head if encoding == "utf-16" else whole_lines
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(cut)
        except UnicodeDecodeError:
            continue
        return text if _is_plain(text) else None
    text = whole_lines.decode("gb18030", "replace")
    return text if _is_plain(text) and text.count("\ufffd") <= len(text) * _BROKEN else None


def _is_plain(text: str) -> bool:
    return not any(ord(c) < 32 and c not in _TEXT_CONTROLS for c in text)


def _encodings(content: bytes) -> tuple[str, ...]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return (encoding,)
    return ("utf-8", "gb18030")
