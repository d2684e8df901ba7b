"""What every server of a test would do anew at its start, done in the process they are forked from.

A map component registers with the running server, so no module that has one may be among the
imports.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module

from streamlit.components.v2 import manifest_scanner

for _name in (
    "anyio._backends._asyncio",
    "folium.plugins",
    "pyogrio",
    "scipy.optimize",
    "sqlalchemy.dialects.sqlite",
    "starlette.middleware.sessions",
    "streamlit.starlette",
    "streamlit.watcher.polling_path_watcher",
    "streamlit.web.bootstrap",
    "streamlit.web.cli",
    "streamlit.web.server.app_discovery",
    "streamlit.web.server.starlette.starlette_agent_routes",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "api.drawn_routes",
    "api.routes",
    "gis.steiner_proof",
    "layers.checks",
    "layers.diffs",
    "planning.comparison_document",
    "planning.plan_document",
    "planning.qualifying_document",
    "reports.layer_export",
    "reports.problem_report",
    "ui.address",
    "ui.comparison",
    "ui.course",
    "ui.downloads",
    "ui.drawn_routes",
    "ui.existing",
    "ui.layer_history",
    "ui.layer_import",
    "ui.layer_service",
    "ui.open_questions",
    "ui.panel",
    "ui.sample",
    "ui.screened_county",
    "ui.screened_panel",
    "ui.shared_trench",
    "ui.verdict_detail",
    "ui.whole_screening",
):
    import_module(_name)

# Each server looks through all packages installed for components of pages.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
manifest_scanner.scan_component_manifests()
# Who declares a component is looked for among all modules, whose paths are told once.
inspect.getmodule(inspect.currentframe())
