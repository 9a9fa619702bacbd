from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fxsim._core.errors import InputError, QuantizationError
from fxsim.graph import DType, InputSpec, LayerStats, Tensors, as_samples, from_samples, sample_shape
from fxsim.numerics import Affine

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE = InputSpec("image", (1, 2, 3), DType.INT8, Affine(0.5, -1))
PAIR = InputSpec("pair", (2, 3), DType.UINT8, Affine(0.25, 10))


def test_a_leading_dimension_of_one_is_the_sample_axis() -> None:
    x = np.arange(24, dtype=np.int8).reshape(4, 2, 3)
    (array,), count = as_samples([IMAGE], x)
    assert (array.shape, count) == ((4, 1, 2, 3), 4)
    np.testing.assert_array_equal(from_samples(array, IMAGE.shape), x)
    (array,), count = as_samples([PAIR], np.zeros((5, 2, 3), np.uint8))
    assert (array.shape, count) == ((5, 2, 3), 5)
    assert from_samples(array, PAIR.shape).shape == (5, 2, 3)


@pytest.mark.parametrize(("shape", "expected"), [((1, 5), (5,)), ((1,), ()), ((), ()), ((2, 1), (2, 1))])
def test_sample_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert sample_shape(shape) == expected


def test_inputs_by_name_come_in_order() -> None:
    x = {"pair": np.zeros((2, 2, 3), np.uint8), "image": np.ones((2, 2, 3), np.int8)}
    arrays, count = as_samples([IMAGE, PAIR], x)
    assert ([a.dtype.name for a in arrays], count) == (["int8", "uint8"], 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_reals_are_quantized_with_the_input_parameters(dtype: type[np.floating]) -> None:
    (array,), _ = as_samples([IMAGE], np.array([[[0.0, 0.25, -0.25], [0.75, 1000.0, -1000.0]]], dtype))
    assert array.dtype == np.int8
    assert array.ravel().tolist() == [-1, 0, -2, 1, 127, -128]


def test_float_inputs_stay_real() -> None:
    (array,), _ = as_samples([InputSpec("x", (1, 2), DType.FLOAT32)], np.array([[0.1, 2.0]]))
    assert array.dtype == np.float32
    assert array.ravel().tolist() == [np.float32(0.1), 2.0]


@pytest.mark.parametrize(
    ("specs", "x", "message"),
    [
        ([IMAGE], np.zeros((1, 2, 3), np.uint8), r"must be int8 or .*'uint8; convert .*- 128\)\.astype\(np.int8\)"),
        ([PAIR], np.zeros((1, 2, 3), np.int8), r"\+ 128\)\.astype\(np.uint8\)"),
        ([IMAGE], np.zeros((1, 2, 3), np.int64), "dtype must be int8 or floating, not 'int64'"),
        ([IMAGE], np.zeros((1, 2, 3), bool), "dtype must be int8 or floating, not 'bool'"),
        ([IMAGE], np.full((1, 2, 3), "a"), "dtype must be int8 or floating"),
        ([IMAGE], [[[1], [2, 3]]], "must be an array"),
        ([IMAGE], np.zeros((2, 3), np.int8), r"shape must be \(N, 2, 3\) with N >= 1, not \(2, 3\)"),
        ([IMAGE], np.zeros((1, 1, 2, 3), np.int8), r"not \(1, 1, 2, 3\)"),
        ([IMAGE], np.zeros((1, 3, 2), np.int8), r"not \(1, 3, 2\)"),
        ([IMAGE], np.zeros((0, 2, 3), np.int8), "N >= 1"),
        ([IMAGE], np.int8(3), "shape must be"),
        ([InputSpec("x", (1,), DType.INT8)], np.zeros((2, 2), np.int8), r"shape must be \(N,\) with"),
        ([IMAGE], np.full((1, 2, 3), np.nan), "input 'image': values must be finite in float32"),
        ([IMAGE], np.full((1, 2, 3), np.inf), "values must be finite in float32"),
        ([IMAGE], {"imag": np.zeros((1, 2, 3), np.int8)}, r"inputs must be named 'image', not \['imag'\]"),
        ([IMAGE, PAIR], np.zeros((1, 2, 3), np.int8), "must be a mapping with the names 'image', 'pair'"),
        ([IMAGE, PAIR], {"image": np.zeros((1, 2, 3)), "pair": np.zeros((2, 2, 3))}, "same number of samples"),
        ([InputSpec("x", (1, 2), DType.INT8)], np.zeros((1, 2)), "dtype must be int8: the input has no scale"),
    ],
)
def test_wrong_data_is_refused(specs: list[InputSpec], x: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_samples(specs, x)


def test_reals_that_overflow_binary32_are_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        as_samples([IMAGE], np.full((1, 2, 3), 1e300))


def test_tensors_are_a_mapping_with_real_values() -> None:
    arrays: dict[str, NDArray[np.generic]] = {"a": np.array([[1, 2]], np.int8), "r": np.array([0.5], np.float32)}
    tensors = Tensors(arrays, {"a": Affine(0.5, 1)})
    assert list(tensors) == ["a", "r"]
    assert len(tensors) == 2
    assert tensors["a"].tolist() == [[1, 2]]
    assert list(tensors.subset(["r"])) == ["r"]
    assert (tensors.quants["a"], tensors.quants["r"]) == (Affine(0.5, 1), None)
    real = tensors.dequantize()
    assert real["a"].dtype == np.float32
    assert (real["a"].tolist(), real["r"].tolist()) == ([[0.0, 0.5]], [0.5])
    assert "a: int8[1, 2]" in repr(tensors)
    with pytest.raises(QuantizationError, match="tensor 'b'"):
        Tensors({"b": np.zeros(1, np.int8)}, {}).dequantize()


def stats(events: list[int], low: list[int], high: list[int]) -> LayerStats:
    e = np.array(events)
    return LayerStats(e, e + 1, e + 2, e + 3, np.array(low), np.array(high), e + 4)


def test_stats_merge_over_chunks() -> None:
    a, b = stats([1, 2], [-5, 0], [3, 4]), stats([10, 0], [-1, -9], [7, 1])
    both = a.merge(b)
    assert (both.overflow_events, both.overflow_count) == (13, 17)
    assert (both.bias_overflow_count, both.internal_wraps) == (21, 25)
    assert (both.acc_min, both.acc_max) == (-9, 7)
    assert both.channel_acc_min.tolist() == [-5, -9]
    assert LayerStats.empty(2).merge(a).same_as(a)
    assert not a.same_as(b)
    none = LayerStats.empty()
    assert (none.acc_min, none.acc_max, none.overflow_events) == (None, None, 0)
