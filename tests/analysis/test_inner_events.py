"""Forensics of two-stage accumulators by hand; `test_forensics` has them stepped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim.analysis import forensics
from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.ops import FullyConnected
from fxsim.sim.locate import Phase
from tests.analysis.logs import bits_of
from tests.analysis.test_forensics import found_in, vectors
from tests.ops.networks import bias, single, tensor, weights

PAIRS: dict[str, Any] = {
    "acc_bits": 32, "rows": 1, "cols": 2, "reduction": "chain", "zero_point": "subtract", "inner_bits": 16,
    "inner_products": 2,
}  # fmt: skip
"""vpmaddubsw: two products of u8 and s8 are added with saturation to 16 bits, then into 32 bits."""


def bytes_times(*w: int) -> Network:
    """One output of unsigned bytes (codes less -128), an output code per 1024 of the accumulator."""
    x, y = tensor((1, len(w)), 1.0, -128), tensor((1, 1), 256.0)
    return single("FULLY_CONNECTED", FullyConnected(), x, y, weights([list(w)]), bias([0]))


@pytest.mark.parametrize(
    ("fields", "register", "rest"),
    [
        ({}, "16-bit inner accumulator saturated at +32,767", "64,770; output 32 LSB too low; 17"),
        ({"inner_overflow": "wrap"}, "16-bit inner accumulator wrapped to -766", "64,770; output 64 LSB too low; 17"),
    ],
)
def test_pairs_that_saturate(fields: dict[str, Any], register: str, rest: str) -> None:
    """255 * 127 * 2 = 64770, then 255: 65025 / 1024 is 64 (63.5); 33022 / 1024 is 32, -511 / 1024 is 0."""
    x = np.full((1, 4), 127, np.int8)
    event = found_in(bytes_times(127, 127, 1, 0), x, **PAIRS, **fields)
    assert (event.phase, event.application, event.k, event.excess) == (Phase.INNER, 1, 1, 0)
    place = "sample 0, layer 0 'node' (FULLY_CONNECTED), output (0, 0), channel 0, k = 1, cycle "
    assert event.sentence.startswith(place)
    assert event.sentence.endswith(f": {register}; exact window sum {rest} inner bits would be enough")


def test_a_spill_that_leaves_the_outer_range() -> None:
    """255 * 120 = 30600 three times, clipped inside at 32767 in the second pair only: spills 30600 and 32767."""
    event = found_in(bytes_times(120, 0, 120, 120), np.full((1, 4), 127, np.int8), **{**PAIRS, "acc_bits": 15})
    assert (event.phase, event.k, event.exact, event.stored) == (Phase.SUM, 0, 30600, 16383)
    assert event.enough_bits == bits_of(30600 + 32767) == 17
    assert event.sentence.endswith("exact sum 30,600; output 74 LSB too low; 17 bits would be enough")


def test_a_spill_comes_with_its_last_group() -> None:
    """Windows of two groups: 400 leaves nine bits as it is spilled, 1016 leaves ten bits in the first group."""
    fields = {"inner_bits": 10, "inner_products": 8}
    event = vectors([[2] * 8], [[25] * 8, [127] * 4 + [0] * 4], **fields)
    assert (event.phase, event.output.x, event.k, event.exact, event.stored) == (Phase.INNER, 1, 0, 1016, 511)
    calm = vectors([[2] * 8], [[25] * 8, [0] * 8], **fields)
    assert (calm.phase, calm.output.x, calm.k, calm.exact, calm.stored) == (Phase.SUM, 0, 0, 400, 255)


def test_an_inner_event_in_a_later_part_names_its_own_instruction() -> None:
    """Four products of 0, then of 100 in a part of their own: 400 leaves eight bits."""
    fields = {"split_k": 2, "inner_bits": 8, "inner_products": 4}
    late = vectors([[1] * 8], [[0] * 4 + [100] * 4], **fields)
    early = vectors([[1] * 8], [[100] * 4 + [0] * 4], **fields)
    assert (late.phase, late.k, early.phase, early.k) == (Phase.INNER, 4, Phase.INNER, 0)
    assert late.instruction > early.instruction


def test_rates_of_inner_events() -> None:
    """Two outputs, in the first two windows of four leave."""
    net, x = bytes_times(127, 127, 1, 0, -128, -128, 0, 0), np.full((1, 8), 127, np.int8)
    found = forensics(fxsim.lower(net, Hardware(**PAIRS)), x, net=net)
    (layer,) = found.layers
    assert (layer.rate, layer.stats.overflow_events, layer.stats.inner_events) == (1.0, 0, 2)
    assert (layer.row_count.tolist(), layer.row_events.tolist()) == ([1], [2])
    assert (layer.masked, layer.visible) == (1, 0)
    assert found.table().heads[-2:] == ["inner rule", "inner events"]
    assert found.table().rows[0][-2:] == ["saturate 16", 2]
    assert (layer.to_dict()["inner_bits"], layer.to_dict()["inner_events"]) == (16, 2)
