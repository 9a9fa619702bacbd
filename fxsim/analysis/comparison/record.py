"""`Comparison`: fake quantization against exact integers, layer by layer; where, how much, and why."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.analysis.comparison.paired import METHOD
from fxsim.analysis.comparison.sections import comparison_sections

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim._core.records import Records
    from fxsim._core.tables import Table
    from fxsim.analysis.comparison.paired import PairedDifference
    from fxsim.analysis.requantizers.record import RequantizerStudy
    from fxsim.hw import Hardware

EXECUTIONS = ("float", "fake_quant", "exact")
"""The three executions, in the order in which they leave the real numbers."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How far one execution is from another: signal to noise in dB (inf: equal), cosine similarity (nan: no signal)."""

    sqnr_db: float
    cosine: float

    @classmethod
    def of(cls, signal: float, noise: float, product: float, energy: float) -> Fidelity:
        """From sums of squares of the reference, of the difference, of products, and of the other's squares."""
        sqnr = math.inf if noise == 0 else -math.inf if signal == 0 else 10 * math.log10(signal / noise)
        norm = math.sqrt(signal * energy)
        return cls(sqnr, product / norm if norm else math.nan)

    def to_dict(self) -> dict[str, float | None]:
        """Plain data; what is no finite number is None."""
        return {
            name: value if math.isfinite(value) else None
            for name, value in zip(("sqnr_db", "cosine"), (self.sqnr_db, self.cosine), strict=True)
        }


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first differing element of a layer.

    Attributes
    ----------
    index
        Sample first, then the place in the model's own shape without a leading 1.
    fake, exact
        The two codes.
    cause, also
        Why they differ; the mechanisms that make a difference there when they are switched on alone.
    """

    index: tuple[int, ...]
    fake: int
    exact: int
    cause: str
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Code pairs of one layer in two runs, and why they differ.

    Attributes
    ----------
    pairs
        int64 [256, 256]: how often fake quantization has code `low` + i where the exact run has `low` + j.
    low, zero
        Least code of the type; zero point.
    causes
        Differing elements by cause, without zeros; they add up to `mismatches`.
    also
        Differing elements by mechanism that makes a difference alone, without zeros; one may count several times.
    first
        The first differing element; None where there is none.
    unexplained
        Elements, equal ones too, whose exact code all mechanisms together do not give: a defect of fxsim.
    """

    pairs: NDArray[np.int64]
    low: int
    zero: int
    causes: dict[str, int] = field(default_factory=dict)
    also: dict[str, int] = field(default_factory=dict)
    first: FirstDifference | None = None
    unexplained: int = 0

    @property
    def elements(self) -> int:
        """Elements compared."""
        return int(self.pairs.sum())

    @property
    def histogram(self) -> dict[int, int]:
        """Elements by difference, exact less fake-quantized, in LSB; ascending, without zeros."""
        size = len(self.pairs)
        counts = {d: int(np.trace(self.pairs, d)) for d in range(1 - size, size)}
        return {d: n for d, n in counts.items() if n}

    @property
    def mismatches(self) -> int:
        """Elements that differ."""
        return self.elements - int(np.trace(self.pairs))

    @property
    def max_abs_lsb(self) -> int:
        """Greatest difference."""
        return max(map(abs, self.histogram), default=0)

    @property
    def mean_lsb(self) -> float:
        """Mean difference with its sign: the bias of the exact run."""
        return sum(d * n for d, n in self.histogram.items()) / max(self.elements, 1)

    @property
    def mean_abs_lsb(self) -> float:
        """Mean magnitude of the differences, equal elements included."""
        return sum(abs(d) * n for d, n in self.histogram.items()) / max(self.elements, 1)

    @property
    def fidelity(self) -> Fidelity:
        """Of the exact run to fake quantization; from integers, so the same on every machine."""
        centred = np.arange(len(self.pairs)) + self.low - self.zero
        rows, columns = self.pairs.sum(axis=1), self.pairs.sum(axis=0)
        signal, energy = int(rows @ centred**2), int(columns @ centred**2)
        product = int(centred @ self.pairs @ centred)
        return Fidelity.of(signal, signal + energy - 2 * product, product, energy)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "elements": self.elements,
            "mismatches": self.mismatches,
            "max_abs_lsb": self.max_abs_lsb,
            "mean_lsb": self.mean_lsb,
            "mean_abs_lsb": self.mean_abs_lsb,
            "histogram": {str(d): n for d, n in self.histogram.items()},
            **self.fidelity.to_dict(),
            "causes": self.causes,
            "also": self.also,
            "unexplained": self.unexplained,
            "first": None
            if self.first is None
            else {name: getattr(self.first, name) for name in FirstDifference.__slots__},
        }

    def listed(self) -> list[tuple[int, int, int]]:
        """The pairs that occur: fake-quantized code, exact code, elements."""
        return [(int(i) + self.low, int(j) + self.low, int(self.pairs[i, j])) for i, j in np.argwhere(self.pairs)]


@dataclass(frozen=True, slots=True, eq=False)
class LayerComparison:
    """One layer in all executions.

    Attributes
    ----------
    number, name, tensor, op
        Node, its name, its result's, its operator.
    scale
        Real size of one LSB.
    free
        Both runs through the whole network: differences are inherited.
    isolated
        The layer alone, fake quantization's operands in both.
    to_float
        Fidelity of "fake_quant" and of "exact" to the float run.
    runtimes
        Elements that differ from the exact run, by runtime; absent where a runtime does not show the tensor.
    """

    number: int
    name: str
    tensor: str
    op: str
    scale: float
    free: Differences
    isolated: Differences
    to_float: dict[str, Fidelity]
    runtimes: dict[str, int] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        """Elements compared, over all samples."""
        return self.free.elements

    @property
    def mismatches(self) -> int:
        """Elements that differ between the exact and the fake-quantized run."""
        return self.free.mismatches

    @property
    def max_abs_lsb(self) -> int:
        """Greatest difference, LSB."""
        return self.free.max_abs_lsb

    @property
    def sqnr_db(self) -> float:
        """Fake quantization over the difference, dB; inf where they are equal."""
        return self.free.fidelity.sqnr_db

    @property
    def causes(self) -> dict[str, int]:
        """Differing elements by cause; they add up to `mismatches`."""
        return self.free.causes

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **{name: getattr(self, name) for name in ("number", "name", "tensor", "op", "scale")},
            **self.free.to_dict(),
            "pairs": self.free.listed(),
            "isolated": self.isolated.to_dict(),
            "to_float": {name: fidelity.to_dict() for name, fidelity in self.to_float.items()},
            "runtimes": self.runtimes,
        }


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Answers of the network: the first output's greatest element, of equal ones the first.

    Attributes
    ----------
    output
        The tensor.
    agreements
        Samples on which two executions give the same answer, by "one = other".
    correct
        Right answers by execution; None without labels.
    difference
        Of the exact run's accuracy and fake quantization's (the first run); None without labels.
    """

    output: str
    samples: int
    agreements: dict[str, int]
    correct: dict[str, int] | None = None
    difference: PairedDifference | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        paired = self.difference
        return {
            "output": self.output,
            "samples": self.samples,
            "agreements": self.agreements,
            "correct": self.correct,
            "difference": None
            if paired is None
            else {
                "exact_only": paired.second_only,
                "fake_quant_only": paired.first_only,
                "difference": paired.difference,
                "interval_95": paired.interval,
                "method": METHOD,
            },
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison:
    """Float, fake-quantized and exact execution of one network on one hardware.

    Attributes
    ----------
    network, profile, hardware, samples
        What was compared.
    bias
        How fake quantization took biases.
    layers
        `LayerComparison`, by place or by name.
    end
        Top-1 answers; None where the first output has a single element.
    runtimes
        Runtimes that were run too.
    requantizers
        What other requantizers would do; None unless asked for.
    """

    network: str
    profile: str
    hardware: Hardware
    samples: int
    bias: str
    layers: Records[LayerComparison]
    end: EndToEnd | None
    runtimes: tuple[str, ...] = ()
    requantizers: RequantizerStudy | None = None

    @property
    def mismatches(self) -> int:
        """Differing elements of all layers."""
        return sum(layer.mismatches for layer in self.layers)

    @property
    def worst(self) -> LayerComparison | None:
        """The layer with the greatest mean magnitude of differences; None where nothing differs."""
        found: LayerComparison | None = max(self.layers, key=lambda layer: layer.free.mean_abs_lsb, default=None)
        return found if found is not None and found.mismatches else None

    def tables(self) -> list[Table]:
        """All tables, for text and HTML."""
        return [table for part in comparison_sections(self) for table in part.tables]

    def table(self) -> str:
        """The whole comparison as plain text."""
        return "\n\n".join(part.plain() for part in comparison_sections(self))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data (``schema = 1``)."""
        return {
            "schema": 1,
            "network": self.network,
            "profile": self.profile,
            "hardware": self.hardware.to_dict(),
            "samples": self.samples,
            "bias": self.bias,
            "layers": [layer.to_dict() for layer in self.layers],
            "end": None if self.end is None else self.end.to_dict(),
            "runtimes": list(self.runtimes),
            "requantizers": None if self.requantizers is None else self.requantizers.to_dict(),
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1)
