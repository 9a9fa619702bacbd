"""Legality rules shared by instruction classes: each yields (ok column, field, expectation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.numerics import Overflow, SchemeCode, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fxsim.hw import Timing
    from fxsim.isa.columns import Ints, Table

Rule = tuple["NDArray[np.bool_]", str, str]
"""Where the rule holds, the field it is about, and the rule in words. Rules are read lazily: a rule may rely on those
before it."""


def positive(f: Table, *fields: str) -> Iterator[Rule]:
    """Yield that counts and extents are at least 1."""
    for name in fields:
        yield f[name] >= 1, name, "must be at least 1"


def separate_lines(f: Table, stride: str, size: str = "row_bytes") -> Iterator[Rule]:
    """Lines of `size` bytes written `stride` apart do not overlap."""
    yield (f.rows == 1) | (f[stride] >= f[size]), stride, f"must be at least {size}: written rows do not overlap"


def accumulator_block(f: Table, timing: Timing, slots: Ints) -> Iterator[Rule]:
    """`rows` rows of `slots` consecutive accumulator slots."""
    yield (f.rows >= 1) & (f.rows <= timing.rows), "rows", f"must be in 1..{timing.rows}, the PE rows"
    yield f.positions >= 1, "positions", "must be at least 1"
    depth = timing.half_depth
    yield f.slot + slots <= depth, "slot", f"must leave the block inside the {depth} slots of a half"


def overflow_widths(f: Table) -> Iterator[Rule]:
    """`acc_bits` and, under overflow = readout, `internal_bits`."""
    yield (f.acc_bits >= 2) & (f.acc_bits <= 64), "acc_bits", "must be in 2..64"
    fits = (f.internal_bits >= f.acc_bits) & (f.internal_bits <= 64)
    yield (f.overflow != Overflow.READOUT) | fits, "internal_bits", "must be in acc_bits..64 under overflow = readout"


def scheme_width(f: Table) -> Iterator[Rule]:
    """`acc_bits` at which the instruction's scheme is exact."""
    widest = np.array([scheme_of(code).max_acc_bits for code in SchemeCode])
    yield f.acc_bits <= widest[f.scheme], "acc_bits", "must be a width at which the requantization scheme is exact"


def narrow_multiplier(f: Table) -> Iterator[Rule]:
    """`multiplier_cut` of a scheme that multiplies integers."""
    yield f.multiplier_cut <= 30, "multiplier_cut", "must be in 0..30"
    multiplies = np.array([scheme_of(code).significand > 1 for code in SchemeCode])[f.scheme]
    yield (f.multiplier_cut == 0) | multiplies, "multiplier_cut", "must be 0 where the scheme has no integer multiplier"


def integer_scheme(f: Table) -> Iterator[Rule]:
    """`scheme` with the instruction's own `shift`."""
    schemes = [scheme_of(code) for code in SchemeCode]
    yield np.array([s.synthesizable for s in schemes])[f.scheme], "scheme", "must be an integer scheme"
    lo, hi = np.array([s.shifts for s in schemes])[f.scheme].T
    yield (f.shift >= lo) & (f.shift <= hi), "shift", "must be a shift that the scheme takes"


def code_bounds(wide: Ints, signed: Ints) -> tuple[Ints, Ints]:
    """Least and greatest code of one byte (`wide` = 0) or two."""
    bits = 8 + 8 * wide
    return -signed * (1 << (bits - 1)), (1 << (bits - signed)) - 1


def output_clamp(f: Table, wide: Ints) -> Iterator[Rule]:
    """Clamp limits are ordered and both fit the signed, or both the unsigned, output code."""
    bits = 8 + 8 * wide
    half = 1 << (bits - 1)
    yield f.clamp_lo <= f.clamp_hi, "clamp_lo", "must be at most clamp_hi"
    fits = (f.clamp_lo >= -half) & (f.clamp_hi < half) | (f.clamp_lo >= 0) & (f.clamp_hi < 2 * half)
    yield fits, "clamp_hi", "must, with clamp_lo, fit the signed or the unsigned output code"


def disjoint(a: tuple[Ints, Ints], b: tuple[Ints, Ints]) -> NDArray[np.bool_]:
    """Where the byte ranges (lo, hi) of `a` and `b` share no byte; an empty range is (0, 0)."""
    return (a[1] <= b[0]) | (b[1] <= a[0])


def same_or_disjoint(f: Table, in_bytes: Ints, out_bytes: Ints) -> Iterator[Rule]:
    """Yield that an element-wise instruction works in place or on disjoint regions."""
    apart = (f.x_addr + in_bytes <= f.out_addr) | (f.out_addr + out_bytes <= f.x_addr)
    same = (f.x_addr == f.out_addr) & (in_bytes == out_bytes)
    yield apart | same, "out_addr", "must give an output region that equals the input region or is disjoint from it"


def same_or_disjoint_lines(f: Table, operand: str) -> Iterator[Rule]:
    """Yield that the result of a two-operand instruction covers exactly the lines of an operand, or none of them."""
    addr, stride, size = f[f"{operand}_addr"], f[f"{operand}_stride"], np.where(f[f"{operand}_step"] == 1, f.count, 1)
    last, out_last = (f.rows - 1) * stride, (f.rows - 1) * f.out_stride
    apart = (addr + last + size <= f.out_addr) | (f.out_addr + out_last + f.count <= addr)
    same = (addr == f.out_addr) & (size == f.count) & (last == out_last)
    what = f"must give output lines that equal those of operand {operand} or are disjoint from them"
    yield apart | same, "out_addr", what
