"""`compare_network`: three executions of one network, batch by batch, in memory that does not grow with the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import TrapError
from fxsim._core.records import Records
from fxsim.analysis.comparison.record import Comparison
from fxsim.analysis.comparison.tally import LayerTally
from fxsim.analysis.comparison.top1 import Top1
from fxsim.analysis.extract import isolate
from fxsim.analysis.labels import check_labels
from fxsim.graph import from_samples, some_samples
from fxsim.lowering import lower
from fxsim.ops import layer_numerics
from fxsim.oracle import FakeQuant, FloatRun, input_arrays, operand_arrays
from fxsim.sim import execute, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.graph import Network, Node, Tensors
    from fxsim.hw import Hardware
    from fxsim.isa import Program
    from fxsim.ops import Layers

Array = NDArray[np.generic]
Arrays = dict[int, Array]
Runtime = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Tensors by name that a runtime shows for input codes by name; both sample first."""
Progress = Callable[[int], object]
"""Told how many samples are done since it was told last."""

_BATCH_BYTES = 64 << 20
"""Working set of a batch."""
_TENSOR_BYTES, _LARGEST_BYTES = 8, 64
"""Bytes per element that all executions keep of every tensor, and that work on the largest one takes."""


def compare_network(
    net: Network,
    x: Any,
    *,
    hw: Hardware,
    layers: Layers | None = None,
    labels: NDArray[Any] | None = None,
    bias: str = "float",
    runtimes: Mapping[str, Runtime] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run a network in floats, fake-quantized and on the machine; count the differences and say what makes them.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    x, labels
        Samples, as for `fxsim.run`, and class numbers [N] or None.
    hw, layers
        The machine, and numerics that differ in single layers, as for `fxsim.lower`.
    bias
        ``"float"`` or ``"grid"``, as for `fxsim.oracle.fake_quant`.
    runtimes
        Deployed runtimes by name, checked against the exact run.
    progress
        Called after every batch.

    Raises
    ------
    InputError
        `x`, `labels` or `bias` do not fit.
    LoweringError, HardwareError, QuantizationError
        The network does not fit the machine.
    TrapError
        Under overflow = trap an accumulator overflows on `x`. Layers alone saturate there.
    """
    samples = _check(net, x, labels)
    study = _Study(net, x, hw, layers or {}, bias, runtimes or {})
    answers = Top1.of(net, labels)
    for batch in _batches(net, samples):
        found = study.run(batch)
        if answers is not None:
            answers.add(batch, *found)
        if progress is not None:
            progress(batch.stop - batch.start)
    return Comparison(
        network=net.name,
        profile=net.profile,
        hardware=hw,
        samples=samples,
        bias=bias,
        layers=Records([tally.record() for tally in study.tallies]),
        end=None if answers is None else answers.record(),
        runtimes=tuple(study.runtimes),
    )


def _check(net: Network, x: Any, labels: NDArray[Any] | None) -> int:
    """Number of samples; what does not fit is refused before the work starts."""
    _, samples = input_arrays(net, x)
    if labels is not None:
        check_labels(labels, samples, net)
    return samples


def _batches(net: Network, samples: int) -> Iterator[slice]:
    sizes = [value.type.size for value in net.values if not value.is_constant]
    step = max(1, _BATCH_BYTES // (_TENSOR_BYTES * sum(sizes) + _LARGEST_BYTES * max(sizes)))
    return (slice(start, min(start + step, samples)) for start in range(0, samples, step))


class _Study:
    """All executions of one network, prepared once."""

    def __init__(
        self, net: Network, x: Any, hw: Hardware, layers: Layers, bias: str, runtimes: Mapping[str, Runtime]
    ) -> None:
        self.net, self.x, self.runtimes = net, x, runtimes
        self.floats, self.fake = FloatRun(net), FakeQuant(net, bias=bias)
        self.program = lower(net, hw, layers=layers)
        numerics = layer_numerics(net, hw.numerics, layers)
        self.tallies = [LayerTally(net, number, self.fake, numerics[number], bias) for number in range(len(net.nodes))]
        self.alone = [_Alone(net, number, hw, layers) for number in range(len(net.nodes))]

    def run(self, batch: slice) -> tuple[Tensors, Tensors, Tensors]:
        """Count one batch; the three executions' tensors."""
        net, x = self.net, some_samples(self.x, batch)
        floats, fake = self.floats.run(x), self.fake.codes(x)
        result = simulate(self.program, x, keep="all")
        if result.trap:
            self._trapped(batch)
        exact, count = result.tensors, batch.stop - batch.start
        real, codes, bits = (_by_number(net, tensors) for tensors in (floats, fake, exact))
        for tally, alone in zip(self.tallies, self.alone, strict=True):
            operands, inherited = (operand_arrays(net, tally.node, arrays, count) for arrays in (codes, bits))
            own = tally.bind(operands)
            tally.add_free(batch.start, codes, bits, own, inherited)
            tally.add_alone(batch.start, codes, alone.run(codes), own)
            tally.add_floats(real, codes, bits)
        self._check_runtimes(codes, exact)
        return floats, fake, exact

    def _check_runtimes(self, codes: Arrays, exact: Tensors) -> None:
        net = self.net
        inputs = {net.values[i].name: from_samples(codes[i], net.values[i].type.shape) for i in net.inputs}
        for name, runtime in self.runtimes.items():
            shown = runtime(inputs)
            for tally in self.tallies:
                if tally.tensor in shown:
                    tally.add_runtime(name, exact[tally.tensor], shown[tally.tensor])

    def _trapped(self, batch: slice) -> None:
        """Say where, counting samples from the first one."""
        trap = simulate(self.program, some_samples(self.x, slice(0, batch.stop))).trap
        raise TrapError(f"no accumulator may overflow under overflow = trap: {trap}", where=self.net.name)


class _Alone:
    """A node as a program of its own."""

    def __init__(self, net: Network, number: int, hw: Hardware, layers: Layers) -> None:
        self.net, self.node = net, net.nodes[number]
        own = {name: fields for name, fields in layers.items() if name in _names(net, self.node)}
        self.program: Program = lower(isolate(net, number), hw, layers=own)

    def run(self, arrays: Arrays) -> Array:
        """Result (N, *type.shape) on operands `arrays`; under overflow = trap as a machine that saturates."""
        values = self.net.values
        given = {i: arrays[i] for i in self.node.inputs if i in arrays}
        x = {values[i].name: from_samples(array, values[i].type.shape) for i, array in given.items()}
        y = values[self.node.outputs[0]]
        found = execute(self.program, x, keep="all").tensors[y.name]
        return found.reshape(-1, *y.type.shape)


def _names(net: Network, node: Node) -> set[str]:
    return {node.name, *(value.name for value in net.results(node))}


def _by_number(net: Network, tensors: Tensors) -> Arrays:
    """Arrays (N, *type.shape) by value number."""
    return {
        i: tensors[value.name].reshape(-1, *value.type.shape)
        for i, value in enumerate(net.values)
        if value.name in tensors
    }
