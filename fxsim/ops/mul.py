"""MUL: the product of two tensors, each with a scale and zero point of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.ops.base import Array, Floats, Operator, Outcome, operator
from fxsim.ops.binary import (
    Binary,
    binary_hook,
    binary_shape,
    check_binary,
    product_params,
    run_binary_float,
    run_product,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@operator
class MulOperator(Operator):
    """y = clamp(out zero + rescale((x0 - zero) * (x1 - zero))); shapes broadcast."""

    name = "MUL"
    attrs = Binary
    tflite = binary_hook("MUL", "MulOptions")

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: operands, types, shapes, quantization."""
        return check_binary(net, node, product_params)

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the broadcast shape."""
        return (binary_shape(net, node),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Rescale by the profile's scheme at 32 bits."""
        return run_product(net, node, inputs)

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """One product."""
        return run_binary_float(net, node, inputs, np.multiply)
