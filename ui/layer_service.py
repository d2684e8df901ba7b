"""What the page of layers does with files; the only module of the page that knows the readers.

A file is read once for each choice of layer; what was read stays with the visitor's session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from language import spoken
from layers.conforming import Conformed
from layers.crs_detection import Candidate, detect_crs
from layers.fields import layer_definition
from layers.imports import ImportResult, Taking
from layers.mapping import Proposal, propose_mapping
from layers.raw import RawLayer
from layers.reading import read_layer
from layers.store import Workspace
from ui.uploads import Upload


@dataclass(frozen=True)
class Wishes:
    """How a visitor wants a file to be taken; ``upload`` is the key of the file."""

    layer: str
    source_layer: str | None = None
    crs: str | None = None
    swap_axes: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    make_ids: bool = False
    append: bool = False
    upload: str = ""

    @property
    def key(self) -> str:
        """Equal for equal wishes, as they are answered in one language."""
        return f"{spoken()} {self!r}"

    def taking(self, upload: Upload) -> Taking:
        """The same as a workspace asks for it."""
        return {
            "source_layer": self.source_layer,
            "points": upload.beside,
            "crs": self.crs,
            "swap_axes": self.swap_axes,
            "mapping": self.mapping,
            "constants": self.constants,
            "make_ids": self.make_ids,
        }


def read_once(upload: Upload, layer: str, source_layer: str | None) -> RawLayer:
    """What stands in an upload, read again only where another part of it is wanted."""
    key = (upload.key, layer, source_layer, spoken())
    if st.session_state.get("read_key") != key:
        raw = read_layer(upload.main, source_layer=source_layer, layer=layer, beside=upload.beside)
        st.session_state["read"], st.session_state["read_key"] = raw, key
    found: RawLayer = st.session_state["read"]
    return found


def proposals(raw: RawLayer, layer: str, workspace: Path) -> list[Proposal]:
    """The columns that may be meant by each field, those of an earlier file included."""
    before = Workspace.open(workspace).remembered(raw, layer).mapping
    return propose_mapping(raw, layer_definition(layer), before)


def candidates(raw: RawLayer, layer: str, workspace: Path) -> tuple[Candidate, ...]:
    """What the coordinates may be in, the likeliest first."""
    opened = Workspace.open(workspace)
    return detect_crs(raw, target=opened.crs, home=opened.surroundings(but=layer).home)


def try_out(upload: Upload, wishes: Wishes, workspace: Path) -> Conformed:
    """The file as the layer that it would be; nothing is stored."""
    return Workspace.open(workspace).try_import(
        wishes.layer, upload.main, append=wishes.append, **wishes.taking(upload)
    )


def store(
    upload: Upload,
    wishes: Wishes,
    workspace: Path,
    *,
    data_class: str,
    accept_valid: bool,
    answers: str | None,
    author: str,
    progress: Callable[[str], None],
) -> ImportResult:
    """Store an upload as the next version of a layer."""
    return Workspace.open(workspace).import_layer(
        wishes.layer,
        upload.main,
        append=wishes.append,
        accept_valid=accept_valid,
        answers=answers,
        data_class=data_class,
        author=author,
        progress=progress,
        **wishes.taking(upload),
    )
