"""Windows that stick out of the tile on every side: both ways of a MAC against its plain definition."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from fxsim.isa import Init, Mac, Order, ZeroPoint
from fxsim.numerics import Overflow
from fxsim.sim.executor import execute
from tests.sim.test_executor import check, samples
from tests.sim.value_programs import Maker, Modes, random_program

if TYPE_CHECKING:
    from fxsim.hw import Hardware

CORNERS = [(iy0, ix0) for iy0 in (-2, -1, 0, 1) for ix0 in (-2, -1, 0, 1)]


def window(iy0: int, ix0: int, **fields: Any) -> Maker:
    """A MAC of a 2 x 2 window over two rows of two positions in a tile of 3 x 3 pixels, from the corner on."""

    def make(_random: Random, _hw: Hardware, _modes: Modes) -> Mac:
        return Mac(init=Init.ZERO, rows=1, positions=2, x_addr=20, pixel_pitch=8, tile_h=3, tile_w=3, iy0=iy0, ix0=ix0,
                   out_w=1, stride_y=1, stride_x=1, dil_y=1, dil_x=1, kh=2, kw=2, k_count=4 * fields["channels"],
                   depth_mult=1, x_zero=3, x_signed=1, w_signed=1, internal_bits=40, **fields)  # fmt: skip

    return make


@pytest.mark.parametrize("bits", [40, 5])
@pytest.mark.parametrize("order", [Order.CANONICAL, Order.REVERSED])
@pytest.mark.parametrize("zero_point", [ZeroPoint.FOLD, ZeroPoint.SUBTRACT])
@pytest.mark.parametrize(("private", "channels"), [(0, 1), (0, 3), (1, 1)])
@pytest.mark.parametrize("wide", [0, 1])
def test_every_corner(private: int, channels: int, wide: int, zero_point: ZeroPoint, order: Order, bits: int) -> None:
    """With 40 bits all sums are proved to fit, with 5 most overflow."""
    fields = {"private_x": private, "channels": channels, "x_wide": wide, "zero_point": zero_point, "order": order}
    makers = [window(*corner, acc_bits=bits, **fields) for corner in CORNERS]
    program = random_program(Random(0), makers, Overflow.WRAP)
    assert len(program) == len(CORNERS) + 7
    x = samples(7, 2)
    run = execute(program, x)
    check(program, x, run)
    assert (run.stats[1].overflow_events > 0) == (bits == 5)


@pytest.mark.parametrize("slot", [0, 1])
def test_rows_of_a_depth_multiplier(slot: int) -> None:
    """Rows that share a channel, from the second of one on."""
    maker = window(-1, -1, private_x=1, channels=1, acc_bits=40, slot=slot)

    def make(random: Random, hw: Hardware, modes: Modes) -> Mac:
        mac = maker(random, hw, modes)
        assert isinstance(mac, Mac)
        return dataclasses.replace(mac, rows=hw.timing.rows, depth_mult=2, row_base=1)

    for seed in range(20):
        program = random_program(Random(seed), [make], Overflow.SATURATE)
        if program.hardware.timing.half_depth >= slot + 2:
            check(program, samples(seed, 1), execute(program, samples(seed, 1)))
