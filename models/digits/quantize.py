"""Post-training quantization of the float networks to int8, with fxsim's graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from layers import Layer, walk

from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import OPERATORS

if TYPE_CHECKING:
    import torch

POOLS = {"maxpool": "MAX_POOL_2D", "avgpool": "AVERAGE_POOL_2D"}
LAYOUTS = {
    "conv": ("CONV_2D", (0, 2, 3, 1), 0),
    "depthwise": ("DEPTHWISE_CONV_2D", (1, 2, 3, 0), 3),
    "fc": ("FULLY_CONNECTED", (0, 1), 0),
}
"""By kind: operator, how the weights' dimensions are permuted, and the dimension of the output channels then."""


def quantize(name: str, layers: list[Layer], calibration: torch.Tensor) -> Network:
    """Min-max activations over the calibration images; weights per channel, -127..127; int32 biases."""
    quantizer = Quantizer(name, nhwc(calibration))
    for layer, values in walk(layers, calibration):
        quantizer.add(layer, nhwc(values))
    return quantizer.finish()


def activation_affine(values: np.ndarray) -> Affine:
    """Min-max int8 parameters that represent zero exactly."""
    lo, hi = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = np.float32((hi - lo) / 255)
    return Affine(scale, int(np.clip(round(-128 - lo / float(scale)), -128, 127)))


def nhwc(x: torch.Tensor) -> np.ndarray:
    """NumPy view with channels last."""
    values = x.detach().numpy()
    return values.transpose(0, 2, 3, 1) if values.ndim == 4 else values


class Quantizer:
    """Builds the int8 network layer by layer from the float layers and what they gave for the calibration images."""

    def __init__(self, name: str, calibration: np.ndarray) -> None:
        self.name = name
        self.values: list[Value] = []
        self.nodes: list[Node] = []
        self.found: dict[str, int] = {}
        self.last = self._activation("image", (1, *calibration.shape[1:]), activation_affine(calibration))

    def add(self, layer: Layer, values: np.ndarray) -> None:
        """Append one layer; `values` are its float outputs."""
        shape = (1, *values.shape[1:])
        if layer.kind in LAYOUTS:
            self._mac(layer, shape, activation_affine(values))
        elif layer.kind == "add":
            operands = (self.last, self.found[layer.other])
            self._node("ADD", layer.name, operands, shape, activation_affine(values), activation=layer.activation)
        elif layer.kind == "mean":
            axes = self._constant(f"{layer.name}/axes", np.array([1, 2], np.int32))
            self._node("MEAN", layer.name, (self.last, axes), shape, activation_affine(values), keep_dims=0)
        elif layer.kind == "flatten":
            target = self._constant(f"{layer.name}/shape", np.array(shape, np.int32))
            self._node("RESHAPE", layer.name, (self.last, target), shape, self._quant, new_shape=shape)
        else:
            size = int(layer.module.kernel_size)  # type: ignore[arg-type]
            attrs = {"padding": "VALID", "stride_h": size, "stride_w": size, "filter_h": size, "filter_w": size}
            self._node(POOLS[layer.kind], layer.name, (self.last,), shape, self._quant, **attrs)

    def finish(self) -> Network:
        """Append SOFTMAX and check the whole network."""
        shape = self.values[self.last].type.shape
        self._node("SOFTMAX", "probabilities", (self.last,), shape, Affine(np.float32(1 / 256), -128), beta=1.0)
        return build(self.name, self.values, self.nodes, (0,), (self.last,))

    @property
    def _quant(self) -> Affine:
        quant = self.values[self.last].type.quant
        assert quant is not None
        return quant

    def _mac(self, layer: Layer, shape: tuple[int, ...], quant: Affine) -> None:
        op, permutation, axis = LAYOUTS[layer.kind]
        weight = layer.module.weight.detach().numpy().astype(np.float64).transpose(permutation)
        bias_real = layer.module.bias.detach().numpy().astype(np.float64)
        others = tuple(i for i in range(weight.ndim) if i != axis)
        # a dead channel's scale is kept large enough for its bias code to stay below 2^15
        least = np.maximum(np.abs(bias_real), 1e-6) / float(self._quant.scale[0]) / 2**15
        scale = np.maximum(np.abs(weight).max(axis=others) / 127, least).astype(np.float32)
        codes = np.clip(np.rint(weight / np.expand_dims(scale, others)), -127, 127).astype(np.int8)
        bias_scale = (self._quant.scale.astype(np.float64) * scale).astype(np.float32)
        bias = np.rint(bias_real / bias_scale.astype(np.float64)).astype(np.int32)
        w = self._constant(f"{layer.name}/weights", codes, Affine(scale, 0, axis=axis))
        b = self._constant(f"{layer.name}/bias", bias, Affine(bias_scale, 0, axis=0))
        attrs: dict[str, Any] = {"activation": layer.activation}
        if layer.kind != "fc":
            stride_h, stride_w = layer.module.stride  # type: ignore[misc]
            attrs |= {"stride_h": stride_h, "stride_w": stride_w, "padding": "SAME"}
        self._node(op, layer.name, (self.last, w, b), shape, quant, **attrs)

    def _node(
        self, op: str, name: str, operands: tuple[int, ...], shape: tuple[int, ...], quant: Affine, **attrs: Any
    ) -> None:
        self.last = self.found[name] = self._activation(name, shape, quant)
        self.nodes.append(Node(op, name, operands, (self.last,), OPERATORS[op].attrs(**attrs)))

    def _activation(self, name: str, shape: tuple[int, ...], quant: Affine) -> int:
        self.values.append(Value(name, TensorType(shape, DType.INT8, quant)))
        return len(self.values) - 1

    def _constant(self, name: str, data: np.ndarray, quant: Affine | None = None) -> int:
        self.values.append(Value(name, TensorType(data.shape, DType(data.dtype.name), quant), data))
        return len(self.values) - 1
