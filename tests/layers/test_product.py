"""The hash of the program: another one as soon as anything that decides differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.product import digest_of, product_digest
from tests.conftest import REPOSITORY


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A small program with its rules."""
    for name in (
        "gis/a.py",
        "layers/fields/b.csv",
        "planning/c.py",
        "rules/counties/d/policy.toml",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def test_it_is_that_of_this_program() -> None:
    assert product_digest() == digest_of(REPOSITORY)


@pytest.mark.parametrize(
    "name", ["gis/a.py", "layers/fields/b.csv", "rules/counties/d/policy.toml"]
)
def test_a_byte_makes_another_program(program: Path, name: str) -> None:
    before = digest_of(program)
    (program / name).write_text("changed")
    changed = digest_of(program)
    (program / name).unlink()
    assert len({before, changed, digest_of(program)}) == 3


def test_a_file_more_or_another_name_makes_another_program(program: Path) -> None:
    before = digest_of(program)
    (program / "planning/c.py").rename(program / "planning/d.py")
    renamed = digest_of(program)
    (program / "planning/e.json").write_text("")
    assert len({before, renamed, digest_of(program)}) == 3


def test_what_decides_nothing_and_what_python_keeps_change_nothing(program: Path) -> None:
    before = digest_of(program)
    for name in ("ui/page.py", "planning/__pycache__/c.pyc", "README.md"):
        (program / name).parent.mkdir(exist_ok=True)
        (program / name).write_text("new")
    assert digest_of(program) == before
