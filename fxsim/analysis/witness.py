"""Inputs that attain a bound: proof that no narrower accumulator will do, which any simulator can execute."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import HardwareError, InputError
from fxsim.analysis.exact import mac_nodes
from fxsim.analysis.reach import Reach, inner_reach, mask_reach, tap_masks
from fxsim.graph import from_samples, sample_shape
from fxsim.numerics import bits_needed
from fxsim.ops import mac_params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fxsim.graph import Network
    from fxsim.hw import Numerics
    from fxsim.ops import MacParams

Array = NDArray[np.generic]
Ints = NDArray[np.int64]

_VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """One input of a layer that needs every bit of the layer's exact width.

    Attributes
    ----------
    node, name, overflow
        The layer and its overflow rule: wrap and readout need the final sum, saturate and trap every prefix.
    bits
        The width; with one bit less the overflow rule changes the accumulator.
    channel, position
        The output that shows it: channel, and row and column (a fully connected layer: 0 and the vector).
    application
        Row of `fxsim.analysis.applications` after which the accumulator holds `prefix`.
    prefix
        Exact sum, the bias included where that application includes it.
    ifm
        Codes of the layer's input, one sample: (1, *sample_shape).
    reach
        ``"layer"``: some IFM of the right type; ``"network"``: some input of the network makes it, namely `x`.
    x
        Input of the network by name, one sample each; None where none is known.
    """

    node: int
    name: str
    overflow: str
    bits: int
    channel: int
    position: tuple[int, int]
    application: int
    prefix: int
    ifm: Array
    reach: str
    x: Mapping[str, Array] | None

    @property
    def sentence(self) -> str:
        """The witness in words."""
        what = "final sum" if self.overflow in ("wrap", "readout") else f"prefix after application {self.application}"
        return (
            f"{self.reach}-reachable: output {self.position}, channel {self.channel} of layer {self.name!r} has the "
            f"{what} {self.prefix:,}, which needs {self.bits} bits"
        )


def witness(net: Network, number: int, numerics: Numerics, *, channel: int | None = None) -> Witness:
    """An IFM of node `number` that attains its exact bound, in all channels or in one.

    Operands of one output are independent codes, so the extreme of a prefix is attained by taking the least or greatest
    code by the sign of every weight. Where the IFM is an input of the network under another shape, the witness is
    network-reachable.

    Raises
    ------
    InputError
        The node has no accumulators, or no such channel.
    LoweringError
        `numerics` cannot hold the layer's operands.
    HardwareError
        The node's inner accumulators may overflow, so that prefixes of exact sums say nothing about the outer ones.
    """
    if number not in mac_nodes(net):
        raise InputError("node must have accumulators", got=number)
    rule = dataclasses.replace(numerics, bias_policy="apply")
    params = mac_params(net, net.nodes[number], rule)
    if channel is not None and not 0 <= channel < params.channels:
        raise InputError(f"channel must be in 0..{params.channels - 1}", got=channel)
    inner = inner_width(net, number, rule)
    if inner > rule.inner_bits:
        expected = f"inner accumulators must have {inner} bits for the outer ones to have a witness"
        raise HardwareError(expected, got=rule.inner_bits, where=f"layer {net.nodes[number].name!r}")
    end, application, row, position, prefix = _worst(params, rule, channel)
    value = net.values[net.nodes[number].inputs[0]]
    image = _image(params, position, row, greatest=bool(end))
    ifm = from_samples(image.astype(value.type.dtype.numpy).reshape(1, *value.type.shape), value.type.shape)
    x = _as_input(net, number, ifm)
    return Witness(
        node=number,
        name=net.nodes[number].name,
        overflow=rule.overflow,
        bits=bits_needed(prefix, prefix),
        channel=row,
        position=divmod(position, params.window.out_w),
        application=application,
        prefix=prefix,
        ifm=ifm,
        reach="layer" if x is None else "network",
        x=x,
    )


def inner_width(net: Network, number: int, numerics: Numerics) -> int:
    """Width at which a layer's inner accumulators spill exact sums of any IFM of the right type; 0 without them."""
    if not numerics.inner_bits:
        return 0
    rule = dataclasses.replace(numerics, bias_policy="apply")
    params = mac_params(net, net.nodes[number], rule)
    free = np.ones(params.window.channels, np.int64)
    return int(inner_reach(params, rule, free * params.x_lo, free * params.x_hi).every_bits.max())


def _worst(params: MacParams, rule: Numerics, channel: int | None) -> tuple[int, int, int, int, int]:
    """Least (0) or greatest (1) end, application, channel, position and value of the prefix that needs most bits."""
    free = np.ones(params.window.channels, np.int64)
    found = []
    for mask, position in zip(*tap_masks(params.window), strict=True):
        reach = mask_reach(params, rule, mask, free * params.x_lo, free * params.x_hi)
        ends = _judged(reach, rule)
        if channel is not None:
            ends = ends[:, :, channel : channel + 1]
        magnitudes = np.where(ends < 0, ~ends, ends)
        end, row, column = map(int, np.unravel_index(int(magnitudes.argmax()), magnitudes.shape))
        application = row + len(reach.low) - ends.shape[1]
        place = (end, application, column if channel is None else channel, int(position), int(ends[end, row, column]))
        found.append((int(magnitudes[end, row, column]), place))
    return max(found)[1]


def _judged(reach: Reach, rule: Numerics) -> Ints:
    """Ends of the prefixes that must fit: int64 [2, A or 1, N]."""
    ends = np.stack([reach.low, reach.high])
    return ends[:, -1:] if rule.overflow in ("wrap", "readout") else ends


def _image(params: MacParams, position: int, channel: int, *, greatest: bool) -> Ints:
    """Codes [batch, H, W, C] that bring one output of the first image to an end of all its prefixes."""
    g = params.window
    image = np.full((g.batch, g.in_h, g.in_w, g.channels), params.x_zero)
    rising = (params.stream[:, channel] > 0) == greatest
    codes = np.where(rising, params.x_hi, params.x_lo).reshape(g.kh, g.kw, -1)
    oy, ox = divmod(position, g.out_w)
    iy = oy * g.stride_h - g.pad_top + np.arange(g.kh) * g.dilation_h
    ix = ox * g.stride_w - g.pad_left + np.arange(g.kw) * g.dilation_w
    ky, kx = np.flatnonzero((iy >= 0) & (iy < g.in_h)), np.flatnonzero((ix >= 0) & (ix < g.in_w))
    channels = np.array([channel // g.depth_mult]) if params.depthwise else np.arange(g.channels)
    image[0][np.ix_(iy[ky], ix[kx], channels)] = codes[np.ix_(ky, kx)]
    return image


def _as_input(net: Network, number: int, ifm: Array) -> Mapping[str, Array] | None:
    """The network's input that is `ifm` under another shape; None where there is none."""
    makers = {i: node for node in net.nodes for i in node.outputs}
    index = net.nodes[number].inputs[0]
    while index in makers and makers[index].op in _VIEWS:
        index = makers[index].inputs[0]
    if index not in net.inputs:
        return None
    name, shape = net.values[index].name, sample_shape(net.values[index].type.shape)
    return zero_inputs(net) | {name: ifm.reshape(1, *shape)}


def zero_inputs(net: Network) -> dict[str, Array]:
    """One sample of code 0 for every input of the network."""
    inputs = [net.values[i] for i in net.inputs]
    return {v.name: np.zeros((1, *sample_shape(v.type.shape)), v.type.dtype.numpy) for v in inputs}
