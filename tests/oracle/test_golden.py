from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import InputError, LoweringError
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.hw import Hardware, Numerics, presets
from fxsim.numerics import Affine
from fxsim.ops import Conv2D, Dequantize, FullyConnected, Pool, Quantize, Reshape, Softmax, validate
from fxsim.oracle import golden, golden_stats
from tests.ops import naive
from tests.ops.mac_cases import MacCase, mac_cases
from tests.ops.networks import codes, tensor


def constant(name: str, data: np.ndarray, quant: Affine | None = None) -> Value:
    return Value(name, TensorType(data.shape, DType(data.dtype.name), quant), data)


def whole_network() -> Network:
    """uint8 image → QUANTIZE → CONV → MAX_POOL → RESHAPE → FC → SOFTMAX → DEQUANTIZE."""
    values = [
        Value("image", tensor((1, 6, 6, 1), 1 / 256, 0, DType.UINT8)),
        Value("codes", tensor((1, 6, 6, 1), 1 / 256, -128)),
        constant("filters", codes(1, (4, 3, 3, 1)), Affine([0.01, 0.02, 0.03, 0.04], 0, 0)),
        constant("offsets", np.array([100, -200, 300, -400], np.int32)),
        Value("maps", tensor((1, 6, 6, 4), 0.05, -10)),
        Value("pooled", tensor((1, 3, 3, 4), 0.05, -10)),
        Value("flat", tensor((1, 36), 0.05, -10)),
        constant("matrix", codes(2, (5, 36)), Affine(0.02)),
        Value("logits", tensor((1, 5), 0.25, 4)),
        Value("odds", tensor((1, 5), 1 / 256, -128)),
        Value("reals", TensorType((1, 5), DType.FLOAT32)),
    ]
    nodes = [
        Node("QUANTIZE", "quantize", (0,), (1,), Quantize()),
        Node("CONV_2D", "conv", (1, 2, 3), (4,), Conv2D(activation="RELU")),
        Node("MAX_POOL_2D", "pool", (4,), (5,), Pool("VALID", 2, 2, 2, 2)),
        Node("RESHAPE", "reshape", (5,), (6,), Reshape((1, -1))),
        Node("FULLY_CONNECTED", "fc", (6, 7), (8,), FullyConnected()),
        Node("SOFTMAX", "softmax", (8,), (9,), Softmax()),
        Node("DEQUANTIZE", "dequantize", (9,), (10,), Dequantize()),
    ]
    net = build("whole", values, nodes, [0], [10])
    validate(net)
    return net


IMAGES = codes(3, (3, 6, 6, 1)).view(np.uint8)


def test_every_tensor_follows_from_its_operands() -> None:
    net = whole_network()
    t = golden(net, IMAGES)
    assert list(t) == ["image", "codes", "maps", "pooled", "flat", "logits", "odds", "reals"]
    np.testing.assert_array_equal(t["codes"], (IMAGES ^ 0x80).view(np.int8))
    for i in range(3):
        image, maps = t["codes"][i].tolist(), t["maps"][i]
        g, w = naive.Geometry(6, 6, 3, 3), net.values[2].data
        assert w is not None
        for oy, ox, n in np.ndindex(6, 6, 4):
            terms = naive.conv_terms(image, w, g, oy, ox, n)
            acc = naive.runtime_sum(terms, [100, -200, 300, -400][n], -128, 0)
            real = 1 / 256 * float(np.float32(0.01 * (n + 1))) / float(np.float32(0.05))
            assert maps[oy, ox, n] == naive.clamp(naive.tfl_double(acc, real) - 10, -10, 127)
        np.testing.assert_array_equal(t["pooled"][i], maps.reshape(3, 2, 3, 2, 4).max(axis=(1, 3)))
        assert t["odds"][i].tolist() == naive.softmax(t["logits"][i].tolist(), 1.0, 0.25)
    np.testing.assert_array_equal(t["flat"], t["pooled"].reshape(3, 36))
    np.testing.assert_array_equal(t["reals"], (t["odds"].astype(np.float32) + 128) / 256)
    np.testing.assert_array_equal(t.dequantize()["odds"], t["reals"])


@pytest.mark.parametrize("preset", presets())
def test_wide_hardware_equals_the_runtime(preset: str) -> None:
    net, numerics = whole_network(), Hardware.load(preset).numerics
    expected, (actual, stats) = golden(net, IMAGES), golden_stats(net, IMAGES, numerics)
    assert all(np.array_equal(expected[name], actual[name]) for name in expected)
    assert [s.acc_min is None for s in stats] == [True, False, True, True, False, True, True]
    assert [s.channel_acc_min.size for s in stats] == [0, 4, 0, 0, 5, 0, 0]
    assert sum(s.overflow_events for s in stats) == 0
    np.testing.assert_array_equal(golden(net, IMAGES, numerics=numerics)["reals"], expected["reals"])


def test_narrow_accumulators_are_counted_and_change_bits() -> None:
    net = whole_network()
    hw = Numerics(acc_bits=14, bias_policy="apply")
    tensors, stats = golden_stats(net, IMAGES, hw)
    assert stats[1].overflow_count > 0
    assert stats[1].overflow_events >= stats[1].overflow_count
    assert not np.array_equal(tensors["maps"], golden(net, IMAGES)["maps"])
    trapped, trap_stats = golden_stats(net, IMAGES, Numerics(acc_bits=14, bias_policy="apply", overflow="trap"))
    assert all(np.array_equal(tensors[name], trapped[name]) for name in tensors)
    assert all(a.same_as(b) for a, b in zip(stats, trap_stats, strict=True))


@given(mac_cases(), st.integers(4, 32), st.sampled_from(["saturate", "wrap", "trap", "readout"]))
def test_no_overflow_counted_means_the_runtime_bits(case: MacCase, acc_bits: int, overflow: str) -> None:
    hw = Numerics(acc_bits=acc_bits, overflow=overflow, bias_policy="apply")
    x = case.x.reshape(len(case.x), *case.x.shape[2:]) if case.x.shape[1] == 1 else case.x
    tensors, (stats,) = golden_stats(case.net, x, hw)
    if stats.overflow_count + stats.bias_overflow_count + stats.internal_wraps == 0:
        np.testing.assert_array_equal(tensors["y"], golden(case.net, x)["y"])


def test_samples_are_independent() -> None:
    net = whole_network()
    together = golden(net, IMAGES)
    for i in range(3):
        alone = golden(net, IMAGES[i : i + 1])
        assert all(np.array_equal(alone[name][0], together[name][i]) for name in alone)


def test_real_inputs_are_quantized() -> None:
    t = golden(whole_network(), IMAGES.astype(np.float64) / 256)
    np.testing.assert_array_equal(t["image"], IMAGES)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="input 'image'"):
        golden(whole_network(), IMAGES.view(np.int8))


def test_branches_and_many_outputs() -> None:
    values = [
        Value("x", tensor((2, 2), 0.5, 0)),
        Value("a", tensor((2, 2), 0.25, 1)),
        Value("b", tensor((2, 2), 1.0, -1)),
        Value("c", tensor((4,), 0.25, 1)),
    ]
    nodes = [
        Node("QUANTIZE", "p", (0,), (1,), Quantize()),
        Node("QUANTIZE", "q", (0,), (2,), Quantize()),
        Node("RESHAPE", "r", (1,), (3,), Reshape((4,))),
    ]
    net = build("fork", values, nodes, [0], [2, 3])
    validate(net)
    t = golden(net, {"x": np.array([[[1, -3], [100, -128]]], np.int8)})
    assert t["a"].tolist() == [[[3, -5], [127, -128]]]
    assert t["b"].tolist() == [[[0, -2], [49, -65]]]  # ties of the first stage go up: -1.5 gives -1
    assert t["c"].tolist() == [[3, -5, 127, -128]]


def test_layers_of_their_own_numerics() -> None:
    net, base = whole_network(), Hardware().numerics
    narrow = Hardware(acc_bits=12, overflow="wrap", bias_policy="apply").numerics
    own = {"acc_bits": 12, "overflow": "wrap", "bias_policy": "apply"}
    mixed, stats = golden_stats(net, IMAGES, base, {"fc": own})
    everywhere, narrow_stats = golden_stats(net, IMAGES, narrow)
    assert np.array_equal(mixed["maps"], golden(net, IMAGES)["maps"])
    assert not np.array_equal(mixed["maps"], everywhere["maps"])
    assert stats[4].overflow_count > 0 == stats[1].overflow_count < narrow_stats[1].overflow_count


def test_layers_need_numerics_and_a_layer() -> None:
    with pytest.raises(LoweringError, match="layers must come with numerics"):
        golden(whole_network(), IMAGES, layers={"fc": {"acc_bits": 12}})
    with pytest.raises(LoweringError, match="layers must be names of nodes"):
        golden(whole_network(), IMAGES, numerics=Hardware().numerics, layers={"nothing": {}})
