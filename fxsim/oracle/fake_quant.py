"""The float and the fake-quantized executor: a network node by node in binary32, off the grid and on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import InputError
from fxsim.graph import ABSENT, Tensors, from_samples
from fxsim.numerics import Affine
from fxsim.ops import MAC_OPERATORS, OPERATORS, quant_of
from fxsim.oracle.golden import input_arrays, operand_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Network, Node, Value

    Array = NDArray[np.generic]
    Floats = NDArray[np.float32]

BIASES = ("float", "grid")
"""How fake quantization takes biases: real numbers, or rounded to the grid of the accumulator."""


def float_run(net: Network, x: object) -> Tensors:
    """Compute every tensor of `net` in binary32 without quantizing any activation.

    Weights and biases are the real values of their codes. Floating inputs are taken as they are, integer ones are
    dequantized.

    Parameters
    ----------
    net
        A network that `fxsim.ops.validate` accepts.
    x
        Input codes or reals; see `fxsim.graph.as_samples`.

    Returns
    -------
    float32 arrays by name: inputs and all node results.

    Raises
    ------
    InputError
        `x` does not fit.
    """
    return FloatRun(net).run(x)


def fake_quant(net: Network, x: object, *, bias: str = "float") -> Tensors:
    """Compute every tensor of `net` in binary32 on the quantized grid: what fake-quantized training evaluates.

    Every operator works on the real values of its operands' codes; its result is quantized and dequantized by the
    formula of PyTorch's fake_quantize (`fxsim.numerics.Affine.fake_codes`), fused activations before that as clamps of
    reals. Sums run in the canonical order (ky, kx, channel), each product and sum rounded to binary32, the bias last.
    Floating inputs are quantized as those of the exact run are.

    Parameters
    ----------
    net, x
        As for `float_run`.
    bias
        ``"float"``: the real values of the stored biases, by their own scale. ``"grid"``: these, fake-quantized to
        int32 codes of step input scale * weight scale.

    Returns
    -------
    float32 arrays by name: inputs and all node results.

    Raises
    ------
    InputError
        `x` does not fit, or `bias` is neither of the two.
    """
    codes = FakeQuant(net, bias=bias).codes(x)
    return Tensors(codes.dequantize(), codes.quants)


class FloatRun:
    """A network ready to run on reals: its constants dequantized once."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.constants = _Constants(net, "float")

    def run(self, x: object) -> Tensors:
        """As `float_run`."""
        net = self.net
        arrays, samples = input_arrays(net, x)
        reals = {i: _real_input(net.values[i], x, codes) for i, codes in arrays.items()}
        for node in net.nodes:
            operands = self.constants.operands(node, reals, samples)
            reals[node.outputs[0]] = _run_float(net, node, operands)
        named = {net.values[i].name: from_samples(real, net.values[i].type.shape) for i, real in reals.items()}
        return Tensors(named, {})


class FakeQuant:
    """A network ready for fake quantization: its constants dequantized once; parameters as for `fake_quant`."""

    def __init__(self, net: Network, *, bias: str = "float") -> None:
        if bias not in BIASES:
            raise InputError(f"bias must be one of {', '.join(BIASES)}", got=bias)
        self.net = net
        self.constants = _Constants(net, bias)

    def codes(self, x: object) -> Tensors:
        """Every tensor as codes in its own dtype, or float32 behind a DEQUANTIZE; by name, sample first."""
        net = self.net
        arrays, samples = input_arrays(net, x)
        for node in net.nodes:
            arrays[node.outputs[0]] = self.node(node, operand_arrays(net, node, arrays, samples))
        named = {net.values[i].name: from_samples(a, net.values[i].type.shape) for i, a in arrays.items()}
        return Tensors(named, {net.values[i].name: net.values[i].type.quant for i in arrays})

    def node(self, node: Node, operands: Sequence[Array | None]) -> Array:
        """Result of one node of the network on operand codes, as `fxsim.oracle.operand_arrays` gives them.

        Codes (N, *type.shape) in the result's dtype; float32 where it is no integer.
        """
        net = self.net
        given = zip(node.inputs, operands, strict=True)
        reals = {i: _dequantized(net.values[i], x) for i, x in given if x is not None and i not in self.constants.reals}
        samples = len(next(iter(reals.values())))
        real = _run_float(net, node, self.constants.operands(node, reals, samples))
        y = net.results(node)[0]
        return quant_of(y).fake_codes(real, y.type.dtype.numpy) if y.type.dtype.is_integer else real


def _run_float(net: Network, node: Node, operands: Sequence[Array | None]) -> Floats:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return OPERATORS[node.op].run_float(net, node, operands)


class _Constants:
    """Real values of a network's constants; biases, whose grid depends on the node, by node."""

    def __init__(self, net: Network, bias: str) -> None:
        used = {i for node in net.nodes for i in node.inputs if i != ABSENT and net.values[i].is_constant}
        self.reals = {i: _constant(net.values[i]) for i in used}
        self.biases = {
            node.outputs[0]: real_bias(net, node, bias)
            for node in net.nodes
            if node.op in MAC_OPERATORS and len(node.inputs) > 2 and node.inputs[2] != ABSENT
        }

    def operands(self, node: Node, reals: Mapping[int, Array], samples: int) -> list[Array | None]:
        """Real operands of `node`: computed ones from `reals`, constants for every sample."""
        found = [self._operand(i, reals, samples) for i in node.inputs]
        if node.outputs[0] in self.biases:
            bias = self.biases[node.outputs[0]]
            found[2] = np.broadcast_to(bias, (samples, *bias.shape))
        return found

    def _operand(self, index: int, reals: Mapping[int, Array], samples: int) -> Array | None:
        if index == ABSENT:
            return None
        if index not in self.reals:
            return reals[index]
        constant = self.reals[index]
        return np.broadcast_to(constant, (samples, *constant.shape))


def real_bias(net: Network, node: Node, bias: str) -> Floats:
    """The bias of a MAC node as fake quantization adds it, float32 [N]; see `fake_quant`."""
    x, w, stored = (net.values[i] for i in node.inputs[:3])
    grid = np.broadcast_to(quant_of(x).scale[0] * quant_of(w).scale, stored.type.shape)
    own = stored.type.quant or Affine(grid, 0, axis=0)
    assert stored.data is not None  # a checked node's bias is a constant
    real = own.dequantize(stored.data)
    return real if bias == "float" else Affine(grid, 0, axis=0).fake_quantize(real, np.int32)


def _constant(value: Value) -> Array:
    assert value.data is not None
    return _dequantized(value, value.data)


def _dequantized(value: Value, codes: Array) -> Array:
    """Reals of codes with a scale; other operands as they are. `codes` may have the sample axis if one step serves."""
    quant = value.type.quant
    return codes if quant is None or not value.type.dtype.is_integer else quant.dequantize(codes)


def _real_input(value: Value, x: object, codes: Array) -> Array:
    """What the user gave of an input if that is floating, else what its codes stand for."""
    given = np.asarray(x[value.name] if isinstance(x, Mapping) else x)
    if np.issubdtype(given.dtype, np.floating):
        return given.astype(np.float32).reshape(codes.shape)
    return _dequantized(value, codes)
