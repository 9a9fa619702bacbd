"""Event counts of single instructions."""

from __future__ import annotations

from collections import Counter

import numpy as np

from fxsim.energy import count_events
from fxsim.hw import Event, Hardware, Kind
from fxsim.isa import Instruction, Layer, Program, encode


def program(hw: Hardware, *instructions: Instruction) -> Program:
    layer = Layer(name="l", op="CONV_2D", macs=0, in_shapes=(), out_shapes=(), outputs=(), channels=0)
    return Program(
        name="p",
        profile="tflite",
        hardware=hw,
        code=encode(list(instructions)),
        constants=b"",
        dram_bytes=1 << 20,
        symbols=(),
        layers=(layer,),
        layer_of=np.zeros(len(instructions), np.int32),
        batched=True,
    )


def counts(hw: Hardware, instruction: Instruction) -> Counter[Event]:
    got = count_events(program(hw, instruction))
    found = Counter({event: int(n) for event, n in zip(got.events, got.counts[:, 0], strict=True)})
    assert found.pop(Event(Kind.FETCH)) == 64
    return found
