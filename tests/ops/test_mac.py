from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import LoweringError, QuantizationError
from fxsim.hw import Hardware, Numerics, presets
from fxsim.ops import OPERATORS, Conv2D, FullyConnected, MacParams, Outcome, accumulate, mac_params, validate
from fxsim.ops.mac import check_fit
from tests.ops import naive
from tests.ops.mac_cases import OPS, MacCase, mac_cases
from tests.ops.networks import bias, codes, single, tensor, weights


def run(case: MacCase, numerics: Numerics | None) -> Outcome:
    validate(case.net)
    node = case.net.nodes[0]
    return OPERATORS[node.op].run(case.net, node, [case.x, *[None] * (len(node.inputs) - 1)], numerics)


def assert_codes(outcome: Outcome, expected: np.ndarray, case: MacCase) -> None:
    (out,) = outcome.outputs
    assert out.dtype == np.int8
    assert out.shape == (len(case.x), *case.net.values[1].type.shape)
    np.testing.assert_array_equal(out.reshape(expected.shape), expected)


@pytest.mark.parametrize("op", OPS)
@given(st.data())
def test_runtime_equals_naive(op: str, data: st.DataObject) -> None:
    case = data.draw(mac_cases(op))
    outcome = run(case, None)
    assert_codes(outcome, case.runtime(), case)
    assert outcome.stats.acc_min is None


@given(mac_cases("FULLY_CONNECTED", "litert"))
def test_litert_fully_connected_requantizes_in_binary64(case: MacCase) -> None:
    assert_codes(run(case, None), case.runtime(naive.tfl_double_fp), case)


@st.composite
def numerics(draw: st.DrawFn) -> Numerics:
    reduction = draw(st.sampled_from(["tree", "chain"]))
    acc_bits = draw(st.integers(2, 40))
    group_size = 1 if reduction == "chain" else draw(st.integers(1, 9))
    return Numerics(
        acc_bits=acc_bits,
        acc_internal_bits=acc_bits + draw(st.integers(0, 10)),
        overflow=draw(st.sampled_from(["saturate", "wrap", "trap", "readout"])),
        reduction=reduction,
        group_size=group_size,
        inner_bits=draw(st.sampled_from([0, 2, 8, 13, 16, 17, 20])),
        inner_products=group_size * draw(st.integers(1, 5)),
        inner_overflow=draw(st.sampled_from(["saturate", "wrap"])),
        order=draw(st.sampled_from(["canonical", "reversed"])),
        split_k=draw(st.integers(1, 5)),
        bias_order=draw(st.sampled_from(["first", "last"])),
        zero_point=draw(st.sampled_from(["fold", "subtract"])),
        bias_policy="apply",
        multiplier_bits=draw(st.sampled_from([32, 31, 20, 12, 8, 3, 2])),
        multipliers=draw(st.sampled_from(["channel", "tensor"])),
    )


@given(mac_cases(), numerics())
def test_hardware_numerics_equal_naive(case: MacCase, hw: Numerics) -> None:
    outcome = run(case, hw)
    expected, stats = case.hardware(hw)
    assert_codes(outcome, expected, case)
    assert outcome.stats.same_as(stats), (outcome.stats, stats)


@given(mac_cases(), st.sampled_from(presets()), st.sampled_from(["fold", "subtract"]))
def test_wide_accumulators_equal_the_runtime(case: MacCase, preset: str, zero_point: str) -> None:
    outcome = run(case, Hardware.load(preset).replace(zero_point=zero_point).numerics)
    assert outcome.stats.overflow_events == 0
    assert_codes(outcome, case.runtime(), case)


@given(mac_cases())
def test_macs_count_padded_taps(case: MacCase) -> None:
    node, (outputs, depth) = case.net.nodes[0], (case.net.values[1].type.size, 0)
    g, w = case.geometry, case.net.values[2].type.shape
    depth = w[1] if len(w) == 2 else g.kh * g.kw * (w[3] if node.op == "CONV_2D" else 1)
    assert OPERATORS[node.op].macs(case.net, node) == outputs * depth
    assert mac_params(case.net, node).macs == outputs * depth


@given(mac_cases())
def test_parameters_are_those_of_the_layer(case: MacCase) -> None:
    params = mac_params(case.net, case.net.nodes[0])
    assert (params.x_zero, params.out_zero, params.clamp_lo, params.clamp_hi) == (case.zx, case.zy, *case.clamp)
    assert params.bias.tolist() == params.initial.tolist() == case.b
    assert params.w_zero.tolist() == [case.zw] * len(case.b)
    expected = [naive.quantize_multiplier(r) for r in case.real]
    pairs = list(zip(params.requant.multiplier.tolist(), params.requant.shift.tolist(), strict=True))
    assert pairs * (1 if len(pairs) > 1 else len(expected)) == expected


@given(mac_cases())
def test_folded_bias(case: MacCase) -> None:
    params = mac_params(case.net, case.net.nodes[0], Numerics(bias_policy="apply"))
    total = params.weights.reshape(len(case.b), -1).sum(axis=1) - params.w_zero * params.window.depth
    np.testing.assert_array_equal(params.initial, np.array(case.b) - case.zx * total)
    assert params.fold


def small_conv(**changes: int) -> tuple[MacCase, MacParams]:
    c = {"w": 100, "b": 40000, "zx": -10, **changes}
    net = single(
        "FULLY_CONNECTED",
        FullyConnected(),
        tensor((1, 2), 1.0, c["zx"]),
        tensor((1, 1), 1.0),
        weights([[c["w"], 3]]),
        bias([c["b"]]),
    )
    case = MacCase(
        net,
        np.zeros((1, 1, 2), np.int8),
        naive.Geometry(1, 1, 1, 1),
        naive.conv_terms,
        np.array([[c["w"], 3]], np.int8),
        [c["b"]],
        [0.25],
        c["zx"],
        0,
        0,
        (-128, 127),
    )
    return case, mac_params(net, net.nodes[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"acc_bits": 16}, "must fit 16 accumulator bits"),
        ({"acc_bits": 16, "zero_point": "subtract"}, "must fit 16 accumulator bits"),
        ({"acc_bits": 12, "overflow": "readout", "acc_internal_bits": 16}, "must fit 16 accumulator bits"),
        ({"act_bits": 7}, "activation codes must fit act_bits = 7"),
        ({"weight_bits": 7}, "weight codes must fit weight_bits = 7"),
    ],
)
def test_what_the_hardware_cannot_hold_is_refused(fields: dict[str, object], message: str) -> None:
    case, _ = small_conv()
    with pytest.raises(LoweringError, match=message):
        run(case, Numerics(**fields))  # type: ignore[arg-type]


def test_bias_storage_is_checked() -> None:
    case, _ = small_conv(b=2**31 - 1, zx=-128)
    with pytest.raises(LoweringError, match="bias_bits = 32"):
        run(case, Numerics(acc_bits=40))
    assert run(case, Numerics(acc_bits=40, bias_bits=48)).stats.acc_max == 2**31 - 1 + 128 * 103


def test_readout_register_may_hold_a_bias_that_acc_bits_cannot() -> None:
    case, _ = small_conv()
    stats = run(case, Numerics(acc_bits=12, overflow="readout")).stats
    assert (stats.bias_overflow_count, stats.overflow_count) == (0, 1)


@pytest.mark.parametrize("reach", [1 << 10, 1 << 24, 1 << 53, 1 << 60])
@pytest.mark.parametrize("depth", [1, 7, 8, 33])
def test_sums_of_any_size_are_exact(reach: int, depth: int) -> None:
    """Operands whose magnitudes add up to just below and above `reach`, odd ones: a lost bit shows."""
    rng = np.random.default_rng(depth)
    w = rng.choice([-3, -1, 1, 3], (depth, 2))
    fc = single("FULLY_CONNECTED", FullyConnected(), tensor((1, depth)), tensor((1, 2)), weights(w.T))
    params, norms = mac_params(fc, fc.nodes[0]), np.abs(w).sum(axis=0)
    signs = np.sign(w[:, norms.argmax()])
    for top in (reach // int(norms.max()) - 1, reach // int(norms.max()) + 3):
        x = (rng.integers(top - 2, top, (40, depth)) | 1) * signs
        expected = [[naive.wrap(sum(map(int.__mul__, row, c)), 32) for c in w.T.tolist()] for row in x.tolist()]
        assert accumulate.accumulate(params, x, None)[0].tolist() == expected


def test_exact_sums_beyond_63_bits_are_refused() -> None:
    _, params = small_conv()
    huge = dataclasses.replace(params, initial=np.array([2**62 - 1]))
    with pytest.raises(LoweringError, match="63 bits"):
        check_fit(huge, Numerics(acc_bits=64, bias_bits=64), where="node")


def test_requantizer_of_the_hardware_replaces_the_profile() -> None:
    case, _ = small_conv()
    assert mac_params(case.net, case.net.nodes[0], Numerics(requantizer="REVEN_SHIFT")).scheme.name == "REVEN_SHIFT"
    assert mac_params(case.net, case.net.nodes[0], Numerics()).scheme.name == "TFL_DOUBLE"


def test_left_shift_wraps_at_the_width_of_the_requantizer() -> None:
    """A factor of 1 is a left shift by one: 2^30 wraps at 32 bits and does not at 40."""
    net = single(
        "FULLY_CONNECTED",
        FullyConnected(),
        tensor((1, 1), 1.0),
        tensor((1, 1), 1.0),
        weights([[1]], 1.0),
        bias([2**30]),
    )
    x = np.zeros((1, 1, 1), np.int8)
    for hw, expected in ((None, -128), (Numerics(), -128), (Numerics(acc_bits=40), 127)):
        (out,) = OPERATORS["FULLY_CONNECTED"].run(net, net.nodes[0], [x, None, None], hw).outputs
        assert out.item() == expected


def test_accumulators_too_wide_to_requantize_are_refused() -> None:
    case, _ = small_conv()
    with pytest.raises(QuantizationError, match=r"acc_bits must be in 2\.\.48"):
        run(case, Numerics(acc_bits=49))


def test_large_layers_run_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    net = single("CONV_2D", Conv2D(), tensor((1, 9, 7, 3)), tensor((1, 9, 7, 5), 8.0), weights(codes(0, (5, 3, 3, 3))))
    x, node, hw = codes(1, (3, 1, 9, 7, 3)), net.nodes[0], Numerics(acc_bits=17)
    whole = OPERATORS["CONV_2D"].run(net, node, [x, None], hw)
    monkeypatch.setattr(accumulate, "_CHUNK_ELEMENTS", 100)
    parts = OPERATORS["CONV_2D"].run(net, node, [x, None], hw)
    np.testing.assert_array_equal(parts.outputs[0], whole.outputs[0])
    assert whole.stats.same_as(parts.stats)
    assert whole.stats.overflow_events > 0
