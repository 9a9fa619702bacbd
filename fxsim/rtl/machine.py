"""The MAC unit in SystemVerilog: sources that are the same for every machine, and one package with its parameters."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError
from fxsim.isa import INSTRUCTIONS, array_of, inner_fields
from fxsim.numerics import SCHEMES, Scheme

if TYPE_CHECKING:
    from fxsim.hw import Hardware

PACKAGE = "fxsim_pkg.sv"
TESTBENCH = "fxsim_tb.sv"
_DEFAULT_SCHEME = "TFL_DOUBLE"
"""What `requantizer = profile` stands for: convolutions of the default profile."""
_WORDS = ("MAC", "MERGE", "REQ")
"""Instructions that the MAC engine decodes."""


def machine_scheme(hw: Hardware) -> Scheme:
    """The requantization scheme that the machine is built with; `profile` stands for the default profile's.

    Raises
    ------
    HardwareError
        The scheme is a floating one.
    """
    name = hw.numerics.requantizer
    scheme = SCHEMES[_DEFAULT_SCHEME if name == "profile" else name]
    if not scheme.synthesizable:
        raise HardwareError(
            "requantizer must be an integer scheme to become hardware: floating point is no part of the unit", got=name
        )
    return scheme


def machine_sources(hw: Hardware) -> dict[str, str]:
    """SystemVerilog files by name, in the order in which they are read: package, modules, testbench.

    Raises
    ------
    HardwareError
        The machine has a floating requantizer.
    """
    folder = resources.files("fxsim.rtl") / "sv"
    texts = {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".sv")}
    modules = sorted(set(texts) - {TESTBENCH})
    template = (folder / f"{PACKAGE}.in").read_text(encoding="utf-8")
    return {PACKAGE: _package(hw, template)} | {name: texts[name] for name in [*modules, TESTBENCH]}


def register_bits(hw: Hardware) -> int:
    """Width of an accumulator register: `acc_internal_bits` under readout, else `acc_bits`."""
    return hw.numerics.acc_internal_bits if hw.numerics.overflow == "readout" else hw.numerics.acc_bits


def row_event_width(hw: Hardware) -> int:
    """Bits that count the rule applications of a row in one issue: one for a tree, one per column for a chain."""
    return 1 if hw.numerics.reduction == "tree" else hw.timing.cols.bit_length()


def event_width(hw: Hardware) -> int:
    """Bits that count those of an accumulator in one issue: an inner one's spill is one, else they are the row's."""
    return 1 if hw.numerics.inner_bits else row_event_width(hw)


def row_bits(hw: Hardware) -> int:
    """Width of the register that a row's products are added to: the inner accumulator's, if there is one."""
    return hw.numerics.inner_bits or register_bits(hw)


def _inner_groups(hw: Hardware) -> int:
    """Groups behind which an accumulator is written: every one, or those that the inner accumulator sums."""
    return int(inner_fields(hw.numerics, hw.timing.cols).get("inner_groups", 1))


def machine_number(hw: Hardware) -> str:
    """16 hexadecimal digits that tell machines with other parameters apart: of the SHA-256 of the parameters."""
    return hashlib.sha256(_lines(_hardware(hw) | _derived(hw)).encode()).hexdigest()[:16]


def _package(hw: Hardware, template: str) -> str:
    name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in hw.name) or "unnamed"
    parts = {
        "NAME": name,
        "HARDWARE": _lines(_hardware(hw)),
        "DERIVED": _lines(_derived(hw)),
        "MACHINE": machine_number(hw),
        "FIELDS": _lines(_fields()),
    }
    for key, text in parts.items():
        template = template.replace(f"@{key}@", text)
    return template


def _lines(values: dict[str, int | bool]) -> str:
    return "\n".join(f"  localparam {_type(name, value)} {name} = {int(value)};" for name, value in values.items())


def _type(name: str, value: int | bool) -> str:
    if isinstance(value, bool):
        return "bit"
    return "logic [5:0]" if name.startswith("OPCODE_") else "int"


def _hardware(hw: Hardware) -> dict[str, int | bool]:
    """Fields of the hardware description, as they are."""
    n, t = hw.numerics, hw.timing
    scheme = machine_scheme(hw)
    return {
        "ROWS": t.rows,
        "COLS": t.cols,
        "ACT_BITS": n.act_bits,
        "WEIGHT_BITS": n.weight_bits,
        "ACC_BITS": n.acc_bits,
        "BIAS_BITS": n.bias_bits,
        "INNER": bool(n.inner_bits),
        "INNER_GROUPS": _inner_groups(hw),
        "TREE": n.reduction == "tree",
        "SUBTRACT": n.zero_point == "subtract",
        "SCHEME": int(scheme.code),
        "MULTIPLIER_BITS": scheme.multiplier_width(n.multiplier_bits),
        "X_PORT": t.x_port_bytes,
        "W_PORT": t.w_port_bytes,
        "HALF_DEPTH": t.half_depth,
        "REQUANT_LANES": t.requant_lanes,
        "READ_LATENCY": t.read_latency,
        "MUL_LATENCY": t.mul_latency,
        "TREE_LEVELS_PER_STAGE": t.tree_levels_per_stage,
        "CHAIN_PER_STAGE": t.chain_per_stage,
        "REQUANT_LATENCY": t.requant_latency,
        "DRAM_LATENCY": t.dram_latency,
        "DRAM_OUTSTANDING": t.dram_outstanding,
        "ACT_SPAD": t.act_spad_bytes,
        "WEIGHT_SPAD": t.weight_spad_bytes,
        "PARAM_SPAD": t.param_spad_bytes,
    }


def _derived(hw: Hardware) -> dict[str, int | bool]:
    """Widths and stages that follow from them."""
    n, t, array = hw.numerics, hw.timing, array_of(hw)
    tree = n.reduction == "tree"
    product = n.act_bits + 1 + n.weight_bits + 1
    total = product + (t.cols - 1).bit_length()
    wraps = n.overflow in ("wrap", "readout")
    return {
        "REG_BITS": register_bits(hw),
        "TRAP": n.overflow == "trap",
        "WRAPS": wraps,
        "ROW_BITS": row_bits(hw),
        "ROW_WRAPS": n.inner_overflow == "wrap" if n.inner_bits else wraps,
        "X_BYTES": 1 + (n.act_bits > 8),
        "X_NARROW": min(n.act_bits, 8),
        "W_NARROW": min(n.weight_bits, 8),
        "X_OPERAND": n.act_bits + 1,
        "W_OPERAND": n.weight_bits + 1,
        "PRODUCT": product,
        "TREE_SUM": total,
        "ROW_ADDEND": max(row_bits(hw), total if tree else product),
        "ROW_EVENT_BITS": row_event_width(hw),
        "EVENT_BITS": event_width(hw),
        "SPILL_BITS": _inner_groups(hw).bit_length(),
        "RECURRENCE": array.distance,
        "DEPTH": array.depth,
        "TILE_BEATS": array.tile,
        "TILE_COUNT": array.tile.bit_length(),
        "LANE_BITS": t.cols.bit_length(),
        "REST_BITS": array.distance.bit_length(),
        "BANK_BITS": (2 * t.half_depth - 1).bit_length(),
        "SLOT_BITS": max(1, (t.half_depth - 1).bit_length()),
        "DMA_BITS": max(1, (t.dram_outstanding - 1).bit_length()),
    }


def _fields() -> dict[str, int | bool]:
    """Opcodes and bit offsets of the MAC engine's instructions."""
    classes = {name: INSTRUCTIONS[name] for name in _WORDS}
    offsets = {f"{name}_{f.name.upper()}": f.offset for name, cls in classes.items() for f in cls.layout}
    return {f"OPCODE_{name}": cls.opcode for name, cls in classes.items()} | offsets
