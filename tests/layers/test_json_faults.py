"""What is wrong with a text that is no JSON, by line, column and cure."""

from __future__ import annotations

import json

import pytest

import language
from layers.json_faults import NOT_JSON, json_fault


def fault(text: str | bytes) -> str:
    with pytest.raises(NOT_JSON) as found:
        json.loads(text)
    return json_fault(found.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "第 1 行第 1 列:这里缺少值(文字须用双引号括起)"),
        ("{", "第 1 行第 2 列:这里须为双引号括起的字段名(或多了一个逗号)"),
        ("{'a': 1}", "第 1 行第 2 列:这里须为双引号括起的字段名(或多了一个逗号)"),
        ('{"a": 1,\n "b": [1, 2}', "第 2 行第 12 列:缺少逗号,或括号没有合上"),
        ('{"a" 1}', "第 1 行第 6 列:字段名后缺少冒号"),
        ('{"a": }', "第 1 行第 7 列:这里缺少值(文字须用双引号括起)"),
        ('{"a": "x}', "第 1 行第 7 列:文字的双引号没有合上"),
        ('{"a": "x\n"}', "第 1 行第 9 列:文字中有换行或控制字符"),
        (r'{"a": "C:\dir"}', "第 1 行第 10 列:反斜杠写法有误(反斜杠本身须写两次)"),
        ("{} {}", "第 1 行第 4 列:JSON 已结束,后面还有内容"),
        ("[" * 100_000, "嵌套过深"),
        ("1" * 5_000, "数字过长"),
        (b"\xff\xfe\xff", "文字不是 UTF-8 编码"),
    ],
)
def test_the_place_and_the_cure_are_told(text: str | bytes, words: str) -> None:
    assert fault(text) == words


def test_english_is_told_by_the_switch() -> None:
    language.speak("en")
    try:
        assert fault("{} {}") == "line 1, column 4: the JSON has ended, and more follows"
    finally:
        language.speak(None)
