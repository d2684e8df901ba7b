"""RawLayer: one layer of a file as it stands, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyproj import CRS


@dataclass(frozen=True)
class RawLayer:
    """One layer of a file, unchecked.

    ``cells`` has the file's own column names and a row for each feature; ``shapes`` are its
    geometries, None where the file has none or where it could not be read (then the reason is in
    ``unreadable``, by position). ``crs`` is what the file declares, or None.
    """

    file: str
    source_layer: str | None
    cells: pd.DataFrame
    shapes: np.ndarray
    unreadable: dict[int, str]
    crs: CRS | None
