"""What an operator is: attributes, legality, shape rule, exact run, MAC count, importer hook; and their registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import UnsupportedError
from fxsim._core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fxsim.graph import LayerStats, Network, Node
    from fxsim.hw import Numerics

Array = NDArray[np.generic]
Floats = NDArray[np.float32]

PADDINGS = ("SAME", "VALID")
"""Padding attribute by its code in a .tflite file."""
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
"""Fused activation attribute by its code in a .tflite file."""


@dataclass(frozen=True, slots=True)
class OptionField:
    """One field of an operator's options table in a .tflite file.

    Attributes
    ----------
    attribute
        Name in the attribute dataclass: ``"stride_h"``.
    accessor
        Name of the generated schema accessor: ``"StrideH"`` (the writer's is ``Conv2DOptionsAddStrideH``).
    kind
        ``"int"``, ``"bool"``, ``"float"``, ``"enum"`` (the attribute is ``values[code]``) or ``"ints"`` (a vector).
    values
        Attribute values by enum code; empty for the other kinds.
    """

    attribute: str
    accessor: str
    kind: str = "int"
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TfliteHook:
    """How a .tflite file spells an operator, as data.

    `builtin` is a name of the schema's BuiltinOperator, `options` the options table (empty: none; a file may leave out
    a table without numbers, the attribute defaults hold then), `version` the operator version a written file declares.
    """

    builtin: str
    options: str = ""
    fields: tuple[OptionField, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one operator application produced: output arrays (N, *type.shape) and the accumulator counters."""

    outputs: tuple[Array, ...]
    stats: LayerStats


class Operator(ABC):
    """One operator of the graph IR; instances are stateless and live in `OPERATORS`."""

    name: ClassVar[str]
    """Registry name: ``"CONV_2D"``."""
    attrs: ClassVar[type[Any]]
    """Frozen dataclass of the node's attributes; every field has a default."""
    tflite: ClassVar[TfliteHook | None] = None
    """Spelling in a .tflite file, None where there is none."""

    @abstractmethod
    def check(self, net: Network, node: Node) -> list[str]:
        """List everything illegal or unsupported in `node`, one message each; empty when the node may run."""

    @abstractmethod
    def infer(self, net: Network, node: Node) -> tuple[tuple[int, ...], ...]:
        """Output shapes from operand shapes and attributes; only for nodes that `check` accepts."""

    @abstractmethod
    def run(self, net: Network, node: Node, inputs: Sequence[Array | None], numerics: Numerics | None) -> Outcome:
        """Compute the outputs exactly.

        Parameters
        ----------
        net, node
            A checked network and one of its nodes.
        inputs
            Operand codes, sample axis first: (N, *type.shape); None where the operand is absent. Constants may be
            given as they are stored.
        numerics
            None: as the runtime of the network's profile (32-bit wrapping accumulators). Else accumulator widths,
            overflow mode, grouping and order of `fxsim.hw.Numerics`; trap gives saturated values and counters.
        """

    @abstractmethod
    def run_float(self, net: Network, node: Node, inputs: Sequence[Array | None]) -> Floats:
        """Compute the output in binary32 on real numbers: no codes, no grid, the fused activation as a real clamp.

        Every product, sum and quotient is rounded to binary32 in an order that the operator fixes, so that the result
        is the same on every machine; functions are NumPy's binary64 ones rounded to binary32, which is their correct
        rounding but for arguments that are within an error of binary64 of a tie.

        Parameters
        ----------
        net, node
            A checked network and one of its nodes.
        inputs
            Real operands, sample axis first: float32 (N, *type.shape), constants too; operands that are no quantities
            (axes, shapes) as they are stored; None where the operand is absent.

        Returns
        -------
        float32 (N, *type.shape). Overflow: infinities, and NaN where they meet; NumPy's warnings are the caller's.
        """

    def macs(self, net: Network, node: Node) -> int:  # noqa: ARG002 - most operators have none
        """Multiply-adds per sample, padded taps included."""
        return 0


OPERATORS: Registry[Operator] = Registry("operator", folder="fxsim.ops", error=UnsupportedError)
"""Every operator by name; a new file in ``fxsim/ops`` is all it takes to add one."""


def operator(cls: Callable[[], Operator]) -> Callable[[], Operator]:
    """Class decorator: register an instance under the class's `name`."""
    instance = cls()
    OPERATORS.add(instance.name, instance)
    return cls
