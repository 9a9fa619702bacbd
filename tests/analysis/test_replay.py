"""Single accumulators on plain integers against the naive twin, and what arrays say about them against the replay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxsim._core.errors import InputError
from fxsim.analysis import Trajectory, trajectory
from fxsim.analysis.affected import codes_of, first_left
from fxsim.analysis.replay import applications
from fxsim.graph import Network
from fxsim.hw import Numerics
from fxsim.ops import FullyConnected, gather, mac_params
from fxsim.sim.locate import Output, Phase
from tests.ops import naive
from tests.ops.mac_cases import MacCase, mac_cases
from tests.ops.networks import bias, single, tensor, weights
from tests.ops.test_mac import numerics

FEW = settings(max_examples=40)


def naive_sums(case: MacCase, hw: Numerics) -> list[tuple[naive.Counters, int]]:
    """Counters and final value of every output by the naive twin: images, rows, columns, channels in C order."""
    found = []

    def total(terms: naive.Terms, channel: int) -> int:
        seen = naive.Counters()
        value = naive.hardware_sum(terms, case.b[channel], case.zx, case.zw, hw, seen)
        found.append((seen, value))
        return value

    case.outputs(total, naive.tfl_double, hw.acc_bits)
    return found


def trajectories(case: MacCase, hw: Numerics) -> list[Trajectory]:
    """The same outputs, replayed."""
    params = mac_params(case.net, case.net.nodes[0], hw)
    w = params.window
    shape = (len(case.x), w.batch, w.out_h, w.out_w, params.channels)
    return [trajectory(case.net, 0, case.x[sample], Output(*rest), hw) for sample, *rest in np.ndindex(shape)]


@FEW
@given(mac_cases(), numerics())
def test_every_prefix_is_the_naive_one(case: MacCase, hw: Numerics) -> None:
    for (seen, value), found in zip(naive_sums(case, hw), trajectories(case, hw), strict=True):
        assert found.exact[:-1][found.phase[:-1] != Phase.INNER].tolist() == seen.prefixes
        assert found.exact[-1] == seen.prefixes[-1]
        assert found.stored[-1] == value
        of = {phase: int(found.events[found.phase == phase].sum()) for phase in Phase}
        inside = of[Phase.SUM] + of[Phase.MERGE]
        if hw.bias_order == "first":
            assert of[Phase.BIAS] == seen.bias
        else:
            inside += of[Phase.BIAS]
        expected = (seen.wraps, seen.events) if hw.overflow == "readout" else (seen.events, 0)
        assert (inside, of[Phase.READ], of[Phase.INNER]) == (*expected, seen.inner)


@FEW
@given(mac_cases(), numerics())
def test_the_first_to_leave(case: MacCase, hw: Numerics) -> None:
    """Arrays and replay agree on the number of the application; READ's where none leaves."""
    params = mac_params(case.net, case.net.nodes[0], hw)
    w = params.window
    images = case.x.reshape(-1, w.in_h, w.in_w, w.channels)
    operands = gather(params, images, slice(0, len(images) * w.positions))
    found = first_left(params, operands, hw, applications(w.depth, hw)).ravel().tolist()
    events = [t.events.tolist() for t in trajectories(case, hw)]
    assert found == [e.index(True) if True in e else len(e) - 1 for e in events]


@FEW
@given(mac_cases(), st.integers(2, 40), st.data())
def test_codes_of_any_sum(case: MacCase, acc_bits: int, data: st.DataObject) -> None:
    """Sums of up to 60 bits, wider than the kernels take, and mixed with narrow ones."""
    params = mac_params(case.net, case.net.nodes[0])
    sums = data.draw(st.lists(st.integers(0, 60).flatmap(lambda b: st.integers(-(1 << b), 1 << b)), min_size=1))
    channels = [data.draw(st.integers(0, params.channels - 1)) for _ in sums]
    found = codes_of(params, np.array(sums), np.array(channels), acc_bits)
    real = case.real * (params.channels if len(case.real) == 1 else 1)
    for total, channel, code in zip(sums, channels, found.tolist(), strict=True):
        needed = (total if total >= 0 else ~total).bit_length() + 1
        rescaled = naive.tfl_double(total, real[channel], max(acc_bits, needed))
        assert code == naive.clamp(rescaled + case.zy, *case.clamp)


def test_applications_of_a_split_sum() -> None:
    """Ten products in groups of two: three parts of two, two and one groups."""
    hw = Numerics(group_size=2, split_k=3)
    sums = [
        (Phase.SUM, 0, 0, 2),
        (Phase.SUM, 0, 2, 4),
        (Phase.SUM, 1, 4, 6),
        (Phase.SUM, 1, 6, 8),
        (Phase.SUM, 2, 8, 10),
    ]
    merges = [(Phase.MERGE, 1, 4, 8), (Phase.MERGE, 2, 8, 10)]
    assert applications(10, hw) == [(Phase.BIAS, 0, -1, -1), *sums, *merges, (Phase.READ, 0, 10, 10)]


def test_applications_of_two_stages() -> None:
    """Ten products in groups of two, parts of six and four, four products per spill."""
    hw = Numerics(group_size=2, split_k=2, inner_bits=8, inner_products=4)
    rows = [*pairs(0, 0, 4), (Phase.SUM, 0, 0, 4), *pairs(0, 4, 6), (Phase.SUM, 0, 4, 6), *pairs(1, 6, 10),
            (Phase.SUM, 1, 6, 10), (Phase.MERGE, 1, 6, 10)]  # fmt: skip
    assert applications(10, hw) == [(Phase.BIAS, 0, -1, -1), *rows, (Phase.READ, 0, 10, 10)]


def pairs(part: int, start: int, stop: int) -> list[tuple[Phase, int, int, int]]:
    return [(Phase.INNER, part, k, k + 2) for k in range(start, stop, 2)]


def test_a_trajectory_of_two_stages_by_hand() -> None:
    """100 + 40 spills 127 of 140 onto 30, then -60: eight bits inside, nine outside."""
    hw = Numerics(acc_bits=9, reduction="chain", group_size=1, inner_bits=8, inner_products=2)
    found = trajectory(dense(), "node", np.array([2, 2, 1], np.int8), Output(0, 0, 0, 0), hw)
    inner, spill = Phase.INNER, Phase.SUM
    assert found.phase.tolist() == [Phase.BIAS, inner, inner, spill, inner, spill, Phase.READ]
    assert (found.k.tolist(), found.stop.tolist()) == ([-1, 0, 1, 0, 2, 2, 3], [-1, 1, 2, 2, 3, 3, 3])
    assert found.exact.tolist() == [30, 30, 30, 170, 170, 110, 110]
    assert found.stored.tolist() == [30, 30, 30, 157, 157, 97, 97]
    assert found.inner_exact.tolist() == [0, 100, 140, 0, -60, 0, 0]
    assert found.inner.tolist() == [0, 100, 127, 0, -60, 0, 0]
    assert (found.inner_bits, found.events.tolist()) == (8, [False, False, True, *[False] * 4])


def dense() -> Network:
    """Three inputs, one output: 50 times the first, 20 times the second, -60 times the third, and 30."""
    w = weights([[50, 20, -60]])
    return single("FULLY_CONNECTED", FullyConnected(), tensor((1, 3), 1.0), tensor((1, 1), 1.0), w, bias([30]))


def test_a_trajectory_by_hand() -> None:
    """30, +100, +40, -60 in eight bits (127), one product at a time: clipped at 130, and again at 127 + 40."""
    hw = Numerics(acc_bits=8, reduction="chain", group_size=1)
    found = trajectory(dense(), "node", np.array([2, 2, 1], np.int8), Output(0, 0, 0, 0), hw)
    assert (found.low, found.high, found.acc_bits, found.register_bits) == (-128, 127, 8, 8)
    assert found.phase.tolist() == [Phase.BIAS, Phase.SUM, Phase.SUM, Phase.SUM, Phase.READ]
    assert (found.k.tolist(), found.stop.tolist()) == ([-1, 0, 1, 2, 3], [-1, 1, 2, 3, 3])
    assert found.exact.tolist() == [30, 130, 170, 110, 110]
    assert found.stored.tolist() == [30, 127, 127, 67, 67]
    assert found.events.tolist() == [False, True, True, False, False]


def test_a_trajectory_backwards_into_a_wider_register() -> None:
    """30, -60, +40, +100 in an internal register of 8 bits, read as 6 bits: -32..31."""
    hw = Numerics(
        acc_bits=6, acc_internal_bits=8, overflow="readout", reduction="chain", group_size=1, order="reversed"
    )
    found = trajectory(dense(), 0, np.array([[2, 2, 1]], np.int8), Output(0, 0, 0, 0), hw)
    assert (found.low, found.high, found.register_bits) == (-32, 31, 8)
    assert found.exact.tolist() == [30, -30, 10, 110, 110]
    assert found.stored.tolist() == [30, -30, 10, 110, 31]
    assert found.events.tolist() == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("layer", "ifm", "output", "message"),
    [
        (1, np.zeros(3, np.int8), (0, 0, 0, 0), "layer must be one with accumulators, not 1"),
        ("x", np.zeros(3, np.int8), (0, 0, 0, 0), "layer must be one with accumulators, not 'x'"),
        (0, np.zeros(3, np.int8), (0, 0, 1, 0), r"layer 'node': output must lie in \(1, 1, 1, 1\), not \(0, 0, 1, 0\)"),
        (0, np.zeros(4, np.int8), (0, 0, 0, 0), r"layer 'node': ifm must be one sample, int8\[1x3\], not 'int8\[4\]'"),
        (0, np.zeros(3, np.int16), (0, 0, 0, 0), "ifm must be one sample"),
    ],
)
def test_bad_input_is_refused(layer: Any, ifm: Any, output: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trajectory(dense(), layer, ifm, Output(*output), Numerics())
