"""Runs of a machine: random programs and lowered layers, each with cycles in which ports refuse a beat."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from fxsim import FxsimError
from fxsim.isa import Program
from fxsim.lowering import lower
from fxsim.rtl import PORTS
from fxsim.testing import Chain, layers, programs_with_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from fxsim.hw import Hardware

T = TypeVar("T")
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
LEAST_PROGRAMS = 15
"""Per machine: 16 machines make 240 programs at least."""
NIGHTLY_PROGRAMS = 720
"""Per machine: 16 machines make 11,520 programs."""
_STALLED_CYCLES = 1000
_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


class Run(NamedTuple):
    """What `Machine.run` takes."""

    program: Program
    x: dict[str, NDArray[Any]] | None
    stalls: list[int]


@st.composite
def lowered(draw: st.DrawFn, hw: Hardware) -> tuple[Program, dict[str, NDArray[Any]]]:
    """A layer of bytes, lowered in one of both dataflows, and one sample for it."""
    case = draw(layers(draw(st.sampled_from(_LAYERS)), acc_bits=min(hw.numerics.acc_bits, 32)))
    dataflow = draw(st.sampled_from(("output-stationary", "weight-stationary")))
    try:
        program = lower(case.network, hw.replace(dataflow=dataflow, bias_policy="apply"))
    except FxsimError:
        assume(False)
    return program, {name: codes[:1] for name, codes in case.x.items()}


def directed(hw: Hardware) -> Iterator[Run]:
    """What random programs seldom do: depthwise windows inside a tile that move on by two of three latched columns."""
    if min(hw.numerics.act_bits, hw.numerics.weight_bits) < 8 or hw.timing.cols < 3:
        return
    net = Chain((1, 3, 11, 3), seed=1).depthwise(2, (1, 3), stride_w=2, padding="VALID").build()
    x = np.random.default_rng(1).integers(-128, 128, (1, 3, 11, 3)).astype(np.int8)
    yield Run(lower(net, hw.replace(bias_policy="apply")), {net.values[net.inputs[0]].name: x}, [])


def runs(hw: Hardware, numbers: Iterable[int]) -> Iterator[Run]:
    """Runs of a machine by their numbers: every fourth a layer, where operands have 8 bits or more."""
    takes_bytes = min(hw.numerics.act_bits, hw.numerics.weight_bits) >= 8
    random = programs_with_data(50, st.just(hw)).map(lambda program: (program, None))
    first = zlib.crc32(hw.name.encode())
    for number in numbers:
        strategy: st.SearchStrategy[Any] = lowered(hw) if takes_bytes and number % 4 == 3 else random
        program, x = drawn(strategy, first + number)
        yield Run(program, x, _stalls(first + number) if number % 3 == 1 else [])


def _stalls(number: int) -> list[int]:
    """Cycles in which ports refuse a beat, rarely or often."""
    random = np.random.default_rng(number)
    refused = random.random((_STALLED_CYCLES, len(PORTS))) < random.choice((0.05, 0.3, 0.7))
    masks: list[int] = (refused @ (1 << np.arange(len(PORTS)))).tolist()
    return masks


def drawn(strategy: st.SearchStrategy[T], number: int) -> T:
    """Draw value `number` of a strategy, independent of the others.

    Of many values that hypothesis draws for one test, most repeat parts of those before. So each is drawn for a test of
    its own, where it is the second value: the first one is the simplest of all.
    """
    values: list[T] = []

    @seed(number)
    @settings(
        max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None, database=None
    )
    @given(strategy)
    def keep(value: T) -> None:
        values.append(value)

    keep()
    return values[-1]
