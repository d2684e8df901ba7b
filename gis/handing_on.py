"""Handing on: what one object found once is given to another for which it holds as well."""

from __future__ import annotations

from collections.abc import Iterable


def hand_on(before: object, after: object, names: Iterable[str]) -> None:
    """Give the cached properties of some names that ``before`` has made to ``after``."""
    found = vars(before)
    vars(after).update({name: found[name] for name in names if name in found})
