"""What the testbench plays and compares: one program, one sample, and when a port refuses a beat."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim.hw import BURST_BYTES
from fxsim.isa import WORD_BYTES, Engine, Load, Mac, Merge, Req, Store, Unit, ZeroPoint, bursts, inner_fields
from fxsim.numerics import Overflow, Reduction, SchemeCode, scheme_of
from fxsim.rtl.machine import (
    event_width,
    machine_number,
    machine_scheme,
    register_bits,
    row_bits,
    row_event_width,
)
from fxsim.rtl.stall_lines import stall_lines
from fxsim.sim import mac_trace, scratchpad_effects
from fxsim.sim.reference import Stalls, step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fxsim.isa import Instruction, Program, Table
    from fxsim.sim import Effect, MacTrace, TrapSite

PORTS = ("x", "w", "y")
"""Ports of the MAC engine that may refuse a beat; bit i of a line of ``refusals.hex`` is port i."""


def run_files(
    program: Program,
    x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None,
    *,
    stalls: Sequence[int] = (),
) -> dict[str, str]:
    """Files of one run of the testbench, by name.

    Parameters
    ----------
    program
        A program for a machine that `machine_sources` accepts.
    x
        One sample, as `fxsim.simulate` takes it; None for a program without inputs.
    stalls
        Ports that refuse a beat, cycle by cycle, as masks of `PORTS`; none after the last one. Cycles come from the
        stepped machine then, else from the closed form.

    Raises
    ------
    ProgramError
        The program asks for numerics that its machine is not built with.
    """
    _check_modes(program)
    trace = mac_trace(program, x)
    issue_cycle, beat_cycle, end = _cycles(program, trace, stalls)
    cycles = _busy_cycles(program, trace)
    effects = scratchpad_effects(program, x)
    units = {unit: [i for i, ins in enumerate(program.instructions) if ins.unit is unit] for unit in Unit}
    words = [program.code[i * WORD_BYTES : (i + 1) * WORD_BYTES] for i in range(len(program))]
    mac = [i for i, ins in enumerate(program.instructions) if ins.engine is Engine.MAC]
    files = {
        "machine.hex": _text([machine_number(program.hardware)]),
        "mac.hex": _text(words[i][::-1].hex() for i in mac),
        "acc.txt": _text(_acc_lines(trace, issue_cycle)),
        "y.txt": _text(_y_lines(trace, beat_cycle)),
        "trap.txt": _text([_trap_line(program, trace.trap, mac)]),
        "refusals.hex": _text(f"{mask:x}" for mask in stalls),
    }
    files |= {name: _text(lines) for name, lines in stall_lines(program, trace.timeline, refused=any(stalls)).items()}
    for unit in Unit:
        files[f"{unit.name.lower()}_commits.txt"] = _text(str(end[i]) for i in units[unit])
    for unit in (Unit.DMA, Unit.VEC):
        name = unit.name.lower()
        files[f"{name}.hex"] = _text(_count_word(program.instructions[i], cycles[i]) for i in units[unit])
        files[f"{name}_effects.txt"] = _text(line for i in units[unit] for line in _effect_lines(effects[i]))
    return files


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _cycles(
    program: Program, trace: MacTrace, stalls: Sequence[int]
) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Cycles of all bank writes and requantizer writes, in order, and of every instruction's commit."""
    if not any(stalls):
        return trace.issues.commit.tolist(), trace.beats.commit.tolist(), trace.timeline.end.tolist()
    steps = step(program.instructions, program.hardware, refusals(stalls))
    depth = int(trace.issues.commit[0] - trace.issues.cycle[0]) if len(trace.issues.cycle) else 0
    latency = program.hardware.timing.requant_latency
    return [cycle + depth for cycle, *_ in steps.issues], [cycle + latency for cycle, *_ in steps.reads], steps.end


def refusals(stalls: Sequence[int]) -> Stalls:
    """Whether a port refuses a beat in a cycle."""

    def refuses(port: str, cycle: int) -> bool:
        return cycle < len(stalls) and bool(stalls[cycle] >> PORTS.index(port) & 1)

    return refuses


def _acc_lines(trace: MacTrace, commits: Sequence[int]) -> Iterable[str]:
    """Commit cycle, half, slot, registers (row 0 lowest), events; whether they are written, and the inner ones."""
    hw, issues = trace.program.hardware, trace.issues
    bits, event_bits = register_bits(hw), event_width(hw)
    inner_bits, inner_event_bits = row_bits(hw), row_event_width(hw)
    for i, cycle in enumerate(commits):
        values, events = pack(issues.values[i].tolist(), bits), pack(issues.events[i].tolist(), event_bits)
        line = f"{cycle} {issues.half[i]} {issues.slot[i]} {values:x} {events:x}"
        if hw.numerics.inner_bits:
            values = pack(issues.inner[i].tolist(), inner_bits)
            events = pack(issues.inner_events[i].tolist(), inner_event_bits)
            line += f" {issues.stores[i]:d} {values:x} {events:x}"
        yield line


def _y_lines(trace: MacTrace, commits: Sequence[int]) -> Iterable[str]:
    """Commit cycle, address, number of codes, codes of 16 bits (lane 0 lowest; a one-byte code in the low byte)."""
    beats, columns = trace.beats, trace.program.columns
    wide = columns.field("out_wide")[beats.instruction]
    for i, cycle in enumerate(commits):
        mask = 0xFFFF if wide[i] else 0xFF
        codes = pack([code & mask for code in beats.codes[i].tolist()], 16)
        yield f"{cycle} {beats.address[i]:x} {beats.count[i]} {codes:x}"


def pack(values: Sequence[int], bits: int) -> int:
    """Two's complement words of `bits` bits side by side, the first one lowest."""
    return sum((value & ((1 << bits) - 1)) << (bits * i) for i, value in enumerate(values))


def _trap_line(program: Program, site: TrapSite | None, mac: Sequence[int]) -> str:
    """Whether a sum left its range under trap; ordinal in the MAC engine, group, position, row, bias, column."""
    if site is None:
        return "0"
    instruction = program.instructions[site.instruction]
    column = 0
    if isinstance(instruction, Mac) and site.k >= 0:
        column = (site.k - instruction.k_start) % program.hardware.timing.cols
    place = mac.index(site.instruction), site.group, site.position, site.row, int(site.k < 0), column
    return f"1 {' '.join(map(str, place))}"


def _busy_cycles(program: Program, trace: MacTrace) -> list[int]:
    """Cycles on the bus (DMA) or from issue to commit (vector) of every instruction."""
    cycles = trace.timeline.end - trace.timeline.start
    bus = -(-BURST_BYTES // program.hardware.timing.dram_bytes_per_cycle)
    for copy in (Load, Store):
        cycles[program.columns.rows_of(copy)] = bursts(program.columns.table(copy)) * bus
    return [int(count) for count in cycles]


def _count_word(instruction: Instruction, cycles: int) -> str:
    """A word of a count-only engine: pops, pushes, cycles."""
    return f"{instruction.pops << 41 | instruction.pushes << 32 | cycles:013x}"


def _effect_lines(effects: Sequence[Effect]) -> Iterable[str]:
    """A count, then one line per changed byte: scratchpad, address, value."""
    yield str(sum(len(effect.address) for effect in effects))
    for effect in effects:
        for address, value in zip(effect.address.tolist(), effect.value.tolist(), strict=True):
            yield f"{effect.space:d} {address:x} {value:x}"


def _check_modes(program: Program) -> None:
    """Refuse instructions whose numerics are not those that the machine is built with."""
    n = program.hardware.numerics
    built = {"acc_bits": n.acc_bits, "overflow": Overflow[n.overflow.upper()]}
    if n.overflow == "readout":
        built["internal_bits"] = n.acc_internal_bits
    mac = {"reduction": Reduction[n.reduction.upper()], "zero_point": ZeroPoint[n.zero_point.upper()]}
    inner = {"inner_bits": 0, **inner_fields(n, program.hardware.timing.cols)}
    req = {"scheme": machine_scheme(program.hardware).code}
    for cls, fields in ((Mac, built | mac | inner), (Merge, built), (Req, built | req)):
        table = program.columns.table(cls)
        for name, value in fields.items():
            _require(program, table, name, value)


def _require(program: Program, table: Table, name: str, value: int) -> None:
    bad = np.flatnonzero(table[name] != int(value))
    if not bad.size:
        return
    index = int(table.index[bad[0]])
    got = type(value)(table[name][bad[0]])
    expected = f"{name} must be {_spelled(value)}, which the machine is built with{_remark(program, got)}"
    layer = program.layers[program.layer_of[index]].name
    raise ProgramError(f"{expected}, not {_spelled(got)}", where=f"instruction {index} (layer {layer!r})")


def _spelled(mode: int) -> str:
    return mode.name if isinstance(mode, IntEnum) else str(mode)


def _remark(program: Program, got: int) -> str:
    """What to know of a scheme that the machine has not."""
    if not isinstance(got, SchemeCode):
        return ""
    if not scheme_of(got).synthesizable:
        return " (floating point is no part of the unit)"
    return " (requantizer = profile stands for it)" if program.hardware.numerics.requantizer == "profile" else ""
