"""Issue, start and end of every instruction: one pass in file order, which is a topological order of all waits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import HazardError, ProgramError
from fxsim.isa import INSTRUCTIONS, Init, Merge, Semaphore, Unit
from fxsim.sim.timing_costs import place

if TYPE_CHECKING:
    from collections.abc import Callable

    from fxsim.hw import Hardware
    from fxsim.isa import Columns
    from fxsim.sim.timing_costs import Costs

Ints = NDArray[np.int64]

SEMAPHORE_MAX = (1 << 16) - 1
CYCLE_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """When everything happens, int64 [n] cycles; `waits` are first cycles in which a condition holds (0: none).

    Attributes
    ----------
    issue, start, end
        Issue t (DMA: accept), first cycle of work (MAC, MERGE s_0; REQ r_0; DMA accept; vector t), last commit.
    sources : int64 [4, n]
        Instruction whose token is popped, by producing unit; -1 without one.
    half
        MAC with `first`: its bank half is free.
    requantizer
        REQ: the previous REQ issues its last beat.
    row_file
        MAC with `load_params`: the row file is loaded.
    tile
        MAC: the first weight tile is loaded.
    distance
        MAC, MERGE: the previous one has issued its last beat and slots may be read again.
    full
        REQ: its bank half is full.
    """

    issue: Ints
    start: Ints
    end: Ints
    sources: Ints
    half: Ints
    requantizer: Ints
    row_file: Ints
    tile: Ints
    distance: Ints
    full: Ints


class HalfState(IntEnum):
    """State of an accumulator bank half; DRAINING from a REQ's second beat on."""

    FREE = 0
    FILLING = 1
    FULL = 2
    DRAINING = 3


class _Bank:
    """The two bank halves: state in file order, and the cycle of the last change."""

    def __init__(self) -> None:
        self._state = [HalfState.FREE, HalfState.FREE]
        self._since = [0, 0]

    def demand(self, half: int, state: HalfState) -> int:
        """First cycle in which `half` is in `state`, which it must be after the instructions before."""
        if self._state[half] is not state:
            raise HazardError(
                f"bank half {half} must be {state.name} after the instructions before", got=self._state[half].name
            )
        return self._since[half]

    def change(self, half: int, state: HalfState, since: int) -> None:
        """Enter `state` at cycle `since`."""
        self._state[half], self._since[half] = state, since


class _Machine:
    """The three engines while instructions are placed one after the other."""

    def __init__(self, columns: Columns, costs: Costs, hardware: Hardware) -> None:
        t, n = hardware.timing, len(columns)
        self.latency, self.requant_latency = t.dram_latency, t.requant_latency
        self.tile_cycles, self.gap, self.depth = costs.array.tile, costs.array.distance, costs.array.depth
        self.duration, self.last_group = costs.duration.tolist(), costs.last_group.tolist()
        self.first, self.last = columns.field("first").tolist(), columns.field("last").tolist()
        self.half_of = columns.field("half").tolist()
        self.keeps = (columns.field("init") == Init.KEEP).tolist()
        self.params = (columns.field("load_params") * columns.field("rows")).tolist()
        self.bank = _Bank()
        self.transfers = [-1] * t.dram_outstanding
        self.outstanding = t.dram_outstanding
        self.accepted = self.issued = self.vector_end = -1
        self.sequencer = self.requantizer = self.group_start = 0
        self.last_beat = -self.gap
        self.issue, self.start = [0] * n, [0] * n
        # One entry more than instructions: source -1 ("no token") finds a commit in cycle -1 there.
        self.end = [-1] * (n + 1)
        self.waits = {name: [0] * n for name in ("half", "requantizer", "row_file", "tile", "distance", "full")}

    def dma(self, i: int, ready: int) -> None:
        """LOAD or STORE: accepted in order, at most `outstanding` in flight, one on the bus."""
        accept = max(self.accepted + 1, ready, self.transfers[-self.outstanding] + 1)
        first_beat = max(accept + self.latency, self.transfers[-1] + 1)
        self.accepted = self.issue[i] = self.start[i] = accept
        self.end[i] = first_beat + self.duration[i] - 1
        self.transfers.append(self.end[i])

    def mac(self, i: int, ready: int) -> None:
        """MAC: waits for its half if `first`, then for its tile, its row file and the slots."""
        half, waits = self.half_of[i], self.waits
        ready = max(ready, self.sequencer)
        if self.first[i]:
            waits["half"][i] = self.bank.demand(half, HalfState.FREE)
            self.bank.change(half, HalfState.FILLING, 0)
            ready = max(ready, waits["half"][i])
        self.bank.demand(half, HalfState.FILLING)
        issue = self._issue(i, ready)
        tile = waits["tile"][i] = max(issue + 1, self.group_start) + self.tile_cycles
        loaded = issue + 1 + self.params[i]
        if self.params[i]:
            waits["row_file"][i] = loaded
        gap = self.gap - 1 if self.keeps[i] else 0
        self._run(i, max(tile, loaded), gap)

    def merge(self, i: int, ready: int) -> None:
        """MERGE: a MAC without a tile that reads slots of the MAC before it."""
        self.bank.demand(self.half_of[i], HalfState.FILLING)
        issue = self._issue(i, max(ready, self.sequencer))
        self._run(i, issue + 1, self.gap)

    def req(self, i: int, ready: int) -> None:
        """REQ: waits in the requantizer until its half is full, then frees it."""
        half = self.half_of[i]
        full = self.waits["full"][i] = self.bank.demand(half, HalfState.FULL)
        self.waits["requantizer"][i] = self.requantizer
        issue = self._issue(i, max(ready, self.requantizer))
        start = self.start[i] = max(issue + 1, full)
        stop = start + self.duration[i]
        self.requantizer = stop - 1
        self.end[i] = stop - 1 + self.requant_latency
        self.bank.change(half, HalfState.FREE, stop)

    def vector(self, i: int, ready: int) -> None:
        """Vector instructions: one after the other."""
        start = self.issue[i] = self.start[i] = max(self.vector_end + 1, ready)
        self.vector_end = self.end[i] = start + self.duration[i]

    def _issue(self, i: int, ready: int) -> int:
        self.issued = self.issue[i] = max(self.issued + 1, ready)
        return self.issued

    def _run(self, i: int, ready: int, gap: int) -> None:
        """Start instruction `i` in the sequencer and fill its half if it is the last."""
        distance = self.waits["distance"][i] = self.last_beat + 1 + gap
        start = self.start[i] = self.sequencer = max(ready, distance)
        self.group_start = start + self.last_group[i]
        self.last_beat = start + self.duration[i]
        self.end[i] = self.last_beat + self.depth
        if self.last[i]:
            self.bank.change(self.half_of[i], HalfState.FULL, self.end[i] + 1)


def schedule(columns: Columns, costs: Costs, hardware: Hardware) -> Schedule:
    """Place all instructions by the rules of MICROARCHITECTURE, section B.

    Raises
    ------
    HazardError
        A token is popped before it is pushed in file order, a bank half is not in the state that an instruction
        needs after the instructions before it (both would deadlock), or a semaphore overflows.
    ProgramError
        The program runs for 2**62 cycles or more.
    """
    sources = _match_tokens(columns)
    machine = _Machine(columns, costs, hardware)
    _place_all(machine, columns, sources)
    if max(machine.end) >= CYCLE_LIMIT:
        raise ProgramError("cycles must be less than 2**62", got=max(machine.end))
    waits = {name: np.array(times, np.int64) for name, times in machine.waits.items()}
    result = Schedule(
        np.array(machine.issue, np.int64),
        np.array(machine.start, np.int64),
        np.array(machine.end[:-1], np.int64),
        sources,
        **waits,
    )
    _check_semaphores(columns, result)
    return result


def _place_all(machine: _Machine, columns: Columns, sources: Ints) -> None:
    handlers = _handlers(machine)
    dma, mac, req, vec = sources.tolist()
    end = machine.end
    for i, opcode in enumerate(columns.opcode.tolist()):
        ready = 1 + max(end[dma[i]], end[mac[i]], end[req[i]], end[vec[i]])
        try:
            handlers[opcode](i, ready)
        except HazardError as error:
            raise HazardError(str(error), where=place(columns, i)) from None


def _handlers(machine: _Machine) -> dict[int, Callable[[int, int], None]]:
    by_unit = {Unit.DMA: machine.dma, Unit.MAC: machine.mac, Unit.REQ: machine.req, Unit.VEC: machine.vector}
    handlers: dict[int, Callable[[int, int], None]] = {cls.opcode: by_unit[cls.unit] for cls in INSTRUCTIONS.values()}
    handlers[Merge.opcode] = machine.merge
    return handlers


def _match_tokens(columns: Columns) -> Ints:
    """Instruction whose token each instruction pops, int64 [unit, n]: the n-th pop takes the n-th push."""
    sources = np.full((len(Unit), len(columns)), -1, np.int64)
    for semaphore in Semaphore:
        pushers, poppers = _users(columns, semaphore)
        count = min(len(pushers), len(poppers))
        late = np.flatnonzero(pushers[:count] >= poppers[:count])
        if late.size or len(poppers) > count:
            first = late[0] if late.size else count
            raise HazardError(
                f"pop {first} of semaphore {semaphore.name} must follow its push in file order",
                where=place(columns, int(poppers[first])),
            )
        sources[semaphore.producer, poppers] = pushers[:count]
    return sources


def _users(columns: Columns, semaphore: Semaphore) -> tuple[Ints, Ints]:
    pushers = np.flatnonzero(columns.field("pushes") >> semaphore & 1)
    return pushers, np.flatnonzero(columns.field("pops") >> semaphore & 1)


def _check_semaphores(columns: Columns, times: Schedule) -> None:
    """Count a push from the cycle after its commit, a pop from the cycle after its issue; 16 bits must do."""
    for semaphore in Semaphore:
        pushers, poppers = _users(columns, semaphore)
        if len(pushers) <= SEMAPHORE_MAX:
            continue
        popped = np.searchsorted(times.issue[poppers], times.end[pushers] + 1)
        level = np.arange(1, len(pushers) + 1) - popped
        over = np.flatnonzero(level > SEMAPHORE_MAX)
        if over.size:
            raise HazardError(
                f"semaphore {semaphore.name} must hold at most {SEMAPHORE_MAX} tokens",
                where=place(columns, int(pushers[over[0]])),
            )
