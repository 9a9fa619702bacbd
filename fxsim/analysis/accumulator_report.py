"""`AccumulatorReport`: how many bits every accumulator needs, by what argument, and what happens with fewer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.analysis.sections import sections

if TYPE_CHECKING:
    from fxsim._core.records import Records
    from fxsim._core.tables import Table
    from fxsim.analysis.assignment import Assignments
    from fxsim.analysis.bit_cost import BitCosts
    from fxsim.analysis.forensics import Forensics
    from fxsim.analysis.observed import Observation
    from fxsim.analysis.orders import LayerOrders
    from fxsim.analysis.width_result import WidthSweep
    from fxsim.analysis.witness import Witness
    from fxsim.hw import Hardware
    from fxsim.rtl import RowCells


@dataclass(frozen=True, slots=True, eq=False)
class Bits:
    """Signed accumulator widths, by the argument for them: integers of a layer, or int64 [N] of its channels.

    None where not asked for; a layer's width is that of its widest channel. Type to inner are theorems; A2Q's
    formulas know no bias and are no bound here; calibrated and below hold for the samples seen, and for no other.

    Attributes
    ----------
    type, l1
        K products of the operand types' extremes; the L1 norm of the actual weights times the largest operand. Both
        with the bias as loaded.
    exact_wrap, exact_saturate
        The actual weights and operand range: the final sum; every prefix at a rule application.
    propagated_wrap, propagated
        The same, with operand ranges propagated from the layers before.
    inner
        What inner accumulators must hold to spill exact sums, operand ranges propagated.
    a2q_type, a2q_l1
        The published formulas (Colbert et al., ICCV 2023).
    calibrated_wrap, calibrated
        As propagated, with the range of IFM codes on the samples.
    observed, inner_observed
        Every prefix, and what inner accumulators spilled or held, on the samples.
    output_equal
        Least width from which on no OFM code on the samples changes, under the hardware's overflow rule.
    """

    type: Any
    a2q_type: Any
    l1: Any
    a2q_l1: Any
    exact_wrap: Any
    exact_saturate: Any
    propagated_wrap: Any
    propagated: Any
    calibrated_wrap: Any = None
    calibrated: Any = None
    observed: Any = None
    output_equal: Any = None
    inner: Any = None
    inner_observed: Any = None

    def widest(self) -> Bits:
        """The widths of the layer whose channels these are."""
        arrays = (getattr(self, f.name) for f in fields(self))
        return Bits(*(None if array is None else int(np.max(array)) for array in arrays))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        found = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found}


@dataclass(frozen=True, slots=True, eq=False)
class LayerAccumulators:
    """The accumulators of one layer.

    Attributes
    ----------
    number, name, op, depth
        Node, operator, products K per output.
    bits, channel_bits
        Widths of the layer and of its channels.
    witness
        An IFM that attains the exact bound under the hardware's overflow rule, and the network input that makes it
        where one was found. None where inner accumulators may overflow: exact sums then say nothing about the register.
    reached
        Width that some input of the network is known to need, at most the exact one; None where none was searched for.
    inner_fits
        Whether, by propagated ranges, inner accumulators spill nothing but exact sums, or there are none.
    """

    number: int
    name: str
    op: str
    depth: int
    bits: Bits
    channel_bits: Bits
    witness: Witness | None
    reached: int | None
    inner_fits: bool

    @property
    def channels(self) -> int:
        """Output channels N."""
        return len(self.channel_bits.type)

    def proved(self, overflow: str) -> int:
        """Width at which no input can make an event under rule `overflow`, if `inner_fits`."""
        final = overflow in ("wrap", "readout")
        return int(self.bits.propagated_wrap if final else self.bits.propagated)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        record = {
            name: getattr(self, name) for name in ("number", "name", "op", "depth", "channels", "reached", "inner_fits")
        }
        record["witness"] = None if self.witness is None else self.witness.sentence
        return {**record, "bits": self.bits.to_dict(), "channel_bits": self.channel_bits.to_dict()}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AccumulatorReport:
    """Everything about the accumulators of one network on one hardware.

    Attributes
    ----------
    network, profile, hardware
        What it is about.
    samples
        Samples seen; 0 where only bounds were asked for, everything below the layers is then None or empty.
    layers
        `LayerAccumulators`, by place or by name.
    observation
        What the samples can say, and cannot: split, margins, the bound that zero events allow.
    layer_sweep, network_sweep
        Every width and overflow rule: every layer alone on the exact IFM; the whole network. None with inner
        accumulators.
    forensics
        What overflows on this hardware as it is.
    orders
        Every layer under other orders of accumulation, on the first `order_samples` samples.
    assignments
        Widths layer by layer; None where inner accumulators may overflow.
    costs, cells
        What a bit buys: energy and bank bits; cells of one PE row, empty without a synthesizer.
    """

    network: str
    profile: str
    hardware: Hardware
    samples: int
    layers: Records[LayerAccumulators]
    costs: BitCosts
    cells: tuple[RowCells, ...] = ()
    observation: Observation | None = None
    layer_sweep: WidthSweep | None = None
    network_sweep: WidthSweep | None = None
    forensics: Forensics | None = None
    orders: tuple[LayerOrders, ...] = ()
    order_samples: int = 0
    assignments: Assignments | None = None

    def tables(self) -> list[Table]:
        """All tables, for text and HTML."""
        return [table for part in sections(self) for table in part.tables]

    def table(self) -> str:
        """The whole report as plain text."""
        return "\n\n".join(part.plain() for part in sections(self))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data (``schema = 1``)."""
        return {
            "schema": 1,
            "network": self.network,
            "profile": self.profile,
            "hardware": self.hardware.to_dict(),
            "samples": self.samples,
            "layers": [layer.to_dict() for layer in self.layers],
            "observation": None if self.observation is None else self.observation.to_dict(),
            "layer_sweep": None if self.layer_sweep is None else self.layer_sweep.to_dict(),
            "network_sweep": None if self.network_sweep is None else self.network_sweep.to_dict(),
            "forensics": None if self.forensics is None else self.forensics.to_dict(),
            "orders": [layer.to_dict() for layer in self.orders],
            "order_samples": self.order_samples,
            "assignments": None if self.assignments is None else self.assignments.to_dict(),
            "costs": self.costs.to_dict(),
            "cells": [asdict(row) for row in self.cells],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1)
