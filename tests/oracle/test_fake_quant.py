"""The float and the fake-quantized executor on whole networks."""

from __future__ import annotations

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError, QuantizationError
from fxsim.graph import DType, TensorType, Value
from fxsim.numerics import Affine
from fxsim.numerics.reference import ref_dequantize, ref_fake_code
from fxsim.ops import FullyConnected
from fxsim.oracle import FakeQuant, fake_quant, float_run, real_bias
from tests.ops.networks import single, tensor, weights
from tests.oracle import vector_twin
from tests.own import CARD, MODELS, images


@pytest.mark.slow
@pytest.mark.parametrize("name", CARD)
def test_networks_equal_their_twin(name: str) -> None:
    net = fxsim.load(MODELS / f"{name}.tflite")
    x = fxsim.golden(net, images(name, 4))[net.values[net.inputs[0]].name]
    found, wanted = FakeQuant(net).codes(x), vector_twin.codes_of(net, x)
    assert list(found) == list(wanted)
    for key, codes in wanted.items():
        assert found[key].dtype == codes.dtype
        np.testing.assert_array_equal(found[key].reshape(codes.shape), codes, err_msg=key)


def test_networks_without_roundings_are_exact() -> None:
    """Scales are powers of two and results lie on the grid: fake quantization is the runtime's integers."""
    rng = np.random.default_rng(5)
    w = rng.integers(-4, 5, (6, 9)).astype(np.int8)
    offsets = Value("b", TensorType((6,), DType.INT32, Affine(2.0**-5)), rng.integers(-40, 40, 6).astype(np.int32))
    net = single(
        "FULLY_CONNECTED",
        FullyConnected("RELU6"),
        tensor((1, 9), 2.0**-3, -7),
        tensor((1, 6), 2.0**-5, -128),
        weights(w, 2.0**-2),
        offsets,
    )
    x = rng.integers(-30, 16, (200, 9)).astype(np.int8)
    exact = fxsim.golden(net, x)["y"]
    assert len(np.unique(exact)) > 50
    for bias in ("float", "grid"):
        np.testing.assert_array_equal(FakeQuant(net, bias=bias).codes(x)["y"], exact)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits_fc", "digits_cnn", "digits_resnet"])
def test_batches_change_no_bit(name: str) -> None:
    net, x = fxsim.load(MODELS / f"{name}.tflite"), images(name, 5)
    whole, parts = fake_quant(net, x), [fake_quant(net, x[:2]), fake_quant(net, x[2:])]
    for key, array in whole.items():
        assert array.dtype == np.float32
        assert np.array_equal(array, np.concatenate([part[key] for part in parts])), key
    floats = float_run(net, x)
    assert list(floats) == list(whole)
    assert np.array_equal(
        floats["logits"], np.concatenate([float_run(net, x[:3])["logits"], float_run(net, x[3:])["logits"]])
    )


def test_real_inputs_stay_real_in_the_float_run_only() -> None:
    net = fxsim.load(MODELS / "digits_fc.tflite")
    x = images("digits_fc", 3)
    assert np.array_equal(float_run(net, x)["image"], x)
    codes = fxsim.golden(net, x)["image"]
    assert np.array_equal(FakeQuant(net).codes(x)["image"], codes)
    assert np.array_equal(float_run(net, codes)["image"], fake_quant(net, x)["image"])


def test_biases_off_the_grid() -> None:
    """A step of 3/4 of the accumulator's: 5 codes are 3.75 steps, 4 on the grid."""
    offsets = Value("b", TensorType((1,), DType.INT32, Affine(0.75 * 2.0**-4)), np.array([5], np.int32))
    net = single(
        "FULLY_CONNECTED",
        FullyConnected(),
        tensor((1, 1), 2.0**-2),
        tensor((1, 1), 2.0**-6),
        weights([[1]], 2.0**-2),
        offsets,
    )
    x = np.array([[0]], np.int8)
    assert FakeQuant(net).codes(x)["y"].item() == 15
    assert FakeQuant(net, bias="grid").codes(x)["y"].item() == 16
    assert fake_quant(net, x, bias="grid")["y"].item() == 0.25
    assert float_run(net, x)["y"].item() == 3.75 / 16
    total = np.float32(0.1) * np.float32(0.25) + np.float32(3.75 / 16)
    assert float_run(net, np.array([[0.1]]))["y"].item() == total


def test_bias_grid_is_fake_quantized_per_channel() -> None:
    rng = np.random.default_rng(2)
    steps = rng.uniform(0.001, 0.1, 50).astype(np.float32)
    own = Affine(rng.uniform(1e-5, 1e-3, 50), 0, axis=0)
    offsets = Value("b", TensorType((50,), DType.INT32, own), rng.integers(-(1 << 22), 1 << 22, 50).astype(np.int32))
    matrix = weights(rng.integers(-9, 9, (50, 2)), steps, 0)
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 2), 0.3), tensor((1, 50), 0.5), matrix, offsets)
    assert offsets.data is not None
    for n, got in enumerate(real_bias(net, net.nodes[0], "grid").tolist()):
        real = ref_dequantize(int(offsets.data[n]), float(own.scale[n]), 0, per_tensor=False)
        step = float(np.float32(0.3) * steps[n])
        grid = ref_fake_code(real, step, 0, -(1 << 31), (1 << 31) - 1)
        assert got == ref_dequantize(grid, step, 0, per_tensor=False) != real


def test_overflow_is_infinite_and_nan_an_error() -> None:
    matrix = weights([[127, -127]], 3e38)
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 2), 1.0), tensor((1, 1), 1e38), matrix)
    x = np.array([[1, 0], [-1, 0]], np.int8)
    with pytest.raises(QuantizationError, match="must be numbers"):
        FakeQuant(net).codes(x)
    single_weight = weights([[127]], 3e38)
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 1), 1.0), tensor((1, 1), 1e38), single_weight)
    x = np.array([[1], [-1]], np.int8)
    assert float_run(net, x)["y"].ravel().tolist() == [np.inf, -np.inf]
    assert FakeQuant(net).codes(x)["y"].ravel().tolist() == [127, -128]


def test_bias_must_be_known() -> None:
    with pytest.raises(InputError, match="float, grid"):
        fake_quant(fxsim.gemm(2, 3, 4), np.zeros((1, 2, 3), np.int8), bias="int8")
