"""Operand counts: the compiled ones against the plain twin, against counts made by hand, and against NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fxsim
from fxsim.energy.reference import count_activity
from fxsim.hw import Hardware
from fxsim.isa import (
    Init,
    Instruction,
    Layer,
    Load,
    Mac,
    Merge,
    Order,
    Program,
    Req,
    Space,
    Symbol,
    ZeroPoint,
    encode,
)
from fxsim.kernels import ACTIVITY
from fxsim.numerics import Overflow
from fxsim.sim import state
from fxsim.sim.executor import execute
from fxsim.testing import mobilenet_v1
from tests.sim.value_programs import ACT, INPUT, MAC_ENGINE, MAKERS, WEIGHT, random_program, value_programs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import Network

    Ints = NDArray[np.int64]

DIGITS = Path(__file__).resolve().parents[2] / "models" / "digits"


PRODUCTS = ("rows", "positions", "k_count")


def counts(program: Program, x: NDArray[Any]) -> Ints:
    activity = execute(program, x, activity=True).activity
    assert activity is not None
    return activity


def plain_counts(program: Program, x: NDArray[Any]) -> Ints:
    """The twin's counts, summed over samples."""
    total = np.zeros((len(program), len(ACTIVITY)), np.int64)
    for sample in x:
        for index, count in count_activity(program, {"x": sample.tobytes()}).items():
            assert count.products == int(np.prod([program.columns.field(f)[index] for f in PRODUCTS]))
            total[index] += [getattr(count, name) for name in ACTIVITY]
    return total


def seeded(seed: int) -> Program:
    """A program of many MACs, each drawn evenly; hypothesis's own choices are small ones more often than not.

    Every second has no vector instruction, between which a run of the others would be short.
    """
    random = Random(seed)
    return random_program(random, random.choices(MAKERS if seed % 2 else MAC_ENGINE, k=12), Overflow.WRAP)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Program, NDArray[np.uint8]]:
    """A random program, operand widths of its machine, and samples; some codes and weights are cleared."""
    program = draw(st.one_of(value_programs(), st.integers(0, 1 << 32).map(seeded)))
    hw = program.hardware.replace(act_bits=draw(st.integers(2, 16)), weight_bits=draw(st.integers(2, 16)))
    noise = np.random.default_rng(draw(st.integers(0, 9)))
    x = noise.integers(0, 256, (3, INPUT), dtype=np.uint8)
    x[noise.random(x.shape) < draw(st.sampled_from((0.0, 0.5)))] = 0
    image = np.frombuffer(program.constants, np.uint8).copy()
    image[ACT : ACT + WEIGHT][noise.random(WEIGHT) < draw(st.sampled_from((0.0, 0.5)))] = 0
    return dataclasses.replace(program, hardware=hw, constants=image.tobytes()), x


@given(cases())
def test_equals_the_plain_twin(case: tuple[Program, NDArray[np.uint8]]) -> None:
    np.testing.assert_array_equal(counts(*case), plain_counts(*case))


@given(cases())
def test_counting_changes_nothing_else(case: tuple[Program, NDArray[np.uint8]]) -> None:
    one, other = execute(*case, keep="all", activity=True), execute(*case, keep="all")
    assert other.activity is None
    assert one.trap == other.trap
    assert all(a.same_as(b) for a, b in zip(one.stats, other.stats, strict=True))
    for name, tensor in other.tensors.items():
        np.testing.assert_array_equal(one.tensors[name], tensor)


@pytest.mark.parametrize("size", [1, 2])
def test_every_sample_starts_with_latches_of_0(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(Random(size), MAKERS, Overflow.WRAP)
    x = np.random.default_rng(0).integers(0, 256, (5, INPUT), dtype=np.uint8)
    whole = counts(program, x)
    monkeypatch.setattr(state, "CHUNK_BYTES", size * state.sample_bytes(program))
    assert state.chunk_samples(program, len(x)) == size
    np.testing.assert_array_equal(counts(program, x), whole)
    assert whole.sum() > 0


ROWS = COLS = 2


def hand_made(
    w: Sequence[Sequence[int]], *macs: dict[str, Any] | Instruction, count: int, wide: bool = False
) -> Program:
    """MACs on a 2 x 2 array with the weights w[stream position][row]; the sample is `count` codes from address 0 on.

    What is no MAC's fields is an instruction between them.
    """
    dtype = "<i2" if wide else "i1"
    tile = np.zeros((-(-len(w) // COLS) * COLS, ROWS), dtype)
    tile[: len(w)] = w
    hw = Hardware(
        rows=ROWS,
        cols=COLS,
        acc_depth=16,
        act_bits=16 if wide else 8,
        weight_bits=16 if wide else 8,
        act_spad_bytes=256,
        weight_spad_bytes=256,
        param_spad_bytes=64,
    )
    size = count * tile.itemsize
    fields = {
        "rows": ROWS,
        "positions": 1,
        "tile_h": 1,
        "tile_w": count,
        "out_w": 64,
        "stride_x": 1,
        "kh": 1,
        "kw": 1,
        "channels": 1,
        "dil_x": 1,
        "k_count": 1,
        "depth_mult": 1,
        "pixel_pitch": tile.itemsize,
        "x_signed": 1,
        "w_signed": 1,
        "x_wide": int(wide),
        "w_wide": int(wide),
        "acc_bits": 32,
        "init": Init.ZERO,
    }
    code = [
        Load(space=Space.WEIGHT, rows=1, row_bytes=tile.nbytes),
        Load(space=Space.ACT, dram_addr=tile.nbytes, rows=1, row_bytes=size),
        *(mac if isinstance(mac, Instruction) else Mac(**{**fields, **mac}) for mac in macs),
    ]
    end = tile.nbytes + size
    symbols = tuple(
        Symbol(name, tile.nbytes, (1, count), "int16" if wide else "int8", (), (), None, kind, 0, len(code))
        for name, kind in (("x", "input"), ("y", "output"))
    )
    layer = Layer("l", "CONV_2D", 0, (), (), (), 8)
    return Program("hand", "tflite", hw, encode(code), tile.tobytes(), end, symbols, (layer,),
                   np.zeros(len(code), np.int32), True)  # fmt: skip


def by_hand(
    w: Sequence[Sequence[int]], x: Sequence[int], *macs: dict[str, Any] | Instruction, wide: bool = False
) -> list[list[int]]:
    """Counts of every MAC (and what stands between them) for one sample; the twin must agree."""
    program = hand_made(w, *macs, count=len(x), wide=wide)
    samples = np.array([x], np.int16 if wide else np.int8)
    got = counts(program, samples)
    np.testing.assert_array_equal(got, plain_counts(program, samples))
    rows: list[list[int]] = got[2:].tolist()
    return rows


ONE_ROW = {"rows": 1}
FLAT = {"channels": 4, "k_count": 4}


@pytest.mark.parametrize(
    ("w", "x", "mac", "expected"),
    [
        # ACTIVITY: x zero, w zero, gated, x toggles, w toggles
        pytest.param([[3, -5]] * 4, [0] * 4, FLAT, [8, 0, 8, 0, 0], id="all inputs zero"),
        pytest.param([[0, 0]] * 4, [7, -1, 3, 9], FLAT, [0, 8, 8, 0, 0], id="all weights zero"),
        pytest.param([[0, 0]] * 4, [0] * 4, FLAT, [8, 8, 8, 0, 0], id="both zero is gated once"),
        # -1 is latched once, 8 bits; the zeros between hold it
        pytest.param([[1, 0]], [0, -1, 0, -1], {**ONE_ROW, "positions": 4}, [2, 0, 2, 8, 1], id="0 and -1"),
        # 1, then three times all bits: 1 = 00000001, -2 = 11111110
        pytest.param([[1, 0]], [1, -2, 1, -2], {**ONE_ROW, "positions": 4}, [0, 0, 0, 25, 1], id="1 and -2"),
        # both rows see every x: 2 * (1 + 1 + 2)
        pytest.param([[1, 3]], [1, 3, 0, 15], {"positions": 4}, [2, 0, 2, 8, 3], id="shared x"),
        # row 1 has weight 0: it never latches
        pytest.param([[1, 0]], [1, 3, 0, 15], {"positions": 4}, [2, 4, 5, 4, 1], id="a weight gates its row"),
        # row n reads channel n: taps (3, 0) and (5, -1); tap 1 of row 1 is w = 0
        pytest.param([[1, 1], [1, 0]], [3, 0, 5, -1],
                     {"private_x": 1, "kw": 2, "k_count": 2, "pixel_pitch": 2, "tile_w": 2},
                     [1, 1, 2, 4, 2], id="private x"),
        # one channel for both rows
        pytest.param([[1, 1], [1, 0]], [3, 5],
                     {"private_x": 1, "kw": 2, "k_count": 2, "depth_mult": 2}, [0, 1, 1, 6, 3], id="depth multiplier"),
        # columns of 2: (0, 1), (3) and reversed (7, 3), (1)
        pytest.param([[1, 0]] * 4, [0, 1, 3, 7], {**FLAT, **ONE_ROW, "k_count": 3}, [1, 0, 1, 3, 2], id="canonical"),
        pytest.param([[1, 0]] * 4, [0, 1, 3, 7], {**FLAT, **ONE_ROW, "k_count": 3, "order": Order.REVERSED},
                     [0, 0, 0, 7, 2], id="reversed"),
        # group 0: x = 1 at both positions, group 1: 1 -> 3 and 7; weights 1, then -1
        pytest.param([[1, 0], [1, 0], [-1, 0], [1, 0]], [1, 1, 3, 1, 1, 1, 7, 1],
                     {**FLAT, **ONE_ROW, "positions": 2, "pixel_pitch": 4, "tile_w": 2}, [0, 0, 0, 4, 9],
                     id="positions inside groups"),
        # column 0: 1, 15 in group 0, then 7, 0 in group 1; column 1 rests on 3
        pytest.param([[1, 0], [1, 0], [1, 0], [1, 0]], [1, 3, 7, 3, 15, 3, 0, 3],
                     {**FLAT, **ONE_ROW, "positions": 2, "pixel_pitch": 4, "tile_w": 2}, [1, 0, 1, (1 + 3 + 1) + 2, 2],
                     id="a group ends on its last position"),
        # codes 127 are zero, -128 - 127 = -255 = 1 00000001: two bits of nine; weights 5 are zero, -128 - 5: 1 01111011
        pytest.param([[5, -128]], [127, -128, 127],
                     {"positions": 3, "zero_point": ZeroPoint.SUBTRACT, "x_zero": 127, "w_zero": 5},
                     [4, 3, 5, 2, 7], id="subtracted zero points"),
        # padding enters as -128, one bit, and three more to 3; subtracted it is 0, and 3 + 128 = 10000011
        pytest.param([[1, 1]], [3], {"positions": 2, "ix0": -1, "x_zero": -128}, [0, 0, 0, 8, 2], id="folded padding"),
        pytest.param([[1, 1]], [3], {"positions": 2, "ix0": -1, "x_zero": -128, "zero_point": ZeroPoint.SUBTRACT},
                     [2, 0, 2, 2 * 3, 2], id="subtracted padding"),
    ],
)  # fmt: skip
def test_hand_made(w: list[list[int]], x: list[int], mac: dict[str, Any], expected: list[int]) -> None:
    assert by_hand(w, x, mac) == [expected]


def test_two_byte_operands() -> None:
    """x = -1 raises 16 bits, x = 1 drops 15 of them, in both rows; weights of 2 and of 16 ones."""
    assert by_hand([[0x0101, -1]], [-1, 1, 0], {"positions": 3}, wide=True) == [[2, 0, 2, 2 * (16 + 15), 2 + 16]]


def test_latches_carry_over_from_mac_to_mac() -> None:
    """Split K: stream positions 0, 1, 2 pass columns 0, 1, 0, position 3 starts a MAC in column 0 again."""
    w, x = [[1, 0]] * 4, [1, 3, 7, 15]
    whole = {**FLAT, **ONE_ROW}
    first, second = {**whole, "k_count": 3}, {**whole, "k_start": 3, "k_count": 1, "init": Init.KEEP}
    assert by_hand(w, x, whole) == [[0, 0, 0, (1 + 2) + (2 + 2), 2]]
    assert by_hand(w, x, first, second) == [[0, 0, 0, (1 + 2) + 2, 2], [0, 0, 0, 1, 0]]


def test_rows_past_the_tile_hold_their_latches() -> None:
    """Row 0 latches 1, 3, 7; row 1 latches 1, rests, and then sees 7."""
    tile = {"ox_start": 0}
    macs = [tile, {"ox_start": 1, "rows": 1}, {"ox_start": 2}]
    assert by_hand([[1, 1]], [1, 3, 7], *macs) == [[0, 0, 0, 2, 2], [0, 0, 0, 1, 0], [0, 0, 0, 1 + 2, 0]]


def test_columns_past_the_interval_hold_their_latches() -> None:
    """Column 1 latches 3, rests while column 0 sees 7, then sees 15."""
    two, one = {**FLAT, **ONE_ROW, "k_count": 2}, {**ONE_ROW, "ox_start": 2}
    macs = [two, one, {**two, "x_addr": 2}]
    assert by_hand([[1, 0]] * 2, [1, 3, 7, 15], *macs) == [[0, 0, 0, 3, 2], [0, 0, 0, 2, 0], [0, 0, 0, 2, 0]]


@pytest.mark.parametrize("between", [[], [Merge(rows=1, positions=1, parts=2, acc_bits=32)]])
def test_a_mac_sees_what_a_req_before_it_wrote(between: list[Instruction]) -> None:
    """5 is latched, then the 9 that REQ put in its place: two bits change, whatever stands between REQ and MAC."""
    req = Req(rows=1, positions=1, acc_bits=32, out_w=1, clamp_lo=9, clamp_hi=9)
    mac = {**ONE_ROW, "load_params": 1}
    idle = [[0] * len(ACTIVITY) for _ in (req, *between)]
    assert by_hand([[1, 0]], [5], mac, req, *between, mac) == [[0, 0, 0, 2, 1], *idle, [0, 0, 0, 2, 0]]


def windows(net: Network, tensors: Any, number: int) -> tuple[Ints, Ints]:
    """Raw operands of a convolution or FULLY_CONNECTED by whole arrays: x [N, P, K, 1 or C], w [K, C]; zx pads."""
    node = net.nodes[number]
    source, weight = (net.values[i] for i in node.inputs[:2])
    x, w = tensors[source.name].astype(np.int64), np.asarray(weight.data).astype(np.int64)
    if node.op == "FULLY_CONNECTED":
        return x.reshape(len(x), 1, -1, 1), w.T
    (kh, kw), out = w.shape[1:3], net.values[node.outputs[0]].type.shape
    stride = -(-x.shape[1] // out[1])
    assert source.type.quant is not None
    zero = int(source.type.quant.zero_point.item())
    pad = [max((o - 1) * stride + k - i, 0) for o, k, i in zip(out[1:3], (kh, kw), x.shape[1:3], strict=True)]
    x = np.pad(x, ((0, 0), *((p // 2, p - p // 2) for p in pad), (0, 0)), constant_values=zero)
    taps = [x[:, ky:, kx:][:, ::stride, ::stride][:, : out[1], : out[2]] for ky in range(kh) for kx in range(kw)]
    if node.op == "DEPTHWISE_CONV_2D":
        return np.stack(taps, 3).reshape(len(x), -1, kh * kw, x.shape[3]), w.reshape(kh * kw, -1)
    return np.stack(taps, 3).reshape(len(x), out[1] * out[2], -1, 1), w.reshape(w.shape[0], -1).T


MULTIPLIES = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["edge-16x16", "paper-4x4"])
@pytest.mark.parametrize("zero_point", ["fold", "subtract"])
def test_zeros_of_whole_networks(preset: str, zero_point: str) -> None:
    """Zeros do not depend on the order: whole arrays, convolutions of both kinds, padding included."""
    hw = Hardware.load(preset).replace(zero_point=zero_point)
    images = np.load(DIGITS / "x_eval.npy")[:3]
    for net in (fxsim.load(DIGITS / "digits_cnn.tflite"), mobilenet_v1(0.25, 32)):
        x = images if net.name == "digits_cnn" else fxsim.api.random_samples(net, 1, 2)
        result = fxsim.run(net, x, hw=hw, keep="all", value_energy=True)
        for i, (node, layer) in enumerate(zip(net.nodes, result.layers, strict=True)):
            if node.op not in MULTIPLIES:
                assert layer.value_energy.products == 0
                continue
            codes, w = windows(net, result.tensors, i)
            quant = net.values[node.inputs[0]].type.quant
            if zero_point == "subtract" and quant is not None:
                codes -= int(quant.zero_point.item())
            no_x, no_w = np.broadcast_arrays(codes == 0, w == 0)
            value = layer.value_energy
            assert (value.products, value.x_zero, value.w_zero) == (no_x.size, no_x.sum(), no_w.sum()), layer.name
            assert value.gated == (no_x | no_w).sum(), layer.name


def toggles(x: Ints, w: Ints, held: tuple[Ints, Ints]) -> tuple[int, int, tuple[Ints, Ints]]:
    """Latches of one sample over time: x, w [T, lanes] as offered, `held` before; toggled bits, what is held after."""
    live = (x != 0) & (w != 0)
    last = np.maximum.accumulate(np.where(live, np.arange(1, len(x) + 1)[:, None], 0), axis=0)
    out, after = [], []
    for operand, before in zip((x, w), held, strict=True):
        values = np.concatenate([before[None], operand])
        kept = np.take_along_axis(values, np.concatenate([np.zeros_like(last[:1]), last]), axis=0)
        changed = (kept[1:] ^ kept[:-1]) & 0xFF
        out.append(int(np.unpackbits(changed.astype(np.uint8)).sum()))
        after.append(kept[-1])
    return out[0], out[1], (after[0], after[1])


@pytest.mark.slow
def test_toggles_of_a_whole_network_with_blocks_of_one_position() -> None:
    """One tile per layer: positions in raster order, groups of K inside; every PE's history by whole arrays."""
    rows, cols = 64, 24
    hw = Hardware(rows=rows, cols=cols, dataflow="output-stationary")
    net = fxsim.load(DIGITS / "digits_cnn.tflite")
    result = fxsim.run(net, np.load(DIGITS / "x_eval.npy")[7:9], hw=hw, keep="all", value_energy=True)
    expected: dict[str, Ints] = {layer.name: np.zeros(2, np.int64) for layer in result.layers}
    for sample in range(2):
        held = np.zeros((2, rows * cols), np.int64)
        for i, layer in enumerate(result.layers):
            if layer.macs == 0:
                continue
            codes, w = windows(net, result.tensors, i)
            groups = -(-w.shape[0] // cols)
            x = np.zeros((codes.shape[1], groups * cols), np.int64)
            x[:, : w.shape[0]] = codes[sample, :, :, 0]
            weights = np.zeros((groups * cols, rows), np.int64)
            weights[: w.shape[0], : w.shape[1]] = w
            offered = np.repeat(x.reshape(-1, cols), rows, axis=1)
            present = np.tile(weights.reshape(groups, -1), (len(x), 1))
            one, other, after = toggles(offered, present, (held[0], held[1]))
            held = np.stack(after)
            expected[layer.name] += one, other
    for layer in result.layers:
        value = layer.value_energy
        assert [value.x_toggles, value.w_toggles] == expected[layer.name].tolist(), layer.name
