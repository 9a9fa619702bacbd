"""ADD: the sum of two tensors, each with a scale and zero point of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.ops.base import Array, Floats, Operator, Outcome, operator
from fxsim.ops.binary import Binary, binary_hook, binary_shape, check_binary, run_binary_float, run_sum, sum_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@operator
class AddOperator(Operator):
    """y = clamp(out zero + rescale(rescale(x0 - zero) + rescale(x1 - zero))); shapes broadcast."""

    name = "ADD"
    attrs = Binary
    tflite = binary_hook("ADD", "AddOptions")

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: operands, types, shapes, quantization."""
        return check_binary(net, node, sum_params)

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the broadcast shape."""
        return (binary_shape(net, node),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Rescale by the profile's scheme at 32 bits."""
        return run_sum(net, node, inputs, 1)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """One sum."""
        return run_binary_float(net, node, inputs, np.add)
