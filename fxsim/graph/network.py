"""`Network`: a checked, topologically ordered graph of operators on values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fxsim.graph.types import Value

ABSENT = -1
"""Id of an operand that is not given (an optional bias)."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator application.

    `op` is a name of the operator registry (``"CONV_2D"``), `inputs` and `outputs` are value ids (`ABSENT` for an
    optional operand left out), `attrs` is the operator's attribute dataclass.
    """

    op: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: Any


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An integer neural network.

    Values are addressed by their index in `values`; nodes stand in topological order. Names of values are unique
    (`fxsim.graph.unique_names` makes them so). Built through `fxsim.graph.build`, which checks everything.
    """

    name: str
    values: tuple[Value, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    profile: str = "tflite"

    def with_profile(self, profile: str) -> Network:
        """Return the same network under another runtime profile (`fxsim.numerics.PROFILES`)."""
        from fxsim.numerics import PROFILES

        PROFILES[profile]
        return dataclasses.replace(self, profile=profile)

    def operands(self, node: Node) -> tuple[Value | None, ...]:
        """Return the input values of `node`, None where an operand is absent."""
        return tuple(None if i == ABSENT else self.values[i] for i in node.inputs)

    def results(self, node: Node) -> tuple[Value, ...]:
        """Return the output values of `node`."""
        return tuple(self.values[i] for i in node.outputs)
