"""What a model of a node is: its codes with any set of mechanisms switched on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import UnsupportedError
from fxsim._core.registry import Registry
from fxsim.numerics import real_range
from fxsim.ops import quant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fxsim.analysis.comparison.mechanisms import Mechanism
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

Array = NDArray[np.generic]
Ints = NDArray[np.int64]
Reals = NDArray[np.float64]
On = frozenset["Mechanism"]
Index = NDArray[np.intp] | None


class Bound(ABC):
    """A model with the operands of some samples."""

    @abstractmethod
    def codes(self, on: On, index: Index = None) -> Array:
        """Output codes, flat in C order over (N, *output shape), with the mechanisms `on`.

        Nothing on: exact sums and the real scale in binary64, one rounding, ties to even, and the clamp of fake
        quantization. Everything on: the machine's codes. Variants between the two are binary64.

        Parameters
        ----------
        on
            Some of the model's mechanisms.
        index
            Flat places to compute, ascending; None: all.
        """


class Model(ABC):
    """One node, its parameters derived once."""

    mechanisms: tuple[Mechanism, ...] = ()
    """Those that can act in this node beside upstream and binary32 arithmetic, in order."""

    def __init__(self, net: Network, node: Node, numerics: Numerics, bias: str) -> None:  # noqa: ARG002 - one signature
        self.net, self.node, self.numerics = net, node, numerics

    @abstractmethod
    def bind(self, operands: Sequence[Array | None]) -> Bound:
        """The model on operand codes, as `fxsim.oracle.operand_arrays` gives them."""


ModelClass = type[Model]
MODELS: Registry[ModelClass] = Registry("model of an operator", error=UnsupportedError)
"""Model class by operator name."""


def model(*operators: str) -> Callable[[ModelClass], ModelClass]:
    """Class decorator: the model of some operators."""

    def register(cls: ModelClass) -> ModelClass:
        for name in operators:
            MODELS.add(name, cls)
        return cls

    return register


class Computed(Bound):
    """Results that exist for all places: a mapping from the switches that matter to codes."""

    def __init__(self, compute: Callable[[On], Array]) -> None:
        self.compute = compute

    def codes(self, on: On, index: Index = None) -> Array:
        """Take from the whole."""
        flat = self.compute(on).reshape(-1)
        return flat if index is None else flat[index]


def fake_clamp(net: Network, node: Node, activation: str) -> tuple[int, int]:
    """Least and greatest code that fake quantization leaves: the clamp of reals, quantized, within the type."""
    y = net.results(node)[0]
    bounds = [y.type.dtype.lo, y.type.dtype.hi]
    for end, real in enumerate(real_range(activation)):
        if real is not None:
            bounds[end] = int(quant_of(y).fake_codes(np.float32(real), y.type.dtype.numpy))
    return bounds[0], bounds[1]


def places(values: NDArray[Any], index: Index) -> NDArray[Any]:
    """`values` flat, or some of them."""
    flat = values.reshape(-1)
    return flat if index is None else flat[index]
