"""The collecting side of event counting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fxsim.hw import Event, Hardware
    from fxsim.isa import Columns

Array = NDArray[np.int64]


class Tally:
    """Counts per event and instruction while a program is walked, opcode by opcode."""

    def __init__(self, columns: Columns, hardware: Hardware) -> None:
        self.columns = columns
        self.hardware = hardware
        self.size = len(columns.opcode)
        self._counts: dict[Event, Array] = {}

    def fields(self, index: Array) -> Callable[[str], Array]:
        """Look-up of a field's values for the instructions in `index`."""
        return lambda name: self.columns.field(name)[index]

    def groups(self, index: Array, *names: str) -> Iterator[tuple[tuple[int, ...], Array]]:
        """Split `index` by equal values of the fields `names`: (values, indices) pairs."""
        table = np.stack([self.columns.field(name)[index] for name in names], axis=1)
        values, inverse = np.unique(table, axis=0, return_inverse=True)
        for i, row in enumerate(values):
            yield tuple(int(v) for v in row), index[inverse.reshape(-1) == i]

    def add(self, event: Event, index: Array, count: Array | int) -> None:
        """Add `count` events to the instructions in `index`; all-zero contributions leave no event behind."""
        if not np.any(count) or not len(index):
            return
        if event not in self._counts:
            self._counts[event] = np.zeros(self.size, np.int64)
        self._counts[event][index] += count

    def matrix(self) -> tuple[tuple[Event, ...], Array]:
        """The events seen, in order of first appearance, and their counts [event, instruction]."""
        counts = list(self._counts.values())
        return tuple(self._counts), np.stack(counts) if counts else np.zeros((0, self.size), np.int64)
