"""What the screening says of a case, shown until its whole plan is there; as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from api.escape import esc
from language import gettext as _
from layers.utilities import load_utilities
from planning.measures import length_measure
from planning.policies import load_policy
from planning.screened_lines import UNROUTABLE, Line, is_pair
from reports.reasons import REASONS
from ui import words
from ui.grounds import chip
from ui.numbers import metres
from ui.panel import heading, swatch
from ui.screened_county import ScreenedCounty, outcome_word
from ui.view import View
from ui.words import Words


def first_answer(screening: ScreenedCounty, lines: Sequence[Line], title: str) -> str:
    """The case by its name, one row for each line, and where they come from."""
    parcel_id = str(lines[0]["parcel_id"])
    parcel = screening.county.survey.tables["parcels"].loc[parcel_id]
    about = {
        "parcel_id": parcel_id,
        "dig_date": lines[0]["dig_date"],
        "parcel": {
            "area_m2": float(parcel.geometry.area),
            "name": parcel.get("name"),
            "land_use": parcel.get("land_use"),
        },
    }
    view = View({"utilities": []}, load_utilities(), Words(load_policy(_county(screening))))
    told = _("以上为全县筛查({})中各自敷设的推荐路由;共沟、比选、净距和补救办法正在计算…")
    return (
        heading(about, title, default_demand=lines[0]["source"] == "default_demand")
        + _table(view, lines)
        + f'<p class="tg-soft tg-first">{esc(told.format(screening.day.isoformat()))}</p>'
    )


def _county(screening: ScreenedCounty) -> str:
    return screening.county.survey.county


def _table(view: View, lines: Sequence[Line]) -> str:
    heads = (
        f'<th>{_("专业")}</th><th class="n">{_("外线长度")}<br>m</th>'
        f'<th class="n">{_("穿路")}<br>{_("次")} / m</th>'
        f'<th class="n">{_("绿化")}<br>m²</th><th>{_("判定")}</th><th>{_("条款")}</th>'
    )
    rows = "".join(_row(view, line) for line in lines)
    table = "tg-lines tg-first-lines"
    return f'<table class="{table}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _row(view: View, line: Line) -> str:
    utility = view.utilities[line["utility"]]
    both = f"<small>{_('两路合计')}</small>" if is_pair(line) else ""
    name = f'<td class="tg-name">{swatch(utility)}{esc(view.name(utility.key))}{both}</td>'
    if line["status"] == UNROUTABLE:
        reason = esc(REASONS.get(line["reason"] or "", line["reason"] or _("无路由")))
        return (
            f'<tr>{name}<td colspan="3" class="tg-soft">{reason}</td><td>'
            f'<span class="tg-chip tg-none">{esc(outcome_word(view.words, UNROUTABLE))}</span>'
            "</td><td></td></tr>"
        )
    certainty = words.CERTAINTY.get(line["certainty"] or "", "")
    return (
        f'<tr>{name}<td class="n">{metres(_length_m(view, line))}</td>'
        f'<td class="n">{line["crossing_count"]:.0f} / {metres(line["kerb_m"])}</td>'
        f'<td class="n">{metres(line["green_m2"])}</td>'
        f"<td>{chip(view, line['outcome'])}</td>"
        f"<td>{esc(line['clause'])}<small>{esc(certainty)}</small></td></tr>"
    )


def _length_m(view: View, line: Line) -> float | None:
    """Metres; of two feeds as the clause counts them."""
    name = length_measure(view.words.policy, line["utility"]) if is_pair(line) else None
    counted = line[name] if name else None
    found: float | None = line["length_m"] if counted is None else counted
    return found
