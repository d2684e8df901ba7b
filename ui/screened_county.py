"""The county's screening on the page: at hand only while it is in force, in memory as kept.

In force is what was made from the layers, applications, rules and program of now for today; any
other is neither shown nor named. ``ui.screening_service`` makes one, by ``cli.py screen``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pyproj import Transformer
from shapely import transform
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from api.asked import SCREENING, Answer
from api.escape import esc
from api.view_layers import ViewLayer, outcome_layer
from gis.crs import WGS84, transformer
from language import gettext as _
from language import speak, spoken
from layers.errors import WorkspaceError
from layers.store import Workspace
from layers.utilities import load_utilities
from planning.county_screening import Inputs
from planning.policies import load_policy
from planning.screened_lines import UNROUTABLE, Line, ScreenedLines, is_pair
from ui import words
from ui.county import County, open_county
from ui.numbers import metres

log = logging.getLogger(__name__)
_DECIMALS = 7  # of degrees: a centimetre
# From dark to light as from strict to free, so that they differ without their hues too.
_FILLS = {
    UNROUTABLE: "#4a4e69",
    "blocked": "#9b1b30",
    "ordinary_approval": "#e2725b",
    "undetermined": "#ffd166",
    "not_covered": "#b8bec6",
    "commitment": "#74c08a",
    "commitment_filing": "#8fbbe8",
    "not_required": "#d7eedd",
}


@dataclass(frozen=True, eq=False)
class ScreenedCounty:
    """A screening in force, as the page shows it."""

    county: County
    lines: ScreenedLines
    day: date
    name: str
    """Differs from that of any other screening."""

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """All that can come of a line, strictest first."""
        return (UNROUTABLE, *load_policy(self.county.survey.county).outcomes)

    @cached_property
    def layer(self) -> ViewLayer:
        """Every parcel with its outcomes, one sign for each utility, for the map."""
        sign = {outcome: str(place) for place, outcome in enumerate(self.outcomes)}
        signs = {
            parcel: "".join(sign.get(told.get(utility, ""), "-") for utility in load_utilities())
            for parcel, told in self.lines.outcomes(self.outcomes[1:]).items()
        }
        return outcome_layer(self.county.survey.tables["parcels"], signs)

    @property
    def layer_name(self) -> str:
        return f"screening-{self.name}"

    def of(self, parcel_id: str, application_id: str | None) -> list[Line]:
        """The lines of a case, those that were asked for."""
        found = self.lines.of(parcel_id, application_id or "")
        return [line for line in found if line["status"] != "not_requested"]

    def for_map(self) -> dict[str, Any]:
        """What the map needs to colour parcels and to ask for the lines of one."""
        policy = words.Words(load_policy(self.county.survey.county))
        utilities = load_utilities()
        return {
            "layer": f"/api/layers/{self.layer_name}",
            "lines": SCREENING,
            "language": spoken(),
            "title": _("筛查结果"),
            "prompt": _("着色"),
            "none": _("不着色"),
            "worst": _("最严一项"),
            "note": esc(
                _("{} 筛查;无申请的宗地按默认需求试算,不作为判定").format(self.day.isoformat())
            ),
            "utilities": [esc(_(one.zh)) for one in utilities.values()],
            "outcomes": [
                {"name": esc(outcome_word(policy, one)), "colour": _FILLS.get(one, "#b8bec6")}
                for one in self.outcomes
            ],
        }


def outcome_word(policy: words.Words, outcome: str) -> str:
    """What comes of a line in the policy's words, or that it cannot be joined."""
    return _("无法接入") if outcome == UNROUTABLE else policy.outcome(outcome)


def screening_in_force(workspace: Path, county: County) -> ScreenedCounty | None:
    """The screening that was made from just what the workspace holds now, for today; or None."""
    if not county.survey.has("parcels"):
        return None
    try:
        asked = _asked(workspace, county, date.today())
        file = asked.workspace.screenings.named(asked.name)
    except (WorkspaceError, OSError) as error:
        log.warning("no kept screening can be looked for: %s", error)
        return None
    return None if file is None else _loaded(asked, county, file)


def map_layers(workspace: Path) -> Mapping[str, ViewLayer]:
    """The layers of the map, with the outcomes of parcels under a name of their screening."""
    county = open_county(workspace)
    screening = screening_in_force(workspace, county)
    if screening is None:
        return county.layers
    return {**county.layers, screening.layer_name: screening.layer}


def lines_door(workspace: Path) -> Callable[[Mapping[str, str]], Answer]:
    """What answers a click on a parcel: its lines in degrees with every column of the screening."""

    def lines(asked: Mapping[str, str]) -> Answer:
        speak(asked.get("language"))
        county = open_county(workspace)
        screening = screening_in_force(workspace, county)
        if screening is None:
            return 404, {"message": _("没有现行的全县筛查")}
        parcel = asked.get("parcel", "")
        found = screening.of(parcel, asked.get("application", county.application_of(parcel)))
        if not found:
            return 404, {"message": _("筛查中没有这块宗地或这份申请")}
        return 200, _collection(screening, found)

    return lines


def _collection(screening: ScreenedCounty, lines: list[Line]) -> dict[str, Any]:
    policy = words.Words(load_policy(screening.county.survey.county))
    to_degrees = transformer(screening.county.survey.crs, WGS84)
    return {
        "type": "FeatureCollection",
        "features": [_feature(line, policy, to_degrees) for line in lines],
    }


def _feature(line: Line, policy: words.Words, to_degrees: Transformer) -> dict[str, Any]:
    utility = load_utilities()[line["utility"]]
    columns = {name: value for name, value in line.items() if name != "geometry"}
    look = {"colour": utility.colour, "dash": utility.dash, "label": _label(line, policy)}
    shape = line["geometry"]
    geometry = None if shape is None else mapping(_in_degrees(shape, to_degrees))
    return {"type": "Feature", "properties": columns | look, "geometry": geometry}


def _label(line: Line, policy: words.Words) -> str:
    """The line in one phrase, made safe for the map."""
    name = _(load_utilities()[line["utility"]].zh)
    if line["status"] == UNROUTABLE:
        return esc(f"{name} {outcome_word(policy, UNROUTABLE)}")
    if is_pair(line):
        name = f"{name} {_('两路合计')}"
    return esc(f"{name} {metres(line['length_m'])} m · {policy.outcome(line['outcome'])}")


def _in_degrees(shape: BaseGeometry, to_degrees: Transformer) -> BaseGeometry:
    def place(xy: Any) -> Any:
        xy[:, 0], xy[:, 1] = to_degrees.transform(xy[:, 0], xy[:, 1])
        return xy.round(_DECIMALS)

    return transform(shape, place)


@lru_cache(maxsize=2)
def _asked(workspace: Path, county: County, day: date) -> Inputs:
    return Inputs(Workspace.open(workspace), county.survey, county.documents, day)


@lru_cache(maxsize=1)
def _loaded(asked: Inputs, county: County, file: Path) -> ScreenedCounty | None:
    """What a file keeps; None for a damaged one, which is told once."""
    try:
        table = asked.workspace.screenings.read(file, asked.key)
    except WorkspaceError as error:
        log.warning("a kept screening is not shown: %s", error)
        return None
    if table is None:
        return None
    name = file.stem.partition("-")[2][:16]
    return ScreenedCounty(county, ScreenedLines(table), asked.dig_date, name)
