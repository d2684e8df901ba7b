"""Chosen files lie in a folder of their own, under names that lead nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ui.uploads import data_sets, laid_down, latest_set, safe_name


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


def sets_of(*names: str, pairs: bool = False) -> list[list[str]]:
    chosen = [Chosen(name, bytes([number])) for number, name in enumerate(names)]
    return [[one.name for one in files] for files in data_sets(chosen, pairs=pairs)]


def test_parts_of_one_name_are_one_set_and_a_part_that_comes_again_begins_another() -> None:
    assert sets_of("a.shp", "b.dbf", "A.DBF", "a.shp.xml", "b.shp") == [
        ["a.shp", "A.DBF", "a.shp.xml"],
        ["b.dbf", "b.shp"],
    ]
    assert sets_of("a.shp", "a.dbf", "a.shp", "a.dbf") == [["a.shp", "a.dbf"]] * 2
    assert sets_of("a.tab", "a.dat", "a.map") == [["a.tab", "a.dat", "a.map"]]
    assert sets_of("a.gpkg", "a.geojson") == [["a.gpkg"], ["a.geojson"]]


def test_two_tables_may_be_lines_with_their_points() -> None:
    assert sets_of("线.csv", "点.csv") == [["线.csv"], ["点.csv"]]
    assert sets_of("线.csv", "点.csv", pairs=True)[-1] == ["线.csv", "点.csv"]
    assert len(sets_of("线.csv", "点.xlsx", pairs=True)) == 2


@pytest.mark.parametrize(
    ("names", "arrivals", "expected"),
    [
        (["old.gpkg", "new.geojson"], [0, 1], 1),
        (["new.gpkg", "old.geojson"], [1, 0], 0),
        (["a.gpkg", "b.gpkg"], [0, 0], None),  # nobody knows which is meant
        (["a.shp", "a.dbf", "a.shp", "a.dbf"], [0, 0, 1, 1], 1),
        (["a.shp", "b.gpkg", "a.dbf"], [0, 1, 2], 0),  # the part that was missing
        (["线.csv", "点.csv"], [0, 0], 2),  # chosen together, read together
        (["old.csv", "new.csv"], [0, 1], 1),
    ],
)
def test_what_was_chosen_last_is_read(
    names: list[str], arrivals: list[int], expected: int | None
) -> None:
    chosen = [Chosen(name, bytes([number])) for number, name in enumerate(names)]
    when = {one.file_id: at for one, at in zip(chosen, arrivals, strict=True)}
    assert latest_set(data_sets(chosen, pairs=True), when) == expected
