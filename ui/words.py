"""Chinese words for the codes that plans and verdicts carry."""

from __future__ import annotations

from gettext import gettext as _

OUTCOMES = {
    "blocked": _("不得挖掘"),
    "ordinary_approval": _("一般审批"),
    "undetermined": _("待补充"),
    "commitment": _("告知承诺"),
    "commitment_filing": _("承诺备案"),
    "not_required": _("无需审批"),
    "not_covered": _("方案未规定"),
}
QUALIFYING = ("commitment", "commitment_filing", "not_required")

CERTAINTY = {
    "firm": _("确定"),
    "too_close": _("太接近限值,待测"),
    "depends_on_reading": _("取决于条文理解"),
    "rests_on_unverified": _("依据待核"),
    "not_assessed": _("未评估测量误差"),
}

STATUS = {"met": _("符合"), "failed": _("不符合"), "unknown": _("未知")}

PERMITS = {
    "road_excavation": _("城市道路挖掘"),
    "green_occupation": _("临时占用绿化"),
    "tree_moving": _("迁移(伐移)树木"),
    "drainage_discharge": _("排水许可"),
}

KINDS = {
    "condition": _("条款"),
    "guard": _("限制"),
    "scope": _("适用范围"),
    "not_required": _("是否需要"),
    "advisory": _("提示"),
}

REASONS = {
    "no_network_imported": _("未导入该专业管网"),
    "no_tie_in": _("附近没有可用接入点"),
    "gap_too_wide": _("距走廊过远,无法连接"),
    "disconnected": _("走廊不连通"),
    "no_size_match": _("没有管径匹配的干管"),
    "not_requested": _("未申请"),
}

LAND_USES = {
    "residential": _("居住"),
    "commercial": _("商业"),
    "office": _("办公"),
    "education": _("教育"),
    "medical": _("医疗"),
    "industrial": _("工业"),
    "logistics": _("物流仓储"),
    "public": _("公共服务"),
    "utility": _("公用设施"),
    "green": _("绿地"),
    "mixed": _("混合"),
}

SURFACES = {
    "footway": _("人行道"),
    "verge": _("绿化带"),
    "asphalt": _("沥青路面"),
    "concrete": _("水泥路面"),
    "paver": _("砖铺路面"),
    "gravel": _("碎石路面"),
    "earth": _("土路"),
    "unknown": _("路面未知"),
}

# Inputs of the rules: name and unit. A name that is missing here is shown as it is.
INPUTS = {
    "max_dn_mm": (_("最大管径"), "mm"),
    "pipe_length_m": (_("管道长度"), "m"),
    "construction_length_m": (_("施工长度"), "m"),
    "line_length_m": (_("线路长度"), "m"),
    "green_affected_m2": (_("占用或伐移绿化"), "m²"),
    "green_temporary_m2": (_("临时占用绿化"), "m²"),
    "road_crossing_m": (_("穿越城市道路"), "m"),
    "crossing_kerb_m": (_("穿越车行道(路缘石间)"), "m"),
    "crossing_red_line_m": (_("穿越道路(红线间)"), "m"),
    "duct_holes": (_("孔数"), _("孔")),
    "duct_outer_diameter_mm": (_("管外径"), "mm"),
    "subject_kind": (_("排水户类别"), ""),
    "enterprise_invested_or_dominant": (_("企业投资或投资占主导"), ""),
    "hazardous_goods": (_("涉易燃易爆有毒有害物品"), ""),
    "touches_city_road": (_("涉及城市道路"), ""),
    "touches_green": (_("涉及绿化"), ""),
    "touches_tree": (_("涉及树木"), ""),
    "tree_moving": (_("迁移树木"), ""),
    "road_opened_on": (_("道路交付使用日期"), ""),
    "road_overhauled_on": (_("道路大修竣工日期"), ""),
    "dig_date": (_("计划开挖日期"), ""),
    "open_cut": (_("明挖"), ""),
    "pit_in_road": (_("路内工作坑"), ""),
    "on_bridge": (_("桥上敷设"), ""),
    "pressure_mpa": (_("压力"), "MPa"),
    "voltage_kv": (_("电压"), "kV"),
    "promiser_declines": (_("承诺人不愿承诺"), ""),
    "bad_credit": (_("严重失信"), ""),
    "ancient_tree_or_park": (_("古树名木或公园绿地"), ""),
    "in_service_area": (_("在城区及管网覆盖范围内"), ""),
    "work_kind": (_("工程性质"), ""),
    "free_holes": (_("空闲孔数"), _("孔")),
    "authority": (_("道路管理单位"), ""),
    "opened_on": (_("道路交付使用日期"), ""),
    "overhauled_on": (_("道路大修竣工日期"), ""),
    "carriageway_width_m": (_("车行道宽"), "m"),
    "red_line_width_m": (_("道路红线宽"), "m"),
    "diameter_mm": (_("管径"), "mm"),
    "nominal_mm": (_("公称直径"), "mm"),
}

VALUES = {
    "construction_site_without_sewage": _("无污水产生的工地"),
    "construction_site_with_sewage": _("有污水产生的工地"),
    "six_small_trade": _("六小行业"),
    "household": _("居民"),
    "other": _("其他"),
    "new": _("新装"),
    "rebuild": _("改建"),
    "capacity_increase": _("增容"),
    "temporary": _("临时"),
    "main_extension": _("干管延伸"),
    "relocation": _("迁改"),
    "maintenance": _("维修"),
}

COMPARATORS = {
    "at_most": "≤", "at_least": "≥", "less_than": "<", "more_than": ">", "below": "<",
    "above": ">", "is": "=", "is_not": "≠", "in": "∈",
}

SUBJECTS = {
    "road": _("道路"), "layer": _("图层"), "line": _("管线"), "application": _("报装申请"),
    "node": _("管线点"), "parcel": _("宗地"), "county": _("县区"),
}

CONFIDENCE = {"verified": _("已核"), "inferred": _("推断"), "recalled": _("待核")}


def value_words(value: object) -> str:
    """A value as a person would write it; None is 未知, true and false are 是 and 否."""
    if value is None:
        return _("未知")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, (int, float)):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return "、".join(value_words(item) for item in value)
    return VALUES.get(str(value), str(value))


def input_words(name: str) -> str:
    """Chinese name of a rule's input, with its unit in brackets where it has one."""
    words, unit = INPUTS.get(name, (name, ""))
    return f"{words}({unit})" if unit else words
