"""PyTorch's fake_quantize formula against recorded vectors, exact rationals and, where installed, PyTorch itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import Affine, IntFormat, Rounding
from fxsim.numerics.reference import ref_dequantize, ref_fake_code

FORMATS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-(1 << 31), (1 << 31) - 1)}
STEPS = st.floats(2.0**-20, 2.0**10, width=32)
HERE = Path(__file__).parent


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def test_recorded_vectors() -> None:
    """Results of PyTorch 2.15."""
    found = [r for r in recorded("golden_vectors.jsonl") if r["fn"] == "torch_fake_quant_int8"]
    assert len(found) == 7
    for record in found:
        x, scale, zero = record["in"]
        assert Affine(scale, zero).fake_codes(x) == record["out"]["q"], record
        assert float(Affine(scale, zero).fake_quantize(x)) == record["out"]["y"], record


def test_recorded_tensors() -> None:
    """Results of PyTorch 2.13: ties and their neighbours, saturation, zero points, per tensor and along either axis."""
    records, divergent = recorded("torch_vectors.jsonl"), 0
    for r in records:
        affine = Affine(r["scale"], r["zero"], axis=r["axis"])
        x, y = (np.array(r[name], np.float32).reshape(r["shape"]) for name in "xy")
        np.testing.assert_array_equal(affine.fake_quantize(x, r["dtype"]), y)
        quotients = affine.quantize(x, r["dtype"], Rounding.TIES_EVEN)
        divergent += int(np.count_nonzero(quotients != affine.fake_codes(x, r["dtype"])))
    assert {(r["dtype"], r["axis"]) for r in records} >= {("int8", 0), ("uint8", 1), ("int16", None), ("int32", None)}
    assert divergent > 50  # quotients would have been seen


def near_ties(draw: st.DrawFn, scale: float) -> float:
    """A binary32 number at or beside a tie of the grid."""
    tie = np.float32((draw(st.integers(-300, 300)) + 0.5) * scale)
    towards = np.float32(draw(st.sampled_from([-np.inf, 0.0, np.inf])))
    return float(np.nextafter(tie, towards) if towards else tie)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, float, int, list[float]]:
    name, scale = draw(st.sampled_from(sorted(FORMATS))), draw(STEPS)
    lo, hi = FORMATS[name]
    zero = draw(st.integers(lo, hi)) if name != "int32" else 0
    anywhere = st.floats(-(2.0**40), 2.0**40, width=32)
    return name, scale, zero, [near_ties(draw, scale), draw(anywhere), near_ties(draw, scale)]


@given(cases())
def test_exact_rationals(case: tuple[str, float, int, list[float]]) -> None:
    name, scale, zero, xs = case
    affine, expected = Affine(scale, zero), [ref_fake_code(x, scale, zero, *FORMATS[name]) for x in xs]
    assert affine.fake_codes(xs, name).tolist() == expected
    reals = [ref_dequantize(code, scale, zero, per_tensor=False) for code in expected]
    assert affine.fake_quantize(xs, name).tolist() == reals


def test_the_reciprocal_is_not_the_quotient() -> None:
    x, scale = np.float32(0.273939937), 0.00214854861
    wide = IntFormat(9)
    assert int(Affine(scale).fake_codes(x, wide)) == 128
    assert int(Affine(scale).quantize(x, wide)) == 127


def test_per_channel() -> None:
    scales, zeros = [0.5, 0.1, 3.0], [0, -7, 100]
    x = np.linspace(-9, 9, 24, dtype=np.float32).reshape(2, 3, 4)
    got = Affine(scales, zeros, axis=1).fake_codes(x)
    expected = [Affine(s, z).fake_codes(x[:, c]) for c, (s, z) in enumerate(zip(scales, zeros, strict=True))]
    assert np.array_equal(got, np.stack(expected, axis=1))


def test_infinities_saturate_and_nan_is_refused() -> None:
    assert Affine(0.1, 3).fake_codes([np.inf, -np.inf, 3e38, -3e38]).tolist() == [127, -128, 127, -128]
    assert Affine(1e-30).fake_codes([3e38, -3e38], np.int32).tolist() == [(1 << 31) - 1, -(1 << 31)]
    with pytest.raises(QuantizationError, match="must be numbers"):
        Affine(0.1).fake_codes([0.0, np.nan])


def test_wide_formats_have_no_zero_point() -> None:
    """PyTorch's kernels round sums with zero points differently there."""
    with pytest.raises(QuantizationError, match="zero points must be 0 in formats of more than 24 bits"):
        Affine(0.1, 3).fake_codes([0.0], np.int32)
    assert Affine(0.5, 3).fake_codes([0.75, 2.0**23], IntFormat(24)).tolist() == [5, (1 << 23) - 1]
    assert Affine(0.5, (1 << 23) - 1).fake_codes([-(2.0**24)], IntFormat(24)).tolist() == [-(1 << 23)]


def test_steps_without_a_reciprocal_are_refused() -> None:
    with pytest.raises(QuantizationError, match="reciprocal"):
        Affine(2.0**-129).fake_codes([0.0])
    assert Affine(2.0**-127).fake_codes([2.0**-126]).tolist() == [2]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
@pytest.mark.parametrize("axis", [None, 0])
def test_narrow_codes_lose_nothing_in_binary32(dtype: type[np.integer[Any]], axis: int | None) -> None:
    codes = np.arange(np.iinfo(dtype).min, np.iinfo(dtype).max + 1).astype(dtype)[None]
    for scale, zero in ((0.1, -3), (2.0**-149, 127), (3e38, 0), (1 / 3, (1 << 23) - 1), (1 / 3, -(1 << 40) - 1)):
        got = Affine([scale], zero, axis=axis).dequantize(codes)
        wide = codes[0].tolist()
        with np.errstate(over="ignore", under="ignore"):
            step = np.float32(scale)
            per_tensor = np.array([float(step) * (q - zero) for q in wide]).astype(np.float32)
            expected = per_tensor if axis is None else np.array([q - zero for q in wide]).astype(np.float32) * step
        np.testing.assert_array_equal(got[0], expected)


@pytest.mark.parametrize("name", FORMATS)
def test_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    rng, (lo, hi) = np.random.default_rng(1), FORMATS[name]
    for _ in range(20):
        scale, zero = float(np.float32(2.0 ** rng.uniform(-12, 3))), int(rng.integers(lo, hi + 1))
        zero = 0 if name == "int32" else zero
        ties = (rng.integers(-300, 300, 5000) + 0.5) * scale
        x = np.nextafter(ties.astype(np.float32), rng.choice([-np.inf, 0, np.inf], 5000).astype(np.float32))
        x = np.concatenate([x, ties.astype(np.float32), rng.normal(0, 100 * scale, 5000).astype(np.float32)])
        theirs = torch.fake_quantize_per_tensor_affine(torch.from_numpy(x), scale, zero, lo, hi).numpy()
        assert np.array_equal(Affine(scale, zero).fake_quantize(x, name), theirs)
    scales = (2.0 ** rng.uniform(-12, 3, 7)).astype(np.float32)
    zeros, x = (
        rng.integers(lo, hi + 1, 7).astype(np.int32) * (name != "int32"),
        rng.normal(0, 50, (64, 7, 9)).astype(np.float32),
    )
    arguments = (torch.from_numpy(scales), torch.from_numpy(zeros), 1, lo, hi)
    theirs = torch.fake_quantize_per_channel_affine(torch.from_numpy(x), *arguments).numpy()
    assert np.array_equal(Affine(scales, zeros, axis=1).fake_quantize(x, name), theirs)
