"""Chosen files lie in a folder of their own, under names that lead nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ui.uploads import laid_down, safe_name


@dataclass
class Chosen:
    name: str
    content: bytes = b"x"

    @property
    def file_id(self) -> str:
        return f"{self.name}{self.content!r}"

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\管线.shp", "管线.shp"),
        ("a\x00b.csv", "a_b.csv"),
        ("<img onerror=x>.csv", "_img onerror=x_.csv"),
        ("..", "upload"),
        ("", "upload"),
    ],
)
def test_only_the_harmless_last_part_of_a_name_is_kept(name: str, kept: str) -> None:
    assert safe_name(name) == kept


def test_a_long_chinese_name_fits_a_file_system_and_keeps_its_suffix() -> None:
    upload = laid_down([Chosen("管" * 400 + ".csv")], None)
    assert upload is not None
    assert upload.main.read_bytes() == b"x"
    assert upload.main.suffix == ".csv"
    upload.folder.cleanup()


def test_two_files_of_one_name_do_not_overwrite_each_other() -> None:
    upload = laid_down([Chosen("a/x.csv", b"1"), Chosen("b/X.CSV", b"2")], None)
    assert upload is not None
    assert upload.beside is not None
    assert (upload.main.read_bytes(), upload.beside.read_bytes()) == (b"1", b"2")
    upload.folder.cleanup()


def test_the_main_part_of_a_shapefile_is_read_whatever_the_order() -> None:
    upload = laid_down([Chosen("a.dbf"), Chosen("a.prj"), Chosen("a.SHP")], None)
    assert upload is not None
    assert upload.main.name == "a.SHP"
    assert upload.beside is None
    upload.folder.cleanup()


def test_the_same_choice_is_laid_down_once_and_goes_away_with_its_upload() -> None:
    first = laid_down([Chosen("a.csv")], None)
    assert first is not None
    assert laid_down([Chosen("a.csv")], first) is first
    folder = first.main.parent
    first.folder.cleanup()
    assert not folder.exists()
    assert laid_down([], first) is None
