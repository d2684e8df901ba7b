"""A line of two feeds in figures: what both come to, as judged, and each of the two by itself."""

from __future__ import annotations

from collections.abc import Iterator

from api.escape import esc
from language import gettext as _
from reports.summary import NO_SECOND
from ui import words
from ui.numbers import metres, money
from ui.view import Json, View


def counted(route: Json) -> Json:
    """Where the figures of a route stand: of a line with two feeds, those of both."""
    return route.get("together") or route


def counted_length(route: Json) -> tuple[str, float]:
    """Metres beside a verdict, and where they stand below the route.

    Of two feeds they are those that the clause counts; all pipe of both where none can.
    """
    both = route.get("together")
    if not both:
        return "length_m", route["length_m"]
    name = both["length_measure"]
    if both["measures"].get(name) is not None:
        return f"together/measures/{name}", both["measures"][name]
    return "together/length_m", both["length_m"]


def counted_crossing(route: Json, figure: str) -> float | None:
    """Metres of crossing as the clause counts them, where the figure is a measure of one."""
    found: Json = counted(route)
    measured = (found.get("measures") or {}).get(figure)
    return found[figure] if measured is None else measured


def no_second(second: Json) -> str:
    """Why there is no second feed."""
    return _(NO_SECOND.get(second["reason"] or "", "第二路未能布置"))


def figures(route: Json) -> str:
    """Length, crossings, green and cost of one route in one line."""
    return f"{measured(route)} · {money(route['cost_yuan'])} {_('万元')}"


def measured(route: Json) -> str:
    """Length, crossings and green of one route in one line."""
    return " · ".join(
        [
            f"{_('长')} {metres(route['length_m'])} m",
            _("穿路 {} 次 {} m").format(route["crossing_count"], metres(route["crossing_kerb_m"])),
            f"{_('绿化')} {metres(route['green_m2'])} m²",
        ]
    )


def feed_routes(view: View, line: Json) -> list[Json]:
    """The route that counts in this view; of a line of two feeds both, the first before."""
    first, second = view.route(line), view.second(line)
    return [first, second] if first.get("together") and second else [first]


def feeds(view: View, line: Json) -> list[str]:
    """What is to be told of the feeds of a line, each and then both; nothing for a line of one."""
    second = line.get("second_feed")
    if not second or line["status"] != "routed":
        return []
    if second["route"] is None:
        reason = no_second(second)
        return [_("以上只有第一路:{}").format(reason)]
    first = view.route(line)
    both = first.get("together")
    if not both:
        return [_("以上只有第一路:与第二路接自同一管线,不成两路")]
    own = measured(first), measured(second["route"])
    each = [_("第一路 {}").format(own[0]), _("第二路 {}").format(own[1])]
    return [*each, _(";").join(_of_both(view, line, first, both))]


def drawn_figures(manual: Json, route: Json) -> list[str]:
    """Figures of a drawn route; of a line of two feeds of both, then each, as HTML."""
    second = manual.get("second_feed")
    if not second:
        return [figures(route)]
    if second["route"] is None:
        told = _("只有手绘的一路,不能判定:{}")
        return [figures(route), esc(told.format(no_second(second)))]
    both = {**counted(route), "length_m": counted_length(route)[1]}
    own, other = _names_of_drawn(manual, route, second["route"])
    apart = [words.APART.get(second["apart"] or ""), _sure(second)]
    return [
        f"{_('两路合计')} {figures(both)}",
        f"{esc(own)} {figures(route)}",
        f"{esc(other)} {figures(second['route'])}",
        _(";").join(filter(None, apart)),
    ]


def _names_of_drawn(manual: Json, route: Json, other: Json) -> tuple[str, str]:
    """What the drawn route and the feed beside it are called; of two drawn ones where they join."""
    if manual.get("second_drawn"):
        told = _("手绘第一路({} 接入)"), _("手绘第二路({} 接入)")
        return told[0].format(joined_at(route)), told[1].format(joined_at(other))
    return _("手绘的一路"), _("另一路(自动选取,{} 接入)").format(joined_at(other))


def _sure(second: Json) -> str:
    return "" if second["proven"] else _("未搜完,可能还有更省的另一路")


def joined_at(route: Json) -> str:
    """The main or node where a route joins the network."""
    tie_in = route["tie_in"]
    return str(tie_in.get("node_id") or tie_in.get("line_id"))


def _of_both(view: View, line: Json, first: Json, both: Json) -> Iterator[str]:
    """How the two lie to each other, what they cost, and what counts once."""
    joint = view.joint and first is line.get("shared_route")
    apart = "" if joint else words.APART.get(line["second_feed"]["apart"] or "")
    yield _("以上为两路合计,{} 万元").format(money(both["cost_yuan"]))
    if apart:
        yield apart
    if both["shared_m"] >= 0.005:
        yield _("两路同沟 {} m").format(metres(both["shared_m"]))
    counted_m = counted_length(first)[1]
    if abs(counted_m - both["length_m"]) >= 0.005:
        told = _("管线共长 {} m,条款按 {} m 计")
        yield told.format(metres(both["length_m"]), metres(counted_m))
