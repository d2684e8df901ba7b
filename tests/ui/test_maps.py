"""The map loads nothing from elsewhere and comes out the same on every run."""

from __future__ import annotations

import folium
import pytest
from folium.elements import JSCSSMixin
from folium.plugins import Draw, Fullscreen, MarkerCluster
from streamlit_folium import generate_js_hash, generate_leaflet_string

from layers.utilities import load_utilities
from ui.maps import AssetError, TownMap, case_group, check_local, town_map

BOUNDS = (114.86, 31.63, 114.88, 31.65)
LAYERS = {"parcels", "roads", "lines", "buildings"}


def built() -> TownMap:
    return town_map(BOUNDS, LAYERS, load_utilities(), note="示例数据(合成)")


@pytest.mark.parametrize("plugin", [Draw, Fullscreen, MarkerCluster])
def test_a_plugin_from_elsewhere_is_refused(plugin: type[JSCSSMixin]) -> None:
    town = built()
    plugin().add_to(town)
    with pytest.raises(AssetError, match="would be fetched from http"):
        check_local(town)


def test_a_plain_folium_map_is_refused() -> None:
    with pytest.raises(AssetError):
        check_local(folium.Map(tiles=None))


def test_the_map_names_no_other_machine() -> None:
    page = built().get_root().render()
    assert "http" not in page.replace("http-equiv", "").replace("https://leafletjs.com", "")


def test_the_map_is_the_same_script_on_every_run() -> None:
    def script() -> str:
        town = built()
        town.render()
        return generate_js_hash(generate_leaflet_string(town))

    assert script() == script()


def test_only_layers_that_exist_are_asked_for() -> None:
    script = generate_leaflet_string(built())
    assert "/api/layers/parcels" in script
    assert "/api/layers/railways" not in script


def test_token_and_case_travel_in_the_group_and_not_in_the_map() -> None:
    town = built()
    group = case_group({"parcel": None, "focus": "7"}, "a-token").add_to(town)
    assert "a-token" in generate_leaflet_string(group)
    assert "a-token" not in generate_leaflet_string(built())
