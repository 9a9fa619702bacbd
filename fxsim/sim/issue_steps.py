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
"""What is found for every active row of an issue."""
_OUTER, _INNER = slice(0, 3), slice(3, 6)
_SLOT_ARRAYS = ("register", "exact", "flags")
_AT = {name: i for i, name in enumerate(COLUMNS)}
_K_START, _K_COUNT, _W_ADDR, _POSITIONS, _OX_START, _SLOT, _LOAD_PARAMS, _INIT = (
    _AT[name] for name in ("k_start", "k_count", "w_addr", "positions", "ox_start", "slot", "load_params", "init")
)
_PLACE = [_AT[name] for name in ("half", "slot", "rows", "stat")]


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


def copied(bank: Bank) -> Bank:
    """A bank like this one, to be changed at will."""
    return bank._replace(**{name: array.copy() for name, array in bank._asdict().items()})


class IssueSteps:
    """The issues of one MAC or MERGE of a stepped program, each run when it is asked for.

    Parameters
    ----------
    stepper
        At the instruction.
    fields : int64 [columns]
        The instruction.
    shape
        Groups and positions.
    inner
        A bank for inner accumulators.
    """

    def __init__(self, stepper: Stepper, fields: Ints, shape: tuple[int, ...], inner: Bank) -> None:
        self._stepper, self._fields, self._inner = stepper, fields, inner
        self._bank, timing = stepper.state.bank, stepper.program.hardware.timing
        self._groups, self._positions = shape
        self._cols, self._tile_rows = timing.cols, timing.rows
        self._half, self._slot, self._rows, stat = fields[_PLACE].tolist()
        self._counts = stepper.state.tally.stats[:, stat : stat + self._rows]
        self._counted = self._counts[EVENTS] + self._counts[WRAPS]
        self.table = np.zeros((self._groups * self._positions, len(SUM_VALUES), timing.rows), np.int64)
        """`SUM_VALUES` of the issues so far, int64 [issues, 6, rows]; 0 where an issue leaves them alone."""

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Run issue after issue, group by group; yields the group and position of each."""
        if self._fields[_AT["kind"]] == KIND_MERGE:
            return self._merges()
        return self._staged() if is_staged(self._fields) else self._macs()

    def _macs(self) -> Iterator[tuple[int, int]]:
        lines = iter(self.table)
        for group in range(self._groups):
            piece = self._piece(self._fields, group, 1)
            for position in range(self._positions):
                self._run(self._at(piece, position), self._bank, self._slot + position, next(lines)[_OUTER])
                yield group, position

    def _staged(self) -> Iterator[tuple[int, int]]:
        """Groups on the bank of inner accumulators; where they spill, the same groups on the machine's own."""
        fields, lines = self._fields, iter(self.table)
        size, stores = int(fields[_AT["inner_groups"]]), stored_groups(fields, self._groups)
        alone = fields.copy()
        alone[[_AT["acc_bits"], _AT["overflow"]]] = fields[[_AT["inner_bits"], _AT["inner_overflow"]]]
        alone[[_AT["inner_bits"], _LOAD_PARAMS]] = 0
        for group in range(self._groups):
            first = group // size * size
            piece, whole = self._piece(alone, group, 1), self._piece(fields, first, group + 1 - first)
            piece[0, _INIT] = int(Init.KEEP if group > first else Init.ZERO)
            for position in range(self._positions):
                line, slot = next(lines), self._slot + position
                self._run(self._at(piece, position), self._inner, slot, line[_INNER])
                if stores[group]:
                    self._run(self._at(whole, position), self._bank, slot, line[_OUTER])
                yield group, position

    def _merges(self) -> Iterator[tuple[int, int]]:
        """One part after the other, on a bank of two slots: the sum and the part."""
        bank, lines = self._bank, iter(self.table)
        pair = bank._replace(**{name: np.zeros_like(getattr(bank, name)[:, :, :2]) for name in _SLOT_ARRAYS})
        piece = self._fields[None, :].copy()
        piece[0, [_AT["parts"], _POSITIONS, _SLOT]] = 2, 1, 0
        for group in range(self._groups):
            piece[0, _K_START] = (group + 1) * self._fields[_K_START]
            for position in range(self._positions):
                slot = self._slot + position
                _move(bank, self._half, [slot, slot + (group + 1) * self._positions], pair, [0, 1])
                self._run(piece, pair, 0, next(lines)[_OUTER])
                _move(pair, self._half, [0], bank, [slot])
                yield group, position

    def _piece(self, fields: Ints, first: int, count: int) -> Ints:
        """The MAC of `count` groups from group `first` on, at position 0; int64 [1, columns]."""
        piece, k = fields[None, :].copy(), first * self._cols
        piece[0, _K_START] += k
        piece[0, _K_COUNT] = min(count * self._cols, fields[_K_COUNT] - k)
        piece[0, _W_ADDR] += k * self._tile_rows * (fields[_AT["w_wide"]] + 1)
        piece[0, _POSITIONS] = 1
        if first:
            piece[0, [_LOAD_PARAMS, _INIT]] = 0, int(Init.KEEP)
        return piece

    def _at(self, piece: Ints, position: int) -> Ints:
        """Move a piece to a position; the row file is loaded before the first one only."""
        piece[0, _OX_START] = self._fields[_OX_START] + position
        piece[0, _SLOT] = self._slot + position
        if position:
            piece[0, _LOAD_PARAMS] = 0
        return piece

    def _run(self, piece: Ints, bank: Bank, slot: int, into: Ints) -> None:
        """Run a piece; register, events and exact sum of its only slot go `into`, int64 [3, rows]."""
        self._stepper.call(piece, bank)
        counted = self._counts[EVENTS] + self._counts[WRAPS]
        rows = self._rows
        into[0, :rows] = bank.register[0, self._half, slot, :rows]
        into[1, :rows] = counted - self._counted
        into[2, :rows] = bank.exact[0, self._half, slot, :rows]
        self._counted = counted


def _move(source: Bank, half: int, places: list[int], target: Bank, into: list[int]) -> None:
    for name in _SLOT_ARRAYS:
        getattr(target, name)[0, half, into] = getattr(source, name)[0, half, places]
