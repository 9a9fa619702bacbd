"""Certification models of activations and averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.graph import DType, Node, TensorType, Value
from fxsim.ops import Activation, Curve, Mean
from fxsim.runtimes.case import Case, infer_shape, make_case, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEANS: tuple[tuple[str, tuple[int, ...], tuple[int, ...], tuple[float, int], tuple[float, int]], ...] = (
    ("image", (1, 7, 7, 32), (1, 2), (0.047, -3), (0.021, 9)),
    ("image, ties", (1, 4, 4, 24), (1, 2), (0.25, 5), (0.125, -7)),
    ("image, same scale", (1, 2, 8, 40), (2, 1), (0.1, -128), (0.1, -128)),
    ("channels", (1, 5, 3, 18), (3,), (0.5, 127), (1.0, -128)),
    ("rows", (1, 6, 7, 5), (1,), (0.25, 0), (0.5, 0)),
    ("columns, batch", (2, 4, 6, 3), (-2,), (0.031, 77), (0.0713, -77)),
    ("every second axis", (3, 4, 2, 8), (0, 2), (0.125, -1), (0.25, 1)),
    ("other axes", (3, 4, 2, 8), (-1, 1), (0.031, 1), (0.0077, -1)),
    ("everything", (2, 3, 4, 5), (0, 1, 2, 3), (0.05, -128), (0.05, 100)),
    ("one element each", (1, 1, 4, 6), (0, 1), (0.125, 3), (0.5, -5)),
    ("repeated axis", (1, 9, 11), (1, -2, 1), (0.2, 0), (0.013, 0)),
    ("five dimensions", (1, 3, 4, 2, 5), (1, 3), (0.4, -20), (0.3, 20)),
    ("saturating", (1, 3, 3, 7), (1, 2), (100.0, 0), (0.01, 0)),
    ("vanishing", (1, 3, 3, 7), (1, 2), (1e-6, 0), (100.0, 12)),
    ("a prime of many", (1, 251, 13, 2), (1, 2), (0.0457, 64), (0.0031, -64)),
)
"""Name, input shape, axes, scale and zero point before and after."""


_SHAPE = (1, 6, 7, 11)
_CLAMPS: tuple[tuple[str, tuple[float, int], tuple[float, int]], ...] = (
    ("same scale", (0.047, -20), (0.047, -20)),
    ("zero at the bottom", (0.0235294122, -128), (0.0235294122, -128)),
    ("zero at the top", (0.1, 127), (0.1, 127)),
    ("halves", (0.25, 3), (0.5, -7)),
    ("double", (0.125, -5), (0.0625, 90)),
    ("any scales", (0.0371, -9), (0.0213, -40)),
    ("ratio that float32 rounds to ties", (0.75, 0), (0.8, 0)),
    ("coarse", (3.7, 11), (2.9, -12)),
    ("fine", (0.0031, 100), (0.0013, -100)),
    ("bound on a half", (0.1, 0), (0.8, 0)),
)
"""Name, scale and zero point before and after."""
_CURVES: tuple[tuple[str, float, int], ...] = (
    ("fine", 0.0039, 0),
    ("sixteenths", 1 / 16, 0),
    ("sixteenths, low zero point", 1 / 16, -128),
    ("sixteenths, high zero point", 1 / 16, 127),
    ("quarters", 0.25, -3),
    ("ordinary", 0.0371, 17),
    ("wide", 0.113, -9),
    ("very wide", 1.7, 5),
    ("saturated but at zero", 7.9, 1),
    ("saturated", 31.0, 2),
    ("beyond", 1e6, -77),
    ("almost nothing", 2.0**-27, 50),
)
"""Name, input scale and zero point."""


def unary_cases() -> Iterator[Case]:
    """Models of activations as operators of their own, and of averages."""
    for operator in ("RELU", "RELU6", "RELU_N1_TO_1"):
        for name, before, after in _CLAMPS:
            yield _unary(f"{operator} {name}", operator, Activation(), before, after)
    for operator, after in (("LOGISTIC", (1 / 256, -128)), ("TANH", (1 / 128, 0))):
        for name, scale, zero in _CURVES:
            yield _unary(f"{operator} {name}", operator, Curve(), (scale, zero), after)
    yield from _mean_cases()


def _unary(name: str, operator: str, attrs: Any, before: tuple[float, int], after: tuple[float, int]) -> Case:
    node = Node(operator, "y", (0,), (1,), attrs)
    return make_case(name, node, [tensor("x", _SHAPE, *before), tensor("y", _SHAPE, *after)])


def _mean_cases() -> Iterator[Case]:
    for name, shape, axes, (x_scale, x_zero), (y_scale, y_zero) in _MEANS:
        for keep_dims in (0, 1):
            x, operand = tensor("x", shape, x_scale, x_zero), _axes(axes)
            node = Node("MEAN", "y", (0, 1), (2,), Mean(keep_dims))
            result = infer_shape(node, [x, operand, tensor("y", (), y_scale, y_zero)])
            text = f"MEAN {name}{', dimensions kept' if keep_dims else ''}"
            yield make_case(text, node, [x, operand, tensor("y", result, y_scale, y_zero)])


def _axes(axes: tuple[int, ...]) -> Value:
    return Value("axes", TensorType((len(axes),), DType.INT32), np.array(axes, np.int32))
