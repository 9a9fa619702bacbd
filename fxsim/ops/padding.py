"""What PAD and PADV2 share: legality, shapes, the run; pads of constant codes around a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.ops.base import Array, Floats, Outcome
from fxsim.ops.legality import Problems, quant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node, Value

RANK_LIMIT = 5
"""Most dimensions: the runtimes' limit."""


@dataclass(frozen=True, slots=True)
class PadParams:
    """Elements before and after the operand along every dimension, and the code they hold."""

    pads: tuple[tuple[int, int], ...]
    code: int


def check_pad(net: Network, node: Node, operands: int) -> list[str]:
    """List what is illegal: operands, types, quantization, pads, the code of PADV2."""
    found = Problems()
    if not found.operands(net, node, operands, operands):
        return found
    x, y = net.values[node.inputs[0]], net.results(node)[0]
    if found.tensor("input", x, (DType.INT8,)) and found.tensor("output", y, (DType.INT8,)):
        found.same_quant(x, y)
    rank = len(x.type.shape)
    found.expect(1 <= rank <= RANK_LIMIT, f"input must have 1..{RANK_LIMIT} dimensions, not {rank}")
    _check_pads(found, net.values[node.inputs[1]], rank)
    if operands > 2:
        _check_code(found, net.values[node.inputs[2]], y)
    return found


def _check_pads(found: Problems, pads: Value, rank: int) -> None:
    fits = found.expect(pads.type.shape == (rank, 2), f"paddings must have shape {(rank, 2)}, not {pads.type.shape}")
    fits &= found.dtype("paddings", pads, (DType.INT32,))
    if found.expect(pads.data is not None, "paddings must be a constant") and fits:
        listed = np.asarray(pads.data, np.int64)
        found.expect(bool((listed >= 0).all()), f"paddings must be at least 0, not {listed.tolist()}")


def _check_code(found: Problems, code: Value, y: Value) -> None:
    found.expect(code.is_constant, "pad value must be a constant")
    found.expect(code.type.size == 1, f"pad value must be one code, not shape {code.type.shape}")
    if found.tensor("pad value", code, (DType.INT8,)):
        found.same_quant(code, y, "pad value")


def pad_params(net: Network, node: Node) -> PadParams:
    """Pads and code of a checked PAD or PADV2 node."""
    data = net.values[node.inputs[1]].data
    assert data is not None
    code = net.values[node.inputs[2]].data if len(node.inputs) > 2 else quant_of(net.results(node)[0]).zero_point
    assert code is not None
    return PadParams(tuple((int(before), int(after)) for before, after in data), int(code.reshape(-1)[0]))


def padded_shape(net: Network, node: Node) -> tuple[int, ...]:
    """Shape of the result."""
    shape = net.values[node.inputs[0]].type.shape
    return tuple(n + sum(pads) for n, pads in zip(shape, pad_params(net, node).pads, strict=True))


def run_pad(net: Network, node: Node, inputs: Sequence[Array | None]) -> Outcome:
    """Surround the operand with the pad code."""
    params, x = pad_params(net, node), np.asarray(inputs[0])
    padded = np.pad(x, ((0, 0), *params.pads), constant_values=params.code)
    return Outcome((padded,), LayerStats.empty())


def run_pad_float(net: Network, node: Node, inputs: Sequence[Array | None], value: np.float32) -> Floats:
    """Surround real operands with `value`."""
    x = np.asarray(inputs[0], np.float32)
    return np.pad(x, ((0, 0), *pad_params(net, node).pads), constant_values=value)
