"""From bytes to operands: weight tiles, activation patches, row-file records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.state import RECORD_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@inner_kernel
def copy_codes(
    target: NDArray[np.int32], row: int, to: int, count: int, source: NDArray[np.uint8], address: int,
    wide: int, signed: int, zero: int,
) -> None:  # fmt: skip
    """Fill target[row, to : to + count] with the consecutive codes from `address` on, less `zero`."""
    into = target[row, to : to + count]
    flip = ((1 << 15) if wide else (1 << 7)) if signed else 0
    if wide:
        pairs = source[address : address + 2 * count]
        for i in range(count):
            code = np.int64(pairs[2 * i]) | (np.int64(pairs[2 * i + 1]) << 8)
            into[i] = (code ^ flip) - flip - zero
    else:
        codes = source[address : address + count]
        for i in range(count):
            into[i] = (np.int64(codes[i]) ^ flip) - flip - zero


@inner_kernel
def fill(target: NDArray[np.int32], row: int, to: int, count: int, value: int | np.int64) -> None:
    """target[row, to : to + count] = value."""
    into = target[row, to : to + count]
    for i in range(count):
        into[i] = value


@inner_kernel
def load_row_file(
    f: NDArray[np.int64], param: NDArray[np.uint8], bias: NDArray[np.int64], word: NDArray[np.int64]
) -> None:
    """Copy the records of a MAC with `load_params` into its row file."""
    for n in range(f[c.ROWS]):
        address = f[c.P_ADDR] + n * RECORD_BYTES
        bias[f[c.HALF], n] = word[f[c.HALF], n] = 0
        for i in range(8):
            bias[f[c.HALF], n] |= np.int64(param[address + i]) << (8 * i)
            word[f[c.HALF], n] |= np.int64(param[address + 8 + i]) << (8 * i)


@inner_kernel
def unpack_weights(f: NDArray[np.int64], memory: NDArray[np.uint8], array_rows: int, out: NDArray[np.int32]) -> None:
    """Weight operands of the K interval, stream position by stream position; unused lanes become 0."""
    rows, wide = f[c.ROWS], f[c.W_WIDE]
    for k in range(f[c.K_COUNT]):
        address = f[c.W_ADDR] + ((k * array_rows) << wide)
        copy_codes(out, k, 0, rows, memory, address, wide, f[c.W_SIGNED], f[c.W_ZERO])
        fill(out, k, rows, out.shape[1] - rows, 0)


@inner_kernel
def prepare(
    f: NDArray[np.int64], array: NDArray[np.int64], weight: NDArray[np.uint8], param: NDArray[np.uint8],
    bias: NDArray[np.int64], word: NDArray[np.int64], weights: NDArray[np.int32],
) -> None:  # fmt: skip
    """Row file and weight operands of the instruction; `array` is (rows, cols, lanes)."""
    if f[c.LOAD_PARAMS]:
        load_row_file(f, param, bias, word)
    unpack_weights(f, weight, array[0], weights)


@inner_kernel
def first_canonical(f: NDArray[np.int64], total: int) -> int:
    """Least canonical K index of the instruction's interval; `total` is K."""
    first: int = f[c.K_START]
    if f[c.ORDER] == c.REVERSED:
        first = total - first - f[c.K_COUNT]
    return first


@inner_kernel
def rows_alike(f: NDArray[np.int64]) -> bool:
    """Whether all rows read the same operands: x is shared, or private and of one channel."""
    return not f[c.PRIVATE_X] or f[c.ROW_BASE] % f[c.DEPTH_MULT] + f[c.ROWS] <= f[c.DEPTH_MULT]


@inner_kernel
def gather_shared(
    f: NDArray[np.int64], act: NDArray[np.uint8], position: int, out: NDArray[np.int32], row: int
) -> None:
    """Activation operands of one position in stream order into out[row], by runs of consecutive codes.

    A run is the channels of a tap, or of all taps of a kernel row where pixels stand side by side. With private x the
    operands are those of row 0.
    """
    count, kw, wide, is_signed = f[c.K_COUNT], f[c.KW], f[c.X_WIDE], f[c.X_SIGNED]
    channels = 1 if f[c.PRIVATE_X] else f[c.CHANNELS]
    base = (f[c.ROW_BASE] // f[c.DEPTH_MULT] if f[c.PRIVATE_X] else 0) - f[c.CHANNEL_BASE]
    dense = f[c.PIXEL_PITCH] == channels << wide and f[c.DIL_X] == 1
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
        ty, tx, taps = top + ky * f[c.DIL_Y], left + kx * f[c.DIL_X], 1
        inside = 0 <= ty < f[c.TILE_H] and 0 <= tx < f[c.TILE_W]
        if inside and dense:
            taps = min(kw - kx, f[c.TILE_W] - tx)
        run = min(taps * channels - channel, count - k)
        if inside:
            pixel = f[c.X_ADDR] + (ty * f[c.TILE_W] + tx) * f[c.PIXEL_PITCH]
            copy_codes(out, row, k, run, act, pixel + ((base + channel) << wide), wide, is_signed, zero)
        else:
            fill(out, row, k, run, f[c.X_ZERO] - zero)
        k += run
        channel = 0
        kx += taps
        if kx == kw:
            kx = 0
            ky += 1
    if f[c.ORDER] == c.REVERSED:
        reverse(out, row, count)


@inner_kernel
def reverse(out: NDArray[np.int32], row: int, count: int) -> None:
    """Turn the first `count` elements of out[row] round."""
    for i in range(count // 2):
        first, last = out[row, i], out[row, count - 1 - i]
        out[row, i], out[row, count - 1 - i] = last, first


@inner_kernel
def gather_private(f: NDArray[np.int64], act: NDArray[np.uint8], position: int, out: NDArray[np.int32]) -> None:
    """Activation operands of one position in stream order, one lane per row."""
    count, kw, wide, is_signed = f[c.K_COUNT], f[c.KW], f[c.X_WIDE], f[c.X_SIGNED]
    zero = f[c.X_ZERO] if f[c.ZERO_POINT] == c.SUBTRACT else 0
    start = first_canonical(f, f[c.KH] * kw)
    column = f[c.OX_START] + position
    grid_row = column // f[c.OUT_W]
    top = f[c.IY0] + grid_row * f[c.STRIDE_Y]
    left = f[c.IX0] + (column - grid_row * f[c.OUT_W]) * f[c.STRIDE_X]
    channel = f[c.ROW_BASE] // f[c.DEPTH_MULT] - f[c.CHANNEL_BASE]
    ky = start // kw
    kx = start - ky * kw
    for k in range(count):
        at = count - 1 - k if f[c.ORDER] == c.REVERSED else k
        ty, tx = top + ky * f[c.DIL_Y], left + kx * f[c.DIL_X]
        if 0 <= ty < f[c.TILE_H] and 0 <= tx < f[c.TILE_W]:
            address = f[c.X_ADDR] + (ty * f[c.TILE_W] + tx) * f[c.PIXEL_PITCH] + (channel << wide)
            if f[c.DEPTH_MULT] == 1:
                copy_codes(out, at, 0, f[c.ROWS], act, address, wide, is_signed, zero)
            else:
                repeat_codes(f, act, address, zero, out, at)
        else:
            fill(out, at, 0, f[c.ROWS], f[c.X_ZERO] - zero)
        kx += 1
        if kx == kw:
            kx = 0
            ky += 1


@inner_kernel
def repeat_codes(
    f: NDArray[np.int64], act: NDArray[np.uint8], address: int, zero: int, out: NDArray[np.int32], at: int
) -> None:
    """Row n's code, that of channel (row_base + n) div depth_mult, into out[at]; `address` is row 0's."""
    rows, wide, multiplier = f[c.ROWS], f[c.X_WIDE], f[c.DEPTH_MULT]
    phase = f[c.ROW_BASE] % multiplier
    for i in range((phase + rows + multiplier - 1) // multiplier):
        first = max(i * multiplier - phase, 0)
        copy_codes(out, at, first, 1, act, address + (i << wide), wide, f[c.X_SIGNED], zero)
        fill(out, at, first, min((i + 1) * multiplier - phase, rows) - first, np.int64(out[at, first]))
