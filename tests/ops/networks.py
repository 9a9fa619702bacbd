"""Networks of one node, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.generic]


def tensor(shape: Sequence[int], scale: float | None = 0.5, zero: int = 0, dtype: DType = DType.INT8) -> TensorType:
    """Per-tensor quantized type; `scale` None: no quantization."""
    return TensorType(tuple(shape), dtype, None if scale is None else Affine(scale, zero))


def weights(codes: ArrayLike, scales: ArrayLike = 0.25, axis: int | None = None, zero: ArrayLike = 0) -> Value:
    """int8 weights, per channel where `axis` is given."""
    data = np.asarray(codes, np.int8)
    return Value("weights", TensorType(data.shape, DType.INT8, Affine(scales, zero, axis)), data)


def bias(codes: ArrayLike) -> Value:
    """int32 bias without a quantization record, as the kernels read it."""
    data = np.asarray(codes, np.int32)
    return Value("bias", TensorType(data.shape, DType.INT32), data)


def single(
    op: str, attrs: Any, x: TensorType, y: TensorType, *constants: Value | None, profile: str = "tflite"
) -> Network:
    """One node: value 0 is the input ``x``, value 1 the output ``y``, then the constants."""
    values = [Value("x", x), Value("y", y), *(c for c in constants if c is not None)]
    ids = iter(range(2, len(values)))
    operands = [0, *(-1 if c is None else next(ids) for c in constants)]
    return build("single", values, [Node(op, "node", tuple(operands), (1,), attrs)], [0], [1], profile)


def double(
    op: str, attrs: Any, operands: tuple[TensorType | Value, TensorType | Value], y: TensorType, profile: str = "tflite"
) -> Network:
    """One node of two operands: values 0 and 1 (inputs, but for constants), value 2 is the output ``y``."""
    given = [v if isinstance(v, Value) else Value(name, v) for name, v in zip("xz", operands, strict=True)]
    inputs = [i for i, v in enumerate(given) if not v.is_constant]
    return build("double", [*given, Value("y", y)], [Node(op, "node", (0, 1), (2,), attrs)], inputs, [2], profile)


def codes(seed: int, shape: Sequence[int], lo: int = -128, hi: int = 127) -> Array:
    """Random int8 codes, the ends of the range more often than chance."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(lo, hi + 1, size=tuple(shape))
    return np.where(rng.random(tuple(shape)) < 0.15, rng.choice([lo, hi], tuple(shape)), drawn).astype(np.int8)
