"""Screening, sites: where lines end and what no route can change, for all cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray
from planning.application import Application
from planning.facts import application_facts
from planning.groundwork import Groundwork
from planning.screening_ways import LastSteps, last_steps
from planning.verdict_tables import Coded


@dataclass(frozen=True)
class Sites:
    """The sites of cases that end anywhere on their parcel's red line, as arrays."""

    work: Groundwork
    cases: Sequence[Application]
    _covers: dict[str, NDArray[np.intp]] = field(default_factory=dict, repr=False)

    @cached_property
    def steps(self) -> LastSteps:
        """Last steps of all sites."""
        return last_steps(self.work.corridors, self.end_nodes)

    @cached_property
    def end_nodes(self) -> list[IntArray]:
        return [self.work.corridors.end_nodes(case.parcel_id) for case in self.cases]

    @cached_property
    def gap_m(self) -> FloatArray:
        """Distance of each parcel from the nearest strip."""
        gaps = self.work.corridors.gaps_m
        return np.array([gaps.get(case.parcel_id, np.inf) for case in self.cases])

    @cached_property
    def _alike(self) -> tuple[NDArray[np.intp], list[Application]]:
        """Cases of which the application tells the same, and one of each kind."""
        kinds: dict[Any, int] = {}
        shown: list[Application] = []
        place = np.empty(len(self.cases), np.intp)
        for number, case in enumerate(self.cases):
            plain = not case.project and not case.promiser
            key = (case.work_kind, case.subject_kind, case.dig_date) if plain else number
            if key not in kinds:
                kinds[key] = len(shown)
                shown.append(case)
            place[number] = kinds[key]
        return place, shown

    def facts(self, utility: str, sites: IntArray) -> dict[str, Coded]:
        """Facts of some sites that no route can change."""
        place, shown = self._alike
        told = [application_facts(case, utility) for case in shown]
        names = dict.fromkeys(name for fact in told for name in fact)
        facts = {name: Coded(place[sites], [fact.get(name) for fact in told]) for name in names}
        return facts | {"in_service_area": self._service(utility, sites)}

    def _service(self, utility: str, sites: IntArray) -> Coded:
        """Whether sites are in the urban area and in that of the utility, as for one route."""
        urban, own = self._covered("urban_area")[sites], self._covered(utility)[sites]
        return Coded(np.maximum(urban, own), (True, None, False))

    def _covered(self, area: str) -> NDArray[np.intp]:
        """For each parcel 0 inside an area, 2 outside, 1 where that is unknown."""
        if area not in self._covers:
            code = {True: 0, None: 1, False: 2}
            truths = self.work.ground.parcels_in.get(area, {})
            found = [code[truths.get(case.parcel_id)] for case in self.cases]
            self._covers[area] = np.array(found, np.intp)
        return self._covers[area]
