"""One accumulator on plain integers, rule application by rule application (MICROARCHITECTURE A.1 to A.8).

Independent of the arrays of `fxsim.ops.accumulate`: what is said about a single output is worked out again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim._core.errors import InputError
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
    k .. stop - 1, MERGE names those of its part. READ is the requantizer's look at the finished sum. INNER adds to an
    inner accumulator, which the SUM behind them spills.
    """

    phase: Phase
    part: int
    k: int
    stop: int


class Applied(NamedTuple):
    """A rule application with data.

    The exact prefix after it and what the register holds; the exact window sum and what the inner register holds, 0
    behind a spill; whether the application left the range of its register.
    """

    application: Application
    exact: int
    stored: int
    inner_exact: int
    inner: int
    left: bool


def applications(depth: int, numerics: Numerics) -> list[Application]:
    """Rule applications of a sum of `depth` products in the order in which they run; the last one is READ."""
    step = numerics.group_size
    groups = -(-depth // step)
    length = -(-groups // numerics.split_k) * step
    parts = [(start, min(start + length, depth)) for start in range(0, depth, length)]
    bias, first = Application(Phase.BIAS, 0, -1, -1), numerics.bias_order == "first"
    sums = (each for part, (start, stop) in enumerate(parts) for each in _part(part, start, stop, numerics))
    merges = (Application(Phase.MERGE, part, *parts[part]) for part in range(1, len(parts)))
    late = [] if first else [bias]
    return [*([bias] if first else []), *sums, *merges, *late, Application(Phase.READ, 0, depth, depth)]


def _part(part: int, start: int, stop: int, numerics: Numerics) -> Iterator[Application]:
    """Sums of one part; where there is an inner accumulator, what it takes and its spills."""
    step = numerics.group_size
    window = numerics.inner_products if numerics.inner_bits else step
    for first in range(start, stop, window):
        last = min(first + window, stop)
        if numerics.inner_bits:
            yield from (Application(Phase.INNER, part, k, min(k + step, last)) for k in range(first, last, step))
        yield Application(Phase.SUM, part, first, last)


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
    register = _Register(numerics)
    for application in applications(len(products), numerics):
        phase, part, k, stop = application
        if phase is Phase.INNER:
            yield register.take(application, sum(products[k:stop]))
        elif phase is Phase.SUM and numerics.inner_bits:
            yield register.spill(application)
        elif phase is Phase.SUM:
            added = sum(products[k:stop])
            yield register.add(application, part, added, added)
        elif phase is Phase.MERGE:
            yield register.add(application, 0, register.stored[part], register.exact[part])
        elif phase is Phase.BIAS:
            yield register.add(application, 0, initial, initial)
        else:
            yield register.read(application)


class _Register:
    """The registers of one sum, by part, and the inner one before them, beside the exact sums that they should hold."""

    def __init__(self, numerics: Numerics) -> None:
        self.numerics, self.mode = numerics, Overflow[numerics.overflow.upper()]
        self.stored, self.exact = [0] * numerics.split_k, [0] * numerics.split_k
        self.inner = self.inner_exact = 0

    def take(self, application: Application, added: int) -> Applied:
        """Add to the inner accumulator."""
        mode, bits = Overflow[self.numerics.inner_overflow.upper()], self.numerics.inner_bits
        self.inner, left = ref_overflow(self.inner + added, bits, mode, bits)
        self.inner_exact += added
        return self._applied(application, application.part, left)

    def spill(self, application: Application) -> Applied:
        """Add the inner accumulator to its part; it starts again at 0."""
        added, exact = self.inner, self.inner_exact
        self.inner = self.inner_exact = 0
        return self.add(application, application.part, added, exact)

    def add(self, application: Application, into: int, added: int, exact: int) -> Applied:
        """Add to part `into`; `exact` is what `added` stands for."""
        bits, internal = self.numerics.acc_bits, self.numerics.acc_internal_bits
        self.stored[into], left = ref_overflow(self.stored[into] + added, bits, self.mode, internal)
        self.exact[into] += exact
        return self._applied(application, into, left)

    def read(self, application: Application) -> Applied:
        """Read part 0 out."""
        bits = self.numerics.acc_bits
        self.stored[0], left = ref_overflow(self.stored[0], bits, Overflow.SATURATE, bits)
        return self._applied(application, 0, left)

    def _applied(self, application: Application, part: int, left: bool) -> Applied:
        return Applied(application, self.exact[part], self.stored[part], self.inner_exact, self.inner, left)


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
        What is added (`fxsim.sim.Phase`), and the part of a split sum.
    k, stop : int64 [A]
        First stream position of what is added and the one behind the last: both -1 for the bias, K for the read-out.
    exact, stored : int64 [A]
        Exact prefix after the application, and what the register (of the part) holds.
    inner_exact, inner : int64 [A]
        The same of the inner accumulator, from its last spill on: 0 behind a spill, and where there is none.
    inner_bits
        Its width, 0 where there is none.
    events : bool [A]
        Whether the application left the range of its register: INNER that of the inner one.
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
    inner_exact: NDArray[np.int64]
    inner: NDArray[np.int64]
    inner_bits: int
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
    columns = zip(*((*s.application, *s[1:]) for s in steps), strict=True)
    phase, part, k, stop, exact, stored, inner_exact, inner, left = (np.array(c, np.int64) for c in columns)
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
        inner_exact,
        inner,
        numerics.inner_bits,
        left > 0,
    )
