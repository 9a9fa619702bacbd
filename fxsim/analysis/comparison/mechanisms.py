"""Why exact integers differ from fake-quantized ones: the mechanisms, in the order in which they are switched on."""

from __future__ import annotations

from enum import StrEnum

UNEXPLAINED = "unexplained"
"""Cause of elements that the switches together do not reproduce: a defect of fxsim if there is one."""


class Mechanism(StrEnum):
    """One step from fake quantization towards the machine; the members stand in their order."""

    UPSTREAM = "upstream"
    FLOAT32 = "float32"
    MULTIPLIER = "multiplier"
    FIRST_ROUNDING = "first rounding"
    SECOND_ROUNDING = "second rounding"
    TIE = "tie rule"
    BIAS = "bias rounding"
    FOLD = "zero-point folding"
    OVERFLOW = "overflow"
    CLAMP = "clamp"
    AVERAGE = "average"
    LOOKUP = "look-up"


MEANINGS = {
    Mechanism.UPSTREAM: "the operands are those of the exact run, with the differences of the layers before",
    Mechanism.FLOAT32: "binary32 sums, products and reciprocals give way to exact sums and the real scale in binary64",
    Mechanism.MULTIPLIER: "the integer multiplier and shift (or the scheme's binary32 factor) replace the real scale",
    Mechanism.FIRST_ROUNDING: "every rounding before the last one, to nearest, ties to even",
    Mechanism.SECOND_ROUNDING: "the last rounding goes the scheme's way where that is not to nearest",
    Mechanism.TIE: "ties are broken by the scheme's rules instead of to even",
    Mechanism.BIAS: "the int32 bias that the accumulator loads replaces the real one",
    Mechanism.FOLD: "the bias with the zero points folded in is loaded through the accumulator's overflow rule",
    Mechanism.OVERFLOW: "what else accumulators of the machine's width, order and rule lose; shifts that wrap",
    Mechanism.CLAMP: "the activation's range in integer codes replaces the clamp of reals",
    Mechanism.AVERAGE: "the pool's or mean's integer division replaces the real quotient",
    Mechanism.LOOKUP: "the table or fixed-point function replaces the real function",
}
"""What happens when a mechanism is switched on."""
