"""Facts about corridors that only real streets bring to light."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from docs.examples.sant_boi import Report, import_all
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy

pytestmark = pytest.mark.shared
DIG_DATE = date(2026, 11, 22)


@pytest.fixture(scope="module")
def sant_boi(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Groundwork:
    data = shared / "data/networks/santboi_water_sewer_parcels.gpkg"
    workspace = import_all(data, tmp_path_factory.mktemp("out"), Report())
    return prepare(workspace.survey(), load_policy(workspace.county))


def test_no_strip_runs_on_for_long_beside_a_carriageway_that_it_crosses(
    sant_boi: Groundwork,
) -> None:
    # Nothing can be joined to a strip that crosses a carriageway, so its long part outside would
    # be lost: at Sant Boi 1.4 km of 17.9 km.
    measures = sant_boi.corridors.graph.measures
    crossing = (measures["kind"] == "strip") & (measures["kerb_m"] > 0)
    assert crossing.any()
    assert (measures["length_m"] - measures["kerb_m"])[crossing].max() < 5.01
