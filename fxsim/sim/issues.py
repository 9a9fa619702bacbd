"""MACs and MERGEs issue by issue, on the simulator's own kernels.

A MAC is cut by rewriting its fields, which changes no bit: a K interval may be continued (`init` = keep), and positions
do not meet. An inner accumulator follows its rule as an accumulator of its own would, so its sums are those of the same
MAC with the inner rule as its only one; the spill is the MAC over all groups since the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import Init
from fxsim.kernels import COLUMNS, EVENTS, KIND_MERGE, WRAPS, Bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.sim.stepping import Stepper

Ints = NDArray[np.int64]

SUM_VALUES = ("values", "events", "exact", "inner", "inner_events", "inner_exact")
"""What `Cutter.issues` yields for every active row."""
_SLOT_ARRAYS = ("register", "exact", "flags")
_AT = {name: i for i, name in enumerate(COLUMNS)}


def is_staged(fields: Ints) -> bool:
    """Whether an instruction, int64 [columns], sums in an inner accumulator."""
    return fields[_AT["kind"]] != KIND_MERGE and bool(fields[_AT["inner_bits"]])


def stored_groups(fields: Ints, groups: int) -> NDArray[np.bool_]:
    """Which groups of a MAC or MERGE write an accumulator, [groups]: all, or those behind which an inner one spills."""
    if not is_staged(fields):
        return np.ones(groups, bool)
    behind = np.arange(1, groups + 1)
    spills: NDArray[np.bool_] = (behind % fields[_AT["inner_groups"]] == 0) | (behind == groups)
    return spills


class Cutter:
    """Runs MACs and MERGEs of a stepped program issue by issue."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper, self._bank = stepper, stepper.state.bank
        self._stats = stepper.state.tally.stats
        timing = stepper.program.hardware.timing
        self._rows, self._cols = timing.rows, timing.cols
        self._inner = self.copy_of_bank()

    def copy_of_bank(self) -> Bank:
        """The machine's bank as it is now, to be changed at will."""
        return self._bank._replace(**{name: array.copy() for name, array in self._bank._asdict().items()})

    def issues(self, fields: Ints, shape: tuple[int, ...]) -> Iterator[Ints]:
        """Run an instruction of `shape` (groups, positions); yields `SUM_VALUES`, int64 [6, active rows].

        Issues come group by group.
        """
        if fields[_AT["kind"]] == KIND_MERGE:
            return self._merges(fields, shape)
        return self._staged(fields, shape) if is_staged(fields) else self._macs(fields, shape)

    def _macs(self, fields: Ints, shape: tuple[int, ...]) -> Iterator[Ints]:
        for group, position in np.ndindex(*shape):
            yield self._with(self._summed(self._piece(fields, group, 1, position), self._bank))

    def _staged(self, fields: Ints, shape: tuple[int, ...]) -> Iterator[Ints]:
        """Groups on the bank of inner accumulators; where they spill, the same groups on the machine's own."""
        size, stores = int(fields[_AT["inner_groups"]]), stored_groups(fields, shape[0])
        alone = fields.copy()
        alone[[_AT["acc_bits"], _AT["overflow"]]] = fields[[_AT["inner_bits"], _AT["inner_overflow"]]]
        alone[[_AT["inner_bits"], _AT["load_params"]]] = 0
        for group, position in np.ndindex(*shape):
            first = group // size * size
            piece = self._piece(alone, group, 1, position)
            piece[0, _AT["init"]] = int(Init.KEEP if group > first else Init.ZERO)
            inner, outer = self._summed(piece, self._inner), None
            if stores[group]:
                outer = self._summed(self._piece(fields, first, group + 1 - first, position), self._bank)
            yield self._with(outer, inner)

    def _merges(self, fields: Ints, shape: tuple[int, ...]) -> Iterator[Ints]:
        """One part after the other, on a bank of two slots: the sum and the part."""
        half, slot = int(fields[_AT["half"]]), int(fields[_AT["slot"]])
        pair = self._bank._replace(
            **{name: np.zeros_like(getattr(self._bank, name)[:, :, :2]) for name in _SLOT_ARRAYS}
        )
        piece = fields[None, :].copy()
        piece[0, [_AT["parts"], _AT["positions"], _AT["slot"]]] = 2, 1, 0
        for group, position in np.ndindex(*shape):
            part = group + 1
            piece[0, _AT["k_start"]] = part * fields[_AT["k_start"]]
            places = [slot + position, slot + part * shape[1] + position]
            _move(self._bank, half, places, pair, [0, 1])
            found = self._summed(piece, pair)
            _move(pair, half, [0], self._bank, places[:1])
            yield self._with(found)

    def _piece(self, fields: Ints, first: int, count: int, position: int) -> Ints:
        """The MAC of `count` groups from group `first` on, at one position; int64 [1, columns]."""
        piece, k = fields[None, :].copy(), first * self._cols
        width = int(fields[_AT["w_wide"]]) + 1
        piece[0, _AT["k_start"]] += k
        piece[0, _AT["k_count"]] = min(count * self._cols, fields[_AT["k_count"]] - k)
        piece[0, _AT["w_addr"]] += k * self._rows * width
        piece[0, _AT["positions"]] = 1
        piece[0, [_AT["ox_start"], _AT["slot"]]] += position
        piece[0, _AT["load_params"]] *= first == position == 0
        if first:
            piece[0, _AT["init"]] = int(Init.KEEP)
        return piece

    def _summed(self, piece: Ints, bank: Bank) -> Ints:
        """Run a piece of one slot: register, events and exact sum of the active rows, int64 [3, rows]."""
        half, slot, rows, stat = (int(piece[0, _AT[name]]) for name in ("half", "slot", "rows", "stat"))
        counts = self._stats[:, stat : stat + rows]
        before = counts[EVENTS] + counts[WRAPS]
        self._stepper.call(piece, bank)
        events = counts[EVENTS] + counts[WRAPS] - before
        return np.stack([bank.register[0, half, slot, :rows], events, bank.exact[0, half, slot, :rows]])

    @staticmethod
    def _with(outer: Ints | None, inner: Ints | None = None) -> Ints:
        """Both accumulators of an issue; one that it leaves alone is 0."""
        known = next(part for part in (outer, inner) if part is not None)
        none = np.zeros_like(known)
        return np.concatenate([none if part is None else part for part in (outer, inner)])


def _move(source: Bank, half: int, places: list[int], target: Bank, into: list[int]) -> None:
    for name in _SLOT_ARRAYS:
        getattr(target, name)[0, half, into] = getattr(source, name)[0, half, places]
