"""Words of the planner 文字: Chinese texts that remember how they were made.

A plan is made once and read in several languages: what it says must not hang on who asked for it.
So ``_()`` gives a Chinese text that keeps its msgid and what is put into it. Plans and files hold
the Chinese words as any other string; a door that speaks another language says them anew from its
catalogue (``in_words``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from language import CHINESE, spoken
from language import gettext as spoken_word

Plain = TypeVar("Plain")

Catalogue = Callable[[str], str]


class Text(str):
    """A Chinese text: ``pattern`` with ``args`` and ``named`` put in; without a pattern a msgid.

    >>> _("管径 {}").format(200)
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


def gettext(message: str) -> Text:
    """A message of the planner, in Chinese."""
    return Text(message)


_ = gettext


def said(text: str, catalogue: Catalogue) -> str:
    """A text in the language of a catalogue; what that lacks stays Chinese.

    Of a plain string the catalogue is asked too: names of utilities and measures are such.
    """
    if not isinstance(text, Text) or text.pattern is None:
        return catalogue(str(text))
    args = [_said(one, catalogue) for one in text.args]
    named = {name: _said(one, catalogue) for name, one in text.named.items()}
    return str.format(said(text.pattern, catalogue), *args, **named)


def all_said(values: Any, catalogue: Catalogue) -> Any:
    """Plain values with the texts among them said anew; other strings are left alone."""
    if isinstance(values, Text):
        return said(values, catalogue)
    if isinstance(values, Mapping):
        return {key: all_said(value, catalogue) for key, value in values.items()}
    if isinstance(values, list | tuple):
        if values and isinstance(values[0], float):  # coordinates: most of a plan
            return values
        return [all_said(value, catalogue) for value in values]
    return values


def in_words(values: Plain) -> Plain:
    """Plain values of the planner in the language that is spoken."""
    return values if spoken() == CHINESE else all_said(values, spoken_word)


def _said(value: Any, catalogue: Catalogue) -> Any:
    return said(value, catalogue) if isinstance(value, str) else value
