"""Affine quantization: real = scale * (code - zero_point), per tensor, per channel or per group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import QuantizationError
from fxsim.numerics.formats import IntFormat
from fxsim.numerics.modes import Rounding
from fxsim.numerics.rounding import round_real

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_MAX_QUANTIZED_BITS = 32
_FLOAT32_BITS = 24
"""Numbers of this width are exact in binary32."""
_NARROW_BYTES = 2


def _scales(scale: ArrayLike) -> NDArray[np.float32]:
    with np.errstate(over="ignore", under="ignore"):
        scales = np.array(scale, dtype=np.float32).reshape(-1)
    if not scales.size:
        raise QuantizationError("scale must have at least one element", got=scale)
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise QuantizationError("scale must be finite and positive in float32", got=scales.tolist())
    scales.setflags(write=False)
    return scales


def _zero_points(zero_point: ArrayLike, count: int) -> NDArray[np.int64]:
    given = np.asarray(zero_point)
    if given.dtype.kind not in "iu":
        raise QuantizationError("zero_point must be an integer", got=zero_point)
    if given.size not in (1, count):
        raise QuantizationError(f"zero_point must have 1 or {count} elements", got=given.size)
    points = np.full(count, given.reshape(-1), dtype=np.int64)
    points.setflags(write=False)
    return points


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Scales and zero points of one tensor.

    Parameters
    ----------
    scale
        float32 step, or a 1-D sequence of them: one per tensor (`axis` is None), one per index of `axis`, or with
        `group_size` g one per group: those of a tensor whose `axis` has ceil(size / g) elements, in C order.
    zero_point
        Code of real 0; one, or one per step. Stored as int64 of the length of `scale`.
    axis
        Dimension that the steps belong to.
    group_size
        Consecutive indices of `axis` that share a step, separately for every index of the other dimensions.

    Raises
    ------
    QuantizationError
        A step is NaN, infinite or not positive in float32, or counts and axis do not fit.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int | None
    group_size: int | None

    def __init__(
        self, scale: ArrayLike, zero_point: ArrayLike = 0, axis: int | None = None, group_size: int | None = None
    ) -> None:
        scales = _scales(scale)
        if axis is None and (scales.size != 1 or group_size is not None):
            raise QuantizationError("axis must be given for several scales or groups", got=None)
        if axis is not None and axis < 0:
            raise QuantizationError("axis must be at least 0", got=axis)
        if group_size is not None and group_size < 1:
            raise QuantizationError("group_size must be at least 1", got=group_size)
        for name, value in (
            ("scale", scales),
            ("zero_point", _zero_points(zero_point, scales.size)),
            ("axis", axis),
            ("group_size", group_size),
        ):
            object.__setattr__(self, name, value)

    @property
    def per_tensor(self) -> bool:
        """Whether one step serves the whole tensor."""
        return self.scale.size == 1 and self.group_size is None

    def _key(self) -> tuple[object, ...]:
        return self.scale.tobytes(), self.zero_point.tobytes(), self.axis, self.group_size

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Affine) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _spread(self, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """`values` (one per step) in a shape that broadcasts against a tensor of `shape`."""
        if self.per_tensor:
            return values.reshape(())
        assert self.axis is not None  # __init__ refuses several steps without an axis
        if self.axis >= len(shape):
            raise QuantizationError(f"tensor must have more than {self.axis} dimensions", got=shape)
        size, group = shape[self.axis], self.group_size
        steps = [1] * len(shape) if group is None else list(shape)
        steps[self.axis] = size if group is None else -(-size // group)
        if int(np.prod(steps)) != values.size:
            raise QuantizationError(
                f"tensor must have {values.size} quantization steps along axis {self.axis}", got=shape
            )
        spread = values.reshape(steps)
        return spread if group is None else spread.repeat(group, axis=self.axis).take(range(size), axis=self.axis)

    def quantize(self, real: ArrayLike, dtype: Any = np.int8, rounding: Rounding = Rounding.TIES_AWAY) -> NDArray[Any]:
        """Codes of real numbers: saturate(round(f32(real / scale)) + zero_point), as LiteRT's reference QUANTIZE.

        Parameters
        ----------
        real
            Real array; each number is rounded to float32 first, and divided in float32.
        dtype
            NumPy integer dtype or `IntFormat` of at most 32 bits.
        rounding
            Rule for the quotient, decided before the zero point is added.

        Returns
        -------
        Array of the shape of `real` in the given dtype, or the format's narrowest. Overflow: saturates.

        Raises
        ------
        QuantizationError
            NaN or infinity among the numbers, a format that is too wide, or a zero point outside it.
        """
        fmt = self._format(dtype)
        with np.errstate(over="ignore", under="ignore"):
            x = np.asarray(real).astype(np.float32)
            if not np.isfinite(x).all():
                raise QuantizationError("real values must be finite in float32", got=x[~np.isfinite(x)][:4].tolist())
            quotient = np.asarray(x / self._spread(self.scale, x.shape)).astype(np.float64)
        whole = round_real(np.clip(quotient, -(2.0**40), 2.0**40), rounding).astype(np.int64)
        codes = np.clip(whole + self._spread(self.zero_point, x.shape), fmt.lo, fmt.hi)
        return np.asarray(codes.astype(fmt.dtype))

    def fake_codes(self, real: ArrayLike, dtype: Any = np.int8) -> NDArray[Any]:
        """Codes by PyTorch's fake_quantize: clamp(round(f32(real * f32(1 / scale))) + zero_point), ties to even.

        The reciprocal is rounded to binary32 and multiplied, where `quantize` divides; the two differ near ties.
        Source: ATen's fake_quantize_per_tensor_affine and fake_quantize_per_channel_affine.

        Parameters
        ----------
        real
            Real array; each number is rounded to float32 first.
        dtype
            NumPy integer dtype or `IntFormat` of at most 32 bits.

        Returns
        -------
        Array of the shape of `real` in the given dtype, or the format's narrowest. Overflow, infinities included:
        saturates (PyTorch's per-channel kernel leaves quotients beyond 63 bits undefined).

        Raises
        ------
        QuantizationError
            NaN among the numbers; a format that is too wide, or a zero point outside it; a format of more than 24 bits
            with another zero point than 0 (PyTorch's kernels differ there); a step whose reciprocal is infinite.
        """
        fmt = self._format(dtype)
        if fmt.bits > _FLOAT32_BITS and self.zero_point.any():
            expected = f"zero points must be 0 in formats of more than {_FLOAT32_BITS} bits"
            raise QuantizationError(expected, got=self.zero_point.tolist())
        x = np.asarray(real)
        with np.errstate(over="ignore", under="ignore"):
            steps = x.astype(np.float32) * self._spread(self._reciprocals(), x.shape)
        exact = np.float32 if fmt.bits < _FLOAT32_BITS else np.float64
        whole: NDArray[Any] = np.asarray(np.rint(steps)).astype(exact, copy=False)
        if np.isnan(whole).any():
            raise QuantizationError("real values must be numbers", got="NaN")
        zero = self._spread(self.zero_point, x.shape).astype(whole.dtype)
        np.clip(whole, fmt.lo - zero, fmt.hi - zero, out=whole)
        whole += zero
        return np.asarray(whole.astype(fmt.dtype))

    def _reciprocals(self) -> NDArray[np.float32]:
        """1 / scale in binary32."""
        with np.errstate(over="ignore"):
            inverse = np.float32(1) / self.scale
        if not np.isfinite(inverse).all():
            raise QuantizationError("scale must have a finite reciprocal in float32", got=self.scale.tolist())
        return inverse

    def fake_quantize(self, real: ArrayLike, dtype: Any = np.int8) -> NDArray[np.float32]:
        """Real numbers of `fake_codes`, bit for bit as PyTorch's fake_quantize: f32(f32(code - zero_point) * scale)."""
        return self._steps(self.fake_codes(real, dtype))

    def _format(self, dtype: Any) -> IntFormat:
        """The format of codes that `dtype` means, checked against the zero points."""
        fmt = dtype if isinstance(dtype, IntFormat) else IntFormat.of(dtype)
        if fmt.bits > _MAX_QUANTIZED_BITS:
            expected = f"format of quantized reals must have at most {_MAX_QUANTIZED_BITS} bits"
            raise QuantizationError(expected, got=str(fmt))
        if not (fmt.contains(int(self.zero_point.min())) and fmt.contains(int(self.zero_point.max()))):
            raise QuantizationError(f"zero points must be codes of {fmt}", got=self.zero_point.tolist())
        return fmt

    def dequantize(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        """Real numbers of codes, as LiteRT's reference DEQUANTIZE.

        Per tensor f32(double(scale) * (code - zero_point)); else the product f32(scale * f32(code - zero_point)).
        """
        array = np.asarray(codes)
        if array.dtype.kind not in "iu":
            raise QuantizationError("codes must have an integer dtype", got=str(array.dtype))
        if self._narrow(array) or not self.per_tensor:
            return self._steps(array)
        with np.errstate(over="ignore", under="ignore"):
            real = np.float64(self.scale[0]) * (array.astype(np.int64) - self.zero_point[0])
            return np.asarray(real).astype(np.float32)

    def _narrow(self, codes: NDArray[Any]) -> bool:
        """Whether every difference of a code and a zero point is exact in binary32, by the dtype alone."""
        return codes.itemsize <= _NARROW_BYTES and int(np.abs(self.zero_point).max()) < 1 << (_FLOAT32_BITS - 1)

    def _steps(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        """f32(f32(code - zero_point) * scale)."""
        exact = np.float32 if self._narrow(codes) else np.int64
        differences = codes.astype(exact) - self._spread(self.zero_point, codes.shape).astype(exact)
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(differences.astype(np.float32, copy=False) * self._spread(self.scale, codes.shape))
