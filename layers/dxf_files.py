"""Open drawings: recover damaged ones, and read texts whose code page is not the declared one."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from language import gettext as _
from layers.errors import ReadError

if TYPE_CHECKING:
    from ezdxf.document import Drawing

# What a damaged drawing may raise anywhere inside the library, its own errors among them.
DAMAGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
    OSError, EOFError, AssertionError,
)  # fmt: skip

BINARY_MARK = b"AutoCAD Binary DXF"
_END = re.compile(rb"^[ \t]*0[ \t]*\r?\n[ \t]*EOF[ \t]*\r?$", re.MULTILINE)
# Records that belong to the entity before them.
_PARTS = (b"VERTEX", b"ATTRIB", b"SEQEND")

Decode = Callable[[str], str]


def recovered(path: Path) -> tuple[Drawing, tuple[str, ...]]:
    """Open a drawing, repairing what can be, and say how much was; ``ReadError`` if nothing can."""
    from ezdxf import filemanagement, recover
    from ezdxf.lldxf.const import DXFError

    logging.getLogger("ezdxf").setLevel(logging.ERROR)  # its findings come with the auditor
    content = path.read_bytes()
    notes: tuple[str, ...] = ()
    try:
        if content.startswith(BINARY_MARK):
            drawing = filemanagement.readfile(path)
            auditor = drawing.audit()
        else:
            content, notes = _ended(content)
            drawing, auditor = recover.read(BytesIO(content))
    except (DXFError, *DAMAGE):
        raise ReadError(
            _("文件 {}:DXF 已损坏,无法修复。请在 CAD 中打开、核查(AUDIT)后另存为 DXF。").format(
                path.name
            )
        ) from None
    damaged = len(auditor.fixes) + len(auditor.errors)
    if not damaged:
        return drawing, notes
    note = _("图中有 {} 处不合格式,已修复 {} 处,请核对").format(damaged, len(auditor.fixes))
    return drawing, (*notes, note)


def _ended(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a text that ends: one that was cut off ends before the entity that it was cut in.

    The rest of that entity is unknown; its missing coordinates would be read as zero.
    """
    if _END.search(content):
        return content, ()
    lines = content.splitlines()
    if content.rstrip(b" \r\n").endswith(b"ENDSEC"):
        return b"\n".join([*lines, b"0", b"EOF", b""]), ()
    if not content.endswith(b"\n"):
        lines.pop()
    lines = lines[: len(lines) // 2 * 2]
    while lines and not (lines[-2].strip() == b"0" and lines[-1].strip() not in _PARTS):
        del lines[-2:]
    whole = [*lines[:-2], b"0", b"ENDSEC", b"0", b"EOF", b""]
    return b"\n".join(whole), (_("文件没有结束标记,已断开:断开处的图元和其后的内容没有读到"),)


def decoder(drawing: Drawing) -> tuple[Decode, tuple[str, ...]]:
    """Return what sets texts right that were written in GBK under a western code page, and a note.

    Names of layers and blocks tell: all of them must read as common Chinese characters.
    """
    names = [layer.dxf.name for layer in drawing.layers]
    names += {str(entity.dxf.get("layer", "0")) for entity in drawing.modelspace()}
    names += [block.name for block in drawing.blocks]
    foreign = [name for name in names if not name.isascii()]

    def decode(text: str) -> str:
        return _as_chinese(text, drawing.encoding, "gb18030") or text

    if (
        drawing.encoding.startswith("cp125")
        and foreign
        and all(_as_chinese(name, drawing.encoding, "gb2312") for name in foreign)
    ):
        note = _("图中声明的代码页为 {},文字按 GBK 读取").format(drawing.encoding)
        return decode, (note,)
    return lambda text: text, ()


def _as_chinese(text: str, encoding: str, chinese: str) -> str | None:
    try:
        return text.encode(encoding, "surrogateescape").decode(chinese)
    except UnicodeError:
        return None
