"""GEMM by its size: a network of one int8 layer that multiplies an M x K matrix by a constant K x N one."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from fxsim._core.errors import InputError
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import FullyConnected

_SIDE_LIMIT = 1 << 20
_MATRIX_LIMIT = 1 << 26
_UNIFORM_DEVIATION = 256 / math.sqrt(12)
"""Standard deviation of codes that are uniform over int8."""


def gemm(m: int, k: int, n: int) -> Network:
    """Return a network that computes C = requantize(A B + bias): A is (1, m, k), B [k, n] constant, C (1, m, n).

    It is one FULLY_CONNECTED: m output positions, a sum over k, n output channels. The leading 1 gives way to the
    sample axis, so that samples are (N, m, k) for every m. Weights and bias are random, the same on every call; the
    scales put four standard deviations of C, for uniform codes of A, at the ends of int8.

    Raises
    ------
    InputError
        A side is not an integer in 1..2^20, or a matrix has more than 2^26 elements.
    """
    for name, side in (("m", m), ("k", k), ("n", n)):
        _check_side(name, side)
    for name, size in (("A (m x k)", m * k), ("B (k x n)", k * n), ("C (m x n)", m * n)):
        if size > _MATRIX_LIMIT:
            raise InputError(f"gemm matrix {name} must have at most {_MATRIX_LIMIT} elements", got=size)
    values = _values(m, k, n)
    node = Node("FULLY_CONNECTED", "gemm", (0, 1, 2), (3,), FullyConnected(keep_num_dims=1))
    return build(f"gemm_{m}x{k}x{n}", values, [node], [0], [3])


def parse_gemm(text: str) -> Network:
    """Return the network that ``MxKxN`` stands for.

    Raises
    ------
    InputError
        `text` is not three integers joined by x, or `gemm` refuses them.
    """
    match = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})x([0-9]{1,9})", text)
    if match is None:
        raise InputError("gemm must be MxKxN, three integers joined by x", got=text)
    m, k, n = map(int, match.groups())
    return gemm(m, k, n)


def _check_side(name: str, side: Any) -> None:
    if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= _SIDE_LIMIT:
        raise InputError(f"gemm side {name} must be an integer in 1..{_SIDE_LIMIT}", got=side)


def _values(m: int, k: int, n: int) -> list[Value]:
    rng = np.random.default_rng(0)
    spread = _UNIFORM_DEVIATION**2 * math.sqrt(k)
    a, b = 1 / 128, 1 / (128 * math.sqrt(k))
    weights = rng.integers(-127, 127, (n, k), np.int8, endpoint=True)
    bias = rng.integers(-round(spread), round(spread), n, np.int32, endpoint=True)
    return [
        Value("a", TensorType((1, m, k), DType.INT8, Affine(a))),
        Value("b", TensorType((n, k), DType.INT8, Affine(b)), weights),
        Value("bias", TensorType((n,), DType.INT32, Affine(a * b)), bias),
        Value("c", TensorType((1, m, n), DType.INT8, Affine(a * b * spread * 4 / 128))),
    ]
