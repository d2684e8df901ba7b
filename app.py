"""Tonggou's door for the browser: ``streamlit run app.py``.

The file is read twice. The server imports it and finds ``app`` with the routes that stand
beside the page; for every visitor it is then run as the page's script.
"""

from __future__ import annotations

from threading import Thread

import language
import settings
from layers import databases
from layers.errors import LayerError, ReadError, WorkspaceError
from ui.county import open_county
from ui.sample import ready_workspace

try:
    language.start(settings.language())
    databases.use(settings.database_url())
    WORKSPACE = ready_workspace(settings.workspace())
except (LayerError, ReadError, WorkspaceError, language.LanguageError) as error:
    raise SystemExit(str(error)) from None

if __name__ == "__main__":
    # Only here: a map component registers with the running server, and at import there is none.
    from ui.pages import show_pages

    show_pages(WORKSPACE)
else:
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from api.asked import EXISTING, SCREENING, asked_route
    from api.drawn_routes import drawn_routes
    from api.routes import SecurityHeaders, routes
    from ui.drawn_routes import judge_door, keep_door, read_door
    from ui.existing import existing_door
    from ui.planning_service import warm_up
    from ui.screened_county import lines_door, map_layers

    Thread(target=lambda: warm_up(open_county(WORKSPACE)), daemon=True).start()
    app = App(
        __file__,
        routes=routes(
            str(WORKSPACE),
            lambda: map_layers(WORKSPACE),
            [
                *drawn_routes(
                    str(WORKSPACE),
                    judge_door(WORKSPACE),
                    keep_door(WORKSPACE),
                    read_door(WORKSPACE),
                ),
                asked_route(str(WORKSPACE), SCREENING, lines_door(WORKSPACE)),
                asked_route(str(WORKSPACE), EXISTING, existing_door(WORKSPACE)),
            ],
        ),
        middleware=[Middleware(SecurityHeaders)],
    )
