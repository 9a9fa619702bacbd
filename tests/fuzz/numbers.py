"""Nasty numbers: what fields of files are set to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

SPECIAL_FLOATS = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, 5e-324, 1e-45, 1e-40, 1.2e-38, 1e-30, 1e-10, 0.5, 1.0, 3.0, 1e10,
    3.4e38, 1e300,
)  # fmt: skip
"""Zeros, infinities, denormals of both widths, ends of the ranges, and harmless ones."""


_POWERS = (7, 8, 15, 16, 28, 31, 32, 62, 63)


def nasty_int(rng: Random, old: int, bits: int = 32) -> int:
    """An integer for a field of `bits` bits: an end of a range, a neighbour of `old`, a power of two, or any."""
    near = (0, 1, -1, 2, 3, 7, old + 1, old - 1, old * 2, old // 2, -old, old + 16)
    ends = [sign * (1 << power) + off for power in _POWERS for sign in (1, -1) for off in (0, -1)]
    full = ((1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1, -(1 << (bits - 1)))
    table = rng.choice((near, near, ends, full, (rng.getrandbits(bits), rng.randrange(-64, 65))))
    return rng.choice(table)


def nasty_float(rng: Random, old: float) -> float:
    """A special value, or `old` changed by anything from an ulp to many orders of magnitude."""
    near = (old * (1 + 2**-20), old * 2, old / 2, -old, old * 1e6, old * 1e-6, old * 2 ** rng.randrange(-40, 40))
    return rng.choice(rng.choice((SPECIAL_FLOATS, near)))


def nasty_json(rng: Random, old: Any) -> Any:
    """A value of the same type or of another for a place in a JSON document or a TOML table."""
    strange: list[Any] = [
        None, True, False, 0, 1, -1, 1.5, "", "x", "\ud800", "a\nb", "ü" * 300, [], {}, [[]], [None], {"a": 1}, 1e400,
        -1e400, math.nan, 10**30, 1 << 63, (1 << 63) - 1, 1 << 31, [1 << 62] * 4, [0, 1, 2], "1", [[[[]]]],
    ]  # fmt: skip
    if rng.random() < 0.35 or isinstance(old, bool | None):
        return rng.choice(strange)
    if isinstance(old, int):
        return nasty_int(rng, old, rng.choice((16, 32, 40, 63)))
    if isinstance(old, float):
        return nasty_float(rng, old)
    if isinstance(old, str):
        word = rng.choice(("int8", "uint8", "float32", "input"))
        return rng.choice((old + "x", old[:-1], old.upper(), old[::-1], word))
    if isinstance(old, list):
        return rng.choice((old[:-1], old + old, old[::-1], [*old, 0], [*old, None], old[1:]))
    return rng.choice(strange)
