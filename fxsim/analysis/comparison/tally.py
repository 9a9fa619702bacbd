"""One layer's differences, counted batch by batch: integers exactly, sums of reals sample by sample in order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim.analysis.comparison.attribution import CAUSES, Attributor
from fxsim.analysis.comparison.record import Differences, Fidelity, FirstDifference, LayerComparison
from fxsim.graph import sample_shape
from fxsim.ops import quant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.analysis.comparison.attribution import Attribution
    from fxsim.analysis.comparison.models import Bound
    from fxsim.graph import Network
    from fxsim.hw import Numerics
    from fxsim.oracle import FakeQuant

Array = NDArray[np.generic]
Arrays = dict[int, Array]
_CODES = 256
"""Codes of a tensor: all operators have 8-bit results."""


class _Side:
    """Pairs of codes, causes and the first difference of one way of running the layer."""

    def __init__(self) -> None:
        self.pairs = np.zeros(_CODES * _CODES, np.int64)
        self.causes: Counter[str] = Counter()
        self.also: Counter[str] = Counter()
        self.first: FirstDifference | None = None
        self.unexplained = 0

    def add(self, start: int, fake: Array, exact: Array, low: int, found: Attribution) -> None:
        """Count the codes (N, *shape) of samples `start` and up."""
        rows, columns = (codes.reshape(-1).astype(np.int64) - low for codes in (fake, exact))
        self.pairs += np.bincount(rows * _CODES + columns, minlength=_CODES * _CODES)
        self.causes.update(found.causes)
        self.also.update(found.alone)
        self.unexplained += found.wrong
        if self.first is None and found.index.size:
            self.first = _first(start, fake, exact, found)

    def record(self, low: int, zero: int) -> Differences:
        """What was counted."""
        causes = {cause: self.causes[cause] for cause in CAUSES if self.causes[cause]}
        also = {cause: self.also[cause] for cause in CAUSES if self.also[cause]}
        return Differences(self.pairs.reshape(_CODES, _CODES), low, zero, causes, also, self.first, self.unexplained)


def _first(start: int, fake: Array, exact: Array, found: Attribution) -> FirstDifference:
    place = int(found.index[0])
    sample, *rest = np.unravel_index(place, fake.shape)
    kept = rest[len(rest) - len(sample_shape(fake.shape[1:])) :]
    one, other = (int(codes.reshape(-1)[place]) for codes in (fake, exact))
    index = (start + int(sample), *map(int, kept))
    return FirstDifference(index, one, other, CAUSES[found.cause[0]], found.also_of(0))


class LayerTally:
    """Node `number` of `net`; `numerics` are the machine's in it, `bias` is how `fake` takes biases.

    The codes of a DEQUANTIZE node are its operand's: its reals are equal exactly where these are.
    """

    def __init__(self, net: Network, number: int, fake: FakeQuant, numerics: Numerics, bias: str) -> None:
        self.node, self.number = net.nodes[number], number
        self.result = self.node.outputs[0]
        y = net.values[self.result]
        self.tensor = y.name
        self.coded = self.result if y.type.dtype.is_integer else self.node.inputs[0]
        value = net.values[self.coded]
        self.quant, self.low = quant_of(value), value.type.dtype.lo
        self.attributor = Attributor(net, self.node, fake, numerics, bias)
        self.free, self.alone = _Side(), _Side()
        self.sums = np.zeros(7)
        self.runtimes: dict[str, int] = {}

    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """The node's model on fake quantization's operands, for both counts."""
        return self.attributor.bind(operands)

    def add_free(self, start: int, fake: Arrays, exact: Arrays, own: Bound, inherited: Sequence[Array | None]) -> None:
        """Count the runs of the whole network: tensors and the node's operands."""
        y, c = self.result, self.coded
        found = self.attributor.free_running(fake[y], exact[y], own, inherited)
        self.free.add(start, fake[c], exact[c], self.low, found)

    def add_alone(self, start: int, fake: Arrays, exact: Array, own: Bound) -> None:
        """Count the node's run on fake quantization's operands."""
        found = self.attributor.isolated(fake[self.result], exact, own)
        codes = exact if self.coded == self.result else fake[self.coded]
        self.alone.add(start, fake[self.coded], codes, self.low, found)

    def add_floats(self, real: Arrays, fake: Arrays, exact: Arrays) -> None:
        """Add sums of squares and products, sample by sample."""
        reference = _rows(real[self.result].astype(np.float64))
        sums = [(reference**2).sum(axis=1)]
        for codes in (fake[self.coded], exact[self.coded]):
            other = _rows(self.quant.dequantize(codes).astype(np.float64))
            sums += [((other - reference) ** 2).sum(axis=1), (other * reference).sum(axis=1), (other**2).sum(axis=1)]
        for sample in np.stack(sums, axis=1):
            self.sums += sample

    def add_runtime(self, name: str, exact: Array, shown: Array) -> None:
        """Count what a runtime computes otherwise than the machine."""
        differ = int(np.count_nonzero(exact.reshape(-1) != shown.reshape(-1)))
        self.runtimes[name] = self.runtimes.get(name, 0) + differ

    def record(self) -> LayerComparison:
        """What was counted."""
        zero, scale = int(self.quant.zero_point[0]), float(self.quant.scale[0])
        signal, *rest = self.sums.tolist()
        to_float = {"fake_quant": Fidelity.of(signal, *rest[:3]), "exact": Fidelity.of(signal, *rest[3:])}
        named = self.number, self.node.name, self.tensor, self.node.op, scale
        sides = self.free.record(self.low, zero), self.alone.record(self.low, zero)
        return LayerComparison(*named, *sides, to_float, self.runtimes)


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(len(values), -1)
