"""Train, quantize and write the two digit networks: ``python models/digits/train.py`` (extra: train).

Data: UCI "Optical Recognition of Handwritten Digits" as shipped with scikit-learn (1,797 images, 8 x 8, codes 0..16).
The first 1,297 images train and calibrate, the last 500 evaluate (the data set's own order: other writers at the end).
Everything is seeded and single-threaded; the files' hashes stand in README.md beside this script.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from fxsim.formats.tflite import write_tflite
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import Conv2D, FullyConnected, Pool, Reshape, Softmax
from fxsim.oracle import golden

HERE = Path(__file__).resolve().parent
TRAIN = 1297
SEED = 20
POOLS = {"maxpool": "MAX_POOL_2D", "avgpool": "AVERAGE_POOL_2D"}
EPOCHS = {"digits_fc": 60, "digits_cnn": 60}


@dataclass
class Layer:
    """One float layer: `kind` conv, fc, maxpool, avgpool or flatten, and its module."""

    kind: str
    name: str
    module: nn.Module
    relu: bool = False

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y = self.module(x)
        return torch.relu(y) if self.relu else y


def networks() -> dict[str, list[Layer]]:
    """The two architectures, freshly initialised."""
    return {
        "digits_fc": [
            Layer("fc", "dense1", nn.Linear(64, 64), relu=True),
            Layer("fc", "dense2", nn.Linear(64, 32), relu=True),
            Layer("fc", "logits", nn.Linear(32, 10)),
        ],
        "digits_cnn": [
            Layer("conv", "conv1", nn.Conv2d(1, 24, 3, padding=1), relu=True),
            Layer("conv", "conv2", nn.Conv2d(24, 48, 3, padding=1), relu=True),
            Layer("maxpool", "pool1", nn.MaxPool2d(2)),
            Layer("conv", "conv3", nn.Conv2d(48, 64, 3, padding=1), relu=True),
            Layer("avgpool", "pool2", nn.AvgPool2d(4)),
            Layer("flatten", "flat", nn.Flatten()),
            Layer("fc", "logits", nn.Linear(64, 10)),
        ],
    }


def train(layers: list[Layer], x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
    """Adam on cross entropy; images are shifted, rotated and scaled a little."""
    parameters = [p for layer in layers for p in layer.module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(32):
            images = x[batch]
            if images.dim() == 4:
                images = jitter(images)
            loss = nn.functional.cross_entropy(forward(layers, images), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()


def jitter(images: torch.Tensor) -> torch.Tensor:
    """Random small affine maps, bilinear, zeros outside."""
    n = len(images)
    angle, zoom = 0.2 * (2 * torch.rand(n) - 1), 1 + 0.15 * (2 * torch.rand(n) - 1)
    shift = 0.15 * (2 * torch.rand(n, 2) - 1)
    cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
    maps = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = nn.functional.affine_grid(maps, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, align_corners=False)


def forward(layers: list[Layer], x: torch.Tensor) -> torch.Tensor:
    """Logits."""
    for layer in layers:
        x = layer(x)
    return x


def activation_affine(values: np.ndarray) -> Affine:
    """Min-max int8 parameters that represent zero exactly."""
    lo, hi = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = np.float32((hi - lo) / 255)
    return Affine(scale, int(np.clip(round(-128 - lo / float(scale)), -128, 127)))


class Quantizer:
    """Builds the int8 network layer by layer from the float layers and calibration images."""

    def __init__(self, name: str, sample_shape: tuple[int, ...], calibration: np.ndarray) -> None:
        self.name = name
        self.values: list[Value] = []
        self.nodes: list[Node] = []
        self.last = self._activation("image", sample_shape, activation_affine(calibration))

    def _add(self, value: Value) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def _activation(self, name: str, shape: tuple[int, ...], quant: Affine) -> int:
        return self._add(Value(name, TensorType(shape, DType.INT8, quant)))

    def _node(
        self, op: str, name: str, operands: tuple[int, ...], shape: tuple[int, ...], quant: Affine, attrs: Any
    ) -> None:
        out = self._activation(name, shape, quant)
        self.nodes.append(Node(op, name, operands, (out,), attrs))
        self.last = out

    def mac(self, layer: Layer, shape: tuple[int, ...], quant: Affine) -> None:
        """CONV_2D or FULLY_CONNECTED: symmetric per-channel weights in -127..127, int32 bias."""
        weight = layer.module.weight.detach().numpy().astype(np.float64)
        weight = weight.transpose(0, 2, 3, 1) if layer.kind == "conv" else weight
        axes = tuple(range(1, weight.ndim))
        bias_real = layer.module.bias.detach().numpy().astype(np.float64)
        x_quant = self.values[self.last].type.quant
        assert x_quant is not None
        # a dead channel's scale is kept large enough for its bias code to stay below 2^15
        least = np.maximum(np.abs(bias_real), 1e-6) / float(x_quant.scale[0]) / 2**15
        scale = np.maximum(np.abs(weight).max(axis=axes) / 127, least).astype(np.float32)
        codes = np.clip(np.rint(weight / scale.reshape(-1, *[1] * len(axes))), -127, 127).astype(np.int8)
        bias_scale = (x_quant.scale.astype(np.float64) * scale).astype(np.float32)
        bias = np.rint(bias_real / bias_scale.astype(np.float64)).astype(np.int32)
        w = self._add(
            Value(f"{layer.name}/weights", TensorType(codes.shape, DType.INT8, Affine(scale, 0, axis=0)), codes)
        )
        b = self._add(
            Value(f"{layer.name}/bias", TensorType(bias.shape, DType.INT32, Affine(bias_scale, 0, axis=0)), bias)
        )
        activation = "RELU" if layer.relu else "NONE"
        if layer.kind == "conv":
            attrs: Any = Conv2D(
                stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, padding="SAME", activation=activation
            )
            self._node("CONV_2D", layer.name, (self.last, w, b), shape, quant, attrs)
        else:
            attrs = FullyConnected(activation=activation, keep_num_dims=False)
            self._node("FULLY_CONNECTED", layer.name, (self.last, w, b), shape, quant, attrs)

    def pool(self, layer: Layer, shape: tuple[int, ...]) -> None:
        """Pooling keeps the parameters of its input."""
        quant = self.values[self.last].type.quant
        assert quant is not None
        size = int(layer.module.kernel_size)  # type: ignore[arg-type]
        attrs = Pool(padding="VALID", stride_h=size, stride_w=size, filter_h=size, filter_w=size, activation="NONE")
        self._node(POOLS[layer.kind], layer.name, (self.last,), shape, quant, attrs)

    def flatten(self, layer: Layer, shape: tuple[int, ...]) -> None:
        """RESHAPE to (1, features)."""
        quant = self.values[self.last].type.quant
        assert quant is not None
        target = self._add(Value(f"{layer.name}/shape", TensorType((2,), DType.INT32), np.array(shape, np.int32)))
        self._node("RESHAPE", layer.name, (self.last, target), shape, quant, Reshape(new_shape=shape))

    def finish(self) -> Network:
        """Append SOFTMAX and check the whole network."""
        shape = self.values[self.last].type.shape
        self._node(
            "SOFTMAX", "probabilities", (self.last,), shape, Affine(np.float32(1 / 256), -128), Softmax(beta=1.0)
        )
        return build(self.name, self.values, self.nodes, (0,), (self.last,))


def quantize(name: str, layers: list[Layer], calibration: torch.Tensor) -> Network:
    """Post-training quantization with min-max activations over the calibration images."""
    x = calibration
    shape = nhwc(x).shape[1:]
    quantizer = Quantizer(name, (1, *shape), nhwc(x))
    for layer in layers:
        x = layer(x)
        values = nhwc(x)
        out = (1, *values.shape[1:])
        if layer.kind in ("conv", "fc"):
            quantizer.mac(layer, out, activation_affine(values))
        elif layer.kind == "flatten":
            quantizer.flatten(layer, out)
        else:
            quantizer.pool(layer, out)
    return quantizer.finish()


def nhwc(x: torch.Tensor) -> np.ndarray:
    """NumPy view with channels last."""
    values = x.detach().numpy()
    return values.transpose(0, 2, 3, 1) if values.ndim == 4 else values


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    np.save(HERE / "x_eval.npy", images[TRAIN:, :, :, None])
    np.save(HERE / "x_eval_flat.npy", images[TRAIN:].reshape(-1, 64))
    np.save(HERE / "y_eval.npy", labels[TRAIN:].astype(np.int8))
    cards = {}
    for name, epochs in EPOCHS.items():
        torch.manual_seed(SEED)
        layers = networks()[name]
        x = torch.from_numpy(images[:, None] if "cnn" in name else images.reshape(-1, 64))
        train(layers, x[:TRAIN], torch.from_numpy(labels[:TRAIN]), epochs)
        with torch.no_grad():
            float_accuracy = float((forward(layers, x[TRAIN:]).argmax(1).numpy() == labels[TRAIN:]).mean())
            network = quantize(name, layers, x[:TRAIN])
        data = write_tflite(network)
        (HERE / f"{name}.tflite").write_bytes(data)
        codes = golden(network, nhwc(x[TRAIN:]))["probabilities"]
        cards[name] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "float_accuracy": float_accuracy,
            "int8_accuracy": float((codes.argmax(1) == labels[TRAIN:]).mean()),
        }
    (HERE / "card.json").write_text(json.dumps(cards, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(cards, indent=1))


if __name__ == "__main__":
    main()
