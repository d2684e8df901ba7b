"""Why a line cannot be laid, and what to do: words for status and ``reason`` of a line."""

from __future__ import annotations

from language import said

# What became of a line that a case asks for, or does not.
STATUSES = said(
    {"routed": "已布置", "unroutable": "无法布置", "not_requested": "未申请"},
)
REASONS = said(
    {
        "no_network_imported": "未导入该专业管网",
        "no_tie_in": "没有可用接入点",
        "gap_too_wide": "距管线走廊过远",
        "disconnected": "走廊不连通",
        "no_size_match": "没有规格足够的在役管线",
        "impossible_demand": "申请中的需求填写有误",
        "no_dig": "被有效的禁挖区阻断",
        "no_room": "沿线人行道、绿化带放不下沟槽",
        "no_fall": "各接入处的落差都不够",
        "no_cover": "管顶覆土不够",
    }
)
CURES = said(
    {
        "no_network_imported": "导入该专业管网后再算",
        "no_tie_in": "请核对该专业管网的子类、设备类型与状态",
        "gap_too_wide": "请核对是否漏导入通向宗地的道路",
        "disconnected": "请核对道路图层是否有断点、宽度是否有误",
        "no_size_match": "请核对申请规格,或由权属单位先行扩容",
        "impossible_demand": "请改正该专业的需求后重新编制",
        "no_dig": "请改到禁挖期满后开挖,或商主管部门",
        "no_room": "请核对道路红线与车行道宽度;确需占用车行道敷设的,请在图上绘制走廊",
        "no_fall": "请核对末端井与接入处的管底高程,或改用提升",
        "no_cover": "请核对末端井的管底与地面高程",
    }
)
