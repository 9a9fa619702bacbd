"""Forensics against a machine that is stepped and logs every rule application, and by hand."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fxsim
from fxsim._core.errors import HardwareError, InputError, LoweringError
from fxsim.analysis import Event, Forensics, forensics
from fxsim.api import random_samples
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.hw import Hardware
from fxsim.numerics import Affine
from fxsim.ops import Conv2D, FullyConnected
from fxsim.sim.locate import Output, Phase
from fxsim.testing import Chain, networks
from tests.analysis.logs import check_layer, traced
from tests.lowering.test_random import descriptions, requantizers
from tests.ops.networks import bias, single, tensor, weights


@settings(max_examples=60)
@given(networks(), descriptions(), requantizers(), st.integers(0, 99), st.booleans())
def test_what_the_machine_logs(
    net: Network, hw: Hardware, requantizer: dict[str, Any], seed: int, single: bool
) -> None:
    """Whole layers, or one output position at a time (`single`)."""
    x = random_samples(net, seed, 2)
    try:
        program = fxsim.lower(net, hw.replace(**requantizer))
    except (HardwareError, LoweringError):
        return
    with pytest.MonkeyPatch.context() as patch:
        if single:
            patch.setattr("fxsim.ops.accumulate._CHUNK_ELEMENTS", 1)
        found = forensics(program, x, net=net)
    logs = traced(program, x)
    assert [layer.layer for layer in found.layers] == sorted(logs)
    for layer in found.layers:
        shape = program.layers[layer.layer].out_shapes[0]
        shape = shape if layer.op != "FULLY_CONNECTED" else (1, 1, -1, shape[-1])
        shape = tuple(np.empty(program.layers[layer.layer].out_shapes[0]).reshape(shape).shape)
        check_layer(layer, logs[layer.layer], shape, program)
    firsts = [layer.first for layer in found.layers if layer.first is not None]
    worsts = [layer.worst for layer in found.layers if layer.worst is not None]
    if found.first is not None and found.worst is not None:
        assert (found.first.sample, found.first.cycle) == min((e.sample, e.cycle) for e in firsts)
        assert abs(found.worst.error) == max(abs(e.error) for e in worsts)
    assert (found.first is None) == (not firsts) == (not worsts)


def dense(weight: int = 1, activation: str = "NONE", first: int = 0) -> Network:
    """Eight inputs, two outputs: `first` and `weight` times their sum, and nothing; a quarter of it is the code."""
    w = weights([[weight] * 8, [0] * 8])
    x, y = tensor((1, 8), 1.0), tensor((1, 2), 1.0)
    return single("FULLY_CONNECTED", FullyConnected(activation), x, y, w, bias([first, 0]))


def found_in(net: Network, x: Any, **fields: Any) -> Event:
    """The first event, which is the worst, in registers of nine bits: -256..255."""
    hw = Hardware(rows=2, cols=4, acc_bits=9, bias_policy="apply").replace(**fields)
    found = forensics(fxsim.lower(net, hw), x, net=net)
    assert found.first is not None
    assert found.worst is not None
    assert found.first.sentence == found.worst.sentence
    return found.first


SIXTIES = np.array([[0] * 8, [60] * 8], np.int8)
"""The second sample's sum is 480, two groups of 240; its code is 120, that of 255 is 64 (63.75)."""
SATURATED, LOW = "9-bit accumulator saturated at +255", "480; output 56 LSB too low; 10"


@pytest.mark.parametrize(
    ("fields", "step", "register", "rest"),
    [
        ({}, "k = 4..7", SATURATED, LOW),
        ({"overflow": "trap"}, "k = 4..7", "9-bit accumulator trapped at +255", LOW),
        ({"overflow": "wrap"}, "k = 4..7", "9-bit accumulator wrapped to -32", "480; output 128 LSB too low; 10"),
        ({"reduction": "chain"}, "k = 4", SATURATED, "300; output 56 LSB too low; 10"),
        ({"order": "reversed"}, "k = 4..7", SATURATED, LOW),
        ({"bias_order": "last"}, "k = 4..7", SATURATED, LOW),
        ({"split_k": 2}, "merge of part 1 (k from 4 on)", SATURATED, LOW),
        ({"overflow": "readout"}, "read-out", "9-bit read-out clamped to +255", LOW),
        (
            {"overflow": "readout", "acc_bits": 8, "acc_internal_bits": 9},
            "k = 4..7",
            "9-bit internal register wrapped to -32",
            "480; output 128 LSB too low; 10",
        ),
    ],
)
def test_sentences(fields: dict[str, Any], step: str, register: str, rest: str) -> None:
    event = found_in(dense(), SIXTIES, **fields)
    place = f"sample 1, layer 0 'node' (FULLY_CONNECTED), output (0, 0), channel 0, {step}"
    when = f"cycle {event.cycle:,}, instruction {event.instruction}"
    assert event.sentence == f"{place}, {when}: {register}; exact sum {rest} bits would be enough"


def test_sentences_of_what_falls_below() -> None:
    """-480 held at -256: codes -120 and -64."""
    event = found_in(dense(-1), SIXTIES)
    assert event.sentence.endswith("saturated at -256; exact sum -480; output 56 LSB too high; 10 bits would be enough")
    assert (event.error, event.masked, event.excess, event.enough_bits) == (56, False, 224, 10)


def test_the_output_clamp_masks() -> None:
    event = found_in(dense(-1, "RELU"), SIXTIES)
    assert event.sentence.endswith("saturated at -256; exact sum -480; output unchanged; 10 bits would be enough")
    assert event.masked


def test_a_bias_load_is_found_and_counted_apart() -> None:
    """The load of 300 is the first to leave, before the sum of -660 does: eleven bits."""
    event = found_in(dense(-2, first=300), SIXTIES[1:])
    assert (event.phase, event.application, event.k, event.exact, event.stored) == (Phase.BIAS, -1, -1, 300, 255)
    assert "channel 0, bias load, cycle" in event.sentence
    assert event.enough_bits == 11


def test_a_bias_that_comes_last() -> None:
    """-480 in ten bits, then -100: -580 held at -512 has the code -128 as -580 clamped has."""
    event = found_in(dense(-1, first=-100), SIXTIES[1:], acc_bits=10, bias_order="last")
    assert (event.phase, event.application, event.k, event.stored, event.code) == (Phase.BIAS, 2, -1, -512, -128)
    assert ", bias addition, cycle" in event.sentence
    assert event.sentence.endswith("exact sum -580; output unchanged; 11 bits would be enough")


def test_a_bias_load_alone_is_no_event_of_an_output() -> None:
    """300 held at 255, then -60: 195 and 240, whose codes are 49 and 60."""
    net, x = dense(-1, first=300), np.array([[60, 0, 0, 0, 0, 0, 0, 0]], np.int8)
    event = found_in(net, x)
    assert (event.exact, event.code, event.exact_code, event.enough_bits) == (300, 49, 60, 10)
    program = fxsim.lower(net, Hardware(acc_bits=9, bias_policy="apply"))
    (layer,) = forensics(program, x, net=net).layers
    assert (layer.rate, layer.masked, layer.visible, layer.stats.bias_overflow_count) == (0.0, 0, 1, 1)


def test_the_image_is_named_where_a_sample_has_several() -> None:
    w = weights(np.ones((3, 1, 1, 4), int))
    net = single("CONV_2D", Conv2D(), tensor((2, 2, 3, 4), 1.0), tensor((2, 2, 3, 3), 1.0), w)
    x = np.zeros((1, 2, 2, 3, 4), np.int8)
    x[0, 1, 1, 2] = 100
    event = found_in(net, x)
    assert event.output == Output(1, 1, 2, 0)
    assert "(CONV_2D), image 1, output (1, 2), channel 0, k = 0..3, cycle" in event.sentence


def test_rates_and_extremes_by_hand() -> None:
    """Channel 0 of the second of two samples; channel 1 sums nothing, in PE row 1 of three."""
    hw = Hardware(rows=3, cols=4, acc_bits=9)
    (layer,) = forensics(fxsim.lower(dense(), hw), SIXTIES, net=dense()).layers
    assert (layer.outputs, layer.rate, layer.extremes) == (4, 0.25, (0, 480))
    assert layer.channel_rates.tolist() == [0.5, 0.0]
    assert layer.row_outputs.tolist() == [2, 2, 0]
    assert layer.row_rates.tolist() == [0.5, 0.0, 0.0]
    assert (layer.masked, layer.visible) == (0, 1)
    (calm,) = forensics(fxsim.lower(dense(), hw.replace(acc_bits=10)), SIXTIES, net=dense()).layers
    assert (calm.rate, calm.masked, calm.visible, calm.first, calm.worst) == (0.0, 0, 0, None, None)
    assert calm.row_outputs.tolist() == [2, 2, 0]


def said(found: Forensics) -> list[str]:
    return [e.sentence for layer in found.layers for e in (layer.first, layer.worst) if e is not None]


def test_an_override_is_the_lowered_thing() -> None:
    net = Chain((1, 6, 6, 3), seed=5).conv(5).depthwise(2).reshape(1, 360).dense(4).build()
    x, hw = random_samples(net, 3, 4), Hardware(acc_bits=13, overflow="wrap", bias_policy="apply", split_k=2)
    layers = {"n1": {"acc_bits": 11, "overflow": "saturate"}}
    over = forensics(fxsim.lower(net, Hardware(split_k=2)), x, net=net, numerics=hw.numerics, layers=layers)
    lowered = forensics(fxsim.lower(net, hw, layers=layers), x, net=net)
    assert said(over) == said(lowered)
    assert len(said(over)) == 6
    assert "11-bit accumulator saturated" in said(over)[2]
    assert all(a.stats.same_as(b.stats) for a, b in zip(over.layers, lowered.layers, strict=True))


def test_bad_input_is_refused() -> None:
    net = Chain((1, 4, 4, 3)).conv(4).build()
    program, x = fxsim.lower(net), random_samples(net, 0)
    with pytest.raises(InputError, match="net must be the network that the program was lowered from"):
        forensics(program, x, net=dense())
    with pytest.raises(HardwareError, match="layers must come with numerics"):
        forensics(program, x, net=net, layers={"n0": {"acc_bits": 9}})
    tight = dataclasses.replace(program.hardware.numerics, acc_bits=6)
    with pytest.raises(HardwareError, match="layer 'n0': every bias must fit the accumulator of 6 bits"):
        forensics(program, x, net=net, numerics=tight)
    other = Chain((1, 4, 4, 3), seed=1).conv(4).build()
    narrow = fxsim.lower(net, Hardware(acc_bits=12, bias_policy="apply"))
    with pytest.raises(InputError, match="layer 'n0': net must be the network"):
        forensics(narrow, x, net=other)


def vectors(w: list[list[int]], x: list[list[int]], **fields: Any) -> Event:
    """First event of vectors times `w`, all in one block of two rows and four columns, nine bits."""
    shape = (len(x), len(w[0]))
    net = single("FULLY_CONNECTED", FullyConnected(), tensor(shape, 1.0), tensor((len(x), len(w)), 1.0), weights(w))
    samples = np.array(x if len(x) == 1 else [x], np.int8)
    hw = Hardware(rows=2, cols=4, acc_bits=9, dataflow="weight-stationary").replace(**fields)
    first = forensics(fxsim.lower(net, hw), samples, net=net).first
    assert first is not None
    return first


def test_the_first_event_is_the_one_a_trap_finds() -> None:
    """Within a pass of the array positions come before rows, and rows before k; passes and parts before all of them."""
    a_row_before_k = vectors([[1] * 4, [3] * 4], [[100] * 4], reduction="chain")
    assert (a_row_before_k.output.channel, a_row_before_k.k) == (0, 2)
    a_pass_before_positions = vectors([[1] * 8], [[0] * 4 + [100] * 4, [100] * 4 + [0] * 4])
    assert (a_pass_before_positions.output.x, a_pass_before_positions.k) == (1, 0)
    a_part_before_positions = vectors([[1] * 12], [[50] * 4 + [0] * 4 + [50] * 4, [50] * 8 + [0] * 4], split_k=3)
    found = a_part_before_positions
    assert (found.phase, found.output.x, found.k, found.position) == (Phase.MERGE, 1, 4, 1)


def test_what_wraps_back_is_masked() -> None:
    """0, 800, 0 in an internal register of ten bits, which holds -224 and then 0 again."""
    event = vectors([[2] * 4 + [-2] * 4], [[100] * 8], overflow="readout", acc_internal_bits=10)
    assert (event.exact, event.stored, event.error, event.excess, event.enough_bits) == (800, -224, 0, 0, 11)


def test_samples_come_before_everything_else() -> None:
    """The first sample leaves in its second group, the second one in its first."""
    x = np.array([[0] * 4 + [100] * 4, [100] * 8], np.int8)
    event = found_in(dense(), x[:1])
    assert (event.sample, event.k) == (0, 4)
    program = fxsim.lower(dense(), Hardware(rows=2, cols=4, acc_bits=9))
    assert said(forensics(program, x, net=dense()))[0] == event.sentence


def test_an_event_in_a_later_part_of_a_split_sum_names_its_own_instruction() -> None:
    """Four products of 0, then of 100 in a part of their own."""
    event = vectors([[1] * 8], [[0] * 4 + [100] * 4], split_k=2)
    calm = vectors([[1] * 8], [[100] * 4 + [0] * 4], split_k=2)
    assert (event.phase, event.k, calm.phase, calm.k) == (Phase.SUM, 4, Phase.SUM, 0)
    assert event.instruction > calm.instruction


def test_a_read_out_needs_the_final_sum_only() -> None:
    """800, then 400: ten bits hold what is read, eleven would hold every prefix."""
    event = vectors([[2] * 4 + [-1] * 4], [[100] * 8], overflow="readout")
    assert (event.phase, event.exact, event.stored, event.enough_bits) == (Phase.READ, 400, 255, 10)


def test_codes_are_the_requantizers_own() -> None:
    """A step of 0.2: 480 becomes 96, by the nearest power of two 120."""
    net = single("FULLY_CONNECTED", FullyConnected(), tensor((1, 8), 1.0), tensor((1, 1), 1.0), weights([[1] * 8], 0.2))
    codes = [found_in(net, SIXTIES, requantizer=scheme).exact_code for scheme in ("profile", "REVEN_SHIFT")]
    assert codes == [96, 120]


def test_first_and_worst_of_several_layers() -> None:
    """The first sample overflows in the second layer only (8 * 30 = 240, then 60 * 5), the second one in both."""
    quant = Affine(np.float32(1.0), 0)
    fine, step = Affine(np.float32(0.25), 0), TensorType((1, 8), DType.INT8, quant)
    values = [
        Value("x", step),
        Value("w0", TensorType((8, 8), DType.INT8, fine), np.ones((8, 8), np.int8)),
        Value("h", step),
        Value("w1", TensorType((1, 8), DType.INT8, fine), np.array([[5] + [0] * 7], np.int8)),
        Value("y", TensorType((1, 1), DType.INT8, quant)),
    ]
    nodes = [
        Node("FULLY_CONNECTED", "one", (0, 1, -1), (2,), FullyConnected()),
        Node("FULLY_CONNECTED", "two", (2, 3, -1), (4,), FullyConnected()),
    ]
    net = build("two layers", values, nodes, [0], [4])
    program = fxsim.lower(net, Hardware(rows=2, cols=4, acc_bits=9))
    found = forensics(program, np.array([[30] * 8, [70] * 8], np.int8), net=net)
    one, two = found.layers
    assert one.first is not None
    assert two.first is not None
    assert found.first is two.first
    assert (one.first.sample, two.first.sample) == (1, 0)
    assert one.first.instruction < two.first.instruction
    assert [e.error for e in (one.worst, two.worst) if e is not None] == [-63, -16]
    assert found.worst is one.worst


def test_as_table_and_as_plain_data() -> None:
    found = forensics(fxsim.lower(dense(), Hardware(rows=3, cols=4, acc_bits=9)), SIXTIES, net=dense())
    assert found.first is not None
    table = found.table()
    assert table.rows == [[0, "node", "saturate 9", 1, 25.0, 1, 0, 0, 0, 1, 0, 480]]
    assert table.remark == f"first: {found.first.sentence}\nworst: {found.first.sentence}"
    plain = found.layers[0].to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["channel_rates"], plain["row_rates"], plain["extremes"]) == ([0.5, 0.0], [0.5, 0.0, 0.0], [0, 480])
    event = plain["first"]
    assert (event["output"], event["phase"]) == ({"image": 0, "y": 0, "x": 0, "channel": 0}, "sum")
    assert (event["k"], event["error"], event["sentence"]) == (4, -56, found.first.sentence)
    calm = forensics(fxsim.lower(dense()), SIXTIES, net=dense())
    assert (calm.table().remark, calm.layers[0].to_dict()["worst"]) == ("", None)
