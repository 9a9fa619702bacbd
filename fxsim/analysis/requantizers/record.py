"""`RequantizerStudy`: what other requantizers would do to a network, ranked, and the cheapest equal one per layer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fxsim._core.tables import Table, short_name
from fxsim.analysis.sections import Part

if TYPE_CHECKING:
    from fxsim._core.records import Records
    from fxsim.hw import Hardware

OWN = "own"
"""Name of the requantizers that the hardware has; the reference."""
_WIDE = 10
"""Most layers that stand side by side in a table."""
_TEXT = (
    "Every requantizer against the hardware's own, on these samples: no proof for others. Differ: elements of the "
    "layers with accumulators, in the whole network, where differences are inherited. Alone: the same where only the "
    "one layer's requantizer changes and its accumulators are the reference's. Ranked by elements of all layers that "
    "differ, of the outputs, by right answers (without labels: equal ones), by energy, and then as tried."
)


@dataclass(frozen=True, slots=True)
class RequantizerRun:
    """One requantizer in all layers with accumulators.

    Attributes
    ----------
    name, fields
        What is tried; the numerics in which it departs from a layer's own.
    elements, mismatches
        Output elements of the layers with accumulators over all samples, and those that are not the reference's.
    output_elements, output_mismatches
        The same of the network's outputs.
    alone
        Elements that differ where one layer's requantizer changes at a time, summed over the layers.
    samples, same_answer, correct
        Samples; those with the reference's top-1 and with the right one. None where the first output has a single
        element, or without labels.
    requant_pj
        Requantization of one output, pJ: mean over the outputs of the layers with accumulators.
    energy_pj
        One sample on the whole machine, pJ.
    """

    name: str
    fields: dict[str, Any]
    elements: int
    mismatches: int
    output_elements: int
    output_mismatches: int
    alone: int
    samples: int
    same_answer: int | None
    correct: int | None
    requant_pj: float
    energy_pj: float

    @property
    def accuracy(self) -> float | None:
        """Share of right answers; None without labels."""
        return None if self.correct is None else self.correct / self.samples


@dataclass(frozen=True, slots=True)
class LayerRequantizers:
    """What every requantizer does to one layer alone; its accumulators are the reference's.

    Attributes
    ----------
    number, name, tensor, op
        Node, its name, its result's, its operator.
    elements
        Output elements over all samples.
    mismatches
        Elements that differ from the reference, by requantizer.
    pj
        Requantization of one output, pJ, by requantizer.
    refused
        Why a requantizer does not fit the layer, by its name.
    cheapest
        Of those without mismatches on these samples the one of least energy; of equal ones the first that was tried.
    """

    number: int
    name: str
    tensor: str
    op: str
    elements: int
    mismatches: dict[str, int]
    pj: dict[str, float]
    refused: dict[str, str]
    cheapest: str

    @property
    def equal(self) -> list[str]:
        """Requantizers without mismatches on these samples, the reference included."""
        return [name for name, count in self.mismatches.items() if not count]


@dataclass(frozen=True, slots=True)
class RequantizerAssignment:
    """Every layer with its cheapest requantizer; run whole, all elements were the reference's.

    Attributes
    ----------
    layers
        Requantizers by layer, as ``fxsim.lower(..., layers=)`` takes them beside what the layers had already.
    requant_pj, energy_pj
        As those of `RequantizerRun`.
    """

    layers: dict[str, dict[str, Any]]
    requant_pj: float
    energy_pj: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RequantizerStudy:
    """Other requantizers on one network and hardware.

    Attributes
    ----------
    network, hardware, samples
        What was run.
    runs
        `RequantizerRun`, by rank or by name, the reference among them.
    refused
        Why a requantizer does not fit the network, by its name.
    layers
        `LayerRequantizers`, in execution order or by name.
    assignment
        The cheapest equal requantizers together.
    """

    network: str
    hardware: Hardware
    samples: int
    runs: Records[RequantizerRun]
    refused: dict[str, str]
    layers: Records[LayerRequantizers]
    assignment: RequantizerAssignment

    def part(self) -> Part:
        """Tables and sentences under one heading."""
        tables = [_ranking(self), _refusals(self), _alone(self), _cheapest(self)]
        return Part("Other requantizers", _TEXT, tuple(t for t in tables if t.rows), (self._sentence(),))

    def tables(self) -> list[Table]:
        """All tables, for text and HTML."""
        return list(self.part().tables)

    def table(self) -> str:
        """The whole study as plain text."""
        return self.part().plain()

    def _sentence(self) -> str:
        own, best = self.runs[OWN], self.assignment
        saved = 100 * (1 - best.requant_pj / own.requant_pj)
        return (
            f"With the cheapest requantizer that is equal on these {self.samples:,} samples in every layer, the whole "
            f"network is equal to the reference in all elements; requantization takes {best.requant_pj:.4g} instead of "
            f"{own.requant_pj:.4g} pJ per output ({saved:.1f} % less), a sample {best.energy_pj:,.0f} instead of "
            f"{own.energy_pj:,.0f} pJ."
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data (``schema = 1``)."""
        return {
            "schema": 1,
            "network": self.network,
            "hardware": self.hardware.to_dict(),
            "samples": self.samples,
            "runs": [asdict(run) | {"accuracy": run.accuracy} for run in self.runs],
            "refused": dict(self.refused),
            "layers": [asdict(layer) for layer in self.layers],
            "assignment": asdict(self.assignment),
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1)


def _share(count: int | None, of: int) -> object:
    return "" if count is None else 100 * count / of


def _ranking(study: RequantizerStudy) -> Table:
    heads = ["requantizer", "differ", "%", "outputs differ", "alone", "same top-1 %", "accuracy %", "pJ per output",
             "pJ per sample"]  # fmt: skip
    rows: list[list[object]] = [
        [run.name, run.mismatches, _share(run.mismatches, run.elements), run.output_mismatches, run.alone,
         _share(run.same_answer, run.samples), _share(run.correct, run.samples), run.requant_pj, run.energy_pj]
        for run in study.runs
    ]  # fmt: skip
    return Table(f"Requantizers, best first, {study.samples:,} samples", heads, rows)


def _refusals(study: RequantizerStudy) -> Table:
    rows: list[list[object]] = [[name, reason] for name, reason in study.refused.items()]
    return Table("Requantizers that do not fit", ["requantizer", "reason"], rows)


def _alone(study: RequantizerStudy) -> Table:
    """Requantizers down, layers across, where there is room for them."""
    title = "Elements that differ, one layer's requantizer at a time"
    if len(study.layers) > _WIDE:
        return Table(title, [], [])
    names = list(dict.fromkeys(name for layer in study.layers for name in (*layer.mismatches, *layer.refused)))
    rows: list[list[object]] = [
        [name, *(layer.mismatches.get(name, "does not fit") for layer in study.layers)] for name in names if name != OWN
    ]
    elements: list[object] = ["(elements)", *(layer.elements for layer in study.layers)]
    return Table(title, ["requantizer", *(short_name(layer.name) for layer in study.layers)], [elements, *rows])


def _cheapest(study: RequantizerStudy) -> Table:
    heads = ["#", "layer", "op", "equal", "cheapest", "pJ per output", "own pJ"]
    rows: list[list[object]] = [
        [layer.number, short_name(layer.name), layer.op, len(layer.equal) - 1, layer.cheapest,
         layer.pj[layer.cheapest], layer.pj[OWN]]
        for layer in study.layers
    ]  # fmt: skip
    remark = f"Equal: other requantizers without a difference on these {study.samples:,} samples, which is no proof."
    return Table("The cheapest requantizer that equals the reference, layer by layer", heads, rows, remark)
