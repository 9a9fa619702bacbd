"""Operators of the graph: attributes, legality, shapes, exact integer runs; one file each."""

from fxsim.ops.base import ACTIVATIONS, OPERATORS, PADDINGS, Operator, OptionField, Outcome, TfliteHook
from fxsim.ops.binary import Binary, SumParams, sum_params
from fxsim.ops.conv_2d import Conv2D
from fxsim.ops.depthwise_conv_2d import DepthwiseConv2D
from fxsim.ops.dequantize import Dequantize
from fxsim.ops.fully_connected import FullyConnected
from fxsim.ops.mac import MAC_OPERATORS, MacParams, mac_params
from fxsim.ops.mean import Mean, mean_axes, mean_params
from fxsim.ops.pooling import Pool, PoolParams, pool_params
from fxsim.ops.quantize import Quantize, RescaleParams, rescale_params
from fxsim.ops.reshape import Reshape
from fxsim.ops.softmax import Softmax
from fxsim.ops.validate import validate
from fxsim.ops.windows import Window

__all__ = [
    "ACTIVATIONS",
    "MAC_OPERATORS",
    "OPERATORS",
    "PADDINGS",
    "Binary",
    "Conv2D",
    "DepthwiseConv2D",
    "Dequantize",
    "FullyConnected",
    "MacParams",
    "Mean",
    "Operator",
    "OptionField",
    "Outcome",
    "Pool",
    "PoolParams",
    "Quantize",
    "RescaleParams",
    "Reshape",
    "Softmax",
    "SumParams",
    "TfliteHook",
    "Window",
    "mac_params",
    "mean_axes",
    "mean_params",
    "pool_params",
    "rescale_params",
    "sum_params",
    "validate",
]
