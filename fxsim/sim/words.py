"""Overflows in words: one form of sentence for a trap and for everything that is found out afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import ProgramError
from fxsim.isa import Mac, Merge, Req
from fxsim.numerics import Overflow, bits_needed
from fxsim.sim.locate import Output, Phase, locate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import LayerStats
    from fxsim.isa import Program
    from fxsim.sim.executor import TrapEvent
    from fxsim.sim.timing import Timeline

_VERBS = {Overflow.SATURATE: "saturated at", Overflow.WRAP: "wrapped to", Overflow.TRAP: "trapped at"}


def place_text(program: Program, sample: int, output: str, step: str, instruction: int, cycle: int) -> str:
    """Where and when: sample, layer, `output_text`, `step_text`, the instruction and the cycle of its issue."""
    number = int(program.layer_of[instruction])
    layer = f"layer {number} {program.layers[number].name!r} ({program.layers[number].op})"
    return f"sample {sample}, {layer}, {output}, {step}, cycle {cycle:,}, instruction {instruction}"


def output_text(output: Output, images: int) -> str:
    """``output (4, 2), channel 31``, led by the image where a sample has several."""
    image = f"image {output.image}, " if images > 1 else ""
    return f"{image}output ({output.y}, {output.x}), channel {output.channel}"


def step_text(phase: Phase, k: int, stop: int, part: int, *, late: bool = False) -> str:
    """What a rule application adds: stream positions k .. stop - 1, a part of a split sum, the bias (`late`: last)."""
    if phase in (Phase.SUM, Phase.INNER):
        return f"k = {k}..{stop - 1}" if stop - k > 1 else f"k = {k}"
    if phase is Phase.MERGE:
        return f"merge of part {part} (k from {k} on)"
    if phase is Phase.BIAS:
        return "bias addition" if late else "bias load"
    return "read-out"


def register_text(mode: Overflow, phase: Phase, bits: int, internal_bits: int, stored: int) -> str:
    """What the accumulator did, and what it holds then."""
    if mode is not Overflow.READOUT:
        return f"{bits}-bit accumulator {_VERBS[mode]} {stored:+,}"
    if phase is Phase.READ:
        return f"{bits}-bit read-out clamped to {stored:+,}"
    return f"{internal_bits}-bit internal register wrapped to {stored:+,}"


def inner_text(mode: Overflow, bits: int, stored: int) -> str:
    """What an inner accumulator did, and what it holds then."""
    return f"{bits}-bit inner accumulator {_VERBS[mode]} {stored:+,}"


def trap_sentence(program: Program, timing: Timeline, event: TrapEvent, stats: Sequence[LayerStats]) -> str:
    """The first overflow in words, and the width that would have been enough for its channel in this run."""
    number = int(program.layer_of[event.instruction])
    bits = int(program.columns.field("acc_bits")[event.instruction])
    channel = int(program.columns.field("row_base")[event.instruction]) + event.row
    top = (1 << (bits - 1)) - 1
    stored = min(max(event.exact, -top - 1), top)
    output, step = _trap_output(program, number, event, channel), _trap_step(program, event)
    place = place_text(program, event.sample, output, step, event.instruction, int(timing.issue[event.instruction]))
    register = register_text(Overflow.TRAP, Phase.SUM, bits, bits, stored)
    return f"{place}: {register}; {_trap_sum(event.exact, stats[number], channel)}"


def _trap_sum(total: int, stats: LayerStats, channel: int) -> str:
    """The sum that trapped; no width is enough for spills that are wrong."""
    inner = int(stats.channel_inner_events[channel])
    if inner:
        return f"sum of bias and spills {total:,}; the inner accumulators of this channel overflowed {inner:,} times"
    low, high = (int(ends[channel]) for ends in (stats.channel_acc_min, stats.channel_acc_max))
    return f"exact sum {total:,}; {bits_needed(low, high)} bits would be enough for this channel"


def _trap_output(program: Program, number: int, event: TrapEvent, channel: int) -> str:
    """Which output trapped; a program that was not lowered from a network may only know the position in the block."""
    try:
        places = locate(program, number)
    except ProgramError:
        return f"position {event.position} of the block, channel {channel}"
    return output_text(places.output(event.instruction, event.position, event.row), places.shape[0])


def _trap_step(program: Program, event: TrapEvent) -> str:
    opcode = program.columns.opcode[event.instruction]
    if event.k < 0:
        return step_text(Phase.BIAS, event.k, 0, 0, late=opcode == Req.opcode)
    if opcode == Merge.opcode:
        return step_text(Phase.MERGE, event.k, 0, event.group + 1)
    mac = program.instructions[event.instruction]
    assert isinstance(mac, Mac)
    stop = min(event.k + mac.step(program.hardware.timing.cols), mac.k_start + mac.k_count)
    return step_text(Phase.SUM, event.k, stop, 0)
