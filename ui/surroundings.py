"""What one line meets: clearances, places to survey, tie-ins, its size, and a drawn route."""

from __future__ import annotations

from api.escape import esc
from language import gettext as _
from layers.moments import day_of
from ui import words
from ui.clearances import clearance_texts, clearances, short
from ui.feeds import drawn_figures
from ui.grounds import cannot_be_laid, chip, deciding
from ui.numbers import metres, money, signed
from ui.view import Json, View
from ui.words import head


def surroundings(view: View, line: Json) -> str:
    """All of it in the order of weight; what a plan does not say is not shown."""
    return "".join(
        [
            drawn_route(view, line),
            clearances(line.get("clearances") or [], _("推荐路由的净距")),
            survey_points(line),
            tie_ins(line),
            sizing(line),
        ]
    )


def survey_points(line: Json) -> str:
    """Places whose survey would settle the verdict, by coordinates; the map marks them."""
    rows = "".join(
        f'<li>{esc(head(one["text"]))} <span class="tg-soft">{_coordinates(one["xy"])}</span></li>'
        for one in line.get("survey_points") or []
    )
    return (
        f"<h3>{_('须实测的点')}<small>{_('地图上有标记')}</small></h3>"
        f'<ul class="tg-questions">{rows}</ul>'
        if rows
        else ""
    )


def _coordinates(xy: Json) -> str:
    """Northing and easting in the county's own coordinate system, as surveyors write them."""
    east, north = xy
    return _("北坐标 X {north:.2f},东坐标 Y {east:.2f}").format(north=north, east=east)


def tie_ins(line: Json) -> str:
    """Candidates in their order and those rejected, each with its reasons.

    Folded, but for a line that cannot be joined: there they are the answer.
    """
    found = line.get("tie_ins") or {}
    candidates, rejected = found.get("candidates") or [], found.get("rejected") or []
    if not candidates and not rejected:
        return ""
    taken = "".join(_candidate(one) for one in candidates)
    left = "".join(f"<li><b>{esc(one['id'])}</b> {esc(one['text'])}</li>" for one in rejected)
    parts = f'<ol class="tg-questions">{taken}</ol>' if taken else ""
    if left:
        parts += f'<h4>{_("不可接入")} {len(rejected)}</h4><ul class="tg-questions">{left}</ul>'
    unfolded = " open" if line["status"] == "unroutable" else ""
    return (
        f"<details{unfolded}><summary>{_('接入点比选')} {len(candidates)} / "
        f"{len(candidates) + len(rejected)}</summary>{parts}</details>"
    )


def _candidate(one: Json) -> str:
    figures = [
        f"{metres(one['length_m'])} m" if one.get("length_m") is not None else "",
        f"{money(one['cost_yuan'])} {_('万元')}" if one.get("cost_yuan") is not None else "",
    ]
    reasons = _(";").join(str(each) for each in one.get("reasons") or [])
    told = " · ".join(part for part in figures if part)
    return f'<li><b>{esc(one["id"])}</b> {told} <span class="tg-soft">{esc(reasons)}</span></li>'


def sizing(line: Json) -> str:
    """How the size follows from the demand, step by step; folded."""
    found = line.get("sizing")
    if not found:
        return ""
    steps = "".join(f"<li>{esc(step)}</li>" for step in found.get("steps") or [])
    confidence = words.CONFIDENCE.get(found.get("confidence") or "", found.get("confidence"))
    told = [found.get("formula"), found.get("source"), confidence]
    about = " · ".join(esc(words.source(str(part))) for part in told if part)
    own = f"<p>{_('规格由申请指定,未采用推算值。')}</p>" if found.get("overridden") else ""
    return (
        f"<details><summary>{_('规格推算')}</summary>{own}"
        f'<ol class="tg-questions">{steps}</ol><p class="tg-soft">{about}</p></details>'
    )


# --- a drawn route --------------------------------------------------------------------------------


def drawn_route(view: View, line: Json) -> str:
    """The drawn route of a line: verdict, figures, differences, what was moved, faults."""
    manual = line.get("manual")
    if not manual:
        return ""
    head, route = _head(manual), view.drawn(line)
    if manual["status"] == "refused" or route is None:
        return f'{head}<p class="tg-note-warn">{esc(manual["reason"])}</p>'
    return head + judged_drawing(view, manual, route)


def _head(manual: Json) -> str:
    """Who drew a route, when, and their note; of two drawn feeds each in a line of its own."""
    second = manual.get("second_drawn")
    if not second:
        note = f'<p class="tg-soft">{esc(manual["note"])}</p>' if manual["note"] else ""
        return f"<h3>{_('手绘路由')}<small>{_drawn_by(manual)}</small></h3>{note}"
    lines = "".join(
        f'<p class="tg-soft">{" · ".join(filter(None, told))}</p>'
        for told in (
            (_("第一路"), _drawn_by(manual), esc(manual["note"])),
            (_("第二路"), _drawn_by(second), esc(second["note"])),
        )
    )
    return f"<h3>{_('手绘路由')}<small>{_('两路')}</small></h3>{lines}"


def _drawn_by(one: Json) -> str:
    return " · ".join(
        esc(part) for part in [one["author"] or _("未署名"), day_of(one["at"])] if part
    )


def judged_drawing(view: View, manual: Json, route: Json) -> str:
    """A judged drawing for the panel, with its clearances."""
    near = clearances(manual.get("clearances") or [], _("手绘路由的净距"))
    return _outcome(view, manual, route) + _details(manual, route) + near


def drawn_card(view: View, manual: Json, route: Json) -> str:
    """A judged drawing for the card on the map: what it comes to, and the rest to unfold."""
    near = "".join(f"<li>{text}</li>" for text in clearance_texts(manual.get("clearances") or []))
    rest = _details(manual, route) + (f'<ul class="tg-changes">{near}</ul>' if near else "")
    folded = f"<details><summary>{_('详情')}</summary>{rest}</details>" if rest else ""
    return _outcome(view, manual, route) + folded


def _outcome(view: View, manual: Json, route: Json) -> str:
    """Verdict and what decided it, figures, and how they differ from the recommended route's.

    With faults the line cannot be laid so: what a clause says of its measures stands behind that.
    """
    verdict, wrong = manual["verdict"], faults_of_drawn(manual)
    certainty = words.CERTAINTY.get(verdict.get("certainty") or "", "")
    clause = esc(words.source(verdict["clause"] or ""))
    told = [f"{chip(view, verdict['outcome'])} {clause} <span>{esc(certainty)}</span>"]
    if wrong:
        outcome = f"{esc(view.words.outcome(verdict['outcome']))} {clause}"
        told = [
            f'{cannot_be_laid()} <b class="tg-wrong">{_("问题 {} 处").format(len(wrong))}</b>',
            f'<span class="tg-soft">{_("不计问题,按条款为:")}{outcome}</span>',
        ]
    near = short([route, *_beside(manual)], uncertain=True)
    parts = [
        *told,
        deciding(view, verdict),
        drawn_figures(manual, route)[0],
        differences(manual),
        f'<b class="tg-wrong">{esc(head(near))}</b>' if near else "",
    ]
    return "".join(f"<p>{part}</p>" for part in parts if part)


def _beside(manual: Json) -> list[Json]:
    """The feed with which a drawn one is judged, if there is one."""
    other = (manual.get("second_feed") or {}).get("route")
    return [other] if other else []


def faults_of_drawn(manual: Json) -> list[Json]:
    """The faults of a drawn route, of two drawn feeds those of both."""
    drawn = (manual, manual.get("second_drawn") or {})
    return [fault for one in drawn for fault in one.get("faults") or []]


def _details(manual: Json, route: Json) -> str:
    """Figures of each of two feeds, and what was moved or is wrong."""
    feeds = drawn_figures(manual, route)[1:]
    return "".join(f"<p>{part}</p>" for part in feeds if part) + changes(manual)


def differences(manual: Json) -> str:
    """What a drawn route has more or less than the recommended one."""
    more = manual.get("differences")
    if not more:
        return ""
    parts = [
        f"{signed(more['extra_m'])} m",
        f"{signed(more['extra_yuan'] / 10000)} {_('万元')}",
        *(
            f"{name} {signed(more[key])} {unit}"
            for key, name, unit in (
                ("extra_crossing_kerb_m", _("穿路"), "m"),
                ("extra_green_m2", _("绿化"), "m²"),
            )
            if more.get(key) is not None and abs(more[key]) >= 0.005
        ),
    ]
    against = _("比推荐的两路") if manual.get("second_drawn") else _("比推荐路由")
    return f"{against} {' · '.join(parts)}"


def changes(manual: Json) -> str:
    """Faults and what was moved of a drawing, of two drawn feeds of each."""
    second = manual.get("second_drawn")
    feeds = ((_("第一路{}"), manual), (_("第二路{}"), second)) if second else (("{}", manual),)
    wrong = "".join(
        f'<li class="tg-wrong">{head(name.format(esc(one["text"])))}</li>'
        for name, drawn in feeds
        for one in drawn["faults"]
    )
    moved = "".join(
        f'<li class="tg-soft">{head(name.format(esc(one["text"])))} {metres(one["moved_m"])} m</li>'
        for name, drawn in feeds
        for one in drawn["moves"]
    )
    return f'<ul class="tg-changes">{wrong}{moved}</ul>' if moved or wrong else ""
