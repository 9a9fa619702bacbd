"""The state that instructions work on when they are executed by their own definition: plain Python integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fxsim.isa.base import Space


@dataclass(slots=True)
class Accumulator:
    """One accumulator slot.

    `value` is the register; `exact` the unclipped, unwrapped sum it stands for; `event` tells whether a rule
    application of this output has left the range, of the inner accumulator or of this one. `inner` and `inner_exact`
    are the inner accumulator in front of it and the sum that it stands for, 0 between MACs. A slot is rewritten by the
    first group of a MAC whose `init` is not KEEP, and by nothing else: read-out leaves it as it is.
    """

    value: int = 0
    exact: int = 0
    event: bool = False
    inner: int = 0
    inner_exact: int = 0


@dataclass(slots=True)
class Counters:
    """What happened in the accumulators of one output channel of one layer.

    `acc_min` and `acc_max` are the extremes of the exact prefixes at rule applications, None before the first.
    """

    overflow_events: int = 0
    overflow_count: int = 0
    bias_overflow_count: int = 0
    internal_wraps: int = 0
    acc_min: int | None = None
    acc_max: int | None = None
    inner_events: int = 0

    def see(self, exact: int) -> None:
        """Take one exact prefix into the extremes."""
        self.acc_min = exact if self.acc_min is None else min(self.acc_min, exact)
        self.acc_max = exact if self.acc_max is None else max(self.acc_max, exact)


class Machine(Protocol):
    """One sample's machine state; every address is checked."""

    @property
    def rows(self) -> int:
        """PE rows: the row pitch of a stored weight tile."""
        ...

    @property
    def cols(self) -> int:
        """PE columns: stream positions per group."""
        ...

    def read(self, space: Space, address: int, size: int) -> bytes:
        """Bytes of a scratchpad."""
        ...

    def write(self, space: Space, address: int, data: bytes) -> None:
        """Store bytes into a scratchpad."""
        ...

    def read_dram(self, address: int, size: int) -> bytes:
        """Bytes of DRAM."""
        ...

    def write_dram(self, address: int, data: bytes) -> None:
        """Store bytes into DRAM, above the constants."""
        ...

    def accumulator(self, half: int, row: int, slot: int) -> Accumulator:
        """Return the slot itself, to be changed in place."""
        ...

    def load_row(self, half: int, row: int, bias: int, word: int) -> None:
        """Fill entry `row` of row file `half`: exact bias and 64-bit requantization word (unsigned)."""
        ...

    def row(self, half: int, row: int) -> tuple[int, int]:
        """(bias, requantization word) of an entry of row file `half`."""
        ...

    def counters(self, channel: int) -> Counters:
        """Counters of output channel `channel` of the running instruction's layer."""
        ...

    def trap(self, group: int, position: int, row: int, k: int, exact: int) -> None:
        """Record an overflow event of the sum `exact` under overflow = trap; the first of the sample is kept."""
        ...
