"""`build`: the only way to a `Network`; everything about indices, names, producers and order is checked here."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import TYPE_CHECKING

from fxsim._core.errors import GraphError
from fxsim.graph.network import ABSENT, Network, Node
from fxsim.numerics import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.graph.types import Value

_RANK_LIMIT = 8
_SIZE_LIMIT = 1 << 31
_LISTED = 20


def build(
    name: str,
    values: Sequence[Value],
    nodes: Sequence[Node],
    inputs: Sequence[int],
    outputs: Sequence[int],
    profile: str = "tflite",
) -> Network:
    """Check a graph and put its nodes in topological order (stable: the given order where it is legal).

    Operators themselves are checked by `fxsim.ops.validate`.

    Raises
    ------
    GraphError
        An index points nowhere, a name is empty or repeated, a shape is absurd, stored data does not fit its type, a
        value has two producers or none, an input is a constant, the graph is empty or has a cycle. All problems of
        one stage are listed.
    FxsimError
        `profile` is unknown.
    """
    PROFILES[profile]
    _raise(name, _count_problems(values, nodes, inputs, outputs))
    _raise(name, [*_value_problems(values), *_index_problems(values, nodes, inputs, outputs)])
    _raise(name, list(_producer_problems(values, nodes, inputs, outputs)))
    return Network(name, tuple(values), _sorted(name, nodes), tuple(inputs), tuple(outputs), profile)


def unique_names(names: Sequence[str]) -> list[str]:
    """Names made unique: every bearer of a repeated or empty name gets ``#<its index>`` appended."""
    result = list(names)
    while repeated := {name for name, count in Counter(result).items() if count > 1 or not name}:
        result = [f"{name}#{i}" if name in repeated else name for i, name in enumerate(result)]
    return result


def _raise(where: str, problems: list[str]) -> None:
    if not problems:
        return
    rest = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
    raise GraphError("; ".join([*problems[:_LISTED], *rest]), where=f"network {where!r}")


def _count_problems(
    values: Sequence[Value], nodes: Sequence[Node], inputs: Sequence[int], outputs: Sequence[int]
) -> list[str]:
    parts = {"values": values, "nodes": nodes, "inputs": inputs, "outputs": outputs}
    return [f"network must have {part}" for part, items in parts.items() if not items]


def _value_problems(values: Sequence[Value]) -> Iterator[str]:
    for name, count in Counter(value.name for value in values).items():
        if count > 1 or not name:
            yield f"value names must be unique and not empty, but {count} values are called {name!r}"
    for value in values:
        yield from (f"tensor {value.name!r}: {problem}" for problem in _type_problems(value))


def _type_problems(value: Value) -> Iterator[str]:
    shape, data = value.type.shape, value.data
    if len(shape) > _RANK_LIMIT:
        yield f"shape must have at most {_RANK_LIMIT} dimensions, not {len(shape)}"
    elif any(d < 0 for d in shape) or math.prod(shape) >= _SIZE_LIMIT:
        yield f"shape must have dimensions of at least 0 and fewer than 2^31 elements, not {shape}"
    elif data is not None and (data.shape != shape or data.dtype != value.type.dtype.numpy):
        yield f"data must be {value.type}, not {data.dtype}{list(data.shape)}"


def _index_problems(
    values: Sequence[Value], nodes: Sequence[Node], inputs: Sequence[int], outputs: Sequence[int]
) -> Iterator[str]:
    count = len(values)
    lists = [("inputs", inputs), ("outputs", outputs)]
    lists += [(f"operands of node {node.name!r}", [i for i in node.inputs if i != ABSENT]) for node in nodes]
    lists += [(f"results of node {node.name!r}", node.outputs) for node in nodes]
    for what, indices in lists:
        bad = [i for i in indices if not 0 <= i < count]
        if bad:
            yield f"{what} must be value ids below {count}, not {bad[:4]}"
            continue
        empty = [values[i].name for i in indices if 0 in values[i].type.shape]
        if empty:
            yield f"{what} must not be empty tensors, not {empty[:4]}"
    for what, indices in lists[:2]:
        if len(set(indices)) != len(indices):
            yield f"{what} must not repeat, not {list(indices)}"


def _producer_problems(
    values: Sequence[Value], nodes: Sequence[Node], inputs: Sequence[int], outputs: Sequence[int]
) -> Iterator[str]:
    names = [value.name for value in values]
    yield from (f"input {names[i]!r} must not be a constant" for i in inputs if values[i].is_constant)
    produced = Counter(i for node in nodes for i in node.outputs)
    for i, count in produced.items():
        owners = count + (i in inputs) + values[i].is_constant
        if owners > 1:
            yield f"tensor {names[i]!r} must have one producer, not {owners}"
    known = set(produced) | set(inputs) | {i for i, value in enumerate(values) if value.is_constant}
    for node in nodes:
        for i in node.inputs:
            if i != ABSENT and i not in known:
                yield f"operand {names[i]!r} of node {node.name!r} must be an input, a constant or a node's output"
    yield from (f"output {names[i]!r} must be produced by a node" for i in outputs if i not in produced)


def _sorted(name: str, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Kahn's algorithm, the smallest ready index first."""
    owner = {i: index for index, node in enumerate(nodes) for i in node.outputs}
    needs = [{owner[i] for i in node.inputs if i in owner} for node in nodes]
    users: list[list[int]] = [[] for _ in nodes]
    for index, sources in enumerate(needs):
        for source in sources:
            users[source].append(index)
    waiting = [len(sources) for sources in needs]
    ready = [index for index, count in enumerate(waiting) if not count]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(nodes[index])
        for user in users[index]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, user)
    if len(order) < len(nodes):
        stuck = [nodes[index].name for index, count in enumerate(waiting) if count]
        raise GraphError("graph must be acyclic; nodes on or behind a cycle", got=stuck, where=f"network {name!r}")
    return tuple(order)
