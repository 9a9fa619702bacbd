"""Places of outputs and rule applications against a machine that is stepped and remembers where bytes come from."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given

import fxsim
from fxsim._core.errors import HardwareError, ProgramError
from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.isa import Program
from fxsim.sim.locate import Output, Phase, Places, locate
from fxsim.testing import Chain, networks
from tests.isa.tiny import tiny_instructions, tiny_program
from tests.lowering.test_random import descriptions
from tests.sim.tracer import History, histories


def compare(places: Places, expected: list[History]) -> None:
    """Every step of every output, forward and backward."""
    images, height, width, channels = places.shape
    assert images * height * width * channels == len(expected)
    for element, history in enumerate(expected):
        rest, channel = divmod(element, channels)
        rest, x = divmod(rest, width)
        image, y = divmod(rest, height)
        output = Output(image, y, x, channel)
        assert places.step(output, Phase.BIAS) == history.bias
        assert places.step(output, Phase.READ) == history.read
        starts = sorted(history.passes)
        for first, behind in zip(starts, [*starts[1:], starts[-1] + 1], strict=True):
            where = history.passes[first]
            assert where == places.step(output, Phase.SUM, first) == places.step(output, Phase.SUM, behind - 1)
            assert places.output(*where) == output
        assert history.merges in ([], [places.step(output, Phase.MERGE)] * len(history.merges))
        assert places.output(*places.step(output, Phase.READ)) == output
        if history.merges:
            assert places.output(*places.step(output, Phase.MERGE)) == output


@given(networks(), descriptions())
def test_random_networks_on_random_hardware(net: Network, hw: Hardware) -> None:
    try:
        program = fxsim.lower(net, hw)
    except HardwareError:
        return
    for layer, expected in histories(program).items():
        compare(locate(program, layer), expected)


def test_a_layer_by_name_and_its_shape() -> None:
    net = Chain((2, 4, 5, 3)).conv(5, stride_w=2).reshape(8, 15).dense(4).build()
    program = fxsim.lower(net)
    conv, dense = locate(program, "n0"), locate(program, 2)
    assert (conv.layer, conv.shape, dense.shape) == (0, (2, 4, 3, 5), (1, 1, 8, 4))
    assert conv.block.shape == conv.row.shape == (24, 5)
    assert math.prod(dense.shape) == dense.position.size


def test_outputs_and_stream_positions_outside_are_refused() -> None:
    places = locate(fxsim.lower(Chain((1, 4, 4, 3)).conv(5).build()), 0)
    with pytest.raises(ProgramError, match=r"output must lie in \(1, 4, 4, 5\), not \(0, 4, 0, 0\)"):
        places.step(Output(0, 4, 0, 0), Phase.SUM)
    with pytest.raises(ProgramError, match=r"k must be in 0\.\.26, not 27"):
        places.step(Output(0, 3, 3, 4), Phase.SUM, 27)


def broken(**changes: object) -> Program:
    """The tiny program with other fields of its REQ."""
    code = tiny_instructions()
    code[4] = dataclasses.replace(code[4], **changes)  # type: ignore[arg-type]
    return tiny_program(code)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"out_addr": 31}, "every output must be written once"),
        ({"rows": 1}, "the instructions of a block must work on the same outputs"),
        ({"half": 1}, "every sum must be read by a REQ"),
    ],
)
def test_programs_that_lowering_does_not_make_are_refused(changes: dict[str, object], message: str) -> None:
    assert locate(tiny_program(), "fc").step(Output(0, 0, 0, 1), Phase.READ) == (4, 0, 1)
    with pytest.raises(ProgramError, match=f"layer 'fc': {message}"):
        locate(broken(**changes), "fc")


@pytest.mark.parametrize("layer", ["n9", "n1", 1, 3, -1])
def test_layers_without_accumulators_are_refused(layer: int | str) -> None:
    program = fxsim.lower(Chain((1, 4, 4, 3)).conv(5).reshape(1, 80).dense(4).build())
    with pytest.raises(ProgramError, match="layer must be one with accumulators, not"):
        locate(program, layer)
