"""Ranges of codes against what the operators really produce: no run leaves them, and what can be attained is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from fxsim._core.errors import InputError
from fxsim.analysis import CodeRange, Reach, layer_bounds
from fxsim.analysis.ranges import mac_range, result_range
from fxsim.graph import DType, Network
from fxsim.hw import Numerics
from fxsim.ops import MAC_OPERATORS, OPERATORS, FullyConnected, MacParams, mac_params
from fxsim.oracle import golden, golden_stats
from fxsim.testing import Chain, networks
from tests.analysis.test_bounds import orders, stages
from tests.lowering.running import sample_of
from tests.ops.networks import single, tensor, weights

SHAPE = (1, 3, 4, 3)
NO_RULE = ("SOFTMAX", "DEQUANTIZE")
"""Operators whose results may have every code of their type."""

BUILDERS: dict[str, list[Callable[[Chain], Chain]]] = {
    "ADD": [lambda c: c.binary("ADD", 0), lambda c: c.binary("ADD", c.constant(4, 3), swap=True, activation="RELU")],
    "AVERAGE_POOL_2D": [lambda c: c.pool("AVERAGE", (2, 3), activation="RELU"), lambda c: c.pool("AVERAGE", (3, 3))],
    "CONCATENATION": [lambda c: c.join(0, axis=1), lambda c: c.join(0, axis=3)],
    "DEQUANTIZE": [],
    "EXPAND_DIMS": [lambda c: c.expand(1), lambda c: c.expand(-1)],
    "LOGISTIC": [lambda c: c.activation("LOGISTIC")],
    "MAX_POOL_2D": [lambda c: c.pool("MAX", (2, 2), activation="RELU6")],
    "MEAN": [lambda c: c.mean(1, 2), lambda c: c.mean(-1, keep_dims=1), lambda c: c.mean(0, 1, 2, 3),
             lambda c: c.mean(2, 3, quant=(0.0001, 5))],
    "MUL": [lambda c: c.binary("MUL", 0), lambda c: c.binary("MUL", c.constant(1), activation="RELU6")],
    "PAD": [lambda c: c.pad((0, 0), (1, 0), (0, 2), (0, 0)), lambda c: c.pad((0, 0), (0, 0), (0, 0), (2, 1))],
    "PADV2": [lambda c: c.pad((0, 0), (0, 1), (0, 0), (1, 0), code=-90)],
    "QUANTIZE": [lambda c: c.quantize(DType.UINT8, 0.02, 140), lambda c: c.quantize(DType.INT8, 0.2, -3)],
    "RELU": [lambda c: c.activation("RELU", (0.03, -20))],
    "RELU6": [lambda c: c.activation("RELU6")],
    "RELU_N1_TO_1": [lambda c: c.activation("RELU_N1_TO_1")],
    "RESHAPE": [lambda c: c.reshape(1, 36), lambda c: c.reshape(36, 1), lambda c: c.reshape(9, 4),
                lambda c: c.reshape(2, 2, 9)],
    "SOFTMAX": [lambda c: c.softmax()],
    "SQUEEZE": [lambda c: c.squeeze()],
    "SUB": [lambda c: c.binary("SUB", 0), lambda c: c.binary("SUB", c.constant(3), swap=True)],
    "TANH": [lambda c: c.activation("TANH")],
}  # fmt: skip
FEW = settings(max_examples=12)
PAIRS = ("ADD", "SUB", "MUL")
CASES = [
    pytest.param(op, number, marks=[pytest.mark.slow] if op in PAIRS else [])
    for op, builders in BUILDERS.items()
    for number in range(len(builders))
]


def network(op: str, number: int) -> Network:
    return BUILDERS[op][number](Chain(SHAPE, seed=7)).build()


def test_every_operator_is_tried() -> None:
    assert set(BUILDERS) | set(MAC_OPERATORS) == set(OPERATORS)


@st.composite
def intervals(draw: st.DrawFn) -> CodeRange:
    ends = np.array(draw(st.lists(st.tuples(*[st.integers(-128, 127)] * 2), min_size=3, max_size=3)))
    return CodeRange(ends.min(axis=1), ends.max(axis=1))


def inside(shape: tuple[int, ...], codes: CodeRange, seed: int) -> Any:
    """Codes of the range, its ends more often than chance."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(codes.lo, codes.hi + 1, shape)
    ends = np.where(rng.random(shape) < 0.5, codes.lo, codes.hi)
    return np.where(rng.random(shape) < 0.3, ends, drawn).astype(np.int8)


def channel_extremes(array: Any, channels: int) -> tuple[Any, Any]:
    rows = array.astype(np.int64).reshape(-1, channels)
    return rows.min(axis=0), rows.max(axis=0)


@pytest.mark.parametrize(("op", "number"), CASES)
@FEW
@given(codes=intervals(), seed=st.integers(0, 999))
def test_no_run_leaves_the_range(op: str, number: int, codes: CodeRange, seed: int) -> None:
    net = network(op, number)
    found = result_range(net, net.nodes[0], {0: codes})
    result = golden(net, inside((8, *SHAPE[1:]), codes, seed))[net.values[net.outputs[0]].name]
    low, high = channel_extremes(result, len(found.lo))
    assert found.lo.shape == found.hi.shape == (net.results(net.nodes[0])[0].type.shape or (1,))[-1:]
    assert (found.lo <= low).all()
    assert (high <= found.hi).all()


@pytest.mark.parametrize(("op", "number"), [case for case in CASES if case.values[0] not in NO_RULE])
@FEW
@given(codes=intervals())
def test_constant_operands_leave_one_code(op: str, number: int, codes: CodeRange) -> None:
    """Where every channel holds one code, the range is no wider than the results."""
    fixed = CodeRange(codes.lo, codes.lo)
    net = network(op, number)
    found = result_range(net, net.nodes[0], {0: fixed})
    result = golden(net, inside((1, *SHAPE[1:]), fixed, 0))[net.values[net.outputs[0]].name]
    low, high = channel_extremes(result, len(found.lo))
    assert (found.lo.tolist(), found.hi.tolist()) == (low.tolist(), high.tolist())


@pytest.mark.parametrize("op", ["RELU", "TANH", "QUANTIZE", "MAX_POOL_2D", pytest.param("ADD", marks=pytest.mark.slow)])
@FEW
@given(codes=intervals())
def test_ends_are_attained(op: str, codes: CodeRange) -> None:
    """Monotone operators attain both ends where all operands are least, or greatest."""
    net = network(op, 0)
    found = result_range(net, net.nodes[0], {0: codes})
    results = [golden(net, np.broadcast_to(end, (1, *SHAPE[1:])).astype(np.int8)) for end in (codes.lo, codes.hi)]
    low, high = (channel_extremes(r[net.values[net.outputs[0]].name], 3)[0] for r in results)
    assert (found.lo.tolist(), found.hi.tolist()) == (low.tolist(), high.tolist())


def test_operators_without_a_rule_have_their_type() -> None:
    net = network("SOFTMAX", 0)
    found = result_range(net, net.nodes[0], {0: CodeRange(np.zeros(3, np.int64), np.zeros(3, np.int64))})
    assert (found.lo.tolist(), found.hi.tolist()) == ([-128] * 3, [127] * 3)


@st.composite
def machines(draw: st.DrawFn) -> Numerics:
    bits = draw(st.integers(6, 30))
    mode = draw(st.sampled_from(["saturate", "wrap", "trap", "readout"]))
    rule = draw(orders() | stages())
    return dataclasses.replace(
        rule,
        acc_bits=bits,
        acc_internal_bits=bits + draw(st.integers(0, 9)),
        overflow=mode,
        inner_bits=rule.inner_bits and draw(st.integers(6, 24)),
    )


@settings(max_examples=60)
@given(networks(), machines(), st.integers(0, 99))
def test_no_sample_leaves_the_propagated_ranges(net: Network, numerics: Numerics, seed: int) -> None:
    tensors, stats = golden_stats(net, sample_of(net, seed)[None, ...].reshape(-1, *inputs_of(net)), numerics)
    for layer in layer_bounds(net, numerics):
        codes = tensors[net.values[net.nodes[layer.node].inputs[0]].name]
        low, high = channel_extremes(codes, len(layer.operand.lo))
        assert (layer.operand.lo <= low).all()
        assert (high <= layer.operand.hi).all()
        assert (layer.propagated.low.min(axis=0) <= stats[layer.node].channel_acc_min).all()
        assert (layer.propagated.high.max(axis=0) >= stats[layer.node].channel_acc_max).all()
        assert (layer.propagated.final_bits <= layer.exact.final_bits).all()
        assert (layer.propagated.every_bits <= layer.exact.every_bits).all()
        proved = layer.proved <= numerics.acc_bits
        event(f"proved {proved}")
        counts_harm_only = numerics.overflow != "wrap" and not (
            numerics.inner_bits and numerics.inner_overflow == "wrap"
        )
        if proved and layer.inner_fits and counts_harm_only:
            assert stats[layer.node].overflow_count == 0


def inputs_of(net: Network) -> tuple[int, ...]:
    shape = net.values[net.inputs[0]].type.shape
    return shape[1:] if shape[0] == 1 else shape


def wide(**fields: Any) -> Numerics:
    return Numerics(**{"acc_bits": 32, "bias_policy": "apply", **fields})


def test_sums_of_a_proved_layer_carry_on() -> None:
    """A layer whose sums are small leaves less than its clamp range; one that may overflow leaves all of it."""
    net = Chain((1, 1, 1, 2), seed=1).conv(3, (1, 1)).conv(2, (1, 1)).build()
    last = [layer_bounds(net, wide(**fields))[1] for fields in ({}, {"acc_bits": 8}, {"inner_bits": 8})]
    first = layer_bounds(net, wide())[0]
    ends = [golden(net, extreme(net, first, c, sign))["t0"].reshape(-1, 3)[0, c] for sign in (1, -1) for c in range(3)]
    assert last[0].operand.lo.tolist() == ends[:3]
    assert last[0].operand.hi.tolist() == ends[3:]
    for unproved in last[1:]:
        assert (unproved.operand.lo.tolist(), unproved.operand.hi.tolist()) == ([-128] * 3, [127] * 3)
    assert last[0].exact_wrap.tolist() == last[1].exact_wrap.tolist() == last[1].propagated_wrap.tolist()


def extreme(net: Network, layer: Any, channel: int, sign: int) -> Any:
    """Least (sign 1) or greatest input of one channel of a 1x1 convolution."""
    data = net.values[net.nodes[layer.node].inputs[1]].data
    assert data is not None
    return np.where(sign * data[channel].astype(int) > 0, -128, 127).astype(np.int8).reshape(1, 1, 1, -1)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_a_change_of_shape_mixes_channels(before: int, after: int, seed: int) -> None:
    ends = np.sort(np.random.default_rng(seed).integers(-128, 128, (2, before)), axis=0)
    found = CodeRange(*ends).refold(after)
    places = [[e % before for e in range(before * after) if e % after == c] for c in range(after)]
    assert found.lo.tolist() == [min(ends[0][place]) for place in places]
    assert found.hi.tolist() == [max(ends[1][place]) for place in places]


def one_output(scale: float) -> MacParams:
    w, y = weights([[1]], 0.25), tensor((1, 1), scale, 3)
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 1), 0.5), y, w)
    return mac_params(net, net.nodes[0], wide())


def reach(*ends: tuple[int, int]) -> Reach:
    low, high = np.array(ends).T
    return Reach(low[:, None], high[:, None])


@pytest.mark.parametrize(("overflow", "expected"), [("saturate", (-128, 127)), ("wrap", (3, 4))])
def test_a_prefix_that_overflows_counts_where_it_does_harm(overflow: str, expected: tuple[int, int]) -> None:
    """Prefixes up to 1000 in 8 bits; the sum is 0..8, at an eighth of the output's step."""
    found = mac_range(one_output(1.0), wide(acc_bits=8, overflow=overflow), reach((0, 1000), (0, 8)))
    assert (found.lo[0], found.hi[0]) == expected


@pytest.mark.parametrize(("inner_bits", "expected"), [(9, (-128, 127)), (10, (3, 4))])
def test_an_inner_accumulator_that_may_overflow_leaves_the_clamp_range(
    inner_bits: int, expected: tuple[int, int]
) -> None:
    found = mac_range(one_output(1.0), wide(inner_bits=inner_bits), reach((0, 8)), np.array([10]))
    assert (found.lo[0], found.hi[0]) == expected


@pytest.mark.parametrize(("high", "expected"), [(100, (3, 127)), (300, (-128, 127))])
def test_sums_whose_rescaling_wraps_say_nothing(high: int, expected: tuple[int, int]) -> None:
    """The factor is 2**22: 300 shifted by 23 leaves 32 bits."""
    found = mac_range(one_output(2.0**-25), wide(), reach((0, high)))
    assert (found.lo[0], found.hi[0]) == expected


def test_observed_ranges_are_a_column_of_their_own() -> None:
    net = Chain((1, 2, 2, 2), seed=2).conv(3, (1, 1)).dense(2).build()
    first, second = layer_bounds(net, wide(), ranges={"x": (-3, np.array([4, 5]))})
    assert second.calibrated is None
    assert first.calibrated is not None
    weights = net.values[1].data.reshape(3, 2).astype(int)  # type: ignore[union-attr]
    bias = net.values[net.nodes[0].inputs[2]].data.astype(int)  # type: ignore[union-attr]
    start = bias - 3 * weights.sum(axis=1)
    highs = start + np.maximum(weights * -3, weights * [4, 5]).sum(axis=1)
    assert first.calibrated.high[-1].tolist() == highs.tolist()


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"y": (0, 1)}, r"ranges must be of tensors of the network, not \['y'\]"),
        ({"x": (3, 2)}, "tensor 'x': range must be an interval of int8 codes"),
        ({"x": (-129, 2)}, "interval of int8 codes"),
        ({"x": (0, 1.5)}, "interval of int8 codes"),
        ({"x": (0, np.array([1, 2, 3]))}, "interval of int8 codes, or one per index of the last axis"),
    ],
)
def test_bad_ranges(ranges: Any, message: str) -> None:
    net = Chain((1, 2, 2, 2)).conv(3, (1, 1)).build()
    with pytest.raises(InputError, match=message):
        layer_bounds(net, wide(), ranges=ranges)
