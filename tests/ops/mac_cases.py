"""Random MAC layers beside their naive results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fxsim.graph import LayerStats, Network
from fxsim.ops import Conv2D, DepthwiseConv2D, FullyConnected
from tests.ops import naive
from tests.ops.networks import Array, bias, codes, single, tensor, weights

OPS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
LIMITS = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}


@dataclass
class MacCase:
    """A one-node network, its input codes (samples, *shape), and everything its naive twin needs."""

    net: Network
    x: Array
    geometry: naive.Geometry
    terms: Any
    w: Array
    b: list[int]
    real: list[float]
    zx: int
    zw: int
    zy: int
    clamp: tuple[int, int]

    def outputs(self, total: Any, rescale: Any, acc_bits: int = 32) -> Array:
        """Output codes (samples * images, OH, OW, N); `total(terms, n)` accumulates one output."""
        g, n = self.geometry, len(self.b)
        shape = (-1, g.in_h, g.in_w, self.x.shape[-1] if self.w.ndim == 4 else self.w.shape[1])
        images = self.x.reshape(shape)
        w = self.w.reshape(n, 1, 1, -1) if self.w.ndim == 2 else self.w
        out = np.empty((len(images), g.rows[0], g.cols[0], n), np.int64)
        for i, oy, ox, c in np.ndindex(*out.shape):
            acc = total(self.terms(images[i].tolist(), w.tolist(), g, oy, ox, c), c)
            out[i, oy, ox, c] = naive.clamp(rescale(acc, self.real[c], acc_bits) + self.zy, *self.clamp)
        return out.astype(np.int8)

    def runtime(self, rescale: Any = naive.tfl_double) -> Array:
        """As the runtime."""
        return self.outputs(lambda terms, c: naive.runtime_sum(terms, self.b[c], self.zx, self.zw), rescale)

    def hardware(self, numerics: Any) -> tuple[Array, LayerStats]:
        """By section A, with counters."""
        seen = [naive.Counters() for _ in self.b]
        out = replace(self, real=naive.factors(self.real, numerics)).outputs(
            lambda terms, c: naive.hardware_sum(terms, self.b[c], self.zx, self.zw, numerics, seen[c]),
            naive.tfl_double,
            numerics.acc_bits,
        )
        rows = [[getattr(s, name) for s in seen] for name in ("events", "outputs", "bias", "wraps")]
        ends = [[f(s.prefixes) for s in seen] for f in (min, max)]
        inner = [s.inner for s in seen]
        return out, LayerStats(*(np.array(row) for row in [*rows, *ends, inner]))


def shape(*dimensions: int) -> tuple[int, ...]:
    return dimensions


def activation_clamp(activation: str, so: float, zy: int) -> tuple[int, int]:
    low, high = LIMITS[activation]
    q = [
        None if r is None else zy + naive.half_away(Fraction(float(np.float32(r) / np.float32(so))))
        for r in (low, high)
    ]
    return max(-128, -128 if q[0] is None else q[0]), min(127, 127 if q[1] is None else q[1])


@st.composite
def mac_cases(draw: st.DrawFn, op: str | None = None, profile: str = "tflite") -> MacCase:
    """Small random layers: every padding, strides, dilation, missing bias, both granularities, big kernels."""
    op = op or draw(st.sampled_from(OPS))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    batch, samples = draw(st.sampled_from([(1, 1), (1, 2), (2, 1)]))
    channels, mult, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    activation = draw(st.sampled_from(list(LIMITS)))
    zx, zy = draw(st.integers(-128, 127)), draw(st.integers(-128, 127))
    # no activation bound lies halfway between codes, so `round` is as good as any rule
    si, so = float(np.float32(rng.uniform(0.05, 1.0))), draw(st.sampled_from([0.25, 0.375, 0.5, 1.0, 3.0]))
    if op == "FULLY_CONNECTED":
        depth = draw(st.integers(1, 20))
        x_shape, w_shape, axis = shape(batch, depth), shape(outputs, depth), 0
        geometry = naive.Geometry(1, batch, 1, 1)
        attrs: Any = FullyConnected(activation)
        y_shape = shape(batch, outputs)
    else:
        geometry = draw(geometries())
        a = (geometry.sh, geometry.sw, geometry.dh, geometry.dw, geometry.padding, activation)
        x_shape = (batch, geometry.in_h, geometry.in_w, channels)
        taps = (geometry.kh, geometry.kw)
        if op == "CONV_2D":
            attrs, w_shape, axis = Conv2D(*a), (outputs, *taps, channels), 0
        else:
            outputs = channels * mult
            attrs, w_shape, axis = DepthwiseConv2D(*a, mult), (1, *taps, outputs), 3
        y_shape = (batch, geometry.rows[0], geometry.cols[0], outputs)
    per_channel = draw(st.booleans()) and outputs > 1
    steps = rng.uniform(0.001, 0.1, outputs if per_channel else 1).astype(np.float32)
    zw = draw(st.integers(-128, 127)) if op == "FULLY_CONNECTED" and not per_channel else 0
    w = codes(seed + 1, w_shape)
    b = rng.integers(-3000, 3000, outputs) if draw(st.booleans()) else np.zeros(outputs, int)
    given = [weights(w, steps, axis if per_channel else None, zw)]
    if b.any():
        given.append(bias(b))
    net = single(op, attrs, tensor(x_shape, si, zx), tensor(y_shape, so, zy), *given, profile=profile)
    f32_product = op == "FULLY_CONNECTED" and not per_channel and profile == "tflite"
    real = [float(np.float32(si) * s) / so if f32_product else si * float(s) / so for s in steps]
    return MacCase(
        net,
        codes(seed + 2, (samples, *x_shape)),
        geometry,
        naive.depthwise_terms if op.startswith("DEPTH") else naive.conv_terms,
        w,
        b.tolist(),
        real * (1 if per_channel else outputs),
        zx,
        zw,
        zy,
        activation_clamp(activation, so, zy),
    )


@st.composite
def geometries(draw: st.DrawFn) -> naive.Geometry:
    """Windows that fit at least once; kernels may exceed the input under SAME."""
    small = st.integers(1, 3)
    g = naive.Geometry(
        draw(st.integers(1, 6)),
        draw(st.integers(1, 6)),
        draw(st.integers(1, 4)),
        draw(small),
        draw(small),
        draw(small),
        draw(st.integers(1, 2)),
        draw(st.integers(1, 2)),
        draw(st.sampled_from(["SAME", "VALID"])),
    )
    if g.rows[0] < 1 or g.cols[0] < 1:
        g.padding = "SAME"
    return g
