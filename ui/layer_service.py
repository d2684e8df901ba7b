"""What the page of layers does with files; the only module of the page that knows the readers.

A file is read once for each choice of layer; what was read stays with the visitor's session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from layers.conforming import Conformed, conform
from layers.raw import RawLayer
from layers.reading import read_layer
from layers.store import ImportResult, Workspace
from ui.uploads import Upload


@dataclass(frozen=True)
class Wishes:
    """How a visitor wants a file to be taken."""

    layer: str
    source_layer: str | None = None
    crs: str | None = None
    swap_axes: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    append: bool = False

    @property
    def key(self) -> str:
        """Equal for equal wishes."""
        return repr(self)


def read_once(upload: Upload, layer: str, source_layer: str | None) -> RawLayer:
    """What stands in an upload, read again only where another part of it is wanted."""
    key = (upload.key, layer, source_layer)
    if st.session_state.get("read_key") != key:
        raw = read_layer(upload.main, source_layer=source_layer, layer=layer, beside=upload.beside)
        st.session_state["read"], st.session_state["read_key"] = raw, key
    found: RawLayer = st.session_state["read"]
    return found


def try_out(raw: RawLayer, wishes: Wishes, workspace: Path) -> Conformed:
    """The file as the layer that it would be; nothing is stored."""
    opened = Workspace.open(workspace)
    return conform(
        raw,
        wishes.layer,
        target=opened.crs,
        crs=wishes.crs,
        mapping=wishes.mapping,
        constants=wishes.constants,
    )


def store(
    upload: Upload,
    wishes: Wishes,
    workspace: Path,
    *,
    data_class: str,
    accept_valid: bool,
    author: str,
    progress: Callable[[str], None],
) -> ImportResult:
    """Store an upload as the next version of a layer."""
    return Workspace.open(workspace).import_layer(
        wishes.layer,
        upload.main,
        source_layer=wishes.source_layer,
        points=upload.beside,
        crs=wishes.crs,
        mapping=wishes.mapping,
        constants=wishes.constants,
        append=wishes.append,
        accept_valid=accept_valid,
        data_class=data_class,
        author=author,
        progress=progress,
    )
