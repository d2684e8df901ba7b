"""Errors of this package. Their text is the whole message for the user, in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers.problems import Problem


class ReadError(ValueError):
    """A file cannot be read safely, or is not what its name says."""


class FormatError(ReadError):
    """The content of a file is of no kind that can be read, or of another than its name says."""


class LayerError(ValueError):
    """A file was read, but cannot become a layer; ``problems`` holds the rows at fault."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class AnswerError(LayerError):
    """An answer cannot be stored; ``reason`` says why without naming what it is about.

    The message names it as the command line does, a page in its own words.
    """

    def __init__(self, message: str, reason: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, problems)
        self.reason = reason


class WorkspaceError(ValueError):
    """A folder is no workspace, or what it holds has been damaged."""
