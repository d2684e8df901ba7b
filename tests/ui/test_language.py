"""Every word that the page shows, its own and the planner's, has English words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from layers.fields import LAYERS, layer_definition
from layers.utilities import load_utilities
from planning.policies import load_policy
from reports.summary import ASSUMED, NO_SECOND
from tests.conftest import REPOSITORY
from ui import language, words

SPEAK = ("_", "said")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORDS = re.compile(r"[\u3001\u4e00-\u9fff]")  # the mark between two names of a list too
MODULES = [file for folder in ("ui", "api") for file in sorted((REPOSITORY / folder).glob("*.py"))]


def words_outside_gettext(tree: ast.AST) -> Iterator[str]:
    """Chinese texts of a module that do not pass through ``_()``, docstrings aside."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPEAK:
            continue
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring:
            continue
        if isinstance(node, ast.Constant) and CHINESE.search(str(node.value)):
            yield str(node.value)
        yield from words_outside_gettext(node)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_chinese_words_pass_through_gettext(module: Path) -> None:
    outside = list(words_outside_gettext(ast.parse(module.read_text(encoding="utf-8"))))
    assert outside == (["中文"] if module.name == "language.py" else [])  # a language's own name


def test_a_bare_chinese_text_would_be_found() -> None:
    assert list(words_outside_gettext(ast.parse('x = f"{y}宗地"; z = _("好")'))) == ["宗地"]


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


def modules_of_the_planner() -> list[Path]:
    """Modules whose words a plan carries; errors of others go to the command line."""
    found = [*sorted((REPOSITORY / "planning").glob("*.py"))]
    return [one for one in found if "from planning.texts import gettext" in one.read_text("utf-8")]


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
    for module in [*MODULES, *modules_of_the_planner()]:
        known |= spoken_words(ast.parse(module.read_text(encoding="utf-8")))
    english = language.catalogue("en")
    assert sorted(word for word in known if not english.get(word)) == []
    assert sorted(set(english) - known) == []


def test_no_english_word_is_chinese_and_every_blank_keeps_its_place() -> None:
    for word, english in language.catalogue("en").items():
        assert not CHINESE.search(english), word
        blanks = [sorted(re.findall(r"\{[^}]*\}", text)) for text in (word, english)]
        assert blanks[0] == blanks[1], word


def test_guards_and_warnings_of_a_verdict_are_told_in_english(english: None) -> None:
    policy = load_policy("411523_xinxian")
    for one in (*policy.guards, *policy.advisories):
        finding = {"kind": "guard", "words": one.words, "quote": "条例第33条"}
        told = language.in_words([finding])[0]
        assert not CHINESE.search(told["words"])
        assert told["quote"] == "条例第33条"  # what is quoted stays as it was written


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
