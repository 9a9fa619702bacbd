"""From bytes to operands: DMA copies, weight tiles, activation patches, row-file records, output codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import kernel
from fxsim.kernels import columns as c
from fxsim.kernels.state import RECORD_BYTES, Memory

if TYPE_CHECKING:
    from numpy.typing import NDArray


@kernel
def copy_bytes(target: NDArray[np.uint8], to: int, source: NDArray[np.uint8], at: int, count: int) -> None:
    """target[to : to + count] = source[at : at + count]; the two do not overlap."""
    into, out = target[to : to + count], source[at : at + count]
    for i in range(count):
        into[i] = out[i]


@kernel
def copy_codes(
    target: NDArray[np.int32], source: NDArray[np.uint8], address: int, wide: int, signed: int, zero: int
) -> None:
    """Fill `target` with the consecutive codes from `address` on, less `zero`."""
    count = target.size
    flip = ((1 << 15) if wide else (1 << 7)) if signed else 0
    if wide:
        pairs = source[address : address + 2 * count]
        for i in range(count):
            code = np.int64(pairs[2 * i]) | (np.int64(pairs[2 * i + 1]) << 8)
            target[i] = (code ^ flip) - flip - zero
    else:
        codes = source[address : address + count]
        for i in range(count):
            target[i] = (np.int64(codes[i]) ^ flip) - flip - zero


@kernel
def load(f: NDArray[np.int64], m: Memory) -> None:
    """LOAD: weights and parameters once, activations for every sample."""
    for r in range(f[c.ROWS]):
        source = f[c.DRAM_ADDR] + r * f[c.DRAM_STRIDE]
        target = f[c.SPAD_ADDR] + r * f[c.SPAD_STRIDE]
        if f[c.SPACE] == c.SPACE_WEIGHT:
            copy_bytes(m.weight, target, m.constants, source, f[c.ROW_BYTES])
        elif f[c.SPACE] == c.SPACE_PARAM:
            copy_bytes(m.param, target, m.constants, source, f[c.ROW_BYTES])
        else:
            for s in range(m.act.shape[0]):
                if source < m.constants.size:
                    copy_bytes(m.act[s], target, m.constants, source, f[c.ROW_BYTES])
                else:
                    copy_bytes(m.act[s], target, m.dram[s], source - m.constants.size, f[c.ROW_BYTES])


@kernel
def store(f: NDArray[np.int64], m: Memory) -> None:
    """STORE, for every sample."""
    for s in range(m.act.shape[0]):
        for r in range(f[c.ROWS]):
            target = f[c.DRAM_ADDR] + r * f[c.DRAM_STRIDE] - m.constants.size
            copy_bytes(m.dram[s], target, m.act[s], f[c.SPAD_ADDR] + r * f[c.SPAD_STRIDE], f[c.ROW_BYTES])


@kernel
def load_row_file(f: NDArray[np.int64], m: Memory) -> None:
    """Copy the records of a MAC with `load_params` into its row file."""
    for n in range(f[c.ROWS]):
        address = f[c.P_ADDR] + n * RECORD_BYTES
        bias, word = np.int64(0), np.int64(0)
        for i in range(8):
            bias |= np.int64(m.param[address + i]) << (8 * i)
            word |= np.int64(m.param[address + 8 + i]) << (8 * i)
        m.bias[f[c.HALF], n] = bias
        m.word[f[c.HALF], n] = word


@kernel
def unpack_weights(f: NDArray[np.int64], memory: NDArray[np.uint8], array_rows: int, out: NDArray[np.int32]) -> None:
    """Weight operands of the K interval, stream position by stream position; unused lanes become 0."""
    rows, size = f[c.ROWS], 1 + f[c.W_WIDE]
    for k in range(f[c.K_COUNT]):
        lanes = out[k]
        copy_codes(
            lanes[:rows], memory, f[c.W_ADDR] + k * array_rows * size, f[c.W_WIDE], f[c.W_SIGNED], f[c.W_ZERO]
        )
        for n in range(rows, lanes.size):
            lanes[n] = 0


@kernel
def first_canonical(f: NDArray[np.int64], total: int) -> int:
    """Least canonical K index of the instruction's interval; `total` is K."""
    first: int = f[c.K_START]
    if f[c.ORDER] == c.REVERSED:
        first = total - first - f[c.K_COUNT]
    return first


@kernel
def gather_shared(f: NDArray[np.int64], act: NDArray[np.uint8], position: int, out: NDArray[np.int32]) -> None:
    """Activation operands of one position in stream order: runs of channels, tap after tap."""
    count, channels, kw, size = f[c.K_COUNT], f[c.CHANNELS], f[c.KW], 1 + f[c.X_WIDE]
    zero = f[c.X_ZERO] if f[c.ZERO_POINT] == c.SUBTRACT else 0
    start = first_canonical(f, f[c.KH] * kw * channels)
    column = f[c.OX_START] + position
    grid_row = column // f[c.OUT_W]
    top = f[c.IY0] + grid_row * f[c.STRIDE_Y]
    left = f[c.IX0] + (column - grid_row * f[c.OUT_W]) * f[c.STRIDE_X]
    tap = start // channels
    channel = start - tap * channels
    ky = tap // kw
    kx = tap - ky * kw
    k = 0
    while k < count:
        run = min(channels - channel, count - k)
        ty, tx = top + ky * f[c.DIL_Y], left + kx * f[c.DIL_X]
        if 0 <= ty < f[c.TILE_H] and 0 <= tx < f[c.TILE_W]:
            pixel = f[c.X_ADDR] + (ty * f[c.TILE_W] + tx) * f[c.PIXEL_PITCH]
            address = pixel + (channel - f[c.CHANNEL_BASE]) * size
            copy_codes(out[k : k + run], act, address, f[c.X_WIDE], f[c.X_SIGNED], zero)
        else:
            out[k : k + run] = f[c.X_ZERO] - zero
        k += run
        channel = 0
        kx += 1
        if kx == kw:
            kx = 0
            ky += 1
    if f[c.ORDER] == c.REVERSED:
        reverse(out, count)


@kernel
def reverse(out: NDArray[np.int32], count: int) -> None:
    """Turn the first `count` elements round."""
    for i in range(count // 2):
        first, last = out[i], out[count - 1 - i]
        out[i], out[count - 1 - i] = last, first


@kernel
def gather_private(f: NDArray[np.int64], act: NDArray[np.uint8], position: int, out: NDArray[np.int32]) -> None:
    """Activation operands of one position in stream order, one lane per row."""
    count, kw = f[c.K_COUNT], f[c.KW]
    zero = f[c.X_ZERO] if f[c.ZERO_POINT] == c.SUBTRACT else 0
    start = first_canonical(f, f[c.KH] * kw)
    column = f[c.OX_START] + position
    grid_row = column // f[c.OUT_W]
    top = f[c.IY0] + grid_row * f[c.STRIDE_Y]
    left = f[c.IX0] + (column - grid_row * f[c.OUT_W]) * f[c.STRIDE_X]
    ky = start // kw
    kx = start - ky * kw
    for k in range(count):
        lanes = out[count - 1 - k if f[c.ORDER] == c.REVERSED else k][: f[c.ROWS]]
        ty, tx = top + ky * f[c.DIL_Y], left + kx * f[c.DIL_X]
        if 0 <= ty < f[c.TILE_H] and 0 <= tx < f[c.TILE_W]:
            gather_channels(f, act, f[c.X_ADDR] + (ty * f[c.TILE_W] + tx) * f[c.PIXEL_PITCH], zero, lanes)
        else:
            lanes[:] = f[c.X_ZERO] - zero
        kx += 1
        if kx == kw:
            kx = 0
            ky += 1


@kernel
def gather_channels(
    f: NDArray[np.int64], act: NDArray[np.uint8], pixel: int, zero: int, lanes: NDArray[np.int32]
) -> None:
    """Row n's channel (row_base + n) div depth_mult of one pixel."""
    size, multiplier = 1 + f[c.X_WIDE], f[c.DEPTH_MULT]
    channel = f[c.ROW_BASE] // multiplier
    phase = f[c.ROW_BASE] - channel * multiplier
    address = pixel + (channel - f[c.CHANNEL_BASE]) * size
    if multiplier == 1:
        copy_codes(lanes, act, address, f[c.X_WIDE], f[c.X_SIGNED], zero)
        return
    n = 0
    while n < lanes.size:
        stop = min(n + multiplier - phase, lanes.size)
        copy_codes(lanes[n : n + 1], act, address, f[c.X_WIDE], f[c.X_SIGNED], zero)
        for i in range(n + 1, stop):
            lanes[i] = lanes[n]
        n, phase = stop, 0
        address += size
