"""GEMM networks: an exact matrix product, requantized by the plain-integer twin."""

from __future__ import annotations

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import InputError
from fxsim.formats import gemm, parse_gemm
from fxsim.graph import Network
from fxsim.hw import presets
from fxsim.numerics.reference import ref_derive, ref_multiplier, ref_requantize

SIZES = [(1, 1, 1), (1, 40, 7), (3, 1, 5), (5, 70, 33), (40, 16, 16), (17, 9, 1)]


def wanted(net: Network, a: np.ndarray) -> list[int]:
    """C of one sample: NumPy's int64 product plus bias, element by element through the twin."""
    x, w, bias, y = net.values
    steps = []
    for value in (x, w, y):
        assert value.type.quant is not None
        assert not value.type.quant.zero_point.any()
        steps.append(float(value.type.quant.scale[0]))
    assert w.data is not None
    assert bias.data is not None
    real = ref_multiplier(net.profile, "FULLY_CONNECTED", False, *steps)
    sums = a.astype(np.int64) @ w.data.astype(np.int64).T + bias.data.astype(np.int64)
    multiplier, shift, factor = ref_derive(real, "TFL_DOUBLE")
    return [
        ref_requantize(acc, multiplier, shift, factor, "TFL_DOUBLE", 32, 0, -128, 127) for acc in sums.ravel().tolist()
    ]


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("size", SIZES, ids=lambda s: "x".join(map(str, s)))
def test_a_gemm_is_a_requantized_matrix_product(size: tuple[int, int, int], preset: str) -> None:
    m, k, n = size
    net = gemm(m, k, n)
    x = np.random.default_rng(1).integers(-128, 128, (4, m, k)).astype(np.int8)
    result = fxsim.run(net, x, hw=preset)
    assert result.macs == m * k * n
    c = result.outputs["c"]
    assert (c.shape, c.dtype) == ((4, m, n), np.int8)
    for sample, codes in zip(x, c, strict=True):
        assert codes.ravel().tolist() == wanted(net, sample)


def test_outputs_use_the_range() -> None:
    """Four deviations lie at the ends: nearly all codes are inside, and they are spread."""
    c = fxsim.golden(gemm(32, 256, 64), np.random.default_rng(2).integers(-128, 128, (2, 32, 256)).astype(np.int8))["c"]
    assert 25 < c.astype(int).std() < 40
    assert (np.abs(c.astype(int)) >= 127).mean() < 0.001


def test_every_call_gives_the_same_numbers() -> None:
    one, other = gemm(2, 30, 4), parse_gemm("2x30x4")
    assert one.name == other.name == "gemm_2x30x4"
    for a, b in zip(one.values, other.values, strict=True):
        if a.data is None or b.data is None:
            assert a.data is b.data
        else:
            assert np.array_equal(a.data, b.data)
    data = one.values[1].data
    assert data is not None
    assert data.min() >= -127


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((0, 1, 1), "gemm side m must be an integer in 1..1048576, not 0"),
        ((1, -3, 1), "gemm side k must be an integer in 1..1048576, not -3"),
        ((1, 1, 2.0), "gemm side n must be an integer in 1..1048576, not 2.0"),
        ((True, 1, 1), "gemm side m must be an integer in 1..1048576, not True"),
        ((1, 1, 1 << 21), "gemm side n must be an integer in 1..1048576, not 2097152"),
        ((8193, 8192, 1), r"gemm matrix A \(m x k\) must have at most 67108864 elements, not 67117056"),
        ((1, 8192, 8193), r"gemm matrix B \(k x n\) must have at most 67108864 elements, not 67117056"),
        ((8193, 1, 8192), r"gemm matrix C \(m x n\) must have at most 67108864 elements, not 67117056"),
    ],
)
def test_absurd_sizes(sides: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gemm(*sides)


@pytest.mark.parametrize(
    "text", ["", "64", "64x64", "1x2x3x4", "1x2x3 ", " 1x2x3", "1X2X3", "1x-2x3", "1x2x1e9", "¹x2x3", "1x2x9999999999"]
)
def test_bad_text(text: str) -> None:
    with pytest.raises(InputError, match="gemm must be MxKxN, three integers joined by x, not"):
        parse_gemm(text)
