"""Numerics of single layers: what the user asked for, checked, as one `Numerics` per node."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import HardwareError, LoweringError
from fxsim.hw import Numerics
from fxsim.ops.mac import MAC_OPERATORS

if TYPE_CHECKING:
    from fxsim.graph import Network, Node

_NUMERICS = frozenset(f.name for f in dataclasses.fields(Numerics))
_ARRAY = ("act_bits", "weight_bits", "reduction", "group_size")
"""Numerics that the PEs and adders are built for, the same in every layer."""

Layers = Mapping[str, Mapping[str, Any]]
"""Numerics that differ in single layers, by the name of the node or of an output: ``{"conv1": {"acc_bits": 20}}``."""


def layer_numerics(net: Network, numerics: Numerics, layers: Layers) -> list[Numerics]:
    """Per node, `numerics` with the node's own fields.

    Raises
    ------
    LoweringError
        A name is no node's, a node has no accumulators, a field is no field of `Numerics`.
    HardwareError
        A value is illegal, or changes what the whole array is built for.
    """
    names = {name: index for index, node in enumerate(net.nodes) for name in _names(net, node)}
    unknown = sorted(set(layers) - set(names))
    if unknown:
        raise LoweringError("layers must be names of nodes or of their outputs", got=unknown)
    found = [numerics] * len(net.nodes)
    for name, fields in layers.items():
        index, where = names[name], f"node {name!r}"
        _check_layer(net.nodes[index], fields, where)
        _check_array(fields, numerics, where)
        try:
            found[index] = dataclasses.replace(found[index], **fields)
        except HardwareError as error:
            raise HardwareError(str(error), where=where) from None
    return found


def _check_layer(node: Node, fields: Mapping[str, Any], where: str) -> None:
    if not isinstance(fields, Mapping):
        raise LoweringError("layer fields must be a mapping", got=fields, where=where)
    if node.op not in MAC_OPERATORS:
        raise LoweringError("only layers with accumulators may have numerics of their own", where=where)
    foreign = sorted(set(fields) - _NUMERICS)
    if foreign:
        raise LoweringError("layer fields must be numerics", got=foreign, where=where)


def _check_array(fields: Mapping[str, Any], shared: Numerics, where: str) -> None:
    """Refuse an override of what no instruction can change."""
    rebuilt = {field: fields[field] for field in _ARRAY if field in fields and fields[field] != getattr(shared, field)}
    if rebuilt:
        raise HardwareError("the array's numerics must be the hardware's in every layer", got=rebuilt, where=where)


def _names(net: Network, node: Node) -> list[str]:
    return [*(value.name for value in net.results(node)), node.name]
