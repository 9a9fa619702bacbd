"""The whole network at one width in every layer: samples whose OFMs stay exact are answered, the others run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.analysis.width_layers import CHANGED, COUNTERS, run_layer
from fxsim.analysis.width_result import NetworkEffects, decibels
from fxsim.graph import from_samples
from fxsim.ops import OPERATORS
from fxsim.oracle import operand_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fxsim.analysis.width_layers import Grid, Layer, LayerRun
    from fxsim.graph import Network

Array = NDArray[np.generic]
Ints = NDArray[np.int64]
Reals = NDArray[np.float64]


class Rerun:
    """Samples run again from their first changed layer on, the exact tensors before it.

    Samples are sorted by that layer, so that those which a node computes are the first ones of the batch.
    """

    def __init__(self, net: Network, layers: Sequence[Layer], exact: Mapping[int, Array], first: Ints) -> None:
        self.net, self.exact, self.first = net, exact, first
        self.layers = {layer.number: place for place, layer in enumerate(layers)}
        self.macs = layers
        self.order = np.argsort(first, kind="stable")
        self.producers = {i: number for number, node in enumerate(net.nodes) for i in node.outputs}
        self.counters = np.zeros((len(layers), COUNTERS), np.int64)
        self.arrays: dict[int, Array] = {}

    def run(self, grid: Grid, place: tuple[int, int]) -> None:
        """Compute every node, under one configuration, for the samples that reach it changed."""
        for number, node in enumerate(self.net.nodes):
            active = self._active(number)
            if active:
                self.arrays.update(zip(node.outputs, self._node(number, active, grid, place), strict=True))

    def output(self, value: int) -> Array:
        """All samples' tensor `value`, in the order of the data."""
        found = self.exact[value]
        again = self.arrays.get(value)
        if again is None:
            return found
        found = found.copy()
        found[self.order[: len(again)]] = again
        return found

    def _active(self, number: int) -> int:
        return int(np.count_nonzero(self.first <= number))

    def _node(self, number: int, active: int, grid: Grid, place: tuple[int, int]) -> tuple[Array, ...]:
        node = self.net.nodes[number]
        needed = {i: self._operand(i, active) for i in node.inputs if i in self.exact}
        if number not in self.layers:
            inputs = operand_arrays(self.net, node, needed, active)
            return OPERATORS[node.op].run(self.net, node, inputs, grid.rule(*place)).outputs
        layer = self.layers[number]
        ofm, self.counters[layer] = run_layer(self.macs[layer], needed[node.inputs[0]], grid, place)
        return (ofm,)

    def _operand(self, value: int, active: int) -> Array:
        """Tensor `value` of the first `active` samples in order: computed again or exact."""
        again = self.arrays.get(value)
        known = 0 if again is None else len(again)
        exact = self.exact[value][self.order[known:active]]
        return exact if again is None else np.concatenate([again, exact])


class NetworkTally:
    """What the configurations of a grid do to a network, part of the samples by part."""

    def __init__(self, net: Network, layers: Sequence[Layer], grid: Grid, labels: Ints | None) -> None:
        self.net, self.layers, self.grid, self.labels = net, layers, grid, labels
        self.counters = np.zeros((len(layers), COUNTERS, *grid.shape), np.int64)
        self.rerun, self.changed, self.samples_changed, self.correct = np.zeros((4, *grid.shape), np.int64)
        self.noise = np.zeros(grid.shape)
        self.signal = 0.0
        self.exact_correct = self.seen = 0
        self.parts: list[list[list[Array]]] = []

    def add(self, exact: Mapping[int, Array], runs: Sequence[LayerRun]) -> None:
        """Take further samples: their exact tensors, and what every layer alone makes of them."""
        samples = len(runs[0].samples) if runs else len(next(iter(exact.values())))
        labels = None if self.labels is None else self.labels[self.seen : self.seen + samples]
        self.seen += samples
        right = [exact[i] for i in self.net.outputs]
        self.signal += sum(self._energy(i, exact[i], None) for i in self.net.outputs)
        self.exact_correct += _correct(right[0], labels)
        self.parts.append([self._configuration(place, exact, runs, right, labels)
                           for place in self.grid.places])  # fmt: skip

    def _configuration(
        self, place: tuple[int, int], exact: Mapping[int, Array], runs: Sequence[LayerRun], right: list[Array],
        labels: Ints | None,
    ) -> list[Array]:  # fmt: skip
        mode, width = place
        first = self._first(place, runs, len(right[0]))
        again = Rerun(self.net, self.layers, exact, first)
        again.run(self.grid, place)
        for layer, run, found in zip(range(len(runs)), runs, again.counters, strict=True):
            alone = first > self.layers[layer].number
            self.counters[layer, :, mode, width] += run.samples[alone, :COUNTERS, mode, width].sum(axis=0) + found
        self.rerun[place] += np.count_nonzero(first < len(self.net.nodes))
        outputs = [again.output(i) for i in self.net.outputs]
        self._compare(place, outputs, right, labels)
        return outputs

    def _first(self, place: tuple[int, int], runs: Sequence[LayerRun], samples: int) -> Ints:
        """Number of the first node whose OFM differs, by sample; the number of nodes where none does."""
        first = np.full(samples, len(self.net.nodes), np.int64)
        for layer, run in zip(reversed(self.layers), reversed(runs), strict=True):
            first[run.samples[:, CHANGED, place[0], place[1]] > 0] = layer.number
        return first

    def _compare(self, place: tuple[int, int], outputs: list[Array], right: list[Array], labels: Ints | None) -> None:
        differs = np.concatenate([(a != b).reshape(len(a), -1) for a, b in zip(outputs, right, strict=True)], axis=1)
        self.changed[place] += np.count_nonzero(differs)
        self.samples_changed[place] += np.count_nonzero(differs.any(axis=1))
        self.correct[place] += _correct(outputs[0], labels)
        if differs.any():
            pairs = zip(self.net.outputs, outputs, right, strict=True)
            self.noise[place] += sum(self._energy(i, a, b) for i, a, b in pairs)

    def _energy(self, value: int, array: Array, other: Array | None) -> float:
        """Sum of squares of the real values of tensor `value`, or of their differences from `other`."""
        quant = self.net.values[value].type.quant
        if quant is None:
            return float(np.square(array.astype(np.float64) - (0.0 if other is None else other.astype(float))).sum())
        codes = array.astype(np.int64) - (quant.zero_point[0] if other is None else other.astype(np.int64))
        return float(quant.scale[0]) ** 2 * int(np.square(codes).sum())

    def result(self) -> NetworkEffects:
        """Effects over all samples."""
        labelled = self.labels is not None
        return NetworkEffects(
            {self.net.values[i].name: self._output(place, i) for place, i in enumerate(self.net.outputs)},
            self.rerun,
            self.changed,
            self.samples_changed,
            decibels(np.full(self.grid.shape, self.signal), self.noise),
            self.correct if labelled else None,
            self.exact_correct if labelled else None,
        )

    def _output(self, place: int, value: int) -> Array:
        found = [np.concatenate([part[i][place] for part in self.parts]) for i in range(len(self.parts[0]))]
        stacked = np.stack([from_samples(array, self.net.values[value].type.shape) for array in found])
        return stacked.reshape(*self.grid.shape, *stacked.shape[1:])


def _correct(output: Array, labels: Ints | None) -> int:
    if labels is None:
        return 0
    return int(np.count_nonzero(output.reshape(len(output), -1).argmax(axis=1) == labels))
