"""Sums of a MAC layer by matrix products, and its accumulators where a rule application may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.ops import accumulate_outputs, gather, position_chunks, window_operands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fxsim.hw import Numerics
    from fxsim.ops import MacParams

    Array = NDArray[np.generic]
    Ints = NDArray[np.int64]

_EXACT = ((np.float32(0), 1 << 24), (np.float64(0), 1 << 53))
"""Zeros of the types that BLAS multiplies, and magnitudes up to which these hold every integer."""


class MacSums:
    """Sums and accumulators of one layer.

    Attributes
    ----------
    reach
        No exact prefix, bias included, is of greater magnitude.
    overflows
        Whether an accumulator may differ from the exact sum; where not, that is proved for every input.
    """

    def __init__(self, params: MacParams, numerics: Numerics) -> None:
        self.params, self.numerics = params, numerics
        products = _greatest_code(params) * np.abs(params.stream).sum(axis=0)
        biases = np.maximum(np.abs(params.bias), np.abs(params.initial))
        self.reach = int((products + biases).max())
        self.overflows = numerics.inner_bits > 0 or self.reach >= 1 << (numerics.acc_bits - 1)
        self._type: Any = next((zero for zero, limit in _EXACT if int(products.max()) <= limit), np.int64(0))

    def accumulators(self, images: Array) -> Ints:
        """What the requantizer reads, bias included: int64 [positions, channels] of images [n, in_h, in_w, channels].

        The exact sums where nothing can overflow, else what the rule of `numerics` makes of them.
        """
        if not self.overflows:
            return self.exact(images) + self.params.bias
        found = self._empty(images)
        for rows in self._chunks(len(found)):
            found[rows] = accumulate_outputs(self.params, gather(self.params, images, rows), self.numerics).value
        return found

    def exact(self, images: Array) -> Ints:
        """Exact sums without bias, by matrix products in a type that holds every partial sum; a real one is BLAS's."""
        params, zero = self.params, self._type
        fill = zero.dtype.type(params.x_zero)
        stream: NDArray[Any] = params.stream.astype(zero.dtype)
        found = self._empty(images)
        for rows in self._chunks(len(found)):
            x: NDArray[Any] = window_operands(params.window, images, rows, fill) - fill
            found[rows] = x @ stream if x.ndim == 2 else np.einsum("pkn,kn->pn", x, stream)
        return found

    def _empty(self, images: Array) -> Ints:
        return np.empty((len(images) * self.params.window.positions, self.params.channels), np.int64)

    def _chunks(self, positions: int) -> Iterator[slice]:
        depth, channels = self.params.stream.shape
        return position_chunks(positions, max(depth * (channels if self.params.depthwise else 1), channels))


def _greatest_code(params: MacParams) -> int:
    """Greatest magnitude that a code has, raw or with the zero point subtracted."""
    ends = params.x_lo, params.x_hi
    return max(abs(code) for end in ends for code in (end, end - params.x_zero))
