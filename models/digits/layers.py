"""The float networks: layers, architectures, and batch normalization folded into the convolution before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTIVATIONS = {"NONE": nn.Identity(), "RELU": nn.ReLU(), "RELU6": nn.ReLU6()}


@dataclass(frozen=True)
class Layer:
    """One float layer: `kind` conv, depthwise, fc, maxpool, avgpool, flatten, add or mean, and its module.

    It reads the layer before it; `other` names the layer whose output an add reads besides.
    """

    kind: str
    name: str
    module: nn.Module
    activation: str = "NONE"
    other: str = ""

    def __call__(self, *operands: torch.Tensor) -> torch.Tensor:
        return ACTIVATIONS[self.activation](self.module(*operands))


class SameConv2d(nn.Conv2d):
    """A convolution padded as TFLite's SAME: the odd row and column at the bottom right; sides divide by the stride."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = self.kernel_size[0] - self.stride[0]
        return super().forward(nn.functional.pad(x, (total // 2, total - total // 2) * 2))


class Sum(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b


class GlobalMean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def plain_networks() -> dict[str, list[Layer]]:
    """The two networks without branches, freshly initialised."""
    return {
        "digits_fc": [
            Layer("fc", "dense1", nn.Linear(64, 64), "RELU"),
            Layer("fc", "dense2", nn.Linear(64, 32), "RELU"),
            Layer("fc", "logits", nn.Linear(32, 10)),
        ],
        "digits_cnn": [
            Layer("conv", "conv1", nn.Conv2d(1, 24, 3, padding=1), "RELU"),
            Layer("conv", "conv2", nn.Conv2d(24, 48, 3, padding=1), "RELU"),
            Layer("maxpool", "pool1", nn.MaxPool2d(2)),
            Layer("conv", "conv3", nn.Conv2d(48, 64, 3, padding=1), "RELU"),
            Layer("avgpool", "pool2", nn.AvgPool2d(4)),
            Layer("flatten", "flat", nn.Flatten()),
            Layer("fc", "logits", nn.Linear(64, 10)),
        ],
    }


def residual_network() -> list[Layer]:
    """digits_resnet, freshly initialised: a stem, seven depthwise separable blocks, global mean, classifier."""
    layers = [Layer("conv", "stem", normalized(1, 16, 3), "RELU6")]
    for number, (channels, out, stride) in enumerate(
        [(16, 32, 1), (32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 64, 1)], 1
    ):
        layers += block(number, channels, out, stride, layers[-1].name)
    return [*layers, Layer("mean", "mean", GlobalMean()), Layer("fc", "logits", nn.Linear(64, 10))]


def block(number: int, channels: int, out: int, stride: int, source: str) -> list[Layer]:
    """Depthwise and pointwise convolution; where the shape stays, their input is added and the sum rectified."""
    spatial = Layer("depthwise", f"depthwise{number}", normalized(channels, channels, 3, stride, channels), "RELU6")
    pointwise = Layer("conv", f"pointwise{number}", normalized(channels, out, 1))
    if channels != out:
        return [spatial, replace(pointwise, activation="RELU6")]
    return [spatial, pointwise, Layer("add", f"add{number}", Sum(), "RELU", other=source)]


def normalized(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution without bias, and batch normalization."""
    return nn.Sequential(SameConv2d(channels, out, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(out))


def fold(layers: list[Layer]) -> list[Layer]:
    """The same layers for inference: every batch normalization inside its convolution's weights and bias."""
    return [
        replace(layer, module=fuse_conv_bn_eval(*layer.module.eval()))
        if isinstance(layer.module, nn.Sequential)
        else layer
        for layer in layers
    ]


def walk(layers: list[Layer], x: torch.Tensor) -> Iterator[tuple[Layer, torch.Tensor]]:
    """Every layer with its output, kept only for the layer that adds it."""
    added = {layer.other for layer in layers}
    kept: dict[str, torch.Tensor] = {}
    for layer in layers:
        x = layer(x, kept.pop(layer.other)) if layer.other else layer(x)
        if layer.name in added:
            kept[layer.name] = x
        yield layer, x


def forward(layers: list[Layer], x: torch.Tensor) -> torch.Tensor:
    """Logits."""
    for _, output in walk(layers, x):
        x = output
    return x
