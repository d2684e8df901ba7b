"""PostgreSQL databases that keep workspaces: their addresses, engines and words for errors.

A password is part of an address and never of a message.
"""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa

from language import gettext as _
from layers.errors import WorkspaceError

_DRIVER = "postgresql+psycopg"
_KINDS = ("postgresql", "postgres", _DRIVER)
_OPTIONS = {
    "connect_timeout": 10,
    "application_name": "tonggou",
    # One import holds the lock for well under a second; a client that hangs loses it.
    "options": "-c lock_timeout=30s -c idle_in_transaction_session_timeout=10min",
}
_usual: str | None = None


def use(url: str | None) -> None:
    """Take the database of this installation: for workspaces that are made or opened without one.

    Raises ``WorkspaceError`` for an address of another kind.
    """
    global _usual
    if url is not None:
        _parsed(url)
    _usual = url


def usual() -> str | None:
    """The database of this installation, None where workspaces keep everything in their folder."""
    return _usual


@lru_cache(maxsize=16)
def engine(url: str, schema: str) -> sa.Engine:
    """An engine whose tables without a schema lie in ``schema``; every use connects anew."""
    made = sa.create_engine(_parsed(url), poolclass=sa.NullPool, connect_args=_OPTIONS)
    return made.execution_options(schema_translate_map={None: schema})


def shown(url: str) -> str:
    """The address without its password, for messages."""
    return _parsed(url).set(drivername="postgresql").render_as_string(hide_password=True)


def password(url: str) -> str | None:
    """The password in an address, if it has one."""
    secret = _parsed(url).password
    return None if secret is None else str(secret)


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _KINDS or not parsed.database:
        raise WorkspaceError(
            _("TONGGOU_DATABASE_URL 须写作 postgresql://用户:口令@主机:端口/数据库。请改正。")
        ) from None
    return parsed.set(drivername=_DRIVER)
