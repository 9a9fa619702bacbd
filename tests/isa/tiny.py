"""The smallest whole program: y = requantize(W x + b) for 4 inputs and 2 outputs on a 2 × 4 array."""

from __future__ import annotations

import numpy as np

from fxsim.hw import Hardware
from fxsim.isa import Instruction, Layer, Load, Mac, Program, Req, Semaphore, Space, Store, Symbol, encode
from fxsim.numerics import Overflow, SchemeCode
from tests.isa.strategies import record

WEIGHTS = ((1, 2, 3, 4), (-1, 0, 5, -128))
BIAS = (10, -20)
X_ADDR, Y_ADDR = 64, 128


def mask(*semaphores: Semaphore) -> int:
    return sum(1 << s for s in semaphores)


def tiny_instructions(**mac_fields: object) -> list[Instruction]:
    fields: dict[str, object] = {
        "first": 1,
        "last": 1,
        "load_params": 1,
        "rows": 2,
        "positions": 1,
        "k_count": 4,
        "kh": 1,
        "kw": 1,
        "channels": 4,
        "tile_h": 1,
        "tile_w": 1,
        "pixel_pitch": 4,
        "out_w": 1,
        "depth_mult": 1,
        "x_signed": 1,
        "w_signed": 1,
        "acc_bits": 32,
        "p_addr": 0,
    } | mac_fields
    return [
        Load(space=Space.WEIGHT, rows=1, row_bytes=8),
        Load(space=Space.PARAM, dram_addr=16, rows=1, row_bytes=32),
        Load(space=Space.ACT, dram_addr=X_ADDR, rows=1, row_bytes=4, pushes=mask(Semaphore.DMA_MAC)),
        Mac(pops=mask(Semaphore.DMA_MAC), **fields),  # type: ignore[arg-type]
        Req(
            rows=2,
            positions=1,
            acc_bits=int(str(fields["acc_bits"])),
            overflow=Overflow(int(str(fields.get("overflow", 0)))),
            scheme=SchemeCode.TFL_DOUBLE,
            out_addr=32,
            out_w=1,
            clamp_lo=-128,
            clamp_hi=127,
            pushes=mask(Semaphore.REQ_DMA),
        ),
        Store(spad_addr=32, dram_addr=Y_ADDR, rows=1, row_bytes=2, pops=mask(Semaphore.REQ_DMA)),
    ]


def tiny_program(instructions: list[Instruction] | None = None) -> Program:
    """Multiplier 1.0, no zero points: the outputs are the clamped accumulators."""
    code = tiny_instructions() if instructions is None else instructions
    tile = np.array(WEIGHTS, np.int8).T.tobytes()
    constants = tile + bytes(8) + record(BIAS[0], 1 << 30, 1) + record(BIAS[1], 1 << 30, 1)
    symbols = (
        Symbol("x", X_ADDR, (1, 4), "int8", (0.5,), (0,), None, "input", 0, len(code)),
        Symbol("y", Y_ADDR, (1, 2), "int8", (0.25,), (0,), None, "output", len(code), len(code)),
    )
    hardware = Hardware(
        name="tiny", rows=2, cols=4, acc_depth=4, act_spad_bytes=64, weight_spad_bytes=64, param_spad_bytes=64
    )
    layer = Layer("fc", "FULLY_CONNECTED", 8, ((1, 4), (2, 4), (2,)), ((1, 2),), ("y",), 2)
    return Program(
        name="tiny",
        profile="tflite",
        hardware=hardware,
        code=encode(code),
        constants=constants,
        dram_bytes=192,
        symbols=symbols,
        layers=(layer,),
        layer_of=np.zeros(len(code), np.int32),
        batched=True,
    )
