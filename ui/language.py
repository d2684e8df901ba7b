"""Where the words on the screen come from: Chinese in the code, others as gettext catalogues."""

from __future__ import annotations

import gettext
from pathlib import Path

_LOCALE = Path(__file__).resolve().parent.parent / "locale"


def start() -> None:
    """Let ``_()`` find its catalogues in ``locale/``.

    The msgids are the Chinese words, so without a catalogue they are shown as they are.
    """
    gettext.bindtextdomain("tonggou", _LOCALE)
    gettext.textdomain("tonggou")
