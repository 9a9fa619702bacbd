"""`check_kernel`: independent kernels pass; planted bugs are found, become small, and are printed ready to rerun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fxsim
from fxsim import FxsimError, Hardware
from fxsim.numerics import SCHEMES, Requant, requantize
from fxsim.testing import MismatchError, check_kernel, expected_run

Ints = NDArray[np.int64]
INTEGER = [name for name, scheme in SCHEMES.items() if scheme.synthesizable]
WIDTHS = {"REVEN_SHIFT": (8, 32, 62)}


def kernel(hw: Hardware) -> Callable[..., Ints]:
    """The compiled requantizer of a machine."""
    name, bits = hw.numerics.requantizer, hw.numerics.acc_bits
    scheme = SCHEMES["TFL_DOUBLE" if name == "profile" else name]

    def dut(acc: Ints, multiplier: int, shift: int, zero: int, lo: int, hi: int) -> Ints:
        requant = Requant(np.array([multiplier]), np.array([shift]), np.zeros(1))
        return requantize(acc, requant, scheme, zero=zero, lo=lo, hi=hi, acc_bits=bits)

    return dut


def caught(dut: Callable[..., Any], kind: str = "requantize", **arguments: Any) -> MismatchError:
    with pytest.raises(MismatchError) as found:
        check_kernel(dut, kind, **arguments)
    return found.value


def rerun(error: MismatchError, wrong: Callable[..., Any], right: Callable[..., Any]) -> dict[str, Any]:
    """Execute the printed Python with both designs; what it names."""
    with pytest.raises(AssertionError):
        exec(error.python, {"dut": wrong})
    namespace: dict[str, Any] = {"dut": right}
    exec(error.python, namespace)
    return namespace


def words(path: Path, bits: int) -> list[int]:
    """What `$readmemh` reads, as two's complement of `bits` bits."""
    numbers = [int(line, 16) for line in path.read_text().splitlines() if not line.startswith("//")]
    assert all(number < 1 << bits for number in numbers)
    return [number - (number >> (bits - 1) << bits) for number in numbers]


@pytest.mark.parametrize("scheme", INTEGER)
def test_the_compiled_requantizer_passes(scheme: str) -> None:
    for bits in WIDTHS.get(scheme, (8, 32, 48)):
        hw = Hardware(requantizer=scheme, acc_bits=bits, acc_internal_bits=64)
        checked = check_kernel(kernel(hw), "requantize", hw=hw, examples=25)
        assert checked.cases == 25
        assert checked.elements >= 25


def test_questions_are_of_the_multiplier_that_is_built() -> None:
    hw, seen = Hardware(multiplier_bits=9), []

    def dut(acc: Ints, multiplier: int, *rest: int) -> Ints:
        seen.append(multiplier)
        return kernel(hw)(acc, multiplier, *rest)

    check_kernel(dut, "requantize", hw=hw, examples=100)
    spans = [m.bit_length() - (m & -m).bit_length() + 1 for m in seen if m]
    assert max(spans) == 8


def ties_up(acc: Ints, *rest: int) -> Ints:
    return kernel(Hardware(requantizer="TFL_DOUBLE_UP"))(acc, *rest)


def high_clamp(acc: Ints, multiplier: int, shift: int, zero: int, lo: int, hi: int) -> Ints:
    return kernel(Hardware())(acc, multiplier, shift, zero, lo, hi + 1)


def forgotten_zero(acc: Ints, multiplier: int, shift: int, zero: int, lo: int, hi: int) -> Ints:
    return kernel(Hardware())(acc, multiplier, shift, 0, lo, hi)


def narrow_shift(acc: Ints, multiplier: int, shift: int, zero: int, lo: int, hi: int) -> Ints:
    return kernel(Hardware())(acc, multiplier, max(shift, -20), zero, lo, hi)


@pytest.mark.parametrize("bug", [ties_up, high_clamp, forgotten_zero, narrow_shift])
def test_bugs_of_requantizers_are_found_and_become_small(bug: Callable[..., Ints]) -> None:
    error = caught(bug)
    case = rerun(error, bug, kernel(Hardware()))
    assert case["acc"].shape == (1,)
    assert error.problem.startswith("codes[0] must be ")
    assert error.problem.endswith("(1 of 1 differ)")


def test_a_requantization_as_program_and_files(tmp_path: Path) -> None:
    hw = Hardware(acc_bits=20, overflow="wrap", bias_order="last", rows=3, cols=2)
    wrong = forgotten_zero
    error = caught(wrong, hw=hw, folder=tmp_path / "found", seed=3)
    case = rerun(error, wrong, kernel(hw))
    (codes,) = expected_run(fxsim.assemble(error.assembly)).codes
    assert (codes[0] == case["codes"]).all()
    folder = tmp_path / "found"
    assert words(folder / "acc.hex", 20) == case["acc"].tolist()
    assert words(folder / "codes.hex", 17) == case["codes"].tolist()
    numbers = [words(folder / f"{name}.hex", bits)[0] for name, bits in (("multiplier", 32), ("shift", 8))]
    numbers += [words(folder / f"{name}.hex", 17)[0] for name in ("zero", "lo", "hi")]
    assert f"dut(acc, {', '.join(map(str, numbers))})" in error.python
    assert (folder / "counterexample.py").read_text() == error.python
    assert (folder / "counterexample.fxs").read_text() == error.assembly
    assert set(error.files) == {path.name for path in folder.iterdir()} - {"counterexample.json"}


def accumulate(hw: Hardware) -> Callable[[Ints, Ints, Ints], list[int]]:
    """Dot products in plain Python, written from the rules."""
    numerics: Any = hw.numerics
    step = hw.timing.cols if numerics.reduction == "tree" else 1
    width: int = numerics.acc_internal_bits if numerics.overflow == "readout" else numerics.acc_bits
    lo, hi = -(1 << (width - 1)), (1 << (width - 1)) - 1

    def ovf(value: int) -> int:
        if numerics.overflow in ("wrap", "readout"):
            return (value - lo) % (1 << width) + lo
        return min(max(value, lo), hi)

    def one(x: list[int], w: list[int], bias: int) -> int:
        products = [a * b for a, b in zip(x, w, strict=True)]
        products = products[::-1] if numerics.order == "reversed" else products
        total = ovf(bias) if numerics.bias_order == "first" else 0
        for k in range(0, len(products), step):
            total = ovf(total + sum(products[k : k + step]))
        total = total if numerics.bias_order == "first" else ovf(total + bias)
        half: int = 1 << (numerics.acc_bits - 1)
        return min(max(total, -half), half - 1)

    return lambda x, w, bias: [one(x.tolist(), row, b) for row, b in zip(w.tolist(), bias.tolist(), strict=True)]


@pytest.mark.parametrize("reduction", ["tree", "chain"])
@pytest.mark.parametrize("overflow", ["saturate", "wrap", "readout", "trap"])
def test_plain_dot_products_pass(overflow: str, reduction: str) -> None:
    hw = Hardware(
        overflow=overflow, reduction=reduction, acc_bits=12, acc_internal_bits=14, cols=3, rows=2,
        order="reversed" if overflow == "wrap" else "canonical", bias_policy="apply",
        bias_order="last" if reduction == "tree" else "first", act_bits=9,
    )  # fmt: skip
    assert check_kernel(accumulate(hw), "accumulate", hw=hw, examples=60).cases == 60


def test_a_sum_that_saturates_only_at_its_end_is_found_by_its_first_of_two_groups() -> None:
    hw = Hardware(acc_bits=16, cols=2, rows=2)

    def late(x: Ints, w: Ints, bias: Ints) -> Ints:
        clipped: Ints = np.clip(w @ x + bias, -(1 << 15), (1 << 15) - 1)
        return clipped

    error = caught(late, "accumulate", hw=hw)
    case = rerun(error, late, accumulate(hw))
    assert case["w"].shape in ((1, 3), (1, 4))
    (first,) = case["bias"] + case["w"][:, :2] @ case["x"][:2]
    assert not -(1 << 15) <= first < 1 << 15


def test_a_dot_product_as_program_and_files(tmp_path: Path) -> None:
    hw = Hardware(acc_bits=16, cols=2, rows=2, act_bits=12, weight_bits=4)

    def negated(x: Ints, w: Ints, bias: Ints) -> Ints:
        return -np.array(accumulate(hw)(x, w, bias))

    case = rerun(caught(negated, "accumulate", hw=hw, folder=tmp_path / "f"), negated, accumulate(hw))
    for name, bits in (("x", 12), ("w", 4), ("bias", 64), ("accumulators", 16)):
        assert words(tmp_path / "f" / f"{name}.hex", bits) == np.ravel(case[name]).tolist()
    constants = fxsim.assemble((tmp_path / "f" / "counterexample.fxs").read_text()).constants
    assert constants.startswith(case["x"].astype("<i2").tobytes())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "softmax"}, "kind must be requantize or accumulate, not 'softmax'"),
        ({"hw": Hardware(requantizer="FP32_RNE")}, "requantizer must be an integer scheme: float ones have no mul"),
        ({"hw": Hardware(acc_bits=49, overflow="wrap")}, "acc_bits must be in 2..48 to requantize by TFL_DOUBLE"),
        ({"hw": Hardware(requantizer="REVEN_SHIFT", multiplier_bits=9)}, "multiplier_bits must be 32 for REVEN_SHIFT"),
        ({"kind": "accumulate", "hw": Hardware(split_k=2)}, "split_k must be 1: a kernel is one instruction"),
        ({"examples": 0}, "examples must be at least 1, not 0"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    def dut(*_: object) -> None:
        raise AssertionError("asked before the refusal")

    with pytest.raises(FxsimError) as refused:
        check_kernel(dut, **{"kind": "requantize", **arguments})
    assert not isinstance(refused.value, MismatchError)
    assert str(refused.value).startswith(message) or f": {message}" in str(refused.value)
