"""A workspace to look at from the first minute: the sample county.

Made in a folder beside the wished one and renamed when it is complete, so that a start that
is broken off leaves nothing half done.
"""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from language import gettext as _
from layers.errors import WorkspaceError
from layers.store import Workspace

log = logging.getLogger(__name__)
SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"
COUNTY, CRS = "411523_xinxian", "EPSG:4547"


def ready_workspace(path: Path, sample: Path = SAMPLE) -> Path:
    """Give the workspace at ``path``; make it from the sample county if there is nothing there.

    Raises
    ------
    WorkspaceError
        The folder exists, has something in it and is no workspace.
    """
    if _occupied(path):
        return Workspace.open(path).path
    return make_sample(path, sample).path


def make_sample(path: Path, sample: Path = SAMPLE) -> Workspace:
    """Make a workspace of the sample county at ``path``, whole or not at all.

    Raises
    ------
    WorkspaceError
        The folder has something in it.
    """
    if _occupied(path):
        raise WorkspaceError(
            _("{}:已有内容,不能新建工作区。请换一个不存在或空的文件夹。").format(path)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sample-", dir=path.parent) as draft:
        made = Path(draft) / "workspace"
        fill(Workspace.create(made, COUNTY, CRS, synthetic=True), sample)
        try:
            made.rename(path)
        except OSError:  # another start was quicker
            log.info("workspace %s was made meanwhile", path)
    return Workspace.open(path)


def _occupied(path: Path) -> bool:
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


def fill(workspace: Workspace, sample: Path) -> None:
    """Import every layer of the sample county and its applications."""
    file = sample / "county.gpkg"
    with closing(connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        names = [name for (name,) in database.execute("SELECT table_name FROM gpkg_contents")]
    for name in sorted(names):
        workspace.import_layer(name, file, source_layer=name, data_class="public")
    for application in sorted((sample / "applications").glob("*.json")):
        workspace.save_application(json.loads(application.read_text(encoding="utf-8")))
