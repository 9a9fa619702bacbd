"""A plain machine with its scratchpads filled from address 0."""

from __future__ import annotations

from fxsim.hw import Hardware
from fxsim.isa import Space
from fxsim.isa.reference import PlainMachine

HARDWARE = Hardware(
    name="test", rows=2, cols=4, acc_depth=32, act_spad_bytes=4096, weight_spad_bytes=4096, param_spad_bytes=4096
)


def machine(x: bytes = b"", w: bytes = b"", p: bytes = b"") -> PlainMachine:
    plain = PlainMachine(HARDWARE)
    plain.write(Space.ACT, 0, x)
    plain.write(Space.WEIGHT, 0, w)
    plain.write(Space.PARAM, 0, p)
    return plain
