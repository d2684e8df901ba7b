"""Import or refuse every file of a folder, and print one table of what became of each.

    python docs/examples/import_everything.py RECIPES.csv FOLDER

RECIPES.csv has a row for each file: ``file`` in the folder, the ``layer`` to import it as, and,
where a user would have to say so, ``source_layer``, ``crs``, ``set`` (field=value, several with a
space between) and ``workspace_crs``, where the workspace lies. Each file gets a workspace of its
own in a temporary folder, with ids made where it has none, and rows in error kept beside.

Printed are rows in, rows stored, rows reported (rejected or left out), and what was told; exit 0 if
nothing was lost: every row of a file is stored or reported.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import layers.gdal_safety  # noqa: F401  (before any reader is loaded)
from layers.errors import LayerError, ReadError
from layers.store import ImportResult, Workspace

COUNTY = "411523_xinxian"


@dataclass(frozen=True)
class Fate:
    """What became of a file: rows of it, rows stored and rows reported; refused without rows."""

    file: str
    layer: str
    outcome: str
    rows_in: int | None
    stored: int | None
    reported: int | None
    told: str

    @property
    def is_whole(self) -> bool:
        """Whether every row was stored or reported; a row of several lines is stored as several."""
        if self.rows_in is None or self.stored is None or self.reported is None:
            return self.outcome == "refused" and bool(self.told)
        return self.stored + self.reported >= self.rows_in


def import_all(recipes: Iterable[Mapping[str, str]], folder: Path) -> Iterator[Fate]:
    """Import each file into a workspace of its own and yield what became of it."""
    for recipe in recipes:
        with tempfile.TemporaryDirectory(prefix="tonggou-everything-") as place:
            workspace = Workspace.create(Path(place) / "w", COUNTY, recipe["workspace_crs"])
            yield _fate(recipe, workspace, folder / recipe["file"])


def _fate(recipe: Mapping[str, str], workspace: Workspace, file: Path) -> Fate:
    name, layer = recipe["file"], recipe["layer"]
    constants = dict(pair.split("=", 1) for pair in recipe["set"].split())
    try:
        result = workspace.import_layer(
            layer,
            file,
            source_layer=recipe["source_layer"] or None,
            crs=recipe["crs"] or None,
            constants=constants,
            make_ids=True,
            accept_valid=True,
        )
    except (ReadError, LayerError) as error:
        return Fate(name, layer, "refused", None, None, None, str(error).splitlines()[0])
    return Fate(
        name, layer, "stored", result.rows_in, result.rows, _reported(result), _told(result)
    )


def _reported(result: ImportResult) -> int:
    """Rows that were not stored, each of them told of."""
    left_out = (result.rows_in or 0) - result.rejected - result.rows
    told = any(problem.row is None for problem in result.problems)
    return result.rejected + (max(left_out, 0) if told else 0)


def _told(result: ImportResult) -> str:
    problems = [problem.message for problem in result.problems[:1]]
    return ";".join([*result.notes, *problems])


def main() -> int:
    """Print the table; 1 if a row was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("recipes", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    with given.recipes.open(encoding="utf-8", newline="") as text:
        recipes = list(csv.DictReader(text))
    lost = 0
    print("file | layer | outcome | in | stored | reported | told")
    for fate in import_all(recipes, given.folder):
        numbers = ("" if n is None else str(n) for n in (fate.rows_in, fate.stored, fate.reported))
        print(" | ".join([fate.file, fate.layer, fate.outcome, *numbers, fate.told]), flush=True)
        lost += not fate.is_whole
    return min(lost, 1)


class _Plain(argparse.RawDescriptionHelpFormatter):
    """The text above as it stands."""


if __name__ == "__main__":
    sys.exit(main())
