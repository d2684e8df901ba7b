"""What is wrong with a text that should be JSON, in words: the parser of Python speaks English."""

from __future__ import annotations

from json import JSONDecodeError

from language import gettext as _
from language import said

# What reading JSON raises: a wrong text, one that is nested without end, or a number of thousands
# of digits.
NOT_JSON = (ValueError, RecursionError)

# By how the parser's message begins.
_WORDS = said(
    {
        "Expecting ',' delimiter": "缺少逗号,或括号没有合上",
        "Expecting ':' delimiter": "字段名后缺少冒号",
        "Expecting property name": "这里须为双引号括起的字段名(或多了一个逗号)",
        "Illegal trailing comma": "多了一个逗号",
        "Expecting value": "这里缺少值(文字须用双引号括起)",
        "Extra data": "JSON 已结束,后面还有内容",
        "Unterminated string": "文字的双引号没有合上",
        "Invalid control character": "文字中有换行或控制字符",
        "Invalid \\": "反斜杠写法有误(反斜杠本身须写两次)",
    }
)


def json_fault(error: Exception) -> str:
    """Where and why a text is no JSON, of one of ``NOT_JSON``."""
    if isinstance(error, JSONDecodeError):
        begins = (words for start, words in _WORDS.items() if error.msg.startswith(start))
        return _("第 {line} 行第 {column} 列:{why}").format(
            line=error.lineno, column=error.colno, why=next(begins, error.msg)
        )
    if isinstance(error, UnicodeDecodeError):
        return _("文字不是 UTF-8 编码")
    if isinstance(error, RecursionError):
        return _("嵌套过深")
    return _("数字过长")
