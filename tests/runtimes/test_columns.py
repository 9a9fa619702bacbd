"""Runtimes as check columns."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError, MissingDependencyError
from fxsim.runtimes import COLUMNS, runtime_column
from tests.own import MODELS, images


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(InputError, match="litert, litert-optimized, xnnpack, tflm"):
        runtime_column(fxsim.gemm(2, 3, 4), "abacus")


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.parametrize(("profile", "equal"), [("litert", "litert"), ("tflite", "tflm")])
def test_the_profile_is_its_runtime(profile: str, equal: str) -> None:
    net, x = fxsim.load(MODELS / "digits_cnn.tflite", profile=profile), images("digits_cnn", 20)
    found = fxsim.compare(net, x, runtimes=list(COLUMNS))
    assert found.runtimes == tuple(COLUMNS)
    assert all(layer.runtimes[equal] == 0 for layer in found.layers)
    assert all(set(layer.runtimes) == set(COLUMNS) for layer in found.layers)
    assert found.layers["conv2"].runtimes["xnnpack"] > 0


@pytest.mark.oracle
def test_the_delegate_shows_what_an_interpreter_gives() -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = MODELS / "digits_fc.tflite"
    net, x = fxsim.load(path), images("digits_fc", 30)
    codes = fxsim.golden(net, x)["image"]
    shown = runtime_column(net, "xnnpack")({"image": codes})
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    expected = []
    for sample in codes:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        expected.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    assert set(shown) == {node.name for node in net.nodes}
    assert np.array_equal(shown["probabilities"], np.stack(expected))


def test_a_missing_wheel_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(MissingDependencyError, match="oracles"):
        fxsim.compare(fxsim.gemm(2, 3, 4), np.zeros((1, 1), np.int8), runtimes=["tflm"])
