"""Screening, sites: where lines end and what no route can change, for all cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.linear import FloatArray, IntArray, ranges
from planning.application import Application
from planning.application_facts import application_facts
from planning.facts import ASTRIDE, SIDES
from planning.groundwork import Groundwork
from planning.screening_ways import LastSteps, last_steps
from planning.verdict_tables import Coded


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
            nodes, starts = self._ends
            ends, place = np.unique(nodes, return_inverse=True)
            places = shapely.points(self.work.corridors.graph.node_xy[ends])
            near = self.work.closures.near_spared(places, reach_m)[place]
            self._near_spared[reach_m] = np.diff(np.r_[0, np.cumsum(near)][starts]) > 0
        return self._near_spared[reach_m][sites]

    @cached_property
    def is_estimate(self) -> NDArray[np.bool_]:
        """Whether each case is the usual demand of a parcel without an application."""
        return np.array([case.is_estimate for case in self.cases], bool)

    def kinds(self, utility: str) -> NDArray[np.intp]:
        """Equal numbers for sites of which no route can change anything that tells them apart."""
        if utility not in self._kinds:
            place, _ = self._alike
            urban, own = self._covered("urban_area"), self._covered(utility)
            self._kinds[utility] = np.asarray((place * 3 + urban) * 3 + own)
        return self._kinds[utility]

    @cached_property
    def _places(self) -> IntArray:
        """Equal numbers for cases of parcels without an application that no row tells apart.

        They end at the same nodes on a day, and their red lines are equally exact.
        """
        nodes, starts = self._ends
        packed, at = nodes.tobytes(), (starts * nodes.itemsize).tolist()
        ends = pd.factorize(np.array([packed[a:b] for a, b in pairwise(at)], object))[0]
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

    @cached_property
    def gap_m(self) -> FloatArray:
        """Distance of each parcel from the nearest strip."""
        gaps = self.work.corridors.gaps_m
        return np.array([gaps.get(parcel_id, np.inf) for parcel_id in self.parcel_ids], float)

    @cached_property
    def tolerance_m(self) -> FloatArray:
        """Tolerance of each red line, NaN for unknown."""
        told = self.work.tolerances.of_layer("parcels")
        return np.asarray(told.reindex(self.parcel_ids).to_numpy(float))

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
        return Coded(np.maximum(urban, own), SIDES)

    def _covered(self, area: str) -> NDArray[np.intp]:
        """On which side of the edge of an area each parcel lies; astride it where unknown."""
        if area not in self._covers:
            sides = self.work.ground.parcels_in.get(area)
            found = np.full(len(self.cases), ASTRIDE, np.intp)
            if sides is not None:
                found[self._known] = sides[self._rows[self._known]]
            self._covers[area] = found
        return self._covers[area]

    @cached_property
    def _rows(self) -> IntArray:
        """Row of each parcel in its layer, -1 for one that is not there."""
        row = self.work.ground.parcel_row
        return np.array([row.get(parcel_id, -1) for parcel_id in self.parcel_ids], np.int64)

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        return self._rows >= 0
