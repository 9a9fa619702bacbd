"""The float and the fake-quantized executor on whole networks."""

from __future__ import annotations

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError
from fxsim.oracle import FakeQuant, fake_quant, float_run
from tests.own import MODELS, images


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits_fc", "digits_cnn", "digits_resnet"])
def test_batches_change_no_bit(name: str) -> None:
    net, x = fxsim.load(MODELS / f"{name}.tflite"), images(name, 5)
    whole, parts = fake_quant(net, x), [fake_quant(net, x[:2]), fake_quant(net, x[2:])]
    for tensor, array in whole.items():
        assert array.dtype == np.float32
        assert np.array_equal(array, np.concatenate([part[tensor] for part in parts])), tensor
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


def test_bias_must_be_known() -> None:
    with pytest.raises(InputError, match="float, grid"):
        fake_quant(fxsim.gemm(2, 3, 4), np.zeros((1, 2, 3), np.int8), bias="int8")
