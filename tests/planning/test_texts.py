"""Words of a plan: Chinese wherever they are kept, said anew in another language."""

from __future__ import annotations

import copy
import json
import pickle

from language import Text, said_anew
from planning.texts import all_said
from planning.texts import gettext as _

ENGLISH = {"管径 {size},长 {m:.1f} 米": "size {size}, {m:.1f} m long", "北侧": "north side",
           ";太短": "; too short", "、": ", ", "给水": "Water"}  # fmt: skip


def english(word: str) -> str:
    return ENGLISH.get(word, word)


def test_a_text_is_said_with_its_values_and_the_words_among_them() -> None:
    text = _("管径 {size},长 {m:.1f} 米").format(size=_("北侧"), m=2.0)
    assert text == "管径 北侧,长 2.0 米"
    assert said_anew(text, english) == "size north side, 2.0 m long"


def test_texts_that_were_joined_or_added_are_said_part_by_part() -> None:
    assert said_anew(_("北侧") + _(";太短"), english) == "north side; too short"
    assert said_anew(_("、").join([_("北侧"), "给水", "W-1"]), english) == "north side, Water, W-1"
    assert _("、").join([]) == ""
    longer = (_("管径 {size},长 {m:.1f} 米") + _(";太短")).format(size=3, m=1.0)
    assert said_anew(longer, english) == "size 3, 1.0 m long; too short"


def test_names_that_hold_braces_stay_as_they_are() -> None:
    assert said_anew(_("{} {}").format("{x}", _("北侧")), english) == "{x} north side"


def test_a_text_is_a_string_in_files_and_keeps_its_making_in_copies() -> None:
    text = _("管径 {size},长 {m:.1f} 米").format(size=3, m=2.0)
    assert json.dumps([text], ensure_ascii=False) == '["管径 3,长 2.0 米"]'
    for other in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert isinstance(other, Text)
        assert said_anew(other, english) == "size 3, 2.0 m long"


def test_only_texts_are_said_anew_never_names_of_the_layers() -> None:
    plan = {"name": "给水", "said": [_("给水")], "xy": [1.0, 2.0], "none": None}
    assert all_said(plan, english) == {"name": "给水", "said": ["Water"], "xy": [1.0, 2.0],
                                       "none": None}  # fmt: skip
