"""Trap sentences, word for word; every number but the cycle is worked out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.numerics import Overflow
from fxsim.ops import Conv2D, FullyConnected
from fxsim.sim.timing import timeline
from tests.isa.tiny import tiny_instructions, tiny_program
from tests.ops.networks import bias, single, tensor, weights


def dense(*given: int) -> Network:
    """Eight inputs, two outputs: the sum of all, and nothing; `given` are the biases."""
    w = weights([[1] * 8, [0] * 8])
    return single("FULLY_CONNECTED", FullyConnected(), tensor((1, 8), 1.0), tensor((1, 2), 1.0), w, bias(given))


def trap(net: Network, x: np.ndarray, **fields: Any) -> str:
    """The sentence, its cycle replaced by C where it is the one that the timing model gives the instruction."""
    hw = Hardware(rows=2, cols=4, overflow="trap", bias_policy="apply", **{"acc_bits": 9, **fields})
    program = fxsim.lower(net, hw)
    sentence: str = fxsim.simulate(program, x).trap
    instruction = int(sentence.split("instruction ")[1].split(":", maxsplit=1)[0])
    cycle = f"cycle {timeline(program).issue[instruction]:,}, instruction {instruction}:"
    assert cycle in sentence
    return sentence.replace(cycle, "cycle C:")


END = "9-bit accumulator trapped at +255; exact sum {:,}; {} bits would be enough for this channel"


@pytest.mark.parametrize(
    ("fields", "step", "exact"),
    [
        ({}, "k = 4..7", 480),
        ({"reduction": "chain"}, "k = 4", 300),
        ({"order": "reversed"}, "k = 4..7", 480),
        ({"split_k": 2}, "merge of part 1 (k from 4 on)", 480),
        ({"inner_bits": 12, "inner_products": 8}, "k = 0..7", 480),
        ({"inner_bits": 12, "inner_products": 4, "reduction": "chain"}, "k = 4..7", 480),
    ],
)
def test_a_sum_that_leaves_its_register(fields: dict[str, Any], step: str, exact: int) -> None:
    """Eight products of 60; nine bits hold 255. The whole sum of 480 needs ten."""
    x = np.array([[0] * 8, [60] * 8], np.int8)
    place = f"sample 1, layer 0 'node' (FULLY_CONNECTED), output (0, 0), channel 0, {step}, cycle C: "
    assert trap(dense(0, 0), x, **fields) == place + END.format(exact, 10)


def test_spills_that_are_wrong() -> None:
    """Eight bits hold 127 of 240, twice: 127, then 254, in eight bits 127; no width mends that."""
    x = np.array([[60] * 8], np.int8)
    place = "sample 0, layer 0 'node' (FULLY_CONNECTED), output (0, 0), channel 0, k = 4..7, cycle C: "
    inner = "sum of bias and spills 254; the inner accumulators of this channel overflowed 2 times"
    sentence = trap(dense(0, 0), x, acc_bits=8, inner_bits=8, inner_products=4)
    assert sentence == f"{place}8-bit accumulator trapped at +127; {inner}"


def test_a_bias_that_leaves_its_register() -> None:
    """The first event is the load; the sum goes on to 300 + 8 * 100 = 1100, which needs twelve bits."""
    place = "sample 0, layer 0 'node' (FULLY_CONNECTED), output (0, 0), channel 0, bias load, cycle C: "
    assert trap(dense(300, 0), np.full((1, 8), 100, np.int8)) == place + END.format(300, 12)


def test_a_bias_that_comes_last() -> None:
    """The products' 160 fit, 160 + 300 does not; the register of the other output never leaves 0."""
    place = "sample 0, layer 0 'node' (FULLY_CONNECTED), output (0, 0), channel 0, bias addition, cycle C: "
    sentence = trap(dense(300, 0), np.full((1, 8), 20, np.int8), bias_order="last")
    assert sentence == place + END.format(460, 10)


def test_the_image_is_named_where_a_sample_has_several() -> None:
    """Only the second image's last pixel is not 0: 4 channels of 100 in its last group of 1 x 1 taps."""
    w = weights(np.ones((3, 1, 1, 4), int))
    net = single("CONV_2D", Conv2D(), tensor((2, 2, 3, 4), 1.0), tensor((2, 2, 3, 3), 1.0), w)
    x = np.zeros((1, 2, 2, 3, 4), np.int8)
    x[0, 1, 1, 2] = 100
    place = "sample 0, layer 0 'node' (CONV_2D), image 1, output (1, 2), channel 0, k = 0..3, cycle C: "
    assert trap(net, x) == place + END.format(400, 10)


def test_a_program_that_does_not_say_which_output() -> None:
    """10 + 127 * (1 + 2 + 3 + 4) in eight bits."""
    tiny = tiny_program(tiny_instructions(acc_bits=8, overflow=Overflow.TRAP))
    program = dataclasses.replace(tiny, layers=(dataclasses.replace(tiny.layers[0], outputs=()),))
    sentence = fxsim.simulate(program, np.full((1, 4), 127, np.int8)).trap
    assert sentence.startswith("sample 0, layer 0 'fc' (FULLY_CONNECTED), position 0 of the block, channel 0, k = 0..3")
    assert sentence.endswith(
        "8-bit accumulator trapped at +127; exact sum 1,280; 12 bits would be enough for this channel"
    )
