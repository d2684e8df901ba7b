"""The words on the screen: Chinese in the code, other languages as gettext catalogues."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from pathlib import Path

LANGUAGES = {"zh_CN": "中文"}
_LOCALE = Path(__file__).resolve().parent.parent / "locale"


def use(language: str | None) -> Callable[[str], str]:
    """Translate ``_()`` into ``language`` for this run; unknown or None means Chinese.

    The msgids are the Chinese words, so a missing catalogue leaves them as they are.
    """
    chosen = language if language in LANGUAGES else "zh_CN"
    return gettext.translation("tonggou", _LOCALE, [chosen], fallback=True).gettext
