"""The benchmarks run on a tiny county and say what they promise."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
import shapely

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.county import generated_county
from benchmarks.ground import DIG_DATE, cases, groundwork, networkx_graph
from benchmarks.measured_routes import DrawnWays, Layers
from benchmarks.measuring import percentile
from benchmarks.screening import nearest, per_parcel_unstopped
from planning.batch import screen

pytestmark = pytest.mark.slow_first

KEYS = {
    "name", "edges", "parcels", "cpu_s", "peak_mb", "peers", "ratios", "yardstick_s", "versions",
}  # fmt: skip
TINY = ["--edges", "400", "--parcels", "6", "--json"]


@pytest.fixture(autouse=True)
def _known_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is measured by the one test that asks for it."""
    if request.node.name != "test_the_yardstick_is_seconds_of_six_forests":
        monkeypatch.setattr("benchmarks.__main__.yardstick_s", lambda: 0.1)


class _Here:
    """Runs in this process, over the same pickles, what would be run in a child: imports are made.

    That children are counted by themselves other tests see.
    """

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self._answer: Any = None

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *_exception: object) -> None: ...

    def submit(self, *call: object) -> _Here:
        run, *arguments = pickle.loads(pickle.dumps(call))
        self._answer = run(*arguments)
        return self

    def result(self) -> Any:
        return self._answer


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.measuring.ProcessPoolExecutor", _Here)


def test_the_yardstick_is_seconds_of_six_forests(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _answer(capsys, "noding", *TINY)
    assert answer["yardstick_s"] > 0.01


def _answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_list_names_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    names = ["screening", "arrays", "click", "edit", "imports", "noding", "constrained", "joint"]
    assert listed == list(BENCHMARKS) == names


@pytest.mark.usefixtures("here")
def test_click_prints_the_stated_keys(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _answer(capsys, "click", *TINY)
    assert set(answer) >= KEYS
    assert answer["name"] == "click"
    assert all(seconds > 0 for seconds in answer["cpu_s"].values())
    assert answer["peak_mb"] > 1
    assert answer["peers"] == answer["ratios"] == {}


@pytest.mark.usefixtures("here")
def test_edit_tells_which_edits_were_local(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _answer(capsys, "edit", *TINY)
    assert set(answer) >= KEYS
    kinds = {"parcel", "main", "building", "green", "tree", "road_status", "road_width"}
    assert set(answer["edits"]) == kinds
    assert set(answer["cpu_s"]) == {*kinds, "any"}
    for kind in ("tree", "green"):
        told = answer["edits"][kind]
        # One that moves a strip in its slot reaches most of so small a county.
        assert 0 < told["local"] <= told["of"] == len(told["new_edges"])
    # Most of so small a county is near whatever is moved.
    assert any(answer["edits"]["parcel"]["new_edges"])
    for spent in answer["cpu_s"].values():
        assert spent["edit_and_lines_p50"] <= spent["edit_and_lines_p95"]
        assert spent["edit_p95"] < spent["edit_and_lines_p95"]


def test_arrays_leave_open_pairs_unsolved_and_tell_what_they_take_on_top(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = _answer(capsys, "arrays", "--edges", "400", "--parcels", "12", "--json")
    assert set(answer) >= KEYS
    assert answer["parcels"] == 12
    assert 0 < answer["pairs_to_solve"] <= answer["pairs_left_open"] <= 12 * 6
    spent = answer["cpu_s"]
    assert spent["searches"] > 0
    whole = spent["screening_first"] + spent["edge_measures"]
    assert spent["screening_first_with_edge_measures"] == pytest.approx(whole)
    held = answer["mb"]
    assert min(held["ground_at_most"], held["before"]) > 1
    assert 0 < held["screening_first_on_top"] < answer["peak_mb"]


@pytest.mark.usefixtures("here")
def test_screening_agrees_with_networkx_and_says_that_peers_are_scaled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = _answer(capsys, "screening", *TINY, "--peers")
    assert set(answer) >= KEYS
    assert answer["parcels"] == 6
    peer = answer["peers"]["networkx_per_parcel_routes_only"]
    assert peer["different_answers"] == 0
    assert peer["sampled_parcels"] == peer["scaled_to_parcels"] == 6
    expected = peer["cpu_s"] / answer["cpu_s"]["screening"]
    assert answer["ratios"]["per_parcel_networkx_routes_to_our_screening"] == expected


def test_searches_that_nothing_stops_find_our_routes() -> None:
    peer = per_parcel_unstopped(400, 6)
    assert peer["cpu_s"] > 0
    assert peer["sampled_parcels"] == peer["scaled_to_parcels"] == 6
    assert peer["different_answers"] == 0


def test_what_networkx_and_shapely_measure_is_what_a_screening_prints() -> None:
    work = groundwork(400, 12)
    wanted = cases(work)
    rows = screen(work, wanted, geometry=False).set_index(["parcel_id", "utility"])
    (ground, *_), layers, drawn = (
        work.tried(work.closures.on(DIG_DATE)),
        Layers(work),
        DrawnWays(work),
    )
    compared = 0
    for case in wanted:
        starts = work.site(case).end_nodes.tolist()
        for utility, demand in case.demands.items():
            row = rows.loc[case.parcel_id, utility]
            if row["recommended"] != "cheapest":
                continue
            search = ground.search(demand.pipe, "cheapest")
            _, nodes = nearest(networkx_graph(search), starts)
            lines, width_m = drawn.lines(search, nodes), work.strip_width_m(demand.pipe)
            figures = layers.figures(lines, width_m)
            many = layers.all_figures(shapely.multilinestrings([lines]), width_m)
            assert [one.item() for one in many] == pytest.approx(figures, abs=1e-5)
            length_m, kerb_m, _, crossings, green_m2, _ = figures
            told = row[["length_m", "kerb_m", "crossing_count", "green_m2"]]
            found = [length_m, kerb_m, crossings, green_m2]
            assert told.to_list() == pytest.approx(found, abs=1e-5), (case.parcel_id, utility)
            compared += 1
    assert compared > 20


@pytest.mark.usefixtures("here")
def test_the_joint_tree_is_proven_and_no_dearer_than_separate_digs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.joint.SMALL_EDGES", 600)
    monkeypatch.setattr("benchmarks.joint._SMALL_PARCELS", 12)
    answer = _answer(capsys, "joint", *TINY)
    assert set(answer) >= KEYS
    assert answer["proven"]
    assert answer["separate_cost_to_joint"] >= answer["overlap_cost_to_joint"] >= 1 - 1e-9


@pytest.mark.usefixtures("here")
def test_noding_finds_the_edges_and_nodes_of_shapely_and_says_what_was_not_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TONGGOU_BENCHMARK_DATABASE", raising=False)
    answer = _answer(capsys, "noding", "--edges", "400", "--json", "--peers")
    assert answer["edges"] > 300
    for name in ("shapely_node", "shapely_union_all"):
        peer = answer["peers"][name]
        assert (peer["edges"], peer["nodes"]) == (answer["edges"], answer["nodes"])
        assert answer["ratios"][f"{name}_to_ours"] > 0
    assert "TONGGOU_BENCHMARK_DATABASE" in answer["peers"]["pgr_nodeNetwork"]["not_measured"]
    assert "pgr_nodeNetwork_to_ours" not in answer["ratios"]


@pytest.mark.usefixtures("here")
def test_capped_routes_are_those_of_the_solver(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _answer(capsys, "constrained", "--edges", "500", "--json", "--peers")
    assert answer["proven"] == answer["requests"] == 24
    assert 0 < answer["without_a_way"] < 24
    assert answer["peers"]["highs"]["different_answers"] == 0
    assert "costs" not in answer


@pytest.mark.parametrize("arguments", [[], ["joint", "--edges", "0"], ["unheard-of"]])
def test_unusable_arguments_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(arguments)
    assert refusal.value.code == 2


def test_a_county_has_its_parcels_and_the_same_seed_gives_the_same_county() -> None:
    one, two = generated_county(2_000, 50), generated_county(2_000, 50)
    assert len(one.tables["parcels"]) == 50
    for layer, table in one.tables.items():
        assert table.geometry.geom_equals(two.tables[layer].geometry).all()


def test_too_many_parcels_for_the_streets_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        generated_county(400, 400)


def test_a_percentile_is_the_nearest_rank() -> None:
    # 20 samples: the 19th does not fall short of 95 percent, the 10th of half.
    samples = [float(n) for n in range(20, 0, -1)]
    assert percentile(samples, 0.95) == 19.0
    assert percentile(samples, 0.50) == 10.0
    assert percentile([7.0], 0.95) == 7.0


def test_imports_count_the_process_that_reads_and_find_what_geopandas_finds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = _answer(capsys, "imports", "--parcels", "40", "--json", "--peers")
    assert (answer["parcels"], answer["problems"]) == (40, 0)
    peer = answer["peers"]["geopandas"]
    assert (peer["broken"], peer["overlaps"]) == (0, 0)
    parts = [answer["cpu_s"][name] for name in ("reader", "import", "check")]
    assert answer["cpu_s"]["whole"] == pytest.approx(sum(parts))
    assert answer["reader_mb"] > 1
