"""The real page and routes on the hand-made town, with the hand-made plan as planner.

Run by ``streamlit run``; the workspace is named by TONGGOU_WORKSPACE.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layers.problems import Problem
    from layers.survey import Survey

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))


def planned(key: str, county: Any) -> dict[str, Any]:
    """The plan, once the file is there that TONGGOU_PLAN_AWAITS names, if it names one."""
    awaited = os.environ.get("TONGGOU_PLAN_AWAITS")
    while awaited and not Path(awaited).exists():
        time.sleep(0.05)
    if os.environ.get("TONGGOU_FULL_PLAN"):
        return full_plan()
    return plan_json(dict(county.applications[key]))


def checked(survey: Survey) -> Iterator[tuple[str, list[Problem]]]:
    """The problems of all layers, once no file ``hold`` lies beside the workspace."""
    while Path(os.environ["TONGGOU_WORKSPACE"]).with_name("hold").exists():
        time.sleep(0.05)
    yield from check_layers(survey)


if __name__ == "__main__":
    import ui.engineer
    import ui.layer_problems
    from layers.checks import check_layers
    from tests.ui.full_plan import full_plan
    from tests.ui.town_plan import plan_json

    ui.engineer.plan_of_application = planned
    ui.engineer.plan_of_parcel = lambda parcel, day, _county: plan_json(
        {"application_id": "", "parcel_id": parcel, "dig_date": day.isoformat()}
    )
    ui.layer_problems.check_layers = checked
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
else:
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from api.asked import EXISTING, asked_route
    from api.routes import SecurityHeaders, routes
    from app import WORKSPACE
    from ui.county import open_county
    from ui.existing import existing_door

    app = App(
        __file__,
        routes=routes(
            str(WORKSPACE),
            lambda: open_county(WORKSPACE).layers,
            [asked_route(str(WORKSPACE), EXISTING, existing_door(WORKSPACE))],
        ),
        middleware=[Middleware(SecurityHeaders)],
    )
