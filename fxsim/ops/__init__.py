"""Operators of the graph: attributes, legality, shapes, exact integer runs; one file each."""

from fxsim.ops.accumulate import (
    Accumulated,
    accumulate_outputs,
    accumulate_permuted,
    gather,
    position_chunks,
    window_operands,
)
from fxsim.ops.base import ACTIVATIONS, OPERATORS, PADDINGS, Operator, OptionField, Outcome, TfliteHook
from fxsim.ops.binary import Binary, ProductParams, SumParams, centred_operands, product_params, sum_params, sum_reals
from fxsim.ops.clamping import Activation, clamp_params
from fxsim.ops.concatenation import Concatenation, concatenation_axis
from fxsim.ops.conv_2d import Conv2D
from fxsim.ops.curves import Curve
from fxsim.ops.depthwise_conv_2d import DepthwiseConv2D
from fxsim.ops.dequantize import Dequantize
from fxsim.ops.expand_dims import ExpandDims
from fxsim.ops.fully_connected import FullyConnected
from fxsim.ops.legality import quant_of
from fxsim.ops.mac import MAC_OPERATORS, MacParams, OutputRule, mac_params, output_rule, window_of
from fxsim.ops.mean import Mean, mean_axes, mean_params
from fxsim.ops.overrides import Layers, layer_numerics
from fxsim.ops.pad import Pad
from fxsim.ops.padding import PadParams, pad_params
from fxsim.ops.padv2 import PadV2
from fxsim.ops.pooling import Pool, PoolParams, image_rows, pool_params, pool_window
from fxsim.ops.pooling import taps as pool_taps
from fxsim.ops.quantize import Quantize, RescaleParams, rescale_params
from fxsim.ops.reshape import Reshape
from fxsim.ops.softmax import Softmax
from fxsim.ops.squeeze import Squeeze
from fxsim.ops.validate import validate
from fxsim.ops.windows import Window

__all__ = [
    "ACTIVATIONS",
    "MAC_OPERATORS",
    "OPERATORS",
    "PADDINGS",
    "Accumulated",
    "Activation",
    "Binary",
    "Concatenation",
    "Conv2D",
    "Curve",
    "DepthwiseConv2D",
    "Dequantize",
    "ExpandDims",
    "FullyConnected",
    "Layers",
    "MacParams",
    "Mean",
    "Operator",
    "OptionField",
    "Outcome",
    "OutputRule",
    "Pad",
    "PadParams",
    "PadV2",
    "Pool",
    "PoolParams",
    "ProductParams",
    "Quantize",
    "RescaleParams",
    "Reshape",
    "Softmax",
    "Squeeze",
    "SumParams",
    "TfliteHook",
    "Window",
    "accumulate_outputs",
    "accumulate_permuted",
    "centred_operands",
    "clamp_params",
    "concatenation_axis",
    "gather",
    "image_rows",
    "layer_numerics",
    "mac_params",
    "mean_axes",
    "mean_params",
    "output_rule",
    "pad_params",
    "pool_params",
    "pool_taps",
    "pool_window",
    "position_chunks",
    "product_params",
    "quant_of",
    "rescale_params",
    "sum_params",
    "sum_reals",
    "validate",
    "window_of",
    "window_operands",
]
