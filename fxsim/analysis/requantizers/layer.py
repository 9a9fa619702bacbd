"""One layer's accumulators, requantized every way there is."""

from __future__ import annotations

import dataclasses
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import FxsimError, QuantizationError
from fxsim.analysis.mac_sums import MacSums
from fxsim.analysis.requantizers.record import OWN, LayerRequantizers
from fxsim.energy import scheme_events
from fxsim.hw import EnergyTable
from fxsim.numerics import SCHEMES, requantize
from fxsim.ops import mac_params, output_rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from fxsim.graph import Network
    from fxsim.hw import Hardware, Numerics
    from fxsim.ops import OutputRule

Array = NDArray[Any]
Flags = NDArray[np.bool_]

MULTIPLIER_BITS = (28, 24, 20, 16, 14, 12, 10, 8)
"""Widths tried beside the whole 32 bits."""
_FIELDS = ("requantizer", "multiplier_bits", "multipliers")
"""Numerics of the requantizer."""
_CHUNK_ELEMENTS = 1 << 20
"""Accumulators that are requantized at a time."""


def requantizer_candidates() -> dict[str, dict[str, Any]]:
    """What is tried, by name: fields of `Numerics` in which it departs from a layer's own, in a fixed order.

    The hardware's own; every scheme; then its own, one rounding (TFL_SINGLE) and none (FLOOR), each with narrower
    multipliers, by powers of two, and with one multiplier for all channels of a layer.
    """
    whole: dict[str, Any] = {"multiplier_bits": 32, "multipliers": "channel"}
    found: dict[str, dict[str, Any]] = {OWN: {}}
    found |= {name: {"requantizer": name} | whole for name in SCHEMES}
    for name in (OWN, "TFL_SINGLE", "FLOOR"):
        base = found[name]
        found |= {f"{name}, {bits} bits": base | {"multiplier_bits": bits} for bits in MULTIPLIER_BITS}
        found[f"{name}, shift only"] = base | {"multiplier_bits": 2}
        found[f"{name}, per tensor"] = base | {"multipliers": "tensor"}
    return found


class RequantizedLayer:
    """One layer's accumulators, and all requantizers that fit it."""

    def __init__(self, net: Network, number: int, numerics: Numerics, hw: Hardware) -> None:
        node = net.nodes[number]
        self.number, self.name, self.op = number, node.name, node.op
        self.source, self.tensor = (net.values[i].name for i in (node.inputs[0], node.outputs[0]))
        self.numerics, self.own = numerics, {name: getattr(numerics, name) for name in _FIELDS}
        self.params = mac_params(net, node, numerics)
        self.sums = MacSums(self.params, numerics)
        self.rules: dict[str, OutputRule] = {}
        self.pj: dict[str, float] = {}
        self.refused: dict[str, str] = {}
        for name, fields in requantizer_candidates().items():
            tried = dataclasses.replace(numerics, **fields)
            try:
                self.rules[name] = output_rule(net, node, tried)
            except QuantizationError as error:
                self.refused[name] = str(error)
                continue
            self.pj[name] = _picojoules(self.rules[name], tried, hw)
        self.mismatches = dict.fromkeys(self.rules, 0)
        self.elements = 0

    @property
    def outputs(self) -> int:
        """Output elements of a sample."""
        return self.params.window.batch * self.params.window.positions * self.params.channels

    def reason(self, name: str) -> str:
        """Why a requantizer does not fit the layer; nothing where it does."""
        return f"layer {self.name!r}: {self.refused[name]}" if name in self.refused else ""

    def compare(self, tensors: Mapping[str, Array], wrong: Mapping[str, Flags], pool: Executor) -> None:
        """Count a batch, and mark the samples of `wrong` in which a requantizer changes something."""
        x, y = tensors[self.source], tensors[self.tensor]
        window = self.params.window
        step = max(1, _CHUNK_ELEMENTS // self.outputs)
        for start in range(0, len(y), step):
            rows = slice(start, min(start + step, len(y)))
            images = x[rows].reshape(-1, window.in_h, window.in_w, window.channels)
            acc, codes = self.sums.accumulators(images), y[rows].astype(np.int64)
            self.elements += codes.size
            marks = [wrong[name][rows] for name in self.rules]
            list(pool.map(self._count, self.rules, repeat(acc), repeat(codes), marks))

    def _count(self, name: str, acc: Array, codes: Array, wrong: Flags) -> None:
        """Requantize accumulators one way; count elements, and mark samples, that are not the reference's."""
        rule = self.rules[name]
        ends = {"zero": self.params.out_zero, "lo": rule.clamp_lo, "hi": rule.clamp_hi}
        found = requantize(acc, rule.requant, rule.scheme, **ends, acc_bits=self.numerics.acc_bits)
        differs = found.reshape(codes.shape) != codes
        count = int(np.count_nonzero(differs))
        if count:
            self.mismatches[name] += count
            wrong |= differs.reshape(len(codes), -1).any(axis=1)

    def record(self) -> LayerRequantizers:
        """What was counted."""
        equal = [name for name, count in self.mismatches.items() if not count]
        if OWN not in equal:
            raise FxsimError("accumulators of the machine must be those of its layers alone", where=self.name)
        return LayerRequantizers(
            number=self.number,
            name=self.name,
            tensor=self.tensor,
            op=self.op,
            elements=self.elements,
            mismatches=self.mismatches,
            pj=self.pj,
            refused=self.refused,
            cheapest=min(equal, key=self.pj.__getitem__),
        )


def _picojoules(rule: OutputRule, numerics: Numerics, hw: Hardware) -> float:
    """Nominal energy of requantizing one output."""
    events = scheme_events(rule.scheme, max(32, numerics.acc_bits), numerics.multiplier_bits)
    table = EnergyTable.load()
    return sum(count * table.price(event, hw).nominal for event, count in events.items())
