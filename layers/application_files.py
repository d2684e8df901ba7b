"""Applications 报装申请 as documents of a workspace: what they are called, and reading them."""

from __future__ import annotations

import json
from typing import Any

from language import gettext as _
from language import message_of
from layers.errors import WorkspaceError
from layers.json_faults import NOT_JSON, json_fault
from layers.names import APPLICATION_ID
from layers.storage import Storage

APPLICATIONS = "applications"


def application_document(application_id: object) -> str:
    """Name of an application's document; raise ``WorkspaceError`` for an id that is none."""
    if not isinstance(application_id, str) or not APPLICATION_ID.fullmatch(application_id):
        raise WorkspaceError(
            _(
                "报装申请编号“{}”不合规则:须为 1 至 80 个文字、数字、-、_ 或 .,且不以标点开头。"
            ).format(str(application_id)[:80])
        )
    return f"{APPLICATIONS}/{application_id}.json"


def read_applications(storage: Storage) -> tuple[list[dict[str, Any]], list[str]]:
    """All applications that can be read, ordered by id, and what is wrong with each other file."""
    found: list[dict[str, Any]] = []
    faults: list[str] = []
    for name in storage.names(APPLICATIONS):
        if not name.endswith(".json"):
            continue
        try:
            found.append(parsed(name, storage.document(name)))
        except WorkspaceError as error:
            faults.append(message_of(error))
    return found, faults


def parsed(document: str, content: bytes | None) -> dict[str, Any]:
    """Read an application; raise ``WorkspaceError`` if it is damaged or another one."""
    name = document.rpartition("/")[2].removesuffix(".json")
    try:
        application = json.loads(content or b"")
    except NOT_JSON as error:
        raise WorkspaceError(
            _("{}:不是 JSON({})。请改正,或从备份恢复。").format(document, json_fault(error))
        ) from None
    if not isinstance(application, dict) or application.get("application_id") != name:
        raise WorkspaceError(
            _("{}:不是编号为 {} 的报装申请。请从备份恢复或重新保存。").format(document, name)
        )
    return application
