"""Witnesses: plain integers and the simulator see the bound attained, and overflow with one bit less."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fxsim
from fxsim import Hardware
from fxsim._core.errors import HardwareError, InputError
from fxsim.analysis import isolate, layer_bounds, witness
from fxsim.graph import Network
from fxsim.hw import Numerics
from fxsim.testing import Chain
from tests.analysis.test_bounds import orders
from tests.ops import naive
from tests.ops.mac_cases import MacCase, mac_cases

MODES = st.sampled_from(["saturate", "wrap", "trap", "readout"])
LAYERS = {
    "conv": Chain((1, 4, 5, 3), seed=4, zero_point=-77).conv(3, stride_w=2).conv(4, (3, 2), dilation_h=2).build(),
    "depthwise": Chain((2, 4, 4, 2), seed=5).conv(3, (1, 1)).depthwise(2, (3, 3), bias=False).build(),
    "dense": Chain((3, 7), seed=6, zero_point=100).dense(9).dense(4, weight_zero=-20).build(),
}
"""The second layer of each has a witness; the first one makes its input type."""


@settings(max_examples=40)
@given(mac_cases(), orders(), MODES, st.data())
def test_plain_integers_attain_the_bound(case: MacCase, numerics: Numerics, mode: str, data: st.DataObject) -> None:
    rule = dataclasses.replace(numerics, overflow=mode)
    channel = data.draw(st.integers(0, len(case.b) - 1))
    found = witness(case.net, 0, rule, channel=channel)
    (bounds,) = layer_bounds(case.net, rule)
    image = found.ifm.reshape(case.net.values[0].type.shape)
    if case.w.ndim == 2:
        image = image.reshape(1, 1, *image.shape)
    w = case.w.reshape(len(case.b), 1, 1, -1) if case.w.ndim == 2 else case.w
    terms = case.terms(image[0].tolist(), w.tolist(), case.geometry, *found.position, channel)
    seen = naive.Counters()
    wide = dataclasses.replace(rule, overflow="saturate")
    naive.hardware_sum(terms, case.b[channel], case.zx, case.zw, wide, seen)
    assert seen.prefixes[found.application] == found.prefix
    assert found.bits == bounds.exact.bits_for(mode)[channel]
    assert found.bits == 2 or not naive.fits(found.prefix, found.bits - 1)
    assert mode not in ("wrap", "readout") or found.application == len(seen.prefixes) - 1
    assert found.reach == "network"


def machine(numerics: Numerics, bits: int) -> Hardware:
    """Hardware whose array suits `numerics`."""
    fields = {**dataclasses.asdict(numerics), "acc_bits": bits, "acc_internal_bits": 48}
    cols = numerics.group_size if numerics.reduction == "tree" else 16
    return Hardware(cols=cols, acc_depth=128, **fields)


@pytest.mark.parametrize("name", list(LAYERS))
@pytest.mark.slow
@settings(max_examples=10)
@given(orders(), MODES, st.booleans())
def test_the_simulator_overflows_one_bit_narrower(name: str, numerics: Numerics, mode: str, single: bool) -> None:
    net, rule = LAYERS[name], dataclasses.replace(numerics, overflow=mode)
    found = witness(net, 1, rule, channel=1 if single else None)
    assume(found.bits > 2)
    part = isolate(net, 1)
    narrow = fxsim.simulate(fxsim.lower(part, machine(rule, found.bits - 1)), found.ifm).layers[0]
    assert narrow.overflow_count + narrow.bias_overflow_count > 0
    bits = int(layer_bounds(net, rule)[1].exact.bits_for(mode).max())
    result = fxsim.simulate(fxsim.lower(part, machine(rule, bits)), found.ifm)
    exact = fxsim.golden(part, found.ifm)
    np.testing.assert_array_equal(result.outputs["t1"], exact["t1"])
    assert mode == "wrap" or result.layers[0].overflow_count == result.layers[0].bias_overflow_count == 0
    extremes = (result.layers[0].acc_min, result.layers[0].acc_max)
    assert found.prefix in extremes or mode in ("wrap", "readout")


def test_a_witness_behind_inner_accumulators() -> None:
    """Windows of eight products of at most 127 * 127 + 1: the outer width is attained, the inner one fits 18 bits."""
    net = LAYERS["dense"]
    hw = Hardware(cols=4, bias_policy="apply", inner_bits=18, inner_products=8)
    found = witness(net, 1, hw.numerics)
    part = isolate(net, 1)
    for bits, overflows in ((found.bits, False), (found.bits - 1, True)):
        layer = fxsim.run(part, found.ifm, hw=hw.replace(acc_bits=bits)).layers[0]
        assert (bool(layer.overflow_count + layer.bias_overflow_count), layer.inner_events) == (overflows, 0)
    assert found.prefix in (layer.acc_min, layer.acc_max)


def test_inner_accumulators_that_may_overflow_have_no_witness() -> None:
    """Two products of -128 * -127 make 32512; of -128 * -128, 32768, which needs 17 bits."""
    net = Chain((1, 4), zero_point=0).dense(1, bias=False).build()
    weights = net.values[1].data
    assert weights is not None
    rule = Hardware(cols=1, reduction="chain", inner_bits=16, inner_products=2).numerics
    weights[...] = [[-127, -127, 5, 5]]
    assert witness(net, 0, rule).bits == 17
    weights[...] = [[-128, -128, 5, 5]]
    with pytest.raises(HardwareError, match=r"layer 'n0': inner accumulators must have 17 bits .* witness, not 16"):
        witness(net, 0, rule)


def test_the_input_of_the_network_under_another_shape_is_network_reachable() -> None:
    net = Chain((1, 24), seed=3).reshape(1, 2, 4, 3).conv(2).dense(3).build()
    first = witness(net, 1, Numerics(bias_policy="apply"))
    assert first.reach == "network"
    assert first.x is not None
    np.testing.assert_array_equal(fxsim.golden(net, first.x)["t0"], first.ifm)
    assert witness(net, 2, Numerics(bias_policy="apply")).reach == "layer"
    assert "network-reachable: output (" in first.sentence


@pytest.mark.parametrize(
    ("number", "channel", "message"),
    [(0, None, "node must have accumulators, not 0"), (1, 2, r"channel must be in 0\.\.1, not 2")],
)
def test_bad_arguments(number: int, channel: Any, message: str) -> None:
    net: Network = Chain((1, 24), seed=3).reshape(1, 2, 4, 3).conv(2).build()
    with pytest.raises(InputError, match=message):
        witness(net, number, Numerics(), channel=channel)
