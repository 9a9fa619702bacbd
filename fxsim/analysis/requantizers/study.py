"""`study_requantizers`: other schemes and reduced hardware in the place of a machine's requantizer, sample by sample.

Differences spread only from layers whose own requantizer makes one: a sample on which every layer alone is equal is
equal throughout, layer after layer, and is not run again.
"""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import FxsimError, InputError, TrapError
from fxsim._core.records import Records
from fxsim.analysis.exact import mac_nodes
from fxsim.analysis.labels import check_labels, predicted
from fxsim.analysis.requantizers.layer import RequantizedLayer, requantizer_candidates
from fxsim.analysis.requantizers.record import (
    OWN,
    LayerRequantizers,
    RequantizerAssignment,
    RequantizerRun,
    RequantizerStudy,
)
from fxsim.energy import energy_report
from fxsim.graph import Tensors, some_samples
from fxsim.lowering import lower
from fxsim.ops import layer_numerics
from fxsim.oracle import input_arrays
from fxsim.sim import execute, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from fxsim.analysis.comparison.run import Progress
    from fxsim.graph import Network
    from fxsim.hw import Hardware
    from fxsim.isa import Program
    from fxsim.ops import Layers

Array = NDArray[Any]

_BATCH_BYTES = 32 << 20
"""Bytes of all tensors of a batch."""
_MOST_THREADS = 4
"""Requantizers that are tried side by side: kernels hold no lock, and each needs a machine's memory."""


def study_requantizers(
    net: Network,
    x: Any,
    hw: Hardware,
    *,
    labels: Array | None = None,
    layers: Layers | None = None,
    progress: Progress | None = None,
) -> RequantizerStudy:
    """Try other requantizers in all layers with accumulators, together and one at a time; rank them.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    x, labels
        Samples, as for `fxsim.run`, and class numbers [N] or None.
    hw, layers
        The machine, and numerics that differ in single layers, as for `fxsim.lower`: the reference. Requantizers that
        do not fit it are listed with the reason.
    progress
        Called after every batch with its samples.

    Raises
    ------
    InputError
        The network has no accumulators; `x` or `labels` do not fit.
    LoweringError, HardwareError, QuantizationError
        The network does not fit the machine.
    TrapError
        Under overflow = trap an accumulator overflows in the reference. Other requantizers go on as on a machine that
        saturates.
    """
    _, samples = input_arrays(net, x)
    if labels is not None:
        labels = check_labels(labels, samples, net)
    study = _Study(net, hw, layers or {})
    answers = _Answers(net, labels)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        for batch in study.batches(samples):
            study.compare(x, batch, answers, pool)
            if progress is not None:
                progress(batch.stop - batch.start)
    records = Records([layer.record() for layer in study.layers])
    runs = sorted((study.record(trial, samples, answers) for trial in study.trials), key=_rank)
    return RequantizerStudy(
        network=net.name,
        hardware=hw,
        samples=samples,
        runs=Records(runs),
        refused=study.refused,
        layers=records,
        assignment=study.assign(x, samples, records),
    )


def _rank(run: RequantizerRun) -> tuple[float, ...]:
    """Best first; `sorted` leaves equal ones as they were tried."""
    right = run.correct if run.correct is not None else run.same_answer or 0
    return (run.mismatches, run.output_mismatches, -right, run.energy_pj)


@dataclass(slots=True, eq=False)
class _Trial:
    """A requantizer that fits every layer, its program once it is needed, and what was counted."""

    name: str
    program: Program | None = None
    mismatches: int = 0
    output_mismatches: int = 0
    same_answer: int = 0
    correct: int = 0


@dataclass(frozen=True, slots=True)
class _Answers:
    """Top-1 of the first output, where it has more than one element."""

    net: Network
    labels: Array | None

    @property
    def counted(self) -> bool:
        return self.net.values[self.net.outputs[0]].type.size > 1

    def add(self, trial: _Trial, batch: slice, found: Array, reference: Array) -> None:
        """Count the first output of samples `batch`, and the reference's."""
        if not self.counted:
            return
        mine, theirs = (predicted(Tensors({"": array}, {})) for array in (found, reference))
        trial.same_answer += int(np.count_nonzero(mine == theirs))
        if self.labels is not None:
            trial.correct += int(np.count_nonzero(mine == self.labels[batch]))


class _Study:
    """The reference and all requantizers, prepared once."""

    def __init__(self, net: Network, hw: Hardware, layers: Layers) -> None:
        self.net, self.hw = net, hw
        self.reference = lower(net, hw, layers=layers)
        self.energy_pj = energy_report(self.reference).nominal
        numerics = layer_numerics(net, hw.numerics, layers)
        self.layers = [RequantizedLayer(net, number, numerics[number], hw) for number in mac_nodes(net)]
        if not self.layers:
            raise InputError("network must have layers with accumulators", got=net.name)
        self.outputs = [net.values[i].name for i in net.outputs]
        self.kept = [*self.outputs, *(layer.tensor for layer in self.layers)]
        self.candidates = requantizer_candidates()
        reasons = {name: [layer.reason(name) for layer in self.layers] for name in self.candidates}
        self.refused = {name: next(filter(None, found)) for name, found in reasons.items() if any(found)}
        self.trials = [_Trial(name) for name in self.candidates if name not in self.refused]

    def _lowered(self, names: Sequence[str]) -> Program:
        """The program with a requantizer for every layer, everything else as in the reference."""
        every = {
            layer.tensor: dataclasses.asdict(layer.numerics) | self.candidates[name]
            for layer, name in zip(self.layers, names, strict=True)
        }
        return lower(self.net, self.hw, layers=every)

    def batches(self, samples: int) -> Iterator[slice]:
        """Samples whose tensors fit the memory that a batch may take."""
        types = [value.type for value in self.net.values if not value.is_constant]
        step = max(1, _BATCH_BYTES // (2 * sum(kind.size * kind.dtype.numpy.itemsize for kind in types)))
        return (slice(start, min(start + step, samples)) for start in range(0, samples, step))

    def compare(self, x: Any, batch: slice, answers: _Answers, pool: Executor) -> None:
        """Run one batch as the reference and by every requantizer."""
        tensors, size = self._reference(x, batch), batch.stop - batch.start
        wrong = {name: np.zeros(size, np.bool_) for name in self.candidates}
        for layer in self.layers:
            layer.compare(tensors, wrong, pool)

        def run(trial: _Trial) -> None:
            chosen = np.flatnonzero(wrong[trial.name])
            answers.add(trial, batch, self._run(trial, x, batch, chosen, tensors), tensors[self.outputs[0]])

        list(pool.map(run, self.trials))

    def _run(
        self, trial: _Trial, x: Any, batch: slice, chosen: NDArray[np.intp], tensors: Mapping[str, Array]
    ) -> Array:
        """Count the differences of samples `chosen`, the others are equal; the first output of the whole batch."""
        if not chosen.size:
            return tensors[self.outputs[0]]
        if trial.program is None:
            trial.program = self._lowered([trial.name] * len(self.layers))
        found = execute(trial.program, some_samples(x, chosen + batch.start), keep=self.kept).tensors
        counts = {name: _different(found[name], tensors[name][chosen]) for name in set(self.kept)}
        trial.mismatches += sum(counts[layer.tensor] for layer in self.layers)
        trial.output_mismatches += sum(counts[name] for name in self.outputs)
        first = tensors[self.outputs[0]].copy()
        first[chosen] = found[self.outputs[0]]
        return first

    def _reference(self, x: Any, batch: slice) -> Mapping[str, Array]:
        found = execute(self.reference, some_samples(x, batch), keep="all")
        if found.trap is not None:
            trap = simulate(self.reference, some_samples(x, slice(0, batch.stop))).trap
            raise TrapError(f"no accumulator may overflow under overflow = trap: {trap}", where=self.net.name)
        return found.tensors

    def record(self, trial: _Trial, samples: int, answers: _Answers) -> RequantizerRun:
        """What was counted of one requantizer."""
        outputs = samples * sum(self.net.values[i].type.size for i in self.net.outputs)
        requant_pj, energy_pj = self._energy([trial.name] * len(self.layers))
        return RequantizerRun(
            name=trial.name,
            fields=self.candidates[trial.name],
            elements=sum(layer.elements for layer in self.layers),
            mismatches=trial.mismatches,
            output_elements=outputs,
            output_mismatches=trial.output_mismatches,
            alone=sum(layer.mismatches[trial.name] for layer in self.layers),
            samples=samples,
            same_answer=trial.same_answer if answers.counted else None,
            correct=trial.correct if answers.counted and answers.labels is not None else None,
            requant_pj=requant_pj,
            energy_pj=energy_pj,
        )

    def assign(self, x: Any, samples: int, records: Records[LayerRequantizers]) -> RequantizerAssignment:
        """Every layer with its cheapest requantizer, run once more to see that nothing differs."""
        names = [record.cheapest for record in records]
        program = self._lowered(names)
        for batch in self.batches(samples):
            reference = self._reference(x, batch)
            found = execute(program, some_samples(x, batch), keep=self.kept).tensors
            wrong = [name for name in self.kept if _different(found[name], reference[name])]
            if wrong:
                raise FxsimError("layers that are equal alone must be equal together", got=wrong, where=self.net.name)
        chosen = {
            layer.tensor: layer.own | self.candidates[name] for layer, name in zip(self.layers, names, strict=True)
        }
        return RequantizerAssignment(chosen, *self._energy(names))

    def _energy(self, names: Sequence[str]) -> tuple[float, float]:
        """Requantization of one output, and one sample on the whole machine, in nominal pJ.

        Nothing else of a program's energy depends on its requantizers.
        """
        outputs = [layer.outputs for layer in self.layers]
        spent = sum(n * layer.pj[name] for n, layer, name in zip(outputs, self.layers, names, strict=True))
        own = sum(n * layer.pj[OWN] for n, layer in zip(outputs, self.layers, strict=True))
        return spent / sum(outputs), self.energy_pj + (spent - own)


def _different(found: Array, reference: Array) -> int:
    return int(np.count_nonzero(found != reference))
