"""Exact parameters of a MAC layer: the one checked place where real scales become integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fxsim._core.errors import LoweringError
from fxsim.numerics import (
    PROFILES,
    SCHEMES,
    Requant,
    Scheme,
    activation_range,
    check_requant_width,
    middle_factor,
)
from fxsim.ops.legality import quant_of
from fxsim.ops.windows import Window, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import Network, Node, Value
    from fxsim.hw import Numerics

MAC_OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators that run on the MAC unit."""
_EXACT_LIMIT = 1 << 62
_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class MacParams:
    """Everything integer about one MAC layer, N output channels.

    Attributes
    ----------
    weights
        int64 codes, zero point not subtracted: [N, kh, kw, channels], depthwise [N, kh, kw, 1], fully connected
        [N, 1, 1, K].
    bias
        int64 [N] as stored, zeros where the operand is absent.
    initial
        int64 [N], the exact value of rule application -1: `bias`, or bias - x_zero * sum(w - w_zero) under
        ``zero_point = "fold"``.
    requant, scheme
        Accumulator to output; n is N or 1.
    x_zero, w_zero, out_zero
        Zero points; `w_zero` is int64 [N].
    x_lo, x_hi
        Range of the input codes.
    clamp_lo, clamp_hi
        Output range after the fused activation.
    window
        Geometry.
    fold
        Whether raw codes enter the sum and padded taps are fed `x_zero`; else x - x_zero enters and padded taps are 0.
    """

    weights: NDArray[np.int64]
    bias: NDArray[np.int64]
    initial: NDArray[np.int64]
    requant: Requant
    scheme: Scheme
    x_zero: int
    w_zero: NDArray[np.int64]
    out_zero: int
    x_lo: int
    x_hi: int
    clamp_lo: int
    clamp_hi: int
    window: Window
    fold: bool

    @property
    def channels(self) -> int:
        """Output channels N."""
        return int(self.weights.shape[0])

    @property
    def depthwise(self) -> bool:
        """Whether every output channel reads one input channel only."""
        return self.window.depth_mult > 0

    @property
    def stream(self) -> NDArray[np.int64]:
        """Effective weights w - w_zero in canonical order (ky, kx, channel): int64 [K, N]."""
        flat = self.weights.reshape(self.channels, -1) - self.w_zero[:, None]
        return np.ascontiguousarray(flat.T)

    @property
    def macs(self) -> int:
        """Multiply-adds per sample, padded taps included."""
        return self.window.macs(self.channels)


@dataclass(frozen=True, slots=True, eq=False)
class OutputRule:
    """How accumulators become output codes: scheme, its parameters, range after the fused activation."""

    scheme: Scheme
    requant: Requant
    clamp_lo: int
    clamp_hi: int


def mac_params(net: Network, node: Node, numerics: Numerics | None = None) -> MacParams:
    """Derive the exact parameters of MAC node `node` of a checked network.

    Multipliers follow the network's profile, in its precision; ``numerics.requantizer`` other than ``"profile"``
    replaces the scheme, and its ``multiplier_bits`` and ``multipliers`` hold whichever the scheme. With `numerics` the
    layer is also held against the hardware.

    Raises
    ------
    LoweringError
        Operand codes exceed ``act_bits`` or ``weight_bits``; the (folded) bias does not fit ``bias_bits``; it does not
        fit the accumulator under ``bias_policy = "error"``; an exact prefix could leave 63 bits.
    QuantizationError
        The scheme cannot express a scale ratio, is not exact for accumulators of ``acc_bits``, or has no multiplier
        that ``multiplier_bits`` could narrow.
    """
    x, w, bias = _operands(net, node)
    y = net.values[node.outputs[0]]
    rule = output_rule(net, node, numerics)
    weights = canonical_weights(node, _data(w).astype(np.int64))
    w_zero = np.broadcast_to(quant_of(w).zero_point, (weights.shape[0],)).astype(np.int64)
    stored = np.zeros(weights.shape[0], np.int64) if bias is None else _data(bias).astype(np.int64)
    x_zero, out_zero = int(quant_of(x).zero_point[0]), int(quant_of(y).zero_point[0])
    fold = numerics is not None and numerics.zero_point == "fold"
    effective = weights.reshape(weights.shape[0], -1) - w_zero[:, None]
    initial = stored - x_zero * effective.sum(axis=1) if fold else stored
    params = MacParams(
        weights,
        stored,
        initial,
        rule.requant,
        rule.scheme,
        x_zero,
        w_zero,
        out_zero,
        x.type.dtype.lo,
        x.type.dtype.hi,
        rule.clamp_lo,
        rule.clamp_hi,
        window_of(net, node),
        fold,
    )
    if numerics is not None:
        check_fit(params, numerics, where=f"node {node.name!r}")
    return params


def output_rule(net: Network, node: Node, numerics: Numerics | None = None) -> OutputRule:
    """Turn the scales of a MAC node into integers by the network's profile; `QuantizationError` if they do not fit."""
    x, w, _ = _operands(net, node)
    y = net.values[node.outputs[0]]
    steps, after, profile = quant_of(w).scale, quant_of(y), PROFILES[net.profile]
    real = profile.multiplier(node.op, steps.size > 1, quant_of(x).scale[0], steps, after.scale[0])
    scheme, multiplier_bits = profile.scheme(node.op), 32
    if numerics is not None:
        scheme = scheme if numerics.requantizer == "profile" else SCHEMES[numerics.requantizer]
        check_requant_width(scheme, numerics.acc_bits)
        multiplier_bits = numerics.multiplier_bits
        real = middle_factor(real) if numerics.multipliers == "tensor" else real
    lo, hi = y.type.dtype.lo, y.type.dtype.hi
    lo, hi = activation_range(node.attrs.activation, after.scale[0], int(after.zero_point[0]), lo, hi)
    return OutputRule(scheme, scheme.derive(real, multiplier_bits), lo, hi)


def window_of(net: Network, node: Node) -> Window:
    """Geometry of a MAC node."""
    x, w, _ = _operands(net, node)
    if node.op == "FULLY_CONNECTED":
        depth = w.type.shape[1]
        vectors = x.type.size // depth
        return Window(1, 1, vectors, depth, 1, 1, 1, 1, 1, 1, 0, 0, 1, vectors)
    a, (batch, in_h, in_w, channels) = node.attrs, x.type.shape
    kh, kw = w.type.shape[1:3]
    out_h, top = fit(in_h, kh, a.stride_h, a.dilation_h, a.padding)
    out_w, left = fit(in_w, kw, a.stride_w, a.dilation_w, a.padding)
    mult = w.type.shape[3] // channels if node.op == "DEPTHWISE_CONV_2D" else 0
    return Window(
        batch,
        in_h,
        in_w,
        channels,
        kh,
        kw,
        a.stride_h,
        a.stride_w,
        a.dilation_h,
        a.dilation_w,
        top,
        left,
        out_h,
        out_w,
        mult,
    )


def check_fit(params: MacParams, numerics: Numerics, where: str) -> None:
    """Refuse a layer that the operand widths, the bias storage or exact int64 arithmetic cannot hold."""
    _check_operands(params, numerics, where)
    lo, hi = int(params.initial.min()), int(params.initial.max())
    if not _fits(lo, hi, numerics.bias_bits):
        raise LoweringError(f"the (folded) bias must fit bias_bits = {numerics.bias_bits}", got=(lo, hi), where=where)
    register = numerics.acc_internal_bits if numerics.overflow == "readout" else numerics.acc_bits
    if numerics.bias_policy == "error" and not _fits(lo, hi, register):
        raise LoweringError(
            f"the (folded) bias must fit {register} accumulator bits (or bias_policy = apply)",
            got=(lo, hi),
            where=where,
        )
    reach = max(abs(params.x_lo - params.x_zero), abs(params.x_hi - params.x_zero), abs(params.x_lo), abs(params.x_hi))
    norms = np.abs(params.stream).sum(axis=0)
    worst = max(abs(int(b)) + int(n) * reach for b, n in zip(params.initial, norms, strict=True))
    if worst >= _EXACT_LIMIT:
        raise LoweringError("every exact prefix sum must fit 63 bits", got=worst, where=where)


def _check_operands(params: MacParams, numerics: Numerics, where: str) -> None:
    if not _fits(params.x_lo, params.x_hi, numerics.act_bits):
        raise LoweringError(
            f"activation codes must fit act_bits = {numerics.act_bits}", got=(params.x_lo, params.x_hi), where=where
        )
    lo, hi = int(params.weights.min()), int(params.weights.max())
    if not _fits(lo, hi, numerics.weight_bits):
        raise LoweringError(f"weight codes must fit weight_bits = {numerics.weight_bits}", got=(lo, hi), where=where)


def _fits(lo: int, hi: int, bits: int) -> bool:
    return lo >= -(1 << (bits - 1)) and hi < 1 << (bits - 1)


def _operands(net: Network, node: Node) -> tuple[Value, Value, Value | None]:
    operands = net.operands(node)
    x, w = operands[:2]
    if x is None or w is None:
        raise LoweringError("input and weights must be given", where=f"node {node.name!r}")
    return x, w, operands[2] if len(operands) > 2 else None


def _data(value: Value) -> NDArray[np.generic]:
    if value.data is None:
        raise LoweringError("tensor must be a constant", where=f"tensor {value.name!r}")
    return value.data


def canonical_weights(node: Node, weights: NDArray[_T]) -> NDArray[_T]:
    """Stored weights of a MAC node as [N, kh, kw, channels], depthwise [N, kh, kw, 1], fully connected [N, 1, 1, K]."""
    if node.op == "DEPTHWISE_CONV_2D":
        return np.ascontiguousarray(weights.transpose(3, 1, 2, 0))
    return weights.reshape(weights.shape[0], 1, 1, -1) if node.op == "FULLY_CONNECTED" else weights
