"""What the commands of the command line share: language, option ``--json`` and how they print.

The language is taken when this module is read, before the commands are told in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import click

import language
import settings
from language import gettext as _
from layers.problems import Problem

try:
    language.start(settings.language())
except language.LanguageError as error:
    raise SystemExit(str(error)) from None


def _remember_json(ctx: click.Context, _option: click.Parameter, value: bool) -> bool:
    ctx.meta["json"] = value
    _remember_texts(ctx)
    return value


as_json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_remember_json,
    help=_("结果以 JSON 输出"),
)


def _remember_each(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    ctx.meta["every_language"] = value
    _remember_texts(ctx)


def _remember_texts(ctx: click.Context) -> None:
    """Texts are Chinese until they are said: only for JSON, whichever option was read first."""
    if ctx.meta.get("json") and ctx.meta.get("every_language"):
        language.remember()


every_language_option = click.option(
    "--every-language",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember_each,
    help=_("--json 的提示和出错原因写成各种语言,供其他程序读取"),
)


def print_lines(lines: Sequence[str]) -> None:
    """Print each line on standard output."""
    for line in lines:
        click.echo(line)


def print_json(answer: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))


class _Lines:
    """Progress for another program: a JSON object in each line of standard error."""

    def __init__(self, steps: int) -> None:
        self._done, self._of = 0, steps

    def update(self, steps: int) -> None:
        """Tell that so many more steps are done."""
        self._done += steps
        click.echo(json.dumps({"done": self._done, "of": self._of}), err=True)


@contextmanager
def _lines(steps: int) -> Iterator[_Lines]:
    told = _Lines(steps)
    told.update(0)
    yield told


def progress(label: str, steps: int, *, as_lines: bool = False) -> AbstractContextManager[Any]:
    """Return a progress bar on standard error, silent where nobody is watching.

    It foretells no time: what is prepared before the first step would count into each of them.
    ``as_lines`` tells another program: ``{"done": 12, "of": 30}`` in a line of its own.
    """
    if as_lines:
        return _lines(steps)
    return click.progressbar(
        length=steps,
        label=label,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        show_eta=False,
        show_percent=True,
    )


def messages(problems: Sequence[Problem]) -> list[str]:
    """One line for each problem."""
    return [problem.message for problem in problems]
