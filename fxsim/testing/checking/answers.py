"""What is wrong with the answer of a design: its type, its shape, its first element that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.generic]


def integers_differ(name: str, expected: Array, answer: object) -> str | None:
    """Complaint about an answer that must have the integers of `expected`, in any integer type; None: it is right."""
    got = _array(answer)
    if got is not None and not got.size and expected.size:
        return f"{name} must have shape {expected.shape}, not {got.shape}"
    if got is None or got.dtype.kind not in "iu":
        return f"{name} must be integers of at most 64 bits, not {_kind(answer, got)}"
    if got.shape != expected.shape:
        return f"{name} must have shape {expected.shape}, not {got.shape}"
    return _first(name, expected.tolist(), got.tolist(), expected.shape)


def tensor_differs(name: str, expected: Array, answer: object) -> str | None:
    """Complaint about an answer that must equal `expected` in type, shape and every bit; None: it does."""
    got = _array(answer)
    if got is None or got.dtype != expected.dtype:
        return f"{name} must be {expected.dtype}, not {_kind(answer, got)}"
    if got.shape != expected.shape:
        return f"{name} must have shape {expected.shape}, not {got.shape}"
    if np.ascontiguousarray(got).tobytes() == np.ascontiguousarray(expected).tobytes():
        return None
    bits = f"u{expected.dtype.itemsize}"
    wrong = np.argwhere(got.view(bits) != expected.view(bits))
    first = tuple(map(int, wrong[0]))
    return _words(name, first, expected[first], got[first], len(wrong), got.size)


def _array(answer: object) -> Array | None:
    try:
        return np.asarray(answer)
    except Exception:  # a tensor of another library, say, that does not become an array
        return None


def _kind(answer: object, got: Array | None) -> str:
    return shorten(answer) if got is None or got.dtype.kind == "O" else str(got.dtype)


def _first(name: str, expected: Any, got: Any, shape: tuple[int, ...]) -> str | None:
    """Compare as Python integers: NumPy compares int64 with uint64 through binary64."""
    wanted, given = np.array(expected, object).reshape(shape), np.array(got, object).reshape(shape)
    wrong = [index for index in np.ndindex(*shape) if wanted[index] != given[index]]
    if not wrong:
        return None
    return _words(name, wrong[0], wanted[wrong[0]], given[wrong[0]], len(wrong), wanted.size)


def _words(name: str, index: tuple[int, ...], wanted: object, given: object, wrong: int, size: int) -> str:
    place = f"{name}[{', '.join(map(str, index))}]" if index else name
    return f"{place} must be {wanted}, not {given} ({wrong} of {size} differ)"
