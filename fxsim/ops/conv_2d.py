"""CONV_2D: every output channel reads all input channels of its window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.ops.accumulate import run_mac, run_mac_float
from fxsim.ops.base import ACTIVATIONS, PADDINGS, Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems
from fxsim.ops.mac import window_of
from fxsim.ops.weights import WeightRule, check_mac_operands
from fxsim.ops.windows import check_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class Conv2D:
    """Attributes; `padding` is SAME or VALID, `activation` a fused activation."""

    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    padding: str = "SAME"
    activation: str = "NONE"


@operator
class Conv2DOperator(Operator):
    """y = requantize(b + sum w * (x - zx)); x [B, H, W, C], w [N, kh, kw, C], b [N], y [B, OH, OW, N]."""

    name = "CONV_2D"
    attrs = Conv2D
    tflite = TfliteHook(
        "CONV_2D",
        "Conv2DOptions",
        (
            OptionField("padding", "Padding", "enum", PADDINGS),
            OptionField("stride_w", "StrideW"),
            OptionField("stride_h", "StrideH"),
            OptionField("activation", "FusedActivationFunction", "enum", ACTIVATIONS),
            OptionField("dilation_w", "DilationWFactor"),
            OptionField("dilation_h", "DilationHFactor"),
        ),
        version=3,
    )

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, shapes, channel counts, geometry."""
        found = Problems()
        shaped = check_mac_operands(found, net, node, WeightRule(rank=4, axis=0))
        if check_window(found, net, node) and shaped:
            x, w = (net.values[i].type.shape for i in node.inputs[:2])
            found.expect(w[3] == x[3], f"weights must have {x[3]} input channels, not {w[3]}")
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return (B, OH, OW, N)."""
        window, channels = window_of(net, node), net.values[node.inputs[1]].type.shape[0]
        return ((window.batch, window.out_h, window.out_w, channels),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:
        """Accumulate exactly, requantize."""
        return run_mac(net, node, inputs, numerics)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Sum the products one by one, then the bias."""
        return run_mac_float(net, node, inputs)

    def macs(self, net: Network, node: Node) -> int:
        """Count outputs times window depth."""
        return window_of(net, node).macs(net.values[node.inputs[1]].type.shape[0])
