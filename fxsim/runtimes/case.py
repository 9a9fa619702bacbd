"""`Case`: one certification model, and what its makers share: seeds, input codes, values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS

Array = NDArray[Any]

SAMPLES = 16
"""Samples of every case."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One model of a single node, with inputs: tensor index → (SAMPLES, *shape).

    `litert` is False where LiteRT 2.x refuses the model and TFLite Micro runs it, `micro` where it is the other way.
    """

    name: str
    operator: str
    network: Network
    inputs: dict[int, Array]
    litert: bool = True
    micro: bool = True


def make_case(name: str, node: Node, values: list[Value], *, litert: bool = True, micro: bool = True) -> Case:
    """Wrap one node, its operands (those without data are inputs) and its result (the last value) into a case.

    Samples of a second input are shifted by one, so that all lowest codes meet other ones.
    """
    inputs = [i for i, value in enumerate(values[:-1]) if not value.is_constant]
    network = build(name, values, [node], inputs, [len(values) - 1])
    data = {i: codes(generator(f"{name} input{i or ''}"), values[i].type) for i in inputs}
    shifted = {i: np.roll(array, place, axis=0) for place, (i, array) in enumerate(data.items())}
    return Case(name, node.op, network, shifted, litert, micro)


def generator(name: str) -> np.random.Generator:
    """Return a random generator that depends on the name only."""
    return np.random.default_rng(crc32(name.encode()))


def codes(rng: np.random.Generator, kind: TensorType) -> Array:
    """Input codes: all lowest, all highest, alternating, near the zero point, and uniform ones."""
    lo, hi = kind.dtype.lo, kind.dtype.hi
    zero = 0 if kind.quant is None else int(kind.quant.zero_point[0])
    data = rng.integers(lo, hi, size=(SAMPLES, *kind.shape), endpoint=True)
    data[0], data[1] = lo, hi
    data[2] = np.where(np.arange(kind.size) % 2, lo, hi).reshape(kind.shape)
    data[3] = np.clip(zero + rng.integers(-3, 4, size=kind.shape), lo, hi)
    return data.astype(kind.dtype.numpy)


def tensor(
    name: str,
    shape: tuple[int, ...],
    scale: Any,
    zero_point: Any = 0,
    *,
    axis: int | None = None,
    dtype: DType = DType.INT8,
    data: Array | None = None,
) -> Value:
    """Make one quantized value; `data` makes it a constant."""
    stored = None if data is None else np.asarray(data, dtype.numpy, order="C")
    return Value(name, TensorType(shape, dtype, Affine(scale, zero_point, axis)), stored)


def infer_shape(node: Node, values: list[Value]) -> tuple[int, ...]:
    """Output shape of `node`, whose result is the last of `values`, by the operator's own rule."""
    draft = Network("draft", tuple(values), (node,), (0,), (len(values) - 1,))
    return OPERATORS[node.op].infer(draft, node)[0]
