"""What RELU, RELU6 and RELU_N1_TO_1 as operators of their own share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.numerics import PROFILES, activation_range, requantize
from fxsim.ops.base import Array, Floats, Operator, Outcome
from fxsim.ops.legality import Problems, quant_of
from fxsim.ops.quantize import RescaleParams, rescale_params
from fxsim.ops.real import clamp_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class Activation:
    """Activations have no attributes."""


class ClampOperator(Operator):
    """y = clamp(out_zero + rescale(x - in_zero)), the clamp being the activation's real range in output codes.

    In profiles that leave the scale alone (`Profile.unscaled`) y = clamp(x), by the input's scale and zero point.
    """

    attrs = Activation

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, scales that the scheme or the bounds cannot express."""
        found = Problems()
        x = found.unary(net, node)
        if x is None:
            return found
        typed = [found.tensor("input", x, (DType.INT8,)), found.tensor("output", net.results(node)[0], (DType.INT8,))]
        if all(typed):
            found.derivable(lambda: clamp_params(net, node))
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the input's shape."""
        return (net.values[node.inputs[0]].type.shape,)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Requantize by the profile's scheme at 32 bits."""
        p, x = clamp_params(net, node), np.asarray(inputs[0])
        centred = x.astype(np.int64).reshape(-1, 1) - p.in_zero
        codes = requantize(centred, p.requant, p.scheme, zero=p.out_zero, lo=p.lo, hi=p.hi, acc_bits=32)
        return Outcome((codes.astype(x.dtype).reshape(x.shape),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:  # noqa: ARG002 - elementwise
        """Clamp the reals."""
        return clamp_float(np.asarray(inputs[0], np.float32), node.op)


def clamp_params(net: Network, node: Node) -> RescaleParams:
    """Exact parameters of an activation node of a checked network.

    Raises
    ------
    QuantizationError
        A tensor has no scale, the scheme cannot express their ratio, or a bound of the range is beyond int32.
    """
    p = rescale_params(net, node)
    if node.op in PROFILES[net.profile].unscaled:
        quant = quant_of(net.values[node.inputs[0]])
        p = RescaleParams(p.scheme.derive(1.0), p.scheme, p.in_zero, p.in_zero, p.lo, p.hi)
    else:
        quant = quant_of(net.results(node)[0])
    lo, hi = activation_range(node.op, quant.scale[0], int(quant.zero_point[0]), p.lo, p.hi)
    return RescaleParams(p.requant, p.scheme, p.in_zero, p.out_zero, lo, hi)
