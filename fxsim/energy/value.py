"""Value-aware energy: what zero operands and real toggles change in a program's energy, beside the figure without data.

Two prices are replaced, those of products and of x operand registers (`Kind.MULTIPLY`, and `Kind.PIPELINE` at the
width of x); the others -- product registers, adders, bank, weight registers, memories -- stay. With P the price of a
product of a x b bits and R that of an x register of a bits::

    data-independent    products * (P + R)
    value-aware         (x_toggles + w_toggles) * P / (0.5 * (a + b))  +  x_toggles * R / (0.5 * a)

Zero gating: a product with a zero operand costs nothing, its operands are not latched and so toggle no bit
(`fxsim.kernels.activity`). Toggles: any other product costs P times its activity, the share of its a + b operand bits
that toggle, over 0.5, the activity of random operands; its register likewise. The published energies are averages that
state no operand statistics, so that both effects are derived, and so is their sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim.hw import Event, Kind, Price
from fxsim.isa import Mac, ZeroPoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.energy.report import EnergyReport
    from fxsim.isa import Program

Array = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerValueEnergy:
    """Operands of a layer's MACs, counted over all samples, and the energy of one sample in pJ, nominal and derived.

    Attributes
    ----------
    products, x_zero, w_zero, gated
        Products of active PEs; those with x = 0, with w = 0, and with either, which are gated.
    x_bits, w_bits, x_toggles, w_toggles
        Operand bits of the products that are not gated, and how many of them toggle.
    multiply_pj, multiply_value_pj
        Multipliers, data-independent and value-aware.
    operand_pj, operand_value_pj
        x operand registers, data-independent and value-aware.
    gating_pj, toggle_pj
        What zero gating and what toggles change in both; negative where energy is saved.
    energy_pj
        The layer's value-aware total.
    """

    products: int
    x_zero: int
    w_zero: int
    gated: int
    x_bits: int
    w_bits: int
    x_toggles: int
    w_toggles: int
    multiply_pj: float
    multiply_value_pj: float
    operand_pj: float
    operand_value_pj: float
    gating_pj: float
    toggle_pj: float
    energy_pj: float


@dataclass(frozen=True, slots=True)
class ValueEnergy:
    """Value-aware energy of one sample in pJ under low, nominal and high prices, and the derived share of the nominal.

    `gating` and `toggle` are what the two effects change in the data-independent nominal total.
    """

    low: float
    nominal: float
    high: float
    derived_share: float
    gating: float
    toggle: float
    source: str


_COUNTS = ("products", "x_zero", "w_zero", "gated", "x_bits", "w_bits", "x_toggles", "w_toggles")
_SPENT = ("multiply_pj", "multiply_value_pj", "operand_pj", "operand_value_pj", "gating_pj", "toggle_pj")


class _Group(NamedTuple):
    """MACs of equal operand widths: prices of a product and of an x register, whole and per toggle; counts by layer."""

    multiply: Price
    operand: Price
    multiply_toggle: Price
    operand_toggle: Price
    counts: dict[str, Array]


def value_report(
    program: Program, energy: EnergyReport, activity: Array, samples: int
) -> tuple[ValueEnergy, tuple[LayerValueEnergy, ...]]:
    """Value-aware totals and layers.

    Parameters
    ----------
    program
        What ran.
    energy
        Its data-independent energy; the same table prices both.
    activity : int64 [n, len(ACTIVITY)]
        Operand counts per instruction, summed over `samples` samples.
    samples
        How many.
    """
    groups = list(_groups(program, energy, activity, samples))
    layers = len(program.layers)
    counts = {name: sum((g.counts[name] for g in groups), np.zeros(layers, np.int64)) for name in _COUNTS}
    spent = {name: sum((_spent(g)[name] for g in groups), np.zeros(layers)) / samples for name in _SPENT}
    records = tuple(_record(counts, spent, i, energy.layer(i)) for i in range(layers))
    return _totals(energy, groups, samples, spent), records


def _record(counts: dict[str, Array], spent: dict[str, Reals], number: int, energy_pj: float) -> LayerValueEnergy:
    fields: dict[str, Any] = {name: int(counts[name][number]) for name in _COUNTS}
    fields |= {name: float(spent[name][number]) for name in _SPENT}
    return LayerValueEnergy(**fields, energy_pj=energy_pj + fields["gating_pj"] + fields["toggle_pj"])


def _groups(program: Program, energy: EnergyReport, activity: Array, samples: int) -> Iterator[_Group]:
    table, hardware = program.columns.table(Mac), program.hardware
    a = hardware.numerics.act_bits + (table.zero_point == ZeroPoint.SUBTRACT)
    b = hardware.numerics.weight_bits + (table.w_zero != 0)
    products = samples * table.rows * table.positions * table.k_count
    x_zero, w_zero, gated, x_toggles, w_toggles = activity[table.index].T
    latched = products - gated
    columns = (products, x_zero, w_zero, gated, a * latched, b * latched, x_toggles, w_toggles)
    for x_bits, w_bits in np.unique(np.stack([a, b], axis=1), axis=0).tolist():
        multiply, operand = Event(Kind.MULTIPLY, x_bits, w_bits), Event(Kind.PIPELINE, x_bits)
        chosen = (a == x_bits) & (b == w_bits)
        layer_of = program.layer_of[table.index[chosen]]
        yield _Group(
            energy.table.price(multiply, hardware),
            energy.table.price(operand, hardware),
            energy.table.price_per_toggle(multiply, hardware),
            energy.table.price_per_toggle(operand, hardware),
            {name: _by_layer(program, layer_of, column[chosen]) for name, column in zip(_COUNTS, columns, strict=True)},
        )


def _by_layer(program: Program, layer_of: NDArray[np.int32], column: Array) -> Array:
    out = np.zeros(len(program.layers), np.int64)
    np.add.at(out, layer_of, column)
    return out


def _spent(group: _Group) -> dict[str, Reals]:
    """Nominal pJ of all samples, by layer."""
    counts = group.counts
    multiply, operand = group.multiply.nominal * counts["products"], group.operand.nominal * counts["products"]
    multiply_value = group.multiply_toggle.nominal * (counts["x_toggles"] + counts["w_toggles"])
    operand_value = group.operand_toggle.nominal * counts["x_toggles"]
    gating = -(group.multiply.nominal + group.operand.nominal) * counts["gated"]
    toggle = multiply_value + operand_value - (multiply + operand + gating)
    return dict(zip(_SPENT, (multiply, multiply_value, operand, operand_value, gating, toggle), strict=True))


def _totals(energy: EnergyReport, groups: list[_Group], samples: int, spent: dict[str, Reals]) -> ValueEnergy:
    low, nominal, high = (
        getattr(energy, bound) + sum(_change(group, bound) for group in groups) / samples
        for bound in ("low", "nominal", "high")
    )
    kept = energy.derived_share * energy.nominal - float(spent["operand_pj"].sum())
    kept -= sum(g.multiply.nominal * int(g.counts["products"].sum()) for g in groups if g.multiply.derived) / samples
    derived = kept + float(spent["multiply_value_pj"].sum() + spent["operand_value_pj"].sum())
    gating, toggle = float(spent["gating_pj"].sum()), float(spent["toggle_pj"].sum())
    return ValueEnergy(low, nominal, high, derived / nominal if nominal else 0.0, gating, toggle, _source(energy))


def _change(group: _Group, bound: str) -> float:
    """Value-aware less data-independent pJ of all samples, every price at its `bound`."""
    multiply, operand, multiply_toggle, operand_toggle = (float(getattr(price, bound)) for price in group[:4])
    products, x, w = (int(group.counts[name].sum()) for name in ("products", "x_toggles", "w_toggles"))
    return multiply_toggle * (x + w) + operand_toggle * x - (multiply + operand) * products


def _source(energy: EnergyReport) -> str:
    return str(energy.table.rules["activity"]["source"])
