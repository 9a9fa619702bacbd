"""Numerics of single layers: what the user asked for, checked, as one hardware per node."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import HardwareError, LoweringError
from fxsim.hw import Numerics
from fxsim.ops import MAC_OPERATORS

if TYPE_CHECKING:
    from fxsim.graph import Network, Node
    from fxsim.hw import Hardware

_NUMERICS = frozenset(f.name for f in dataclasses.fields(Numerics))
_ARRAY = ("act_bits", "weight_bits", "reduction", "group_size")
"""Numerics that the PEs and adders are built for, the same in every layer."""


def layer_hardware(net: Network, hw: Hardware, layers: Mapping[str, Mapping[str, Any]]) -> list[Hardware]:
    """Per node, the hardware with the node's own numerics."""
    names = {name: index for index, node in enumerate(net.nodes) for name in _names(net, node)}
    unknown = sorted(set(layers) - set(names))
    if unknown:
        raise LoweringError("layers must be names of nodes or of their outputs", got=unknown)
    found = [hw] * len(net.nodes)
    for name, fields in layers.items():
        if not isinstance(fields, Mapping):
            raise LoweringError("layer fields must be a mapping", got=fields, where=f"node {name!r}")
        if net.nodes[names[name]].op not in MAC_OPERATORS:
            raise LoweringError("only layers with accumulators may have numerics of their own", where=f"node {name!r}")
        foreign = sorted(set(fields) - _NUMERICS)
        if foreign:
            raise LoweringError("layer fields must be numerics", got=foreign, where=f"node {name!r}")
        try:
            found[names[name]] = found[names[name]].replace(**fields)
        except HardwareError as error:
            raise HardwareError(str(error), where=f"node {name!r}") from None
        _check_array(found[names[name]].numerics, hw.numerics, f"node {name!r}")
    return found


def _check_array(own: Numerics, shared: Numerics, where: str) -> None:
    """Refuse an override of what no instruction can change."""
    rebuilt = {field: getattr(own, field) for field in _ARRAY if getattr(own, field) != getattr(shared, field)}
    if rebuilt:
        raise HardwareError("the array's numerics must be the hardware's in every layer", got=rebuilt, where=where)


def _names(net: Network, node: Node) -> list[str]:
    return [*(value.name for value in net.results(node)), node.name]
