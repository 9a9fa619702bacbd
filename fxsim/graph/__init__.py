"""The graph IR: types, values, nodes, networks."""

from fxsim.graph.network import ABSENT, Network, Node
from fxsim.graph.stats import LayerStats
from fxsim.graph.types import DType, TensorType, Value

__all__ = ["ABSENT", "DType", "LayerStats", "Network", "Node", "TensorType", "Value"]
