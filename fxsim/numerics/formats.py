"""Integer formats of 2..64 bits, and saturation and wrap-around into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import QuantizationError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class IntFormat:
    """Integers of `bits` bits, two's complement if `signed`.

    Codes of every format are Python ints here. In arrays they are int64, except codes of the unsigned 64-bit format,
    which are uint64; kernels take int64 and so serve every format but that one.

    Raises
    ------
    QuantizationError
        `bits` is not an integer in 2..64.
    """

    bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        if type(self.bits) is not int or not 2 <= self.bits <= 64:
            raise QuantizationError("bits must be an integer in 2..64", got=self.bits)

    @classmethod
    def of(cls, dtype: Any) -> IntFormat:
        """Format of a NumPy integer dtype; anything else is a `QuantizationError`."""
        resolved = np.dtype(dtype)
        if resolved.kind not in "iu":
            raise QuantizationError("dtype must be a NumPy integer type", got=str(resolved))
        return cls(8 * resolved.itemsize, resolved.kind == "i")

    @property
    def lo(self) -> int:
        """Smallest code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Greatest code."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """The narrowest NumPy integer dtype that holds every code."""
        size = next(size for size in (8, 16, 32, 64) if size >= self.bits)
        return np.dtype(f"{'int' if self.signed else 'uint'}{size}")

    def contains(self, value: int) -> bool:
        """Whether `value` is a code of the format."""
        return self.lo <= value <= self.hi

    def saturate(self, value: int) -> int:
        """Code nearest to `value`."""
        return min(max(int(value), self.lo), self.hi)

    def wrap(self, value: int) -> int:
        """Code congruent to `value` modulo 2**bits."""
        low = int(value) & ((1 << self.bits) - 1)
        return low - (1 << self.bits) if low > self.hi else low

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}"


def _array_dtype(fmt: IntFormat) -> np.dtype[Any]:
    return np.dtype(np.uint64 if fmt.hi > np.iinfo(np.int64).max else np.int64)


def _integers(values: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise QuantizationError("values must have an integer dtype", got=str(array.dtype))
    return array.astype(np.uint64 if array.dtype == np.uint64 else np.int64, copy=False)


def saturate_array(values: NDArray[Any], fmt: IntFormat) -> NDArray[Any]:
    """`IntFormat.saturate` of every element of an integer array.

    Returns
    -------
    int64 array of the same shape; uint64 where `fmt` is the unsigned 64-bit format.
    """
    array = _integers(values)
    range_ = np.iinfo(array.dtype)
    lo, hi = max(fmt.lo, int(range_.min)), min(fmt.hi, int(range_.max))
    return np.asarray(np.clip(array, array.dtype.type(lo), array.dtype.type(hi)).astype(_array_dtype(fmt)))


def wrap_array(values: NDArray[Any], fmt: IntFormat) -> NDArray[Any]:
    """`IntFormat.wrap` of every element of an integer array; the result's dtype is that of `saturate_array`."""
    low = _integers(values).astype(np.uint64) & np.uint64((1 << fmt.bits) - 1)
    if not fmt.signed:
        return low.astype(_array_dtype(fmt))
    shift = np.int64(64 - fmt.bits)
    return np.asarray((low.astype(np.int64) << shift) >> shift)


def bits_needed(lo: int, hi: int) -> int:
    """Least signed width that holds lo..hi."""
    return max(2, (lo if lo >= 0 else ~lo).bit_length() + 1, (hi if hi >= 0 else ~hi).bit_length() + 1)
