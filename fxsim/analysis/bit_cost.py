"""What a bit of accumulator buys: bank bits, adder and requantizer widths, picojoules."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fxsim._core.tables import Table
from fxsim.energy import energy_report
from fxsim.hw import Kind
from fxsim.sim import with_numerics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fxsim.energy import EnergyReport
    from fxsim.hw import Hardware, Numerics
    from fxsim.isa import Program

_BANK = (Kind.BANK_READ, Kind.BANK_WRITE, Kind.OVERFLOW_COMPARE)
_REQUANTIZER_LEAST = 32
"""The schemes' own width: a narrower accumulator leaves the requantizer as it is (MICROARCHITECTURE A.9)."""


@dataclass(frozen=True, slots=True)
class BitCost:
    """The machine with accumulators of one width; energy is nominal, in pJ per sample.

    Attributes
    ----------
    acc_bits
        Accumulator width.
    register_bits
        Width of an accumulator register: more than `acc_bits` under overflow = readout.
    bank_bits
        Bits of the accumulator bank: rows x slots x register.
    adder_bits
        Width of the adder that feeds the register: never below a product's, tree: a group's exact sum.
    requantizer_bits
        Width W of the requantizer's accumulator operand.
    accumulate_pj, bank_pj, tree_pj, requantize_pj
        The accumulators' adders, their bank with the overflow decision, the adder trees, the requantizers.
    chip_pj, total_pj
        Everything but DRAM, and everything.
    """

    acc_bits: int
    register_bits: int
    bank_bits: int
    adder_bits: int
    requantizer_bits: int
    accumulate_pj: float
    bank_pj: float
    tree_pj: float
    requantize_pj: float
    chip_pj: float
    total_pj: float


@dataclass(frozen=True, slots=True)
class BitCosts:
    """`BitCost` by width, ascending; `sentence` says what hides in the other adders."""

    costs: tuple[BitCost, ...]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def table(self) -> Table:
        """One line per width, with what the last bit before it costs on chip."""
        heads = ["bits", "register", "bank bits", "adder", "requantizer", "accumulate pJ", "bank pJ", "tree pJ",
                 "requantize pJ", "chip pJ", "chip pJ per bit"]  # fmt: skip
        rows: list[list[object]] = []
        for before, cost in zip((None, *self.costs), self.costs, strict=False):
            step = "" if before is None else (cost.chip_pj - before.chip_pj) / (cost.acc_bits - before.acc_bits)
            energies = (cost.accumulate_pj, cost.bank_pj, cost.tree_pj, cost.requantize_pj, cost.chip_pj)
            rows.append([cost.acc_bits, cost.register_bits, cost.bank_bits, cost.adder_bits, cost.requantizer_bits,
                         *energies, step])  # fmt: skip
        return Table("What a bit buys, per sample", heads, rows, self.sentence)


def bit_costs(program: Program, widths: Iterable[int]) -> BitCosts:
    """Price `program` with uniform accumulators of every width.

    Raises
    ------
    HardwareError, QuantizationError
        A width is illegal, or a requantization scheme is not exact at it.
    """
    hw = program.hardware
    costs = []
    for bits in sorted(set(widths)):
        own = hw.replace(acc_bits=bits, acc_internal_bits=max(bits, hw.numerics.acc_internal_bits))
        costs.append(_cost(own, energy_report(with_numerics(program, own.numerics))))
    return BitCosts(tuple(costs), _sentence(hw, costs))


def _cost(hw: Hardware, report: EnergyReport) -> BitCost:
    numerics, timing = hw.numerics, hw.timing
    register = _register_bits(numerics)
    dram = _pj(report, (Kind.DRAM_BLOCK,))
    return BitCost(
        acc_bits=numerics.acc_bits,
        register_bits=register,
        bank_bits=timing.rows * timing.acc_depth * register,
        adder_bits=max(register, _sum_bits(hw)),
        requantizer_bits=max(_REQUANTIZER_LEAST, numerics.acc_bits),
        accumulate_pj=_pj(report, (Kind.ACCUMULATE,)),
        bank_pj=_pj(report, _BANK),
        tree_pj=_pj(report, (Kind.TREE_ADD,)),
        requantize_pj=sum(layer["requantize"] for layer in report.by_layer),
        chip_pj=report.nominal - dram,
        total_pj=report.nominal,
    )


def _register_bits(numerics: Numerics) -> int:
    """Bits of an accumulator register."""
    return numerics.acc_internal_bits if numerics.overflow == "readout" else numerics.acc_bits


def _sum_bits(hw: Hardware) -> int:
    """Bits of what is added to an accumulator at once: a product, or the exact sum of a group."""
    n = hw.numerics
    product = n.act_bits + (n.zero_point == "subtract") + n.weight_bits
    return product + (hw.timing.cols - 1).bit_length() if n.reduction == "tree" else product


def _pj(report: EnergyReport, kinds: tuple[Kind, ...]) -> float:
    totals = zip(report.counts.events, report.counts.counts, strict=True)
    return float(sum(report.prices[event].nominal * int(row.sum()) for event, row in totals if event.kind in kinds))


def _sentence(hw: Hardware, costs: list[BitCost]) -> str:
    """What limits the saving, in words."""
    bits, cols = _sum_bits(hw), hw.timing.cols
    if hw.numerics.reduction == "chain":
        return f"Every PE adds a product of {bits} bits at the register's width: each bit counts {cols} times per row."
    widest = costs[-1]
    adders = widest.accumulate_pj + widest.tree_pj
    share = 100 * widest.accumulate_pj / adders if adders else 0.0
    return (
        f"One accumulator adder stands behind a tree of {cols - 1} adders per row: at {widest.acc_bits} bits it takes "
        f"{share:.3g} % of the adders' energy, and below {bits} bits (the tree's exact sum) it gets no narrower.\n"
        "What a narrower accumulator saves is mostly its bank."
    )
