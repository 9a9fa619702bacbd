"""The graph IR: types, values, nodes, networks; and what every engine does with samples, tensors and counters."""

from fxsim.graph.build import build, unique_names
from fxsim.graph.network import ABSENT, Network, Node
from fxsim.graph.samples import InputSpec, as_samples, from_samples, sample_shape, some_samples
from fxsim.graph.sources import input_specs, load_npy, random_codes, random_samples
from fxsim.graph.stats import LayerStats
from fxsim.graph.tensors import Tensors
from fxsim.graph.text import network_text
from fxsim.graph.types import DType, TensorType, Value

__all__ = [
    "ABSENT",
    "DType",
    "InputSpec",
    "LayerStats",
    "Network",
    "Node",
    "TensorType",
    "Tensors",
    "Value",
    "as_samples",
    "build",
    "from_samples",
    "input_specs",
    "load_npy",
    "network_text",
    "random_codes",
    "random_samples",
    "sample_shape",
    "some_samples",
    "unique_names",
]
