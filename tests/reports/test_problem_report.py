"""Reports on problems: nothing in them runs, nothing of them is lost."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from layers.check_rules import check_rules
from layers.checks import check_layers
from layers.problems import Problem
from layers.repairs import REPAIRS
from layers.survey import Survey
from reports.exchange import ExportError
from reports.problem_report import problem_page, write_problem_report
from tests.conftest import REPOSITORY, require
from tests.towns import main, parcel, street, town

HOSTILE = (
    '"><script>window.PWN=1</script>',
    "<img src=x onerror=alert(1)>",
    "${alert(1)}`'",
    "=1+1",
    '=HYPERLINK("//x.example","a")',
    "a\u202eb\x07c",
)


def hostile_town() -> Survey:
    """Parcels with hostile ids, each in a carriageway, and hostile values in a road and a line."""
    parcels = {name: parcel(20 * n, -4, 20 * n + 9, 4) for n, name in enumerate(HOSTILE)}
    roads = {
        "R-1": street((0, 0), (300, 0)),
        "=1+2": street((0, 90), (300, 90), surface=HOSTILE[0]),
    }
    lines = {"W-1": main((0, 0), (99, 0)), "W-<b>": main((50, 0.3), (50, 40))}
    return town(parcels=parcels, roads=roads, lines=lines)


@pytest.fixture(scope="module")
def survey() -> Survey:
    return hostile_town()


@pytest.fixture(scope="module")
def problems(survey: Survey) -> list[Problem]:
    return [one for _layer, some in check_layers(survey) for one in some]


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def page(survey: Survey, problems: list[Problem]) -> Page:
    return Page(problem_page(problems, survey, layers=tuple(survey.tables)))


def test_hostile_names_are_text_and_nothing_else(page: Page) -> None:
    names = {name for name, _attributes in page.tags}
    assert not names & {"script", "img", "iframe", "object", "link", "a", "form", "b", "base"} - {
        "b"
    }
    attributes = {name for _tag, own in page.tags for name in own}
    assert not [name for name in attributes if name.startswith("on")]
    assert not attributes & {"href", "src", "action", "srcdoc"}
    texts = "".join(page.texts)
    for name in HOSTILE[:5]:
        assert name in texts
    assert "abc" in texts  # without direction and control marks
    assert "W-<b>" in texts


def test_the_page_fetches_nothing_and_forbids_scripts(page: Page) -> None:
    (policy,) = [own for _tag, own in page.tags if "http-equiv" in own]
    assert "default-src 'none'" in str(policy["content"])
    style = (REPOSITORY / "reports/problem_report.css").read_text("utf-8")
    assert not re.search(r"url\(|@import|//", style)


def test_every_problem_is_on_the_page_in_both_languages(
    page: Page, problems: list[Problem]
) -> None:
    texts = "".join(page.texts)
    for one in problems:
        assert re.sub("[\u202e\x07]", "", one.rule) in texts
        if one.rule_id:
            assert check_rules()[one.rule_id].en in texts
    marks = [own for tag, own in page.tags if tag == "circle"]
    assert len(marks) == sum(one.x is not None for one in problems)


def test_a_place_on_the_map_is_where_the_problem_lies() -> None:
    # One road 300 m long from the west edge; the parcel in the road begins 2/3 of the way.
    found = town(parcels={}, roads={"R-1": street((0, 0), (300, 0))}, lines={
        "W-1": main((0, 0), (300, 0)), "W-2": main((200, -60), (200, 60)),
    })  # fmt: skip
    crossing = [
        one
        for _layer, some in check_layers(found)
        for one in some
        if one.rule_id == "crossing_without_node"
    ]
    page = Page(problem_page(crossing, found, layers=("lines",)))
    (mark,) = [own for tag, own in page.tags if tag == "circle"]
    # 540 of the 560 units are 300 m.
    assert float(str(mark["cx"])) == pytest.approx(10 + 540 * 2 / 3, abs=0.1)


def test_a_clean_survey_says_so() -> None:
    clean = town(parcels={"P-1": parcel(0, 20, 9, 30)}, roads={})
    page = Page(problem_page([], clean, layers=("parcels",)))
    assert "没有问题的图层" in "".join(page.texts)


def test_text_of_the_workbook_is_text(
    survey: Survey, problems: list[Problem], tmp_path: Path
) -> None:
    file = tmp_path / "report.xlsx"
    write_problem_report(problems, survey, file, layers=tuple(survey.tables))
    with zipfile.ZipFile(file) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if "worksheets/" in name]
    assert not [one for one in sheets if b"<f>" in one or b"<f " in one]
    book = openpyxl.load_workbook(file)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {"=1+1", "=1+2"} <= {cell.value for cell in cells if cell.data_type == "s"}
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
    listed = sum(book[name].max_row - 1 for name in book.sheetnames[1:])
    assert listed == len(problems)
    counted = sum(row[4].value for row in book.worksheets[0].iter_rows(min_row=2))
    assert counted == len(problems)


@pytest.fixture
def office() -> str:
    found = shutil.which("soffice") or shutil.which("libreoffice")
    require(found is not None, "LibreOffice")
    return str(found)


def test_libreoffice_shows_the_text_and_computes_nothing(
    survey: Survey, problems: list[Problem], tmp_path: Path, office: str
) -> None:
    file = tmp_path / "report.xlsx"
    roads = [one for one in problems if one.layer in {"parcels", "roads"}]
    write_problem_report(roads, survey, file, layers=("parcels", "roads"))
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    subprocess.run(
        [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
         "--convert-to", every_sheet, "--outdir", str(tmp_path / "csv"), str(file)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    texts = [one.read_text("utf-8") for one in (tmp_path / "csv").glob("*.csv")]
    assert len(texts) == 3  # summary and both layers
    assert any("=1+1" in text for text in texts)
    assert any("=1+2" in text for text in texts)


def test_another_suffix_is_refused_before_anything_is_written(
    survey: Survey, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=r"\.html、\.xlsx"):
        write_problem_report([], survey, tmp_path / "report.pdf", layers=())
    assert list(tmp_path.iterdir()) == []


def rules_document() -> str:
    """The table of ``docs/checks.md`` as the rules stand."""
    severities = {"error": "error 错误", "warning": "warning 提醒", "note": "note 提示"}
    head = "| rule | severity | meaning | 含义 | repair |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{one.rule_id}` | {severities[one.severity]} | {one.en} | {one.zh} |"
        f" {'' if one.repair is None else REPAIRS[one.repair][1]} |\n"
        for one in check_rules().values()
    )


def test_the_page_of_rules_is_that_of_the_code() -> None:
    assert rules_document() in (REPOSITORY / "docs/checks.md").read_text("utf-8")


def test_every_rule_of_the_table_is_used_by_a_check_and_no_other() -> None:
    modules = [*(REPOSITORY / "layers").glob("*check*.py")]
    used = {
        name
        for file in modules
        for name in re.findall(r'"([a-z_]+)"', file.read_text("utf-8"))
        if name in check_rules()
    }
    assert used == set(check_rules())
