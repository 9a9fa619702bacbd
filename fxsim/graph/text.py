"""The printable form of a network."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fxsim.graph.network import ABSENT

if TYPE_CHECKING:
    from fxsim.graph.network import Network, Node
    from fxsim.graph.types import Value
    from fxsim.numerics import Affine


def network_text(net: Network) -> str:
    """Print `net`: inputs, constants, one line per node, outputs; ``%3`` is value 3.

    Reals are printed with 9 significant digits, which identify a binary32 number.
    """
    used = sorted({i for node in net.nodes for i in node.inputs if i != ABSENT and net.values[i].is_constant})
    lines = [f"network {net.name!r} profile {net.profile}"]
    lines += [f"  input    {_value(i, net.values[i])}" for i in net.inputs]
    lines += [f"  constant {_value(i, net.values[i])}" for i in used]
    lines += [f"  {_node(net, node)}" for node in net.nodes]
    lines += [f"  output   {_value(i, net.values[i])}" for i in net.outputs]
    return "\n".join(lines)


def _value(index: int, value: Value) -> str:
    return f"%{index} {value.name!r} {value.type}{_quant(value.type.quant)}"


def _quant(quant: Affine | None) -> str:
    if quant is None:
        return ""
    if quant.scale.size == 1:
        return f" scale {quant.scale[0]:.9g} zero {int(quant.zero_point[0])}"
    return f" scale {quant.scale.min():.9g}..{quant.scale.max():.9g} along {quant.axis}"


def _node(net: Network, node: Node) -> str:
    results = ", ".join(_value(i, net.values[i]) for i in node.outputs)
    operands = ", ".join("-" if i == ABSENT else f"%{i}" for i in node.inputs)
    attrs = ", ".join(f"{f.name}={getattr(node.attrs, f.name)}" for f in dataclasses.fields(node.attrs))
    return f"{results} = {node.op}({operands})" + (f" {{{attrs}}}" if attrs else "")
