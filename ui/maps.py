"""The town's map: our own calm layers fetched by view, nothing from outside.

The only module where coordinates are (latitude, longitude). What stands here must come out
the same on every run: the map is rebuilt, and the view lost, when its script changes. What
changes (token, case in hand) travels in the feature group of :func:`case_group`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import folium
from branca.element import MacroElement
from folium.elements import JSCSSMixin
from folium.template import Template

from api.asked import EXISTING
from api.escape import esc
from language import gettext as _
from language import spoken
from layers.utilities import Utility

_STATIC = Path(__file__).resolve().parent.parent / "static"
OPEN_ZOOM = 15  # parcels can be clicked from the first view on


class AssetError(ValueError):
    """Something on the map would be fetched from another machine."""


def _own(name: str) -> str:
    """Address of our own file, changed whenever the file changes."""
    return f"/assets/tonggou/{name}?v={sha256((_STATIC / name).read_bytes()).hexdigest()[:10]}"


class TownMap(folium.Map):
    """A folium map without tiles that loads its scripts from this server only."""

    default_js = [  # noqa: RUF012 (folium reads plain lists of its classes)
        ("leaflet", "/assets/leaflet/leaflet.js"),
        ("jquery", "/assets/jquery/jquery.min.js"),
        ("tonggou", _own("fix.js")),
        ("tonggou_draw", _own("draw.js")),
    ]
    default_css = [  # noqa: RUF012
        ("leaflet_css", "/assets/leaflet/leaflet.css"),
        ("tonggou_css", _own("style.css")),
    ]


class ViewLayer(folium.map.Layer):
    """A layer of which the browser fetches what the view needs, from ``/api/layers/<name>``."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = tonggou.viewLayer({{ this.look|tojson }});
            {{ this.get_name() }}.addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)

    def __init__(self, name: str, look: Mapping[str, Any]) -> None:
        super().__init__(name=esc(name), overlay=True, control=False, show=False)
        self._name = "ViewLayer"
        self.look = {"url": f"/api/layers/{name}", "pane": f"tg-{name}", "kinds": {}, **look}


class _Call(MacroElement):
    """One call of our own map script with the parent's name and a value as JSON."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            tonggou.{{ this.function }}({{ this._parent.get_name() }}, {{ this.value|tojson }});
        {% endmacro %}
    """)

    def __init__(self, function: str, value: object) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca has no hints
        self._name, self.function, self.value = "Call", function, value


class _Drawing(MacroElement):
    """The case in hand, drawn into its parent feature group."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            tonggou.useToken({{ this.token|tojson }});
            tonggou.useScreening({{ this._parent._parent.get_name() }},
                {{ this.screening|tojson }});
            tonggou.drawCase({{ this._parent.get_name() }},
                {{ this._parent._parent.get_name() }}, {{ this.drawing|tojson }});
            tonggou.drawingTable({{ this._parent._parent.get_name() }}, {{ this.pen|tojson }});
        {% endmacro %}
    """)

    def __init__(
        self,
        drawing: Mapping[str, Any],
        token: str,
        pen: Mapping[str, Any] | None,
        screening: Mapping[str, Any] | None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca has no hints
        self._name, self.drawing, self.token, self.pen = "Drawing", drawing, token, pen
        self.screening = screening


def town_map(
    bounds: tuple[float, float, float, float],
    layers: set[str],
    utilities: Mapping[str, Utility],
    *,
    note: str,
    keys: str | None = None,
    middle: tuple[float, float] | None = None,
) -> TownMap:
    """The map of a county: its layers, legend, scale and the note on its data.

    Parameters
    ----------
    bounds
        West, south, east, north of the data in degrees.
    layers
        Names of the layers that can be fetched.
    note
        What the reader must know about the data, on the map at all times.
    keys
        Marks in the legend beside the utilities, as HTML; those of a case by default.
    middle
        Latitude and longitude of what is seen first where the whole is too wide for a first view;
        the middle of the whole by default.
    """
    west, south, east, north = bounds
    centre = ((south + north) / 2, (west + east) / 2)
    town = TownMap(
        location=centre,
        zoom_start=OPEN_ZOOM,
        tiles=None,
        zoom_control=False,
        min_zoom=11,
        max_zoom=20,
        control_scale=False,
    )
    town.add_child(
        _Call(
            "furnish",
            {
                "bounds": [[south, west], [north, east]],
                "openZoom": OPEN_ZOOM,
                "note": esc(note),
                "legend": utility_keys(utilities) + (case_keys() if keys is None else keys),
                "legendTitle": _("图例"),
                "middle": middle or centre,
                "and": _("、"),
                "zoomIn": _("放大后显示:"),
                "truncated": _("(数量过多,仅显示一部分,请放大)"),
                "failed": _("加载失败,请刷新页面"),
                "existing": EXISTING,
                "language": spoken(),
            },
        )
    )
    for depth, (name, look) in enumerate(_looks(utilities).items()):
        if name in layers:
            town.add_child(ViewLayer(name, {**look, "zIndex": 210 + 10 * depth}))
    check_local(town)
    return town


def case_group(
    drawing: Mapping[str, Any],
    token: str,
    pen: Mapping[str, Any] | None = None,
    screening: Mapping[str, Any] | None = None,
) -> folium.FeatureGroup:
    """What changes on the map: the case in hand, the token for fetching layers, and the pen.

    ``pen`` is what a route can be drawn with, None where nothing can be drawn; ``screening`` what
    parcels can be coloured by, None where no screening is in force.
    """
    group = folium.FeatureGroup(name="case", control=False)
    group.add_child(_Drawing(drawing, token, pen, screening))
    return group


def check_local(element: Any) -> None:
    """Refuse an element whose scripts or styles would come from another machine."""
    if isinstance(element, JSCSSMixin):
        for name, url in [*element.default_js, *element.default_css]:
            if not url.startswith("/assets/"):
                raise AssetError(
                    f"{type(element).__name__}: {name} would be fetched from {url}; "
                    "serve it under /assets/ (api/routes.py) or leave the element out"
                )
    for child in element._children.values():
        check_local(child)


def utility_keys(utilities: Mapping[str, Utility]) -> str:
    """Legend as HTML: every utility with its colour and dash pattern, and existing mains."""
    rows = [
        _key(
            f'<line x1="1" y1="6" x2="33" y2="6" stroke="{esc(item.colour)}" stroke-width="3.2"'
            f' stroke-dasharray="{esc(item.dash or "none")}"/>',
            _(item.zh),
        )
        for item in utilities.values()
    ]
    mains = (
        '<line x1="1" y1="6" x2="33" y2="6" stroke="#9b8fa0" stroke-width="1.2"/>'
        '<circle cx="17" cy="6" r="2.4" fill="#9b8fa0"/>'
    )
    return "".join([*rows, _key(mains, _("现状管线、管线点"))])


def case_keys() -> str:
    """The marks of a case."""
    rows = [
        _key(
            '<rect x="1" y="1" width="32" height="10" rx="2" fill="#ffcf40" fill-opacity=".8"/>',
            _("共沟段"),
        ),
        _key(
            '<rect x="1" y="2" width="32" height="8" fill="#12344d" fill-opacity=".3"/>',
            _("穿路段"),
        ),
        _key(
            '<circle cx="17" cy="6" r="4.2" fill="#fff" stroke="#33475b" stroke-width="2.4"/>',
            _("接入点"),
        ),
        _key('<circle cx="17" cy="6" r="3.6" fill="#12344d"/>', _("红线接口")),
        _key(
            '<rect x="3" y="1" width="28" height="10" fill="#f59e0b" fill-opacity=".28"'
            ' stroke="#c2410c" stroke-width="1.6"/>',
            _("所选宗地"),
        ),
        _key(
            '<rect x="3" y="1" width="28" height="10" fill="#f3efe6" stroke="#4f6b80"'
            ' stroke-width="1.4"/>',
            _("有在办申请"),
        ),
        _key(
            '<rect x="12" y="1" width="10" height="10" rx="1" fill="#c62828" stroke="#fff"/>',
            _("净距不足"),
        ),
        _key('<circle cx="17" cy="6" r="5" fill="#f2a900" stroke="#fff"/>', _("净距未定")),
        _key(
            '<circle cx="17" cy="6" r="4" fill="#fff" stroke="#6a3fb5" stroke-width="2.6"/>',
            _("须实测"),
        ),
        _key(
            '<rect x="13" y="2" width="8" height="8" transform="rotate(45 17 6)" fill="#fff"'
            ' stroke="#0a7d6c" stroke-width="2.2"/>',
            _("建议位置"),
        ),
        _key(
            '<circle cx="17" cy="6" r="5" fill="#fff" stroke="#5b6b79" stroke-width="1.6"/>'
            '<path d="M14.5 3.5l5 5m0-5l-5 5" stroke="#5b6b79" stroke-width="1.4"/>',
            _("不可接入"),
        ),
        f'<span class="tg-key tg-key-note">{_("并行线条错开画,非实际间距")}</span>',
    ]
    return "".join(rows)


def problem_keys() -> str:
    """The marks of what is wrong with layers."""
    return "".join(
        [
            _key(
                '<rect x="12" y="1" width="10" height="10" rx="1" fill="#c62828" stroke="#fff"/>',
                _("错误"),
            ),
            _key('<circle cx="17" cy="6" r="5" fill="#f2a900" stroke="#fff"/>', _("提醒、留意")),
            _key(
                '<circle cx="17" cy="6" r="4.4" fill="none" stroke="#0b57d0" stroke-width="2.4"/>',
                _("所选问题"),
            ),
        ]
    )


def _key(mark: str, words: str) -> str:
    return f'<span class="tg-key"><svg width="34" height="12">{mark}</svg>{esc(words)}</span>'


def _looks(utilities: Mapping[str, Utility]) -> dict[str, dict[str, Any]]:
    """How each layer of the town is drawn, in drawing order; quiet, so that the case stands out."""

    def area(fill: str, line: str | None = None, width: float = 0.6) -> dict[str, Any]:
        return {
            "stroke": line is not None,
            "color": line,
            "weight": width,
            "fillColor": fill,
            "fillOpacity": 1,
        }

    def line(colour: str, width: float, **more: Any) -> dict[str, Any]:
        return {"color": colour, "weight": width, "fill": False, **more}

    mains = {key: {"color": item.colour} for key, item in utilities.items()}
    return {
        "road_red_lines": {"title": _("道路"), "minZoom": 12, "base": area("#eae6dc")},
        "parcels": {
            "title": _("宗地"),
            "minZoom": 15,
            "interactive": True,
            "base": area("#f3efe6", "#cfc5b2", 0.8),
            "kinds": {"green": area("#e6eddb")},
            "marked": {"color": "#4f6b80", "weight": 1.4},
        },
        "green": {"title": _("绿化"), "minZoom": 14, "base": area("#d9e6cb")},
        "water_bodies": {"title": _("水体"), "minZoom": 11, "base": area("#c5dce8", "#afcddd")},
        "carriageways": {"title": _("车行道"), "minZoom": 14, "base": area("#ffffff", "#ddd7ca")},
        "railways": {
            "title": _("铁路"),
            "minZoom": 12,
            "base": line("#8d8d8d", 2, dashArray="8 5"),
        },
        "buildings": {"title": _("建筑"), "minZoom": 16, "base": area("#ddd5c5", "#c9bfab", 0.5)},
        "lines": {
            "title": _("现状管线"),
            "minZoom": 16,
            "base": line("#999", 1, opacity=0.34),
            "kinds": mains,
            "tells": "lines",
        },
        "nodes": {
            "title": _("管线点"),
            "minZoom": 17,
            "base": area("#999") | {"fillOpacity": 0.5, "radius": 2.4},
            "kinds": {key: {"fillColor": item.colour} for key, item in utilities.items()},
            "tells": "nodes",
        },
        "roads": {"title": _("路名"), "minZoom": 15, "names": True},
    }
