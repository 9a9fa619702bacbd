"""The answers of three executions, counted batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.analysis.comparison.paired import PairedDifference
from fxsim.analysis.comparison.record import EXECUTIONS, EndToEnd
from fxsim.analysis.labels import predicted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import Network, Tensors

_PAIRS = (("float", "fake_quant"), ("float", "exact"), ("fake_quant", "exact"))


class Top1:
    """Top-1 of the first output of `net`, whose name is `output`; `labels` are class numbers or None."""

    def __init__(self, output: str, labels: NDArray[Any] | None) -> None:
        self.output, self.labels, self.samples = output, labels, 0
        self.agreements = dict.fromkeys(_PAIRS, 0)
        self.correct = dict.fromkeys(EXECUTIONS, 0)
        self.outcomes = np.zeros((2, 2), np.int64)

    @classmethod
    def of(cls, net: Network, labels: NDArray[Any] | None) -> Top1 | None:
        """None where the first output has a single element per sample: there is no greatest one."""
        y = net.values[net.outputs[0]]
        return cls(y.name, labels) if y.type.size > 1 else None

    def add(self, batch: slice, *runs: Tensors) -> None:
        """Count the tensors of samples `batch` in the three executions."""
        answers = {name: predicted(run.subset([self.output])) for name, run in zip(EXECUTIONS, runs, strict=True)}
        self.samples += batch.stop - batch.start
        for one, other in _PAIRS:
            self.agreements[one, other] += int(np.count_nonzero(answers[one] == answers[other]))
        if self.labels is None:
            return
        right = {name: found == self.labels[batch] for name, found in answers.items()}
        for name, hits in right.items():
            self.correct[name] += int(np.count_nonzero(hits))
        np.add.at(self.outcomes, (right["fake_quant"].astype(int), right["exact"].astype(int)), 1)

    def record(self) -> EndToEnd:
        """What was counted."""
        agreements = {f"{one} = {other}": n for (one, other), n in self.agreements.items()}
        if self.labels is None:
            return EndToEnd(self.output, self.samples, agreements)
        (neither, exact_only), (fake_only, both) = self.outcomes.tolist()
        paired = PairedDifference(both, fake_only, exact_only, neither)
        return EndToEnd(self.output, self.samples, agreements, self.correct, paired)
