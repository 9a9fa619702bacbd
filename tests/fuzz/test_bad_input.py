"""Bad input as a user meets it, from the public functions on: the error class, the place, the expectation, little work.

What single parts refuse is tested beside them; here stand whole ways through the product, and what fuzzing has found.
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import (
    FxsimError,
    HardwareError,
    InputError,
    LoweringError,
    ModelFormatError,
    ProgramError,
    TrapError,
    UnsupportedError,
)
from fxsim.cli.options import load_npy
from fxsim.formats import write_tflite
from fxsim.graph import DType, Network, Node, TensorType, Value
from fxsim.isa import WORD_BYTES, Load, Program, encode
from fxsim.numerics import Affine, Overflow
from fxsim.ops import OPERATORS
from fxsim.testing import Chain
from tests.calls import at_most
from tests.isa.tiny import tiny_instructions, tiny_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = Path(__file__).resolve().parents[2] / "models" / "digits" / "digits_fc.tflite"
CALLS = 1_000_000
"""A whole file with each of its offsets corrupted in turn takes three quarters of them, all else less than a tenth."""
ONE = np.zeros((1, 4), np.int8)


@pytest.fixture(scope="module")
def compiled() -> None:
    """Compilation takes its own time, once."""
    fxsim.simulate(trapping(), ONE)


@pytest.fixture(autouse=True)
def little_work(compiled: None) -> Iterator[None]:
    with at_most(CALLS):
        yield


def single(op: str, shape: tuple[int, ...], out: tuple[int, ...], weights: tuple[int, ...] = (), **attrs: Any) -> bytes:
    """A model file of one int8 node, legal or not."""
    quant = Affine(np.float32(0.1), 0)
    values = [Value("x", TensorType(shape, DType.INT8, quant))]
    if weights:
        values.append(Value("w", TensorType(weights, DType.INT8, quant), np.ones(weights, np.int8)))
    values.append(Value("y", TensorType(out, DType.INT8, quant)))
    count = len(values)
    node = Node(op, "y", tuple(range(count - 1)), (count - 1,), OPERATORS[op].attrs(**attrs))
    return write_tflite(Network("single", tuple(values), (node,), (0,), (count - 1,)))


@pytest.mark.parametrize("length", [0, 7, 200, 5_000, 10_000, -1])
def test_a_truncated_file_names_the_place(length: int, tmp_path: Path) -> None:
    path = tmp_path / "short.tflite"
    path.write_bytes(MODEL.read_bytes()[:length])
    with pytest.raises(ModelFormatError, match=r"identifier|: must lie inside the file of \d+ bytes, not \(\d+, \d+\)"):
        fxsim.load(path)


def test_every_corrupted_offset_is_refused_or_harmless() -> None:
    data = MODEL.read_bytes()
    for place in range(0, 400, 4):
        try:
            fxsim.load(data[:place] + b"\xff\xff\xff\x7f" + data[place + 4 :])
        except FxsimError as error:
            assert len(str(error)) < 1_000  # noqa: PT017 - both outcomes are right


SIDE = 1 << 14
ABSURD: list[tuple[bytes, type[FxsimError], str]] = [
    (
        single("CONV_2D", (1, SIDE, SIDE, 1), (1, SIDE, SIDE, 1), (1, 1, 1, 1)),
        LoweringError,
        "node 'y': a layer must need at most 4194304 instructions, not ",
    ),
    (
        single("AVERAGE_POOL_2D", (1, SIDE, SIDE, 1), (1, SIDE, SIDE, 1), filter_h=65535, filter_w=65535),
        HardwareError,
        "node 'y': activation scratchpad must hold the .* bytes of one window, not 8192",
    ),
    (
        single("MAX_POOL_2D", (1, 2, 2, 1), (1, 2, 2, 1), filter_h=65536),
        UnsupportedError,
        "filter_h must be in 1..65535, not 65536",
    ),
    (
        single("SOFTMAX", (1, 1 << 27), (1, 1 << 27)),
        UnsupportedError,
        r"node 0 'y' \(SOFTMAX\): rows must have at most 4095 elements, not 134217728",
    ),
]


@pytest.mark.parametrize(("model", "error", "message"), ABSURD, ids=["conv", "window", "filter", "row"])
def test_absurd_shapes(model: bytes, error: type[FxsimError], message: str) -> None:
    with pytest.raises(error, match=message):
        fxsim.lower(model, "paper-4x4")


def test_a_window_far_larger_than_the_image_is_no_burden() -> None:
    model = single("MAX_POOL_2D", (1, 2, 2, 1), (1, 2, 2, 1), filter_h=65535, filter_w=65535)
    x = np.array([[[[1], [-5]], [[3], [2]]]], np.int8)
    assert fxsim.golden(model, x)["y"].tolist() == [[[[3], [3]], [[3], [3]]]]


def test_reals_beyond_binary32_are_infinite() -> None:
    chain = Chain((1, 4), scale=3e38, zero_point=0).dequantize()
    real = fxsim.golden(chain.build(), np.array([[127, 1, 0, -128]], np.int8))["t0"]
    assert real.tolist() == [[np.inf, np.float32(3e38), 0.0, -np.inf]]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 5), np.int8), r"input 'x': shape must be \(N, 4\) with N >= 1, not \(1, 5\)"),
        (np.zeros((1, 4), np.uint8), "input 'x': dtype must be int8 or floating, not 'uint8; convert uint8 pixels"),
        (np.full((1, 4), np.nan), "input 'x': values must be finite"),
        ({"z": ONE}, r"inputs must be named 'x', not \['z'\]"),
    ],
)
def test_data_that_does_not_fit_a_program(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fxsim.simulate(tiny_program(), x)


def test_an_unknown_tensor_cannot_be_kept() -> None:
    with pytest.raises(ProgramError, match="symbol must be one of: x, y, not 'z'"):
        fxsim.simulate(tiny_program(), ONE, keep="z")


def file_of(**fields: Any) -> bytes:
    return dataclasses.replace(tiny_program(), **fields).to_bytes()


def with_word(index: int, change: Callable[[int], int]) -> bytes:
    code = bytearray(tiny_program().code)
    span = slice(index * WORD_BYTES, (index + 1) * WORD_BYTES)
    code[span] = change(int.from_bytes(code[span], "little")).to_bytes(WORD_BYTES, "little")
    return file_of(code=bytes(code))


def far(address: int) -> tuple[Any, ...]:
    symbols = tiny_program().symbols
    return (*symbols, dataclasses.replace(symbols[1], name="far", kind="tensor", address=address))


LAYER = tiny_program().layers[0]
SCALE = (dataclasses.replace(tiny_program().symbols[0], scale=(1e300,)), tiny_program().symbols[1])
MANY = (LAYER, *(dataclasses.replace(LAYER, name=str(i), channels=1 << 20) for i in range(3)))
BAD_PROGRAMS: dict[str, tuple[bytes, str]] = {
    "opcode": (with_word(3, lambda word: word | 63), "instruction 3: opcode must be one of .*, not 63"),
    "address": (
        file_of(code=encode([Load(rows=1, row_bytes=4, spad_addr=61, dram_addr=64), *tiny_instructions()[1:]])),
        r"instruction 0 \(LOAD\) field spad_addr: must keep the access inside ACT, 64 bytes; its end, not 65",
    ),
    "dram": (file_of(dram_bytes=1 << 40), "dram_bytes must be in 48..[0-9]+, not 1099511627776"),
    "scale": (file_of(symbols=SCALE), r"symbols scale: scale must be finite and positive in binary32, not 1e\+300"),
    "channels": (file_of(layers=MANY), "channels of all layers together must be at most 2097152, not 3145730"),
}


@pytest.mark.parametrize("case", BAD_PROGRAMS)
def test_bad_programs(case: str) -> None:
    data, message = BAD_PROGRAMS[case]
    with pytest.raises(ProgramError, match=f"program: .*{message}"):
        fxsim.simulate(data, ONE)


def test_state_that_does_not_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError("Unable to allocate 4.00 GiB")

    monkeypatch.setattr("fxsim.sim.executor.new_stats", refuse)
    with pytest.raises(ProgramError, match=r"tiny: state of the program must fit the memory: .* 4\.00 GiB"):
        fxsim.simulate(tiny_program(), ONE)


def trapping() -> Program:
    """The tiny program on accumulators of eight bits that trap."""
    return tiny_program(tiny_instructions(acc_bits=8, overflow=Overflow.TRAP))


def test_a_trap_withholds_the_outputs() -> None:
    """The first output is 10 + (1 + 2 + 3 + 4) * 127."""
    result = fxsim.simulate(trapping(), np.full((1, 4), 127, np.int8))
    with pytest.raises(TrapError, match=r"tiny: .*sample 0, layer 0 'fc' .* k = 0\.\.3, .* exact sum 1,280"):
        _ = result.outputs


def test_numbers_of_thousands_of_digits() -> None:
    with pytest.raises(HardwareError, match="hardware file must be TOML: Exceeds the limit"):
        fxsim.Hardware.from_toml(f"schema = {'9' * 5000}")


@pytest.mark.parametrize("header", [b"{((((((", b"{'descr': '|O8', 'fortran_order': False, 'shape': (2,), }", b"]"])
def test_damaged_array_files(header: bytes, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 3), np.int8))
    data = buffer.getvalue()
    path = tmp_path / "x.npy"
    path.write_bytes(data[:10] + header.ljust(len(data) - 17) + b"\n" + data[-6:])
    with pytest.raises(InputError, match=r"x\.npy: must be a \.npy file of numbers"):
        load_npy(str(path))


def test_a_missing_result_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npz: must be a result file of fxsim"):
        fxsim.Result.load(tmp_path / "none.npz")
