"""MobileNetV1 from the builder: the published sizes, and simulator, golden and LiteRT agree on it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import GraphError
from fxsim.api import differences, random_samples
from fxsim.formats import write_tflite
from fxsim.graph import Network
from fxsim.hw import presets
from fxsim.ops import OPERATORS, validate
from fxsim.oracle import golden
from fxsim.runtimes import run_litert
from fxsim.testing import mobilenet_v1
from tests.given import require_oracles
from tests.tally import RecordProperty, tally

PUBLISHED = {(1.0, 224): (3_185_088, 567_716_352), (0.75, 128): (1_800_144, 106_002_432)}
"""Weights and MACs of the convolutions: the tables in TensorFlow's research/slim/nets/mobilenet_v1.py."""
DEPTHWISE = [3_612_672, 1_806_336, 3_612_672, 903_168, 1_806_336, 451_584, *[903_168] * 5, 225_792, 451_584]
"""MACs of the depthwise layers of (1.0, 224), the same source."""


def macs(net: Network, op: str) -> list[int]:
    return [OPERATORS[op].macs(net, node) for node in net.nodes if node.op == op]


def conv_weights(net: Network) -> int:
    return sum(net.values[node.inputs[1]].type.size for node in net.nodes if "CONV" in node.op)


@pytest.mark.parametrize(("width", "size"), PUBLISHED)
def test_weights_and_macs_are_the_published_ones(width: float, size: int) -> None:
    net = mobilenet_v1(width, size)
    validate(net)
    convolutions = macs(net, "CONV_2D") + macs(net, "DEPTHWISE_CONV_2D")
    assert (conv_weights(net), sum(convolutions)) == PUBLISHED[width, size]
    assert macs(net, "FULLY_CONNECTED") == [int(1024 * width) * 1000]


def test_layers_of_the_full_size() -> None:
    """28 layers with weights; 568,740,352 MACs in all, with the classifier's 1,024,000."""
    net = mobilenet_v1()
    assert Counter(node.op for node in net.nodes) == {
        "CONV_2D": 14,
        "DEPTHWISE_CONV_2D": 13,
        "AVERAGE_POOL_2D": 1,
        "RESHAPE": 1,
        "FULLY_CONNECTED": 1,
        "SOFTMAX": 1,
    }
    assert macs(net, "DEPTHWISE_CONV_2D") == DEPTHWISE
    assert sum(OPERATORS[node.op].macs(net, node) for node in net.nodes) == 568_740_352
    assert net.values[net.inputs[0]].type.shape == (1, 224, 224, 3)
    assert net.values[net.outputs[0]].type.shape == (1, 1000)


def test_channels_never_fall_below_eight() -> None:
    net = mobilenet_v1(0.1, 32)
    shapes = [net.values[node.outputs[0]].type.shape for node in net.nodes if node.op == "CONV_2D"]
    assert [shape[3] for shape in shapes] == [8, 8, 12, 12, 25, 25, *[51] * 6, 102, 102]


def test_it_is_the_same_network_every_time() -> None:
    assert write_tflite(mobilenet_v1(0.25, 32)) == write_tflite(mobilenet_v1(0.25, 32))


@pytest.mark.parametrize(
    ("width", "size", "message"),
    [
        (0.0, 224, "width must be positive and finite, not 0.0"),
        (float("nan"), 224, "width must be positive and finite, not nan"),
        (1.0, 0, "size must be a positive multiple of 32, not 0"),
        (1.0, 100, "size must be a positive multiple of 32, not 100"),
    ],
)
def test_impossible_sizes(width: float, size: int, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        mobilenet_v1(width, size)


def test_random_images_use_the_range_of_every_tensor() -> None:
    """Nothing is all zero or all saturated: timing work runs on plausible codes."""
    net = mobilenet_v1(0.25, 96)
    tensors = golden(net, random_samples(net, seed=1))
    for node in net.nodes[:-1]:
        codes = tensors[net.values[node.outputs[0]].name]
        assert len(np.unique(codes)) > 64, node.name
        assert np.isin(codes, (-128, 127)).mean() < 0.75, node.name


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
def test_simulator_equals_golden_on_every_tensor(preset: str) -> None:
    compare(mobilenet_v1(0.25, 32), fxsim.Hardware.load(preset))


@pytest.mark.slow
def test_simulator_equals_golden_at_full_size() -> None:
    compare(mobilenet_v1(), fxsim.Hardware.load("edge-16x16"))


def compare(net: Network, hw: fxsim.Hardware) -> None:
    x = random_samples(net, seed=2)
    result = fxsim.run(net, x, hw=hw, keep="all")
    for numerics in (hw.numerics, None):
        rows = differences(fxsim.golden(net, x, numerics=numerics), result.tensors)
        assert len(rows) == len(net.nodes) + 1
        assert sum(row.mismatches for row in rows) == 0
    assert result.macs == sum(OPERATORS[node.op].macs(net, node) for node in net.nodes)


@pytest.mark.oracle
def test_litert_agrees_on_every_tensor(record_property: RecordProperty) -> None:
    require_oracles()
    net = mobilenet_v1(0.25, 96)
    x = random_samples(net, seed=3)["image"]
    computed = [index for node in net.nodes for index in node.outputs]
    tensors = golden(net.with_profile("litert"), x)
    for index, theirs in run_litert(write_tflite(net), {net.inputs[0]: x[:, None]}, computed).items():
        name = net.values[index].name
        assert np.count_nonzero(tensors[name] != theirs.reshape(tensors[name].shape)) == 0, name
        tally(record_property, "litert", theirs.size)
