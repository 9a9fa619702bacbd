"""Vectors of a layer against a recomputation from their files alone, golden tensors, and the instructions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim import Hardware, lower
from fxsim._core.errors import InputError, ProgramError
from fxsim.graph import DType, Network
from fxsim.isa import Load, Mac, Space, encode
from fxsim.rtl import VectorSet, layer_vectors, write_vectors
from fxsim.testing import Chain
from tests.rtl.vectors.reading import Words, read, record_of
from tests.rtl.vectors.recompute import check

SMALL = Hardware.load("paper-4x4").replace(act_spad_bytes=1 << 16, bias_policy="apply")
CASES: dict[str, dict[str, Any]] = {
    "wrap": {"acc_bits": 13, "overflow": "wrap"},
    "saturate": {"acc_bits": 12, "zero_point": "subtract"},
    "readout": {"acc_bits": 11, "overflow": "readout", "acc_internal_bits": 14, "split_k": 3},
    "chain": {"reduction": "chain", "acc_bits": 13, "split_k": 2, "acc_depth": 16, "requant_lanes": 3},
    "trap": {"reduction": "chain", "acc_bits": 14, "overflow": "trap", "order": "reversed", "bias_order": "last"},
    "stationary": {"dataflow": "weight-stationary", "acc_bits": 20, "rows": 3, "cols": 5, "weight_spad_bytes": 60},
    "inner": {"acc_bits": 13, "inner_bits": 14, "inner_products": 8, "split_k": 2, "order": "reversed"},
    "inner chain": {
        "reduction": "chain",
        "acc_bits": 12,
        "inner_bits": 13,
        "inner_products": 12,
        "inner_overflow": "wrap",
    },
    "rounding": {"requantizer": "RHAWAY_SHIFT", "multiplier_bits": 12, "multipliers": "tensor"},
}
OVERFLOWING = {"wrap", "saturate", "readout", "chain", "trap", "inner", "inner chain"}


def network() -> Network:
    return Chain((1, 5, 6, 3), seed=5).conv(5, stride_h=2).depthwise(2, (3, 2), dilation_w=2).conv(3, (1, 1)).build()


def sample(net: Network, seed: int = 1) -> np.ndarray[Any, Any]:
    shape = net.values[net.inputs[0]].type.shape
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)[None if shape[0] > 1 else slice(None)]


def golden_codes(net: Network, x: np.ndarray[Any, Any], hw: Hardware, value: int) -> list[int]:
    """A tensor by graph-level arithmetic that knows no machine."""
    codes: list[int] = fxsim.golden(net, x, numerics=hw.numerics)[net.values[value].name].reshape(-1).tolist()
    return codes


def written(vectors: VectorSet, folder: Path) -> tuple[dict[str, Any], dict[str, Words]]:
    write_vectors(vectors, folder, "readmemh")
    return record_of(folder), read(folder)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_files_alone_give_every_accumulator_and_output(case: str, tmp_path: Path) -> None:
    net, hw = network(), SMALL.replace(**CASES[case])
    x, program, events = sample(net), lower(net, hw), Counter[str]()
    for number, node in enumerate(net.nodes):
        record, arrays = written(layer_vectors(program, x, number), tmp_path / node.name)
        compared = check(record, arrays)
        events += compared
        for name, value in (("ifm", node.inputs[0]), ("ofm", node.outputs[0])):
            assert [code for (code,) in arrays[name]] == golden_codes(net, x, hw, value)
        assert compared["codes"] == len(arrays["ofm"])
        assert compared["accumulators"] >= compared["codes"]
    assert (events["events"] > 0) == (case in OVERFLOWING)
    assert (events["inner_events"] > 0) == case.startswith("inner")


@pytest.mark.parametrize(
    "net",
    [
        Chain((3, 7), seed=2).dense(6, weight_zero=9).dense(5).build(profile="litert"),
        Chain((2, 4, 5, 2), seed=3).conv(5, (2, 3), dilation_h=2, padding="VALID").build(),
        Chain((1, 8, 9, 1), seed=4).depthwise(5, stride_h=2, stride_w=3).build(),
        Chain((1, 4, 4, 3), seed=6).conv(4).conv(6, (1, 1)).quantize(DType.INT8, 0.3, 4).build(),
    ],
    ids=["vectors", "images", "depthwise", "resident"],
)
def test_layers_of_every_shape(net: Network, tmp_path: Path) -> None:
    x, program = sample(net), lower(net, SMALL)
    numbers = [i for i, layer in enumerate(program.layers) if layer.channels]
    for number in numbers:
        record, arrays = written(layer_vectors(program, x, number), tmp_path / str(number))
        compared = check(record, arrays)
        assert [code for (code,) in arrays["ofm"]] == golden_codes(net, x, SMALL, net.nodes[number].outputs[0])
        assert compared["codes"] > 0
    assert numbers


def test_layers_without_macs_have_their_tensors_only() -> None:
    chain = Chain((1, 4, 4, 3), seed=7).pool("MAX").activation("RELU6")
    first = chain.last
    chain.conv(3, (1, 1)).binary("ADD", first, swap=True)
    wide = chain.conv(5, (1, 1)).quantize(DType.INT8, 0.11, -5).last
    chain.conv(2, (1, 1)).quantize(DType.INT8, 0.11, -5).join(wide).reshape(1, 4, 4, 7).reshape(1, 112).softmax()
    net = chain.build()
    x, program = sample(net), lower(net, SMALL)
    golden = fxsim.golden(net, x, numerics=SMALL.numerics)
    for number, node in enumerate(net.nodes):
        vectors = layer_vectors(program, x, number)
        if node.op == "CONV_2D":
            continue
        operands = [i for i in node.inputs if net.values[i].data is None]
        names = [f"ifm_{i}" for i in range(2)] if node.op in ("ADD", "CONCATENATION") else ["ifm"]
        assert [array.name for array in vectors.arrays] == [*names, "ofm"]
        assert (dict(vectors.rule), dict(vectors.geometry)) == ({}, {})
        for array, value in zip(vectors.arrays, [*operands, *node.outputs], strict=True):
            expected = golden[net.values[value].name]
            assert array.codes.reshape(expected.shape).tolist() == expected.tolist()
            assert array.codes.shape == net.values[value].type.shape
            assert vectors.tensors[array.name]["name"] == net.values[value].name
    moves = {"CONCATENATION", "RESHAPE", "QUANTIZE"}
    assert {node.op for node in net.nodes} == {"MAX_POOL_2D", "RELU6", "CONV_2D", "ADD", "SOFTMAX", *moves}


def test_layers_by_name_and_what_is_refused() -> None:
    net = Chain((1, 3, 3, 2)).conv(2).pool("MAX").build()
    x, program = sample(net), lower(net, SMALL)
    assert layer_vectors(program, x, "n1").layer == layer_vectors(program, x, 1).layer == 1
    with pytest.raises(ProgramError, match="layer must be one of: n0, n1"):
        layer_vectors(program, x, "n2")
    with pytest.raises(ProgramError, match="layer must be one of"):
        layer_vectors(program, x, -1)
    with pytest.raises(InputError, match="one sample, not 2"):
        layer_vectors(program, np.concatenate([x, x]), 1)
    with pytest.raises(InputError, match="dtype"):
        layer_vectors(program, x.astype(np.uint8), 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda mac: {"w_addr": mac.w_addr + 4}, "same in all its tiles"),
        (lambda _: {"stride_x": 2}, "field stride_x of its MACs must have one value, not \\[1, 2\\]"),
    ],
)
def test_layers_that_contradict_themselves(changes: Callable[[Mac], dict[str, Any]], message: str) -> None:
    net = Chain((1, 5, 5, 2)).conv(4).build()
    x, program = sample(net), lower(net, SMALL)
    instructions = list(program.instructions)
    at = max(i for i, each in enumerate(instructions) if isinstance(each, Mac))
    mac = instructions[at]
    assert isinstance(mac, Mac)
    instructions[at] = replace(mac, **changes(mac))
    with pytest.raises(ProgramError, match=message):
        layer_vectors(replace(program, code=encode(instructions)), x, 0)


def test_weights_must_be_loaded() -> None:
    net = Chain((1, 2, 2, 2)).conv(4, (1, 1)).build()
    x, program = sample(net), lower(net, SMALL)
    shorter = [replace(each, k_count=1) if isinstance(each, Mac) else each for each in program.instructions]
    with pytest.raises(ProgramError, match="must load weights and records of every channel"):
        layer_vectors(replace(program, code=encode(shorter)), x, 0)


def test_loads_may_take_several_rows() -> None:
    net = Chain((1, 2, 2, 2)).conv(4, (1, 1)).build()
    x, program = sample(net), lower(net, SMALL)
    instructions = [in_rows(each) if isinstance(each, Load) else each for each in program.instructions]
    again = layer_vectors(replace(program, code=encode(instructions)), x, 0)
    assert program.instructions != tuple(instructions)
    for array in layer_vectors(program, x, 0).arrays:
        if array.name not in ("issues", "readouts"):
            assert array.codes.tolist() == again[array.name].codes.tolist()


def in_rows(load: Load) -> Load:
    """The same bytes, eight a row."""
    if load.space == Space.ACT:
        return load
    assert (load.rows, load.row_bytes % 8) == (1, 0)
    return replace(load, rows=load.row_bytes // 8, row_bytes=8, dram_stride=8, spad_stride=8)
