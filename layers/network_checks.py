"""What can be wrong with how the lines of a utility join: ends, crossings, overlaps, pieces.

A line that is abandoned takes no part: it may end and lie anywhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from language import gettext as _
from layers.networks import CABLES, JOINED_M, SAME_M, Network, network_of
from layers.place_checks import same_but_id
from layers.problems import Problem
from layers.survey import Survey
from layers.utilities import load_utilities

if TYPE_CHECKING:
    from layers.checks import Rows

# Where this share of a utility's ends has a node, the layer records nodes at ends, and an end
# without one lacks it; below it, it records only some kinds of nodes.
ENDS_AT_NODES = 0.9
# A stretch that lines share for less than they are drawn apart is how they were drawn.
OVERLAP_M = 0.5
# Lines whose tops lie this far apart pass over each other; depths are surveyed to a decimetre.
APART_M = 0.1
# Networks of one utility that join at stations only, and pass over each other elsewhere.
_SEPARATE = frozenset({"transmission", "distribution", "medium_voltage", "low_voltage"})


def network_problems(rows: Rows, survey: Survey) -> Iterator[Problem]:
    """Yield what is wrong with the network of the layer ``lines``; nothing for other layers."""
    if rows.definition.name != "lines" or rows.table.empty:
        return
    table = rows.table.set_index(rows.definition.id_field)
    network = network_of(table, survey.get("nodes"))
    alone = _alone(network)
    yield from _joined_to_nothing(rows, alone)
    yield from _near_misses(rows, network)
    yield from _free_ends(rows, network, alone)
    yield from _crossings(rows, network)
    yield from _overlaps(rows, network)
    yield from _pieces(rows, network, alone, survey.get("nodes"))


def _alone(network: Network) -> NDArray[np.bool_]:
    """Lines that meet no line or node of their utility, where it has several lines."""
    usable = ~shapely.is_missing(network.shapes)
    joined = np.zeros(len(usable), dtype=bool)
    end, other, _away = network.meetings
    joined[network.line_of_end[end]] = True
    joined[other[other < len(usable)]] = True
    joined[network.at_nodes[1]] = True
    for side in network.touching:
        joined[side] = True
    return np.asarray(usable & ~joined & _one_of_several(network), bool)


def _one_of_several(network: Network) -> NDArray[np.bool_]:
    """Lines whose utility has others, so that there is something to join."""
    utility = pd.Series(network.utility)
    return np.asarray(utility.groupby(utility).transform("size").to_numpy() > 1, bool)


def _joined_to_nothing(rows: Rows, alone: NDArray[np.bool_]) -> Iterator[Problem]:
    for position in np.flatnonzero(alone).tolist():
        yield rows.problem(
            position,
            "geometry",
            _("不与本专业任何其他管线或节点相接,两端都无去处"),
            _("请核对是否漏画接头或管段;路由仍可接到它,接入前须核实"),
            rule_id="line_alone",
        )


def near_misses(network: Network) -> pd.DataFrame:
    """Return ends that stop short: ``end``, ``other`` (lines, then nodes) and ``gap_m``.

    An end that meets anything exactly is none. Of two ends that miss each other, that of the
    larger id misses. A node is missed rather than an end, an end rather than the middle of a line.
    """
    count = len(network.shapes)
    end, other, away = network.meetings
    found = pd.DataFrame({"end": end, "other": other, "gap_m": away})
    exact = found.loc[found["gap_m"] <= SAME_M, "end"].unique()
    found = found[~found["end"].isin(exact)]
    node = found["other"].to_numpy() >= count
    target = np.where(node, 0, found["other"].to_numpy())
    tip = network.ends[found["end"]]
    to_ends = np.minimum(
        shapely.distance(tip, network.ends[target]),
        shapely.distance(tip, network.ends[target + count]),
    )
    tied = ~node & (to_ends <= JOINED_M)
    name, others = network.ids[network.line_of_end[found["end"]]], network.ids[target]
    rank = np.where(node, 0, np.where(tied, 1, 2))
    found = found.assign(rank=rank, first=tied & (name < others), name=others)
    found = found.sort_values(["end", "rank", "gap_m", "name"])
    nearest = found.drop_duplicates("end")
    return nearest[~nearest["first"]].drop(columns=["rank", "first", "name"])


def _near_misses(rows: Rows, network: Network) -> Iterator[Problem]:
    count = len(network.shapes)
    names = np.concatenate([network.ids, network.point_ids]).astype(object)
    missed = near_misses(network)
    for end, other, gap in zip(missed["end"], missed["other"], missed["gap_m"], strict=True):
        kind = _("管线 {}") if other < count else _("管线点 {}")
        tip = network.ends[end]
        yield rows.problem(
            end % count,
            "geometry",
            _("{}距{} {:.2f} 米,未接上").format(_side(end, count), kind.format(names[other]), gap),
            _("请核对;可用 repair 移到其上"),
            rule_id="near_miss",
            key=_key(end, count),
            at=(tip.x, tip.y),
        )


def _side(end: int, count: int) -> str:
    return _("起点") if end < count else _("终点")


def _key(end: int, count: int) -> str:
    return "start" if end < count else "end"


def _free_ends(rows: Rows, network: Network, alone: NDArray[np.bool_]) -> Iterator[Problem]:
    """Ends without a node where the utility has nodes at its ends, else ends that meet nothing."""
    count = len(network.shapes)
    line = network.line_of_end
    end, other, _away = network.meetings
    usable = ~shapely.is_missing(network.ends)
    noded, met = np.zeros(len(line), dtype=bool), np.zeros(len(line), dtype=bool)
    noded[end[other >= count]] = True
    met[end] = True
    looped = np.tile(shapely.is_closed(network.shapes), 2)
    share = pd.Series(noded[usable]).groupby(network.utility[line][usable]).mean()
    recorded = pd.Series(network.utility[line]).map(share).to_numpy(float) >= ENDS_AT_NODES
    lacking = usable & recorded & ~noded & ~looped
    free = usable & ~lacking & ~met & ~looped & ~alone[line] & _one_of_several(network)[line]
    for at in np.flatnonzero(lacking | free).tolist():
        tip = network.ends[at]
        lacks = bool(lacking[at])
        yield rows.problem(
            at % count,
            "geometry",
            (_("{}处没有管线点") if lacks else _("{}悬空:不接任何管线或管线点")).format(
                _side(at, count)
            ),
            _("请补测管线点") if lacks else _("请核对是末端、阀后甩口,还是漏测了相接的管线"),
            rule_id="end_without_node" if lacks else "dangle",
            key=_key(at, count),
            at=(tip.x, tip.y),
        )


def _crossings(rows: Rows, network: Network) -> Iterator[Problem]:
    one, two, points = network.crossings
    table = rows.table
    apart = _apart(table, one, two)
    noded = _near_nodes(network, points, network.utility[one])
    for at in np.flatnonzero(~apart & ~noded).tolist():
        line, other, point = int(two[at]), int(one[at]), points[at]
        if not network.drawn_as_joint(line, other, point):
            yield rows.problem(
                line,
                "geometry",
                _("与 {} 相交,交点处没有节点,且埋深相同或不明").format(network.ids[other]),
                _("请核对是相接还是上下错开:相接的补节点,错开的补埋深"),
                rule_id="crossing_without_node",
                key=f"{network.ids[other]}@{point.x:.2f},{point.y:.2f}",
                at=(point.x, point.y),
            )


def _near_nodes(
    network: Network, points: NDArray[np.object_], utility: NDArray[np.object_]
) -> NDArray[np.bool_]:
    point, node = shapely.STRtree(network.points).query(
        points, predicate="dwithin", distance=JOINED_M
    )
    same = network.point_utility[node] == utility[point]
    return np.isin(np.arange(len(points)), point[same])


def _apart(table: pd.DataFrame, one: NDArray[np.intp], two: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell of pairs of lines whether they surely pass each other: by depth, laying or network."""
    top = table["depth_m"].to_numpy(float)
    bottom = top + np.nan_to_num(table["diameter_mm"].to_numpy(float)) / 1000
    apart = np.maximum(top[one] - bottom[two], top[two] - bottom[one]) >= APART_M
    overhead = (table["laying"] == "overhead").to_numpy(bool)
    laid = table["laying"].notna().to_numpy(bool)
    apart |= (overhead[one] != overhead[two]) & laid[one] & laid[two]
    subtype = table["subtype"].to_numpy(object)
    separate = np.isin(subtype.astype(str), list(_SEPARATE))
    apart |= separate[one] & separate[two] & (subtype[one] != subtype[two])
    status = table["status"].to_numpy(object)
    planned = status == "planned"  # what is planned may take the place of what is there
    return np.asarray(apart | (planned[one] != planned[two]), bool)


def _overlaps(rows: Rows, network: Network) -> Iterator[Problem]:
    one, two, length, stretch = network.overlaps
    whole = np.maximum(*(shapely.length(network.shapes[side]) for side in (one, two)))
    equal = length >= whole - SAME_M
    apart = _apart(rows.table, one, two)
    for at in np.flatnonzero(~apart & (equal | (length > OVERLAP_M))).tolist():
        line, other = int(two[at]), network.ids[one[at]]
        place = shapely.get_coordinates(stretch[at])[0]
        again = same_but_id(rows, line, other) if equal[at] else False
        cable = network.utility[line] in CABLES
        if equal[at] and (again or not cable):
            rule, rule_id = _("与 {} 是同一条线,录入了两次").format(other), "duplicate_line"
        else:
            rule = _("与 {} 有 {:.2f} 米重合").format(other, length[at])
            rule_id = "overlapping_cables" if cable else "overlapping_lines"
        yield rows.problem(
            line,
            "geometry",
            rule,
            _("请核对是否重复录入;确为两条的请各按实际位置绘制"),
            rule_id=rule_id,
            key=other,
            at=(float(place[0]), float(place[1])),
            repair=again,
        )


@cache
def source_kinds() -> pd.DataFrame:
    """Return which kinds of nodes feed lines of a utility and subtype (``source_kinds.csv``)."""
    file = Path(__file__).parent / "source_kinds.csv"
    with file.open(encoding="utf-8", newline="") as text:
        return pd.DataFrame(list(csv.DictReader(text)))


def _pieces(
    rows: Rows, network: Network, alone: NDArray[np.bool_], nodes: gpd.GeoDataFrame | None
) -> Iterator[Problem]:
    """How many pieces each utility has, which of them nothing feeds, and where that is unknown."""
    live = ~shapely.is_missing(network.shapes)
    count, length = len(network.shapes), shapely.length(network.shapes)
    sourceless = []
    for utility in sorted({str(one) for one in network.utility[live]}):
        every = live & (network.utility == utility)
        own = every & ~alone
        size = pd.Series(length[own]).groupby(network.pieces[:count][own]).sum()
        if len(size) > 1:
            yield rows.whole(
                _("{}管网分为 {} 片,最大一片占总长的 {:.0%}").format(
                    _zh(utility), len(size), size.max() / size.sum()
                ),
                _("请核对各片之间是否漏测相接的管段"),
                rule_id="network_pieces",
                key=utility,
                extent=_around(network.shapes[own]),
            )
        feeding = _feeding(network, utility, nodes)
        if feeding.any():
            yield from _unfed(rows, network, own, feeding, utility)
        else:
            sourceless.append(utility)
    if sourceless:
        yield rows.whole(
            _("{}的来源(厂站、排放口等)未知,无法核对各管段是否有来源").format(
                _("、").join(_zh(utility) for utility in sourceless)
            ),
            _("请补充来源的管线点;没有来源点时不逐条列出"),
            rule_id="sources_unknown",
            extent=_around(network.shapes[np.isin(network.utility, sourceless)]),
        )


def _feeding(network: Network, utility: str, nodes: gpd.GeoDataFrame | None) -> NDArray[np.bool_]:
    """Nodes that feed lines of the utility."""
    if nodes is None:
        return np.zeros(len(network.points), dtype=bool)
    kinds = source_kinds()
    kinds = kinds[kinds["utility"] == utility]
    own = (network.point_utility == utility) & ~shapely.is_missing(network.points)
    return np.asarray(own & nodes["kind"].isin(kinds["kind"]).to_numpy(), bool)


def _unfed(
    rows: Rows,
    network: Network,
    own: NDArray[np.bool_],
    feeding: NDArray[np.bool_],
    utility: str,
) -> Iterator[Problem]:
    """Pieces of network without a source, each told at its longest line."""
    kinds = source_kinds()
    kinds = kinds[kinds["utility"] == utility]
    count, piece = len(network.shapes), network.pieces
    fed = own & rows.table["subtype"].isin(kinds["subtype"]).to_numpy()
    unfed = np.flatnonzero(fed & ~np.isin(piece[:count], piece[count:][feeding]))
    lengths = shapely.length(network.shapes)
    for _number, lines in pd.Series(unfed).groupby(piece[unfed]):
        members = sorted(lines.tolist(), key=lambda at: (-lengths[at], network.ids[at]))
        yield rows.problem(
            members[0],
            "geometry",
            _("所在的一片管网({} 条,共 {:.1f} 米)没有来源({})").format(
                len(members), lengths[members].sum(), _("、").join(kinds["kind"])
            ),
            _("请核对是否漏测相接的管段或来源点"),
            rule_id="no_source",
        )


def _zh(utility: str) -> str:
    known = load_utilities()
    return known[utility].label if utility in known else utility


def _around(shapes: NDArray[np.object_]) -> tuple[float, float, float, float]:
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    return west, south, east, north
