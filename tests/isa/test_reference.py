"""The plain machine against what the architecture's pages say, stated here in another way."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import InputError, ProgramError
from fxsim.isa import Init, Mac, Merge, Order, Req, Space, ZeroPoint
from fxsim.isa.machine import Counters
from fxsim.isa.reference import Trap, run_plain
from fxsim.numerics import Overflow, Reduction, SchemeCode
from tests.isa.dots import dot, run_dot, value, weight_tile
from tests.isa.plain import machine
from tests.isa.strategies import record
from tests.isa.tiny import BIAS, WEIGHTS, tiny_instructions, tiny_program


def test_tree_sums_groups_exactly_before_the_rule() -> None:
    tree = run_dot([100, 100, -100, -100], [1] * 4, 0, acc_bits=8, reduction=Reduction.TREE)
    assert value(tree) == 0
    assert tree.tallies[0, 0] == Counters(acc_min=0, acc_max=0)
    chain = run_dot([100, 100, -100, -100], [1] * 4, 0, acc_bits=8, reduction=Reduction.CHAIN)
    assert value(chain) == max(127 - 100 - 100, -128)
    assert chain.tallies[0, 0] == Counters(overflow_events=1, acc_min=0, acc_max=200)


@pytest.mark.parametrize(
    ("mode", "register", "code", "counters"),
    [
        (Overflow.SATURATE, 27, 27, Counters(2, 1, 0, 0, 0, 300)),
        (Overflow.WRAP, -56, -56, Counters(1, 1, 0, 0, 0, 300)),
        (Overflow.TRAP, 27, 27, Counters(2, 1, 0, 0, 0, 300)),
        (Overflow.READOUT, 200, 127, Counters(1, 1, 0, 2, 0, 300)),
    ],
)
def test_overflow_modes(mode: Overflow, register: int, code: int, counters: Counters) -> None:
    """+100 +100 +100 -100 in 8 bits, one by one; readout in a register of 9 bits."""
    plain = machine(np.array([100, 100, 100, -100], np.int8).tobytes(), weight_tile([[1] * 4]), record(0, 1 << 30, 1))
    dot(channels=4, acc_bits=8, internal_bits=9, overflow=mode, reduction=Reduction.CHAIN).execute(plain)
    assert value(plain) == register
    assert plain.accumulator(0, 0, 0).exact == 200
    Req(rows=1, positions=1, acc_bits=8, overflow=mode, out_addr=64, out_w=1, clamp_lo=-128, clamp_hi=127).execute(
        plain
    )
    assert int.from_bytes(plain.read(Space.ACT, 64, 1), "little", signed=True) == code
    assert plain.tallies == {(0, 0): counters}
    assert plain.first_trap == (Trap(0, 0, 0, 0, 1, 200) if mode is Overflow.TRAP else None)


@pytest.mark.parametrize("mode", list(Overflow))
def test_bias_load_is_rule_application_minus_one(mode: Overflow) -> None:
    plain = run_dot([1], [0], 300, acc_bits=8, internal_bits=9, overflow=mode)
    expected = {Overflow.WRAP: 44, Overflow.READOUT: 300 - 512}.get(mode, 127)
    assert value(plain) == expected
    assert plain.tallies[0, 0] == Counters(bias_overflow_count=1, acc_min=300, acc_max=300)
    assert plain.first_trap == (Trap(0, 0, 0, 0, -1, 300) if mode is Overflow.TRAP else None)


def test_first_trap_is_in_group_position_row_k_order() -> None:
    """Two groups, two positions, two rows; only the second group leaves 8 bits, and row 1 of position 0 first."""
    x = np.array([[0, 0, 0, 0, 100, 100, 0, 0], [0, 0, 0, 0, 100, 100, 0, 0]], np.int8)
    plain = machine(x.tobytes(), weight_tile([[1] * 4 + [1, -1, 1, 1], [1] * 8]), record(0, 0, 0) * 2)
    plain.instruction = 7
    dot(
        channels=8,
        rows=2,
        positions=2,
        tile_w=2,
        out_w=2,
        stride_x=1,
        pixel_pitch=8,
        acc_bits=8,
        overflow=Overflow.TRAP,
        reduction=Reduction.TREE,
    ).execute(plain)
    assert plain.first_trap == Trap(7, 1, 0, 1, 4, 200)
    assert plain.tallies[0, 1].overflow_events == 2


def test_order_reversed_walks_the_stream_backwards() -> None:
    plain = run_dot([100, 0, 0, 50], [1] * 4, 0, acc_bits=8, reduction=Reduction.CHAIN, order=Order.REVERSED)
    assert value(plain) == 127
    assert plain.tallies[0, 0] == Counters(overflow_events=1, acc_min=0, acc_max=150)
    plain = machine(np.array([1, 2, 3, 4], np.int8).tobytes(), weight_tile([[1, 10]]), record(0, 0, 0))
    dot(channels=4, k_start=1, k_count=2, order=Order.REVERSED).execute(plain)
    assert value(plain) == 1 * 3 + 10 * 2


def test_split_sum_merges_parts_in_order() -> None:
    """Parts 90 + 80 - 100: each in range, their sum passes through 170."""
    plain = machine(np.array([90, 80, -100], np.int8).tobytes(), weight_tile([[1]]), record(0, 0, 0))
    for part in range(3):
        init = Init.ZERO if part else Init.BIAS
        dot(channels=3, k_start=part, k_count=1, slot=part, init=init, acc_bits=8, overflow=Overflow.TRAP).execute(
            plain
        )
    plain.instruction = 3
    Merge(rows=1, positions=1, parts=3, acc_bits=8, overflow=Overflow.TRAP, k_start=1).execute(plain)
    assert value(plain) == 27
    assert plain.accumulator(0, 0, 0).exact == 70
    assert plain.tallies[0, 0] == Counters(overflow_events=1, acc_min=-100, acc_max=170)
    assert plain.first_trap == Trap(3, 0, 0, 0, 1, 170)


def test_event_of_any_part_counts_the_output_once() -> None:
    plain = machine(np.array([90, 90, 90, 90], np.int8).tobytes(), weight_tile([[1, 1]]), record(0, 0, 0))
    for part in range(2):
        dot(
            channels=4, k_start=2 * part, k_count=2, slot=part, init=Init.ZERO if part else Init.BIAS, acc_bits=8
        ).execute(plain)
    Merge(rows=1, positions=1, parts=2, acc_bits=8, k_start=2).execute(plain)
    Req(rows=1, positions=1, acc_bits=8, out_w=1).execute(plain)
    assert plain.tallies[0, 0] == Counters(overflow_events=3, overflow_count=1, acc_min=0, acc_max=360)


def test_keep_continues_slot_events_and_prefix() -> None:
    whole = run_dot([90, 90, -5, 3], [1, 1, 2, -7], 4, acc_bits=8, reduction=Reduction.CHAIN)
    parts = machine(np.array([90, 90, -5, 3], np.int8).tobytes(), weight_tile([[1, 1, 2, -7]]), record(4, 0, 0))
    for start in range(4):
        dot(
            channels=4,
            k_start=start,
            k_count=1,
            w_addr=2 * start,
            init=Init.KEEP if start else Init.BIAS,
            acc_bits=8,
            reduction=Reduction.CHAIN,
        ).execute(parts)
    assert parts.bank == whole.bank
    assert parts.tallies == whole.tallies


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """Codes, weights and window of a small convolution, shared or private x."""
    n = {
        name: draw(st.integers(lo, hi))
        for name, lo, hi in (
            ("h", 1, 5),
            ("w", 1, 5),
            ("c", 1, 5),
            ("kh", 1, 3),
            ("kw", 1, 3),
            ("stride", 1, 2),
            ("dilation", 1, 2),
            ("pad", 0, 2),
            ("mult", 1, 2),
            ("private", 0, 1),
            ("seed", 0, 1 << 16),
            ("zero", -128, 127),
            ("w_zero", -9, 9),
            ("channel0", 0, 2),
        )
    }
    n["zero_point"] = draw(st.sampled_from(list(ZeroPoint)))
    n["order"] = draw(st.sampled_from(list(Order)))
    n["reduction"] = draw(st.sampled_from(list(Reduction)))
    return n


@given(convolutions())
def test_mac_is_a_convolution(n: dict[str, Any]) -> None:
    """Wide accumulators: every position and row equals the padded window's product sum."""
    random = np.random.default_rng(n["seed"])
    rows, span = 2, n["channel0"] + 2
    channels = -(-span // n["mult"]) if n["private"] else n["c"]
    x = random.integers(-128, 128, (n["h"], n["w"], channels))
    kernel = random.integers(-128, 128, (rows, n["kh"], n["kw"], 1 if n["private"] else channels))
    bias = random.integers(-1000, 1000, rows)
    stream = kernel.reshape(rows, -1)[:, :: -1 if n["order"] is Order.REVERSED else 1]
    plain = machine(
        x.astype(np.int8).tobytes(), weight_tile(stream.tolist()), b"".join(record(int(b), 0, 0) for b in bias)
    )
    out_h, out_w = 2, 3
    Mac(
        rows=rows,
        positions=out_h * out_w,
        kh=n["kh"],
        kw=n["kw"],
        channels=kernel.shape[3],
        k_count=stream.shape[1],
        tile_h=n["h"],
        tile_w=n["w"],
        pixel_pitch=channels,
        iy0=-n["pad"],
        ix0=-n["pad"],
        out_w=out_w,
        stride_y=n["stride"],
        stride_x=n["stride"],
        dil_y=n["dilation"],
        dil_x=n["dilation"],
        depth_mult=n["mult"],
        private_x=n["private"],
        row_base=n["channel0"],
        x_zero=n["zero"],
        w_zero=n["w_zero"],
        x_signed=1,
        w_signed=1,
        zero_point=n["zero_point"],
        order=n["order"],
        reduction=n["reduction"],
        acc_bits=32,
        load_params=1,
    ).execute(plain)
    feed = n["zero"] if n["zero_point"] is ZeroPoint.FOLD else 0
    operand = x if n["zero_point"] is ZeroPoint.FOLD else x - n["zero"]
    reach = 2 * n["stride"] + 2 * n["dilation"] + 3
    padded = np.pad(operand, ((n["pad"], reach), (n["pad"], reach), (0, 0)), constant_values=feed)
    for position in range(out_h * out_w):
        oy, ox = divmod(position, out_w)
        top, left, d = oy * n["stride"], ox * n["stride"], n["dilation"]
        window = padded[top : top + n["kh"] * d : d, left : left + n["kw"] * d : d]
        for row in range(rows):
            mine = window[:, :, [(n["channel0"] + row) // n["mult"]]] if n["private"] else window
            assert value(plain, position, row) == bias[row] + np.sum(mine * (kernel[row] - n["w_zero"]))


def test_wide_unsigned_operands_and_channel_base() -> None:
    plain = machine(np.array([7, 40000, 65535], "<u2").tobytes(), np.array([0, 0, 60000, 0, 1, 0], "<u2").tobytes())
    dot(
        channels=4,
        channel_base=1,
        k_start=1,
        k_count=3,
        x_signed=0,
        w_signed=0,
        x_wide=1,
        w_wide=1,
        acc_bits=64,
        load_params=0,
    ).execute(plain)
    assert value(plain) == 40000 * 60000 + 65535


def test_row_file_keeps_its_records_per_half() -> None:
    plain = machine(b"", b"", record(5, 0, 0) + record(-6, 0, 0))
    for half in range(2):
        dot(channels=1, half=half, p_addr=16 * half).execute(plain)
    assert [plain.row(half, 0)[0] for half in range(2)] == [5, -6]
    assert plain.row(0, 1) == (0, 0)


@pytest.mark.parametrize(
    ("scheme", "word", "complaint"),
    [
        (
            SchemeCode.TFL_DOUBLE,
            struct.pack("<ibxxx", 1 << 30, 31),
            r"shift of a TFL_DOUBLE record must be in -31\.\.30",
        ),
        (SchemeCode.RNDNU, struct.pack("<ibxxx", 1 << 23, 15), r"shift of a RNDNU record must be in 16\.\.55, not 15"),
        (SchemeCode.FP32_RNE, struct.pack("<d", float("nan")), "factor of a FP32_RNE record must be at least 0"),
        (SchemeCode.TFL_DOUBLE_FP, struct.pack("<d", -0.5), "factor of a TFL_DOUBLE_FP record must be at least 0"),
    ],
)
def test_row_record_must_suit_the_scheme(scheme: SchemeCode, word: bytes, complaint: str) -> None:
    plain = machine()
    plain.load_row(0, 0, 0, int.from_bytes(word, "little"))
    with pytest.raises(ProgramError, match=complaint):
        Req(rows=1, positions=1, acc_bits=32, scheme=scheme, out_w=1).execute(plain)


def test_float_scheme_reads_its_record_as_binary64() -> None:
    plain = machine()
    plain.load_row(0, 0, 0, int.from_bytes(struct.pack("<d", 0.25), "little"))
    plain.accumulator(0, 0, 0).value = 10
    Req(
        rows=1, positions=1, acc_bits=32, scheme=SchemeCode.TFL_DOUBLE_FP, out_w=1, clamp_lo=-128, clamp_hi=127
    ).execute(plain)
    assert plain.read(Space.ACT, 0, 1) == bytes([3])


def test_requantizer_writes_the_grid() -> None:
    plain = machine(b"", b"", record(0, 1 << 30, 1) * 2)
    dot(channels=1, rows=2).execute(plain)
    for position in range(4):
        for row in range(2):
            plain.accumulator(0, row, position).value = 100 * position - 7 * row
    Req(
        rows=2,
        positions=4,
        acc_bits=32,
        out_w=3,
        ox_start=2,
        out_pitch=4,
        out_row_pitch=20,
        out_zero=1,
        clamp_lo=-500,
        clamp_hi=250,
        out_wide=1,
    ).execute(plain)
    expected = np.zeros((2, 20), np.uint8)
    for position, cell in enumerate([(0, 8), (1, 0), (1, 4), (1, 8)]):
        codes = np.clip([100 * position + 1, 100 * position - 6], -500, 250).astype("<i2")
        expected[cell[0], cell[1] : cell[1] + 4] = codes.view(np.uint8)
    assert plain.read(Space.ACT, 0, 40) == expected.tobytes()


@given(st.lists(st.integers(-128, 127), min_size=4, max_size=4))
def test_whole_program(x: list[int]) -> None:
    program = tiny_program()
    program.check()
    result = run_plain(program, {"x": np.array(x, np.int8).tobytes()})
    sums = [b + int(np.dot(w, x)) for w, b in zip(WEIGHTS, BIAS, strict=True)]
    outputs = np.frombuffer(result.bytes_of(program.symbol("y")), np.int8)
    assert outputs.tolist() == np.clip(sums, -128, 127).tolist()
    for row, total in enumerate(sums):
        assert result.counters[0, row] == Counters(acc_min=min(BIAS[row], total), acc_max=max(BIAS[row], total))
    assert result.trap is None


def test_trap_names_its_instruction() -> None:
    program = tiny_program(tiny_instructions(acc_bits=8, overflow=Overflow.TRAP))
    program.check()
    result = run_plain(program, {"x": bytes([0, 0, 0, 100])})
    assert result.trap == Trap(3, 0, 0, 0, 0, 10 + 4 * 100)


def test_inputs_are_checked() -> None:
    with pytest.raises(InputError, match=r"inputs must be \['x'\], not \['y'\]"):
        run_plain(tiny_program(), {"y": b""})
    with pytest.raises(InputError, match="x: input must have 4 bytes, not 3"):
        run_plain(tiny_program(), {"x": b"123"})
