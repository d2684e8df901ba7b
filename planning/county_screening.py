"""The screening of a county, kept in its workspace as long as nothing it was made from differs.

What it is made from is its key: the hashes of all layer versions, the applications, the day of
digging, and the program with its rules. Where only layers or applications differ from those of a
kept one, that is taken to the survey of now: what they cannot have changed is not solved again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from language import gettext as _
from language import message_of
from layers.errors import WorkspaceError
from layers.kept_tables import Key, name_of
from layers.placing import crs_name
from layers.product import product_digest
from layers.store import Workspace
from layers.survey import LayerVersion, Survey
from layers.utilities import load_utilities
from planning.application import Application, ApplicationError, parse_application
from planning.batch import cases_of, screen
from planning.groundwork import Groundwork, placed, prepare
from planning.local_edits import edited
from planning.policies import load_policy
from planning.rescreening import Screened, rescreened
from planning.survey_changes import IncomparableError, changes

log = logging.getLogger(__name__)
Document = Mapping[str, Any]
KEPT, TAKEN_ON, ANEW = "kept", "taken_on", "anew"
# Of a key: what a kept screening may differ in and still be taken on.
_MAY_DIFFER = ("layers", "applications")


@dataclass(frozen=True)
class CountyScreening:
    """A screening of all parcels and applications.

    Attributes
    ----------
    table
        As ``planning.batch.screen`` gives it, with the routes.
    origin
        ``kept``: as it lay in the workspace. ``taken_on``: one that was kept, taken to the survey
        of now; ``table.attrs["solved_anew"]`` tells how many pairs were solved. ``anew``: made
        from nothing; ``table.attrs["one_by_one"]`` as of ``screen``.
    notes
        What the user should know, as messages: a damaged file, a full disk.
    """

    table: pd.DataFrame
    origin: str
    notes: tuple[str, ...] = ()


def readable(documents: Iterable[Document]) -> tuple[list[Application], list[str]]:
    """The applications that can be read, and messages of what is wrong with any of them."""
    found: list[Application] = []
    faults: list[str] = []
    for document in documents:
        try:
            found.append(parse_application(document, tolerant=True))
        except ApplicationError as error:
            faults.append(message_of(error))
        else:
            faults += found[-1].impossible.values()
    return found, faults


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the screening of a county is made from.

    ``survey`` is that of the workspace as it was read, with the versions of its layers;
    ``documents`` are all applications; ``dig_date`` is the day of digging for parcels without one.
    """

    workspace: Workspace
    survey: Survey
    documents: Sequence[Document]
    dig_date: date

    @cached_property
    def key(self) -> Key:
        """All of it by hashes, but the applications by their words, with the program's own."""
        layers = {name: [one.version, one.sha256] for name, one in self.survey.versions.items()}
        return {
            "county": self.survey.county,
            "crs": crs_name(self.survey.crs),
            "layers": dict(sorted(layers.items())),
            "applications": list(self.documents),
            "dig_date": self.dig_date.isoformat(),
            "product": product_digest(),
        }

    @cached_property
    def name(self) -> str:
        """The name of the key."""
        return name_of(self.key)

    @cached_property
    def applications(self) -> list[Application]:
        """Those that can be read."""
        return readable(self.documents)[0]

    def cases(self, parcels: Sequence[str] | None = None) -> list[Application]:
        """All cases, or those of some parcels, in the order of the rows."""
        return cases_of(self.survey, self.applications, self.dig_date, parcels)

    @cached_property
    def places(self) -> list[Application]:
        """The applications whose gates can be joined to the corridors."""
        return placed(self.survey, self.applications)[0]

    def work(self) -> Groundwork:
        """The corridors, made ready."""
        return prepare(self.survey, load_policy(self.survey.county), self.places)


def kept_screening(inputs: Inputs) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """The kept table that was made from just this, or None; a message for every damaged file.

    Damaged files are removed, so that they are told of once.
    """
    kept, notes = inputs.workspace.screenings, []
    while (file := kept.named(inputs.name)) is not None:
        try:
            table = kept.read(file, inputs.key)
        except WorkspaceError as error:
            kept.forget(file)
            notes.append(_("保存的筛查 {}已弃用。").format(error))
            if kept.named(inputs.name) == file:  # it may not be removed
                break
        else:
            if table is not None:
                return table, tuple(notes)
    return None, tuple(notes)


def screen_county(
    inputs: Inputs,
    parcels: Sequence[str] | None = None,
    utilities: Sequence[str] | None = None,
    *,
    anew: bool = False,
    progress: Callable[[int], None] | None = None,
) -> CountyScreening:
    """The screening of a county, kept from now on; or of a part of it.

    Parameters
    ----------
    parcels, utilities
        Only these. A part is taken out of the whole where that is kept, and else screened by
        itself and not kept.
    anew
        Make it from nothing, whatever is kept.
    progress
        Told how many (case, utility) pairs were solved, or need not be, since the last call;
        nothing where the screening was kept.
    """
    is_whole = parcels is None and utilities is None
    table, notes = (None, ()) if anew else kept_screening(inputs)
    if table is not None:
        part = table if is_whole else _part(table, inputs, parcels, utilities)
        return CountyScreening(part, KEPT, notes)
    if not is_whole:
        table = screen(inputs.work(), inputs.cases(parcels), utilities, progress)
        return CountyScreening(table, ANEW, notes)
    made = None if anew else _taken_on(inputs, progress)
    table, origin = made or (screen(inputs.work(), inputs.cases(), progress=progress), ANEW)
    try:
        inputs.workspace.screenings.keep(inputs.key, table, inputs.survey.crs)
    except OSError as error:
        notes += (_("筛查未能保存在工作区({}),下次须重新筛查。").format(error),)
    return CountyScreening(table, origin, notes)


def _part(
    table: pd.DataFrame,
    inputs: Inputs,
    parcels: Sequence[str] | None,
    utilities: Sequence[str] | None,
) -> pd.DataFrame:
    """The rows of some parcels and utilities, in the order in which ``screen`` gives them."""
    every = list(load_utilities())
    wanted = set(parcels or ())
    cases = [
        number
        for number, case in enumerate(inputs.cases())
        if parcels is None or case.parcel_id in wanted
    ]
    places = [every.index(utility) for utility in utilities or every]
    rows = [number * len(every) + place for number in cases for place in places]
    return table.iloc[rows].reset_index(drop=True)


def _taken_on(
    inputs: Inputs, progress: Callable[[int], None] | None
) -> tuple[pd.DataFrame, str] | None:
    """The newest kept screening that differs in features or applications only, taken to now.

    None where there is none, or its survey cannot be had any more. Where the edits reach too far
    to be treated locally all is solved, on the ground that is made ready by then.
    """
    before = next(_screened_then(inputs), None)
    if before is None:
        return None
    edit = edited(before.work, inputs.survey, inputs.places)
    if edit.is_local:
        return rescreened(before, edit, inputs.cases(), progress).table, TAKEN_ON
    log.info("the kept screening is not taken on: %s", edit.why_whole)
    return screen(edit.work, inputs.cases(), progress=progress), ANEW


def _screened_then(inputs: Inputs) -> Iterator[Screened]:
    """Kept screenings that can be taken to this survey, newest first, as they were made."""
    utilities = list(load_utilities())
    for file, made_from in inputs.workspace.screenings.listed():
        if _but(made_from) != _but(inputs.key):
            continue
        try:
            then = _then(inputs, made_from)
            changes(then.survey, inputs.survey)
            cases = then.cases()
            table = inputs.workspace.screenings.read(file, made_from)
        # Versions that are gone, surveys that cannot be compared, keys that are none of ours.
        except (ValueError, KeyError, TypeError, AttributeError, IncomparableError) as reason:
            log.info("kept screening %s is not taken on: %s", file.name, reason)
            continue
        is_whole = table is not None and len(table) == len(cases) * len(utilities)
        if table is not None and is_whole:
            yield Screened(then.work(), cases, utilities, table)


def _but(key: Key) -> dict[str, Any]:
    """What a kept screening must have been made from like the one that is wanted."""
    return {name: value for name, value in key.items() if name not in _MAY_DIFFER}


def _then(inputs: Inputs, made_from: Key) -> Inputs:
    """What a kept screening was made from; layers that are the same still are not read again.

    Raises ``LayerError`` or ``WorkspaceError`` where a version is not there as it was.
    """
    survey, workspace = inputs.survey, inputs.workspace
    said = dict(made_from["layers"])
    versions = {name: _version_then(workspace, name, *one) for name, one in said.items()}
    now = {name: one.sha256 for name, one in survey.versions.items()}
    tables = {
        name: survey.tables[name] if now.get(name) == one.sha256 else workspace.read(one)
        for name, one in versions.items()
    }
    then = Survey(survey.crs, tables, survey.county, survey.synthetic, versions)
    return Inputs(workspace, then, made_from["applications"], inputs.dig_date)


def _version_then(workspace: Workspace, layer: str, number: int, sha256: str) -> LayerVersion:
    found = workspace.version(layer, number)
    if found.sha256 != sha256:
        raise WorkspaceError(f"version {number} of {layer} is another one")
    return found
