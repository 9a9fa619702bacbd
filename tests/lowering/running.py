"""Lower, prove, execute by the instruction set's own definitions, and compare with the golden executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import Space
from fxsim.isa.reference import PlainMachine
from fxsim.lowering import check_program, lower
from fxsim.oracle import golden_stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import LayerStats, Network
    from fxsim.hw import Hardware
    from fxsim.isa import Program, Symbol
    from fxsim.isa.machine import Counters

COUNTERS = ("overflow_events", "overflow_count", "bias_overflow_count", "internal_wraps", "acc_min", "acc_max",
            "inner_events")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one sample left behind: every tensor as it was when it became ready, and the counters."""

    tensors: dict[str, bytes]
    counters: dict[tuple[int, int], Counters]


def sample_of(net: Network, seed: int = 0) -> NDArray[np.generic]:
    """Random codes for the network's one input, its own shape."""
    kind = net.values[net.inputs[0]].type
    codes = np.random.default_rng(seed).integers(kind.dtype.lo, kind.dtype.hi + 1, kind.shape)
    return codes.astype(kind.dtype.numpy)


def execute(program: Program, x: NDArray[np.generic]) -> Run:
    """Run one sample; every symbol is looked at when it is ready and again when it ceases to be intact."""
    machine = PlainMachine(program.hardware, constants=program.constants, dram_bytes=program.dram_bytes)
    (given,) = program.of_kind("input")
    machine.write_dram(given.address, x.tobytes())
    tensors: dict[str, bytes] = {}
    for index in range(len(program) + 1):
        for symbol in program.symbols:
            if index in (symbol.ready, symbol.until):
                held = tensors.setdefault(symbol.name, _bytes_of(machine, symbol))
                assert held == _bytes_of(machine, symbol), f"{symbol.name} must stay intact until {symbol.until}"
        if index < len(program):
            machine.instruction, machine.layer = index, int(program.layer_of[index])
            program.instructions[index].execute(machine)
    return Run(tensors, dict(machine.tallies))


def check_bits(net: Network, hw: Hardware, x: NDArray[np.generic] | None = None) -> Program:
    """Run one sample, `x` or a random one, of `net` on `hw`: every tensor and every counter must equal golden's."""
    program = lower(net, hw)
    program.check()
    check_program(program)
    x = sample_of(net) if x is None else x
    run = execute(program, x)
    expected, stats = golden_stats(net, x if x.shape[:1] == (1,) else x[None], hw.numerics)
    for symbol in program.symbols:
        check_tensor(symbol, run.tensors[symbol.name], np.asarray(expected[symbol.name]))
    for layer, counted in enumerate(stats):
        check_counters(layer, counted, run)
    return program


def check_tensor(symbol: Symbol, got: bytes, expected: NDArray[np.generic]) -> None:
    """Compare bytes, so that reals are compared exactly too."""
    want = np.frombuffer(np.ascontiguousarray(expected).tobytes(), np.uint8)
    differences = int((np.frombuffer(got, np.uint8) != want).sum())
    assert differences == 0, f"{differences} of {want.size} bytes of {symbol.name} differ"


def check_counters(layer: int, counted: LayerStats, run: Run) -> None:
    """Compare all counters of one layer, channel by channel."""
    for name in COUNTERS:
        for channel, want in enumerate(getattr(counted, f"channel_{name}").tolist()):
            got = getattr(run.counters[layer, channel], name)
            assert got == want, f"{name} of layer {layer}, channel {channel} must be {want}, not {got}"


def _bytes_of(machine: PlainMachine, symbol: Symbol) -> bytes:
    if symbol.memory == "ACT":
        return machine.read(Space.ACT, symbol.address, symbol.nbytes)
    return machine.read_dram(symbol.address, symbol.nbytes)
