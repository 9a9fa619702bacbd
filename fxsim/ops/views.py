"""What RESHAPE, SQUEEZE and EXPAND_DIMS share: the operand's codes under another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.ops.base import Array, Floats, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.ops.legality import Problems


def check_view(found: Problems, net: Network, node: Node) -> None:
    """Expect one-byte codes whose scale and zero point stay the same."""
    x, y = net.values[node.inputs[0]], net.results(node)[0]
    if found.tensor("input", x, (DType.INT8, DType.UINT8)) and found.tensor("output", y, (x.type.dtype,)):
        found.same_quant(x, y)


def run_view_float(net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
    """Rearrange the shape of reals."""
    x = np.asarray(inputs[0], np.float32)
    return x.reshape(len(x), *net.results(node)[0].type.shape)


def run_view(net: Network, node: Node, inputs: Sequence[Array | None]) -> Outcome:
    """Rearrange the shape."""
    x = np.asarray(inputs[0])
    return Outcome((x.reshape(len(x), *net.results(node)[0].type.shape),), LayerStats.empty())
