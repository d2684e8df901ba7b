"""Every word that the page shows can be translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

CHINESE = re.compile(r"[\u4e00-\u9fff]")
MODULES = [file for folder in ("ui", "api") for file in sorted((REPOSITORY / folder).glob("*.py"))]


def words_outside_gettext(tree: ast.AST) -> Iterator[str]:
    """Chinese texts of a module that do not pass through ``_()``, docstrings aside."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            continue
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring:
            continue
        if isinstance(node, ast.Constant) and CHINESE.search(str(node.value)):
            yield str(node.value)
        yield from words_outside_gettext(node)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_chinese_words_pass_through_gettext(module: Path) -> None:
    assert list(words_outside_gettext(ast.parse(module.read_text(encoding="utf-8")))) == []


def test_a_bare_chinese_text_would_be_found() -> None:
    assert list(words_outside_gettext(ast.parse('x = f"{y}宗地"; z = _("好")'))) == ["宗地"]
