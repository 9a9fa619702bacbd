"""MEAN: averages along axes, with the division folded into the requantization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import DType, LayerStats
from fxsim.numerics import IntFormat, Requant, mean_multiplier, requantize, wrap_array
from fxsim.ops.base import Array, Floats, Operator, OptionField, Outcome, TfliteHook, operator
from fxsim.ops.legality import Problems
from fxsim.ops.quantize import RescaleParams, rescale_params
from fxsim.ops.real import sum_in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

_INT32 = IntFormat(32)


@dataclass(frozen=True, slots=True)
class Mean:
    """Attributes; `keep_dims` (0 or 1): averaged dimensions stay, with size 1.

    The axes (negative ones count from the end, repeated ones once) are the constant second operand.
    """

    keep_dims: int = 0


@operator
class MeanOperator(Operator):
    """y = clamp(out_zero + rescale(sum(x - in_zero))) over the axes' elements; the factor holds the division."""

    name = "MEAN"
    attrs = Mean
    tflite = TfliteHook("MEAN", "ReducerOptions", (OptionField("keep_dims", "KeepDims", "bool"),), version=2)

    def check(self, net: Network, node: Node) -> list[str]:
        """List what is illegal: types, quantization, the axes, a scale ratio that the scheme cannot express."""
        found = Problems()
        if not found.operands(net, node, 2, 2):
            return found
        x, y = net.values[node.inputs[0]], net.results(node)[0]
        typed = found.tensor("input", x, (DType.INT8,)) and found.tensor("output", y, (DType.INT8,))
        if _check_axes(found, net, node) and typed:
            found.derivable(lambda: mean_params(net, node))
        return found

    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Return the input's shape without the axes, or with them as 1."""
        shape, axes = net.values[node.inputs[0]].type.shape, mean_axes(net, node)
        if node.attrs.keep_dims:
            return (tuple(1 if i in axes else size for i, size in enumerate(shape)),)
        return (tuple(size for i, size in enumerate(shape) if i not in axes),)

    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:  # noqa: ARG002 - no accumulator of the MAC unit
        """Sum exactly, wrap to the runtimes' 32 bits, requantize by the profile's scheme."""
        p, x = mean_params(net, node), np.asarray(inputs[0])
        y = net.results(node)[0].type
        total = (x.astype(np.int64) - p.in_zero).sum(axis=tuple(axis + 1 for axis in mean_axes(net, node)))
        wrapped = wrap_array(total.reshape(len(x), -1), _INT32)
        codes = requantize(wrapped, p.requant, p.scheme, zero=p.out_zero, lo=p.lo, hi=p.hi, acc_bits=32)
        return Outcome((codes.astype(y.dtype.numpy).reshape(len(x), *y.shape),), LayerStats.empty())

    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Sum in C order of the averaged elements, then one quotient."""
        x, axes = np.asarray(inputs[0], np.float32), [axis + 1 for axis in mean_axes(net, node)]
        last = np.moveaxis(x, axes, range(-len(axes), 0))
        rows = last.reshape(*last.shape[: x.ndim - len(axes)], -1)
        mean = sum_in_order(rows) / np.float32(rows.shape[-1])
        return mean.reshape(len(x), *net.results(node)[0].type.shape)


def mean_axes(net: Network, node: Node) -> tuple[int, ...]:
    """Dimensions that a checked MEAN node averages over, ascending."""
    axes, rank = net.values[node.inputs[1]].data, len(net.values[node.inputs[0]].type.shape)
    assert axes is not None
    return tuple(sorted({int(axis) % rank for axis in axes.reshape(-1)}))


def mean_params(net: Network, node: Node) -> RescaleParams:
    """Exact parameters of a MEAN node: `rescale_params` with the number of averaged elements in multiplier and shift.

    Raises
    ------
    QuantizationError
        A tensor has no scale, or the scheme cannot express their ratio.
    """
    p, shape = rescale_params(net, node), net.values[node.inputs[0]].type.shape
    count = math.prod(shape[axis] for axis in mean_axes(net, node))
    multiplier, shift = mean_multiplier(int(p.requant.multiplier[0]), int(p.requant.shift[0]), count)
    real = np.array([math.ldexp(multiplier, shift - 31)])
    adapted = Requant(np.array([multiplier]), np.array([shift]), real)
    return RescaleParams(adapted, p.scheme, p.in_zero, p.out_zero, p.lo, p.hi)


def _check_axes(found: Problems, net: Network, node: Node) -> bool:
    """Expect a constant int32 operand of at most one dimension that names dimensions of the input."""
    axes, rank = net.values[node.inputs[1]], len(net.values[node.inputs[0]].type.shape)
    legal = found.expect(axes.is_constant, "axis operand must be a constant")
    legal &= found.dtype("axis operand", axes, (DType.INT32,))
    legal &= found.expect(len(axes.type.shape) <= 1, f"axis operand must be a list, not of shape {axes.type.shape}")
    if not legal or axes.data is None:
        return False
    wrong = [axis for axis in map(int, axes.data.reshape(-1)) if not -rank <= axis < rank]
    return found.expect(not wrong, f"axes must be in {-rank}..{rank - 1}, not {wrong}")
