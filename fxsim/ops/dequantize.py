"""DEQUANTIZE: codes become binary32 reals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.ops.base import Array, Floats, Operator, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems, quant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@dataclass(frozen=True, slots=True)
class Dequantize:
    """DEQUANTIZE has no attributes."""


@operator
class DequantizeOperator(Operator):
    """y = binary32(binary64(scale) * (x - zero point)), one product and one rounding; y has x's shape."""

    name = "DEQUANTIZE"
    attrs = Dequantize
    tflite = TfliteHook("DEQUANTIZE", "DequantizeOptions", version=2)

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization."""
        found = Problems()
        x = found.unary(net, node)
        if x is not None:
            found.tensor("input", x, (DType.INT8, DType.UINT8))
            found.dtype("output", net.results(node)[0], (DType.FLOAT32,))
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the input's shape."""
        return (net.values[node.inputs[0]].type.shape,)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Multiply in binary64, round to binary32; what is beyond binary32 becomes infinite, as in the runtimes."""
        quant, x = quant_of(net.values[node.inputs[0]]), np.asarray(inputs[0])
        real = np.float64(quant.scale[0]) * (x.astype(np.int64) - quant.zero_point[0])
        with np.errstate(over="ignore"):
            return Outcome((real.astype(np.float32),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:  # noqa: ARG002 - the grid is not here
        """Return the operand: reals have no codes."""
        return np.asarray(inputs[0], np.float32)
