"""The vocabulary of priced events: what the machine did, counted in integers."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

BURST_BYTES = 64
"""Bytes of one DRAM burst."""


class Kind(Enum):
    """One kind of event; the value is its key in an energy table, the docstring says what one count is."""

    MULTIPLY = "multiply"
    """One product of a PE with an active lane, at the operands' true widths."""
    TREE_ADD = "tree_add"
    """One adder-tree node with two active inputs, at the node's width."""
    ACCUMULATE = "accumulate"
    """One addition into an accumulator."""
    BANK_READ = "bank_read"
    """One accumulator read from the bank."""
    BANK_WRITE = "bank_write"
    """One accumulator written to the bank."""
    OVERFLOW_COMPARE = "overflow_compare"
    """One overflow decision of an accumulator width."""
    ROW_FILE = "row_file"
    """One row-file record written or read."""
    SHADOW_LOAD = "shadow_load"
    """One weight operand moved from the port to the shadow and on to the active register."""
    PIPELINE = "pipeline"
    """One operand latched for one issue: an x operand, a product, or a partial sum, per stage."""
    ACT_READ = "act_read"
    """One byte read from the activation scratchpad (padded taps read nothing)."""
    ACT_WRITE = "act_write"
    """One byte written to the activation scratchpad."""
    WEIGHT_READ = "weight_read"
    """One byte of an active weight read from the weight scratchpad."""
    WEIGHT_WRITE = "weight_write"
    """One byte written to the weight scratchpad."""
    PARAM_READ = "param_read"
    """One byte read from the parameter scratchpad."""
    PARAM_WRITE = "param_write"
    """One byte written to the parameter scratchpad."""
    FETCH = "fetch"
    """One instruction byte fetched."""
    DRAM_BLOCK = "dram_block"
    """One DRAM burst of `BURST_BYTES`."""
    REQUANT_MULTIPLY = "requant_multiply"
    """One accumulator x multiplier product of a requantizer."""
    REQUANT_ADD64 = "requant_add64"
    """One rounding addition on a requantizer's product."""
    REQUANT_SHIFT = "requant_shift"
    """One barrel shift of a requantizer's product."""
    REQUANT_ADD32 = "requant_add32"
    """One zero-point addition of a requantizer."""
    REQUANT_COMPARE = "requant_compare"
    """One clamp comparison of a requantizer."""
    REQUANT_FP_MULTIPLY = "requant_fp_multiply"
    """One floating-point product of a float requantizer, at its format's width."""
    REQUANT_FP_CONVERT = "requant_fp_convert"
    """One conversion between integer and floating point."""
    VECTOR_ADD = "vector_add"
    """One addition, comparison or shift of the vector engine."""
    VECTOR_MULTIPLY = "vector_multiply"
    """One product of the vector engine."""


class Event(NamedTuple):
    """A kind of event at its operand widths in bits (0 where a width means nothing)."""

    kind: Kind
    bits: int = 0
    other_bits: int = 0


GROUPS: dict[str, tuple[Kind, ...]] = {
    "multiply": (Kind.MULTIPLY,),
    "tree": (Kind.TREE_ADD,),
    "accumulate": (Kind.ACCUMULATE,),
    "registers": (
        Kind.BANK_READ,
        Kind.BANK_WRITE,
        Kind.OVERFLOW_COMPARE,
        Kind.ROW_FILE,
        Kind.SHADOW_LOAD,
        Kind.PIPELINE,
    ),
    "requantize": (
        Kind.REQUANT_MULTIPLY,
        Kind.REQUANT_ADD64,
        Kind.REQUANT_SHIFT,
        Kind.REQUANT_ADD32,
        Kind.REQUANT_COMPARE,
        Kind.REQUANT_FP_MULTIPLY,
        Kind.REQUANT_FP_CONVERT,
    ),
    "vector": (Kind.VECTOR_ADD, Kind.VECTOR_MULTIPLY),
    "scratchpad": (
        Kind.ACT_READ,
        Kind.ACT_WRITE,
        Kind.WEIGHT_READ,
        Kind.WEIGHT_WRITE,
        Kind.PARAM_READ,
        Kind.PARAM_WRITE,
    ),
    "fetch": (Kind.FETCH,),
    "dram": (Kind.DRAM_BLOCK,),
}
"""Report columns: every kind belongs to exactly one."""

GROUP_OF = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
