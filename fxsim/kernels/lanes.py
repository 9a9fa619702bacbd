"""Vector operations of the plain MAC: what they mean in scalar loops, and the compiled ones where the JIT is on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fxsim._core.jit import jit_enabled
from fxsim.kernels import intrinsics
from fxsim.kernels.intrinsics import LANES, TILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.int32]

_WRAP = 1 << 32
_HALF = 1 << 31


def _add(array: Words, place: int, value: int) -> None:
    """array[place] += value, modulo 2**32."""
    array[place] = (int(array[place]) + value + _HALF) % _WRAP - _HALF


def dot_tile_scalar(
    sums: Words, at: int, pitch: int, w: Words, w_at: int, w_pitch: int, x: Words, x_at: int, x_pitch: int, count: int
) -> None:
    """sums[at + p * pitch + n] += sum over k < count of w[w_at + k * w_pitch + n] * x[x_at + p * x_pitch + k].

    For p < TILE positions and n < LANES lanes, modulo 2**32.
    """
    for p in range(TILE):
        for k in range(count):
            for n in range(LANES):
                product = int(w[w_at + k * w_pitch + n]) * int(x[x_at + p * x_pitch + k])
                _add(sums, at + p * pitch + n, product)


def add_products_scalar(sums: Words, at: int, w: Words, w_at: int, x: Words, x_at: int) -> None:
    """sums[at + n] += w[w_at + n] * x[x_at + n] for n < LANES, modulo 2**32."""
    for n in range(LANES):
        _add(sums, at + n, int(w[w_at + n]) * int(x[x_at + n]))


def add_code_products_scalar(
    sums: Words, at: int, w: Words, w_at: int, codes: NDArray[np.uint8], code_at: int, flip: int, zero: int
) -> None:
    """sums[at + n] += w[w_at + n] * ((codes[code_at + n] ^ flip) - flip - zero) for n < LANES, modulo 2**32.

    `flip` is 128 for two's complement codes, else 0.
    """
    for n in range(LANES):
        _add(sums, at + n, int(w[w_at + n]) * ((int(codes[code_at + n]) ^ flip) - flip - zero))


def see_lanes_scalar(sums: Words, at: int, least: Words, greatest: Words, lane: int) -> None:
    """Take sums[at + n] into least[lane + n] and greatest[lane + n] for n < LANES."""
    for n in range(LANES):
        least[lane + n] = min(least[lane + n], sums[at + n])
        greatest[lane + n] = max(greatest[lane + n], sums[at + n])


Operation = Callable[..., None]

dot_tile: Operation = intrinsics.dot_tile if jit_enabled() else dot_tile_scalar
add_products: Operation = intrinsics.add_products if jit_enabled() else add_products_scalar
add_code_products: Operation = intrinsics.add_code_products if jit_enabled() else add_code_products_scalar
see_lanes: Operation = intrinsics.see_lanes if jit_enabled() else see_lanes_scalar
