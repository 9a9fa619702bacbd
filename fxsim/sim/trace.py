"""What the MAC engine does cycle by cycle: every accumulator write and every requantizer beat of one sample.

Values come from the simulator's own kernels, called for one issue at a time; cycles from the timing model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import Mac, Merge, Req, array_of, issue_offsets, mac_shapes, merge_shapes
from fxsim.kernels import COLUMNS, KIND_REQ, NO_SITE
from fxsim.sim.issue_steps import SUM_VALUES, IssueSteps, copied, is_staged, stored_groups
from fxsim.sim.stepping import Stepper
from fxsim.sim.timing import Timeline, timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fxsim.isa import MacArray, Program

Ints = NDArray[np.int64]

_AT = {name: i for i, name in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True, eq=False)
class Issues:
    """What issues do in the accumulator bank; an issue is the last x beat of a position (MERGE: its read beat).

    Attributes
    ----------
    cycle, commit : int64 [n]
        Cycle of the issue, ascending, and cycle at whose end the bank is written.
    instruction, group, position, half, slot : int64 [n]
    stores : bool [n]
        Whether an accumulator is written: False where an inner accumulator goes on to sum.
    values : int64 [n, rows of the hardware]
        Registers after the write; 0 in rows that are not active, and where none is written.
    events : int64 [n, rows of the hardware]
        Rule applications of the issue whose exact sum left the range (overflow = readout: the register's).
    exact : int64 [n, rows of the hardware]
        What the registers would hold had no sum ever left the range; 0 where `values` are by definition.
    inner, inner_events, inner_exact : int64 [n, rows of the hardware]
        The same of the inner accumulator before it spills; 0 without one, and in a MERGE.
    """

    cycle: Ints
    commit: Ints
    instruction: Ints
    group: Ints
    position: Ints
    half: Ints
    slot: Ints
    stores: NDArray[np.bool_]
    values: Ints
    events: Ints
    exact: Ints
    inner: Ints
    inner_events: Ints
    inner_exact: Ints


@dataclass(frozen=True, slots=True, eq=False)
class ReadOuts:
    """Beats of the requantizer: up to `requant_lanes` outputs of one position each.

    Attributes
    ----------
    cycle, commit : int64 [m]
        Cycle of the beat, ascending, and cycle at whose end its codes are written.
    instruction, position, row, count, address : int64 [m]
        `row` is the first of `count` rows, `address` the activation scratchpad address of its code.
    codes : int64 [m, requant_lanes of the hardware]
        Output codes; 0 in lanes without a row.
    """

    cycle: Ints
    commit: Ints
    instruction: Ints
    position: Ints
    row: Ints
    count: Ints
    address: Ints
    codes: Ints


@dataclass(frozen=True, slots=True)
class TrapSite:
    """Where a sum first left its range under overflow = trap, in program order; k is -1 for a bias.

    A tree event has the first k of its group, a MERGE event the first k of the part that it adds.
    """

    instruction: int
    group: int
    position: int
    row: int
    k: int


@dataclass(frozen=True, slots=True, eq=False)
class MacTrace:
    """One sample of `program`.

    Attributes
    ----------
    timeline
        When instructions run.
    issues, beats
        Writes of the accumulator bank, and requantizer beats.
    trap
        The first event of the whole program under overflow = trap; None without one.
    """

    program: Program
    timeline: Timeline
    issues: Issues
    beats: ReadOuts
    trap: TrapSite | None


def mac_trace(
    program: Program,
    x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None,
    *,
    layer: int | str | None = None,
    cycles: range | None = None,
) -> MacTrace:
    """Trace the MAC engine over one sample.

    Parameters
    ----------
    program
        The program; it is checked and timed first.
    x
        The sample, as `simulate` takes it; None for a program without inputs.
    layer
        Name (of equal names the first one's) or number of the only layer whose issues and beats are kept; all by
        default.
    cycles
        Only instructions are kept that are at work in these cycles, from the first beat to the last commit.

    Raises
    ------
    ProgramError
        The program is illegal, or has no such layer.
    InputError
        `x` is not exactly one sample of the program's inputs.
    """
    times = timeline(program)
    kept = _kept(program, layer)
    if cycles is not None:
        kept &= (times.start < cycles.stop) & (times.end >= cycles.start)
    walk = _Walk(Stepper(program, x), times, kept)
    walk.run()
    return MacTrace(program, times, walk.issues(), walk.read_outs(), walk.trap)


def _kept(program: Program, layer: int | str | None) -> NDArray[np.bool_]:
    """Which instructions are traced."""
    if layer is None:
        return np.ones(len(program), bool)
    kept: NDArray[np.bool_] = program.layer_of == program.layer_number(layer)
    return kept


class _Walk:
    """Executes a program step by step, and the traced instructions issue by issue."""

    def __init__(self, stepper: Stepper, times: Timeline, kept: NDArray[np.bool_]) -> None:
        program = stepper.program
        self._stepper, self._times = stepper, times
        self._state, self._fields = stepper.state, stepper.fields
        self._hardware = program.hardware
        self._array: MacArray = array_of(program.hardware)
        self._offsets = _offsets(program, self._array)
        self._inner = copied(stepper.state.bank)
        traced = np.concatenate([program.columns.rows_of(cls) for cls in (Mac, Merge, Req)])
        self._traced = set(traced[kept[traced]].tolist())
        self._issues: list[tuple[Ints, Ints]] = []
        """Places int64 [7, n], and `SUM_VALUES` int64 [n, 6, rows]."""
        self._beats: list[tuple[Ints, Ints]] = []
        self.trap: TrapSite | None = None

    def run(self) -> None:
        """Walk the program from its first instruction to its last."""
        for step in self._stepper.steps(self._traced):
            if step.start in self._traced:
                self._trace(step.start)
            else:
                self._stepper.execute(step)
                self._see_trap(0, 0)

    def _see_trap(self, group: int, position: int) -> None:
        """Note the first event, which lies in what has just run: a piece that begins at `group` and `position`."""
        site = self._state.tally.trap.tolist()
        if self.trap is None and site[0] != NO_SITE:
            _, instruction, behind, after, row, k, _ = site
            self.trap = TrapSite(instruction, group + behind, position + after, row, k)

    def _trace(self, number: int) -> None:
        fields = self._fields[number]
        if fields[_AT["kind"]] == KIND_REQ:
            self._read_out(number, fields)
        else:
            self._sum(number, fields)

    # ---- MAC and MERGE

    def _sum(self, number: int, fields: Ints) -> None:
        offsets = self._offsets[number]
        group, position = (index.reshape(-1) for index in np.indices(offsets.shape))
        slot, half = fields[_AT["slot"]] + position, int(fields[_AT["half"]])
        if is_staged(fields):
            self._stepper.call(fields[None, :], copied(self._state.bank))  # events in program order
            self._see_trap(0, 0)
        steps = IssueSteps(self._stepper, fields, offsets.shape, self._inner)
        for place in steps:
            self._see_trap(*place)
        cycle = self._times.start[number] + offsets.reshape(-1)
        instruction, halves = (np.full(len(group), value) for value in (number, half))
        stores = stored_groups(fields, offsets.shape[0])[group]
        self._issues.append((np.stack([instruction, group, position, halves, slot, stores, cycle]), steps.table))

    # ---- REQ

    def _read_out(self, number: int, fields: Ints) -> None:
        """Requantize position by position, so that the codes of each are seen as they are written."""
        lanes, rows = self._hardware.timing.requant_lanes, int(fields[_AT["rows"]])
        size, clamp_lo = 1 + int(fields[_AT["out_wide"]]), int(fields[_AT["clamp_lo"]])
        piece = fields[None, :].copy()
        piece[0, _AT["positions"]] = 1
        for position in range(int(fields[_AT["positions"]])):
            piece[0, _AT["ox_start"]] = fields[_AT["ox_start"]] + position
            piece[0, _AT["slot"]] = fields[_AT["slot"]] + position
            self._stepper.call(piece, self._state.bank)
            self._see_trap(0, position)
            address = _out_address(piece[0])
            codes = _codes(self._state.memory.act[0, address : address + rows * size], size, signed=clamp_lo < 0)
            first = np.arange(0, rows, lanes)
            beat = np.arange(len(first)) + position * len(first)
            table = np.zeros((len(first), lanes), np.int64)
            table.reshape(-1)[:rows] = codes
            count = np.minimum(rows - first, lanes)
            same = [np.full(len(first), value) for value in (number, position)]
            cycle = self._times.start[number] + beat
            self._beats.append((np.stack([*same, first, count, address + first * size, cycle]), table))

    # ---- results

    def issues(self) -> Issues:
        """All issues by cycle."""
        rows = self._hardware.timing.rows
        none = np.zeros((7, 0), np.int64), np.zeros((0, len(SUM_VALUES), rows), np.int64)
        parts = self._issues or [none]
        places = np.concatenate([part[0] for part in parts], axis=1)
        table = np.concatenate([part[1] for part in parts])
        order = np.argsort(places[6], kind="stable")
        instruction, group, position, half, slot, stores, cycle = places[:, order]
        commit = cycle + self._array.depth
        values = dict(zip(SUM_VALUES, table[order].transpose(1, 0, 2), strict=True))
        return Issues(cycle, commit, instruction, group, position, half, slot, stores.astype(bool), **values)

    def read_outs(self) -> ReadOuts:
        """All requantizer beats by cycle."""
        timing = self._hardware.timing
        parts = self._beats or [(np.zeros((6, 0), np.int64), np.zeros((0, timing.requant_lanes), np.int64))]
        places = np.concatenate([part[0] for part in parts], axis=1)
        codes = np.concatenate([part[1] for part in parts])
        order = np.argsort(places[5], kind="stable")
        instruction, position, row, count, address, cycle = places[:, order]
        commit = cycle + timing.requant_latency
        return ReadOuts(cycle, commit, instruction, position, row, count, address, codes[order])


def _offsets(program: Program, array: MacArray) -> dict[int, Ints]:
    """Cycles from an instruction's start to its issues, int64 [groups, positions], of every MAC and MERGE."""
    columns = program.columns
    numbers = [*columns.rows_of(Mac).tolist(), *columns.rows_of(Merge).tolist()]
    shapes = [*mac_shapes(columns.table(Mac), array), *merge_shapes(columns.table(Merge))]
    known = {shape: issue_offsets(shape, array) for shape in set(shapes)}
    return {number: known[shape] for number, shape in zip(numbers, shapes, strict=True)}


def _out_address(fields: Ints) -> int:
    row, column = divmod(int(fields[_AT["ox_start"]]), int(fields[_AT["out_w"]]))
    pitches = int(fields[_AT["out_row_pitch"]]), int(fields[_AT["out_pitch"]])
    return int(fields[_AT["out_addr"]]) + row * pitches[0] + column * pitches[1]


def _codes(data: NDArray[np.uint8], size: int, *, signed: bool) -> Ints:
    """Little-endian codes of `size` bytes."""
    dtype = np.dtype(f"<{'i' if signed else 'u'}{size}")
    return np.ascontiguousarray(data).view(dtype).astype(np.int64)
