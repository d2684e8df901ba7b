"""Trace 溯源: every number of a plan leads to formula, features with their versions, and rule.

The table of ``trace_sources`` says of every kind of number, by its place in ``plan.json``, what it
is computed from; here the places of one plan are found and told apart only where their sources
differ. Coordinates of geometry trace to their layer and are left out.

A path is a JSON pointer (RFC 6901) in which the segment ``*`` stands for any one segment, and
``**`` at its end for one or more: ``/utilities/0/routes/*/length_m``. Where several paths fit a
number, the first entry counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planning.trace_inputs import Feature, Place, Rule
from planning.trace_sources import SOURCES, Source

if TYPE_CHECKING:
    from layers.survey import Survey

Pointer = tuple[str, ...]
# What holds nothing but coordinates.
_GEOMETRY = ("geometry", "strip", "coordinates")


@dataclass(frozen=True)
class _Told:
    """What one number is traced to."""

    formula: str
    inputs: tuple[Feature, ...]
    rule: Rule | None


def trace(document: Mapping[str, Any], survey: Survey) -> list[dict[str, Any]]:
    """Entries for every number of a plan document, as ``plan.json`` carries them.

    A number whose kind has no row in the table has no entry; a test keeps that from happening.
    """
    found: dict[int, dict[Pointer, _Told]] = {}
    kinds: dict[Pointer, int | None] = {}
    for pointer in numbers(document):
        kind = tuple("*" if segment.isdigit() else segment for segment in pointer)
        if kind not in kinds:
            kinds[kind] = _kind_of(pointer)
        row = kinds[kind]
        if row is None:
            continue
        source = SOURCES[row]
        held, path = found.setdefault(row, {}), _own_path(source, pointer)
        if path not in held:
            bound = _match(source.pattern, pointer) or {}
            held[path] = _tell(source, Place(document, survey, pointer, bound))
    entries = []
    for number in sorted(found):
        entries += _together(SOURCES[number], found[number])
    versions = {one["layer"]: one for one in document["layers"]}
    return [_entry(path, told, versions) for path, told in entries]


def numbers(value: Any, pointer: Pointer = ()) -> Iterator[Pointer]:
    """Pointers of all numbers in plain values, those of geometry left out."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name not in _GEOMETRY:
                yield from numbers(part, (*pointer, str(name)))
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from numbers(part, (*pointer, str(number)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield pointer


def fits(path: str, pointer: Pointer) -> bool:
    """Whether a path of the trace stands for a pointer."""
    return _match(path.split("/")[1:], pointer) is not None


def _match(pattern: Sequence[str], pointer: Pointer) -> dict[str, str] | None:
    """Names bound by ``{name}`` segments where a pattern fits a pointer; None where not."""
    if pattern[-1] == "**":
        if len(pointer) < len(pattern):
            return None
        pattern = pattern[:-1]
    elif len(pattern) != len(pointer):
        return None
    bound = {}
    for wanted, segment in zip(pattern, pointer, strict=False):
        if wanted.startswith("{"):
            bound[wanted[1:-1]] = segment
        elif wanted not in ("*", segment):
            return None
    return bound


def _kind_of(pointer: Pointer) -> int | None:
    """Number of the first source that fits."""
    fitting = (n for n, one in enumerate(SOURCES) if _match(one.pattern, pointer) is not None)
    return next(fitting, None)


def _tell(source: Source, place: Place) -> _Told:
    rule = source.rule(place) if callable(source.rule) else source.rule
    inputs = tuple(dict.fromkeys(source.inputs(place)))
    formula = source.formula(place) if callable(source.formula) else source.formula
    return _Told(formula, inputs, rule)


def _own_path(source: Source, pointer: Pointer) -> Pointer:
    """The source's path with the names bound by one pointer put in."""
    pairs = zip(source.pattern, pointer, strict=False)
    return tuple(segment if wanted.startswith("{") else wanted for wanted, segment in pairs)


def _together(source: Source, told: Mapping[Pointer, _Told]) -> list[tuple[Pointer, _Told]]:
    """Put ``*`` for every segment that the sources of a kind do not hang on, last ones first.

    A segment is put together with its neighbours where all that stands below them is told alike:
    else a path with ``*`` would stand for numbers that are told otherwise.
    """
    names = [at for at, wanted in enumerate(source.pattern) if wanted.startswith("{")]
    for at in reversed(names):
        parts: dict[Pointer, dict[str, dict[Pointer, _Told]]] = {}
        for path, one in told.items():
            below = parts.setdefault(path[:at], {}).setdefault(path[at], {})
            below[path[at + 1 :]] = one
        merged: dict[Pointer, _Told] = {}
        for before, found in parts.items():
            first, *others = found.values()
            alike = all(one == first for one in others)
            for segment, below in ({"*": first} if alike else found).items():
                merged |= {(*before, segment, *after): one for after, one in below.items()}
        told = merged
    return list(told.items())


def _entry(path: Pointer, told: _Told, versions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    unknown: Mapping[str, Any] = {"version": None, "sha256": None}
    return {
        "path": "/" + "/".join(path),
        "formula": told.formula,
        "inputs": [
            {
                "layer": one.layer,
                "id": one.id,
                "field": one.field,
                "version": versions.get(one.layer, unknown)["version"],
                "sha256": versions.get(one.layer, unknown)["sha256"],
            }
            for one in told.inputs
        ],
        "rule": None if told.rule is None else {"file": told.rule.file, "ref": told.rule.ref},
    }
