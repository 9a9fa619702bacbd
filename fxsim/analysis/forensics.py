"""Forensics: what overflowed on the machine, layer by layer, channel by channel, PE row by PE row; the first and worst.

Statistics come from the graph level, fed by the tensors that the machine itself has produced, so that overflows further
up are in them; they must equal the machine's own counters. Single events are replayed on plain integers.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError
from fxsim._core.tables import Table, short_name
from fxsim.analysis.affected import Affected, Found, affected_outputs
from fxsim.analysis.event import Event
from fxsim.analysis.replay import trace
from fxsim.numerics import Overflow, bits_needed
from fxsim.ops import mac_params
from fxsim.sim import (
    Output,
    Phase,
    Places,
    carried_numerics,
    execute,
    inner_text,
    locate,
    output_text,
    overridden,
    place_text,
    register_text,
    step_text,
    timeline,
)

if TYPE_CHECKING:
    from fxsim.analysis.replay import Trajectory
    from fxsim.graph import LayerStats, Network
    from fxsim.hw import Numerics
    from fxsim.isa import Program
    from fxsim.ops import MacParams
    from fxsim.sim import LayerFields

_WIDEST = 64

Ints = NDArray[np.int64]
Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class LayerForensics:
    """What happened in the accumulators of one layer.

    Attributes
    ----------
    layer, name, op
        Number, name and operator.
    numerics
        Width, overflow rule and order, as the layer's instructions carry them.
    stats
        Counters by channel, the machine's own.
    outputs
        Outputs over all samples.
    row_outputs, row_count, row_events : int64 [PE rows]
        By the PE row that computes them: outputs, outputs with events, events (those of inner accumulators too).
    masked, visible
        Outputs with an event (of an inner accumulator too), a bias load outside the range or an internal wrap whose
        code is equal to, and differs from, the one of the exact sum.
    first, worst
        The first event in time, and that of the output with the greatest error in LSBs (among equals, the greatest
        excess); bias loads and internal wraps included. None where nothing happened.
    """

    layer: int
    name: str
    op: str
    numerics: Numerics
    stats: LayerStats
    outputs: int
    row_outputs: Ints
    row_count: Ints
    row_events: Ints
    masked: int
    visible: int
    first: Event | None
    worst: Event | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data: counts, rates by channel and PE row, extremes, the first and the worst event."""
        return {
            "layer": self.layer,
            "name": self.name,
            "op": self.op,
            "overflow": self.numerics.overflow,
            "acc_bits": self.numerics.acc_bits,
            "outputs": self.outputs,
            "overflow_count": self.stats.overflow_count,
            "overflow_events": self.stats.overflow_events,
            "inner_bits": self.numerics.inner_bits,
            "inner_events": self.stats.inner_events,
            "bias_overflow_count": self.stats.bias_overflow_count,
            "internal_wraps": self.stats.internal_wraps,
            "rate": self.rate,
            "channel_rates": self.channel_rates.tolist(),
            "row_rates": self.row_rates.tolist(),
            "extremes": list(self.extremes),
            "masked": self.masked,
            "visible": self.visible,
            "first": None if self.first is None else self.first.to_dict(),
            "worst": None if self.worst is None else self.worst.to_dict(),
        }

    @property
    def rate(self) -> float:
        """Share of the outputs that have events."""
        return self.stats.overflow_count / self.outputs

    @property
    def channel_rates(self) -> NDArray[np.float64]:
        """`rate` by channel."""
        count = self.stats.channel_overflow_count
        return count * len(count) / self.outputs

    @property
    def row_rates(self) -> NDArray[np.float64]:
        """`rate` by PE row; 0 for rows that compute nothing."""
        return self.row_count / np.maximum(self.row_outputs, 1)

    @property
    def extremes(self) -> tuple[int, int]:
        """Least and greatest exact prefix sum."""
        return int(self.stats.channel_acc_min.min()), int(self.stats.channel_acc_max.max())


@dataclass(frozen=True, slots=True, eq=False)
class Forensics:
    """All layers with accumulators, in order; the first event of all in time, and the worst, None if there is none."""

    layers: tuple[LayerForensics, ...]
    first: Event | None
    worst: Event | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        first, worst = (None if event is None else event.to_dict() for event in (self.first, self.worst))
        return {"layers": [layer.to_dict() for layer in self.layers], "first": first, "worst": worst}

    def table(self) -> Table:
        """One line per layer; below it the first and the worst event in words."""
        heads = ["#", "layer", "rule", "overflow outputs", "rate %", "events", "bias overflows", "internal wraps",
                 "masked", "visible", "acc min", "acc max"]  # fmt: skip
        rows = [_row(layer) for layer in self.layers]
        if any(layer.numerics.inner_bits for layer in self.layers):
            heads += ["inner rule", "inner events"]
            rows = [row + _inner_row(layer) for row, layer in zip(rows, self.layers, strict=True)]
        events = (("first", self.first), ("worst", self.worst))
        remark = "\n".join(f"{which}: {event.sentence}" for which, event in events if event is not None)
        return Table("Overflows on the machine", heads, rows, remark)


def _row(layer: LayerForensics) -> list[object]:
    stats = layer.stats
    return [
        layer.layer,
        short_name(layer.name),
        f"{layer.numerics.overflow} {layer.numerics.acc_bits}",
        stats.overflow_count,
        100 * layer.rate,
        stats.overflow_events,
        stats.bias_overflow_count,
        stats.internal_wraps,
        layer.masked,
        layer.visible,
        *layer.extremes,
    ]


def _inner_row(layer: LayerForensics) -> list[object]:
    own = layer.numerics
    return [f"{own.inner_overflow} {own.inner_bits}" if own.inner_bits else "", layer.stats.inner_events]


def forensics(
    program: Program,
    x: object,
    *,
    net: Network,
    numerics: Numerics | None = None,
    layers: LayerFields | None = None,
) -> Forensics:
    """Run a program and find out what overflowed.

    Parameters
    ----------
    program
        A lowered network.
    x
        Samples, as for `fxsim.simulate`.
    net
        The network that the program was lowered from.
    numerics, layers
        Other widths and overflow rules than the program's own, as for `fxsim.simulate`.

    Raises
    ------
    InputError
        `net` is another network, or `x` does not fit.
    HardwareError, QuantizationError
        `numerics` or `layers` cannot replace the program's own.
    """
    _check_network(program, net)
    program = overridden(program, numerics, layers)
    numbers = [number for number, layer in enumerate(program.layers) if layer.channels]
    run = execute(program, x, keep="all")
    issue = timeline(program).issue
    found = [_LayerRun(program, net, number, run.tensors, issue).inspect(run.stats[number]) for number in numbers]
    first = [layer.first for layer in found if layer.first is not None]
    worst = [layer.worst for layer in found if layer.worst is not None]
    return Forensics(
        tuple(found),
        min(first, key=lambda e: (e.sample, e.instruction), default=None),
        max(worst, key=lambda e: (abs(e.error), e.excess), default=None),
    )


def _check_network(program: Program, net: Network) -> None:
    """Refuse a network that is visibly not the program's."""
    made = [(layer.name, layer.op, layer.out_shapes) for layer in program.layers]
    given = [(node.name, node.op, tuple(v.type.shape for v in net.results(node))) for node in net.nodes]
    if made != given:
        raise InputError("net must be the network that the program was lowered from", got=net.name, where=program.name)


class _LayerRun:
    """One layer of an executed program."""

    def __init__(self, program: Program, net: Network, number: int, tensors: dict[str, Array], issue: Ints) -> None:
        self.program, self.number, self.issue = program, number, issue
        self.layer, node = program.layers[number], net.nodes[number]
        self.numerics = carried_numerics(program, number)
        self.params: MacParams = mac_params(net, node, self.numerics)
        self.places: Places = locate(program, number)
        window, x = self.params.window, tensors[net.values[node.inputs[0]].name]
        self.samples = len(x)
        self.images = x.reshape(-1, window.in_h, window.in_w, window.channels)

    def inspect(self, stats: LayerStats) -> LayerForensics:
        """Look for events where the machine counted any; the counters must be the same."""
        rows = self.program.hardware.timing.rows
        found = Affected.nothing(stats, rows)
        if stats.overflow_events + stats.inner_events + stats.bias_overflow_count + stats.internal_wraps:
            found = affected_outputs(self.params, self.images, self.numerics, self.places, rows)
        if not found.stats.same_as(stats):
            where = f"layer {self.layer.name!r}"
            raise InputError("net must be the network that the program was lowered from", where=where)
        return LayerForensics(
            self.number,
            self.layer.name,
            self.layer.op,
            self.numerics,
            stats,
            self.samples * self.places.row.size,
            self.samples * np.bincount(self.places.row.ravel(), minlength=rows),
            found.row_count,
            found.row_events,
            found.masked,
            found.visible,
            self._event(found.first),
            self._event(found.worst),
        )

    def _event(self, found: Found | None) -> Event | None:
        """Replay an affected output up to its first event, and beyond."""
        if found is None:
            return None
        sum_ = trace(self.params, self._sample(found.sample), self._output(found), self.numerics)
        number = int(np.argmax(sum_.events))
        phase, k, exact, stored = (int(part[number]) for part in (sum_.phase, sum_.k, sum_.exact, sum_.stored))
        if phase == Phase.INNER:
            exact, stored = int(sum_.inner_exact[number]), int(sum_.inner[number])
        step = self.places.step(sum_.output, Phase(phase), k if phase in (Phase.SUM, Phase.INNER) else 0)
        return Event(
            sample=found.sample,
            layer=self.number,
            output=sum_.output,
            phase=Phase(phase),
            application=number - int(sum_.phase[0] == Phase.BIAS),
            k=k,
            instruction=step.instruction,
            cycle=int(self.issue[step.instruction]),
            position=step.position,
            row=step.row,
            exact=exact,
            stored=stored,
            code=found.code,
            exact_code=found.exact_code,
            excess=found.excess,
            enough_bits=self._enough(found, sum_, Phase(phase)),
            trajectory=sum_,
            place=self._place(found.sample, sum_, number, step.instruction),
            register=self._register(Phase(phase), stored),
        )

    def _enough(self, found: Found, sum_: Trajectory, phase: Phase) -> int:
        """Width of the register of `phase` that the whole sum would never leave."""
        if phase is Phase.INNER:
            held = sum_.inner_exact
        elif self.numerics.inner_bits:
            widest = dataclasses.replace(self.numerics, acc_bits=_WIDEST, overflow="saturate")
            held = trace(self.params, self._sample(found.sample), sum_.output, widest).stored
        else:
            held = np.array([found.low, found.high, found.final])
        held = held[-1:] if phase is Phase.READ else held
        return bits_needed(int(held.min()), int(held.max()))

    def _sample(self, sample: int) -> Array:
        batch = self.params.window.batch
        return self.images[sample * batch : (sample + 1) * batch]

    def _output(self, found: Found) -> Output:
        image, y, x = np.unravel_index(found.place, self.places.shape[:3])
        return Output(int(image), int(y), int(x), found.channel)

    def _place(self, sample: int, sum_: Trajectory, number: int, instruction: int) -> str:
        k, stop, part = (int(column[number]) for column in (sum_.k, sum_.stop, sum_.part))
        output = output_text(sum_.output, self.places.shape[0])
        step = step_text(Phase(sum_.phase[number]), k, stop, part, late=number > 0)
        return place_text(self.program, sample, output, step, instruction, int(self.issue[instruction]))

    def _register(self, phase: Phase, stored: int) -> str:
        own = self.numerics
        if phase is Phase.INNER:
            return inner_text(Overflow[own.inner_overflow.upper()], own.inner_bits, stored)
        return register_text(Overflow[own.overflow.upper()], phase, own.acc_bits, own.acc_internal_bits, stored)
