"""Networks as Python source."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fxsim.ops import OPERATORS
from fxsim.testing.checking.source import array_source

if TYPE_CHECKING:
    from fxsim.graph import Network, Node, Value
    from fxsim.numerics import Affine


def network_source(net: Network) -> str:
    """Return the statements that make `net`, called ``net``."""
    values = "".join(f"    {_value(value)},\n" for value in net.values)
    nodes = "".join(f"    {_node(node)},\n" for node in net.nodes)
    ends = f"{list(net.inputs)}, {list(net.outputs)}, {net.profile!r}"
    return f"values = [\n{values}]\nnodes = [\n{nodes}]\nnet = build({net.name!r}, values, nodes, {ends})\n"


def _value(value: Value) -> str:
    kind = value.type
    quant = "" if kind.quant is None else f", {_affine(kind.quant)}"
    data = "" if value.data is None else f", {array_source(value.data)}"
    return f"Value({value.name!r}, TensorType({kind.shape}, DType.{kind.dtype.name}{quant}){data})"


def _affine(quant: Affine) -> str:
    words = [f"{quant.scale.tolist()}, {quant.zero_point.tolist()}"]
    words += [f"{name}={getattr(quant, name)}" for name in ("axis", "group_size") if getattr(quant, name) is not None]
    return f"Affine({', '.join(words)})"


def _node(node: Node) -> str:
    default = OPERATORS[node.op].attrs()
    attrs = [
        f"{f.name}={getattr(node.attrs, f.name)!r}"
        for f in dataclasses.fields(default)
        if getattr(node.attrs, f.name) != getattr(default, f.name)
    ]
    made = f"OPERATORS[{node.op!r}].attrs({', '.join(attrs)})"
    return f"Node({node.op!r}, {node.name!r}, {node.inputs}, {node.outputs}, {made})"
