"""Accumulator widths layer by layer: the cheapest that is proved, the cheapest that measures well enough, the front.

Layers are independent in the proof (a layer that cannot overflow leaves the next one's range as it is), and energy
grows with every bit: the least proved width of every layer is the cheapest proved assignment. What is measured is a
local minimum: no layer can lose one more bit without the score falling below the target.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import InputError
from fxsim._core.tables import Table
from fxsim.analysis.labels import check_labels, predicted
from fxsim.energy import energy_report
from fxsim.sim import simulate, with_numerics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fxsim.isa import Program
    from fxsim.sim import Result

Array = NDArray[np.generic]
Samples = Array | Mapping[str, Array]
Widths = tuple[int, ...]

_LEAST = 4
"""The narrowest accumulator that the search tries."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Accumulator widths of all layers, what they cost and how they score.

    Attributes
    ----------
    widths
        Layer name to acc_bits, as ``layers={"conv1": {"acc_bits": 20}}`` takes them.
    chip_pj
        Nominal energy per sample without DRAM. The bank is one piece of hardware: it is built for the widest layer.
    score
        Share of samples that count as right, 0..1; see `Assignments.metric`.
    """

    widths: dict[str, int]
    chip_pj: float
    score: float

    @property
    def bank_width(self) -> int:
        """Bits of the bank that all layers share."""
        return max(self.widths.values())


@dataclass(frozen=True, slots=True)
class Assignments:
    """What the search found.

    Attributes
    ----------
    metric
        ``accuracy``: the first output's largest code is the label; ``agreement``: every output code is that of the
        proved widths.
    epsilon, target
        Score that may be lost, and the least score admitted.
    proved
        No input whatsoever overflows any accumulator.
    measured
        The cheapest one found whose score reaches the target.
    uniform
        One width for all layers, ascending.
    front
        Of all assignments that were measured, those that none beats in both cost and score; by cost.
    evaluations
        How many were measured.
    """

    metric: str
    samples: int
    epsilon: float
    target: float
    proved: Assignment
    measured: Assignment
    uniform: tuple[Assignment, ...]
    front: tuple[Assignment, ...]
    evaluations: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    @property
    def _lost(self) -> str:
        return f"at most {100 * self.epsilon:.3g} points below"

    def tables(self) -> list[Table]:
        """The two assignments layer by layer, then the front."""
        names = list(self.proved.widths)
        heads = ["layer", "proved bits", "measured bits"]
        rows: list[list[object]] = [[n, self.proved.widths[n], self.measured.widths[n]] for n in names]
        rows.append(["chip pJ per sample", self.proved.chip_pj, self.measured.chip_pj])
        rows.append([f"{self.metric}, %", 100 * self.proved.score, 100 * self.measured.score])
        title = f"Per-layer widths: {self.metric} over {self.samples:,} samples, {self._lost}"
        remark = "The bank is one piece of hardware: it is built for the widest layer."
        front = [[100 * a.score, a.chip_pj, " ".join(str(w) for w in a.widths.values())] for a in self.front]
        headings = [f"{self.metric}, %", "chip pJ", "bits, layer by layer"]
        return [Table(title, heads, rows, remark), Table("Pareto front of what was measured", headings, front)]


def assign_widths(
    program: Program,
    x: Samples,
    *,
    proved: Mapping[str, int],
    labels: Array | None = None,
    epsilon: float = 0.0,
) -> Assignments:
    """Search the cheapest widths of `program` on samples `x`, starting from the proved ones.

    Parameters
    ----------
    program
        Its overflow rule, order and groups hold; a bias outside an accumulator is loaded through the rule. Instead of
        trapping, accumulators saturate.
    x, labels
        Samples, and class numbers [N] or None.
    proved
        For every layer with accumulators, a width at which it cannot overflow.
    epsilon
        Score that may be lost, 0..1.

    Raises
    ------
    InputError
        `labels` are not one class number per sample, `epsilon` is outside 0..1, or `proved` misses a layer.
    """
    if not 0 <= epsilon <= 1:
        raise InputError("epsilon must be in 0..1", got=epsilon)
    search = _Search(program, x, proved, labels)
    top = search.score(search.top)
    target = top - epsilon
    floors = tuple(search.floor(number, target) for number in range(len(search.top)))
    measured = search.descend(search.lift(floors, target), target)
    uniform = [(bits,) * len(search.top) for bits in range(min(measured), max(search.top) + 1)]
    for widths in uniform:
        search.score(widths)
    return Assignments(
        metric=search.metric,
        samples=search.samples,
        epsilon=epsilon,
        target=target,
        proved=search.assignment(search.top),
        measured=search.assignment(measured),
        uniform=tuple(map(search.assignment, uniform)),
        front=tuple(map(search.assignment, search.front())),
        evaluations=len(search.scores),
    )


class _Search:
    """Scores and costs of assignments of one program, each measured once."""

    def __init__(self, program: Program, x: Samples, proved: Mapping[str, int], labels: Array | None) -> None:
        self.program, self.x = program, x
        self.names = [layer.name for layer in program.layers if layer.channels]
        missing = sorted(set(self.names) ^ set(proved))
        if missing:
            raise InputError("proved must hold every layer with accumulators and no other", got=missing)
        self.top: Widths = tuple(proved[name] for name in self.names)
        own = program.hardware.numerics
        internal = max(own.acc_internal_bits, *self.top)
        rule = "saturate" if own.overflow == "trap" else own.overflow
        self.numerics = dataclasses.replace(
            own, acc_bits=max(self.top), acc_internal_bits=internal, overflow=rule, bias_policy="apply"
        )
        self.scores: dict[Widths, float] = {}
        self.prices = self._prices(range(_LEAST, max(self.top) + 1))
        self.metric = "agreement" if labels is None else "accuracy"
        result = self._run(self.top)
        self.observed = [int(layer.acc_bits_needed) for layer in result.layers if layer.acc_bits_needed is not None]
        self.samples = result.samples
        self.labels = None if labels is None else check_labels(labels, self.samples)
        self.right = result.outputs
        self.exact = self._share(result)

    def _prices(self, widths: Iterable[int]) -> dict[int, list[float]]:
        """Chip energy of every layer at every width."""
        chip = {}
        for bits in widths:
            own = dataclasses.replace(self.numerics, acc_bits=bits)
            by_layer = energy_report(with_numerics(self.program, own)).by_layer
            chip[bits] = [sum(layer.values()) - layer["dram"] for layer in by_layer]
        return chip

    def _run(self, widths: Widths) -> Result:
        layers = {name: {"acc_bits": bits} for name, bits in zip(self.names, widths, strict=True)}
        return simulate(self.program, self.x, numerics=self.numerics, layers=layers)

    def score(self, widths: Widths) -> float:
        """Share of samples that are right under `widths`; where nothing overflows, that of the top."""
        if all(bits >= seen for bits, seen in zip(widths, self.observed, strict=True)):
            self.scores[widths] = self.exact
        if widths not in self.scores:
            self.scores[widths] = self._share(self._run(widths))
        return self.scores[widths]

    def _share(self, result: Result) -> float:
        """Share of samples whose class is the label; without labels, whose outputs are all those of the top."""
        if self.labels is not None:
            return float(np.mean(predicted(result.outputs) == self.labels))
        equal = [(result.outputs[name] == right).reshape(self.samples, -1).all(axis=1)
                 for name, right in self.right.items()]  # fmt: skip
        return float(np.mean(np.all(equal, axis=0)))

    def cost(self, widths: Widths) -> float:
        """Chip energy, pJ per sample; layers without accumulators cost what they always do."""
        chosen = iter(widths)
        bits = [next(chosen) if layer.channels else max(widths) for layer in self.program.layers]
        return sum(self.prices[b][number] for number, b in enumerate(bits))

    def floor(self, number: int, target: float) -> int:
        """A width of one layer, the others at the top, that reaches `target`, by bisection below the observed width."""
        low, high = _LEAST, min(self.observed[number], self.top[number])
        while low < high:
            middle = (low + high) // 2
            if self.score(self._with(self.top, number, middle)) >= target:
                high = middle
            else:
                low = middle + 1
        return high

    def lift(self, floors: Widths, target: float) -> Widths:
        """The floors, raised together bit by bit until they reach `target`; the top does."""
        widths = floors
        while self.score(widths) < target:
            widths = tuple(min(w + 1, top) for w, top in zip(widths, self.top, strict=True))
        return widths

    def descend(self, widths: Widths, target: float) -> Widths:
        """Take bits away, the dearest layer's first, until none can go."""
        again = True
        while again:
            again = False
            for number in self._dearest(widths):
                fewer = self._with(widths, number, widths[number] - 1)
                if fewer[number] >= _LEAST and self.score(fewer) >= target:
                    widths, again = fewer, True
        return widths

    def _dearest(self, widths: Widths) -> list[int]:
        """Layers by what their next bit less would save, most first."""
        able = [n for n, bits in enumerate(widths) if bits > _LEAST]
        return sorted(able, key=lambda n: self.cost(self._with(widths, n, widths[n] - 1)))

    @staticmethod
    def _with(widths: Widths, number: int, bits: int) -> Widths:
        return (*widths[:number], bits, *widths[number + 1 :])

    def front(self) -> list[Widths]:
        """Measured assignments that no other beats or equals in both cost and score, cheapest first."""
        best, kept = -1.0, []
        for widths in sorted(self.scores, key=lambda w: (self.cost(w), -self.scores[w])):
            if self.scores[widths] > best:
                best = self.scores[widths]
                kept.append(widths)
        return kept

    def assignment(self, widths: Widths) -> Assignment:
        """The record of measured `widths`."""
        return Assignment(dict(zip(self.names, widths, strict=True)), self.cost(widths), self.score(widths))
