"""`check_kernel`: requantizers and dot products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fxsim._core.errors import InputError
from fxsim.hw import DEFAULT_PRESET, Hardware
from fxsim.testing.checking.accumulation import accumulations
from fxsim.testing.checking.requantization import requantizations
from fxsim.testing.checking.search import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypothesis import strategies as st

    from fxsim.testing.checking.mismatch import Checked

_KINDS: dict[str, Callable[[Hardware], st.SearchStrategy[Any]]] = {
    "requantize": requantizations,
    "accumulate": accumulations,
}


def check_kernel(
    dut: Callable[..., Any],
    kind: str,
    *,
    hw: Hardware | str | Path = DEFAULT_PRESET,
    examples: int = 1000,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Checked:
    """Compare a requantizer or a dot product with the plain-integer rules; zero differences are allowed.

    Parameters
    ----------
    dut
        The design under test. For ``"requantize"``: ``dut(acc, multiplier, shift, zero, lo, hi)``, `acc` int64 [n], the
        rest integers; returns the n output codes clamp(zero + rescale(acc), lo, hi). For ``"accumulate"``:
        ``dut(x, w, bias)``, codes int64 [k] and int64 [n, k], exact biases int64 [n]; returns n accumulators as the
        requantizer reads them: ovf of the bias, the groups of products in order, and (readout) the clamp.
    kind
        ``"requantize"`` or ``"accumulate"``.
    hw
        Whose numerics hold: `requantizer` (profile: TFL_DOUBLE), `acc_bits`, `multiplier_bits`; or `overflow`,
        `reduction`, columns, operand widths, inner accumulators.
    examples, seed
        Questions asked at most, and the number that they follow from.
    folder
        Where the files of a counterexample go: new, empty, or with nothing but an earlier one, which is replaced.

    Raises
    ------
    MismatchError
        The design raises, or answers a question wrongly; holds the smallest question found.
    QuantizationError, HardwareError, InputError
        The scheme is a float one or not exact at `acc_bits`; `split_k` is not 1; an argument is illegal.
    """
    if kind not in _KINDS:
        raise InputError("kind must be requantize or accumulate", got=kind)
    return check(dut, _KINDS[kind](Hardware.load(hw)), examples=examples, seed=seed, folder=folder)
