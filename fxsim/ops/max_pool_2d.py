"""MAX_POOL_2D: greatest in-image code of a window."""

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
class MaxPool2DOperator(Operator):
    """y = clamp(max) over the in-image taps; x [B, H, W, C], y [B, OH, OW, C]."""

    name = "MAX_POOL_2D"
    attrs = Pool
    tflite = pool_hook("MAX_POOL_2D")

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, geometry."""
        return check_pool(net, node)

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return (B, OH, OW, C)."""
        window = pool_window(net, node)
        return ((window.batch, window.out_h, window.out_w, window.channels),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator
        """Compare codes, then clamp."""
        params, x = pool_params(net, node), np.asarray(inputs[0])
        images = image_rows(x)
        g = params.window
        best = np.full((len(images), g.out_h, g.out_w, g.channels), np.iinfo(x.dtype).min, np.int64)
        for codes, inside in taps(g, images.astype(np.int64)):
            best = np.where(inside, np.maximum(best, codes), best)
        best = best.clip(params.clamp_lo, params.clamp_hi)
        return Outcome((pooled(best.astype(x.dtype), x),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """The greatest in-image tap."""
        images, g = image_rows(inputs[0]), pool_window(net, node)
        best = np.full((len(images), g.out_h, g.out_w, g.channels), -np.inf, np.float32)
        for values, inside in taps(g, images):
            best = np.where(inside, np.maximum(best, values), best)
        return pooled(clamp_float(best, node.attrs.activation), inputs[0])
