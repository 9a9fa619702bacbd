"""Certification models of pooling, reshaping, softmax and (re)quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.graph import DType, Node, TensorType, Value
from fxsim.ops import Dequantize, Pool, Quantize, Reshape, Softmax
from fxsim.runtimes.case import Case, infer_shape, make_case, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

_POOLS: tuple[tuple[str, tuple[int, ...], Pool, int], ...] = (
    ("2x2 valid", (1, 6, 8, 3), Pool("VALID", 2, 2, 2, 2), 0),
    ("2x2 same, odd", (1, 7, 5, 4), Pool("SAME", 2, 2, 2, 2), -128),
    ("3x3 stride 1 same", (1, 6, 6, 2), Pool("SAME", 1, 1, 3, 3), 5),
    ("whole image", (1, 6, 6, 16), Pool("VALID", 6, 6, 6, 6), -1),
    ("1x2 relu", (1, 5, 9, 3), Pool("VALID", 1, 2, 1, 2, "RELU"), -20),
    ("2x4 relu6", (1, 8, 8, 2), Pool("SAME", 2, 1, 2, 4, "RELU6"), 11),
    ("3x2 relu n1 to 1", (1, 7, 7, 2), Pool("VALID", 2, 3, 3, 2, "RELU_N1_TO_1"), 0),
    ("window larger than input", (1, 3, 2, 5), Pool("SAME", 1, 1, 5, 4), 3),
    ("1x1", (1, 4, 4, 3), Pool("SAME", 1, 1, 1, 1), 0),
)
"""Name, input shape, attributes, zero point."""
_RESHAPES: tuple[tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...], str], ...] = (
    ("flatten by operand", (1, 4, 3, 5), (1, 60), (1, 60), "operand"),
    ("flatten by option", (1, 4, 3, 5), (1, 60), (1, 60), "option"),
    ("rest dimension by operand", (1, 12), (-1, 3, 2), (2, 3, 2), "operand"),
    ("rest dimension by option", (1, 12), (1, 3, -1), (1, 3, 4), "option"),
    ("to an image", (1, 1960), (-1, 49, 40, 1), (1, 49, 40, 1), "both"),
    ("same shape", (2, 7), (2, 7), (2, 7), "operand"),
)
"""Name, input shape, asked shape, output shape, where the shape is given."""
_SOFTMAXES: tuple[tuple[str, tuple[int, ...], float, float], ...] = (
    ("two classes", (1, 2), 1.0, 1 / 16),
    ("ten classes", (1, 10), 1.0, 0.25),
    ("beta 1/2", (1, 16), 0.5, 0.1),
    ("beta 10", (1, 16), 10.0, 0.05),
    ("fine scale", (1, 40), 1.0, 0.004),
    ("coarse scale", (1, 12), 1.0, 3.7),
    ("one class", (1, 1), 1.0, 0.1),
    ("500 classes", (1, 500), 1.0, 0.05),
    ("rows", (3, 7), 1.0, 0.11),
    ("image", (1, 4, 5, 6), 2.0, 0.031),
)
"""Name, shape, beta, input scale; rows below 512 elements, because gemmlowp asserts a sum of exponentials below 512."""
_INT8, _UINT8 = DType.INT8, DType.UINT8
_QUANTIZATIONS: tuple[tuple[str, DType, tuple[float, int], DType, tuple[float, int]], ...] = (
    ("halves", _INT8, (0.25, 0), _INT8, (0.5, 0)),
    ("quarters, zero points", _INT8, (0.125, -128), _INT8, (0.5, -30)),
    ("double", _INT8, (0.5, 3), _INT8, (0.25, -5)),
    ("any scales", _INT8, (0.0371, -9), _INT8, (0.0213, 40)),
    ("sign flip", _INT8, (0.1, -128), _UINT8, (0.1, 0)),
    ("to uint8, halves", _INT8, (0.25, 10), _UINT8, (0.5, 200)),
    ("to uint8, any scales", _INT8, (0.0123, -3), _UINT8, (0.0457, 100)),
    ("sign flip back", _UINT8, (0.1, 128), _INT8, (0.1, 0)),
    ("from uint8, halves", _UINT8, (0.125, 255), _INT8, (0.25, -1)),
    ("from uint8, any scales", _UINT8, (0.0911, 77), _INT8, (0.0173, -77)),
    ("uint8, thirds", _UINT8, (0.1, 0), _UINT8, (0.3, 20)),
    ("saturating", _INT8, (100.0, 0), _INT8, (0.001, 0)),
    ("vanishing", _INT8, (0.001, 0), _INT8, (100.0, 7)),
)
"""Name, input type and parameters, output type and parameters."""
_DEQUANTIZATIONS: tuple[tuple[str, DType, float, int], ...] = (
    ("int8", _INT8, 0.0371, -9),
    ("int8, low zero point", _INT8, 1 / 3, -128),
    ("int8, high zero point", _INT8, 1e-20, 127),
    ("uint8", _UINT8, 0.7, 131),
    ("uint8, low zero point", _UINT8, 1 / 255, 0),
    ("uint8, high zero point", _UINT8, 1e20, 255),
)
"""Name, input type, scale, zero point."""
_SHAPE = (1, 6, 7, 11)


def vector_cases() -> Iterator[Case]:
    """Models of the operators without multiply-adds."""
    yield from _pool_cases()
    yield from _reshape_cases()
    for name, shape, beta, scale in _SOFTMAXES:
        x, y = tensor("x", shape, scale, 4), tensor("y", shape, 1 / 256, -128)
        yield _unary(f"SOFTMAX {name}", "SOFTMAX", Softmax(beta), x, y)
    for name, source, (x_scale, x_zero), target, (y_scale, y_zero) in _QUANTIZATIONS:
        x = tensor("x", _SHAPE, x_scale, x_zero, dtype=source)
        y = tensor("y", _SHAPE, y_scale, y_zero, dtype=target)
        yield _unary(f"QUANTIZE {name}", "QUANTIZE", Quantize(), x, y)
    for name, source, scale, zero in _DEQUANTIZATIONS:
        y = Value("y", TensorType(_SHAPE, DType.FLOAT32))
        x = tensor("x", _SHAPE, scale, zero, dtype=source)
        yield _unary(f"DEQUANTIZE {name}", "DEQUANTIZE", Dequantize(), x, y)


def _pool_cases() -> Iterator[Case]:
    for operator in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for name, shape, attrs, zero in _POOLS:
            x = tensor("x", shape, 0.047, zero)
            pooled = infer_shape(Node(operator, "y", (0,), (1,), attrs), [x, x])
            yield _unary(f"{operator} {name}", operator, attrs, x, tensor("y", pooled, 0.047, zero))


def _reshape_cases() -> Iterator[Case]:
    for name, shape, asked, result, given in _RESHAPES:
        x, y = tensor("x", shape, 0.1, 7), tensor("y", result, 0.1, 7)
        attrs = Reshape() if given == "operand" else Reshape(asked)
        operands = [x] if given == "option" else [x, _shape_operand(asked)]
        node = Node("RESHAPE", "y", tuple(range(len(operands))), (len(operands),), attrs)
        yield make_case(f"RESHAPE {name}", node, [*operands, y])


def _shape_operand(shape: tuple[int, ...]) -> Value:
    return Value("shape", TensorType((len(shape),), DType.INT32), np.array(shape, np.int32))


def _unary(name: str, operator: str, attrs: Any, x: Value, y: Value) -> Case:
    return make_case(name, Node(operator, "y", (0,), (1,), attrs), [x, y])
