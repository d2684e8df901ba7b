"""Points to survey 须实测的点: what keeps a verdict too close to call, where, and how exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from layers.utilities import load_utilities
from planning.application import Demand
from planning.both_feeds import BothFeeds
from planning.comparisons import NUMERIC, is_unknown
from planning.groundwork import Groundwork, Site
from planning.judged_routes import Judging, Route, hold_of_judged
from planning.near_things import Thing, if_touched
from planning.readings import read_as
from planning.route_effects import spread_of
from planning.texts import gettext as _
from planning.verdict_certainty import interval

# Figure that a measure is read from, by the beginning of its name; lengths otherwise.
_FIGURE_OF = {
    "crossing_kerb": "kerb_m",
    "crossing_red_line": "red_line_m",
    "crossing_longest": "longest_kerb_m",
    "green": "green_m2",
}


# What of a thing that a line may touch is to be surveyed, by its layer.
_WHAT_BESIDE = {
    "green": "green_edge",
    "trees": "tree",
    "roads": "road_red_line",
}
# The layer whose edges a parcel may lie on either side of.
_AREAS = "service_areas"


@dataclass(frozen=True)
class SurveyPoint:
    """A feature whose place must be known better, and where along the route.

    ``needed_m`` is the tolerance that would do if all points named with it reach theirs.
    """

    xy: tuple[float, float]
    what: str
    feature: dict[str, str]
    tolerance_m: float
    needed_m: float
    text: str


def intervals(route: Route | BothFeeds) -> dict[str, dict[str, float | None]]:
    """Interval of every surveyed measure that is known; open where the survey is not exact."""
    found: dict[str, dict[str, float | None]] = {}
    for name, tolerance in route.tolerances.items():
        value = route.measures[name]
        if value is not None:
            low, high = (None, None) if tolerance is None else interval(value, tolerance)
            found[name] = {"value": value, "low": low, "high": high, "tolerance": tolerance}
    return found


def survey_points(
    work: Groundwork, site: Site, demand: Demand, judged: Route | BothFeeds
) -> tuple[SurveyPoint, ...]:
    """What to survey so that a verdict that is too close is so no more; else nothing."""
    if judged.verdict.certainty != "too_close":
        return ()
    routes = judged.routes if isinstance(judged, BothFeeds) else (judged,)
    hold = hold_of_judged(work, demand, [site] * len(routes), routes)
    if isinstance(judged, BothFeeds):
        hold = replace(hold, working=judged.strips)
    spread = spread_of(hold).as_one()
    found: list[SurveyPoint] = []
    for name, room in _close(work, demand, judged):
        figure = next((f for start, f in _FIGURE_OF.items() if name.startswith(start)), "length_m")
        effects = pd.DataFrame(spread.on_figure(figure)._asdict())
        features = _by_feature(effects, spread.coverage)
        whole = float(spread.tolerances[figure][0])
        found += _points(work, features, name, whole, abs(room))
    return _most_exact(found or _points_beside(work, judged.judging))


def _most_exact(points: Iterable[SurveyPoint]) -> tuple[SurveyPoint, ...]:
    """Of the points that name one feature that which needs it best known."""
    found: dict[tuple[str, str], SurveyPoint] = {}
    for point in points:
        key = (point.feature["layer"], point.feature["id"])
        if key not in found or point.needed_m < found[key].needed_m:
            found[key] = point
    return tuple(found.values())


def _points_beside(work: Groundwork, judging: Judging) -> Iterator[SurveyPoint]:
    """Things that the line may touch within the tolerances, where no measure is at a limit."""
    for thing in judging.exactness.near[judging.number]:
        if if_touched(work, [thing], judging.inputs):
            unknown_m = work.policy.planning.value("tolerance_hearsay_m")
            told_of = _at_edge if thing.layer == _AREAS else _points_of
            yield from told_of(work, thing, unknown_m)


def _at_edge(work: Groundwork, thing: Thing, unknown_m: float) -> Iterator[SurveyPoint]:
    """The red line of a parcel that may lie on either side of the edge of an area."""
    layer, what, parcel_id = thing.held
    now_m = thing.held_m if np.isfinite(thing.held_m) else unknown_m
    utility = load_utilities().get(thing.feature_id)
    text = _(
        "宗地 {parcel} 的红线距{area}边线 {gap:.2f} 米,在其允许误差 ±{now:.2f} 米以内:"
        "请实测红线,或请主管部门认定在范围内还是范围外"
    ).format(
        parcel=parcel_id,
        area=_("城区") if utility is None else _("{utility}服务范围").format(utility=utility.zh),
        gap=thing.gap_m,
        now=now_m,
    )
    yield SurveyPoint(thing.xy, what, {"layer": layer, "id": parcel_id}, now_m, thing.gap_m, text)


def _points_of(work: Groundwork, thing: Thing, unknown_m: float) -> Iterator[SurveyPoint]:
    """What to survey of a thing and of what the line hangs on there: one of both if that will do.

    The needed tolerances together are no more than the gap.
    """
    own = (thing.layer, _WHAT_BESIDE[thing.layer], thing.feature_id)
    told_m = np.array([thing.tolerance_m, thing.held_m])
    now_m = np.nan_to_num(told_m, nan=unknown_m)
    room_m = np.sqrt(np.maximum(thing.gap_m**2 - now_m[::-1] ** 2, 0.0))
    alone = np.flatnonzero(now_m[::-1] < thing.gap_m)[:1]
    both_m = now_m * thing.gap_m / np.hypot(*now_m)
    for at in alone.tolist() or np.flatnonzero(now_m > 0).tolist():
        layer, what, feature_id = (own, thing.held)[at]
        needed_m = float(room_m[at] if len(alone) else both_m[at])
        words = {
            "what": _words_of(what).format(id=feature_id),
            "now": now_m[at],
            "near": _words_of(own[1]).format(id=thing.feature_id),
            "gap": thing.gap_m,
            "need": needed_m,
        }
        text = _beside(bool(np.isfinite(told_m[at]))).format(**words)
        if needed_m < work.policy.planning.value("tolerance_surveyed_point_m"):
            text += _too_exact()
        feature = {"layer": layer, "id": feature_id}
        yield SurveyPoint(thing.xy, what, feature, float(now_m[at]), needed_m, text)


def _beside(known: bool) -> str:
    """Words for what the line may touch; unknown positions are counted like hearsay."""
    if known:
        return _(
            "实测{what}:现允许误差 ±{now:.2f} 米,作业范围距{near} {gap:.2f} 米,"
            "须不大于 ±{need:.3f} 米,是否触及才能定论"
        )
    return _(
        "实测{what}:位置来源不明,按允许误差 ±{now:.2f} 米计,作业范围距{near} {gap:.2f} 米,"
        "须不大于 ±{need:.3f} 米,是否触及才能定论"
    )


def _close(
    work: Groundwork, demand: Demand, route: Route | BothFeeds
) -> Iterator[tuple[str, float]]:
    """Measures whose interval crosses a limit of the tried clauses, and their room to it."""
    for one in route.verdict.findings:
        if one.kind != "condition" or one.comparator not in NUMERIC or is_unknown(one.value):
            continue
        name = read_as(work.policy, demand.pipe.utility, str(one.input))
        tolerance = route.tolerances.get(name)
        half = float(work.policy.round_to) / 2
        beyond = half if one.comparator in ("at_most", "above") else -half
        room = float(one.limit) + beyond - float(one.value)
        if tolerance is not None and abs(room) <= tolerance:
            yield name, room


def _by_feature(effects: pd.DataFrame, coverage: float) -> pd.DataFrame:
    """Effect of every feature on a figure, in its unit, largest first."""
    reach = np.hypot(effects["gx"], effects["gy"]) * effects["tolerance_m"] * coverage / 2
    table = effects.assign(reach=reach).sort_values("reach", ascending=False)
    keys = ["what", "layer", "feature_id"]
    squares = (table["reach"] ** 2).groupby([table[key] for key in keys]).sum()
    first = table.drop_duplicates(keys).set_index(keys)
    return first.assign(reach=np.sqrt(squares)).sort_values("reach", ascending=False).reset_index()


def _points(
    work: Groundwork, features: pd.DataFrame, measure: str, whole: float, room: float
) -> Iterator[SurveyPoint]:
    """The fewest features that have to be known better for an interval no wider than the room.

    ``whole`` is the tolerance by all features together, some of whose effects cancel.
    """
    squares = features["reach"].to_numpy(float) ** 2
    rest = np.maximum(whole**2 - np.cumsum(squares), 0.0)
    rest[-1] = 0.0
    count = 1 + int(np.argmax(rest <= room**2 / 2 + 1e-12))
    share = np.sqrt(max(room**2 - rest[count - 1], 0.0) / squares[:count].sum())
    for row in features.iloc[:count].to_dict("records"):
        yield _point(work, row, measure, float(row["tolerance_m"] * min(share, 1.0)))


def _point(work: Groundwork, row: dict[Any, Any], measure: str, needed_m: float) -> SurveyPoint:
    told = _words_of(str(row["what"])).format(id=row["feature_id"])
    text = _(
        "实测{what}:现允许误差 ±{now:.2f} 米,须不大于 ±{need:.3f} 米,{measure}才能定论"
    ).format(
        what=told,
        now=row["tolerance_m"],
        need=needed_m,
        measure=work.policy.inputs[measure].zh,
    )
    if needed_m < work.policy.planning.value("tolerance_surveyed_point_m"):
        text += _too_exact()
    return SurveyPoint(
        (float(row["x"]), float(row["y"])),
        str(row["what"]),
        {"layer": str(row["layer"]), "id": str(row["feature_id"])},
        float(row["tolerance_m"]),
        needed_m,
        text,
    )


def _words_of(what: str) -> str:
    """Name of what is surveyed, with a place for its id."""
    return {
        "main": _("现状管线 {id}"),
        "node": _("管线点 {id}"),
        "red_line": _("宗地 {id} 的红线"),
        "kerb": _("道路 {id} 的路缘石"),
        "green_edge": _("绿地 {id} 的边线"),
        "tree": _("树木 {id}"),
        "road_red_line": _("道路 {id} 的红线"),
    }[what]


def _too_exact() -> str:
    return _(";比实测点的允许误差还小,宜调整设计离开限值")
