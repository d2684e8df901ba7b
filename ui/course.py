"""The course of a route: where each of its pieces lies, and how wide the ground is there."""

from __future__ import annotations

from collections.abc import Sequence

from api.escape import esc
from language import gettext as _
from language import said
from ui.numbers import metres
from ui.tracing import route_pointer, traced
from ui.view import Json, View
from ui.words import head

PLACES = said(
    {
        "footway": "人行道",
        "verge": "绿化带",
        "crossing": "横穿车行道",
        "lane": "沿车行道",
        "across": "横过路侧",
        "bore": "顶管",
        "duct": "既有管孔",
        "overhead": "既有杆路",
        "wall": "沿墙",
        "drawn": "绘制走廊",
        "open_land": "空地",
        "to_main": "接管段",
        "to_red_line": "入户段",
        "off_corridor": "走廊之外",
    }
)
SIDES = said(
    {
        "E": "东侧",
        "NE": "东北侧",
        "N": "北侧",
        "NW": "西北侧",
        "W": "西侧",
        "SW": "西南侧",
        "S": "南侧",
        "SE": "东南侧",
    }
)


def course(view: View, line: Json, route: Json, feed: str = "") -> str:
    """The pieces of a route from the main to the red line, folded; empty where none are told.

    ``feed`` names the route where it is one of two.
    """
    found = route.get("stretches") or []
    if not found:
        return ""
    rows = "".join(_row(view, line, route, number) for number in range(len(found)))
    heads = (
        f'<th>{_("位置")}</th><th class="n">{_("长")} m</th>'
        f'<th class="n">{head(_("宽"))} m</th><th class="n">{_("可用宽")} m</th>'
    )
    return (
        f"<details><summary>{f'{feed} ' if feed else ''}{_('路由各段')} {_summary(found)}</summary>"
        f'<table class="tg-small"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f'<p class="tg-soft">{_("宽:路缘石至红线最窄处;可用宽:再扣除既有管线和须保持的净距。")}'
        "</p></details>"
    )


def _summary(found: Sequence[Json]) -> str:
    """Metres in each kind of place, the longest first."""
    metres_in: dict[str, float] = {}
    for one in found:
        metres_in[one["place"]] = metres_in.get(one["place"], 0.0) + one["length_m"]
    longest = sorted(metres_in.items(), key=lambda told: -told[1])
    told = " · ".join(f"{PLACES[place]} {metres(length)}" for place, length in longest[:3])
    return f'<span class="tg-soft">{esc(told)}</span>'


def _row(view: View, line: Json, route: Json, number: int) -> str:
    one = route["stretches"][number]
    figures = {
        name: traced(
            view,
            route_pointer(view, line, route, f"stretches/{number}/{name}"),
            metres(one[name]),
        )
        for name in ("length_m", "width_m", "free_for_pipe_m")
    }
    has_width = one["place"] in ("footway", "verge")
    width, free = (figures[name] if has_width else "" for name in ("width_m", "free_for_pipe_m"))
    return (
        f'<tr><td>{esc(_where(view, one))}</td><td class="n">{figures["length_m"]}</td>'
        f'<td class="n">{width}</td><td class="n">{free}</td></tr>'
    )


def _where(view: View, one: Json) -> str:
    """Place, street and side of a piece, and the existing lines that lie there."""
    street = "" if one["road_id"] is None else view.road(one["road_id"])
    side = "" if one["side"] is None else SIDES[one["side"]]
    told = " ".join(part for part in (PLACES[one["place"]], street, side) if part)
    lines = _("、").join(one["lines"])
    return told + _("({})").format(f"{_('内有')} {lines}") if lines else told
