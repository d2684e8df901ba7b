"""The words on the screen: Chinese in the code, other languages as catalogues in ``locale/``.

The msgids are the Chinese words, so what a catalogue lacks is shown in Chinese. Every visitor has
a language of his own: it is set at the start of each run of the page and of each request.
Catalogues are gettext's text files (.po), read as they are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).resolve().parent / "locale"
LANGUAGES = {"zh": "中文", "en": "English"}
CHINESE = "zh"

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
_usual = CHINESE


class LanguageError(ValueError):
    """A language that there is no catalogue for."""


def start(language: str = CHINESE) -> None:
    """Take the language of this installation.

    Raises
    ------
    LanguageError
        If there is no catalogue for the language.
    """
    global _usual
    if language not in LANGUAGES:
        raise LanguageError(f"TONGGOU_LANGUAGE: {language!r}; {' / '.join(LANGUAGES)}")
    _usual = language


def speak(language: str | None) -> None:
    """Speak a language in this run or request; an unknown one leaves that of the installation."""
    _spoken.set(language if language in LANGUAGES else None)


def spoken() -> str:
    """The language of this run or request."""
    return _spoken.get() or _usual


def gettext(message: str) -> str:
    """A message in the language that is spoken."""
    language = spoken()
    return message if language == CHINESE else catalogue(language).get(message) or message


class Said(Mapping[str, str]):
    """Words for codes, translated when they are looked up and not when the module is read."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def __getitem__(self, code: str) -> str:
        return gettext(self._words[code])

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


def said(words: Mapping[str, str]) -> Said:
    """Words for codes; the Chinese words given here are msgids."""
    return Said(words)


@cache
def catalogue(language: str) -> dict[str, str]:
    """Messages of a language by msgid; empty without a catalogue."""
    file = LOCALE / language / "LC_MESSAGES" / "tonggou.po"
    return parse_po(file.read_text("utf-8")) if file.is_file() else {}


def parse_po(text: str) -> dict[str, str]:
    """Messages of a .po text without plurals and contexts; the header is left out."""
    found: dict[str, str] = {}
    key, parts = "", {"msgid": "", "msgstr": ""}
    for line in [*text.splitlines(), 'msgid ""']:
        word, _space, rest = line.partition(" ")
        if word == "msgid":
            if parts["msgid"]:
                found[parts["msgid"]] = parts["msgstr"]
            key, parts = word, {"msgid": ast.literal_eval(rest), "msgstr": ""}
        elif word == "msgstr":
            key, parts["msgstr"] = word, ast.literal_eval(rest)
        elif line.startswith('"'):
            parts[key] += ast.literal_eval(line)
    return found
