"""One dot product on the plain machine, for tests of the rule applications."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fxsim.isa import Mac
from fxsim.isa.reference import PlainMachine
from tests.isa.plain import machine
from tests.isa.strategies import record


def dot(**fields: Any) -> Mac:
    """A MAC of one output over a vector of `channels` codes at ACT 0."""
    base = Mac(
        rows=1,
        positions=1,
        kh=1,
        kw=1,
        tile_h=1,
        tile_w=1,
        out_w=1,
        depth_mult=1,
        x_signed=1,
        w_signed=1,
        acc_bits=32,
        load_params=1,
    )
    return replace(base, **{"k_count": fields["channels"], **fields})


def weight_tile(weights: list[list[int]]) -> bytes:
    """Rows of weights as a tile of the two-row array."""
    rows = weights + [[0] * len(weights[0])] * (2 - len(weights))
    return np.array(rows, np.int8).T.tobytes()


def run_dot(x: list[int], w: list[int], bias: int, **fields: Any) -> PlainMachine:
    plain = machine(np.array(x, np.int8).tobytes(), weight_tile([w]), record(bias, 0, 0))
    dot(channels=len(x), **fields).execute(plain)
    return plain


def value(plain: PlainMachine, slot: int = 0, row: int = 0) -> int:
    return plain.accumulator(0, row, slot).value
