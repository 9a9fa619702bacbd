"""The one allowed override of a program: another accumulator width and overflow rule (sweeps)."""

from __future__ import annotations

import dataclasses

import numpy as np

from fxsim._core.errors import HardwareError
from fxsim.hw import Hardware, Numerics
from fxsim.isa import Instruction, Mac, Merge, Program, Req, encode
from fxsim.numerics import Overflow, check_requant_width, scheme_of

CHANGEABLE = frozenset({"acc_bits", "acc_internal_bits", "overflow", "bias_policy"})
"""Numerics that a lowered program does not depend on: everything else is in its weights, biases and instructions."""


def with_numerics(program: Program, numerics: Numerics) -> Program:
    """Return `program` with the accumulators of `numerics` in every layer, instructions and hardware alike.

    Raises
    ------
    HardwareError
        `numerics` changes something that the program's constants or instructions already express.
    QuantizationError
        A requantization scheme of the program is not exact at the new width.
    """
    own = program.hardware.numerics
    fields = [f.name for f in dataclasses.fields(own) if f.name not in CHANGEABLE]
    changed = [name for name in fields if getattr(own, name) != getattr(numerics, name)]
    if changed:
        raise HardwareError(
            "numerics may only change the accumulator's width and overflow rule: the program's weights and instructions"
            f" are made for its own {', '.join(changed)}; lower the network again"
        )
    for code in np.unique(program.columns.table(Req)["scheme"]).tolist():
        check_requant_width(scheme_of(code), numerics.acc_bits)
    hardware = Hardware(name=program.hardware.name, numerics=numerics, timing=program.hardware.timing)
    code = encode([_rewritten(instruction, numerics) for instruction in program.instructions])
    return dataclasses.replace(program, code=code, hardware=hardware)


def _rewritten(instruction: Instruction, numerics: Numerics) -> Instruction:
    if not isinstance(instruction, Mac | Merge | Req):
        return instruction
    overflow = Overflow[numerics.overflow.upper()]
    if isinstance(instruction, Req):
        return dataclasses.replace(instruction, acc_bits=numerics.acc_bits, overflow=overflow)
    return dataclasses.replace(
        instruction, acc_bits=numerics.acc_bits, internal_bits=numerics.acc_internal_bits, overflow=overflow
    )
