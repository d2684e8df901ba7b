"""Screening, sites: where lines end and what no route can change, for all cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import runs_alike
from gis.linear import FloatArray, IntArray, ranges
from planning.application import Application
from planning.application_facts import application_facts
from planning.facts import ASTRIDE, SIDES
from planning.groundwork import Groundwork
from planning.red_lines import near_edges, tolerances_of
from planning.screening_ways import LastSteps, last_steps
from planning.verdict_tables import Coded


class CaseKinds(NamedTuple):
    """Which cases say the same of all but their parcel: what is told of one is told of its kind.

    ``place`` is the kind of each case, ``first`` the first case of each kind. An application is
    of a kind of its own.
    """

    place: IntArray
    first: IntArray

    @classmethod
    def of(cls, cases: Sequence[Application]) -> CaseKinds:
        """The kinds, numbered as they come up."""
        kinds: dict[Any, int] = {}
        said = (_said(case, number) for number, case in enumerate(cases))
        place = np.array([kinds.setdefault(one, len(kinds)) for one in said], np.int64)
        first = np.flatnonzero(np.diff(np.maximum.accumulate(place), prepend=-1))
        return cls(place, first)


def _said(case: Application, number: int) -> Any:
    """What a case says of all but its parcel; its number where that is more than the usual."""
    if (
        case.application_id
        or case.gate is not None
        or case.project
        or case.promiser
        or case.impossible
    ):
        return number
    # The default demands of a land use are one mapping.
    return id(case.demands), case.dig_date, case.source, case.work_kind, case.subject_kind


@dataclass(frozen=True)
class Sites:
    """The sites of cases that end anywhere on their parcel's red line, as arrays."""

    work: Groundwork
    cases: Sequence[Application]
    _covers: dict[str, NDArray[np.intp]] = field(default_factory=dict, repr=False)
    _kinds: dict[str, NDArray[np.intp]] = field(default_factory=dict, repr=False)
    _near_spared: dict[float, NDArray[np.bool_]] = field(default_factory=dict, repr=False)

    @cached_property
    def steps(self) -> LastSteps:
        """Last steps of all sites."""
        return last_steps(self.work.corridors, *self._ends)

    @cached_property
    def case_kinds(self) -> CaseKinds:
        """The cases by what they say."""
        return CaseKinds.of(self.cases)

    @property
    def _shown(self) -> list[Application]:
        """A case of each kind."""
        return [self.cases[number] for number in self.case_kinds.first.tolist()]

    @cached_property
    def parcel_ids(self) -> list[str]:
        """The parcel of each case."""
        return [case.parcel_id for case in self.cases]

    @cached_property
    def _ends(self) -> tuple[IntArray, IntArray]:
        """All end nodes, site after site, and where those of each begin."""
        return self.work.corridors.end_nodes_of(self.parcel_ids)

    @cached_property
    def end_counts(self) -> IntArray:
        """How many nodes each site may end at."""
        return np.diff(self._ends[1])

    def ends_of(self, sites: IntArray) -> tuple[IntArray, IntArray]:
        """Where the end nodes of each of some sites begin, and all of them."""
        nodes, starts = self._ends
        first, last = starts[sites], starts[sites + 1]
        return np.r_[0, np.cumsum(last - first)], nodes[ranges(first, last)]

    def spared_in_reach(self, sites: IntArray, reach_m: float) -> NDArray[np.bool_]:
        """Whether spared ground lies within so many metres of an end of each of some sites."""
        if reach_m not in self._near_spared:
            places, place = self._end_places
            near = self.work.closures.near_spared(places, reach_m)[place]
            self._near_spared[reach_m] = np.diff(np.r_[0, np.cumsum(near)][self._ends[1]]) > 0
        return self._near_spared[reach_m][sites]

    @cached_property
    def _end_places(self) -> tuple[NDArray[Any], IntArray]:
        """Where sites end, each place once, and which of them each end node is."""
        ends, place = np.unique(self._ends[0], return_inverse=True)
        return shapely.points(self.work.corridors.graph.node_xy[ends]), place

    @cached_property
    def is_estimate(self) -> NDArray[np.bool_]:
        """Whether each case is the usual demand of a parcel without an application."""
        told = np.array([case.is_estimate for case in self._shown], bool)
        return np.asarray(told[self.case_kinds.place])

    def kinds(self, utility: str) -> NDArray[np.intp]:
        """Equal numbers for sites of which no route can change anything that tells them apart."""
        if utility not in self._kinds:
            place, _ = self._alike
            urban, own = self._covered("urban_area"), self._covered(utility)
            covered = (place * 3 + urban) * 3 + own
            self._kinds[utility] = np.asarray(covered * 2 + self._at_edge(utility))
        return self._kinds[utility]

    @cached_property
    def _places(self) -> IntArray:
        """Equal numbers for cases of parcels without an application that no row tells apart.

        They end at the same nodes on a day, and their red lines are equally exact.
        """
        ends = runs_alike(*self._ends)
        exact = pd.factorize(self.tolerance_m, use_na_sentinel=False)[0]
        shared = ends * (exact.max(initial=0) + 1) + exact
        alone = shared.max(initial=0) + 1 + np.arange(len(ends))
        return np.asarray(np.where(self.is_estimate & (self.end_counts > 0), shared, alone))

    def alike(self, utility: str, chosen: IntArray) -> tuple[IntArray, IntArray]:
        """Of some sites one of each kind that all is the same of, and the place of each in them.

        The ones are ascending, as the sites are.
        """
        kinds = self.kinds(utility)
        key = self._places[chosen] * (kinds.max(initial=0) + 1) + kinds[chosen]
        place, _ = pd.factorize(key)
        first = np.full(place.max(initial=-1) + 1, -1)
        first[place[::-1]] = np.arange(len(place))[::-1]
        return chosen[first], place.astype(np.int64)

    def gaps_m(self, sites: IntArray) -> FloatArray:
        """Distances of the parcels of some sites from the nearest strip."""
        gaps, parcel_ids = self.work.corridors.gaps_m, self.parcel_ids
        return np.array([gaps.get(parcel_ids[site], np.inf) for site in sites.tolist()], float)

    def _at_edge(self, utility: str) -> NDArray[np.bool_]:
        """Whether each parcel may lie on either side of the edge of an area."""
        near = np.zeros(len(self.parcel_ids), bool)
        for area in {"urban_area", utility} & self._near_edges.keys():
            near |= self._near_edges[area]
        return near

    @cached_property
    def _near_edges(self) -> dict[str, NDArray[np.bool_]]:
        return near_edges(self.work, self.parcel_ids)

    @cached_property
    def tolerance_m(self) -> FloatArray:
        """Tolerance of each red line, NaN for unknown."""
        return tolerances_of(self.work, self.parcel_ids)

    @cached_property
    def _alike(self) -> tuple[IntArray, list[Application]]:
        """Cases of which the application tells the same facts, and one of each kind."""
        kinds: dict[Any, Application] = {}
        keys = []
        for number, case in enumerate(self._shown):
            plain = not case.project and not case.promiser
            keys.append((case.work_kind, case.subject_kind, case.dig_date) if plain else number)
            kinds.setdefault(keys[-1], case)
        numbers = {key: number for number, key in enumerate(kinds)}
        told = np.array([numbers[key] for key in keys], np.int64)
        return told[self.case_kinds.place], list(kinds.values())

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
        return Coded(np.maximum(urban, own), SIDES)

    def _covered(self, area: str) -> NDArray[np.intp]:
        """On which side of the edge of an area each parcel lies; astride it where unknown."""
        if area not in self._covers:
            sides = self.work.ground.parcels_in.get(area)
            found = np.full(len(self.cases), ASTRIDE, np.intp)
            if sides is not None:
                found[self.known] = sides[self._rows[self.known]]
            self._covers[area] = found
        return self._covers[area]

    @cached_property
    def _rows(self) -> IntArray:
        """Row of each parcel in its layer, -1 for one that is not there."""
        row = self.work.ground.parcel_row
        return np.array([row.get(parcel_id, -1) for parcel_id in self.parcel_ids], np.int64)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whether the parcel of each case is in its layer."""
        return self._rows >= 0
