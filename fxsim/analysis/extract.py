"""Parts of a network as networks of their own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fxsim.graph import ABSENT, build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network, Node


def isolate(net: Network, number: int) -> Network:
    """The one-node network of node `number`: its constants and names, its computed operands as inputs."""
    node = net.nodes[number]
    inputs = dict.fromkeys(i for i in node.inputs if i != ABSENT and not net.values[i].is_constant)
    return _part(net, [node], list(inputs), list(node.outputs))


def before(net: Network, number: int) -> Network:
    """The nodes that the first operand of node `number` depends on; it is the output, some node must produce it."""
    wanted = {net.nodes[number].inputs[0]}
    nodes: list[Node] = []
    for node in reversed(net.nodes[:number]):
        if wanted.intersection(node.outputs):
            nodes.append(node)
            wanted.update(node.inputs)
    return _part(net, nodes[::-1], [i for i in net.inputs if i in wanted], [net.nodes[number].inputs[0]])


def _part(net: Network, nodes: Sequence[Node], inputs: Sequence[int], outputs: Sequence[int]) -> Network:
    used = sorted({i for node in nodes for i in (*node.inputs, *node.outputs)} - {ABSENT})
    new = {old: place for place, old in enumerate(used)} | {ABSENT: ABSENT}
    moved = [
        dataclasses.replace(node, inputs=tuple(map(new.__getitem__, node.inputs)),
                            outputs=tuple(map(new.__getitem__, node.outputs)))
        for node in nodes
    ]  # fmt: skip
    first, last = ([new[i] for i in group] for group in (inputs, outputs))
    return build(net.name, [net.values[i] for i in used], moved, first, last, net.profile)
