"""The words on the screen: Chinese in the code, other languages as catalogues in ``locale/``.

The msgids are the Chinese words, so what a catalogue lacks is shown in Chinese. Every visitor has
a language of his own: it is set at the start of each run of the page and of each request. What is
made for several of them is a ``Text``, which remembers how it was made and can be said anew.
Catalogues are gettext's text files (.po), read as they are.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path
from typing import Any

LOCALE = Path(__file__).resolve().parent / "locale"
LANGUAGES = {"zh": "中文", "en": "English"}
CHINESE = "zh"

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
_usual = CHINESE
_remembers = False

Catalogue = Callable[[str], str]


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


def remember() -> None:
    """Make every message of this process a ``Text`` from now on, to be said by another one."""
    global _remembers
    _remembers = True


def gettext(message: str) -> str:
    """A message in the language that is spoken."""
    return Text(message) if _remembers else _word(message, spoken())


def in_each(message: str | Exception) -> dict[str, str]:
    """A message, or that of an error, in every language; as it is where nothing is remembered."""
    return {one: str(_said(message, partial(_word, language=one))) for one in LANGUAGES}


def message_of(error: Exception) -> str:
    """The message of an error as it was raised: ``str`` of the error would forget its ``Text``."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Text) else str(error)


def _word(message: str, language: str) -> str:
    return message if language == CHINESE else catalogue(language).get(message) or message


class Text(str):
    """A Chinese text: ``pattern`` with ``args`` and ``named`` put in; without a pattern a msgid.

    >>> Text("管径 {}").format(200)
    '管径 200'
    """

    pattern: str | None
    args: tuple[Any, ...]
    named: Mapping[str, Any]

    def __new__(
        cls,
        text: str,
        pattern: str | None = None,
        args: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Text:
        made = super().__new__(cls, text)
        made.pattern, made.args, made.named = pattern, args, named or {}
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.pattern, self.args, self.named

    def __deepcopy__(self, memo: object) -> Text:
        return self

    def format(self, *args: Any, **named: Any) -> Text:
        """The text with values put in."""
        return Text(str.format(self, *args, **named), self, args, named)

    def __add__(self, other: str) -> Text:
        return Text("{}{}").format(self, other)

    def join(self, parts: Iterable[str]) -> Text:
        """Parts with this text between them."""
        pieces = [piece for part in parts for piece in (self, part)][1:]
        return Text("{}" * len(pieces)).format(*pieces)


def said_anew(text: str, catalogue: Catalogue) -> str:
    """A text in the language of a catalogue; what that lacks stays Chinese.

    Of a plain string the catalogue is asked too: names of utilities and measures are such.
    """
    if not isinstance(text, Text) or text.pattern is None:
        return catalogue(str(text))
    args = [_said(one, catalogue) for one in text.args]
    named = {name: _said(one, catalogue) for name, one in text.named.items()}
    return str.format(said_anew(text.pattern, catalogue), *args, **named)


def _said(value: Any, catalogue: Catalogue) -> Any:
    """A value that is put into a text; an error says what it was raised with."""
    if isinstance(value, Exception):
        value = message_of(value)
    return said_anew(value, catalogue) if isinstance(value, str) else value


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
