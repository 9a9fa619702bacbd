"""Every operator on reals, off the grid and on it, against its plain twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fxsim.graph import DType, Network
from fxsim.numerics.reference import ref_fake_code
from fxsim.ops import MAC_OPERATORS, OPERATORS, validate
from fxsim.oracle import FakeQuant, FloatRun
from fxsim.testing import Chain
from tests.ops.float_twins import TWINS, Reals, dequantized
from tests.ops.mac_cases import LIMITS, MacCase, mac_cases

Rng = np.random.Generator
ACTIVATIONS = list(LIMITS)


def image(rng: Rng, dtype: DType = DType.INT8) -> Chain:
    shape = (int(rng.integers(1, 3)), *rng.integers(2, 5, 3).tolist())
    zero = int(rng.integers(dtype.lo, dtype.hi + 1))
    return Chain(shape, int(rng.integers(1 << 30)), float(2.0 ** rng.uniform(-6, 1)), zero, dtype)


def pool(kind: str) -> Callable[[Rng], Chain]:
    def build(rng: Rng) -> Chain:
        size, (stride_h, stride_w) = rng.integers(1, 5, 2).tolist(), rng.integers(1, 3, 2).tolist()
        padding = "VALID" if max(size) < 3 and rng.integers(2) else "SAME"
        activation = ["NONE", *ACTIVATIONS][rng.integers(5)]
        return image(rng).pool(
            kind, (size[0], size[1]), padding=padding, stride_h=stride_h, stride_w=stride_w, activation=activation
        )

    return build


def binary(op: str) -> Callable[[Rng], Chain]:
    def build(rng: Rng) -> Chain:
        chain, activation = image(rng), ACTIVATIONS[rng.integers(4)]
        shapes = [(chain.shape[-1],), (), (chain.shape[0], 1, chain.shape[2], 1)]
        other = chain.constant(*shapes[rng.integers(3)]) if rng.random() < 0.8 else 0
        return chain.binary(op, other, swap=bool(rng.integers(2)), activation=activation)

    return build


def activation(op: str, quant: tuple[float, int] | None = None) -> Callable[[Rng], Chain]:
    return lambda rng: image(rng).activation(op, quant)


def joined(rng: Rng) -> Chain:
    chain, axis = image(rng), int(rng.integers(-4, 4))
    shape = list(chain.shape)
    shape[axis] = 2
    codes = rng.integers(-128, 128, shape).astype(np.int8)
    other = chain._value("c", tuple(shape), DType.INT8, chain.scale, chain.zero_point, codes)
    return chain.join(other, axis=axis)


def mean(rng: Rng) -> Chain:
    axes = rng.choice([-4, -3, -2, -1], int(rng.integers(1, 4)), replace=False).tolist()
    return image(rng).mean(*axes, keep_dims=int(rng.integers(2)))


def pads(rng: Rng) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in rng.integers(0, 2, (4, 2))]


def squeezed(rng: Rng) -> Chain:
    return Chain((1, 1, 3, 2), int(rng.integers(1 << 30))).squeeze(0, 1)


CASES: dict[str, Callable[[Rng], Chain]] = {
    "ADD": binary("ADD"),
    "SUB": binary("SUB"),
    "MUL": binary("MUL"),
    "AVERAGE_POOL_2D": pool("AVERAGE"),
    "MAX_POOL_2D": pool("MAX"),
    "MEAN": mean,
    "PAD": lambda rng: image(rng).pad(*pads(rng)),
    "PADV2": lambda rng: image(rng).pad(*pads(rng), code=int(rng.integers(-128, 128))),
    "CONCATENATION": joined,
    "EXPAND_DIMS": lambda rng: image(rng).expand(int(rng.integers(0, 5))),
    "SQUEEZE": squeezed,
    "RESHAPE": lambda rng: image(rng).reshape(1, -1),
    "QUANTIZE": lambda rng: image(rng, DType.UINT8).quantize(DType.INT8, float(2.0 ** rng.uniform(-6, 1)), 7),
    "DEQUANTIZE": lambda rng: image(rng).dequantize(),
    "SOFTMAX": lambda rng: image(rng)._unary("SOFTMAX", quant=(1 / 256, -128), beta=float(rng.choice([1.0, 0.3, 2.0]))),
    **{op: activation(op, (0.03, -9)) for op in ("RELU", "RELU6", "RELU_N1_TO_1")},
    **{op: activation(op) for op in ("LOGISTIC", "TANH")},
}


def test_every_operator_is_here() -> None:
    assert set(OPERATORS) == set(TWINS) == {*CASES, *MAC_OPERATORS}


def expected(net: Network, x: Reals) -> Reals:
    """Reals of the one node by its twin, sample by sample."""
    node = net.nodes[0]
    twin, constants = TWINS[node.op], {}
    for i in node.inputs:
        if i != -1 and net.values[i].data is not None and net.values[i].type.dtype is not DType.INT32:
            constants[i] = dequantized(net.values[i], np.asarray(net.values[i].data))
    if node.op in MAC_OPERATORS and len(node.inputs) > 2 and node.inputs[2] != -1:
        constants[node.inputs[2]] = bias_reals(net)
    return np.stack([twin(net, node, [constants.get(i, one) for i in node.inputs if i != -1]) for one in x])


def bias_reals(net: Network) -> Reals:
    """The stored bias by its own step, else by that of the accumulator."""
    x, w, b = (net.values[i] for i in net.nodes[0].inputs[:3])
    assert b.data is not None
    assert x.type.quant is not None
    assert w.type.quant is not None
    if b.type.quant is not None:
        return dequantized(b, b.data)
    steps = np.broadcast_to(x.type.quant.scale * w.type.quant.scale, b.data.shape)
    return np.array([float(np.float32(np.float32(code) * step)) for code, step in zip(b.data, steps, strict=True)])


def check(net: Network, x: NDArray[Any], rng: Rng) -> None:
    """Codes `x` fake-quantized, then reals beside the grid."""
    validate(net)
    given, y = net.values[net.inputs[0]], net.values[net.outputs[0]]
    reals = np.stack([dequantized(given, one) for one in x])
    quant, wanted = y.type.quant, expected(net, reals)
    if quant is not None:
        scale, zero, dtype = float(quant.scale[0]), int(quant.zero_point[0]), y.type.dtype
        codes = [ref_fake_code(real, scale, zero, dtype.lo, dtype.hi) for real in wanted.ravel().tolist()]
        wanted = np.array(codes).reshape(wanted.shape)
    samples = x if x.shape[1] > 1 else x[:, 0]
    found = FakeQuant(net).codes(samples)[y.name]
    assert found.dtype == y.type.dtype.numpy
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)
    beside = (reals * rng.uniform(0.5, 1.5, reals.shape)).astype(np.float32)
    found = FloatRun(net).run(beside.reshape(samples.shape))[y.name]
    assert found.dtype == np.float32
    wanted = expected(net, beside.astype(np.float64))
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("op", CASES)
def test_operators_equal_their_twins(op: str) -> None:
    for seed in range(8):
        rng = np.random.default_rng([seed, len(op)])
        chain = CASES[op](rng)
        net, dtype = chain.build(), chain.dtype
        check(net, rng.integers(dtype.lo, dtype.hi + 1, (2, *chain.shape)).astype(dtype.numpy), rng)


@pytest.mark.parametrize("op", MAC_OPERATORS)
@settings(max_examples=25)
@given(st.data())
def test_layers_of_products_equal_their_twins(op: str, data: st.DataObject) -> None:
    case: MacCase = data.draw(mac_cases(op))
    check(case.net, case.x, np.random.default_rng(0))
