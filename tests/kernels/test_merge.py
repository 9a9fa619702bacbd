"""MERGE of several positions and parts, both ways, against its plain definition."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from fxsim.isa import Init, Mac, Merge, Req
from fxsim.numerics import Overflow
from fxsim.sim.executor import execute
from tests.sim.test_executor import check, samples
from tests.sim.value_programs import Maker, Modes, random_program

if TYPE_CHECKING:
    from fxsim.hw import Hardware

POSITIONS = 2


def part(number: int) -> Maker:
    """One stream position of two pixels into the slots of a part."""

    def make(_random: Random, _hw: Hardware, modes: Modes) -> Mac:
        return Mac(half=1, init=Init.ZERO, rows=1, positions=POSITIONS, slot=number * POSITIONS, x_addr=9 * number,
                   w_addr=5 * number, pixel_pitch=3, tile_h=1, tile_w=POSITIONS, out_w=POSITIONS, stride_x=1, kh=1,
                   kw=1, channels=2, k_count=2, depth_mult=1, x_signed=1, w_signed=1, **modes.rule())  # fmt: skip

    return make


def merge(parts: int) -> Maker:
    def make(_random: Random, _hw: Hardware, modes: Modes) -> Merge:
        return Merge(half=1, rows=1, positions=POSITIONS, parts=parts, k_start=2, **modes.rule())

    return make


def req(_random: Random, _hw: Hardware, modes: Modes) -> Req:
    return Req(half=1, rows=1, positions=POSITIONS, scheme=modes.scheme.code, out_addr=3000, out_pitch=2, out_w=9,
               clamp_lo=-32768, clamp_hi=32767, out_wide=1, **modes.rule())  # fmt: skip


@pytest.mark.parametrize("overflow", list(Overflow), ids=lambda o: o.name)
@pytest.mark.parametrize("parts", [2, 3])
def test_parts_of_several_positions(parts: int, overflow: Overflow) -> None:
    makers, run = [*map(part, range(parts)), merge(parts), req], 0
    for seed in range(40):
        program = random_program(Random(seed), makers, overflow)
        if program.hardware.timing.half_depth >= parts * POSITIONS:
            check(program, samples(seed), execute(program, samples(seed)))
            run += 1
    assert run >= 8
