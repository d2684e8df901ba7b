"""Which layer of a file with several is meant."""

from __future__ import annotations

from collections.abc import Sequence

from language import gettext as _
from layers.errors import ReadError
from layers.raw import Wanted


def choose(names: Sequence[str], wanted: Wanted, *, shown: str) -> str:
    """Return the layer to read: the one asked for, the only one, or the target's namesake.

    Raises ``ReadError`` with all names if it is none of these; ``shown`` is the file's name.
    """
    if wanted.source_layer is not None:
        found = wanted.source_layer if wanted.source_layer in names else None
        problem = _("没有图层“{}”").format(wanted.source_layer)
    else:
        found = names[0] if len(names) == 1 else wanted.layer if wanted.layer in names else None
        problem = _("须指明要导入的图层")
    if found is None:
        raise ReadError(
            _("文件 {}:{}。文件中的图层:{}。请用 --source-layer 指定。").format(
                shown, problem, _("、").join(names) or _("无")
            )
        )
    return found
