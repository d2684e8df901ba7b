"""The hand-made plan with everything that a plan can say of a line; the figures are invented.

It keeps to docs/schemas/plan.json (test_plans.py).
"""

from __future__ import annotations

from typing import Any

from tests.ui.town import ROUTES, applications, geojson, xy
from tests.ui.town_plan import plan_json, route, verdict

EAST = [(165.0, 90.0), (200.0, 80.0), (240.0, 60.0), (240.0, 37.0)]
DRAWN = [(165.0, 95.0), (190.0, 60.0), (240.0, 37.0)]


def full_plan() -> dict[str, Any]:
    """The plan of the first application; the gas line says all that a line can say."""
    plan = plan_json(applications()[0])
    gas = next(one for one in plan["utilities"] if one["utility"] == "gas")
    gas.update(_said(gas["routes"][0]))
    plan["notices"] = [
        {
            "kind": "planned_dig",
            "layer": "planned_works",
            "feature_id": "PW-1",
            "utilities": ["gas"],
            "text": "将军路(R-2)2027 年大修,宜赶在其前",
        }
    ]
    at = next(n for n, one in enumerate(plan["utilities"]) if one["utility"] == "gas")
    plan["assumed"] = ["pipe_price", "road_surface"]
    plan["trace"] = [
        {
            "path": f"/utilities/{at}/routes/*/length_m",
            "formula": "shapely.length(route)",
            "inputs": [
                {"layer": "lines", "id": "G-3", "field": "geometry", "version": 2,
                 "sha256": "ab" * 32}
            ],
            "rule": {"file": "rules/counties/411523_xinxian/policy.toml", "ref": "四(四)(3)"},
        }
    ]  # fmt: skip
    return plan


def _said(cheapest: dict[str, Any]) -> dict[str, Any]:
    cheapest.update(outcome="ordinary_approval", certainty="too_close", qualifies=False)
    qualifying = _route("qualifying", EAST, 187.6, 82_000, "commitment")
    drawn = _route("manual", DRAWN, 192.4, 90_500, "commitment")
    other = _route("alternative", ROUTES["telecom"], 214.1, 88_000, "ordinary_approval")
    qualifying["clearance_counts"] |= {"fail": 1, "uncertain": 1, "pass": 1}
    other["clearance_counts"] |= {"fail": 2}
    drawn["clearance_counts"] |= {"fail": 1, "uncertain": 1}
    drawn |= {"overlap_count": 1, "qualifies": False}  # it has a fault
    points = [
        {
            **{
                key: one[key]
                for key in (
                    "cost_yuan",
                    "length_m",
                    "green_m2",
                    "crossing_kerb_m",
                    "crossing_red_line_m",
                )
            },
            "qualifies": one["outcome"] == "commitment",
            "geometry": one["geometry"],
        }
        for one in (cheapest, qualifying)
    ]
    return {
        "recommended": "qualifying",
        "routes": [cheapest, qualifying, drawn],
        "alternatives": [{**other, "differs": ["将军路 东侧"]}],
        "compared": {"longest_m": 400.0, "alternatives_proven": True,
                     "pareto_proven": {"length_m": True, "green_m2": False,
                                       "crossing_kerb_m": True}},
        "pareto": {"length_m": points, "green_m2": points[:1], "crossing_kerb_m": []},
        "remedies": [
            {"input": "construction_length_m", "kind": "other_tie_in", "text": "改由 G-7 接入",
             "value_before": 201.35, "value_after": 187.6, "limit": 200, "margin": 12.4,
             "outcome_after": "commitment", "qualifies": True, "remaining": [],
             "extra_yuan": 2100, "route": None,
             "second_route": None},
            {"input": "road_opened_on", "kind": "later_date", "text": "改期开挖",
             "value_before": ["2024-05-01"], "value_after": None, "limit": "2029-05-01",
             "margin": None, "outcome_after": "commitment", "qualifies": True, "remaining": [],
             "extra_yuan": None, "route": None,
             "second_route": None},
        ],
        "qualifying_price": {"extra_yuan": 2100, "extra_m": -13.8,
                             "text": "为符合条款多花 0.21 万元"},
        "certificate": {"kind": "cap", "input": "construction_length_m", "least": 201.35,
                        "limit": 200, "text": "任何走向的施工长度都不少于 201.35 米"},
        "intervals": {"construction_length_m": {"value": 201.35, "low": 199.9, "high": 202.8,
                                                "tolerance": 1.45}},
        "survey_points": [{"xy": xy((165.0, 90.0)), "what": "main", "tolerance_m": 1.2,
                           "needed_m": 0.4,
                           "feature": {"layer": "lines", "id": "G-3"},
                           "text": "实测燃气干管 G-3 的位置(现为 ±1.2 米)"}],
        "clearances": [_clearance("fail", 0.31, (165.0, 50.0)),
                       _clearance("uncertain", 0.52, (200.0, 29.0)),
                       _clearance("pass", 1.4, (230.0, 31.0))],
        "tie_ins": {
            "candidates": [{"kind": "line", "id": "G-3", "xy": xy((165.0, 90.0)), "rank": 1,
                            "cost_yuan": 80_000, "length_m": 201.35, "fall": None,
                            "reasons": ["压力级制相符"]}],
            "rejected": [{"kind": "line", "id": "G-9", "xy": xy((0.0, 0.0)),
                          "reason": "wrong_pressure", "text": "次高压,未经调压不得接入"}],
        },
        "sizing": {"nominal_mm": 110, "duct_holes": None, "voltage_kv": None,
                   "formula": "Q = Σ n k", "inputs": {"n": 40},
                   "steps": ["小时流量 38 m³/h", "选 de110"], "source": "GB 50028 table 6.2.2",
                   "confidence": "inferred", "overridden": False},
        "manual": {
            "drawing_id": "0123456789abcdef",
            "author": "张工", "at": "2026-11-20T10:00:00+08:00", "note": "避开行道树",
            "status": "judged", "reason": None, "second_feed": None,
            "moves": [{"end": "red_line", "moved_m": 0.42, "from_xy": xy((240, 36)),
                       "to_xy": xy((240, 37)), "text": "末端移到红线上"}],
            "faults": [{"kind": "building", "layer": "buildings", "id": "B-4-1", "length_m": 6.2,
                        "xy": xy((200, 55)), "text": "穿过建筑 B-4-1 6.20 米",
                        "geometry": geojson([(195, 57), (200, 55)])}],
            "clearances": [_clearance("fail", -0.12, (190.0, 60.0), id="W-8"),
                           _clearance("uncertain", 0.55, (200.0, 55.0), id="W-9")],
            "differences": {"extra_m": 4.8, "extra_yuan": 8500, "extra_crossings": 0,
                            "extra_crossing_kerb_m": 0.0, "extra_green_m2": -3.1,
                            "outcome": "commitment", "outcome_of_recommended": "commitment"},
            "verdict": {**verdict("commitment"), "certainty": "firm"},
        },
    }  # fmt: skip


def _route(
    kind: str, path: list[tuple[float, float]], length: float, yuan: float, outcome: str
) -> dict[str, Any]:
    figures = {"length_m": length, "cost_yuan": yuan, "green_m2": 9.3, "outcome": outcome}
    return route(kind, path, **figures)


def _clearance(status: str, gap: float, at: tuple[float, float], **changes: Any) -> dict[str, Any]:
    return {
        "against": "line", "layer": "lines", "id": "W-1", "utility": "water",
        "direction": "parallel", "gap_m": gap, "required_m": 0.5, "margin_m": gap - 0.5,
        "tolerance_m": 0.15, "status": status, "ref": "4.1.9",
        "source": "GB 50289-2016 table 4.1.9", "confidence": "verified", "xy": xy(at),
        "text": f"与给水管 W-1 平行,净距 {gap} 米", **changes,
    }  # fmt: skip
