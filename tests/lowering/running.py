"""Lower, prove, execute by the instruction set's own definitions, and compare with the golden executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa.reference import PlainResult, run_plain
from fxsim.lowering import check_program, lower
from fxsim.oracle import golden

if TYPE_CHECKING:
    from fxsim.graph import Network
    from fxsim.hw import Hardware
    from fxsim.isa import Program


def sample_of(net: Network, seed: int = 0) -> np.ndarray:
    kind = net.values[net.inputs[0]].type
    codes = np.random.default_rng(seed).integers(kind.dtype.lo, kind.dtype.hi + 1, kind.shape)
    return codes.astype(kind.dtype.numpy)


def check_bits(net: Network, hw: Hardware, seed: int = 0) -> Program:
    """Run one sample of `net` on `hw`; every tensor that is intact at the end must equal golden's."""
    program = lower(net, hw)
    program.check()
    check_program(program)
    x = sample_of(net, seed)
    result = run_plain(program, {net.values[net.inputs[0]].name: x.tobytes()})
    batched = x.shape[0] == 1
    expected = golden(net, x if batched else x[None], numerics=hw.numerics)
    compare(program, result, {name: np.asarray(expected[name]) for name in expected})
    return program


def compare(program: Program, result: PlainResult, expected: dict[str, np.ndarray]) -> None:
    intact = [s for s in program.symbols if s.until == len(program)]
    assert any(s.kind == "output" for s in intact)
    for symbol in intact:
        want = np.ascontiguousarray(expected[symbol.name]).reshape(-1)
        got = np.frombuffer(result.bytes_of(symbol), symbol.dtype)
        differences = int((got.view(f"u{got.itemsize}") != want.view(f"u{got.itemsize}")).sum())
        assert differences == 0, f"{differences} of {want.size} elements of {symbol.name} differ"
