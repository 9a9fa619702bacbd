"""Models of nodes: exact arithmetic in which every mechanism can be switched on by itself. One class per operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.analysis.comparison.models import averages, binary, functions, mac, moves, rescale
from fxsim.analysis.comparison.models.base import MODELS, Bound, Model

if TYPE_CHECKING:
    from fxsim.graph import Network, Node
    from fxsim.hw import Numerics

__all__ = ["MODELS", "Bound", "Model", "averages", "binary", "functions", "mac", "moves", "node_model", "rescale"]


def node_model(net: Network, node: Node, *, numerics: Numerics, bias: str) -> Model:
    """The model of one node; `numerics` are the machine's in it, `bias` is what fake quantization takes."""
    return MODELS[node.op](net, node, numerics, bias)
