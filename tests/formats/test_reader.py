"""What the reader accepts, and how it refuses everything else: the error class, the place and the expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tflite

from fxsim._core.errors import FxsimError, GraphError, ModelFormatError, QuantizationError, UnsupportedError
from fxsim.formats import read_tflite
from fxsim.formats.tflite import reader
from fxsim.graph import DType, Network
from tests.formats.raw import Fields, graph, model, operator, quantization, tensor

if TYPE_CHECKING:
    from pathlib import Path

BUILTIN = tflite.BuiltinOperator
OPTIONS = tflite.BuiltinOptions


def with_tensor(index: int = 0, **fields: Any) -> bytes:
    """The legal model with one tensor altered."""
    legal = graph()
    legal["Tensors"][index] |= fields
    return model(legal)


def with_operator(code: int, entry: Fields, extra: list[Fields] | None = None, **fields: Any) -> bytes:
    """A model of one operator of builtin `code` on tensors x, y and `extra`."""
    legal = graph(Operators=[operator(**entry)])
    legal["Tensors"] += extra or []
    return model(legal, OperatorCodes=[{"BuiltinCode": code}], **fields)


def test_the_legal_model() -> None:
    network = read_tflite(model())
    assert isinstance(network, Network)
    assert [value.name for value in network.values] == ["x", "y"]
    assert [str(value.type) for value in network.values] == ["int8[1x4]", "int8[1x4]"]
    assert (network.name, network.inputs, network.outputs) == ("model", (0,), (1,))
    assert (network.nodes[0].op, network.nodes[0].name) == ("QUANTIZE", "y")


def test_the_stem_is_the_name(tmp_path: Path) -> None:
    path = tmp_path / "net.v2.tflite"
    path.write_bytes(model())
    assert read_tflite(path).name == read_tflite(str(path)).name == "net.v2"


@pytest.mark.parametrize("field", ["BuiltinCode", "DeprecatedBuiltinCode"])
def test_the_builtin_code_may_stand_in_either_field(field: str) -> None:
    network = read_tflite(model(OperatorCodes=[{field: BUILTIN.QUANTIZE}]))
    assert network.nodes[0].op == "QUANTIZE"


def test_repeated_and_empty_names_get_the_index() -> None:
    spare = [tensor(Name="x"), tensor(Name=""), tensor(Name=None), tensor(Name="x#2")]
    network = read_tflite(model(graph(Tensors=[*graph()["Tensors"], *spare])))
    assert [value.name for value in network.values] == ["x#0", "y", "x#2#2", "#3", "#4", "x#2#5"]


def test_names_that_are_no_text_stay_distinct() -> None:
    assert read_tflite(with_tensor(Name=b"\xff\xfe")).values[0].name == r"\xff\xfe"


def test_a_missing_shape_is_a_scalar() -> None:
    legal = graph()
    for entry in legal["Tensors"]:
        entry["Shape"] = None
    assert read_tflite(model(legal)).values[0].type.shape == ()


def test_the_shape_counts_not_its_signature() -> None:
    network = read_tflite(with_tensor(ShapeSignature=(-1, 4)))
    assert network.values[0].type.shape == (1, 4)


def test_an_empty_buffer_is_no_constant() -> None:
    legal = graph()
    legal["Tensors"][0]["Buffer"] = 1
    network = read_tflite(model(legal, Buffers=[{}, {}]))
    assert not network.values[0].is_constant


SHAPE_OPERAND = {"Name": "shape", "Shape": (2,), "Type": tflite.TensorType.INT32, "Quantization": None, "Buffer": 1}


def reshaped(buffer: Fields, **shape: Any) -> bytes:
    return with_operator(BUILTIN.RESHAPE, {"Inputs": (0, 2)}, [tensor(**SHAPE_OPERAND | shape)], Buffers=[{}, buffer])


def test_constants_are_aligned_read_only_arrays() -> None:
    network = read_tflite(reshaped({"Data": np.array([1, 4], "<i4").view(np.uint8)}))
    data = network.values[2].data
    assert data is not None
    assert data.tolist() == [1, 4]
    assert data.dtype == np.int32
    assert data.flags.aligned
    assert not data.flags.writeable


def test_buffers_behind_the_flatbuffer() -> None:
    """Schema 3c: large buffers stand behind the tables, at an absolute offset."""
    payload = np.array([1, 4], "<i4").tobytes()
    size = len(reshaped({"Offset": 1 << 40, "Size": 8}))
    network = read_tflite(reshaped({"Offset": size, "Size": 8}) + payload)
    data = network.values[2].data
    assert data is not None
    assert data.tolist() == [1, 4]


def test_a_bias_may_carry_the_axis_of_its_weights() -> None:
    stray = quantization(Scale=np.ones(3, np.float32), ZeroPoint=np.zeros(3, np.int64), QuantizedDimension=3)
    bias = tensor(Name="b", Shape=(3,), Type=tflite.TensorType.INT32, Quantization=stray)
    quant = read_tflite(model(graph(Tensors=[*graph()["Tensors"], bias]))).values[2].type.quant
    assert quant is not None
    assert (quant.axis, quant.scale.size) == (0, 3)


def test_quantization_of_reals_is_ignored() -> None:
    legal = with_operator(BUILTIN.DEQUANTIZE, {})
    assert legal
    tensors = [tensor(Name="x"), tensor(Name="y", Type=tflite.TensorType.FLOAT32)]
    network = read_tflite(model(graph(Tensors=tensors), OperatorCodes=[{"BuiltinCode": BUILTIN.DEQUANTIZE}]))
    assert (network.values[1].type.dtype, network.values[1].type.quant) == (DType.FLOAT32, None)


def test_options_become_attributes() -> None:
    data = with_operator(
        BUILTIN.RESHAPE, {"BuiltinOptionsType": OPTIONS.ReshapeOptions, "BuiltinOptions": {"NewShape": (1, -1)}}
    )
    assert read_tflite(data).nodes[0].attrs.new_shape == (1, -1)


BAD_QUANTIZATION: dict[str, tuple[Fields, str]] = {
    "nan": ({"Scale": np.array([np.nan], np.float32)}, "finite and positive"),
    "infinite": ({"Scale": np.array([np.inf], np.float32)}, "finite and positive"),
    "zero": ({"Scale": np.array([0.0], np.float32)}, "finite and positive"),
    "negative": ({"Scale": np.array([-1.0], np.float32)}, "finite and positive"),
    "no zero point": ({"ZeroPoint": None}, "one zero point per scale: 1, not 0"),
    "no scale": ({"Scale": None}, "one zero point per scale: 0, not 1"),
    "two zero points": ({"ZeroPoint": np.zeros(2, np.int64)}, "one zero point per scale"),
    "zero point too high": ({"ZeroPoint": np.array([128])}, "range of int8"),
    "zero point too low": ({"ZeroPoint": np.array([-(1 << 62)])}, "range of int8"),
    "channel count": (
        {"Scale": np.ones(3, np.float32), "ZeroPoint": np.zeros(3, np.int64), "QuantizedDimension": 1},
        "one scale per channel: 4 along axis 1, not 3",
    ),
    "axis": (
        {"Scale": np.ones(4, np.float32), "ZeroPoint": np.zeros(4, np.int64), "QuantizedDimension": 2},
        r"quantized dimension must be in 0\.\.1, not 2",
    ),
    "negative axis": (
        {"Scale": np.ones(4, np.float32), "ZeroPoint": np.zeros(4, np.int64), "QuantizedDimension": -1},
        r"quantized dimension must be in 0\.\.1, not -1",
    ),
}


@pytest.mark.parametrize("case", BAD_QUANTIZATION)
def test_bad_quantization(case: str) -> None:
    fields, message = BAD_QUANTIZATION[case]
    with pytest.raises(QuantizationError, match=f"tensor 1 'y': .*{message}"):
        read_tflite(with_tensor(1, Quantization=quantization(**fields)))


BAD_GRAPHS: dict[str, tuple[Fields, str]] = {
    "input index": ({"Inputs": (7,)}, r"model inputs: tensor index must be in 0\.\.1, not 7"),
    "negative input": ({"Inputs": (-1,)}, r"model inputs: tensor index must be in 0\.\.1, not -1"),
    "output index": ({"Outputs": (2,)}, r"model outputs: tensor index must be in 0\.\.1, not 2"),
    "operand index": ({"Operators": [operator(Inputs=(5,))]}, r"operator 0 QUANTIZE: tensor index .* not 5"),
    "absent result": ({"Operators": [operator(Outputs=(-1,))]}, r"operator 0 QUANTIZE: tensor index .* not -1"),
    "no result": ({"Operators": [operator(Outputs=())]}, "operator 0 QUANTIZE: operator must have an output"),
    "cycle": ({"Operators": [operator(Inputs=(2,)), operator(Outputs=(2,), Inputs=(1,))]}, "acyclic"),
    "dangling": ({"Operators": [operator(Inputs=(2,))]}, "'z' of node 'y' must be an input, a constant or a node"),
    "two producers": ({"Operators": [operator(), operator()]}, "'y' must have one producer, not 2"),
    "input is a result": ({"Inputs": (0, 1)}, "'y' must have one producer, not 2"),
    "no inputs": ({"Inputs": ()}, "must have inputs"),
    "no outputs": ({"Outputs": None}, "must have outputs"),
    "no operators": ({"Operators": []}, "must have nodes"),
}


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_bad_graphs(case: str) -> None:
    fields, message = BAD_GRAPHS[case]
    tensors = graph()["Tensors"] + ([tensor(Name="z")] if case in ("cycle", "dangling") else [])
    with pytest.raises(GraphError, match=message):
        read_tflite(model(graph(Tensors=tensors, **fields)))


@pytest.mark.parametrize("shape", [(-1, 4), (1 << 30, 1 << 30), (1 << 28, 2), (1,) * 9, (0, 4)])
def test_bad_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(GraphError, match="'x'"):
        read_tflite(with_tensor(Shape=shape))


def test_shapes_must_follow_from_the_operands() -> None:
    with pytest.raises(GraphError, match=r"output 'y' must have shape \(1, 4\), not \(1, 5\)"):
        read_tflite(with_tensor(1, Shape=(1, 5)))


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "identifier b'TFL3'"),
    "text": (b"not a model at all", "identifier b'TFL3'"),
    "identifier": (model(identifier=b"TFL2"), "identifier b'TFL3' at byte 4, not b'TFL2'"),
    "version": (model(Version=2), "schema version must be 3, not 2"),
    "no subgraph": (model(Subgraphs=None), "must have a subgraph"),
    "operator code": (model(graph(Operators=[operator(OpcodeIndex=4)])), "operator 0: .* must be below 1, not 4"),
    "buffer index": (with_tensor(Buffer=9), "tensor 0 'x': buffer index must be below 1, not 9"),
    "buffer size": (
        reshaped({"Data": np.zeros(7, np.uint8)}),
        r"tensor 2 'shape': .*int32\[2\] must have 8 bytes, not 7",
    ),
    "external buffer": (reshaped({"Offset": 1 << 40, "Size": 8}), "buffer 1: external buffer must lie inside the file"),
    "external size": (reshaped({"Offset": 8, "Size": (1 << 64) - 1}), "buffer 1: external buffer must lie inside"),
    "options of another operator": (
        with_operator(BUILTIN.RESHAPE, {"BuiltinOptionsType": OPTIONS.SoftmaxOptions, "BuiltinOptions": {"Beta": 1.0}}),
        "operator 0 RESHAPE: options must be ReshapeOptions, not 'SoftmaxOptions'",
    ),
    "missing options": (
        with_operator(BUILTIN.SOFTMAX, {}),
        "operator 0 SOFTMAX: options must be SoftmaxOptions, not 'absent'",
    ),
    "enum": (
        with_operator(BUILTIN.CONV_2D, {"BuiltinOptionsType": OPTIONS.Conv2DOptions, "BuiltinOptions": {"Padding": 7}}),
        "operator 0 CONV_2D: Padding must be one of SAME, VALID, not 7",
    ),
    "negative enum": (
        with_operator(
            BUILTIN.CONV_2D, {"BuiltinOptionsType": OPTIONS.Conv2DOptions, "BuiltinOptions": {"Padding": -1}}
        ),
        "Padding must be one of SAME, VALID, not -1",
    ),
    "long operands": (
        model(graph(Operators=[operator(Inputs=(0,) * 4097)])),
        "operator 0: Inputs must have at most 4096 entries, not 4097",
    ),
    "long shape": (with_tensor(Shape=(1,) * 4097), "tensor 0: Shape must have at most 4096 entries, not 4097"),
    "long vector": (
        with_operator(
            BUILTIN.RESHAPE,
            {"BuiltinOptionsType": OPTIONS.ReshapeOptions, "BuiltinOptions": {"NewShape": (1,) * 4097}},
        ),
        "operator 0 RESHAPE: NewShape must have at most 4096 entries, not 4097",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_files(case: str) -> None:
    data, message = FILES[case]
    with pytest.raises(ModelFormatError, match=message):
        read_tflite(data)


def test_overlapping_buffers_are_refused() -> None:
    """Shifted views of one region could ask for far more memory than the file has."""
    payload = bytes(1 << 16)
    count = 64
    size = len(overlapping(count, 1 << 20))
    with pytest.raises(ModelFormatError, match="buffers must not overlap"):
        read_tflite(overlapping(count, size) + payload)


def overlapping(count: int, start: int) -> bytes:
    extra = [tensor(Name=f"c{i}", Shape=(1 << 15,), Buffer=i + 1) for i in range(count)]
    buffers = [{}, *({"Offset": start + i, "Size": 1 << 15} for i in range(count))]
    return model(graph(Tensors=[*graph()["Tensors"], *extra]), Buffers=buffers)


def test_shared_buffers_are_one_array() -> None:
    extra = [tensor(Name=f"c{i}", Shape=(4,), Buffer=1) for i in range(2)]
    data = model(graph(Tensors=[*graph()["Tensors"], *extra]), Buffers=[{}, {"Data": np.zeros(4, np.uint8)}])
    first, second = (read_tflite(data).values[i].data for i in (2, 3))
    assert first is not None
    assert second is not None


def test_all_unsupported_features_come_at_once() -> None:
    custom = {"BuiltinCode": BUILTIN.CUSTOM, "CustomCode": "Detect"}
    codes = [{"BuiltinCode": BUILTIN.LSTM}, custom, {"BuiltinCode": 209}, {"BuiltinCode": BUILTIN.QUANTIZE}]
    operators = [operator(OpcodeIndex=i) for i in (0, 1, 0, 2, 3)]
    tensors = [
        tensor(Name="x", IsVariable=True),
        tensor(Name="y", Type=tflite.TensorType.INT4),
        tensor(Name="s", Sparsity={"DimMetadata": None}),
        tensor(Name="b", Quantization=quantization(DetailsType=2)),
        tensor(Name="q", Type=20),
        tensor(Name="h", Type=tflite.TensorType.FLOAT16),
        tensor(Name="n", Type=99),
    ]
    listed = graph(Tensors=tensors, Operators=operators)
    with pytest.raises(UnsupportedError) as caught:
        read_tflite(model(listed, listed, OperatorCodes=codes))
    assert str(caught.value).splitlines()[1:] == [
        "  more than one subgraph: 2 subgraphs",
        "  operator LSTM: node 0, node 2",
        "  operator CUSTOM 'Detect': node 1",
        "  operator builtin operator 209: node 3",
        "  variable tensor: tensor 0 'x'",
        "  tensor type INT4: tensor 1 'y'",
        "  sparse tensor: tensor 2 's'",
        "  BlockwiseQuantization: tensor 3 'b'",
        "  tensor type UINT4: tensor 4 'q'",
        "  tensor type FLOAT16: tensor 5 'h'",
        "  tensor type type code 99: tensor 6 'n'",
    ]


def test_long_lists_are_cut() -> None:
    operators = [operator() for _ in range(20)]
    with pytest.raises(UnsupportedError, match=r"node 7 and 12 more$"):
        read_tflite(model(graph(Operators=operators), OperatorCodes=[{"BuiltinCode": BUILTIN.LSTM}]))


def test_illegal_operators_are_named() -> None:
    legal = graph()
    legal["Tensors"][0] |= {"Type": tflite.TensorType.INT16}
    with pytest.raises(UnsupportedError, match=r"node 0 'y' \(QUANTIZE\): input must be int8 or uint8, not int16"):
        read_tflite(model(legal))


def test_unreadable_files_name_the_path(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.tflite", tmp_path):
        with pytest.raises(ModelFormatError, match=str(path)):
            read_tflite(path)


def test_huge_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.tflite"
    path.write_bytes(model())
    monkeypatch.setattr(reader, "MAX_FILE_BYTES", 100)
    for source in (path, path.read_bytes()):
        with pytest.raises(ModelFormatError, match="must have at most 100 bytes"):
            read_tflite(source)


def test_errors_are_one_family() -> None:
    assert all(issubclass(e, FxsimError) for e in (ModelFormatError, GraphError, QuantizationError, UnsupportedError))
