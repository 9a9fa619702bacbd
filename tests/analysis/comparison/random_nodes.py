"""One-node networks of every operator with random scales (simple ones often, for ties), codes and hardware."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import FxsimError
from fxsim.graph import DType, Network, TensorType, Value
from fxsim.hw import Numerics
from fxsim.numerics import SCHEMES, Affine
from fxsim.ops import OPERATORS, validate
from tests.ops.networks import Array, codes, double, single, tensor, weights

Rng = np.random.Generator
_ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_STEPS = (0.5, 0.25, 0.125, 1.0, 0.75, 0.1, 0.05, 0.0235)


@dataclass
class Case:
    """A node, its operands in both runs (the exact run's differ here and there), the machine, the biases' kind."""

    net: Network
    fake: list[Array | None]
    exact: list[Array | None]
    numerics: Numerics
    bias: str


def random_case(op: str, seed: int) -> Case | None:
    """A random node of operator `op`; None where the numbers drawn are refused."""
    rng = np.random.default_rng(seed)
    numerics = _numerics(rng)
    try:
        net = OPERATORS_DRAWN[op](op, rng)
        validate(net)
        node = net.nodes[0]
        fake, exact = _operands(net, rng)
        OPERATORS[op].run(net, node, exact, numerics)
    except FxsimError:
        return None
    return Case(net, fake, exact, numerics, "float" if rng.random() < 0.5 else "grid")


def _operands(net: Network, rng: Rng) -> tuple[list[Array | None], list[Array | None]]:
    fake: list[Array | None] = []
    exact: list[Array | None] = []
    for value in net.operands(net.nodes[0]):
        if value is None:
            both: list[Array | None] = [None, None]
        elif value.data is not None:
            both = [np.broadcast_to(value.data, (2, *value.type.shape))] * 2
        else:
            x = rng.integers(value.type.dtype.lo, value.type.dtype.hi + 1, (2, *value.type.shape))
            moved = x + rng.choice([0, 0, 0, 0, 1, -1], x.shape) * (rng.random() < 0.7)
            kind = value.type.dtype
            both = [v.clip(kind.lo, kind.hi).astype(kind.numpy) for v in (x, moved)]
        fake.append(both[0])
        exact.append(both[1])
    return fake, exact


def _numerics(rng: Rng) -> Numerics:
    pick: Callable[..., Any] = lambda *values: values[rng.integers(len(values))]  # noqa: E731
    schemes = ["profile", "profile", *SCHEMES]
    group = int(pick(1, 2, 4, 16))
    acc_bits = int(pick(32, 32, 32, 48, 40, 24, 16, 12, 9))
    narrow = rng.random() < 0.3
    try:
        return Numerics(
            acc_bits=acc_bits,
            acc_internal_bits=acc_bits + int(pick(0, 2, 8)),
            overflow=pick("saturate", "wrap", "trap", "readout"),
            group_size=group,
            split_k=int(pick(1, 1, 2)),
            order=pick("canonical", "reversed"),
            bias_order=pick("first", "first", "last"),
            inner_bits=int(pick(0, 0, 0, 12, 16)),
            inner_products=group * int(pick(1, 2, 4)),
            inner_overflow=pick("saturate", "wrap"),
            zero_point=pick("fold", "subtract"),
            bias_policy="apply",
            requantizer=schemes[rng.integers(len(schemes))],
            multiplier_bits=int(rng.integers(2, 33)) if narrow else 32,
            multipliers=pick("channel", "channel", "tensor"),
        )
    except FxsimError:
        return Numerics()


def _step(rng: Rng) -> float:
    return float(_STEPS[rng.integers(len(_STEPS))]) if rng.random() < 0.6 else float(np.float32(rng.uniform(0.01, 1)))


def _zero(rng: Rng) -> int:
    return int(rng.integers(-128, 128))


def _kind(rng: Rng, *shape: int) -> TensorType:
    return tensor(shape, _step(rng), _zero(rng))


def _profile(rng: Rng) -> str:
    return "tflite" if rng.random() < 0.5 else "litert"


def _activation(rng: Rng) -> str:
    return _ACTIVATIONS[rng.integers(len(_ACTIVATIONS))]


def _bias(rng: Rng, steps: NDArray[np.float32], reach: float) -> Value | None:
    """On the accumulator's grid without saying so, on a grid of its own, or none."""
    kind = rng.integers(3)
    if kind == 0:
        return None
    data = rng.integers(-int(reach) - 1, int(reach) + 1, steps.size).astype(np.int32)
    own = Affine(steps * np.float32(rng.uniform(0.3, 3)), 0, axis=0)
    return Value("bias", TensorType(data.shape, DType.INT32, own if kind == 1 else None), data)


def _mac(op: str, rng: Rng) -> Network:
    outputs, depth = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    attrs: dict[str, Any] = {"activation": _activation(rng)}
    shapes: tuple[tuple[int, ...], ...]
    if op == "FULLY_CONNECTED":
        depth = int(rng.integers(1, 24))
        shapes, axis = ((1, depth), (outputs, depth), (1, outputs)), 0
    else:
        kernel = int(rng.integers(1, 3)), int(rng.integers(1, 4))
        attrs |= {"padding": "SAME", "stride_w": int(rng.integers(1, 3)), "dilation_h": int(rng.integers(1, 3))}
        cols = -(-3 // attrs["stride_w"])
        if op == "CONV_2D":
            shapes, axis = ((1, 2, 3, depth), (outputs, *kernel, depth), (1, 2, cols, outputs)), 0
        else:
            outputs, attrs["depth_multiplier"] = depth * 2, 2
            shapes, axis = ((1, 2, 3, depth), (1, *kernel, outputs), (1, 2, cols, outputs)), 3
    each = rng.random() < 0.5
    sw = np.array([_step(rng) / 8 for _ in range(outputs if each else 1)], np.float32)
    w = codes(int(rng.integers(1 << 30)), shapes[1])
    x = _kind(rng, *shapes[0])
    assert x.quant is not None
    norm = float(np.abs(w.astype(np.int64)).sum()) / outputs
    si = x.quant.scale[0]
    exact = rng.random() < 0.5  # ties need a scale ratio that is a power of two
    so = (
        2.0 ** np.round(np.log2(float(si * sw[0]) * max(norm, 1)))
        if exact
        else float(si * sw[0]) * norm * rng.uniform(0.3, 3)
    )
    y = tensor(shapes[2], max(float(so), 1e-6), _zero(rng))
    steps = np.broadcast_to(si * sw, (outputs,)).astype(np.float32)
    wz = _zero(rng) if op == "FULLY_CONNECTED" and not each and rng.random() < 0.3 else 0
    given = weights(w, sw, axis if sw.size > 1 else None, wz)
    return single(op, OPERATORS[op].attrs(**attrs), x, y, given, _bias(rng, steps, norm * 32), profile=_profile(rng))


def _binary(op: str, rng: Rng) -> Network:
    shapes = ((2, 3, 2), (2, 3, 2)) if rng.random() < 0.6 else ((2, 3, 2), (3, 1))
    first, second = (_kind(rng, *shape) for shape in shapes)
    operands: tuple[Any, Any] = (first, second)
    if rng.random() < 0.3:
        operands = (first, Value("c", second, codes(int(rng.integers(1 << 30)), second.shape)))
    attrs = OPERATORS[op].attrs(activation=_activation(rng))
    return double(op, attrs, operands, _kind(rng, 2, 3, 2), profile=_profile(rng))


def _unary(op: str, rng: Rng) -> Network:
    """QUANTIZE and the clamps; sometimes with a factor far above 1, whose left shift wraps."""
    x, y = _kind(rng, 2, 12), _kind(rng, 2, 12)
    if rng.random() < 0.2:
        x, y = tensor((2, 12), 2.0 ** int(rng.integers(0, 28)), _zero(rng)), tensor((2, 12), _step(rng), _zero(rng))
    if op == "QUANTIZE" and rng.random() < 0.3:
        y = tensor((2, 12), _step(rng), _zero(rng) + 128, DType.UINT8)
    return single(op, OPERATORS[op].attrs(), x, y, profile=_profile(rng))


def _pool(op: str, rng: Rng) -> Network:
    kind = _kind(rng, 1, 3, 4, 2)
    assert kind.quant is not None
    fields = {"filter_h": int(rng.integers(1, 4)), "filter_w": int(rng.integers(1, 4)), "activation": _activation(rng)}
    attrs = OPERATORS[op].attrs(padding="SAME", stride_h=2, **fields)
    y = TensorType((1, 2, 4, 2), DType.INT8, kind.quant)
    return single(op, attrs, kind, y, profile=_profile(rng))


def _mean(op: str, rng: Rng) -> Network:
    axes = np.array([[1], [1, 2], [2, 3], [0, 1, 2, 3]][rng.integers(4)], np.int32)
    shape = tuple(1 if i in axes else n for i, n in enumerate((2, 3, 4, 5)))
    x, y = _kind(rng, 2, 3, 4, 5), _kind(rng, *shape)
    if rng.random() < 0.2:
        x = tensor((2, 3, 4, 5), 2.0 ** int(rng.integers(0, 28)), _zero(rng))
    given = Value("axes", TensorType(axes.shape, DType.INT32), axes)
    return single(op, OPERATORS[op].attrs(keep_dims=1), x, y, given, profile=_profile(rng))


def _curve(op: str, rng: Rng) -> Network:
    out = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0), "SOFTMAX": (1 / 256, -128)}[op]
    return single(op, OPERATORS[op].attrs(), _kind(rng, 3, 7), tensor((3, 7), *out), profile=_profile(rng))


def _move(op: str, rng: Rng) -> Network:
    x = _kind(rng, 1, 3, 4)
    assert x.quant is not None

    def like(*shape: int) -> TensorType:
        return TensorType(shape, DType.INT8, x.quant)

    def ints(*values: Any) -> Value:
        data = np.array(values[0] if len(values) == 1 else values, np.int32)
        return Value("ints", TensorType(data.shape, DType.INT32), data)

    attrs = OPERATORS[op].attrs
    profile = _profile(rng)
    if op == "CONCATENATION":
        return double(op, attrs(axis=1), (x, like(1, 2, 4)), like(1, 5, 4), profile=profile)
    if op == "DEQUANTIZE":
        return single(op, attrs(), x, TensorType((1, 3, 4), DType.FLOAT32, None), profile=profile)
    pads = ints([[0, 0], [1, 2], [0, 1]])
    fill = Value("fill", like(), np.array(_zero(rng), np.int8))
    made: dict[str, tuple[Any, TensorType, list[Value]]] = {
        "RESHAPE": (attrs(new_shape=(3, 4)) if op == "RESHAPE" else None, like(3, 4), []),
        "SQUEEZE": (attrs() if op == "SQUEEZE" else None, like(3, 4), []),
        "EXPAND_DIMS": (attrs() if op == "EXPAND_DIMS" else None, like(1, 1, 3, 4), [ints(1)]),
        "PAD": (attrs(), like(1, 6, 5), [pads]),
        "PADV2": (attrs(), like(1, 6, 5), [pads, fill]),
    }
    kind, y, constants = made[op]
    return single(op, kind, x, y, *constants, profile=profile)


OPERATORS_DRAWN: dict[str, Callable[[str, Rng], Network]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), _mac),
    **dict.fromkeys(("ADD", "SUB", "MUL"), _binary),
    **dict.fromkeys(("QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1"), _unary),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _pool),
    "MEAN": _mean,
    **dict.fromkeys(("LOGISTIC", "TANH", "SOFTMAX"), _curve),
    **dict.fromkeys(("CONCATENATION", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "PAD", "PADV2"), _move),
}
