"""Words of the planner 文字: Chinese texts that remember how they were made.

A plan is made once and read in several languages: what it says must not hang on who asked for it.
So ``_()`` gives a Chinese text that keeps its msgid and what is put into it. Plans and files hold
the Chinese words as any other string; a door that speaks another language says them anew from its
catalogue (``in_words``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from language import CHINESE, Catalogue, Text, said_anew, spoken
from language import gettext as spoken_word

Plain = TypeVar("Plain")


def gettext(message: str) -> Text:
    """A message of the planner, in Chinese."""
    return Text(message)


_ = gettext


def all_said(values: Any, catalogue: Catalogue) -> Any:
    """Plain values with the texts among them said anew; other strings are left alone."""
    if isinstance(values, Text):
        return said_anew(values, catalogue)
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
