"""MAC the plain way: a whole block of positions in int32 lanes, where every prefix is proved to fit them.

The register is the exact sum then, so a block needs only its sums and, for the statistics, its prefixes' extremes.
Sums stand as [positions rounded up to TILE, lanes], flat; positions past the block repeat the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.intrinsics import LANES, TILE
from fxsim.kernels.lanes import add_code_products, add_products, dot_tile, see_lanes
from fxsim.kernels.operands import gather_shared, prepare, rows_alike
from fxsim.kernels.rule import step_of
from fxsim.kernels.state import GREATEST, LEAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Memory, Scratch, Tally

    Ints = NDArray[np.int64]
    Words = NDArray[np.int32]

_INT32_MAX = (1 << 31) - 1


@inner_kernel
def begin_block(f: Ints, lanes: int, bias: Ints, exact: Ints, sums: Words, least: Words, greatest: Words) -> None:
    """Start every position at the bias, 0 or its slot's sum; a bias is a prefix itself."""
    half, slot, positions, first, rows = f[c.HALF], f[c.SLOT], f[c.POSITIONS], f[c.INIT], f[c.ROWS]
    for p in range(-(-positions // TILE) * TILE):
        into = sums[p * lanes : (p + 1) * lanes]
        source = exact[slot + min(p, positions - 1)] if first == c.INIT_KEEP else bias[half]
        for n in range(0 if first == c.INIT_ZERO else rows):
            into[n] = source[n]
        for n in range(0 if first == c.INIT_ZERO else rows, lanes):
            into[n] = 0
    if first == c.INIT_BIAS:
        for lane in range(0, lanes, LANES):
            see_lanes(sums, lane, least, greatest, lane)


@inner_kernel
def see_tile(lanes: int, first: int, lane: int, sums: Words, least: Words, greatest: Words) -> None:
    """Take TILE positions from `first` on into the extremes of one lane block."""
    for p in range(first, first + TILE):
        see_lanes(sums, p * lanes + lane, least, greatest, lane)


@inner_kernel
def sum_shared(
    f: Ints, array: Ints, weights: Words, patches: Words, pitch: int, sums: Words, least: Words, greatest: Words
) -> None:
    """Add the K interval of all positions; their operands stand in `patches`, flat, `pitch` apart."""
    count, lanes, step = f[c.K_COUNT], array[2], step_of(f, array[1])
    for p in range(0, f[c.POSITIONS], TILE):
        for lane in range(0, lanes, LANES):
            for k in range(0, count, step):
                size = min(step, count - k)
                at, w_at, x_at = p * lanes + lane, k * lanes + lane, p * pitch + k
                dot_tile(sums, at, lanes, weights, w_at, lanes, patches, x_at, pitch, size)
                see_tile(lanes, p, lane, sums, least, greatest)


@inner_kernel
def gather_block(f: Ints, act: NDArray[np.uint8], patches: Words) -> None:
    """Operands of all positions in stream order; the last position is repeated up to a whole TILE."""
    count, positions = f[c.K_COUNT], f[c.POSITIONS]
    for p in range(positions):
        gather_shared(f, act, p, patches, p)
    for p in range(positions, -(-positions // TILE) * TILE):
        into, last = patches[p], patches[positions - 1]
        for k in range(count):
            into[k] = last[k]


@inner_kernel
def sum_private(
    f: Ints, array: Ints, act: NDArray[np.uint8], weights: Words, sums: Words, least: Words, greatest: Words,
    operands: NDArray[np.int32],
) -> None:  # fmt: skip
    """Add the K interval of all positions, every lane with its own x, taps in stream order.

    One function, because a call that passes arrays costs more than a tap; where rows read consecutive one-byte codes
    whole lane blocks are read, else `operands` is filled first.
    """
    count, kw, lanes, zero = f[c.K_COUNT], f[c.KW], array[2], f[c.X_ZERO] * f[c.ZERO_POINT]
    step = step_of(f, array[1])
    dense, last = f[c.DEPTH_MULT] == 1 and f[c.X_WIDE] == 0, f[c.KH] * kw - 1
    flip = f[c.X_SIGNED] << (15 if f[c.X_WIDE] else 7)
    channel = (f[c.ROW_BASE] // f[c.DEPTH_MULT] - f[c.CHANNEL_BASE]) << f[c.X_WIDE]
    own, padding, offsets = operands[0], operands[1], operands[2]
    for n in range(f[c.ROWS]):
        padding[n] = f[c.X_ZERO] - zero
        offsets[n] = ((f[c.ROW_BASE] % f[c.DEPTH_MULT] + n) // f[c.DEPTH_MULT]) << f[c.X_WIDE]
    for p in range(f[c.POSITIONS]):
        column, place = f[c.OX_START] + p, p * lanes
        grid_row = column // f[c.OUT_W]
        top = f[c.IY0] + grid_row * f[c.STRIDE_Y]
        left = f[c.IX0] + (column - grid_row * f[c.OUT_W]) * f[c.STRIDE_X]
        pending = step
        for k in range(count):
            tap = f[c.K_START] + k
            if f[c.ORDER] == c.REVERSED:
                tap = last - tap
            ky = tap // kw
            ty, tx = top + ky * f[c.DIL_Y], left + (tap - ky * kw) * f[c.DIL_X]
            address = f[c.X_ADDR] + (ty * f[c.TILE_W] + tx) * f[c.PIXEL_PITCH] + channel
            inside = 0 <= ty < f[c.TILE_H] and 0 <= tx < f[c.TILE_W]
            if inside and not dense:
                for n in range(f[c.ROWS]):
                    code = np.int64(act[address + offsets[n]])
                    if f[c.X_WIDE]:
                        code |= np.int64(act[address + offsets[n] + 1]) << 8
                    own[n] = (code ^ flip) - flip - zero
            for lane in range(0, lanes, LANES):
                if not inside:
                    add_products(sums, place + lane, weights, k * lanes + lane, padding, lane)
                elif dense:
                    add_code_products(sums, place + lane, weights, k * lanes + lane, act, address + lane, flip, zero)
                else:
                    add_products(sums, place + lane, weights, k * lanes + lane, own, lane)
            pending -= 1
            if pending == 0 or k + 1 == count:
                pending = step
                for lane in range(0, lanes, LANES):
                    see_lanes(sums, place + lane, least, greatest, lane)


@inner_kernel
def finish_block(f: Ints, lanes: int, sums: Words, exact: Ints, register: Ints, flags: NDArray[np.uint8]) -> None:
    """Sums into the slots: registers are the exact sums, nothing is flagged."""
    for p in range(f[c.POSITIONS]):
        total = sums[p * lanes : (p + 1) * lanes]
        one, other, clear = exact[f[c.SLOT] + p], register[f[c.SLOT] + p], flags[f[c.SLOT] + p]
        for n in range(f[c.ROWS]):
            one[n] = total[n]
        for n in range(f[c.ROWS]):
            other[n] = total[n]
        for n in range(f[c.ROWS]):
            clear[n] = 0


@inner_kernel
def mac_plain(f: Ints, array: Ints, memory: Memory, bank: Bank, tally: Tally, work: Scratch) -> None:
    """MAC in int32 lanes; every reachable prefix is proved to fit int32 and the register."""
    half, lanes, rows, stat = f[c.HALF], array[2], f[c.ROWS], f[c.STAT]
    weights, patches, sums = work.flat_weights, work.flat_patches, work.block
    least, greatest, pitch = work.extremes[0], work.extremes[1], work.patches.shape[1]
    alike = rows_alike(f)
    prepare(f, array, memory.weight, memory.param, bank.bias, bank.word, work.weights)
    for n in range(lanes):
        least[n], greatest[n] = _INT32_MAX, -_INT32_MAX - 1
    for s in range(memory.act.shape[0]):
        act, exact, register, flags = memory.act[s], bank.exact[s, half], bank.register[s, half], bank.flags[s, half]
        begin_block(f, lanes, bank.bias, exact, sums, least, greatest)
        if alike:
            gather_block(f, act, work.patches)
            sum_shared(f, array, weights, patches, pitch, sums, least, greatest)
        else:
            sum_private(f, array, act, weights, sums, least, greatest, work.operands)
        finish_block(f, lanes, sums, exact, register, flags)
    for n in range(rows):
        tally.stats[LEAST, stat + n] = min(tally.stats[LEAST, stat + n], least[n])
        tally.stats[GREATEST, stat + n] = max(tally.stats[GREATEST, stat + n], greatest[n])
