"""Notes that a page shows: what was done, what cannot be done and why."""

from __future__ import annotations

import streamlit as st

from api.escape import esc


def alarm(head: str, text: str) -> None:
    """Say what cannot be done, and why; every line of the text stays a line."""
    body = "<br>".join(esc(line) for line in text.splitlines())
    st.html(f'<p class="tg-note-warn"><b>{esc(head)}</b> {body}</p>')


def told(text: str) -> None:
    """Say what was done."""
    body = "<br>".join(esc(line) for line in text.splitlines())
    st.html(f'<p class="tg-note-none">{body}</p>')
