"""Two drawn feeds on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.test_cli_planning import done, drawn_file, refused, run
from tests.ui.test_drawn_pairs import two_mains


def test_plan_judges_two_drawn_feeds_as_one_work(tmp_path: Path) -> None:
    """W-1 lies 4 m before the red line, W-3 20 m from it across the street."""
    folder = two_mains(tmp_path)
    first = drawn_file(tmp_path, (119, 8), (119, 12)).rename(tmp_path / "first.geojson")
    second = drawn_file(tmp_path, (130, -8), (130, 11)).rename(tmp_path / "second.geojson")
    out = tmp_path / "plan.json"
    plan = ("plan", folder, "--application", "BZ-1", "--out", out)
    routes = ("--route", f"water={first}", "--route", f"water:2={second}")
    told = [line for line in done(run(*plan, *routes)).stdout.splitlines() if "手绘" in line]
    assert told == [
        "给水 手绘两路 长 24.00 米(两路合计;第一路 4.00 米,第二路 20.00 米),穿越 1 次 10.00 米,"
        "绿化 0.00 平方米:告知承诺制审批 四(四)(1);第二路末端移到红线上(1.00 米)"
    ]
    manual = json.loads(out.read_text("utf-8"))["utilities"][0]["manual"]
    assert (manual["note"], manual["second_drawn"]["note"]) == ("first.geojson", "second.geojson")

    same = ("--route", f"water={first}", "--route", f"water:2={first}")
    assert "同属管线 W-1" in done(run(*plan, *same), 1).stdout
    refused(run(*plan, "--route", f"water={first}", "--route", f"water:1={second}"), "只留一条")
