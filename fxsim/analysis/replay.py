"""One accumulator on plain integers, rule application by rule application (MICROARCHITECTURE A.1 to A.6).

Independent of the arrays of `fxsim.ops.accumulate`: what is said about a single output is worked out again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim._core.errors import InputError
from fxsim.analysis.exact import check_single_stage
from fxsim.numerics import Overflow
from fxsim.numerics.reference import ref_overflow
from fxsim.ops import MAC_OPERATORS, gather, mac_params
from fxsim.sim import Output, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fxsim.graph import Network
    from fxsim.hw import Numerics
    from fxsim.ops import MacParams


class Application(NamedTuple):
    """One rule application of a sum, data aside.

    `part` is the part of a split sum that it works on (MERGE: that it adds to part 0); SUM adds stream positions
    k .. stop - 1, MERGE names those of its part. READ is the requantizer's look at the finished sum.
    """

    phase: Phase
    part: int
    k: int
    stop: int


class Applied(NamedTuple):
    """A rule application with data: the exact prefix after it, what the register holds, whether it left the range."""

    application: Application
    exact: int
    stored: int
    left: bool


def applications(depth: int, numerics: Numerics) -> list[Application]:
    """Rule applications of a sum of `depth` products in the order in which they run; the last one is READ.

    Raises
    ------
    HardwareError
        `numerics` has an inner accumulator.
    """
    check_single_stage(numerics)
    step = numerics.group_size
    groups = -(-depth // step)
    length = -(-groups // numerics.split_k) * step
    parts = [(start, min(start + length, depth)) for start in range(0, depth, length)]
    bias, first = Application(Phase.BIAS, 0, -1, -1), numerics.bias_order == "first"
    sums = (
        Application(Phase.SUM, part, k, min(k + step, stop))
        for part, (start, stop) in enumerate(parts)
        for k in range(start, stop, step)
    )
    merges = (Application(Phase.MERGE, part, *parts[part]) for part in range(1, len(parts)))
    late = [] if first else [bias]
    return [*([bias] if first else []), *sums, *merges, *late, Application(Phase.READ, 0, depth, depth)]


def replay(products: Sequence[int], initial: int, numerics: Numerics) -> Iterator[Applied]:
    """Accumulate one output.

    Parameters
    ----------
    products
        In stream order.
    initial
        The exact bias.
    numerics
        The layer's own. Overflow as `fxsim.numerics.reference.ref_overflow`; READ clamps to `acc_bits` under readout.
    """
    mode = Overflow[numerics.overflow.upper()]
    bits, internal = numerics.acc_bits, numerics.acc_internal_bits
    stored, exact = [0] * numerics.split_k, [0] * numerics.split_k
    for application in applications(len(products), numerics):
        phase, part, k, stop = application
        if phase is Phase.READ:
            value, left = ref_overflow(stored[0], bits, Overflow.SATURATE, bits)
            yield Applied(application, exact[0], value, left)
            return
        added = initial if phase is Phase.BIAS else sum(products[k:stop])
        into = part
        if phase is Phase.MERGE:
            into, added = 0, stored[part]
            exact[0] += exact[part]
        else:
            exact[part] += added
        stored[into], left = ref_overflow(stored[into] + added, bits, mode, internal)
        yield Applied(application, exact[into], stored[into], left)


def products_of(params: MacParams, images: NDArray[np.generic], place: int, channel: int, order: str) -> list[int]:
    """Products of one output in stream order; `place` counts images, rows and columns in C order."""
    (x,) = gather(params, images, slice(place, place + 1))
    operands = (x if x.ndim == 1 else x[:, channel]).tolist()
    products = [a * w for a, w in zip(operands, params.stream[:, channel].tolist(), strict=True)]
    return products[::-1] if order == "reversed" else products


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One accumulator over the rule applications of its sum: bias, groups of products, merges, read-out.

    Attributes
    ----------
    output
        Which one.
    acc_bits, register_bits
        Width that the requantizer reads; width of the register, greater under overflow = readout.
    phase, part : int64 [A]
        What is added (`fxsim.sim.locate.Phase`), and the part of a split sum.
    k, stop : int64 [A]
        First stream position of what is added and the one behind the last: both -1 for the bias, K for the read-out.
    exact, stored : int64 [A]
        Exact prefix after the application, and what the register holds.
    events : bool [A]
        Whether the application left the range.
    """

    output: Output
    acc_bits: int
    register_bits: int
    phase: NDArray[np.int64]
    part: NDArray[np.int64]
    k: NDArray[np.int64]
    stop: NDArray[np.int64]
    exact: NDArray[np.int64]
    stored: NDArray[np.int64]
    events: NDArray[np.bool_]

    @property
    def low(self) -> int:
        """Least value that the requantizer reads."""
        return -(1 << (self.acc_bits - 1))

    @property
    def high(self) -> int:
        """Greatest value that the requantizer reads."""
        return (1 << (self.acc_bits - 1)) - 1


def trajectory(
    net: Network, layer: int | str, ifm: NDArray[np.generic], output: Output, numerics: Numerics
) -> Trajectory:
    """Replay one output of a layer.

    Parameters
    ----------
    net
        The network.
    layer
        Number or name of a node with accumulators.
    ifm
        The layer's input codes of one sample.
    output
        Which output.
    numerics
        Width, overflow rule and order to use.

    Raises
    ------
    InputError
        There is no such layer or output, or `ifm` has another size or dtype.
    LoweringError
        `numerics` cannot hold the layer's operands or bias.
    """
    names = [node.name for node in net.nodes]
    number = names.index(layer) if isinstance(layer, str) and layer in names else layer
    if isinstance(number, str) or not 0 <= number < len(names) or net.nodes[number].op not in MAC_OPERATORS:
        raise InputError("layer must be one with accumulators", got=layer, where=net.name)
    node = net.nodes[number]
    params = mac_params(net, node, numerics)
    window, kind = params.window, net.values[node.inputs[0]].type
    shape = (window.batch, window.out_h, window.out_w, params.channels)
    if not all(0 <= i < size for i, size in zip(output, shape, strict=True)):
        raise InputError(f"output must lie in {shape}", got=tuple(output), where=f"layer {node.name!r}")
    if ifm.size != kind.size or ifm.dtype != kind.dtype.numpy:
        expected = f"ifm must be one sample, {kind}"
        raise InputError(expected, got=f"{ifm.dtype}{list(ifm.shape)}", where=f"layer {node.name!r}")
    return trace(params, ifm.reshape(-1, window.in_h, window.in_w, window.channels), output, numerics)


def trace(params: MacParams, images: NDArray[np.generic], output: Output, numerics: Numerics) -> Trajectory:
    """Replay one output of the images of one sample, [images, height, width, channels]."""
    window = params.window
    place = (output.image * window.out_h + output.y) * window.out_w + output.x
    products = products_of(params, images, place, output.channel, numerics.order)
    steps = list(replay(products, int(params.initial[output.channel]), numerics))
    readout = numerics.overflow == "readout"
    columns = zip(*((*s.application, s.exact, s.stored) for s in steps), strict=True)
    phase, part, k, stop, exact, stored = (np.array(column, np.int64) for column in columns)
    return Trajectory(
        output,
        numerics.acc_bits,
        numerics.acc_internal_bits if readout else numerics.acc_bits,
        phase,
        part,
        k,
        stop,
        exact,
        stored,
        np.array([s.left for s in steps]),
    )
