"""What is to be known of a joint plan: who gave way for want of room, what keeps lines apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from layers.utilities import load_utilities
from planning.groundwork import Groundwork
from planning.joint import Joint
from planning.notices import Notice, named_area
from planning.texts import gettext as _


def joint_notices(
    work: Groundwork, joint: Joint | None, too_wide: Iterable[str]
) -> tuple[Notice, ...]:
    """Why lines share no trench, or where their trench may not have the room that it needs."""
    if joint is None:
        return ()
    utilities = tuple(joint.routes)
    too_wide = tuple(too_wide)
    if not too_wide:
        unsure = _(
            "道路 {road} 沿线有 {m:.0f} 米共沟或并排开沟:净宽未知或可能不够,请核对红线和既有管线"
        )
        narrow = _("道路 {road} 沿线有 {m:.0f} 米各沟并排放不下,未找到各专业都放得下的布置")
        told = (
            ("joint_slot_unsure", joint.unsure_m, unsure),
            ("joint_slot_too_narrow", joint.too_wide_m, narrow),
        )
        called = _names_of_roads(work)
        beside = _("道路 {road} 沿线有 {m:.0f} 米与联合方案的各沟并排放不下,须另定位置")
        others = joint.beside_others.items()
        return (
            *_gave_way(joint, called),
            *(
                Notice(
                    "joint_slot_beside_others",
                    "roads",
                    road,
                    other.utilities,
                    beside.format(road=called[road], m=other.length_m),
                )
                for road, other in others
            ),
            *(
                Notice(kind, "roads", road, utilities, text.format(road=called[road], m=metres))
                for kind, metres_of, text in told
                for road, metres in metres_of.items()
            ),
        )
    text = _("同沟作业带较宽,会进入禁挖区{area},故分别敷设")
    return tuple(
        Notice(
            "joint_in_no_dig",
            "no_dig",
            name,
            utilities,
            text.format(area=named_area(work.closures.by_id[name])),
        )
        for name in too_wide
    )


def _names_of_roads(work: Groundwork) -> dict[str, str]:
    """What roads are called by their ids: by name and id, or by the id alone."""
    table = work.corridors.surfaces.table
    return {
        str(road): name + _("({})").format(road) if isinstance(name, str) else str(road)
        for road, name in zip(table["road_id"], table["name"], strict=True)
    }


def _gave_way(joint: Joint, called: Mapping[str, str]) -> Iterator[Notice]:
    """Who was led elsewhere because a slot has no room for all, and what that costs the plan."""
    found = joint.plan
    proof = _("已证最省") if found.proven_optimal else _("与最省的差距不超过 {gap:.1%}")
    text = _(
        "因道路 {road} 沿线有 {m:.0f} 米各沟并排放不下,联合方案中改走他处:"
        "全方案共多 {yuan:.0f} 元,{proof}"
    )
    beside = _(
        "因道路 {road} 沿线有 {m:.0f} 米各沟与单独敷设的{others}并排放不下,联合方案中改走他处:"
        "全方案共多 {yuan:.0f} 元,{proof}"
    )
    for road, left in joint.gave_way.items():
        others = joint.gave_way_to.get(road, ())
        told = (beside if others else text).format(
            others=_("、").join(load_utilities()[one].zh for one in others),
            road=called[road],
            m=left.length_m,
            yuan=found.cost_yuan - found.roomy_cost_yuan,
            proof=proof.format(gap=found.gap),
        )
        yield Notice("joint_slot_gave_way", "roads", road, left.utilities, told)
