"""The driver: overrides, refusals, memory map, symbols, layers; and the given networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from fxsim._core.errors import FxsimError, HardwareError, LoweringError, UnsupportedError
from fxsim.formats import read_tflite
from fxsim.graph import ABSENT, DType, Network, Node, TensorType, Value, build
from fxsim.hw import Hardware, Numerics, presets
from fxsim.isa import Init, Load, Mac, Merge, Order, Program, Req, ZeroPoint
from fxsim.lowering import check_program, lower, mac_layer
from fxsim.lowering.ops import quantize
from fxsim.numerics import SCHEMES, Affine, Overflow
from fxsim.ops import MacParams, RescaleParams, mac_params, rescale_params
from fxsim.testing import Chain
from tests.given import NETWORKS, given_folder
from tests.lowering.running import check_bits, execute, sample_of

HW = Hardware(rows=4, cols=4, acc_depth=8, act_spad_bytes=256, weight_spad_bytes=256, param_spad_bytes=256)
FIXED = HW.replace(dataflow="weight-stationary", double_buffering="off", layer_reuse="off")
"""Largest tiles, one buffer each, every tensor through DRAM."""


def two_convs() -> Network:
    return Chain((1, 5, 5, 3)).conv(4).conv(6).build()


def macs_of(program: Program, layer: int) -> list[Mac]:
    return [i for i, n in zip(program.instructions, program.layer_of, strict=True) if n == layer and isinstance(i, Mac)]


# Overrides


@pytest.mark.parametrize("name", ["n1", "t1"])
def test_overrides_reach_their_layer_only(name: str) -> None:
    """By the name of the node or of its output."""
    fields = {"acc_bits": 20, "overflow": "wrap", "zero_point": "subtract", "order": "reversed"}
    program = lower(two_convs(), HW, layers={name: fields})
    program.check()
    check_program(program)
    assert {(m.acc_bits, m.overflow, m.zero_point, m.order) for m in macs_of(program, 1)} == {
        (20, Overflow.WRAP, ZeroPoint.SUBTRACT, Order.REVERSED)
    }
    assert {(m.acc_bits, m.overflow) for m in macs_of(program, 0)} == {(32, Overflow.SATURATE)}
    assert program.hardware == HW


def test_an_override_equals_hardware_with_these_numerics() -> None:
    net = Chain((1, 4, 4, 5)).conv(5).build()
    fields: dict[str, Any] = {"acc_bits": 17, "split_k": 3, "zero_point": "subtract", "bias_policy": "apply"}
    overridden, plain = lower(net, HW, layers={"n0": fields}), lower(net, HW.replace(**fields))
    assert overridden.code == plain.code
    assert overridden.constants == plain.constants


@pytest.mark.parametrize(
    ("layers", "error", "words"),
    [
        ({"conv9": {"acc_bits": 20}}, LoweringError, r"layers must be names of nodes .*, not \['conv9'\]"),
        ({"n0": {"rows": 8}}, LoweringError, r"node 'n0': layer fields must be numerics, not \['rows'\]"),
        ({"n0": {"acc_bits": 1}}, HardwareError, "node 'n0': acc_bits must be an integer in 2..64"),
        ({"t1": {"group_size": 3}}, HardwareError, "node 't1': the array's numerics .*'group_size': 3"),
        ({"t1": {"reduction": "chain"}}, HardwareError, "node 't1': the array's numerics .*'reduction': 'chain'"),
        ({"n0": {"act_bits": 9}}, HardwareError, "node 'n0': the array's numerics must be .*'act_bits': 9"),
        ({"n0": {"weight_bits": 16}}, HardwareError, "node 'n0': the array's numerics must be .*'weight_bits': 16"),
    ],
)
def test_bad_overrides(layers: dict[str, dict[str, object]], error: type[FxsimError], words: str) -> None:
    with pytest.raises(error, match=words):
        lower(two_convs(), HW, layers=layers)


# Refusals


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weight_spad_bytes": 16, "cols": 8}, "weight scratchpad must hold the 32 bytes of one tile, not 16"),
        ({"param_spad_bytes": 48}, "parameter scratchpad must hold the 64 bytes of one tile, not 48"),
        ({"acc_depth": 4, "split_k": 3}, "a bank half must hold split_k = 3 accumulators per row, not 2"),
    ],
)
def test_hardware_that_cannot_hold_a_tile(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(HardwareError, match=f"node 'n0': {words}"):
        lower(two_convs(), HW.replace(**fields))


def test_activations_that_cannot_hold_a_tile() -> None:
    tiny = HW.replace(act_spad_bytes=16)
    with pytest.raises(HardwareError, match="activation scratchpad must hold the 20 bytes of one output position's"):
        lower(Chain((1, 1, 1, 4)).conv(16, (1, 1)).build(), HW.replace(act_spad_bytes=16, rows=16, cols=4))
    with pytest.raises(HardwareError, match="activation scratchpad must hold the 26 bytes of one window, not 16"):
        lower(Chain((1, 5, 5, 3)).pool("MAX", (5, 5)).build(), tiny)
    with pytest.raises(HardwareError, match="activation scratchpad must hold the 20 bytes of one item, not 16"):
        lower(Chain((3, 20)).softmax().build(), tiny)
    with pytest.raises(HardwareError, match="parameter scratchpad must hold the 1024 bytes of a table, not 256"):
        lower(Chain((3, 20)).dequantize().build(), HW)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"act_bits": 7}, "activation codes must fit act_bits = 7"),
        ({"weight_bits": 4}, "weight codes must fit weight_bits = 4"),
        ({"acc_bits": 8}, "the .folded. bias must fit"),
        ({"acc_bits": 49}, "acc_bits must be in 2..48 to requantize by TFL_DOUBLE"),
    ],
)
def test_numbers_that_do_not_fit(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(LoweringError, match=f"node 'n0'.*{words}"):
        lower(two_convs(), HW.replace(**fields))


def test_a_field_that_overflows_names_node_and_field() -> None:
    net = Chain((1, 1100, 1, 1)).conv(1, (1, 1), stride_h=1050).build()
    with pytest.raises(LoweringError, match="node 'n0': MAC field stride_y: value must be an integer in 0..1023"):
        lower(net, HW)


@pytest.mark.parametrize(
    "chain",
    [
        Chain((1, 30000, 30000, 1)).conv(2, (1, 1)),
        Chain((1, 30000, 30000, 1)).depthwise(1, (3, 3)),
        Chain((1 << 29, 2)).dense(3),
        Chain((1, 1 << 30)).quantize(DType.UINT8, 1.0, 0),
        Chain((1, 40000, 40000, 1)).pool("MAX", (3, 3)),
    ],
    ids=["conv", "depthwise", "dense", "quantize", "pool"],
)
def test_endless_programs_are_refused_at_once(chain: Chain) -> None:
    with pytest.raises(LoweringError, match="node 'n0': a layer must need at most 4194304 instructions"):
        lower(chain.build(), HW.replace(act_spad_bytes=64))


def test_channels_of_a_row_tile_share_their_zero_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def several(net: Network, node: Node, numerics: Numerics) -> MacParams:
        params = mac_params(net, node, numerics)
        return dataclasses.replace(params, w_zero=np.arange(params.channels))

    monkeypatch.setattr(mac_layer, "mac_params", several)
    with pytest.raises(LoweringError, match="node 'n0': channels of one row tile must share"):
        lower(two_convs(), HW)


def test_quantize_by_a_float_scheme_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def floating(net: Network, node: Node) -> RescaleParams:
        return dataclasses.replace(rescale_params(net, node), scheme=SCHEMES["TFL_DOUBLE_FP"])

    monkeypatch.setattr(quantize, "rescale_params", floating)
    with pytest.raises(LoweringError, match="node 'n0': scheme of QUANTIZE must be an integer one"):
        lower(Chain((1, 4)).quantize(DType.UINT8, 0.5, 0).build(), HW)


def test_unsupported_networks_are_refused() -> None:
    quant = Affine(np.float32(1), 0)
    values = [Value(name, TensorType((1, 4), DType.INT8, quant)) for name in "xy"]
    with pytest.raises(UnsupportedError, match="WARP"):
        lower(build("net", values, [Node("WARP", "w", (0,), (1,), None)], [0], [1]), HW)


# Memory, symbols, layers


def branches() -> Network:
    """The input is read twice, far apart; one result is an output early, one is never read, one is an alias."""
    chain = Chain((1, 4, 4, 3)).conv(3)
    early = chain.last
    chain.conv(4).reshape(1, 64).dense(5)
    chain.last = 0
    chain.depthwise(2).pool("AVERAGE", (4, 4), padding="VALID").reshape(1, 6)
    return chain.build(early, chain.last)


def test_symbols_are_intact_from_ready_to_until() -> None:
    program = check_bits(branches(), HW)
    kinds = {s.name: s.kind for s in program.symbols}
    assert kinds == {
        "x": "input",
        "t0": "output",
        "t1": "tensor",
        "t2": "tensor",
        "t3": "tensor",
        "t4": "tensor",
        "t5": "tensor",
        "t6": "output",
    }
    assert [program.symbol(n).until for n in ("t0", "t6")] == [len(program)] * 2
    assert program.symbol("t2").address == program.symbol("t1").address


def test_dead_tensors_give_way() -> None:
    chain = Chain((1, 8, 8, 4))
    for _ in range(6):
        chain.conv(4)
    program = check_bits(chain.build(), HW)
    data = sum(s.nbytes for s in program.symbols)
    assert program.dram_bytes - len(program.constants) < data // 2
    assert any(s.until < len(program) for s in program.symbols)


def test_constants_lie_below_and_tensors_on_bursts() -> None:
    program = lower(branches(), FIXED)
    for symbol in program.symbols:
        assert symbol.address % 64 == 0
        assert len(program.constants) <= symbol.address <= program.dram_bytes - symbol.nbytes
    starts = {i.dram_addr for i in program.instructions if isinstance(i, Load) and i.dram_addr < len(program.constants)}
    assert starts
    assert 0 in starts


def test_layers_describe_the_nodes() -> None:
    net = branches()
    program = lower(net, HW)
    assert [layer.name for layer in program.layers] == [node.name for node in net.nodes]
    assert program.layers[0].macs == 4 * 4 * 3 * 27
    assert program.layers[0].in_shapes == ((1, 4, 4, 3), (3, 3, 3, 3), (3,))
    assert [layer.channels for layer in program.layers] == [3, 4, 0, 5, 6, 0, 0]
    assert program.batched
    assert not lower(Chain((2, 4)).softmax().build(), HW).batched


def test_an_absent_bias_is_left_out() -> None:
    net = Chain((1, 4)).dense(3, bias=False).build()
    assert net.nodes[0].inputs[2] == ABSENT
    assert lower(net, HW).layers[0].in_shapes == ((1, 4), (3, 4))


# The loop nest


def test_half_rows_and_records() -> None:
    """Halves alternate per block; a row file is loaded once per half and row tile; K intervals continue their slots."""
    program = lower(Chain((1, 4, 4, 8)).conv(8, (2, 2)).build(), FIXED.replace(weight_spad_bytes=64))
    macs = macs_of(program, 0)
    firsts = [m for m in macs if m.first]
    assert [m.half for m in firsts] == [n % 2 for n in range(len(firsts))]
    assert sum(m.load_params for m in macs) < len(firsts)
    assert all(m.init is (Init.BIAS if m.first else Init.KEEP) for m in macs)
    assert {m.k_count for m in macs} == {16}


@pytest.mark.parametrize(("split", "parts"), [(2, 2), (3, 3), (5, 5), (7, 6), (40, 18)])
def test_split_sums_are_merged(split: int, parts: int) -> None:
    """S becomes the fewest parts of ceil(G / S) groups; here G = 18."""
    net = Chain((1, 2, 2, 8)).conv(3).build()
    program = check_bits(net, FIXED.replace(split_k=split, acc_depth=2 * max(parts, 4)))
    macs, merges = macs_of(program, 0), [i for i in program.instructions if isinstance(i, Merge)]
    groups = -(-18 // split)
    assert {m.parts for m in merges} == {-(-18 // groups)}
    assert {m.k_start for m in merges} == {4 * groups}
    assert [m.init for m in macs[: merges[0].parts]] == [Init.BIAS] + [Init.ZERO] * (merges[0].parts - 1)
    assert not any(m.last for m in macs)


def test_output_stationary_blocks_are_single_positions() -> None:
    program = check_bits(two_convs(), HW.replace(dataflow="output-stationary"))
    assert {i.positions for i in program.instructions if isinstance(i, Mac | Req)} == {1}


def test_weights_are_loaded_once_where_they_fit() -> None:
    net = two_convs()
    program = lower(net, Hardware())
    loads = [i for i in program.instructions if isinstance(i, Load) and i.dram_addr < len(program.constants)]
    assert len(loads) == 4


# Given networks


@pytest.mark.parametrize("preset", presets())
@pytest.mark.parametrize("name", NETWORKS)
def test_given_networks_are_proved(name: str, preset: str) -> None:
    net = read_tflite(given_folder() / f"{name}.tflite")
    program = lower(net, Hardware.load(preset))
    program.check()
    check_program(program)
    assert Program.from_bytes(program.to_bytes()).code == program.code


def test_hello_world_by_definition() -> None:
    net = read_tflite(given_folder() / "tflm_hello_world_int8.tflite")
    program = check_bits(net, Hardware.load("paper-4x4"))
    assert execute(program, sample_of(net)).tensors
