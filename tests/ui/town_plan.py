"""A plan in the hand-made town, as the planner would answer; the figures are invented.

It keeps to docs/schemas/plan.json (test_plans.py).
"""

from __future__ import annotations

from typing import Any

from shapely.geometry import LineString, MultiLineString, mapping

from planning.judged_routes import QUALIFYING
from tests.ui.town import CRS_NAME, JOINT, ROUTES, geojson, place, town, xy

LABELS = {"water": "DN200", "sewage": "DN300", "gas": "de110", "power": "10kV", "telecom": "2孔110"}
OUTCOMES = {
    "water": "commitment",
    "sewage": "commitment",
    "gas": "ordinary_approval",
    "power": "commitment_filing",
    "telecom": "undetermined",
}
_SECTION_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 170">
<rect x="0" y="0" width="420" height="40" fill="#e6e1d6"/>
<text x="8" y="25" font-size="13">人行道</text>
<polygon points="20,40 400,40 385,150 35,150" fill="#efe6d2" stroke="#b8a37c"/>
<circle cx="80" cy="110" r="15" fill="none" stroke="#1f9e3d" stroke-width="4"/>
<text x="62" y="80" font-size="12">通信</text>
<rect x="150" y="96" width="32" height="30" fill="none" stroke="#e02424" stroke-width="4"/>
<text x="150" y="80" font-size="12">电力</text>
<circle cx="255" cy="120" r="16" fill="none" stroke="#0aa5cf" stroke-width="4"/>
<text x="232" y="80" font-size="12">给水 DN200</text>
<circle cx="340" cy="112" r="9" fill="none" stroke="#d71ec6" stroke-width="4"/>
<text x="325" y="80" font-size="12">燃气</text></svg>"""


def plan_json(application: dict[str, Any]) -> dict[str, Any]:
    """Return the plan of an application of the town; only P-0005 has routes."""
    parcel_id = application["parcel_id"].split("<")[0][:6]
    parcel = town().tables["parcels"].loc[parcel_id]
    routed = parcel_id == "P-0005"
    return {
        "schema": "tonggou/plan/1",
        "application_id": application["application_id"] or None,
        "parcel_id": application["parcel_id"],
        "source": "application" if application["application_id"] else "default_demand",
        "county": "411523_xinxian",
        "policy_id": "xinxian-2023-40",
        "dig_date": application["dig_date"],
        "crs": CRS_NAME,
        "synthetic": True,
        "layers": [],
        "project": application.get("project") or {},
        "parcel": {
            "name": parcel["name"],
            "land_use": parcel["land_use"],
            "area_m2": parcel.geometry.area,
            "geometry": mapping(parcel.geometry),
        },
        "utilities": [_utility(key) for key in ROUTES] if routed else [_unroutable()],
        "joint": _joint() if routed else None,
        "questions": [
            {
                "subject_kind": "road",
                "subject_id": "R-2",
                "field": "opened_on",
                "utilities": ["telecom"],
            }
        ]
        if routed
        else [],
        "notices": [],
        "assumed": [],
        "never_covered": [],
        "trace": [],
    }


def _unroutable() -> dict[str, Any]:
    return {
        "utility": "storm",
        "status": "unroutable",
        "reason": "gap_too_wide",
        "gap_m": 61.25,
        "pipe": _pipe("storm", "DN400", 400),
        "recommended": None,
        "qualifying_route": None,
        "routes": [],
        "shared_route": None,
        "measures": [],
        **_nothing_more(),
        "tie_ins": {
            "candidates": [],
            "rejected": [
                {
                    "kind": "line",
                    "id": "Y-1",
                    "xy": xy((60.0, 100.0)),
                    "reason": "too_small",
                    "text": "管径 300,小于需要的 DN400",
                }
            ],
        },
        "verdict": {"alone": None, "joint": None, "made_worse_by_sharing": False},
    }


def _nothing_more() -> dict[str, Any]:
    """What a line has where there is nothing to say."""
    return {
        "no_dig": [], "no_fall": None, "handover": None, "second_feed": None, "sizing": None,
        "tie_ins": {"candidates": [], "rejected": []},
        "certificate": None, "qualifying_price": None, "manual": None, "intervals": {},
        "survey_points": [], "clearances": [], "alternatives": [], "compared": None,
        "pareto": {"length_m": [], "green_m2": [], "crossing_kerb_m": []}, "remedies": [],
    }  # fmt: skip


def _pipe(utility: str, label: str, nominal_mm: float) -> dict[str, Any]:
    return {
        "utility": utility, "label": label, "nominal_mm": nominal_mm, "size_mm": nominal_mm,
        "duct_holes": None, "duct_outer_diameter_mm": None, "pressure_mpa": None,
        "voltage_kv": None, "laying": "direct", "material": None, "operators": [],
        "load_kw": None, "feeds": 1,
    }  # fmt: skip


def route(kind: str, path: list[tuple[float, float]], **changes: Any) -> dict[str, Any]:
    """A route of the town along the points, without crossings."""
    length = round(LineString(path).length, 2)
    outcome = changes.get("outcome", "commitment")
    return {
        "kind": kind,
        "outcome": outcome,
        "together": None,
        "qualifies": None if outcome == "undetermined" else outcome in QUALIFYING,
        "otherwise": None,
        "certainty": "firm",
        "measures": {},
        "length_m": length,
        "cost_yuan": 400.0 * length,
        "crossing_count": 0,
        "crossing_kerb_m": 0.0,
        "crossing_red_line_m": 0.0,
        "green_m2": 12.4,
        "crossings": [],
        "roads": [],
        "tie_in": {
            "kind": "line", "line_id": "W-1", "node_id": None, "xy": xy(path[0]),
            "chainage_m": 30.2,
        },
        "end": {"kind": "gate", "xy": xy(path[-1])},
        "geometry": geojson(path),
        "stretches": [
            {
                "place": "footway", "road_id": "R-1", "side": "N", "from_m": 0.0,
                "length_m": length, "width_m": 5.0, "free_width_m": 4.0, "free_for_pipe_m": 3.2,
                "lines": ["G-1"],
            }
        ],
        "lane_m": 0.0,
        "carried": [], "fall": None,
        "pits": [],
        "strip": mapping(place(LineString(path).buffer(1.2, cap_style="flat"))),
        "clearance_counts": dict.fromkeys(
            ("fail", "uncertain", "pass", "no_table_value", "unknown"), 0
        ),
        **changes,
    }  # fmt: skip


def _utility(key: str) -> dict[str, Any]:
    path = ROUTES[key]
    crossing = {
        "road_id": "R-1",
        "kerb_m": 14.0,
        "red_line_m": 30.0,
        "method": "open_cut",
        "geometry": geojson([(140.0, 12.2), (140.0, 19.2)]),
    }
    crossed = {
        "crossings": [crossing], "crossing_count": 1, "crossing_kerb_m": 14.0,
        "crossing_red_line_m": 30.0,
    }  # fmt: skip
    cheapest = route("cheapest", path, outcome=OUTCOMES[key], **(crossed if key == "water" else {}))
    return {
        "utility": key,
        "status": "routed",
        "reason": None,
        "gap_m": None,
        "pipe": _pipe(key, LABELS[key], 200),
        "recommended": "cheapest",
        "qualifying_route": "found",
        **_nothing_more(),
        "routes": [cheapest],
        "shared_route": {**cheapest, "kind": "shared"},
        "measures": [
            {
                "name": "pipe_length_m",
                "zh": "管道长度",
                "value": cheapest["length_m"],
                "unit": "m",
                "words": "sum of centre lines",
            }
        ],
        "verdict": {
            "alone": verdict(OUTCOMES[key]),
            "joint": verdict("ordinary_approval" if key == "water" else OUTCOMES[key]),
            "made_worse_by_sharing": key == "water",
        },
    }


def verdict(outcome: str) -> dict[str, Any]:
    """Return a verdict with one ground of each status."""
    over = outcome == "ordinary_approval"
    unknown = outcome == "undetermined"
    return {
        "outcome": outcome,
        "clause": "gas",
        "certainty": "depends_on_reading",
        "permits": [
            {"permit": "road_excavation", "outcome": outcome, "reason": "明挖城市道路"},
            {"permit": "tree_moving", "outcome": "not_required", "reason": "不涉及树木"},
        ],
        "readings": [{"id": "gas_length", "value": "all_pipe", "would_be": "not_covered"}],
        "otherwise": "commitment" if unknown else None,
        "possible": ["commitment", "blocked"] if unknown else [outcome],
        "assumed": ["bad_credit"],
        "findings": [
            {
                "kind": "condition",
                "id": "gas-1",
                "input": "construction_length_m",
                "value": 201.35 if over else 198.9,
                "limit": 200,
                "comparator": "at_most",
                "status": "failed" if over else "met",
                "margin": -1.35 if over else 1.1,
                "quote": "施工长度在200米内(含200米)",
                "ref": "四(四)(3)",
                "source": "新城管文〔2023〕40号",
                "confidence": "verified",
                "words": None,
            },
            {
                "kind": "guard",
                "id": "road_new_5y",
                "input": "road_opened_on",
                "value": None if unknown else "2011-05-01",
                "limit": "2016-05-01",
                "comparator": "not_after_years",
                "status": "unknown" if unknown else "met",
                "margin": None,
                "quote": None,
                "ref": "城市道路管理条例 第33条",
                "source": "城市道路管理条例",
                "confidence": "verified",
                "words": "新建道路交付使用后5年内不得挖掘",
            },
        ],
    }


def _joint() -> dict[str, Any]:
    together = ["telecom", "power", "water", "gas"]
    shares = {
        "water": (41_000, 59_000),
        "gas": (22_000, 34_000),
        "power": (36_000, 52_000),
        "telecom": (33_000, 60_000),
    }
    return {
        "utilities": together,
        "left_out": [],
        "apart": [],
        "proven_optimal": True,
        "bound_yuan": 132_000,
        "gap": 0.0,
        "fits": True,
        "gave_way": [],
        "beside_others": [],
        "cost_yuan": 132_000,
        "roomy_cost_yuan": 132_000,
        "separate_fits": True,
        "separate_cost_yuan": 205_000,
        "overlap_cost_yuan": 171_000,
        "saving_yuan": 73_000,
        "saving_share": 73 / 205,
        "saving_vs_overlap_yuan": 39_000,
        "shared_length_m": 138.9,
        "segments": [
            {
                "utilities": members,
                "length_m": LineString(path).length,
                "surface": "footway",
                "section_id": "S1",
                "geometry": dict(mapping(place(MultiLineString([path])))),
            }
            for members, path in JOINT
        ],
        "sections": [
            {
                "section_id": "S1",
                "utilities": together,
                "surface": "footway",
                "width_m": 2.99,
                "depth_m": 1.5,
                "pairs": [],
                "pipes": [
                    {
                        "utility": key,
                        "label": LABELS[key],
                        "x_m": 0.3 + 0.6 * n,
                        "cover_m": 0.9,
                        "width_m": 0.2,
                        "height_m": 0.2,
                    }
                    for n, key in enumerate(together)
                ],
                "svg": _SECTION_SVG,
            }
        ],
        "allocation": [
            {"utility": key, "shapley_yuan": share, "stand_alone_yuan": alone}
            for key, (share, alone) in shares.items()
        ],
    }
