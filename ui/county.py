"""One workspace as the page needs it: survey, applications, map layers, kept in memory.

Read-only and shared by all visitors; read again when the workspace's files change.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from api.view_layers import ViewLayer, view_layers
from gis.crs import WGS84, in_degrees, transformer
from language import gettext as _
from language import spoken
from layers.store import Workspace
from layers.survey import Survey
from layers.workspace_file import stamp_of


@dataclass(frozen=True, eq=False)
class County:
    """A survey, its open applications by id, and its layers made ready for the map.

    The same object as long as nothing in the workspace changes. ``documents`` are all applications
    that can be read; ``applications`` leaves out those that name no parcel.
    """

    survey: Survey
    applications: Mapping[str, Mapping[str, Any]]
    layers: Mapping[str, ViewLayer]
    bounds: tuple[float, float, float, float]
    """West, south, east, north of the parcels in degrees."""
    documents: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def road_names(self) -> dict[str, str]:
        """Names of the roads that have one, by id."""
        roads = self.survey.get("roads")
        if roads is None or "name" not in roads.columns:
            return {}
        return {str(key): str(name) for key, name in roads["name"].dropna().items()}

    @cached_property
    def cases(self) -> dict[tuple[str, str], str]:
        """All that can be opened, by what the address calls it, with the words to find it by."""
        asked = self.applications.items()
        told = {("application", key): application_title(one) for key, one in asked}
        parcels = self.survey.get("parcels")
        if parcels is None:
            return told
        names = parcels["name"].fillna("") if "name" in parcels.columns else [""] * len(parcels)
        land = zip(parcels.index, names, strict=True)
        return told | {("parcel", str(key)): f"{key} {name}".strip() for key, name in land}

    @cached_property
    def middle(self) -> tuple[float, float] | None:
        """Latitude and longitude amid the parcels of applications; None where there are none."""
        parcels = self.survey.get("parcels")
        wanted = {str(one["parcel_id"]) for one in self.applications.values()}
        own = None if parcels is None else parcels.geometry[parcels.index.isin(wanted)]
        if own is None or own.empty:
            return None
        at = own.representative_point()
        to_degrees = transformer(self.survey.crs, WGS84)
        lon, lat = to_degrees.transform(float(at.x.median()), float(at.y.median()))
        return round(lat, 5), round(lon, 5)

    def parcel_at(self, lat: float, lon: float) -> str | None:
        """Id of the parcel at a point given in degrees, or None; the smallest if several."""
        parcels = self.survey.get("parcels")
        if parcels is None:
            return None
        here = shapely.Point(transformer(WGS84, self.survey.crs).transform(lon, lat))
        hits = parcels.iloc[parcels.sindex.query(here, predicate="intersects")]
        return None if hits.empty else str(hits.geometry.area.idxmin())

    def case_of(self, parcel_id: str) -> tuple[str, str]:
        """What opens for a parcel, as the address names it: its application, else itself."""
        application = self.application_of(parcel_id)
        return ("parcel", parcel_id) if application is None else ("application", application)

    def application_of(self, parcel_id: str) -> str | None:
        """Id of the first open application for a parcel, or None."""
        return next(
            (key for key, one in self.applications.items() if one["parcel_id"] == parcel_id), None
        )


def application_title(application: Mapping[str, Any]) -> str:
    """An application by its id and the name of its project."""
    project = application.get("project")
    name = project.get("project_name") if isinstance(project, dict) else None
    return f"{application['application_id']} {name or ''}".strip()


def data_note(county: County) -> str:
    """What everyone must know about the data: whether they are made up, and their CRS."""
    crs = county.survey.crs
    system = f"{crs.name.split(' / ')[0]} · EPSG:{crs.to_epsg()}"
    return f"{_('示例数据(合成),非真实管线')} · {system}" if county.survey.synthetic else system


def open_county(path: Path) -> County:
    """The county of a workspace, from memory unless a layer or an application has changed."""
    workspace = _workspace(path, stamp_of(path))
    state = workspace.applications_stamp()
    versions = tuple((one.layer, one.sha256) for one in workspace.versions().values())
    return _county(path, state, versions)


def application_faults(path: Path) -> tuple[str, ...]:
    """Files of applications that are left out, each with its reason."""
    state = _workspace(path, stamp_of(path)).applications_stamp()
    return _faults(path, state, spoken())


@lru_cache(maxsize=2)
def _workspace(path: Path, _stamp: Hashable) -> Workspace:
    return Workspace.open(path)


@lru_cache(maxsize=2)
def _county(path: Path, state: Hashable, versions: tuple[Any, ...]) -> County:
    documents = _documents(path, state)
    applications = {one["application_id"]: one for one in documents if _has_parcel(one)}
    marked = tuple(sorted({one["parcel_id"] for one in applications.values()}))
    survey = _survey(path, versions)
    layers, bounds = _layers(path, versions, marked), _bounds(path, versions)
    return County(survey, applications, layers, bounds, documents)


@lru_cache(maxsize=2)
def _survey(path: Path, _versions: tuple[Any, ...]) -> Survey:
    return Workspace.open(path).survey()


@lru_cache(maxsize=2)
def _documents(path: Path, _state: Hashable) -> list[dict[str, Any]]:
    return Workspace.open(path).applications()


@lru_cache(maxsize=4)
def _faults(path: Path, _state: Hashable, _language: str) -> tuple[str, ...]:
    workspace = Workspace.open(path)
    lost = (one["application_id"] for one in workspace.applications() if not _has_parcel(one))
    told = _("applications/{}.json:没有写明宗地 parcel_id。请补填。")
    return (*workspace.application_faults(), *map(told.format, lost))


def _has_parcel(document: Mapping[str, Any]) -> bool:
    """Whether an application can be shown at all: any other fault is told where it is opened."""
    return isinstance(document.get("parcel_id"), str)


@lru_cache(maxsize=2)
def _layers(
    path: Path, versions: tuple[Any, ...], marked: tuple[str, ...]
) -> Mapping[str, ViewLayer]:
    return view_layers(_survey(path, versions).tables, marked_parcels=marked)


@lru_cache(maxsize=2)
def _bounds(path: Path, versions: tuple[Any, ...]) -> tuple[float, float, float, float]:
    survey = _survey(path, versions)
    extents = [
        shapely.total_bounds(in_degrees(table.geometry, survey.crs))
        for name, table in survey.tables.items()
        if name in {"parcels", "roads", "lines"} and not table.empty
    ]
    if not extents:
        return 73.0, 18.0, 135.0, 54.0  # an empty workspace: the whole country
    corners = np.array(extents)
    west, south = corners[:, :2].min(axis=0)
    east, north = corners[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)
