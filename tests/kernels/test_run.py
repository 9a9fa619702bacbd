"""The run kernels on tiles of realistic size against whole-array NumPy arithmetic: sums, prefixes, proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fxsim._core.errors import ProgramError
from fxsim.hw import Hardware
from fxsim.isa import Layer, Load, Mac, Program, Req, Space, Store, Symbol, ZeroPoint, encode
from fxsim.numerics import Overflow, Reduction, SchemeCode
from fxsim.sim import executor
from fxsim.sim.executor import execute

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.graph import LayerStats

pytestmark = pytest.mark.slow

ROWS, COLS, POSITIONS = 24, 16, 8
K, PIXELS = 700, 8
HARDWARE = Hardware(rows=ROWS, cols=COLS, acc_depth=16, act_spad_bytes=1 << 15, weight_spad_bytes=1 << 16,
                    param_spad_bytes=1 << 10)  # fmt: skip


def program(weights: NDArray[np.int64], bias: NDArray[np.int64], **fields: Any) -> Program:
    """A 1 x 1 convolution of PIXELS pixels with K channels; codes leave by a shift of 6 with ties to even."""
    words = np.full(ROWS, 1 | 6 << 32, np.int64)
    records = np.stack([bias, words], axis=1).astype("<i8").tobytes()
    padded = -(-K // COLS) * COLS
    tile = np.zeros((padded, ROWS), np.int8)
    tile[:K] = weights
    constants = tile.tobytes() + records
    rule = {"overflow": Overflow.SATURATE, "acc_bits": 32, "internal_bits": 48} | {
        k: v for k, v in fields.items() if k in ("overflow", "acc_bits", "internal_bits")
    }
    others = {k: v for k, v in fields.items() if k.startswith(("inner", "x_", "zero_point"))}
    code = [
        Load(space=Space.WEIGHT, dram_addr=0, rows=1, row_bytes=tile.size),
        Load(space=Space.PARAM, dram_addr=tile.size, rows=1, row_bytes=len(records)),
        Load(space=Space.ACT, dram_addr=len(constants), rows=1, row_bytes=PIXELS * K),
        Mac(first=1, last=1, load_params=1, rows=ROWS, positions=POSITIONS, pixel_pitch=K, tile_h=1, tile_w=PIXELS,
            out_w=PIXELS, stride_y=1, stride_x=1, kh=1, kw=1, channels=K, k_count=K, depth_mult=1,
            w_signed=1, reduction=fields.get("reduction", Reduction.TREE), **rule, **{"x_signed": 1, **others}),
        Req(rows=ROWS, positions=POSITIONS, out_addr=PIXELS * K, out_pitch=2 * ROWS, out_w=PIXELS, out_wide=1,
            clamp_lo=-32768, clamp_hi=32767, scheme=SchemeCode.REVEN_SHIFT, overflow=rule["overflow"],
            acc_bits=rule["acc_bits"]),
        Store(spad_addr=PIXELS * K, dram_addr=len(constants) + PIXELS * K, rows=1, row_bytes=2 * ROWS * PIXELS),
    ]  # fmt: skip
    end = len(constants) + PIXELS * K
    symbols = (
        Symbol("x", len(constants), (1, PIXELS, K), "int8", (), (), None, "input", 0, 0),
        Symbol("y", end, (1, PIXELS, ROWS), "int16", (), (), None, "output", len(code), len(code)),
    )
    layer = Layer("conv", "CONV_2D", PIXELS * K * ROWS, (), (), ("y",), ROWS)
    return Program("tile", "tflite", HARDWARE, encode(code), constants, end + 2 * ROWS * PIXELS, symbols, (layer,),
                   np.zeros(len(code), np.int32), True)  # fmt: skip


def operands(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
    noise = np.random.default_rng(seed)
    weights = noise.integers(-128, 128, (K, ROWS))
    return weights, noise.integers(-(1 << 20), 1 << 20, ROWS), noise.integers(-128, 128, (5, PIXELS, K), dtype=np.int8)


def prefixes(weights: NDArray[np.int64], bias: NDArray[np.int64], x: NDArray[np.int8], group: int) -> NDArray[np.int64]:
    """Every prefix at a rule application, [samples, pixels, applications, rows], the bias first."""
    products = x.astype(np.int64)[..., None] * weights
    sums = np.cumsum(np.concatenate([np.broadcast_to(bias, (*x.shape[:2], 1, ROWS)), products], axis=2), axis=2)
    ends = np.unique([0, *range(group, K, group), K])
    return np.asarray(sums[:, :, ends])


def check_extremes(stats: LayerStats, expected: NDArray[np.int64]) -> None:
    np.testing.assert_array_equal(stats.channel_acc_min, expected.min(axis=(0, 1, 2)))
    np.testing.assert_array_equal(stats.channel_acc_max, expected.max(axis=(0, 1, 2)))


@pytest.mark.parametrize(("reduction", "group"), [(Reduction.TREE, COLS), (Reduction.CHAIN, 1)])
def test_proved_tiles_hold_the_exact_sums(reduction: Reduction, group: int) -> None:
    weights, bias, x = operands(1)
    run = execute(program(weights, bias, reduction=reduction), x)
    expected = prefixes(weights, bias, x, group)
    codes = np.clip(np.rint(expected[:, :, -1] / 64), -32768, 32767)
    np.testing.assert_array_equal(run.tensors["y"], codes)
    check_extremes(run.stats[0], expected)
    assert run.stats[0].overflow_events == 0


@pytest.mark.parametrize(("reduction", "group"), [(Reduction.TREE, COLS), (Reduction.CHAIN, 1)])
def test_saturating_tiles_clip_at_every_application(reduction: Reduction, group: int) -> None:
    weights, bias, x = operands(2)
    lo, hi = -(1 << 18), (1 << 18) - 1
    run = execute(program(weights, bias, reduction=reduction, acc_bits=19), x)
    expected = prefixes(weights, bias, x, group)
    value, events = np.clip(expected[:, :, 0], lo, hi), np.zeros((*x.shape[:2], ROWS), np.int64)
    for step in np.moveaxis(np.diff(expected, axis=2), 2, 0):
        events += (value + step < lo) | (value + step > hi)
        value = np.clip(value + step, lo, hi)
    np.testing.assert_array_equal(run.tensors["y"], np.clip(np.rint(value / 64), -32768, 32767))
    check_extremes(run.stats[0], expected)
    np.testing.assert_array_equal(run.stats[0].channel_overflow_events, events.sum(axis=(0, 1)))
    np.testing.assert_array_equal(run.stats[0].channel_overflow_count, (events > 0).sum(axis=(0, 1)))


def ways(monkeypatch: pytest.MonkeyPatch, *tiles: Program) -> list[str]:
    """Which run kernel each program's MAC gets."""
    called: list[str] = []
    for name in ("run_plain", "run_checked"):
        monkeypatch.setattr(executor, name, lambda *_arguments, name=name: called.append(name))
    for tile in tiles:
        execute(tile, operands(0)[2])
    return called


def test_the_proof_is_exact_at_the_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that can reach 2**31 - 1 exactly is proved for 32 bits; one more is not, nor are 31 bits."""
    weights = np.zeros((K, ROWS), np.int64)
    weights[:2, 3] = 127, -128
    one = np.eye(1, ROWS, 3, dtype=np.int64)[0]
    limit = one * ((1 << 31) - 1 - 127 * 127 - 128 * 128)
    tiles = [
        program(weights, limit, acc_bits=32),
        program(weights, limit, acc_bits=31),
        program(weights, limit + one, acc_bits=32),
        program(weights, limit + one, acc_bits=48),
    ]
    assert ways(monkeypatch, *tiles) == ["run_plain", "run_checked", "run_checked", "run_checked"]


SUBTRACT = {"zero_point": ZeroPoint.SUBTRACT}


@pytest.mark.parametrize(
    ("fields", "least", "greatest"),
    [
        ({}, -128, 127),
        ({"x_signed": 0}, 0, 255),
        ({"x_zero": 5}, -128, 127),
        ({"x_zero": 5, **SUBTRACT}, -133, 122),
        ({"x_zero": -128, **SUBTRACT}, 0, 255),
        ({"x_signed": 0, "x_zero": 9, **SUBTRACT}, -9, 246),
    ],
)
def test_the_proof_knows_every_operand(
    fields: dict[str, Any], least: int, greatest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes, less the zero point where it is subtracted; both ends of the register, and of int32, to the last bit."""
    weights, one = np.zeros((K, ROWS), np.int64), np.eye(1, ROWS, 3, dtype=np.int64)[0]
    weights[:2, 3] = 127, -128
    top = (1 << 31) - 1 - (127 * greatest - 128 * least)
    bottom = -(1 << 31) - (127 * least - 128 * greatest)
    biases = top, top + 1, bottom, bottom - 1
    tiles = [program(weights, one * bias, acc_bits=bits, **fields) for bits in (32, 48) for bias in biases]
    assert ways(monkeypatch, *tiles) == ["run_plain", "run_checked"] * 4


@pytest.mark.parametrize("bias", [(1 << 31) - 1, -(1 << 31)])
def test_sums_that_stand_at_one_end_of_int32(bias: int) -> None:
    weights, biases = np.zeros((K, ROWS), np.int64), np.full(ROWS, bias)
    run = execute(program(weights, biases), operands(0)[2])
    check_extremes(run.stats[0], prefixes(weights, biases, operands(0)[2], COLS))


@pytest.mark.parametrize(("end", "beyond"), [((1 << 62) - 1, 1), (-(1 << 62), -1)])
def test_the_proof_refuses_one_more_than_63_bits(end: int, beyond: int) -> None:
    weights, one = np.zeros((K, ROWS), np.int64), np.eye(1, ROWS, 3, dtype=np.int64)[0]
    weights[0, 3] = 1
    bias = end - (127 if beyond > 0 else -128)
    fields = {"acc_bits": 62, "overflow": Overflow.WRAP}
    execute(program(weights, one * bias, **fields), operands(0)[2])
    with pytest.raises(ProgramError, match=r"63 bits"):
        execute(program(weights, one * (bias + beyond), **fields), operands(0)[2])


@pytest.mark.parametrize("reduction", [Reduction.TREE, Reduction.CHAIN])
def test_the_proof_of_inner_accumulators_is_exact(reduction: Reduction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes of -128 take 256 positive weights to -32768, and weights that a spill keeps apart never meet."""
    near, far, over = (np.zeros((K, ROWS), np.int64) for _ in range(3))
    near[:3, 3] = near[COLS : COLS + 3, 3] = 127, 127, 2
    over[:3, 3] = 127, 127, 3
    far[[0, 1, COLS], 3] = 127, 127, 2
    bias, inner = np.zeros(ROWS, np.int64), {"inner_bits": 16, "reduction": reduction}
    tiles = [
        program(near, bias, inner_groups=1, **inner),
        program(near, bias, inner_groups=2, **inner),
        program(far, bias, inner_groups=2, **inner),
        program(over, bias, inner_groups=1, **inner),
    ]
    assert ways(monkeypatch, *tiles) == ["run_plain", "run_checked", "run_plain", "run_checked"]


@pytest.mark.parametrize(("reduction", "group"), [(Reduction.TREE, COLS), (Reduction.CHAIN, 1)])
@pytest.mark.parametrize("bits", [17, 32])
def test_inner_accumulators_saturate_and_spill(reduction: Reduction, group: int, bits: int) -> None:
    weights, bias, x = operands(5)
    groups, window = 3, 3 * COLS
    run = execute(program(weights, bias, reduction=reduction, inner_bits=bits, inner_groups=groups), x)
    ends = [*range(window, K, window), K]
    products = x.astype(np.int64)[..., None] * weights
    value, events = np.broadcast_to(bias, (*x.shape[:2], ROWS)).copy(), np.zeros((*x.shape[:2], ROWS), np.int64)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    for start, end in zip([0, *ends], ends, strict=False):
        inner = np.zeros_like(value)
        for first in range(start, end, group):
            wanted = inner + products[:, :, first : min(first + group, end)].sum(axis=2)
            inner = np.clip(wanted, low, high)
            events += inner != wanted
        value += inner
    np.testing.assert_array_equal(run.tensors["y"], np.clip(np.rint(value / 64), -32768, 32767))
    np.testing.assert_array_equal(run.stats[0].channel_inner_events, events.sum(axis=(0, 1)))
    np.testing.assert_array_equal(run.stats[0].channel_overflow_count, (events > 0).sum(axis=(0, 1)))
    check_extremes(run.stats[0], prefixes(weights, bias, x, window))
    assert (events.sum() > 0) == (bits == 17)


def test_lanes_of_64_bits_take_over_beyond_int32() -> None:
    weights, bias, x = operands(3)
    bias += 1 << 40
    run = execute(program(weights, bias, acc_bits=48), x)
    check_extremes(run.stats[0], prefixes(weights, bias, x, COLS))
    assert run.stats[0].overflow_events == 0


def test_unproved_layers_alone_run_the_checked_way(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, bias, _ = operands(4)
    tiles = program(weights, bias), program(weights, bias, acc_bits=20)
    assert ways(monkeypatch, *tiles) == ["run_plain", "run_checked"]
