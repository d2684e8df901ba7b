"""No text can leave its place in HTML, an attribute or a JavaScript string."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.escape import esc

HOSTILE = [
    "<img src=x onerror='window.PWN=1'>",
    "<script>window.PWN=1</script>",
    "${window.PWN=1}",
    "`+(window.PWN=1)+`",
    "'+(window.PWN=1)+'",
    '"+(window.PWN=1)+"',
    "\\u003cimg src=x>",
    "</script><script>window.PWN=1</script>",
    "{{7*7}}",
    "javascript:window.PWN=1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_keeps_no_character_that_acts(text: str) -> None:
    assert not set(esc(text)) & set("<>\"'`\\$")


@given(st.text())
def test_any_text_keeps_no_character_that_acts(text: str) -> None:
    assert not set(esc(text)) & set("<>\"'`\\$\n\r\u2028\u2029\x00")


@given(st.text(alphabet="宗地 abc012<>&\"'$`\\-。"))
def test_the_reader_sees_the_same_text(text: str) -> None:
    assert html.unescape(esc(text)) == text


def test_direction_marks_and_control_characters_are_left_out() -> None:
    assert esc("DN\u202e003\u200b\x07\x00") == "DN003"


def test_nothing_is_an_empty_text() -> None:
    assert esc(None) == ""
