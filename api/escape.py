"""One way to make a text harmless before it reaches the map or the page."""

from __future__ import annotations

import html
import unicodedata

# Template literals (`${...}`) run even after HTML escaping where a library pastes text into
# JavaScript, so their characters become entities too.
_EXTRA = str.maketrans({"$": "&#36;", "`": "&#96;", "\\": "&#92;"})


def esc(value: object) -> str:
    """Text of ``value`` that is safe inside HTML, an HTML attribute and a JavaScript string.

    None gives an empty text. Control and format characters (also direction marks, which can
    make a text read as another one) are left out; line ends become spaces.
    """
    if value is None:
        return ""
    text = "".join(
        " " if char in "\r\n\t\u2028\u2029" else char
        for char in str(value)
        if char in "\r\n\t\u2028\u2029" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}
    )
    return html.escape(text, quote=True).translate(_EXTRA)
