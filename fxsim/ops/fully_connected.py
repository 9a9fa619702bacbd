"""FULLY_CONNECTED: a matrix times every vector of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.ops.accumulate import run_mac, run_mac_float
from fxsim.ops.base import ACTIVATIONS, Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems
from fxsim.ops.mac import window_of
from fxsim.ops.weights import WeightRule, check_mac_operands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """Attributes; `keep_num_dims` (0 or 1): the output keeps the input's leading dimensions."""

    activation: str = "NONE"
    keep_num_dims: int = 0
    weights_format: str = "DEFAULT"


@operator
class FullyConnectedOperator(Operator):
    """y = requantize(b + sum (w - zw) * (x - zx)); x of V * K elements, w [N, K], b [N], y [V, N]."""

    name = "FULLY_CONNECTED"
    attrs = FullyConnected
    tflite = TfliteHook(
        "FULLY_CONNECTED",
        "FullyConnectedOptions",
        (
            OptionField("activation", "FusedActivationFunction", "enum", ACTIVATIONS),
            OptionField("weights_format", "WeightsFormat", "enum", ("DEFAULT", "SHUFFLED4x16INT8")),
            OptionField("keep_num_dims", "KeepNumDims", "bool"),
        ),
        version=4,
    )

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, shapes, element counts."""
        found = Problems()
        found.expect(
            node.attrs.weights_format == "DEFAULT", f"weights_format must be DEFAULT, not {node.attrs.weights_format}"
        )
        if not check_mac_operands(found, net, node, WeightRule(rank=2, axis=0, asymmetric=True)):
            return found
        x, depth = net.values[node.inputs[0]].type, net.values[node.inputs[1]].type.shape[1]
        if node.attrs.keep_num_dims:
            found.expect(x.shape[-1:] == (depth,), f"input must have last dimension {depth}, not shape {x.shape}")
        else:
            found.expect(x.size % depth == 0, f"input must have a multiple of {depth} elements, not shape {x.shape}")
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return (V, N), or the input's leading dimensions and N."""
        x = net.values[node.inputs[0]].type.shape
        channels = net.values[node.inputs[1]].type.shape[0]
        leading = x[:-1] if node.attrs.keep_num_dims else (window_of(net, node).positions,)
        return ((*leading, channels),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:
        """Accumulate exactly, requantize."""
        return run_mac(net, node, inputs, numerics)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Sum the products one by one, then the bias."""
        return run_mac_float(net, node, inputs)

    def macs(self, net: Network, node: Node) -> int:
        """Count outputs times K."""
        return window_of(net, node).macs(net.values[node.inputs[1]].type.shape[0])
