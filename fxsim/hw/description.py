"""The hardware described as data: what may change a bit (`Numerics`) and what never does (`Timing`)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from fxsim._core.errors import HardwareError

_MIB = 1 << 20
MAX_INNER_GROUPS = 511
"""Most groups of columns that an inner accumulator sums before it spills."""


def option(
    default: Any,
    doc: str,
    *,
    unit: str = "",
    lo: int | None = None,
    hi: int | None = None,
    values: tuple[str, ...] = (),
) -> Any:
    """Declare one documented hardware field with its unit and its legal range or values."""
    meta = {"doc": doc, "unit": unit, "lo": lo, "hi": hi, "values": values}
    return dataclasses.field(default=default, metadata=meta)


def check_fields(part: Any) -> None:
    """Raise `HardwareError` for the first field of dataclass `part` outside its declared range."""
    for f in dataclasses.fields(part):
        value, meta = getattr(part, f.name), f.metadata
        if meta["values"]:
            if value not in meta["values"]:
                raise HardwareError(f"{f.name} must be one of {', '.join(meta['values'])}", got=value)
        elif meta["lo"] is not None and (
            isinstance(value, bool) or not isinstance(value, int) or not meta["lo"] <= value <= meta["hi"]
        ):
            raise HardwareError(
                f"{f.name} must be an integer in {meta['lo']}..{meta['hi']} {meta['unit']}".rstrip(), got=value
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """Everything of the hardware that may change a bit (MICROARCHITECTURE, section A)."""

    act_bits: int = option(8, "activation operand width", unit="bits", lo=2, hi=16)
    weight_bits: int = option(8, "weight operand width", unit="bits", lo=2, hi=16)
    acc_bits: int = option(32, "accumulator width", unit="bits", lo=2, hi=64)
    acc_internal_bits: int = option(48, "accumulator register width under overflow = readout", unit="bits", lo=2, hi=64)
    overflow: str = option("saturate", "accumulator overflow rule", values=("saturate", "wrap", "trap", "readout"))
    reduction: str = option("tree", "products of a group: summed exactly, or one by one", values=("tree", "chain"))
    group_size: int = option(16, "products per rule application T (tree: the columns; chain: 1)", lo=1, hi=1024)
    order: str = option("canonical", "accumulation order", values=("canonical", "reversed"))
    split_k: int = option(1, "parts S a sum is split into, merged at the end", lo=1, hi=64)
    bias_order: str = option(
        "first", "the bias starts the sum, or is added last, as the sum is read out", values=("first", "last")
    )
    inner_bits: int = option(
        0,
        "width of an inner accumulator that spills into the one of acc_bits; 0: none",
        unit="bits",
        lo=0,
        hi=63,
    )
    inner_products: int = option(
        64, "products that the inner accumulator sums before it spills, whole groups (chain: whole columns)",
        lo=1, hi=MAX_INNER_GROUPS * 1024,
    )  # fmt: skip
    inner_overflow: str = option("saturate", "overflow rule of the inner accumulator", values=("saturate", "wrap"))
    zero_point: str = option(
        "fold", "activation zero points: folded into the bias, or subtracted at the PE", values=("fold", "subtract")
    )
    bias_bits: int = option(32, "stored width of the (folded) bias", unit="bits", lo=32, hi=64)
    bias_policy: str = option(
        "error",
        "a bias that acc_bits cannot hold: refused, or loaded through the overflow rule",
        values=("error", "apply"),
    )
    requantizer: str = option(
        "profile",
        "requantization scheme of the MAC unit; `profile` takes the network's own",
        values=(
            "profile",
            "TFL_DOUBLE",
            "TFL_SINGLE",
            "TFL_DOUBLE_UP",
            "RNDNU",
            "MBQM64",
            "RHAWAY_SHIFT",
            "REVEN_SHIFT",
            "TFL_DOUBLE_FP",
            "FP32_RNE",
            "FLOOR",
        ),
    )
    multiplier_bits: int = option(
        32,
        "signed width of the requantizer's multiplier, a scheme's own narrower one holds; 2: it only shifts",
        unit="bits",
        lo=2,
        hi=32,
    )
    multipliers: str = option(
        "channel",
        "multipliers of the requantizer: one per output channel, or one for all, the geometric mean of the extremes",
        values=("channel", "tensor"),
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.bias_bits not in (32, 48, 64):
            raise HardwareError("bias_bits must be 32, 48 or 64", got=self.bias_bits)
        if self.overflow == "readout" and self.acc_internal_bits < self.acc_bits:
            raise HardwareError(
                f"acc_internal_bits must be at least acc_bits = {self.acc_bits}", got=self.acc_internal_bits
            )
        if self.reduction == "chain" and self.group_size != 1:
            raise HardwareError("group_size must be 1 for reduction = chain", got=self.group_size)
        if self.inner_bits == 1:
            raise HardwareError("inner_bits must be 0 or in 2..63 bits", got=self.inner_bits)
        if self.inner_bits and self.inner_products % self.group_size:
            raise HardwareError(
                f"inner_products must be a multiple of group_size = {self.group_size}", got=self.inner_products
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Everything of the hardware that never changes a bit (MICROARCHITECTURE, section B)."""

    rows: int = option(16, "PE rows: outputs per tile", lo=1, hi=1023)
    cols: int = option(16, "PE columns: products per row and cycle", lo=1, hi=1024)
    clock_mhz: int = option(500, "clock", unit="MHz", lo=1, hi=100_000)
    act_spad_bytes: int = option(128 << 10, "activation scratchpad", unit="bytes", lo=16, hi=256 * _MIB)
    weight_spad_bytes: int = option(112 << 10, "weight scratchpad", unit="bytes", lo=16, hi=256 * _MIB)
    param_spad_bytes: int = option(16 << 10, "parameter scratchpad", unit="bytes", lo=16, hi=16 * _MIB)
    x_port_bytes: int = option(16, "activation port", unit="bytes/cycle", lo=1, hi=65536)
    w_port_bytes: int = option(64, "weight port", unit="bytes/cycle", lo=1, hi=65536)
    acc_depth: int = option(64, "accumulator slots per row, both halves", unit="slots", lo=2, hi=8190)
    requant_lanes: int = option(4, "outputs requantized per cycle", lo=1, hi=1024)
    vector_lanes: int = option(16, "elements per vector engine step", lo=1, hi=65536)
    dram_bytes_per_cycle: int = option(8, "DRAM bus", unit="bytes/cycle", lo=1, hi=64)
    dram_latency: int = option(64, "cycles from request to first beat", unit="cycles", lo=1, hi=100_000)
    dram_outstanding: int = option(4, "DMA requests in flight", lo=1, hi=1024)
    read_latency: int = option(2, "scratchpad read stages Lx of the x and w ports", unit="cycles", lo=1, hi=64)
    mul_latency: int = option(1, "multiplier stages Lm", unit="cycles", lo=1, hi=64)
    tree_levels_per_stage: int = option(2, "adder-tree levels per pipeline stage", lo=1, hi=16)
    chain_per_stage: int = option(1, "chained adders per pipeline stage c", lo=1, hi=1024)
    requant_latency: int = option(4, "requantizer stages Lq", unit="cycles", lo=1, hi=64)
    pool_depth: int = option(4, "vector pipeline depth of POOL", unit="cycles", lo=1, hi=1024)
    pool_interval: int = option(1, "cycles per POOL step (lanes taps)", unit="cycles", lo=1, hi=1024)
    vreq_depth: int = option(6, "vector pipeline depth of VREQ", unit="cycles", lo=1, hi=1024)
    vreq_interval: int = option(1, "cycles per VREQ step (lanes elements)", unit="cycles", lo=1, hi=1024)
    lut_depth: int = option(4, "vector pipeline depth of LUT", unit="cycles", lo=1, hi=1024)
    lut_interval: int = option(1, "cycles per LUT step (lanes elements)", unit="cycles", lo=1, hi=1024)
    reduce_depth: int = option(8, "vector pipeline depth of REDUCE", unit="cycles", lo=1, hi=1024)
    reduce_interval: int = option(1, "cycles per REDUCE step (lanes elements)", unit="cycles", lo=1, hi=1024)
    softmax_depth: int = option(24, "vector pipeline depth of SOFTMAX", unit="cycles", lo=1, hi=1024)
    softmax_interval: int = option(
        4, "cycles per SOFTMAX step (lanes elements: max, exp, sum, scale)", unit="cycles", lo=1, hi=1024
    )
    vadd_depth: int = option(8, "vector pipeline depth of VADD", unit="cycles", lo=1, hi=1024)
    vadd_interval: int = option(
        2, "cycles per VADD step (lanes elements: two operands over one port)", unit="cycles", lo=1, hi=1024
    )
    vmul_depth: int = option(7, "vector pipeline depth of VMUL", unit="cycles", lo=1, hi=1024)
    vmul_interval: int = option(
        2, "cycles per VMUL step (lanes elements: two operands over one port)", unit="cycles", lo=1, hi=1024
    )
    copy_depth: int = option(3, "vector pipeline depth of COPY", unit="cycles", lo=1, hi=1024)
    copy_interval: int = option(1, "cycles per COPY step (lanes bytes)", unit="cycles", lo=1, hi=1024)
    fill_depth: int = option(2, "vector pipeline depth of FILL", unit="cycles", lo=1, hi=1024)
    fill_interval: int = option(1, "cycles per FILL step (lanes bytes)", unit="cycles", lo=1, hi=1024)
    dataflow: str = option(
        "auto",
        "positions that a weight tile stays for: one, half the bank, or layer by layer what the cost model finds best",
        values=("auto", "output-stationary", "weight-stationary"),
    )

    double_buffering: str = option(
        "on", "two buffers per tile, loads move ahead of the work before them", values=("on", "off")
    )

    layer_reuse: str = option(
        "on", "tensors between layers stay in the activation scratchpad where they fit", values=("on", "off")
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.acc_depth % 2:
            raise HardwareError("acc_depth must be even: the bank has two halves", got=self.acc_depth)
        if self.requant_lanes > self.x_port_bytes:
            raise HardwareError(
                f"requant_lanes must be at most x_port_bytes = {self.x_port_bytes}: one write per beat",
                got=self.requant_lanes,
            )

    @property
    def half_depth(self) -> int:
        """Accumulator slots per row and bank half."""
        return self.acc_depth // 2
