"""Legality shared by the MAC operators: weights, bias, zero points, scales, channel counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.graph import DType
from fxsim.ops.mac import output_rule

if TYPE_CHECKING:
    from fxsim.graph import Network, Node, Value
    from fxsim.numerics import Affine
    from fxsim.ops.legality import Problems


@dataclass(frozen=True, slots=True)
class WeightRule:
    """What a MAC operator asks of its weights.

    `rank` dimensions, output channels counted by dimension `axis`; `asymmetric`: one non-zero zero point is allowed
    where there is one scale (per-channel kernels of the runtimes ignore zero points).
    """

    rank: int
    axis: int
    asymmetric: bool = False


def check_mac_operands(found: Problems, net: Network, node: Node, rule: WeightRule) -> bool:
    """Check input, weights, bias, output and their scales; whether the weights' shape may be looked at further."""
    if not found.operands(net, node, 2, 3):
        return False
    x, w, bias = (*net.operands(node), None)[:3]
    if x is None or w is None:
        return False
    found.tensor("input", x, (DType.INT8,))
    found.tensor("output", net.results(node)[0], (DType.INT8,))
    found.activation(node)
    found.expect(w.is_constant, "weights must be a constant")
    found.dtype("weights", w, (DType.INT8,))
    if not found.rank("weights", w, rule.rank):
        return False
    channels = w.type.shape[rule.axis]
    if found.expect(w.type.quant is not None, "weights must be quantized") and w.type.quant is not None:
        _check_quant(found, w.type.quant, channels, rule)
    if bias is not None:
        _check_bias(found, bias, channels)
    if not found:
        found.derivable(lambda: output_rule(net, node))
    return True


def _check_quant(found: Problems, quant: Affine, channels: int, rule: WeightRule) -> None:
    count, zeros = quant.scale.size, quant.zero_point
    if not found.expect(quant.group_size is None, "weights must not be quantized in blocks"):
        return
    if count > 1:
        found.expect(
            quant.axis == rule.axis, f"weights must be quantized along dimension {rule.axis}, not {quant.axis}"
        )
        found.expect(count == channels, f"weights must have 1 or {channels} scales (output channels), not {count}")
    if rule.asymmetric and count == 1:
        zero = int(zeros[0])
        found.expect(-128 <= zero <= 127, f"weights zero point must lie in the range of int8, not {zero}")
    else:
        found.expect(not zeros.any(), f"weights zero points must be 0, not {sorted({int(z) for z in zeros if z})[:4]}")


def _check_bias(found: Problems, bias: Value, channels: int) -> None:
    found.expect(bias.is_constant, "bias must be a constant")
    found.dtype("bias", bias, (DType.INT32,))
    found.expect(bias.type.shape == (channels,), f"bias must have shape ({channels},), not {bias.type.shape}")
