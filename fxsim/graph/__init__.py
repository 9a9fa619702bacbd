"""The graph IR: types, values, nodes, networks."""

from fxsim.graph.network import ABSENT, Network, Node
from fxsim.graph.types import DType, TensorType, Value

__all__ = ["ABSENT", "DType", "Network", "Node", "TensorType", "Value"]
