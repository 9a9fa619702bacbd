"""Codes of the numeric modes that instructions carry."""

from __future__ import annotations

from enum import IntEnum


class Init(IntEnum):
    """Accumulate operand of the first group."""

    BIAS = 0
    """ovf(b) from the row file: rule application -1."""
    ZERO = 1
    """0: the later parts of a split sum."""
    KEEP = 2
    """The slot's present value: a continued K interval."""


class InnerOverflow(IntEnum):
    """What an inner accumulator does with an exact sum outside its range; codes as `fxsim.numerics.Overflow`."""

    SATURATE = 0
    """Clamp to the nearer end at every group (chain: product)."""
    WRAP = 1
    """Two's complement: keep the low inner_bits bits."""


class ZeroPoint(IntEnum):
    """How activation zero points are treated (MICROARCHITECTURE A.5)."""

    FOLD = 0
    """Raw codes stream in, the bias is folded, padded taps are fed the zero point."""
    SUBTRACT = 1
    """x - zero point enters the PE, padded taps are 0."""


class Order(IntEnum):
    """The order in which the K products are accumulated (MICROARCHITECTURE A.6)."""

    CANONICAL = 0
    """(ky, kx, channel), channel fastest."""
    REVERSED = 1
    """Canonical order backwards: position j of the stream is canonical index K - 1 - j."""


class PoolKind(IntEnum):
    """Reduction of a pooling window."""

    AVERAGE = 0
    """Sum of the in-image codes divided by their number, ties away from code 0."""
    MAX = 1
    """Largest in-image code."""
