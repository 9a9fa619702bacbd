"""Certification models of the operators that only move codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.graph import DType, Node, TensorType, Value
from fxsim.ops import Concatenation, ExpandDims, Pad, PadV2, Squeeze
from fxsim.runtimes.case import Case, generator, infer_shape, make_case, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

Shape = tuple[int, ...]

_QUANT = (0.0371, -9)
_PADS: tuple[tuple[str, Shape, tuple[tuple[int, int], ...], int], ...] = (
    ("image", (1, 5, 7, 3), ((0, 0), (1, 1), (2, 1), (0, 0)), 5),
    ("image, one side", (2, 4, 4, 8), ((0, 0), (0, 1), (0, 1), (0, 0)), -128),
    ("every dimension", (2, 3, 1, 4), ((1, 2), (0, 3), (4, 0), (2, 2)), 127),
    ("channels", (1, 3, 4, 5), ((0, 0), (0, 0), (0, 0), (3, 4)), -7),
    ("nothing", (1, 3, 4, 5), ((0, 0),) * 4, 3),
    ("vector", (9,), ((4, 30),), 0),
    ("matrix", (1, 11), ((0, 2), (3, 0)), 1),
    ("three dimensions", (1, 6, 5), ((0, 0), (2, 2), (1, 0)), -1),
    ("five dimensions", (1, 2, 3, 2, 3), ((1, 0), (0, 1), (1, 1), (0, 2), (2, 0)), 17),
)
"""Name, shape, elements before and after along every dimension, zero point."""
_JOINS: tuple[tuple[str, tuple[Shape, ...], int, int | None], ...] = (
    ("channels", ((1, 4, 5, 3), (1, 4, 5, 6)), 3, None),
    ("channels from the end", ((1, 4, 5, 1), (1, 4, 5, 2), (1, 4, 5, 7)), -1, None),
    ("rows", ((1, 2, 5, 3), (1, 4, 5, 3)), 1, None),
    ("columns", ((2, 3, 5, 3), (2, 3, 1, 3)), -2, None),
    ("batch", ((2, 7), (1, 7), (4, 7)), 0, None),
    ("a constant first", ((1, 2, 3, 4), (1, 2, 3, 5)), 3, 0),
    ("a constant last", ((4, 3), (4, 2)), 1, 1),
    ("vectors", ((5,), (11,)), 0, None),
    ("five dimensions", ((1, 2, 3, 2, 2), (1, 2, 4, 2, 2)), 2, None),
    ("one operand", ((1, 3, 5),), 1, None),
    ("ten operands", ((1, 2, 3),) * 10, 2, None),
    ("twelve operands", ((1, 2, 3),) * 12, 1, None),
)
"""Name, shapes, axis, which operand is a constant; TFLite Micro takes ten operands."""
_SQUEEZES: tuple[tuple[str, Shape, Shape], ...] = (
    ("all ones", (1, 4, 1, 3), ()),
    ("one of them", (1, 4, 1, 3), (2,)),
    ("from the end", (1, 4, 1, 3), (-2, 0)),
    ("twice the same", (1, 4, 1, 3), (2, -2)),
    ("nothing", (2, 3), ()),
    ("image to vector", (1, 1, 1, 20), (1, 2)),
)
"""Name, shape, dimensions that go."""
_EXPANSIONS: tuple[tuple[str, Shape, int, bool], ...] = (
    ("front", (4, 3), 0, False),
    ("middle", (4, 3), 1, True),
    ("end", (4, 3), 2, False),
    ("from the end", (1, 4, 3), -1, True),
    ("from the end, middle", (1, 4, 3), -3, False),
    ("fifth dimension", (1, 2, 3, 4), 1, False),
)
"""Name, shape, place of the new dimension, whether the axis is a vector of one number; TFLite Micro has no uint8."""


def move_cases() -> Iterator[Case]:
    """Models of PAD, PADV2, CONCATENATION, SQUEEZE and EXPAND_DIMS."""
    for name, shape, pads, zero in _PADS:
        operands = [tensor("x", shape, 0.05, zero), _numbers("paddings", pads)]
        yield _case(f"PAD {name}", "PAD", Pad(), operands)
        code = tensor("code", (), 0.05, zero, data=generator(f"PADV2 {name}").integers(-128, 128, ()))
        yield _case(f"PADV2 {name}", "PADV2", PadV2(), [*operands, code])
    for name, shapes, axis, constant in _JOINS:
        full = f"CONCATENATION {name}"
        rng = generator(full)
        data = [rng.integers(-128, 128, shape) if i == constant else None for i, shape in enumerate(shapes)]
        pairs = zip(shapes, data, strict=True)
        operands = [tensor(f"x{i}", shape, *_QUANT, data=codes) for i, (shape, codes) in enumerate(pairs)]
        yield _case(full, "CONCATENATION", Concatenation(axis), operands, micro=len(shapes) <= 10)
    for dtype in (DType.INT8, DType.UINT8):
        kind = "" if dtype is DType.INT8 else ", uint8"
        for name, shape, dims in _SQUEEZES:
            x = tensor("x", shape, 0.1, 7, dtype=dtype)
            yield _case(f"SQUEEZE {name}{kind}", "SQUEEZE", Squeeze(dims), [x])
        for name, shape, place, vector in _EXPANSIONS:
            x = tensor("x", shape, 0.1, 7, dtype=dtype)
            axis_operand = _numbers("axis", (place,) if vector else place)
            micro = dtype is DType.INT8
            yield _case(f"EXPAND_DIMS {name}{kind}", "EXPAND_DIMS", ExpandDims(), [x, axis_operand], micro=micro)


def _case(name: str, operator: str, attrs: Any, operands: list[Value], *, micro: bool = True) -> Case:
    """One node; its result has the first operand's type."""
    node = Node(operator, "y", tuple(range(len(operands))), (len(operands),), attrs)
    first = operands[0].type
    shape = infer_shape(node, [*operands, Value("y", first)])
    return make_case(name, node, [*operands, Value("y", TensorType(shape, first.dtype, first.quant))], micro=micro)


def _numbers(name: str, numbers: Any) -> Value:
    data = np.array(numbers, np.int32)
    return Value(name, TensorType(data.shape, DType.INT32), data)
