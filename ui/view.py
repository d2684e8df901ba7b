"""What the page looks at: one plan, the words for it, and which way of digging is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from language import gettext as _
from layers.utilities import Utility
from ui.words import Words

Json = Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """A plan's JSON with what is needed to show it.

    ``joint`` shows the shared trench instead of the separate routes; ``chosen`` is the utility
    under inspection. ``road_names`` has the names of roads by id.
    """

    plan: Json
    utilities: Mapping[str, Utility]
    words: Words
    joint: bool = False
    chosen: str | None = None
    road_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> list[Json]:
        """The requested lines in the order of the utilities."""
        order = list(self.utilities)
        lines = [one for one in self.plan["utilities"] if one["status"] != "not_requested"]
        return sorted(lines, key=lambda one: order.index(one["utility"]))

    @property
    def routed(self) -> list[Json]:
        """The requested lines that have a route."""
        return [one for one in self.wanted if one["status"] == "routed"]

    @property
    def shares(self) -> bool:
        """Tell whether the plan lays at least two lines in one trench."""
        segments = (self.plan.get("joint") or {}).get("segments") or []
        return any(len(one["utilities"]) > 1 for one in segments)

    def road(self, road_id: str) -> str:
        """A road by its name and id; by its id alone if it has no name."""
        name = self.road_names.get(road_id)
        return name + _("({})").format(road_id) if name else road_id

    def name(self, utility: str) -> str:
        """Name of a utility."""
        return _(self.utilities[utility].zh) if utility in self.utilities else utility

    def verdict(self, line: Json) -> Json | None:
        """The verdict that counts in this view; the separate one if there is no joint one."""
        verdicts = line.get("verdict") or {}
        joint: Json | None = verdicts.get("joint") if self.joint else None
        return joint or verdicts.get("alone")

    def recommended(self, line: Json) -> Json | None:
        """The recommended route of a line; None where nothing could be recommended."""
        computed = [one for one in line["routes"] if one["kind"] != "manual"]
        named = (one for one in computed if one["kind"] == line["recommended"])
        return next(named, computed[0] if computed else None)

    def second(self, line: Json) -> Json | None:
        """The second feed of a line; None for a line of one."""
        second: Json | None = (line.get("second_feed") or {}).get("route")
        return second

    def drawn(self, line: Json) -> Json | None:
        """The drawn route of a line, if there is one that could be judged."""
        return next((one for one in line["routes"] if one["kind"] == "manual"), None)

    def route(self, line: Json) -> Json:
        """The route that counts in this view: through the shared trench, or the recommended."""
        shared: Json | None = line.get("shared_route") if self.joint else None
        return shared or self.recommended(line) or line["routes"][0]
