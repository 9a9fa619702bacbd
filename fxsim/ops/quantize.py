"""QUANTIZE: codes of one scale and zero point become codes of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.numerics import PROFILES, Requant, Scheme, requantize
from fxsim.ops.base import Array, Floats, Operator, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems, quant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

_CODES = (DType.INT8, DType.UINT8)


@dataclass(frozen=True, slots=True)
class Quantize:
    """QUANTIZE has no attributes."""


@dataclass(frozen=True, slots=True, eq=False)
class RescaleParams:
    """Exact parameters of a QUANTIZE node: y = clamp(out_zero + rescale(x - in_zero)); `requant` has one entry."""

    requant: Requant
    scheme: Scheme
    in_zero: int
    out_zero: int
    lo: int
    hi: int


def rescale_params(net: Network, node: Node) -> RescaleParams:
    """Derive the parameters of QUANTIZE node `node` by the network's profile.

    Raises
    ------
    QuantizationError
        A tensor has no scale, or the scheme cannot express their ratio.
    """
    x, y = net.values[node.inputs[0]], net.results(node)[0]
    before, after, profile = quant_of(x), quant_of(y), PROFILES[net.profile]
    scheme = profile.scheme(node.op)
    requant = scheme.derive(profile.multiplier(node.op, False, before.scale[0], None, after.scale[0]))
    return RescaleParams(
        requant, scheme, int(before.zero_point[0]), int(after.zero_point[0]), y.type.dtype.lo, y.type.dtype.hi
    )


@operator
class QuantizeOperator(Operator):
    """Requantization between int8 and uint8 of any scales; y has x's shape."""

    name = "QUANTIZE"
    attrs = Quantize
    tflite = TfliteHook("QUANTIZE", "QuantizeOptions", version=2)

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, a scale ratio that the scheme cannot express."""
        found = Problems()
        x = found.unary(net, node)
        if x is None:
            return found
        y = net.results(node)[0]
        typed = [found.tensor("input", x, _CODES), found.tensor("output", y, _CODES)]
        if all(typed):
            found.derivable(lambda: rescale_params(net, node))
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the input's shape."""
        return (net.values[node.inputs[0]].type.shape,)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Requantize by the profile's scheme at 32 bits."""
        p, x = rescale_params(net, node), np.asarray(inputs[0])
        y = net.results(node)[0].type
        centred = x.astype(np.int64).reshape(-1, 1) - p.in_zero
        codes = requantize(centred, p.requant, p.scheme, zero=p.out_zero, lo=p.lo, hi=p.hi, acc_bits=32)
        return Outcome((codes.astype(y.dtype.numpy).reshape(x.shape),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:  # noqa: ARG002 - the grid is not here
        """Return the operand: reals have no codes."""
        return np.asarray(inputs[0], np.float32)
