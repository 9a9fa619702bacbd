"""The structural verifier: its table of the schema, and one broken structure at a time."""

from __future__ import annotations

import re
from pathlib import Path
from struct import pack_into, unpack_from

import flatbuffers
import numpy as np
import pytest
import tflite

from fxsim._core.errors import ModelFormatError, UnsupportedError
from fxsim.formats import read_tflite
from fxsim.formats.tflite import schema, verifier, verify
from tests.calls import at_most, calls_to_read
from tests.formats.raw import graph, model, operator, quantization, tensor

SOURCES = Path(tflite.__file__).parent
SLOT = re.compile(r"builder\.Prepend(\w+?)(?:Relative)?Slot\((\d+), (?:flatbuffers[\w.]+py_type\()?(\w+)")
SIZES = {
    "Bool": 1,
    "Int8": 1,
    "Uint8": 1,
    "Int32": 4,
    "Uint32": 4,
    "Float32": 4,
    "Int64": 8,
    "Uint64": 8,
    "UOffsetT": 4,
}


def generated_slots(table: str) -> dict[int, tuple[str, int]]:
    """Slots of a table as the generated builder functions write them: slot → name, bytes in the table."""
    source = (SOURCES / f"{table}.py").read_text()
    return {int(slot): (name, SIZES[kind]) for kind, slot, name in SLOT.findall(source)}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("options2", "options_2").lower()


@pytest.mark.parametrize("table", schema.TABLES)
def test_slots_are_those_of_the_generated_package(table: str) -> None:
    slots = generated_slots(table)
    spec = schema.TABLES[table]
    assert len(spec) == max(slots) + 1
    for slot, (name, size) in slots.items():
        if spec[slot].size:
            assert spec[slot].size == size
        assert spec[slot].name == snake(name) or spec[slot].name.replace("_2", "2") == snake(name)


@pytest.mark.parametrize("table", schema.TABLES)
def test_vector_elements_are_those_of_the_generated_package(table: str) -> None:
    source = (SOURCES / f"{table}.py").read_text()
    for field in schema.TABLES[table]:
        if field.element and not field.is_string:
            camel = "".join(part.title() for part in field.name.split("_"))
            start = re.search(rf"def {table}Start{camel}Vector.*\n.*StartVector\((\d+)", source)
            assert start is not None
            assert int(start[1]) == field.element


def test_every_options_table_with_fields_is_listed() -> None:
    unions = {name for name in vars(tflite.BuiltinOptions) if not name.startswith("_") and name != "NONE"}
    assert set(schema.OPTIONS) == {name for name in unions if generated_slots(name)}


def test_a_legal_file_has_no_unknown_fields() -> None:
    assert verify(model()) == ()


def test_the_truncated_file_names_the_place() -> None:
    with pytest.raises(ModelFormatError, match=r"must lie inside the file of 40 bytes"):
        verify(model()[:40])


def root_of(data: bytes) -> int:
    return int(unpack_from("<I", data)[0])


def altered(kind: str, position: int, value: int) -> bytes:
    data = bytearray(model())
    pack_into(kind, data, position, value)
    return bytes(data)


def test_broken_root_and_vtables() -> None:
    data = model()
    root = root_of(data)
    vtable = root - int(unpack_from("<i", data, root)[0])
    for broken, message in (
        (altered("<I", 0, 1 << 31), "root: must lie inside the file"),
        (altered("<I", 0, len(data) - 2), "root: must lie inside the file"),
        (altered("<i", root, 1 << 30), r"model \(vtable\): must lie inside the file"),
        (altered("<i", root, -(1 << 30)), r"model \(vtable\): must lie inside the file"),
        (altered("<H", vtable, 3), r"must have legal lengths, not \(3,"),
        (altered("<H", vtable, 5), r"must have legal lengths, not \(5,"),
        (altered("<H", vtable, 0xFFFE), r"model \(vtable\): must lie inside the file"),
        (altered("<H", vtable + 2, 2), "must have legal lengths"),
        (altered("<H", vtable + 2, 0xFFFF), "model: must lie inside the file"),
        (altered("<H", vtable + 4, 2), "fields must lie inside the table"),
        (altered("<H", vtable + 4, 0xFFF0), "fields must lie inside the table"),
    ):
        with pytest.raises(ModelFormatError, match=message):
            verify(broken)


def test_a_vector_may_not_leave_the_file() -> None:
    data = bytearray(model(graph(Inputs=(123456,))))
    position = data.index(pack("<2I", 1, 123456))
    pack_into("<I", data, position, 1 << 28)
    with pytest.raises(ModelFormatError, match=r"model.subgraphs\[0\].inputs: must lie inside the file"):
        verify(bytes(data))


def pack(kind: str, *values: int) -> bytes:
    data = bytearray(4 * len(values))
    pack_into(kind, data, 0, *values)
    return bytes(data)


def test_a_string_must_end_in_zero() -> None:
    data = model(graph(Tensors=[tensor(Name="first"), tensor(Name="second")]))
    position = data.index(b"second\0") + len(b"second")
    broken = data[:position] + b"!" + data[position + 1 :]
    with pytest.raises(ModelFormatError, match=r"tensors\[1\].name: string must end in a zero byte"):
        verify(broken)


def test_unions_of_unknown_type_are_not_followed() -> None:
    """The offset of such a table may lead anywhere; the operator counts as one without options."""
    entry = operator(BuiltinOptionsType=99, BuiltinOptions=4)
    builder_offset_is_legal = model(graph(Operators=[entry | {"BuiltinOptions": None}]))
    assert verify(builder_offset_is_legal) == ()
    assert read_tflite(builder_offset_is_legal).nodes[0].op == "QUANTIZE"


def test_fields_of_later_schemas_are_reported_and_refused() -> None:
    """A later schema may give a table a field that changes its meaning (Tensor.external_buffer did)."""
    data = later_tensor()
    assert verify(data) == ("model.subgraphs[0].tensors[0]: Tensor slot 10",)
    with pytest.raises(UnsupportedError, match=r"field newer than the known schema: model.subgraphs\[0\].tensors\[0\]"):
        read_tflite(data)


def later_tensor() -> bytes:
    def start(builder: flatbuffers.Builder) -> None:
        builder.StartObject(11)
        builder.PrependUint32Slot(10, 7, 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite, "TensorStart", start)
        return model(graph(Tensors=[tensor(Name="x")]))


def repeated(count: int) -> bytes:
    """A file whose list of subgraphs refers to one subgraph `count` times."""
    builder = flatbuffers.Builder(1024)
    tflite.SubGraphStart(builder)
    subgraph = tflite.SubGraphEnd(builder)
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(subgraph)
    vector = builder.EndVector()
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddSubgraphs(builder, vector)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_the_number_of_tables_is_bounded() -> None:
    data = repeated(100_000)
    with at_most(calls_to_read(data)), pytest.raises(ModelFormatError, match="at most 32768 tables"):
        verify(data)


def test_the_number_of_elements_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_ELEMENTS", 1000)
    many = quantization(Scale=np.ones(600, np.float32), ZeroPoint=np.zeros(600, np.int64))
    with pytest.raises(ModelFormatError, match=r"zero_point: all vectors together must have at most 1000 elements"):
        verify(model(graph(Tensors=[tensor(Quantization=many)])))


def test_the_work_on_many_tensors_grows_with_the_file() -> None:
    tensors = [*graph()["Tensors"], *(tensor(Name=str(i)) for i in range(3000))]
    data = model(graph(Tensors=tensors))
    with at_most(calls_to_read(data)):
        assert len(read_tflite(data).values) == len(tensors)
