"""Standing tie-ins: those of an edited county, looked for anew only where the edit reaches.

They are looked for in what is cut out of the corridors round all that changed, and put in the place
of those that stood there. As with corridors, how far the edit reaches is seen: in a ring round it
those found anew must be the old ones, else a wider ring is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gis.handing_on import hand_on, numbers_after
from gis.keys import Keys, key_of, key_of_lines, paired, summed
from gis.linear import FloatArray, IntArray, LineArray
from gis.network import tie_break
from gis.patched_tree import patched
from gis.regions import Region
from layers.survey import Survey
from layers.utilities import load_utilities
from planning.corridor_parts import Part, cut_out
from planning.corridors import Corridors, green_of
from planning.groundwork import Groundwork
from planning.obstacles import obstacles_of
from planning.splicing import TooNearError, Window, next_number, numbered, together, wide_enough
from planning.survey_changes import survey_within
from planning.tie_ins import TieIns, features_of, find_tie_ins

# How far beyond the edit ways are first taken to be others, and how wide the ring round that and
# the rim round the ring are; then if that was not enough. A way hangs on nothing that is farther
# from its node than lines are joined over.
_WINDOWS_M = ((45.0, 45.0, 45.0), (100.0, 80.0, 60.0), (400.0, 100.0, 100.0))
# Layers that decide where ways lead and what they cross.
_LAND, _MAINS = ("parcels", "buildings", "water_bodies", "railways"), ("lines", "nodes")
_BUILT_FROM = (*_LAND, *_MAINS, "green")


class Redone(NamedTuple):
    """Tie-ins of every utility, the row of each way before, -1 for a new one.

    ``lines`` are the ways that came or went.
    """

    tie_ins: dict[str, TieIns]
    ways_before: dict[str, IntArray]
    lines: LineArray


def tie_ins_after(
    work: Groundwork,
    corridors: Corridors,
    survey: Survey,
    stayed: tuple[IntArray, IntArray],
    changed: Region,
    utilities: Collection[str],
) -> Redone:
    """The tie-ins after an edit; those of other utilities stand.

    Parameters
    ----------
    work
        The groundwork before, with the tie-ins of all utilities or of none.
    corridors, survey
        Those of now.
    stayed
        Of every node and road before its number now, -1 for one that is gone; and one more road,
        -1, for none.
    changed
        Holds all that changed, features and edges.

    Raises
    ------
    TooNearError
        If the edit reaches too far.
    """
    anew = [key for key in work._tie_ins if key in utilities]
    stand = {key: np.arange(len(one.lines)) for key, one in work._tie_ins.items()}
    if not anew:
        return Redone(dict(work._tie_ins), stand, np.zeros(0, object))
    max_snap_m = work.policy.planning.max_snap_m
    for reach_m, ring_m, rim_m in wide_enough(_WINDOWS_M, max_snap_m):
        inner = changed.grown(reach_m).merged(2 * (ring_m + rim_m))
        window, region = Window(inner, inner.grown(ring_m)), inner.grown(ring_m + rim_m)
        redo = _Redo(work, corridors, cut_out(corridors, region), window, *stayed)
        try:
            found = redo.tie_ins(survey, region, anew)
        except TooNearError:
            continue
        tie_ins = {key: one for key, (one, _) in found.items()}
        ways_before = {key: numbers for key, (_, numbers) in found.items()}
        lines = _differing_lines(work._tie_ins, tie_ins, ways_before)
        return Redone(work._tie_ins | tie_ins, stand | ways_before, lines)
    raise TooNearError


def _differing_lines(
    before: Mapping[str, TieIns], after: Mapping[str, TieIns], ways_before: Mapping[str, IntArray]
) -> LineArray:
    """The ways that went, and those that came."""
    lines = [np.zeros(0, object)]
    for key, stood in ways_before.items():
        went = np.ones(len(before[key].lines), bool)
        went[stood[stood >= 0]] = False
        lines += [before[key].lines[went], after[key].lines[stood < 0]]
    return np.concatenate(lines)


@dataclass(frozen=True)
class _Side:
    """Tie-ins and the corridors that they begin on; ``number`` of each of its nodes now."""

    tie_ins: TieIns
    corridors: Corridors
    number: IntArray


@dataclass(frozen=True)
class _Rows:
    """Some rows of a table, their keys, and where the nodes are that they begin at."""

    rows: IntArray
    key: Keys
    xy: FloatArray


@dataclass(frozen=True)
class _Redo:
    """What ways are looked for anew in: ``here``, cut out of the corridors of ``now``.

    ``node`` and ``road`` are the numbers now of those ``before``.
    """

    work: Groundwork
    now: Corridors
    here: Part
    window: Window
    node: IntArray
    road: IntArray

    def tie_ins(
        self, survey: Survey, region: Region, anew: Sequence[str]
    ) -> dict[str, tuple[TieIns, IntArray]]:
        """The tie-ins of some utilities, each with the row of every way before."""
        lines = Region.round(self.here.corridors.graph.lines)
        around = Region(np.concatenate([region.bounds, lines.bounds]))
        near = survey_within(survey, around.boxes, _BUILT_FROM)
        stood = self._are_the_same(survey, _LAND)
        obstacles = self.work.corridors.obstacles if stood else obstacles_of(near)
        here = replace(self.here.corridors, obstacles=obstacles, green=green_of(near))
        utilities = load_utilities()
        wanted = [utilities[key] for key in anew]
        found = find_tie_ins(here, near, wanted, self.work.policy, self.window.safe)
        same = self._are_the_same(survey, _MAINS)
        after = {}
        for key in anew:
            old, new = self.work._tie_ins[key], found[key].renumbered(self.here.node)
            told = (old.features, old.imported) if same else features_of(survey, utilities[key])
            after[key] = self._exchanged(old, new, told)
        return after

    def _are_the_same(self, survey: Survey, layers: Sequence[str]) -> bool:
        return all(survey.get(layer) is self.work.survey.get(layer) for layer in layers)

    def _exchanged(
        self, old: TieIns, new: TieIns, features: tuple[pd.DataFrame, bool]
    ) -> tuple[TieIns, IntArray]:
        """The tie-ins of a utility with those found anew in the place of what they change."""
        sides = (
            _Side(old, self.work.corridors, self.node),
            _Side(new, self.now, np.arange(self.now.graph.node_count)),
        )
        ways = [_rows(side.tie_ins.table, side, self.window, _way_keys) for side in sides]
        number, added = self._differing(len(old.table), ways)
        shut = [_rows(side.tie_ins.closed, side, self.window) for side in sides]
        stay, more = self._differing(len(old.closed), shut)
        after = TieIns(
            old.utility,
            self._table(old.table, new.table, number, added),
            np.concatenate([old.lines[number >= 0], new.lines[added]]),
            self._crossings(old, new, number, added),
            *features,
            self._table(old.closed, new.closed, stay, more),
        )
        came = next_number(number) + np.arange(len(added))
        if "tie_break" in vars(old):
            told = [old.tie_break[number >= 0], tie_break(new.lines[added])]
            vars(after)["tie_break"] = np.concatenate(told)
        if "tree" in vars(old):
            vars(after)["tree"] = patched(old.tree, number, after.lines, came)
        if "feature_rows" in vars(old) and after.features is old.features:
            hand_on(old, after, ("order_of_features",))
            fresh = after.rows_of_features(new.table.iloc[added])
            vars(after)["feature_rows"] = np.concatenate([old.feature_rows[number >= 0], fresh])
            if "by_node" in vars(old):
                stood = number[old.by_node[0]]
                vars(after)["by_node"] = after.in_order(np.r_[stood[stood >= 0], came])
        return after, np.concatenate([np.flatnonzero(number >= 0), np.full(len(added), -1)])

    def _differing(self, count: int, both: Sequence[_Rows]) -> tuple[IntArray, IntArray]:
        """Numbers of the old rows afterwards, -1 for those that go, and the new rows that come."""
        old, new = both
        in_new, in_old = paired(old.key, new.key)
        for rows, lost in ((old, in_new < 0), (new, in_old < 0)):
            if not self.window.inner.holds(rows.xy[lost]).all():
                raise TooNearError
        return numbered(count, old.rows[in_new < 0]), new.rows[in_old < 0]

    def _table(
        self, old: pd.DataFrame, new: pd.DataFrame, number: IntArray, added: IntArray
    ) -> pd.DataFrame:
        kept = old[number >= 0]
        kept = kept.assign(node=self.node[kept["node"].to_numpy(np.int64)])
        table = together(kept, new.iloc[added])
        if (table["node"] < 0).any():
            raise TooNearError
        return table

    def _crossings(
        self, old: TieIns, new: TieIns, number: IntArray, added: IntArray
    ) -> pd.DataFrame:
        row = number[old.crossings["tie_in"].to_numpy(np.int64)]
        road = self.road[old.crossings["road"].to_numpy(np.int64)]
        kept = old.crossings.assign(tie_in=row, road=road)[row >= 0]
        place = np.full(len(new.table), -1)
        place[added] = next_number(number) + np.arange(len(added))
        row = place[new.crossings["tie_in"].to_numpy(np.int64)]
        return together(kept, new.crossings.assign(tie_in=row)[row >= 0])


def _rows(
    table: pd.DataFrame,
    side: _Side,
    window: Window,
    more: Callable[[_Side, IntArray], list[Any]] = lambda side, rows: [],
) -> _Rows:
    """Rows of a table of tie-ins where those found anew are right.

    A node at which something else ends now is another node: its rows are new.
    """
    node = table["node"].to_numpy(np.int64)
    xy = side.corridors.graph.node_xy[node]
    rows = np.flatnonzero(window.safe.holds(xy))
    number = side.number[node[rows]]
    # A node that is gone has a number that none has now.
    at_node = np.where(number < 0, -1 - node[rows], number)
    told = table.iloc[rows]
    columns = [told[name] for name in told if name != "node"]
    return _Rows(rows, key_of(at_node, *columns, *more(side, rows)), xy[rows])


def _way_keys(side: _Side, rows: IntArray) -> list[Any]:
    """Keys of the lines of some ways, and of what they cross."""
    ways = side.tie_ins
    place = numbers_after(rows, len(ways.table))
    at = place[ways.crossings["tie_in"].to_numpy(np.int64)]
    crossings = ways.crossings[at >= 0]
    columns = [crossings[name] for name in crossings if name not in ("tie_in", "road")]
    roads = side.corridors.surfaces.keys[crossings["road"].to_numpy(np.int64)]
    crossed = summed(key_of(roads, *columns), at[at >= 0], len(rows))
    return [key_of_lines(ways.lines[rows]), crossed]
