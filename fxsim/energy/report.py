"""Picojoules: event counts priced once, summed per instruction, layer and event group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.energy.count import EventCounts, count_events
from fxsim.hw import DEFAULT_TABLE, GROUP_OF, GROUPS, EnergyTable, Event, Price

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.isa import Program


@dataclass(frozen=True, slots=True, eq=False)
class EnergyReport:
    """Energy of one sample on a program's hardware, in pJ.

    Attributes
    ----------
    counts
        Integer event counts per instruction.
    prices
        Price of every event that happened.
    per_instruction
        float64 [instructions], nominal.
    by_layer
        For every layer, pJ per event group (all groups, zero where nothing happened), nominal.
    low, nominal, high
        Totals under the bounds of every price.
    derived_share
        Share of the nominal total whose price is derived rather than a published point, 0..1.
    """

    table: EnergyTable
    counts: EventCounts
    prices: dict[Event, Price]
    per_instruction: NDArray[np.float64]
    by_layer: tuple[dict[str, float], ...]
    low: float
    nominal: float
    high: float
    derived_share: float

    def layer(self, number: int) -> float:
        """Nominal pJ of a layer."""
        return sum(self.by_layer[number].values())


def energy_report(program: Program, table: str = DEFAULT_TABLE) -> EnergyReport:
    """Price all events of `program`.

    Raises
    ------
    EnergyError
        The table is unknown, or an active event has no price.
    """
    prices_of = EnergyTable.load(table)
    counts = count_events(program)
    prices = {event: prices_of.price(event, program.hardware) for event in counts.events}
    nominal = np.array([price.nominal for price in prices.values()])
    totals = counts.counts.sum(axis=1, dtype=np.int64)
    total = float(nominal @ totals)
    derived = float(sum(p.nominal * n for p, n in zip(prices.values(), totals, strict=True) if p.derived))
    return EnergyReport(
        table=prices_of,
        counts=counts,
        prices=prices,
        per_instruction=nominal @ counts.counts,
        by_layer=_by_layer(program, counts, nominal),
        low=float(sum(p.low * n for p, n in zip(prices.values(), totals, strict=True))),
        nominal=total,
        high=float(sum(p.high * n for p, n in zip(prices.values(), totals, strict=True))),
        derived_share=derived / total if total else 0.0,
    )


def _by_layer(program: Program, counts: EventCounts, nominal: NDArray[np.float64]) -> tuple[dict[str, float], ...]:
    layers = len(program.layers)
    sums = [dict.fromkeys(GROUPS, 0.0) for _ in range(layers)]
    for event, price, row in zip(counts.events, nominal, counts.counts, strict=True):
        per_layer = np.zeros(layers, np.int64)
        np.add.at(per_layer, program.layer_of, row)
        for i in np.flatnonzero(per_layer):
            sums[i][GROUP_OF[event.kind]] += float(price) * int(per_layer[i])
    return tuple(sums)
