"""AVERAGE_POOL_2D: mean of the in-image codes of a window, ties away from code 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import LayerStats
from fxsim.ops.base import Array, Floats, Operator, Outcome, operator
from fxsim.ops.pooling import Pool, check_pool, image_rows, pool_hook, pool_params, pool_window, pooled, taps
from fxsim.ops.real import clamp_float

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
        images = image_rows(x)
        g = params.window
        total = np.zeros((len(images), g.out_h, g.out_w, g.channels), np.int64)
        count = np.zeros((g.out_h, g.out_w, 1), np.int64)
        for codes, inside in taps(g, images.astype(np.int64)):
            total += np.where(inside, codes, 0)
            count += inside
        magnitude = (np.abs(total) + count // 2) // count
        mean = np.where(total > 0, magnitude, -magnitude).clip(params.clamp_lo, params.clamp_hi)
        return Outcome((pooled(mean.astype(x.dtype), x),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Sum the in-image taps row by row, then one quotient."""
        images, g = image_rows(inputs[0]), pool_window(net, node)
        total = np.zeros((len(images), g.out_h, g.out_w, g.channels), np.float32)
        count = np.zeros((g.out_h, g.out_w, 1), np.float32)
        for values, inside in taps(g, images):
            total += np.where(inside, values, np.float32(0))
            count += inside
        return pooled(clamp_float(total / count, node.attrs.activation), inputs[0])
