"""What `models/digits/README.md` says about our networks, and the upsampled images, recomputed."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

import fxsim
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS
from tests.own import CARD, MODELS, images

README = (MODELS / "README.md").read_text(encoding="utf-8")


def row(name: str) -> list[str]:
    """Cells of the network's row in the README's first table."""
    (line,) = re.findall(rf"^\| `{name}\.tflite` \|.*$", README, re.MULTILINE)
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", sorted(CARD))
def test_figures_of_the_table(name: str) -> None:
    net = fxsim.load(MODELS / f"{name}.tflite")
    macs = sum(OPERATORS[node.op].macs(net, node) for node in net.nodes)
    percent = [f"{100 * CARD[name][which]:.1f} %" for which in ("float_accuracy", "int8_accuracy")]
    assert row(name)[2:5] == [f"{macs:,}", *percent]


@pytest.mark.parametrize("name", sorted(CARD))
def test_layers_of_the_table(name: str) -> None:
    counted = Counter(node.op for node in fxsim.load(MODELS / f"{name}.tflite").nodes)
    listed = re.findall(r"(?:(\d+) . )?([A-Z0-9_]+)", row(name)[1])
    assert {op: int(count or 1) for count, op in listed} == counted


def test_nodes_of_the_residual_network_are_the_listed_ones() -> None:
    net = fxsim.load(MODELS / "digits_resnet.tflite")
    listed = re.findall(r"^\| (\d+) \| `(\w+)` \| (\w+) \| (.*) \| (\w*) ?\| ([\dx]+) \|$", README, re.MULTILINE)
    for (index, name, op, reads, fused, shape), (i, node) in zip(listed, enumerate(net.nodes), strict=True):
        operands = [v.name for v in net.operands(node) if v is not None and not v.is_constant]
        assert (int(index), name, op) == (i, node.name, node.op)
        assert re.findall(r"`(\w+)`", reads) == operands
        assert (fused or "NONE") == getattr(node.attrs, "activation", "NONE")
        assert [int(d) for d in shape.split("x")] == list(net.results(node)[0].type.shape[1:])
    assert len(net.nodes) == 23


def test_adds_of_the_residual_network_rescale() -> None:
    """Both operands and the sum have scales and zero points of their own: nothing is a plain integer sum."""
    net = fxsim.load(MODELS / "digits_resnet.tflite")
    adds = [node for node in net.nodes if node.op == "ADD"]
    assert len(adds) == 5
    for node in adds:
        kinds = [net.values[i].type.quant for i in (*node.inputs, *node.outputs)]
        assert len({float(q.scale[0]) for q in kinds if isinstance(q, Affine)}) == 3, node.name


def test_upsampled_images_are_the_evaluation_images() -> None:
    """Bilinear by 2 in integers: weights 9, 3, 3, 1 of 16 on codes 0..16, then quantized as the network's input."""
    codes = (images("digits_cnn")[..., 0] * 16).astype(int)
    assert np.array_equal(codes / 16, images("digits_cnn")[..., 0])
    padded = np.pad(codes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    sums = np.zeros((len(codes), 16, 16), int)
    for dy in (0, 1):
        for dx in (0, 1):
            near, beside = padded[:, 1:9, 1:9], padded[:, 2 * dy : 2 * dy + 8, 1:9]
            right, corner = padded[:, 1:9, 2 * dx : 2 * dx + 8], padded[:, 2 * dy : 2 * dy + 8, 2 * dx : 2 * dx + 8]
            sums[:, dy::2, dx::2] = 9 * near + 3 * beside + 3 * right + corner
    quant = fxsim.load(MODELS / "digits_resnet.tflite").values[0].type.quant
    assert quant is not None
    expected = np.rint(sums / 256 / float(quant.scale[0])).astype(int) + int(quant.zero_point[0])
    stored = images("digits_resnet")
    assert stored.dtype == np.int8
    assert np.array_equal(stored[..., 0], expected)
