"""The real page and routes on the hand-made town, with the hand-made plan as planner.

Run by ``streamlit run``; the workspace is named by TONGGOU_WORKSPACE.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

if __name__ == "__main__":
    import ui.engineer
    from tests.ui.full_plan import full_plan
    from tests.ui.town_plan import plan_json

    ui.engineer.plan_of_application = lambda key, county: (
        full_plan()
        if os.environ.get("TONGGOU_FULL_PLAN")
        else plan_json(dict(county.applications[key]))
    )
    ui.engineer.plan_of_parcel = lambda parcel, day, _county: plan_json(
        {"application_id": "", "parcel_id": parcel, "dig_date": day.isoformat()}
    )
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
