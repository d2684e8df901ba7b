"""Short-lived tokens that let one page read the layers of one workspace.

Routes beside the page do not pass through the page's login, so every layer address carries a
signed token. The key lives as long as the process: a restart ends all tokens.
"""

from __future__ import annotations

import secrets

from itsdangerous import BadData, URLSafeTimedSerializer

LIFETIME_S = 3600  # the page renews it every RENEW_S while it is open
RENEW_S = 1200

_serializer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="layers")


def issue(workspace: str) -> str:
    """Token for reading the layers of ``workspace``."""
    return _serializer.dumps(workspace)


def is_valid(token: str, workspace: str, *, lifetime_s: int = LIFETIME_S) -> bool:
    """Tell whether ``token`` was issued here for ``workspace`` within ``lifetime_s``."""
    try:
        return bool(_serializer.loads(token, max_age=lifetime_s) == workspace)
    except BadData:
        return False
