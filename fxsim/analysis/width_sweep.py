"""One pass, every width: what narrower accumulators do to a network, layer by layer or as a whole.

One exact run keeps every output's extremes of its prefixes; a configuration -- a width and an overflow rule -- that
they do not leave is answered by it, the others replay the outputs they touch. In the whole network a changed OFM
changes later layers: a sample is run again from the first layer where one of its codes differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import HardwareError, InputError, QuantizationError
from fxsim.analysis.exact import check_single_stage, exact_run, mac_nodes
from fxsim.analysis.labels import check_labels
from fxsim.analysis.width_kernel import fits_kernel, prepare
from fxsim.analysis.width_layers import CHANGED, COUNTERS, MAX_ERROR, NOISE, RUNTIME_BITS, Grid, Layer, count_layer
from fxsim.analysis.width_network import NetworkTally
from fxsim.analysis.width_result import LayerErrors, WidthSweep
from fxsim.ops import OPERATORS, mac_params
from fxsim.oracle import input_arrays, operand_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fxsim.analysis.width_layers import LayerRun
    from fxsim.graph import Network
    from fxsim.hw import Numerics

Array = NDArray[np.generic]
Ints = NDArray[np.int64]

MODES = ("wrap", "saturate", "readout")
"""Overflow rules that a sweep knows; trap has the values and counters of saturate."""
_LEAST, _WIDEST = 2, 64
_CHUNK_BYTES = 8 << 20


def width_sweep(
    net: Network,
    x: object,
    *,
    numerics: Numerics,
    widths: Sequence[int] = range(8, 33),
    modes: Sequence[str] = MODES,
    isolated: bool = False,
    labels: object = None,
) -> WidthSweep:
    """Run `net` with accumulators of every width under every overflow rule; equal to one golden run for each.

    Parameters
    ----------
    net, x
        As for `fxsim.golden`.
    numerics
        Groups, order, parts, zero points, internal width, requantizer. Its width and overflow rule are replaced in
        every layer; a bias that does not fit is loaded through the rule (``bias_policy = "apply"``), and counted.
    widths
        Accumulator widths in bits, each once.
    modes
        Of ``"wrap"``, ``"saturate"`` and ``"readout"``.
    isolated
        Whether every layer is fed the exact IFM, instead of what the layers before it made at that width.
    labels
        Class of every sample, for the network's accuracy: integers (N,).

    Raises
    ------
    InputError
        `x` or `labels` does not fit; widths or modes are unknown or repeated.
    HardwareError
        A width is more than the requantizer, or the internal register under readout, can take; or `numerics` has an
        inner accumulator.
    LoweringError
        `numerics` cannot hold a layer's operands, or a sum leaves every accumulator.
    """
    grid = _grid(numerics, widths, modes)
    layers = _layers(net, grid)
    inputs, samples = input_arrays(net, x)
    known = _labels(net, labels, samples, isolated)
    proved = all(layer.prepared is not None for layer in layers)
    bits = RUNTIME_BITS if proved else exact_run(net, x, numerics)[1]
    tally = IsolatedTally(layers, grid) if isolated else NetworkTally(net, layers, grid, known)
    step = _chunk(net)
    for start in range(0, samples, step):
        tally.add(*_exact(net, layers, {i: a[start : start + step] for i, a in inputs.items()}, grid, bits))
    found = {"errors": tally.result()} if isinstance(tally, IsolatedTally) else {"effects": tally.result()}
    return WidthSweep(**_head(net, layers, grid, samples), **_counters(tally.counters), **found)


def _grid(numerics: Numerics, widths: Sequence[int], modes: Sequence[str]) -> Grid:
    """Every configuration, each of them legal."""
    check_single_stage(numerics)
    given = list(widths)
    bad = [w for w in given if type(w) is not int or not _LEAST <= w <= _WIDEST]
    if bad or not given or len(set(given)) < len(given):
        raise InputError(f"widths must be different integers in {_LEAST}..{_WIDEST}, at least one", got=given)
    if not modes or isinstance(modes, str) or not set(modes) <= set(MODES) or len(set(modes)) < len(modes):
        raise InputError(f"modes must be different ones of {', '.join(MODES)}, at least one", got=modes)
    grid = Grid(numerics, tuple(modes), tuple(sorted(given)))
    for mode in range(len(grid.modes)):
        grid.rule(mode, len(given) - 1)
    return grid


def _layers(net: Network, grid: Grid) -> list[Layer]:
    widest = grid.rule(0, len(grid.widths) - 1)
    layers = []
    for number in mac_nodes(net):
        node = net.nodes[number]
        try:
            params = mac_params(net, node, widest)
        except QuantizationError as error:
            raise HardwareError(str(error), where=f"node {node.name!r}") from None
        fast = fits_kernel(params, grid.numerics, grid.modes, grid.widths)
        prepared = prepare(params, grid.numerics) if fast else None
        layers.append(Layer(number, node, params, net.values[node.outputs[0]].type, prepared))
    return layers


def _labels(net: Network, labels: object, samples: int, isolated: bool) -> Ints | None:
    if labels is None:
        return None
    if isolated:
        raise InputError("labels must be left out where layers are isolated: the network's results are exact")
    return check_labels(labels, samples, net).astype(np.int64)


def _chunk(net: Network) -> int:
    """Samples whose tensors stay together in a few MiB."""
    size = sum(value.type.size * value.type.dtype.numpy.itemsize for value in net.values if value.data is None)
    return max(1, _CHUNK_BYTES // max(size, 1))


def _exact(
    net: Network, layers: Sequence[Layer], inputs: Mapping[int, Array], grid: Grid, bits: int
) -> tuple[dict[int, Array], list[LayerRun]]:
    """Exact tensors by value number, and what every layer alone makes of them."""
    arrays, runs = dict(inputs), []
    samples, own = len(next(iter(inputs.values()))), {layer.number: layer for layer in layers}
    for number, node in enumerate(net.nodes):
        if number in own:
            runs.append(count_layer(own[number], arrays[node.inputs[0]], grid, bits))
            arrays[node.outputs[0]] = runs[-1].ofm
            continue
        outcome = OPERATORS[node.op].run(net, node, operand_arrays(net, node, arrays, samples), grid.wide)
        arrays.update(zip(node.outputs, outcome.outputs, strict=True))
    return arrays, runs


class IsolatedTally:
    """What the configurations of a grid do to every layer alone, part of the samples by part."""

    def __init__(self, layers: Sequence[Layer], grid: Grid) -> None:
        self.counters = np.zeros((len(layers), COUNTERS + 3, *grid.shape), np.int64)
        self.signal = np.zeros(len(layers), np.int64)
        self.channels: list[Ints] = []
        self.extremes: list[Ints] = []

    def add(self, _: Mapping[int, Array], runs: Sequence[LayerRun]) -> None:
        """Take further samples."""
        worst = self.counters[:, MAX_ERROR].copy()
        for layer, run in enumerate(runs):
            self.counters[layer] += run.samples.sum(axis=0)
            self.counters[layer, MAX_ERROR] = np.maximum(worst[layer], run.samples[:, MAX_ERROR].max(axis=0))
            self.signal[layer] += run.signal
        if not self.channels:
            self.channels, self.extremes = [run.counters for run in runs], [run.extremes for run in runs]
            return
        self.channels = [a + run.counters for a, run in zip(self.channels, runs, strict=True)]
        self.extremes = [_hull(a, run.extremes) for a, run in zip(self.extremes, runs, strict=True)]

    def result(self) -> LayerErrors:
        """Errors over all samples."""
        return LayerErrors(
            changed=self.counters[:, CHANGED],
            max_error=self.counters[:, MAX_ERROR],
            noise=self.counters[:, NOISE],
            signal=self.signal,
            counters=tuple(self.channels),
            extremes=tuple(self.extremes),
        )


def _hull(one: Ints, other: Ints) -> Ints:
    return np.stack([np.minimum(one[0], other[0]), np.maximum(one[1], other[1])])


def _head(net: Network, layers: Sequence[Layer], grid: Grid, samples: int) -> dict[str, Any]:
    """Fields of `WidthSweep` that say what was swept."""
    return {
        "network": net.name,
        "nodes": tuple(layer.number for layer in layers),
        "layers": tuple(layer.node.name for layer in layers),
        "ops": tuple(layer.node.op for layer in layers),
        "modes": grid.modes,
        "widths": grid.widths,
        "samples": samples,
        "outputs": np.array([samples * layer.outputs for layer in layers], np.int64),
    }


def _counters(found: Ints) -> dict[str, Any]:
    """Fields of `WidthSweep` that count, from [layers, >= COUNTERS, modes, widths]."""
    names = ("events", "overflowed", "bias_overflowed", "internal_wraps")
    return {name: found[:, kind] for kind, name in enumerate(names)}
