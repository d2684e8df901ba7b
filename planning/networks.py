"""Networks: the mains and nodes of utilities that a new line may join, looked at once.

They follow from the layers ``lines`` and ``nodes`` alone, so one stands as long as those do. Mains
and nodes of several utilities together are told by number: all mains first, then all nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.keys import Keys, key_of
from gis.linear import FloatArray, IntArray, LineArray
from layers.survey import Survey
from layers.utilities import Utility, load_utilities
from planning.existing_pipes import SIZES
from planning.sizing_rules import runs_by_gravity
from planning.tie_in_rules import stands

# What decides whether a main may serve a pipe; equal mains can stand for each other.
DECIDING = (*SIZES, "pressure_mpa", "voltage_kv", "free_holes")
# A node that does not say these has those of the main it sits on.
_INHERITED = [*SIZES, "pressure_mpa", "voltage_kv"]
# Between which levels a main runs.
_LEVELS = ["start_invert_m", "end_invert_m"]
# All that is read of mains and nodes once it is known that they may be joined.
_READ = [*DECIDING, *_LEVELS, "utility", "kind", "line_id", "owner", "spare_bays", "capacity_kva"]


@dataclass(frozen=True)
class Network:
    """What may be joined of one utility: mains where it is tapped between their ends, and nodes.

    Attributes
    ----------
    mains, places
        Rows of ``lines`` and ``nodes`` without their shapes, as ``shapes`` and ``points``: what is
        read of them.
    imported
        False when the survey has nothing of the utility at all.
    """

    utility: str
    mains: pd.DataFrame
    shapes: LineArray
    places: pd.DataFrame
    points: NDArray[Any]
    imported: bool

    def __len__(self) -> int:
        return len(self.shapes) + len(self.points)

    @cached_property
    def features(self) -> pd.DataFrame:
        """Mains, then nodes, by kind ('line', 'node') and feature_id: the two may share ids."""
        of_kind = {"line": self.mains, "node": self.places}
        return pd.concat(of_kind, names=["kind", "feature_id"])

    @cached_property
    def ids(self) -> NDArray[np.object_]:
        """The id of every feature, mains first."""
        return _all([table.index.to_numpy(object) for table in (self.mains, self.places)])

    @cached_property
    def kinds(self) -> NDArray[np.object_]:
        """The kind of every feature, 'line' or 'node'."""
        kinds = np.array(["line", "node"], object)
        return np.repeat(kinds, [len(self.shapes), len(self.points)])

    @cached_property
    def order_of_names(self) -> IntArray:
        """Place of each feature's name among all in order."""
        return np.asarray(pd.factorize(self.ids, sort=True)[0], np.int64)

    @cached_property
    def equal(self) -> IntArray:
        """Equal numbers for mains that are equal in what decides."""
        number = np.zeros(len(self.mains), np.int64)
        for name in DECIDING:
            if name in self.mains and len(number):
                place, values = pd.factorize(self.mains[name], use_na_sentinel=False)
                number = number * len(values) + place
        return number

    @cached_property
    def falls_m(self) -> FloatArray:
        """How far each main falls from its first to its last point; NaN for one that runs by
        pressure or does not say its levels.
        """
        if not runs_by_gravity(self.utility):
            return np.full(len(self.mains), np.nan)
        start, end = self.mains.reindex(columns=_LEVELS).astype(float).to_numpy().T
        return np.asarray(start - end)

    def rows_in(self, other: Network) -> IntArray:
        """The row of every feature in another state of the network, -1 where it is gone."""
        if other is self:
            return np.arange(len(self))
        lines, nodes = (
            getattr(other, name).index.get_indexer(getattr(self, name).index)
            for name in ("mains", "places")
        )
        return np.concatenate([lines, np.where(nodes >= 0, nodes + len(other.shapes), -1)])


def networks_of(survey: Survey, utilities: Iterable[Utility]) -> tuple[Network, ...]:
    """The networks of utilities in a survey."""
    lines, nodes = (_Layer.of(survey.get(name)) for name in ("lines", "nodes"))
    return tuple(_network(lines, nodes, utility) for utility in utilities)


class _Layer(NamedTuple):
    """A layer of a survey, what is read of it, and its shapes; None and nothing if it is absent."""

    table: Any
    read: pd.DataFrame
    shapes: NDArray[Any]

    @classmethod
    def of(cls, table: Any) -> _Layer:
        if table is None:
            return cls(None, pd.DataFrame(columns=["utility", *DECIDING]), np.zeros(0, object))
        read = pd.DataFrame(table).reindex(columns=[name for name in _READ if name in table])
        return cls(table, read, np.asarray(table.geometry.array))

    def joinable(self, utility: Utility, field: str) -> tuple[pd.DataFrame, NDArray[Any]]:
        """Rows that may be joined by the utility, and their shapes."""
        if self.table is None:
            return self.read, self.shapes
        rows = np.flatnonzero(stands(self.table, utility, field))
        return self.read.take(rows), self.shapes[rows]

    def tells_of(self, utility: Utility) -> bool:
        """Whether anything here is the utility's."""
        return self.table is not None and bool((self.read["utility"] == utility.key).any())


def _network(lines: _Layer, nodes: _Layer, utility: Utility) -> Network:
    mains, shapes = lines.joinable(utility, "subtype")
    places, points = nodes.joinable(utility, "kind")
    imported = lines.tells_of(utility) or nodes.tells_of(utility)
    if not utility.tie_in.inside:
        mains, shapes = mains.iloc[:0], shapes[:0]
    return Network(utility.key, mains, shapes, _with_main(places, lines), points, imported)


def ends_of_mains(lines: Any) -> tuple[NDArray[Any], Keys]:
    """Both ends of every main that may be joined between its ends, points, and their keys.

    Ends that equal mains have in one place have one key.
    """
    if lines is None:
        return np.zeros(0, object), np.zeros(0, np.uint64)
    inside = [utility for utility in load_utilities().values() if utility.tie_in.inside]
    mains = [np.flatnonzero(stands(lines, utility, "subtype")) for utility in inside]
    row = np.concatenate([np.tile(rows, 2) for rows in mains])
    end = np.concatenate([np.repeat([0, -1], len(rows)) for rows in mains])
    told = pd.DataFrame(lines).reindex(columns=["utility", *DECIDING]).take(row)
    points = shapely.get_point(np.asarray(lines.geometry.array)[row], end)
    kinds = (told[name] for name in told)
    return points, key_of(*kinds, *shapely.get_coordinates(points).T)


def loose_ends(lines: Any) -> NDArray[Any]:
    """Ends of mains that may be joined between their ends, where no equal main goes on."""
    points, keys = ends_of_mains(lines)
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    return np.asarray(points[np.sort(first[count == 1])])


def _with_main(places: pd.DataFrame, lines: _Layer) -> pd.DataFrame:
    """Give nodes that do not say it themselves the size and pressure of the main they sit on."""
    if lines.table is None or len(places) == 0:
        return places
    own = lines.read.reindex(columns=_INHERITED).reindex(places["line_id"]).set_axis(places.index)
    return places.assign(
        **{
            str(name): places[name].fillna(own[name]) if name in places else own[name]
            for name in own
        }
    )


@dataclass(frozen=True)
class Networks:
    """Networks of several utilities, their mains and nodes told by one number."""

    each: tuple[Network, ...]

    @cached_property
    def shapes(self) -> LineArray:
        """The mains."""
        return _all([one.shapes for one in self.each])

    @cached_property
    def points(self) -> NDArray[Any]:
        """The nodes."""
        return _all([one.points for one in self.each])

    @cached_property
    def tree(self) -> shapely.STRtree:
        """R-tree of the mains."""
        return shapely.STRtree(self.shapes)

    @cached_property
    def points_tree(self) -> shapely.STRtree:
        """R-tree of the nodes."""
        return shapely.STRtree(self.points)

    @cached_property
    def length_m(self) -> FloatArray:
        """The length of every main."""
        return np.asarray(shapely.length(self.shapes), float)

    @cached_property
    def falls_m(self) -> FloatArray:
        """How far each main falls, as a network tells it."""
        return _all([one.falls_m for one in self.each])

    @cached_property
    def equal(self) -> IntArray:
        """Equal numbers for mains of one utility that are equal in what decides."""
        numbers = [one.equal for one in self.each]
        start = np.cumsum([0, *(int(one.max(initial=-1)) + 1 for one in numbers)])
        return _all([one + at for one, at in zip(numbers, start, strict=False)])

    @cached_property
    def network(self) -> IntArray:
        """The network in ``each`` of every main and node."""
        counts = [[len(getattr(one, name)) for one in self.each] for name in ("shapes", "points")]
        return np.tile(np.arange(len(self.each)), 2).repeat(np.ravel(counts))

    @cached_property
    def row(self) -> IntArray:
        """The row in its network of every main and node."""
        mains = [np.arange(len(one.shapes)) for one in self.each]
        places = [len(one.shapes) + np.arange(len(one.points)) for one in self.each]
        return _all([*mains, *places])

    @cached_property
    def numbers(self) -> tuple[IntArray, ...]:
        """For each network the number of every row."""
        order = np.argsort(self.network, kind="stable")
        return tuple(np.split(order, np.cumsum([len(one) for one in self.each])[:-1]))

    def nodes_named(self, ids: NDArray[np.object_]) -> IntArray:
        """The numbers of the nodes of some ids, -1 where none of them may be joined."""
        row = self._names.get_indexer(pd.Index(ids, dtype=object))
        return np.where(row >= 0, row + len(self.shapes), -1)

    @cached_property
    def _names(self) -> pd.Index:
        names: pd.Index = pd.Index(
            _all([one.ids[len(one.shapes) :] for one in self.each]), dtype=object
        )
        return names


def _all(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
