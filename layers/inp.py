"""Networks of EPANET and SWMM (``.inp``): text in sections, one object a line.

A reader of our own: the files are lines of words under ``[SECTION]`` headings, while the packages
that simulate with them bring plotting libraries, change units and drop what they do not simulate.

Sources: EPANET 2.2 User Manual, appendix C (sections, units by ``UNITS``); SWMM 5.2 User's Manual,
appendix D (sections, ``FLOW_UNITS``, ``LINK_OFFSETS``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point

from language import gettext as _
from layers.errors import ReadError
from layers.raw import RawLayer, Skipped, Wanted
from layers.texts import decoded

_METRES_PER_FOOT = 0.3048
_MM_PER_INCH = 25.4
# Flow units of US customary files; all others are SI. EPANET takes GPM where nothing is said,
# SWMM takes CFS: both US.
_US_FLOWS = {"CFS", "GPM", "MGD", "IMGD", "AFD"}
_SI_FLOWS = {"LPS", "LPM", "MLD", "CMH", "CMD", "CMS"}

Sections = Mapping[str, Sequence[Sequence[str]]]
Cells = dict[str, object]


@dataclass(frozen=True)
class _Network:
    """The sections of a file with what its numbers are to be multiplied by."""

    file: str
    sections: Sections
    is_swmm: bool
    to_metres: float
    to_mm: float
    places: Mapping[str, tuple[float, float]]

    def rows(self, name: str) -> Sequence[Sequence[str]]:
        return self.sections.get(name, ())


def read_inp(path: Path, wanted: Wanted) -> RawLayer:
    """Read the pipes as ``lines`` or the junctions as ``nodes``; no other layer is in such a file.

    Lengths and levels come in metres, diameters in mm, by the units that the file declares.
    The drawn length is the geometry's; the stated one is the column ``stated_length_m``. The CRS
    is None: the format has none.

    Raises
    ------
    ReadError
        If another layer is wanted, the file has no coordinates, or it is a SWMM file and the
        user did not say whether it carries sewage or storm water.
    """
    network = _network(path)
    readers: Mapping[str, Callable[[_Network], _Found]] = {"lines": _lines, "nodes": _nodes}
    if wanted.layer not in readers:
        raise ReadError(
            _("文件 {}:管网模型只含管线和管线点,须导入为 lines 或 nodes。请改正 --layer。").format(
                path.name
            )
        )
    if network.is_swmm and "utility" not in {*wanted.mapping, *wanted.constants}:
        raise ReadError(
            _(
                "文件 {}:SWMM 文件没有写明是雨水还是污水。"
                "请用 --set utility=storm 或 --set utility=sewage 指明。"
            ).format(path.name)
        )
    found = readers[wanted.layer](network)
    cells = pd.DataFrame(found.cells, dtype=object)
    if not network.is_swmm:
        cells["utility"] = "water"
    shapes = np.full(len(found.shapes), None, dtype=object)
    shapes[:] = found.shapes
    return RawLayer(
        path.name,
        None,
        cells,
        shapes,
        found.unreadable,
        None,
        notes=(_units_note(network), *found.notes),
        skipped=tuple(found.skipped),
    )


@dataclass(frozen=True)
class _Found:
    cells: list[Cells]
    shapes: list[Point | LineString | None]
    unreadable: dict[int, str]
    notes: list[str]
    skipped: list[Skipped]


def _network(path: Path) -> _Network:
    sections = _sections(decoded(path).text)
    is_swmm = bool({"CONDUITS", "XSECTIONS", "OUTFALLS"} & sections.keys())
    options = {
        row[0].upper(): row[1].upper() for row in sections.get("OPTIONS", ()) if len(row) > 1
    }
    flow = options.get("FLOW_UNITS" if is_swmm else "UNITS", "CFS" if is_swmm else "GPM")
    if flow not in _US_FLOWS | _SI_FLOWS:
        raise ReadError(
            _(
                "文件 {}:[OPTIONS] 中的流量单位“{}”不认识,无法得知长度单位。请改正后重新导出。"
            ).format(path.name, flow[:20])
        )
    is_us = flow in _US_FLOWS
    to_metres = _METRES_PER_FOOT if is_us else 1.0
    # SWMM states sections in the unit of lengths, EPANET diameters in inches or mm.
    to_mm = to_metres * 1000 if is_swmm else _MM_PER_INCH if is_us else 1.0
    places = _places(path, sections)
    return _Network(path.name, sections, is_swmm, to_metres, to_mm, places)


def _sections(text: str) -> dict[str, list[list[str]]]:
    sections: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in text.splitlines():
        content = line.partition(";")[0].strip()
        if content.startswith("["):
            rows = sections.setdefault(content.strip("[]").strip().upper(), [])
        elif content:
            rows.append(content.split())
    return sections


def _places(path: Path, sections: Sections) -> dict[str, tuple[float, float]]:
    places = {}
    for row in sections.get("COORDINATES", ()):
        x, y = (_number(row, position) for position in (1, 2))
        if x is not None and y is not None:
            places[row[0]] = (x, y)
    if not places:
        raise ReadError(
            _("文件 {}:没有 [COORDINATES],管网没有位置。请从带坐标的模型重新导出。").format(
                path.name
            )
        )
    return places


def _units_note(network: _Network) -> str:
    if network.to_metres == 1.0:
        return _("长度单位为米(文件声明公制)")
    return _("长度已由英尺换算为米,管径已换算为毫米(文件声明英制)")


def _lines(network: _Network) -> _Found:
    section = "CONDUITS" if network.is_swmm else "PIPES"
    bends = _bends(network)
    cells: list[Cells] = []
    shapes: list[Point | LineString | None] = []
    unreadable: dict[int, str] = {}
    shape_of = {row[0]: row for row in network.rows("XSECTIONS") if row}
    levels = _node_levels(network)
    for row in network.rows(section):
        name, start, end = (*row, "", "", "")[:3]
        ends = (network.places.get(start), network.places.get(end))
        if ends[0] is None or ends[1] is None:
            lost = start if ends[0] is None else end
            unreadable[len(cells)] = _("节点 {} 没有坐标").format(lost or _("(空)"))
            shapes.append(None)
        else:
            shapes.append(LineString([ends[0], *bends.get(name, ()), ends[1]]))
        cells.append(
            {"line_id": name, "start_node": start, "end_node": end}
            | (
                _conduit(network, row, shape_of.get(name, ()), levels)
                if network.is_swmm
                else _pipe(network, row)
            )
        )
    others = ("PUMPS", "ORIFICES", "WEIRS", "OUTLETS") if network.is_swmm else ("PUMPS", "VALVES")
    return _Found(cells, shapes, unreadable, _line_notes(cells), _left_out(network, others))


def _bends(network: _Network) -> dict[str, list[tuple[float, float]]]:
    bends: dict[str, list[tuple[float, float]]] = {}
    for row in network.rows("VERTICES"):
        x, y = (_number(row, position) for position in (1, 2))
        if x is not None and y is not None:
            bends.setdefault(row[0], []).append((x, y))
    return bends


def _pipe(network: _Network, row: Sequence[str]) -> Cells:
    return {
        "stated_length_m": _scaled(row, 3, network.to_metres),
        "diameter_mm": _scaled(row, 4, network.to_mm),
        "roughness": _word(row, 5),
        "model_status": _word(row, 7),
    }


def _conduit(
    network: _Network, row: Sequence[str], section: Sequence[str], levels: Mapping[str, float]
) -> Cells:
    """SWMM puts offsets above the node's invert, or gives levels (``LINK_OFFSETS ELEVATION``)."""
    shape = (_word(section, 1) or "").upper()
    height = _scaled(section, 2, network.to_mm)
    round_pipe = shape in ("CIRCULAR", "FORCE_MAIN")
    return {
        "stated_length_m": _scaled(row, 3, network.to_metres),
        "roughness": _word(row, 4),
        "shape": shape or None,
        "diameter_mm": height if round_pipe else None,
        "height_mm": None if round_pipe else height,
        "width_mm": None if round_pipe else _scaled(section, 3, network.to_mm),
        "start_invert_m": _end_level(network, row, 5, levels.get(_word(row, 1) or "")),
        "end_invert_m": _end_level(network, row, 6, levels.get(_word(row, 2) or "")),
    }


def _end_level(
    network: _Network, row: Sequence[str], position: int, node_level: float | None
) -> float | None:
    offset = _metres(network, row, position)
    if ["LINK_OFFSETS", "ELEVATION"] in [
        [word.upper() for word in option[:2]] for option in network.rows("OPTIONS")
    ]:
        return node_level if _word(row, position) == "*" else offset
    return None if node_level is None or offset is None else _rounded(node_level + offset)


def _line_notes(cells: Sequence[Cells]) -> list[str]:
    other = sum(cell.get("height_mm") is not None for cell in cells)
    return (
        [_("{} 条管渠不是圆管,管径留空,高宽见 height_mm、width_mm").format(other)] if other else []
    )


def _nodes(network: _Network) -> _Found:
    sections = (
        ("JUNCTIONS", "OUTFALLS", "STORAGE", "DIVIDERS")
        if network.is_swmm
        else ("JUNCTIONS", "RESERVOIRS", "TANKS")
    )
    cells: list[Cells] = []
    shapes: list[Point | LineString | None] = []
    unreadable: dict[int, str] = {}
    for section in sections:
        for row in network.rows(section):
            place = network.places.get(row[0])
            if place is None:
                unreadable[len(cells)] = _("节点没有坐标")
            shapes.append(None if place is None else Point(place))
            cells.append(
                {"node_id": row[0], "element": section.lower(), **_level(network, section, row)}
            )
    return _Found(cells, shapes, unreadable, [], [])


def _level(network: _Network, section: str, row: Sequence[str]) -> Cells:
    """A SWMM node's level is its invert; EPANET does not say what of a junction it is."""
    stated = _scaled(row, 1, network.to_metres)
    if not network.is_swmm:
        return {"elevation_m": stated}
    level = _metres(network, row, 1)
    deep = _metres(network, row, 2) if section in ("JUNCTIONS", "STORAGE") else None
    # A depth of 0 means: up to the highest pipe. The ground is not known then.
    ground = _rounded(level + deep) if level is not None and deep else None
    return {"invert_level_m": stated, "ground_level_m": ground}


def _node_levels(network: _Network) -> dict[str, float]:
    levels = {}
    for section in ("JUNCTIONS", "OUTFALLS", "STORAGE", "DIVIDERS"):
        for row in network.rows(section):
            level = _metres(network, row, 1)
            if level is not None:
                levels[row[0]] = level
    return levels


def _left_out(network: _Network, sections: Sequence[str]) -> list[Skipped]:
    return [
        Skipped(f"[{section}] {row[0]}", _("是连接两个节点的设备,不是管段"))
        for section in sections
        for row in network.rows(section)
    ]


def _word(row: Sequence[str], position: int) -> str | None:
    return row[position] if position < len(row) else None


def _number(row: Sequence[str], position: int) -> float | None:
    try:
        number = float(row[position])
    except (IndexError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _metres(network: _Network, row: Sequence[str], position: int) -> float | None:
    number = _number(row, position)
    return None if number is None else _rounded(number * network.to_metres)


def _scaled(row: Sequence[str], position: int, factor: float) -> float | str | None:
    """Return the number in our unit; the word itself where it is none, for the checks to name."""
    number = _number(row, position)
    return _word(row, position) if number is None else _rounded(number * factor)


def _rounded(number: float) -> float:
    """Drop what multiplying by a factor added beyond the sixth decimal."""
    return round(number, 6)


def looks_like_inp(head: str) -> bool:
    """Tell from the beginning of a text whether its first words are a section of such a file."""
    return next(_contents(head), "").upper().startswith(_FIRST_SECTIONS)


_FIRST_SECTIONS = ("[TITLE]", "[OPTIONS]", "[JUNCTIONS]", "[RAINGAGES]", "[EVAPORATION]")


def _contents(text: str) -> Iterator[str]:
    for line in text.splitlines():
        content = line.partition(";")[0].strip()
        if content:
            yield content
