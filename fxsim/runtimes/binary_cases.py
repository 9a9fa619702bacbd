"""Certification models of the operators with two operands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim.graph import Node
from fxsim.ops import Binary
from fxsim.runtimes.case import Case, generator, infer_shape, make_case, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.graph import Value
    from fxsim.runtimes.case import Array

Shape = tuple[int, ...]
Quant = tuple[float, int]


class _Model(NamedTuple):
    """Shapes and parameters of both operands, parameters of the result, activation, which operand is a constant."""

    name: str
    shapes: tuple[Shape, Shape]
    x: Quant
    y: Quant
    out: Quant
    activation: str = "NONE"
    constant: int | None = None


_IMAGE = (1, 5, 6, 4)
_PAIRS = ((1, 256), (256, 1))
"""Shapes under which every code of a constant second operand meets every code of the first."""
_SHAPES = (
    _Model("channels by a constant", (_IMAGE, (4,)), (0.05, -3), (0.021, 9), (0.064, 4), "RELU", 1),
    _Model("a constant first", ((4,), _IMAGE), (0.021, 9), (0.05, -3), (0.064, 4), "NONE", 0),
    _Model("a scalar constant", (_IMAGE, ()), (0.03, 1), (0.011, 2), (0.027, -8), "NONE", 1),
    _Model("rows and columns", ((1, 5, 1, 3), (1, 1, 7, 3)), (0.04, 20), (0.05, -20), (0.08, 0)),
    _Model("other ranks", ((6, 5), (1, 3, 1, 5)), (0.04, 20), (0.05, -20), (0.08, 0), "RELU_N1_TO_1"),
    _Model("a constant that is stretched too", ((1, 2, 1, 5), (3, 1, 4, 1)), (0.1, 0), (0.3, 1), (0.4, 2), "NONE", 1),
    _Model("five dimensions", ((2, 1, 4, 3, 2), (2, 5, 1, 3, 1)), (0.04, 20), (0.05, -20), (0.08, 0)),
    _Model("equal shapes of six dimensions", ((1, 2, 1, 3, 2, 2),) * 2, (0.04, 20), (0.05, -20), (0.08, 0)),
)
"""Every way in which shapes may differ; the parameters suit sums and differences."""
_SUMS = (
    _Model("ties", _PAIRS, (0.25, 0), (0.25, 0), (0.5, 0), "NONE", 1),
    _Model("ties of a quarter step", _PAIRS, (0.25, -1), (0.125, 4), (1.0, 7), "NONE", 1),
    _Model("every pair, any scales", _PAIRS, (0.0571, 11), (0.0193, -70), (0.0483, -29), "NONE", 1),
    _Model("every pair, second scale greater", _PAIRS, (0.0113, -128), (0.1177, 127), (0.0691, 5), "RELU6", 1),
    _Model("residual", (_IMAGE, _IMAGE), (0.0371, -9), (0.0213, 40), (0.0433, -4)),
    _Model("residual relu", (_IMAGE, _IMAGE), (0.0371, -9), (0.0213, 40), (0.0433, -20), "RELU"),
    _Model("saturating", _PAIRS, (1.0, 0), (0.7, 0), (0.003, 0), "NONE", 1),
    _Model("vanishing first operand", _PAIRS, (1e-12, 5), (0.7, 0), (0.7, 3), "NONE", 1),
    _Model("vanishing sum", _PAIRS, (0.001, 0), (0.0013, 0), (1e6, 7), "NONE", 1),
    _Model("binary32 scales", _PAIRS, (0.0641229898, 73), (0.0934320912, 122), (0.0836070329, -94), "NONE", 1),
    _Model("factor of the sum just below 1", _PAIRS, (0.9999, 0), (0.5, 0), (2.0**-19, 0), "NONE", 1),
)
_PRODUCTS = (
    _Model("ties", _PAIRS, (0.25, 0), (0.5, 0), (0.25, 0), "NONE", 1),
    _Model("ties of a quarter step", _PAIRS, (0.25, -1), (0.125, 4), (0.5, 7), "NONE", 1),
    _Model("binary32 scales", _PAIRS, (0.0122127272, -83), (0.154874027, -62), (0.130561113, -107), "NONE", 1),
    _Model("every pair, relu6", _PAIRS, (0.0113, -128), (0.1177, 127), (0.0691, 5), "RELU6", 1),
    _Model("gate", (_IMAGE, (1, 1, 1, 4)), (0.0371, -9), (1 / 256, -128), (0.0251, -4)),
    _Model("more binary32 scales", _PAIRS, (0.0724563003, 64), (0.0590012744, 40), (0.0520570688, 44), "NONE", 1),
    _Model("saturating", _PAIRS, (1.0, 0), (0.7, 0), (0.003, 0), "NONE", 1),
    _Model("products that wrap at 32 bits", _PAIRS, (0.05, -100), (0.03, 90), (2.3e-08, 3), "NONE", 1),
    _Model("vanishing", _PAIRS, (1e-5, 5), (1e-5, 0), (0.7, 3), "NONE", 1),
)
"""Binary32 scales are such that binary32 and binary64 steps derive multipliers with different results."""


def binary_cases() -> Iterator[Case]:
    """Models of ADD, SUB and MUL."""
    for operator in ("ADD", "SUB", "MUL"):
        for model in (*_SHAPES, *(_PRODUCTS if operator == "MUL" else _SUMS)):
            yield _case(operator, model)
        yield _doubled(operator)


def _case(operator: str, model: _Model) -> Case:
    name = f"{operator} {model.name}"
    operands = [
        tensor(role, shape, *quant, data=_codes(name, shape) if i == model.constant else None)
        for i, (role, shape, quant) in enumerate(zip("xz", model.shapes, (model.x, model.y), strict=True))
    ]
    return make_case(name, *_node(operator, operands, (0, 1), model.out, model.activation))


def _doubled(operator: str) -> Case:
    """Both operands are the same tensor."""
    x = tensor("x", _IMAGE, 0.03, 7)
    return make_case(f"{operator} a tensor and itself", *_node(operator, [x], (0, 0), (0.05, -3), "NONE"))


def _node(
    operator: str, operands: list[Value], inputs: tuple[int, ...], out: Quant, activation: str
) -> tuple[Node, list[Value]]:
    """Node and values, the result last."""
    node = Node(operator, "y", inputs, (len(operands),), Binary(activation))
    shape = infer_shape(node, [*operands, tensor("y", (), *out)])
    return node, [*operands, tensor("y", shape, *out)]


def _codes(name: str, shape: Shape) -> Array:
    """All codes in order for the operand that is to meet all others, else random ones."""
    if shape in _PAIRS:
        return np.arange(-128, 128).reshape(shape)
    return generator(f"{name} constant").integers(-128, 128, shape)
