"""Every word that is shown or printed has English words, and is said in the language asked for."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import language
from layers.errors import ReadError
from layers.fields import LAYERS, layer_definition
from layers.reading import read_layer
from layers.utilities import load_utilities
from planning.application import ApplicationError, parse_application
from planning.policies import COUNTIES, PolicyError, load_policy, read_policy
from planning.texts import in_words
from reports.summary import ASSUMED, NO_SECOND
from tests.conftest import REPOSITORY
from tests.planned_town import documents, make_workspace
from ui import words

SPEAK = ("_", "said")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
BARE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")  # marks between words too
# The marks of lists and sentences too, and those that stand between words without any of their own.
WORDS = re.compile(r"[\u3001\u3002\u300c\u4e00-\u9fff]|^[;,:]$|^\(\{\}\)$")
MARKS = re.compile(r"[\u3000-\u303f\uff00-\uffef]")
MODULES = [file for folder in ("ui", "api") for file in sorted((REPOSITORY / folder).glob("*.py"))]


def words_outside_gettext(tree: ast.AST) -> Iterator[str]:
    """Chinese texts of a module that do not pass through ``_()``, docstrings aside."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPEAK:
            continue
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring:
            continue
        if isinstance(node, ast.Constant) and BARE.search(str(node.value)):
            yield str(node.value)
        yield from words_outside_gettext(node)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_chinese_words_pass_through_gettext(module: Path) -> None:
    outside = list(words_outside_gettext(ast.parse(module.read_text(encoding="utf-8"))))
    assert outside == (["中文"] if module.name == "language.py" else [])  # a language's own name


def test_a_bare_chinese_text_would_be_found() -> None:
    code = 'x = f"{y}宗地"; z = _("好"); w = "、".join(z)'
    assert list(words_outside_gettext(ast.parse(code))) == ["宗地", "、"]


def spoken_words(tree: ast.AST) -> set[str]:
    """Chinese texts inside ``_()`` and ``said()``."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SPEAK
    ]
    texts = {
        part.value
        for call in calls
        for part in ast.walk(call)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    return {text for text in texts if WORDS.search(text)}


def speaking_modules() -> list[Path]:
    """Every module that says something: to a reader now, or in a plan to be said later."""
    folders = ("gis", "layers", "planning", "reports", "ui", "api")
    found = [
        *REPOSITORY.glob("*.py"),
        *(f for one in folders for f in (REPOSITORY / one).glob("*.py")),
    ]
    speaks = "import gettext as _", "import said"
    return [one for one in sorted(found) if any(how in one.read_text("utf-8") for how in speaks)]


def words_of_the_data() -> set[str]:
    """Words of the rules that the page shows: outcomes, inputs, permits, utilities, layers."""
    policy = load_policy("411523_xinxian")
    named = [*policy.inputs.values(), *policy.permits, *load_utilities().values()]
    words = {
        *policy.outcomes.values(),
        *(one.zh for one in named),
        *ASSUMED.values(),
        *NO_SECOND.values(),
    }
    words |= {*policy.never_covered, *policy.reasons.values()}
    words |= {one.not_required_note for one in policy.permits if one.not_required_note}
    words |= {one.words for one in (*policy.guards, *policy.advisories)}
    words |= {one.permit_exception_note for one in policy.clauses if one.permit_exception_note}
    words = {one for one in words if WORDS.search(one)}
    return words | {layer_definition(name).zh for name in LAYERS}


@pytest.fixture
def english() -> Iterator[None]:
    language.speak("en")
    yield
    language.speak(None)


def test_no_word_is_missing_from_the_english_catalogue() -> None:
    known = words_of_the_data()
    for module in speaking_modules():
        known |= spoken_words(ast.parse(module.read_text(encoding="utf-8")))
    english = language.catalogue("en")
    assert sorted(word for word in known if not english.get(word)) == []
    assert sorted(set(english) - known) == []


def test_no_english_word_is_chinese_and_every_blank_keeps_its_place() -> None:
    for word, english in language.catalogue("en").items():
        # Names of columns, and what is to be written into a cell, are Chinese in every language.
        assert all(left in word for left in re.findall(r"[\u4e00-\u9fff]+", english)), word
        assert not MARKS.search(english), word
        blanks = [sorted(re.findall(r"\{[\w!:.,%+]*\}", text)) for text in (word, english)]
        assert blanks[0] == blanks[1], word


def test_guards_and_warnings_of_a_verdict_are_told_in_english(english: None) -> None:
    policy = load_policy("411523_xinxian")
    for one in (*policy.guards, *policy.advisories):
        finding = {"kind": "guard", "words": one.words, "quote": "条例第33条"}
        told = in_words([finding])[0]
        assert not CHINESE.search(told["words"])
        assert told["quote"] == "条例第33条"  # what is quoted stays as it was written


def test_an_error_of_a_file_is_told_in_english_across_the_process_that_reads_it(
    english: None, tmp_path: Path
) -> None:
    file = tmp_path / "a.geojson"
    file.write_text('{"type": "Point"}', "utf-8")
    with pytest.raises(ReadError, match=r"File a\.geojson: its type is .Point., it must be"):
        read_layer(file, source_layer=None, layer="lines")


def test_the_command_line_speaks_the_language_of_the_installation(tmp_path: Path) -> None:
    told = {}
    for spoken in ("en", "zh", "tlh"):
        told[spoken] = subprocess.run(
            [sys.executable, "-X", "utf8", "cli.py", "check", str(tmp_path)],
            cwd=REPOSITORY,
            env={**os.environ, "TONGGOU_LANGUAGE": spoken},
            capture_output=True,
            encoding="utf-8",
        )
    assert "not a workspace. Please make one by init first." in told["en"].stderr
    assert "不是工作区" in told["zh"].stderr
    assert [one.returncode for one in told.values()] == [2, 2, 1]


def test_errors_of_rules_and_of_several_demands_are_said_in_each_language(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(language, "_remembers", True)
    policy = tmp_path / "999999_test" / "policy.toml"
    policy.parent.mkdir()
    policy.write_text((COUNTIES / "411523_xinxian" / "policy.toml").read_text("utf-8"), "utf-8")
    policy.write_text(policy.read_text("utf-8").replace("schema = 2", "schema = 1", 1), "utf-8")
    demands = {"water": {"feeds": 0}, "gas": {"feeds": 0}}
    document = {"application_id": "A-1", "parcel_id": "P-1", "demands": demands}
    with pytest.raises(PolicyError) as of_rules:
        read_policy(policy)
    with pytest.raises(ApplicationError) as of_demands:
        parse_application(document, tolerant=True)
    for error in (of_rules.value, of_demands.value):
        told = language.in_each(error)
        assert told["zh"] == str(error)
        assert CHINESE.search(told["zh"])
        assert not CHINESE.search(told["en"]), told["en"]
    assert len(language.in_each(of_demands.value)["en"].splitlines()) == 2


def screen(place: Path, spoken: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "cli.py", "screen", str(place), *options],
        cwd=REPOSITORY,
        env={**os.environ, "TONGGOU_LANGUAGE": spoken},
        capture_output=True,
        encoding="utf-8",
    )


def test_problems_of_applications_are_told_another_program_in_each_language(tmp_path: Path) -> None:
    """One in no parcel, one with a demand that cannot be meant."""
    lost = documents()[0] | {"application_id": "BZ-9", "parcel_id": "P-9"}
    bad = documents()[0] | {"application_id": "BZ-8"}
    bad["demands"] = {**bad["demands"], "gas": {"feeds": 0}}
    made = make_workspace(tmp_path, None, [lost, bad])
    options = ("--parcels", "P-1", "--utilities", "telecom", "--out", str(tmp_path / "a.csv"))
    told = json.loads(screen(made, "zh", *options, "--every-language", "--json").stdout)["problems"]
    assert len(told) == 2
    for one in told:
        assert CHINESE.search(one["zh"])
        assert not CHINESE.search(one["en"]), one["en"]
    plain = json.loads(screen(made, "zh", *options, "--json").stdout)["problems"]
    assert plain == [one["zh"] for one in told]


def test_texts_for_another_program_leave_the_language_of_a_person_alone(tmp_path: Path) -> None:
    assert "not a workspace" in screen(tmp_path, "en", "--every-language").stderr


def test_what_a_catalogue_lacks_is_shown_in_chinese(english: None) -> None:
    assert language.gettext("宗地") == "Parcel"
    assert language.gettext("没有译文的一句") == "没有译文的一句"


def test_words_follow_the_language_that_is_spoken(english: None) -> None:
    assert words.CERTAINTY["firm"] == "firm"
    language.speak("zh")
    assert words.CERTAINTY["firm"] == "确定"


def test_a_language_without_catalogue_is_refused() -> None:
    with pytest.raises(language.LanguageError, match="TONGGOU_LANGUAGE"):
        language.start("tlh")
    language.speak("tlh")
    assert language.spoken() == "zh"


def test_catalogue_texts_may_be_broken_over_lines_and_hold_quotes() -> None:
    text = 'msgid ""\nmsgstr "Language: en\\n"\n\nmsgid "一"\n"二"\nmsgstr "one \\"two\\""\n'
    assert language.parse_po(text) == {"一二": 'one "two"'}


def test_layers_are_entries_with_a_capital_and_versions_have_authors() -> None:
    language.speak("en")
    try:
        assert words.layer_entry("nodes") == "Node"
        assert language.gettext("经办人") == "Author"
    finally:
        language.speak(None)
