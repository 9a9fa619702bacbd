"""Quantization parameters with extreme zero points."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import strategies as st

from fxsim.numerics import Affine, IntFormat
from fxsim.testing.integers import codes
from fxsim.testing.requants import reals

_EXPONENTS = (-8, 2)
"""Scales of usual tensors: between any three of them every operator finds its integers."""


@cache
def scales(exponents: tuple[int, int] = _EXPONENTS) -> st.SearchStrategy[float]:
    """Steps of 2**exponents[0] .. 2**exponents[1], exact in binary32.

    More than half of them are powers of two, which make ties of the requantizer; the others are `reals`, their
    neighbours among them. Shrinks towards 1, or to the power nearest to it.
    """
    powers = st.integers(*exponents).map(lambda exponent: 2.0**exponent)
    anything = reals(*exponents).map(lambda real: float(np.float32(real)))
    return st.sampled_from((powers, powers, anything)).flatmap(lambda kind: kind)


@st.composite
def affines(
    draw: st.DrawFn,
    fmt: IntFormat,
    channels: int | None = None,
    *,
    axis: int = 0,
    symmetric: bool = False,
    exponents: tuple[int, int] = _EXPONENTS,
) -> Affine:
    """Quantization parameters of codes of a format of at most 32 bits.

    One step and zero point per tensor; with `channels` one step per index of `axis`. Zero points are `codes` of the
    format, its least and greatest one often; 0 where `symmetric`. Steps are `scales`. Shrinks towards step 1 and zero
    point 0.
    """
    count = channels or 1
    steps = draw(st.lists(scales(exponents), min_size=count, max_size=count))
    points = st.just(0) if symmetric else codes(fmt)
    zeros = draw(st.lists(points, min_size=count, max_size=count))
    return Affine(np.array(steps, np.float32), np.array(zeros, np.int64), axis=None if channels is None else axis)
