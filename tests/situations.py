"""Situations that an engineer knows, each a small town with one application (docs/gallery.md).

Coordinates are town metres as in ``tests.towns``. ``sentence`` says in one sentence why the route
is as it is; its figures are taken from the plan, so that it cannot say what the plan does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shapely.geometry import Point, box

from layers.survey import Survey
from planning.notices import barred_on_cheaper_way
from planning.plan import Plan, plan
from tests.towns import application, main, node, parcel, policy, street, town

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Situation:
    """A town, an application and what is to be seen; ``view`` is west, south, east, north."""

    key: str
    title: str
    sentence: str
    survey: Callable[[], Survey]
    view: Bounds
    utility: str = "water"
    case: Mapping[str, Any] = field(default_factory=dict)

    def plan(self) -> Plan:
        """The plan of the situation."""
        return plan(application(**self.case), self.survey(), policy())

    def words(self, found: Plan) -> str:
        """The sentence with the figures of the recommended route and of the cheapest.

        ``narrow`` is the slot that bars a cheaper way, where one does.
        """
        line = found.lines[self.utility]
        route, cheapest = line.route, line.routes["cheapest"]
        assert route is not None
        entry = next(u for u in found.to_json()["utilities"] if u["utility"] == self.utility)
        told = next(one["fall"] for one in entry["routes"] if one["kind"] == line.recommended)
        narrow = next(iter(barred_on_cheaper_way(found.work, found.site, line)), None)
        return self.sentence.format(
            route=route,
            cheapest=cheapest,
            shortest=line.routes["shortest"],
            **route.figures,
            verdict=route.verdict,
            fall=told,
            narrow=narrow,
        )


def _median() -> Survey:
    both = {"carriageway_width_m": 8.0, "red_line_width_m": 12.0, "road_class": "arterial"}
    roads = {
        "R-N": street((0, 10), (300, 10), name="Ring Road", **both),
        "R-S": street((0, -10), (300, -10), name="Ring Road", **both),
    }
    return town(
        roads=roads,
        parcels={"P-1": parcel(130, 20, 170, 50)},
        green={"G-1": {"kind": "verge", "geometry": box(0, -4, 300, 4)}},
        lines={"W-1": main((0, -17), (300, -17))},
    )


def _roundabout() -> Survey:
    ring = [Point(150, 0).buffer(25, quad_segs=8).exterior.coords]
    roads = {
        "R-ring": street(*list(ring[0])),
        "R-W": street((0, 0), (125, 0)),
        "R-E": street((175, 0), (300, 0)),
        "R-N": street((150, 25), (150, 120)),
    }
    return town(
        roads=roads,
        parcels={"P-1": parcel(190, 12, 230, 42)},
        green={"G-1": {"kind": "verge", "geometry": Point(150, 0).buffer(18)}},
        lines={"W-1": main((0, 8), (100, 8))},
    )


def _river(*, bridge: bool) -> dict[str, Any]:
    return {
        "roads": {
            "R-1": street((0, 0), (138, 0)),
            "R-1a": street((138, 0), (167, 0), on_bridge=bridge),
            "R-1b": street((167, 0), (300, 0)),
            "R-2": street((60, 0), (60, -120)),
        },
        "water_bodies": {"V-1": {"kind": "river", "geometry": box(140, -200, 165, 200)}},
    }


def _bridge() -> Survey:
    ring_main_units = {
        "N-near": node(175, 8.5, utility="power", kind="ring_main_unit", spare_bays=2,
                       voltage_kv=10.0),
        "N-far": node(20, 8.5, utility="power", kind="ring_main_unit", spare_bays=1,
                      voltage_kv=10.0),
    }  # fmt: skip
    return town(
        **_river(bridge=True), parcels={"P-1": parcel(90, 12, 130, 42)}, nodes=ring_main_units
    )


def _no_crossing() -> Survey:
    roads = {
        "R-1": street((0, 0), (130, 0)),
        "R-2": street((175, 0), (300, 0)),
        "R-3": street((10, 0), (10, -110)),
    }
    return town(
        roads=roads,
        parcels={"P-1": parcel(80, 12, 120, 42)},
        water_bodies={"V-1": {"kind": "river", "geometry": box(140, -200, 165, 200)}},
        lines={"W-east": main((170, 7), (300, 7)), "W-west": main((13, -110), (13, -60))},
    )


def _moratorium() -> Survey:
    young = {"opened_on": "2024-06-01", "overhauled_on": "2024-06-01"}
    roads = {
        "R-1": street((0, 0), (300, 0), name="New Street", **young),
        "R-2": street((0, 64), (300, 64)),
    }
    return town(
        roads=roads,
        lines={"W-near": main((0, -8), (300, -8)), "W-behind": main((220, 72), (300, 72))},
    )


def _park() -> Survey:
    return town(
        roads={"R-1": street((-50, 0), (300, 0))},
        parcels={"P-1": parcel(150, 12, 190, 42)},
        green={"G-1": {"kind": "park", "geometry": box(40, 5.2, 146, 11)}},
        trees={f"T-{x}": {"ancient": False, "geometry": Point(x, 6.6)} for x in range(44, 146, 8)},
        lines={"W-west": main((-50, 8), (28, 8))},
    )


def _no_frontage() -> Survey:
    parcels = {
        "P-1": parcel(100, 22, 140, 52),
        "P-front": parcel(106, 12, 134, 21),
    }
    return town(parcels=parcels, lines={"W-1": main((0, -8), (300, -8))})


def _two_gates() -> Survey:
    roads = {"R-1": street((0, 0), (300, 0)), "R-2": street((0, 64), (300, 64))}
    return town(
        roads=roads,
        lines={"W-front": main((0, -8), (40, -8)), "W-behind": main((0, 72), (300, 72))},
    )


def _gravity() -> Survey:
    """The sewer falls 1 in 100 to the east, from 98.8 m."""
    levels = {"start_invert_m": 98.8, "end_invert_m": 96.0}
    sewer = {"utility": "sewage", "subtype": "main", "diameter_mm": 500.0, **levels}
    manholes = {
        f"M-{x}": node(x, 8, utility="sewage", kind="manhole", invert_level_m=98.8 - (x - 20) / 100)
        for x in range(20, 301, 40)
    }
    return town(lines={"S-1": main((20, 8), (300, 8), **sewer)}, nodes=manholes)


def _too_close() -> Survey:
    seen = {"position_source": "surveyed"}
    drawn = {"position_source": "digitised", "position_accuracy_m": 0.5}
    return town(
        roads={"R-1": street((0, 0), (400, 0), **seen)},
        parcels={"P-1": parcel(300, 12, 340, 42, **seen)},
        lines={"W-1": main((0, 8), (114, 8), **drawn)},
    )


def _narrow_footway() -> Survey:
    """Of the two streets that lead to the parcel the nearer has footways of half a metre."""
    roads = {
        "R-1": street((0, 0), (300, 0), name="Narrow Street", red_line_width_m=11.0),
        "R-2": street((0, 0), (0, 100)),
        "R-3": street((0, 100), (300, 100)),
        "R-4": street((300, 0), (300, 100)),
    }
    return town(
        roads=roads,
        parcels={"P-1": parcel(240, 30, 288, 70)},
        lines={"W-1": main((-8, -20), (-8, 20))},
    )


WIDE: Bounds = (60, -35, 240, 85)
FACTORY = {"investment_kind": "enterprise", "enterprise_percent": 100, "hazardous_goods": False}
POWER = {"power": {"voltage_kv": 10, "duct_holes": 2, "duct_outer_diameter_mm": 150}}

SITUATIONS: tuple[Situation, ...] = (
    Situation(
        "median",
        "A dual carriageway with a median",
        "The route crosses both carriageways, {kerb_m:.2f} m from kerb to kerb in "
        "{crossing_count:.0f} pieces; the median between them is greenery, {green_m2:.2f} m2 of it "
        "in the working strip, and no carriageway.",
        _median,
        WIDE,
    ),
    Situation(
        "roundabout",
        "A roundabout",
        "The route stays outside the ring and crosses nothing but the mouth of the street to the "
        "north, {kerb_m:.2f} m; straight through the roundabout would be shorter.",
        _roundabout,
        (70, -60, 250, 70),
    ),
    Situation(
        "bridge",
        "A bridge",
        "The nearer ring main unit lies beyond the bridge, {cheapest.figures[length_m]:.2f} m off, "
        "but a 10 kV line may not be hung on a bridge; the cheapest route that qualifies goes to "
        "the farther one, {length_m:.2f} m.",
        _bridge,
        (0, -60, 220, 60),
        "power",
        {"demands": POWER, "project": FACTORY},
    ),
    Situation(
        "river",
        "A river without a bridge",
        "The main in the east is nearer but lies across the river, where no road crosses it; the "
        "route goes {length_m:.2f} m to the main in the west.",
        _no_crossing,
        (-5, -120, 200, 60),
    ),
    Situation(
        "moratorium",
        "A young road",
        "The main in the street in front is {cheapest.figures[length_m]:.2f} m away, but that "
        "street was opened less than five years before the dig and may not be dug; the cheapest "
        "route that qualifies takes the street behind, {length_m:.2f} m.",
        _moratorium,
        (60, -35, 260, 85),
    ),
    Situation(
        "park",
        "A park on the way",
        "On the parcel's own side the trench would move trees of the park, which is never a matter "
        "of commitment; the cheapest route that qualifies passes it on the other side, "
        "{length_m:.2f} m, crossing the street twice.",
        _park,
        (-60, -35, 200, 60),
        case={"gate": (180, 12)},
    ),
    Situation(
        "no_frontage",
        "A parcel without frontage",
        "The neighbour's parcel lies between this one and the street; the connector goes past it "
        "and joins the main {length_m:.2f} m away, over no land of anybody.",
        _no_frontage,
        (60, -35, 180, 60),
    ),
    Situation(
        "two_gates",
        "Two gates",
        "The application names a gate on each street; the main behind is nearer, so the line ends "
        "at the gate there, {length_m:.2f} m.",
        _two_gates,
        WIDE,
        case={"gate": [(120, 12), (130, 52)]},
    ),
    Situation(
        "gravity",
        "A gravity sewer",
        "In front of the parcel and at the manhole east of it the sewer lies above the user's last "
        "well; the line goes {length_m:.2f} m to the next manhole, where there are "
        "{fall[available_m]:.2f} m of fall and the least slope needs {fall[needed_m]:.2f} m.",
        _gravity,
        WIDE,
        "sewage",
        {
            "demands": {
                "sewage": {"nominal_mm": 300, "material": "HDPE", "last_well_invert_m": 97.55}
            },
            "gate": (120, 12),
        },
    ),
    Situation(
        "too_close",
        "Too close to call",
        "The route measures {length_m:.2f} m, under the limit of 200 m, but the main was digitised "
        "to within a metre: the verdict stands as too close to call until its end is surveyed.",
        _too_close,
        (90, -35, 350, 60),
        case={"gate": (307, 12)},
    ),
    Situation(
        "narrow_footway",
        "A footway too narrow for the trench",
        "Along Narrow Street there are {narrow.free_width_m:.2f} m between kerb and red line and "
        "the trench takes {narrow.needed_m:.2f} m; the line goes round by the street behind, "
        "{length_m:.2f} m, which costs less than {shortest.figures[length_m]:.2f} m along the "
        "carriageway.",
        _narrow_footway,
        (-30, -30, 330, 130),
    ),
)
