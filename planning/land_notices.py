"""Notices of a parcel's land: what the layers say of it cannot all be true."""

from __future__ import annotations

from collections.abc import Iterator

from planning.groundwork import Groundwork
from planning.red_lines import in_roads, lands_of, overlapping_parcels
from planning.texts import gettext as _

# Parcels that share so much of their land are one that was drawn twice; neighbours whose red lines
# are known to some metres only may share half of theirs.
_SAME_SHARE = 0.95
_IN_ROAD = _(
    "宗地 {parcel} 的红线伸入道路 {road} 的车行道,超出两者的允许误差:"
    "至少有一处的位置有误,核实之前外线的长度不能定论"
)
_OVERLAPS = _(
    "宗地 {parcel} 与宗地 {other} 重叠 {shared:.1f} 平方米,超出两者的允许误差:"
    "至少有一处红线有误,核实之前外线的长度不能定论"
)
_TWICE = _("宗地 {parcel} 与宗地 {other} 的红线相同,可能是同一宗地录入了两次:请核对后删除其中一行")


def contradicting_land(work: Groundwork, parcel_id: str) -> Iterator[tuple[str, str, str, str]]:
    """Carriageways and other parcels that the parcel reaches into farther than both may be off.

    And parcels that are the same by another name.
    """
    tolerance_m = work.tolerances.of_features("parcels", [parcel_id])
    shapes = lands_of(work, [parcel_id])
    for road in in_roads(work, shapes, tolerance_m).road.tolist():
        name = work.corridors.surfaces.road_ids[road]
        yield "parcel_in_road", "roads", name, _IN_ROAD.format(parcel=parcel_id, road=name)
    found = overlapping_parcels(work, [parcel_id], tolerance_m)
    for other, shared, contradict in zip(*(c.tolist() for c in found[1:]), strict=True):
        layer = work.survey.tables["parcels"]
        name, land = str(layer.index[other]), layer.geometry.iloc[other]
        if contradict:
            text = _OVERLAPS.format(parcel=parcel_id, other=name, shared=shared)
            yield "parcels_overlap", "parcels", name, text
        elif shared >= _SAME_SHARE * max(land.area, shapes[0].area):
            yield "parcel_twice", "parcels", name, _TWICE.format(parcel=parcel_id, other=name)
