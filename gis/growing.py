"""Arrays that rows are only added to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_FIRST_ROOM = 64


class Growing:
    """Rows added at the end, of which those before are not copied each time.

    Room is made for twice as many as there are. One thread adds at a time; others may read rows
    that were added before meanwhile.
    """

    def __init__(self, dtype: DTypeLike, columns: int | None = None) -> None:
        self._room: NDArray[Any] = np.empty((0,) if columns is None else (0, columns), dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        return np.asarray(self.rows[rows])

    @property
    def rows(self) -> NDArray[Any]:
        """All rows there are."""
        count = self._count  # before the room: what is made later holds no fewer
        return self._room[:count]

    def add(self, rows: NDArray[Any]) -> None:
        """Add rows at the end."""
        count = self._count + len(rows)
        if count > len(self._room):
            more = max(count, 2 * len(self._room), _FIRST_ROOM)
            room = np.empty((more, *self._room.shape[1:]), self._room.dtype)
            room[: self._count] = self.rows
            self._room = room
        self._room[self._count : count] = rows
        self._count = count
