"""Legality and shapes of a whole network, all problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import GraphError, UnsupportedError
from fxsim.ops.base import OPERATORS

if TYPE_CHECKING:
    from fxsim.graph import Network, Node


def validate(net: Network) -> None:
    """Check that every node is supported and that inferred shapes equal the declared ones.

    Raises
    ------
    UnsupportedError
        Unknown operators, types, quantization or attributes; the message lists every problem of every node.
    GraphError
        Only shapes disagree; all of them are listed.
    """
    illegal: list[str] = []
    misshapen: list[str] = []
    for index, node in enumerate(net.nodes):
        where = f"node {index} {node.name!r} ({node.op})"
        if node.op not in OPERATORS:
            illegal.append(f"{where}: operator must be one of: {', '.join(OPERATORS)}")
            continue
        problems = OPERATORS[node.op].check(net, node)
        illegal += [f"{where}: {problem}" for problem in problems]
        misshapen += [] if problems else [f"{where}: {problem}" for problem in _shapes(net, node)]
    if illegal:
        raise UnsupportedError(_listed("network must only hold supported nodes", illegal + misshapen), where=net.name)
    if misshapen:
        raise GraphError(_listed("declared shapes must follow from the operands", misshapen), where=net.name)


def _shapes(net: Network, node: Node) -> list[str]:
    inferred = OPERATORS[node.op].infer(net, node)
    return [
        f"output {value.name!r} must have shape {shape}, not {value.type.shape}"
        for value, shape in zip(net.results(node), inferred, strict=True)
        if value.type.shape != shape
    ]


def _listed(title: str, problems: list[str]) -> str:
    return "\n  ".join([f"{title} ({len(problems)} problem{'s'[: len(problems) > 1]}):", *problems])
