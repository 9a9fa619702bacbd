"""Events of the MAC engine: PEs, adders, accumulator bank, registers, requantizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.energy.taps import count_taps
from fxsim.hw import Event, Kind
from fxsim.isa import RECORD_BYTES, Init, Order, ZeroPoint
from fxsim.numerics import Overflow, Reduction, Scheme, SchemeCode, scheme_of

if TYPE_CHECKING:
    from fxsim.energy.tally import Tally

Array = NDArray[np.int64]

BIAS_BITS = 64
REQUANT_WORD_BITS = 40
"""Multiplier and shift of a row-file record."""
_FINAL = {Kind.REQUANT_ADD32: 1, Kind.REQUANT_COMPARE: 2}
"""Events per element of adding the zero point and clamping."""


def register_bits(overflow: int, acc_bits: int, internal_bits: int) -> int:
    """Width of an accumulator register."""
    return internal_bits if overflow == Overflow.READOUT else acc_bits


def ceil_log2(n: int) -> int:
    """Levels of a binary adder tree over `n` lanes."""
    return (n - 1).bit_length()


def count_mac(tally: Tally, index: Array) -> None:
    """Multiplies, adds, bank and register traffic, operand and parameter reads of MAC instructions.

    Subtracting a zero point before the multiplier makes that operand one bit wider. Groups of products go through the
    inner accumulator where there is one, and only its spills through the outer one.
    """
    _count_operands(tally, index)
    numerics = tally.hardware.numerics
    names = ("reduction", "zero_point", "overflow", "acc_bits", "internal_bits", "w_zero", "inner_bits")
    for (reduction, zero_point, overflow, acc, internal, w_zero, inner), part in tally.groups(index, *names):
        a = numerics.act_bits + (zero_point == ZeroPoint.SUBTRACT)
        b = numerics.weight_bits + (w_zero != 0)
        bits = register_bits(overflow, acc, internal)
        _count_products(tally, part, a, b)
        count_sums = _count_tree if reduction == Reduction.TREE else _count_chain
        count_sums(tally, part, a + b, inner or bits)
        _count_bank(tally, part, bits)
        if inner:
            _count_spills(tally, part, bits, inner)


def _count_products(tally: Tally, index: Array, a: int, b: int) -> None:
    f = tally.fields(index)
    products = f("rows") * f("positions") * f("k_count")
    tally.add(Event(Kind.MULTIPLY, a, b), index, products)
    tally.add(Event(Kind.PIPELINE, a), index, products)
    tally.add(Event(Kind.PIPELINE, a + b), index, products * tally.hardware.timing.mul_latency)


def _count_tree(tally: Tally, index: Array, product_bits: int, bits: int) -> None:
    """Adder nodes with two active inputs per level, registers between tree stages, one rule application per group."""
    cols, step = tally.hardware.timing.cols, tally.hardware.timing.tree_levels_per_stage
    f = tally.fields(index)
    outputs = f("rows") * f("positions")
    full, rest = f("k_count") // cols, f("k_count") % cols
    levels = ceil_log2(cols)
    for level in range(1, levels + 1):
        sums = outputs * (full * -(-cols >> level) + -(-rest >> level))
        inputs = outputs * (full * -(-cols >> (level - 1)) + -(-rest >> (level - 1)))
        tally.add(Event(Kind.TREE_ADD, product_bits + level), index, inputs - sums)
        if level % step == 0 or level == levels:
            tally.add(Event(Kind.PIPELINE, product_bits + level), index, sums)
    applications = outputs * -(-f("k_count") // cols)
    tally.add(Event(Kind.ACCUMULATE, max(bits, product_bits + levels)), index, applications)
    tally.add(Event(Kind.OVERFLOW_COMPARE, bits), index, applications)


def _count_chain(tally: Tally, index: Array, product_bits: int, bits: int) -> None:
    """One rule application per product, a partial-sum register every `chain_per_stage` PEs."""
    cols, step = tally.hardware.timing.cols, tally.hardware.timing.chain_per_stage
    f = tally.fields(index)
    outputs = f("rows") * f("positions")
    stages = f("k_count") // cols * -(-cols // step) + -(-(f("k_count") % cols) // step)
    tally.add(Event(Kind.PIPELINE, max(bits, product_bits)), index, outputs * stages)
    tally.add(Event(Kind.ACCUMULATE, max(bits, product_bits)), index, outputs * f("k_count"))
    tally.add(Event(Kind.OVERFLOW_COMPARE, bits), index, outputs * f("k_count"))


def _count_bank(tally: Tally, index: Array, bits: int) -> None:
    """Bank traffic per application (the first one of a fresh sum reads nothing), row-file loads and bias reads."""
    f = tally.fields(index)
    outputs = f("rows") * f("positions")
    applications = _applications(tally, index)
    loads = f("load_params") * f("rows")
    tally.add(Event(Kind.OVERFLOW_COMPARE, bits), index, loads)
    tally.add(Event(Kind.BANK_WRITE, bits), index, outputs * applications)
    tally.add(Event(Kind.BANK_READ, bits), index, outputs * (applications - (f("init") != Init.KEEP)))
    tally.add(Event(Kind.ROW_FILE, BIAS_BITS), index, outputs * (f("init") == Init.BIAS))
    tally.add(Event(Kind.ROW_FILE, BIAS_BITS + REQUANT_WORD_BITS), index, loads)


def _applications(tally: Tally, index: Array) -> Array:
    """Issues per output that reach the accumulator bank: groups, or spills of an inner accumulator."""
    f = tally.fields(index)
    groups: Array = -(-f("k_count") // tally.hardware.timing.cols)
    return np.where(f("inner_bits") > 0, -(-groups // np.maximum(f("inner_groups"), 1)), groups)


def _count_spills(tally: Tally, index: Array, bits: int, inner: int) -> None:
    """The outer addition of every spill, and inner registers read and written between the groups of a spill."""
    f = tally.fields(index)
    outputs, spills = f("rows") * f("positions"), _applications(tally, index)
    held = outputs * (-(-f("k_count") // tally.hardware.timing.cols) - spills)
    tally.add(Event(Kind.ACCUMULATE, max(bits, inner)), index, outputs * spills)
    tally.add(Event(Kind.OVERFLOW_COMPARE, bits), index, outputs * spills)
    tally.add(Event(Kind.BANK_READ, inner), index, held)
    tally.add(Event(Kind.BANK_WRITE, inner), index, held)


def _count_operands(tally: Tally, index: Array) -> None:
    """Scratchpad bytes: activations inside the tile, active weights, parameter records."""
    f = tally.fields(index)
    weights = f("rows") * f("k_count")
    tally.add(Event(Kind.WEIGHT_READ), index, weights * (1 + f("w_wide")))
    tally.add(Event(Kind.SHADOW_LOAD, 2 * tally.hardware.numerics.weight_bits), index, weights)
    tally.add(Event(Kind.PARAM_READ), index, f("load_params") * f("rows") * RECORD_BYTES)
    tally.add(Event(Kind.ACT_READ), index, _x_elements(tally, index) * (1 + f("x_wide")))


def _x_elements(tally: Tally, index: Array) -> Array:
    """Activation elements read; private x reads each distinct channel of the rows once."""
    f = tally.fields(index)
    private = f("private_x") != 0
    multiplier = np.maximum(f("depth_mult"), 1)
    distinct = (f("row_base") + f("rows") - 1) // multiplier - f("row_base") // multiplier + 1
    per_tap = np.where(private, 1, f("channels"))
    stream = f("kh") * f("kw") * per_tap
    start = np.where(f("order") == Order.REVERSED, stream - f("k_start") - f("k_count"), f("k_start"))
    derived = {"per_tap": per_tap, "k_start": start}
    taps = count_taps(lambda name: derived[name] if name in derived else f(name))
    return taps * np.where(private, distinct, 1)


def count_merge(tally: Tally, index: Array) -> None:
    """A merge addition reads two accumulators and writes one."""
    for (overflow, acc, internal), part in tally.groups(index, "overflow", "acc_bits", "internal_bits"):
        f = tally.fields(part)
        bits = register_bits(overflow, acc, internal)
        additions = f("rows") * f("positions") * (f("parts") - 1)
        tally.add(Event(Kind.ACCUMULATE, bits), part, additions)
        tally.add(Event(Kind.OVERFLOW_COMPARE, bits), part, additions)
        tally.add(Event(Kind.BANK_READ, bits), part, 2 * additions)
        tally.add(Event(Kind.BANK_WRITE, bits), part, additions)


def count_req(tally: Tally, index: Array) -> None:
    """Requantization events of the scheme, one bank read, one row-file read and the output bytes per element.

    A bias that is added last costs one addition, as wide as the register and the stored bias, and a row-file read.
    """
    names = ("overflow", "acc_bits", "internal_bits", "scheme", "multiplier_cut")
    for (overflow, acc, internal, scheme, cut), part in tally.groups(index, *names):
        f = tally.fields(part)
        outputs, bits = f("rows") * f("positions"), register_bits(overflow, acc, internal)
        biases = outputs * f("add_bias")
        tally.add(Event(Kind.BANK_READ, bits), part, outputs)
        tally.add(Event(Kind.ACCUMULATE, max(bits, tally.hardware.numerics.bias_bits)), part, biases)
        tally.add(Event(Kind.OVERFLOW_COMPARE, bits), part, biases)
        tally.add(Event(Kind.ROW_FILE, BIAS_BITS), part, biases)
        tally.add(Event(Kind.ROW_FILE, REQUANT_WORD_BITS), part, outputs)
        tally.add(Event(Kind.ACT_WRITE), part, outputs * (1 + f("out_wide")))
        count_scheme(tally, part, scheme_of(SchemeCode(scheme)), max(32, acc), outputs, 32 - cut)


def count_scheme(
    tally: Tally, index: Array, scheme: Scheme, width: int, elements: Array, multiplier_bits: int = 32
) -> None:
    """The scheme's priced events (`scheme_events`) per element."""
    for event, per_element in scheme_events(scheme, width, multiplier_bits).items():
        tally.add(event, index, elements * per_element)


def count_rescale(tally: Tally, index: Array, scheme: Scheme, width: int, elements: Array) -> None:
    """As `count_scheme`, without the zero point and the clamp that a scheme ends with."""
    for event, per_element in scheme_events(scheme, width).items():
        tally.add(event, index, elements * (per_element - _FINAL.get(event.kind, 0)))


def scheme_events(scheme: Scheme, width: int, multiplier_bits: int = 32) -> dict[Event, int]:
    """Events per element at the requantizer's width W = max(32, acc_bits), zero point and clamp included.

    Products are priced at the width of the multiplier; one of 2 bits is a power of two, which only the shift sees.
    """
    float_bits = 64 if scheme.code == SchemeCode.TFL_DOUBLE_FP else 32
    bits = scheme.multiplier_width(multiplier_bits)
    named = {
        "requant_multiply": Event(Kind.REQUANT_MULTIPLY, width, bits),
        "requant_add64": Event(Kind.REQUANT_ADD64, width + 32),
        "requant_shift": Event(Kind.REQUANT_SHIFT, width + 32),
        "requant_add32": Event(Kind.REQUANT_ADD32, width),
        "requant_compare": Event(Kind.REQUANT_COMPARE, width),
        "requant_fp_multiply": Event(Kind.REQUANT_FP_MULTIPLY, float_bits),
        "requant_fp_convert": Event(Kind.REQUANT_FP_CONVERT, float_bits),
    }
    found = {named[name]: count for name, count in scheme.events.items()}
    if bits == 2:
        found.pop(named["requant_multiply"], None)
    return found
