"""AVERAGE_POOL_2D: mean of the in-image codes of a window, ties away from code 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import LayerStats
from fxsim.ops.base import Array, Operator, Outcome, operator
from fxsim.ops.pooling import Pool, check_pool, pool_hook, pool_params, pool_window, taps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics


@operator
class AveragePool2DOperator(Operator):
    """y = clamp(sum / n) over the n in-image taps; x [B, H, W, C], y [B, OH, OW, C]."""

    name = "AVERAGE_POOL_2D"
    attrs = Pool
    tflite = pool_hook("AVERAGE_POOL_2D")

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, geometry."""
        return check_pool(net, node)

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return (B, OH, OW, C)."""
        window = pool_window(net, node)
        return ((window.batch, window.out_h, window.out_w, window.channels),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Sum raw codes, divide with ties away from zero: cdiv(s + n div 2, n) for s > 0, else cdiv(s - n div 2, n)."""
        params, x = pool_params(net, node), np.asarray(inputs[0])
        images = x.reshape(-1, *x.shape[2:])
        g = params.window
        total = np.zeros((len(images), g.out_h, g.out_w, g.channels), np.int64)
        count = np.zeros((g.out_h, g.out_w, 1), np.int64)
        for codes, inside in taps(g, images):
            total += np.where(inside, codes, 0)
            count += inside
        magnitude = (np.abs(total) + count // 2) // count
        mean = np.where(total > 0, magnitude, -magnitude).clip(params.clamp_lo, params.clamp_hi)
        return Outcome((mean.astype(x.dtype).reshape(len(x), -1, *mean.shape[1:]),), LayerStats.empty())
