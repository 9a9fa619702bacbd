"""The golden executor: a network node by node in plain NumPy integers, knowing no instructions, tiles or cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import LoweringError
from fxsim.graph import ABSENT, LayerStats, Network, Tensors, as_samples, from_samples, input_specs
from fxsim.ops import OPERATORS, layer_numerics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Node
    from fxsim.hw import Numerics
    from fxsim.ops import Layers

    Array = NDArray[np.generic]


def golden(net: Network, x: object, *, numerics: Numerics | None = None, layers: Layers | None = None) -> Tensors:
    """Compute every tensor of `net` exactly: inputs and all node results, by name, sample first.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    x
        Input codes or reals; see `fxsim.graph.as_samples`.
    numerics
        None: as the runtime of the network's profile (32-bit wrapping accumulators). Else the widths, overflow mode,
        groups and order of the hardware; ``overflow = "trap"`` gives the saturated values.
    layers
        Numerics that differ in single layers, as for `fxsim.lower`; only together with `numerics`.

    Raises
    ------
    InputError
        `x` does not fit.
    LoweringError
        `numerics` cannot hold a layer's operands or bias; `layers` names no layer, or stands alone.
    """
    return _run(net, x, numerics, layers)[0]


def golden_stats(
    net: Network, x: object, numerics: Numerics | None = None, layers: Layers | None = None
) -> tuple[Tensors, list[LayerStats]]:
    """As `golden`, with one `LayerStats` per node; counters are empty without `numerics`."""
    return _run(net, x, numerics, layers)


def _run(net: Network, x: object, numerics: Numerics | None, layers: Layers | None) -> tuple[Tensors, list[LayerStats]]:
    own = _numerics(net, numerics, layers)
    arrays, samples = input_arrays(net, x)
    stats = []
    for node, rule in zip(net.nodes, own, strict=True):
        outcome = OPERATORS[node.op].run(net, node, operand_arrays(net, node, arrays, samples), rule)
        arrays.update(zip(node.outputs, outcome.outputs, strict=True))
        stats.append(outcome.stats)
    named = {net.values[i].name: from_samples(a, net.values[i].type.shape) for i, a in arrays.items()}
    return Tensors(named, {net.values[i].name: net.values[i].type.quant for i in arrays}), stats


def _numerics(net: Network, numerics: Numerics | None, layers: Layers | None) -> Sequence[Numerics | None]:
    if numerics is not None:
        return layer_numerics(net, numerics, layers or {})
    if layers:
        raise LoweringError("layers must come with numerics: a runtime's accumulators are all alike", got=layers)
    return [None] * len(net.nodes)


def input_arrays(net: Network, x: object) -> tuple[dict[int, Array], int]:
    """User data by value number, (N, *shape) each, and N; `InputError` where `x` does not fit."""
    given, samples = as_samples(input_specs(net), x)
    return dict(zip(net.inputs, given, strict=True)), samples


def operand_arrays(net: Network, node: Node, arrays: Mapping[int, Array], samples: int) -> list[Array | None]:
    """Operands of `node` as `Operator.run` takes them: computed ones from `arrays`, constants for every sample."""
    return [_operand(net, arrays, i, samples) for i in node.inputs]


def _operand(net: Network, arrays: Mapping[int, Array], index: int, samples: int) -> Array | None:
    if index == ABSENT:
        return None
    if index in arrays:
        return arrays[index]
    data = net.values[index].data
    return None if data is None else np.broadcast_to(data, (samples, *data.shape))
