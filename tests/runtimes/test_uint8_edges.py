"""Networks with uint8 inputs and outputs around int8, as converters write them: every tensor, both runtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError
from fxsim.cli import main
from fxsim.formats import read_tflite, write_tflite
from fxsim.graph import DType
from fxsim.hw import Hardware
from fxsim.runtimes import LITERT, TFLM, Runtime, count_mismatches
from fxsim.testing import Chain
from tests.given import require_oracles
from tests.lowering.running import check_bits
from tests.tally import RecordProperty, tally

if TYPE_CHECKING:
    from pathlib import Path

    from fxsim.graph import Network


def pixels(*shape: int) -> Chain:
    return Chain(shape, scale=1 / 255, zero_point=0, dtype=DType.UINT8)


def classifier() -> Network:
    """Pixels to probabilities; both casts keep the scale, so they flip the sign bit."""
    chain = pixels(1, 10, 12, 3).quantize(DType.INT8, 1 / 255, -128)
    chain.conv(8, stride_h=2, activation="RELU6").depthwise(1, activation="RELU").mean(1, 2).dense(5)
    return chain.softmax().quantize(DType.UINT8, 1 / 256, 0).build()


def regression() -> Network:
    """Another scale at both ends, a view before the first cast and one after the last."""
    chain = Chain((1, 240), scale=0.031, zero_point=140, dtype=DType.UINT8).reshape(1, 6, 10, 4)
    chain.quantize(DType.INT8, 0.047, 9).conv(6, activation="NONE").activation("TANH").pool("AVERAGE", stride_h=2)
    chain.conv(3, (1, 1)).activation("RELU", (0.11, -100)).quantize(DType.UINT8, 0.23, 17)
    return chain.reshape(1, -1).build()


def gates() -> Network:
    """Two casts in front, the second from int8 to int8."""
    chain = pixels(1, 7, 7, 5).quantize(DType.INT8, 1 / 128, -64).quantize(DType.INT8, 1 / 64, -40)
    return chain.activation("LOGISTIC").mean(-1, keep_dims=1).quantize(DType.UINT8, 0.0047, 3).build()


NETWORKS = {"classifier": classifier(), "regression": regression(), "gates": gates()}
EACH = pytest.mark.parametrize("name", NETWORKS)


def samples(net: Network, count: int = 16) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    shape = net.values[net.inputs[0]].type.shape
    drawn = np.random.default_rng(5).integers(0, 256, (count, *shape), dtype=np.uint8)
    drawn[0], drawn[1] = 0, 255
    return drawn


@pytest.mark.oracle
@EACH
@pytest.mark.parametrize(("profile", "runtime"), [("tflite", TFLM), ("litert", LITERT)], ids=["tflite", "litert"])
def test_every_tensor_equals_the_runtime(
    name: str, profile: str, runtime: Runtime, record_property: RecordProperty
) -> None:
    require_oracles()
    net = NETWORKS[name]
    model = write_tflite(net)
    read = read_tflite(model).with_profile(profile)
    elements, mismatches = count_mismatches(read, model, {net.inputs[0]: samples(net)}, runtime)
    assert mismatches == 0
    assert elements == 16 * sum(net.values[i].type.size for node in net.nodes for i in node.outputs)
    tally(record_property, profile, elements)


@EACH
@pytest.mark.parametrize("preset", ["edge-16x16", "paper-4x4"])
def test_the_machine_equals_golden(name: str, preset: str) -> None:
    net, x = NETWORKS[name], samples(NETWORKS[name], 3)[:, 0]
    result = fxsim.run(net, x, hw=preset, keep="all")
    expected = fxsim.golden(net, x)
    for tensor, codes in result.tensors.items():
        np.testing.assert_array_equal(codes, expected[tensor])
    (output,) = result.output_names
    assert result.outputs[output].dtype == np.uint8


@EACH
def test_instructions_on_a_tiny_machine(name: str) -> None:
    check_bits(NETWORKS[name], Hardware(rows=3, cols=4, acc_depth=4, act_spad_bytes=300, weight_spad_bytes=300))


def test_reals_are_quantized_and_int8_samples_refused() -> None:
    net, x = NETWORKS["classifier"], samples(NETWORKS["classifier"], 2)[:, 0]
    exact = fxsim.golden(net, x)["t6"]
    np.testing.assert_array_equal(fxsim.golden(net, x / np.float32(255))["t6"], exact)
    with pytest.raises(InputError, match=r"dtype must be uint8 or floating, not 'int8; convert int8 codes with"):
        fxsim.golden(net, x.astype(np.int8))


def test_the_command_line_takes_uint8_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, model, file = NETWORKS["classifier"], tmp_path / "edges.tflite", tmp_path / "x.npy"
    model.write_bytes(write_tflite(net))
    x = samples(net, 6)[:, 0]
    np.save(file, x)
    labels = tmp_path / "y.npy"
    np.save(labels, fxsim.golden(net, x)["t6"].argmax(axis=1))
    saved = tmp_path / "result.npz"
    assert main(["run", str(model), "--input", str(file), "--labels", str(labels), "--output", str(saved)]) == 0
    out = capsys.readouterr().out
    assert "accuracy      100.00 % (6 of 6)" in out
    assert out.count(": 0 of ") == 2
    assert fxsim.Result.load(saved).outputs["t6"].dtype == np.uint8
    assert main(["run", str(model), "--random", "3", "--samples", "2", "--hw", "paper-4x4"]) == 0
    np.save(file, x.astype(np.int8))
    assert main(["run", str(model), "--input", str(file)]) == 2
    assert "dtype must be uint8 or floating, not 'int8; convert int8 codes with" in capsys.readouterr().err
