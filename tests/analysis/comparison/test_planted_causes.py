"""Networks in which exactly one mechanism acts: every difference is put down to it, and to nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from fxsim.analysis import compare_network
from fxsim.analysis.comparison.mechanisms import UNEXPLAINED
from fxsim.analysis.comparison.record import Differences, LayerComparison
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.hw import Hardware
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS, FullyConnected, Pool, Quantize
from tests.ops.networks import Array, single, tensor, weights

HW = Hardware.load("edge-16x16")
EVERY = np.arange(-128, 128)


def on(**numerics: Any) -> Hardware:
    return HW.replace(**numerics)


def column(codes: ArrayLike) -> Array:
    """Samples of one code each."""
    return np.asarray(codes, np.int8).reshape(-1, 1)


def dense(
    w: ArrayLike,
    *scales: float,
    zero: int = 0,
    bias: tuple[int, float] | None = None,
    activation: str = "NONE",
    profile: str = "tflite",
) -> Network:
    """One output of a fully connected layer; scales of input, weights and output, code and scale of the bias."""
    codes = np.asarray(w, np.int8).reshape(1, -1)
    si, sw, so = scales
    given = None
    if bias is not None:
        data = np.array([bias[0]], np.int32)
        given = Value("bias", TensorType((1,), DType.INT32, Affine(bias[1])), data)
    x, y = tensor((1, codes.shape[1]), si, zero), tensor((1, 1), so)
    return single("FULLY_CONNECTED", FullyConnected(activation), x, y, weights(codes, sw), given, profile=profile)


def planted_float32() -> tuple[Network, Array, Hardware]:
    """16.5 * 2**20 + 1 is no binary32 number: without its last unit the sum is a tie, and 16 is even."""
    x = [126] * 1081 + [126, 66, 1]
    w = [127] * 1081 + [26, 1, 1]
    assert sum(a * b for a, b in zip(x, w, strict=True)) == 33 * 2**19 + 1
    return dense(w, 1, 1, 2**20, profile="litert"), np.array([x], np.int8), on()


def planted_multiplier() -> tuple[Network, Array, Hardware]:
    """24.4999999967 becomes 24.5000000022 as the factor's significand is rounded to 31 bits."""
    si, sw = float.fromhex("0x1.89d82ep-4"), float.fromhex("0x1.c9726ep-5")
    return dense([117], si, sw, 1, profile="litert"), column([39]), on(requantizer="TFL_SINGLE")


def planted_narrow_multiplier() -> tuple[Network, Array, Hardware]:
    """Seven bits of 0.307 make 79 / 256; without ties, which are at multiples of 128."""
    return dense([1], 0.307, 1, 1), column(EVERY[1:]), on(requantizer="TFL_SINGLE", multiplier_bits=8)


def planted_first_rounding() -> tuple[Network, Array, Hardware]:
    """9 * 0.375 = 3.375 is rounded to 3.5 first, then to 4."""
    return dense([1], 0.375, 1, 1), column([9, -9, 25]), on()


def planted_binary32_rounding() -> tuple[Network, Array, Hardware]:
    """0.06 is less in binary32: 35 * 110 times it is just below 231, and its half 115.5 only in binary32."""
    return dense([110], 0.06, 1, 2, profile="litert"), column([35, -35]), on(requantizer="FP32_RNE")


def planted_second_rounding() -> tuple[Network, Array, Hardware]:
    return dense([1], 0.375, 1, 1), column(EVERY), on(requantizer="FLOOR")


def planted_tie() -> tuple[Network, Array, Hardware]:
    """Halves go up, not to even."""
    return dense([1], 0.5, 1, 1), column(EVERY), on()


def planted_bias() -> tuple[Network, Array, Hardware]:
    """The bias stands for 4.5 steps of the accumulator, which loads 3."""
    return dense([1], 0.25, 1, 1, bias=(3, 0.375)), column(EVERY), on(requantizer="TFL_SINGLE")


def planted_fold() -> tuple[Network, Array, Hardware]:
    """128 * 127 of the zero point is loaded as 2047; the products after it stay within 12 bits."""
    hw = on(requantizer="TFL_SINGLE", acc_bits=12, bias_policy="apply")
    return dense([127], 1, 1, 128, zero=-128), column(range(-32, 1)), hw


def planted_overflow() -> tuple[Network, Array, Hardware]:
    hw = on(requantizer="TFL_SINGLE", acc_bits=12)
    return dense([127, 127], 1, 1, 256), np.full((1, 2), 127, np.int8), hw


def planted_last_overflow() -> tuple[Network, Array, Hardware]:
    """2**14 is one more than 15 bits hold: 1.5 steps become less."""
    hw = on(requantizer="TFL_SINGLE", acc_bits=15)
    return dense([-128], 3, 1, 2**15), column([-128]), hw


def planted_wrap() -> tuple[Network, Array, Hardware]:
    """QUANTIZE shifts to the left by 26 bits: from code 32 on it wraps."""
    return single("QUANTIZE", Quantize(), tensor((1, 1), 2**25), tensor((1, 1), 1)), column(EVERY), on()


def planted_last_wrap() -> tuple[Network, Array, Hardware]:
    """QUANTIZE shifts to the left by 24 bits: of the differences that codes have here only 128 wraps."""
    return single("QUANTIZE", Quantize(), tensor((1, 1), 2**23, -1), tensor((1, 1), 1)), column(EVERY), on()


def planted_clamp() -> tuple[Network, Array, Hardware]:
    """6 / 12 is a tie: to even 0 by fake quantization, away from zero 1 by the integers' range."""
    return dense([1], 1, 12, 12, activation="RELU6"), column(EVERY), on()


def planted_average() -> tuple[Network, Array, Hardware]:
    kind = tensor((1, 1, 2, 1), 1)
    net = single("AVERAGE_POOL_2D", Pool("VALID", filter_w=2), kind, tensor((1, 1, 1, 1), 1))
    pairs = [(a, a + 1) for a in range(-128, 127)]
    return net, np.array(pairs, np.int8).reshape(-1, 1, 2, 1), on()


def planted_lookup() -> tuple[Network, Array, Hardware]:
    """The logistic function of 1 / 128 is just below 128.5 steps; in fixed point it reaches 129."""
    net = single("LOGISTIC", OPERATORS["LOGISTIC"].attrs(), tensor((1, 1), 2**-13), tensor((1, 1), 1 / 256, -128))
    return net, column(EVERY), on()


PLANTED = {
    planted_float32: "float32",
    planted_multiplier: "multiplier",
    planted_narrow_multiplier: "multiplier",
    planted_first_rounding: "first rounding",
    planted_binary32_rounding: "first rounding",
    planted_second_rounding: "second rounding",
    planted_tie: "tie rule",
    planted_bias: "bias rounding",
    planted_fold: "zero-point folding",
    planted_overflow: "overflow",
    planted_last_overflow: "overflow",
    planted_wrap: "overflow",
    planted_last_wrap: "overflow",
    planted_clamp: "clamp",
    planted_average: "average",
    planted_lookup: "look-up",
}


def only(side: Differences, cause: str) -> bool:
    """Whether there are differences, and `cause` is all there is to say about each of them."""
    return side.mismatches > 0 and side.causes == side.also == {cause: side.mismatches}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_planted_causes(plant: Any) -> None:
    (layer,) = compare_network(plant()[0], plant()[1], hw=plant()[2]).layers
    for side in (layer.free, layer.isolated):
        assert only(side, PLANTED[plant])


def behind(net: Network, op: str, attrs: Any, scale: float) -> Network:
    """The network with one more node on its output, whose codes have `scale`."""
    values = [*net.values, Value("end", tensor((1, 1), scale))]
    last = Node(op, "last", (net.outputs[0],), (len(net.values),), attrs)
    return build("two", values, [*net.nodes, last], net.inputs, [len(net.values)], net.profile)


def test_inherited_differences() -> None:
    """A layer that doubles every code only passes on what the first one makes."""
    net, x, hw = planted_tie()
    x = x[64:192]
    first, second = compare_network(behind(net, "QUANTIZE", Quantize(), 0.5), x, hw=hw).layers
    assert only(first.free, "tie rule")
    assert only(second.free, "upstream")
    assert second.free.mismatches == first.free.mismatches
    assert second.isolated.mismatches == 0


def test_no_differences() -> None:
    """Products, sums and codes that are the same numbers everywhere."""
    net = behind(dense([1, 2], 0.5, 0.25, 0.125), "QUANTIZE", Quantize(), 0.125)
    x = np.random.default_rng(0).integers(-128, 128, (20, 2)).astype(np.int8)
    for layer in compare_network(net, x, hw=HW).layers:
        assert isinstance(layer, LayerComparison)
        for side in (layer.free, layer.isolated):
            assert side.mismatches == 0
            assert side.causes == side.also == {}
            assert side.first is None


def test_a_bias_on_the_grid_is_no_cause() -> None:
    """Fake quantization may round the bias as the accumulator's code is rounded."""
    net, x, hw = planted_bias()
    grid = dataclasses.replace(net.values[3].type, quant=Affine(0.25))
    values = [*net.values[:3], Value("bias", grid, net.values[3].data)]
    same = build("single", values, net.nodes, net.inputs, net.outputs)
    for bias in ("float", "grid"):
        (layer,) = compare_network(same, x, hw=hw, bias=bias).layers
        assert only(layer.free, "tie rule")


def test_a_real_bias_beside_a_full_accumulator() -> None:
    """The accumulator is at its end; overflow alone comes with a bias that is 2000 more than what is loaded."""
    net = dense([127], 1, 1, 2**-21, bias=(2000, 2))
    (layer,) = compare_network(net, column(EVERY), hw=on(acc_bits=12)).layers
    for side in (layer.free, layer.isolated):
        assert side.mismatches == sum(side.causes.values()) > 0
        assert UNEXPLAINED not in side.causes
