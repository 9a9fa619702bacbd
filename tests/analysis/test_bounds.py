"""Widths against plain integers: every prefix of the inputs that are extreme by construction, and of random ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxsim.analysis import a2q_widths, layer_bounds
from fxsim.analysis.reach import inner_reach
from fxsim.graph import DType
from fxsim.hw import Numerics
from fxsim.ops import FullyConnected, mac_params
from tests.ops import naive
from tests.ops.mac_cases import MacCase, mac_cases
from tests.ops.networks import bias, single, tensor, weights

WIDE: dict[str, Any] = {"acc_bits": 48, "overflow": "saturate", "bias_policy": "apply"}

FEW = settings(max_examples=60)
"""A case is a whole layer in plain integers."""


@st.composite
def orders(draw: st.DrawFn) -> Numerics:
    """Every order, grouping, bias place and zero-point mode."""
    reduction = draw(st.sampled_from(["tree", "chain"]))
    return Numerics(
        reduction=reduction,
        group_size=1 if reduction == "chain" else draw(st.integers(1, 9)),
        order=draw(st.sampled_from(["canonical", "reversed"])),
        split_k=draw(st.integers(1, 5)),
        bias_order=draw(st.sampled_from(["first", "last"])),
        zero_point=draw(st.sampled_from(["fold", "subtract"])),
        **WIDE,
    )


@st.composite
def stages(draw: st.DrawFn) -> Numerics:
    """With an inner accumulator that nothing overflows."""
    rule = draw(orders())
    products, overflow = rule.group_size * draw(st.integers(1, 4)), draw(st.sampled_from(["saturate", "wrap"]))
    return dataclasses.replace(rule, inner_bits=48, inner_products=products, inner_overflow=overflow)


def chosen_terms(case: MacCase, choose: Any) -> Iterator[tuple[int, naive.Terms]]:
    """Channel and terms of every output; `choose(weight)` is the code of a tap in the image."""
    rows, columns = case.geometry.rows[0], case.geometry.cols[0]
    images = np.zeros((case.geometry.in_h, case.geometry.in_w, case.net.values[0].type.shape[-1]), int).tolist()
    w = case.w.reshape(len(case.b), 1, 1, -1) if case.w.ndim == 2 else case.w
    for oy, ox, c in np.ndindex(rows, columns, len(case.b)):
        terms = case.terms(images, w.tolist(), case.geometry, oy, ox, c)
        yield c, [(x if x is None else choose(weight - case.zw), weight) for x, weight in terms]


def least_code(weight: int) -> int:
    return -128 if weight > 0 else 127


def greatest_code(weight: int) -> int:
    return 127 if weight > 0 else -128


def prefixes(case: MacCase, numerics: Numerics, choose: Any) -> list[list[list[int]]]:
    """By channel and position, prefixes in order of application."""
    seen: list[list[list[int]]] = [[] for _ in case.b]
    for c, terms in chosen_terms(case, choose):
        counters = naive.Counters()
        naive.hardware_sum(terms, case.b[c], case.zx, case.zw, numerics, counters)
        seen[c].append(counters.prefixes)
    return seen


def inner_sums(case: MacCase, terms: naive.Terms, n: Numerics) -> list[int]:
    """What the inner accumulator holds after every group; under wrap where it spills only."""
    offset, padded = (0, case.zx) if n.zero_point == "fold" else (case.zx, 0)
    products = [(padded if x is None else x - offset) * (w - case.zw) for x, w in terms]
    if n.order == "reversed":
        products.reverse()
    groups = [sum(products[k : k + n.group_size]) for k in range(0, len(products), n.group_size)]
    share, window = -(-len(groups) // n.split_k), n.inner_products // n.group_size
    held = []
    for part in (groups[i : i + share] for i in range(0, len(groups), share)):
        for spilled in (part[i : i + window] for i in range(0, len(part), window)):
            running = [sum(spilled[: i + 1]) for i in range(len(spilled))]
            held += running if n.inner_overflow == "saturate" else running[-1:]
    return held


def width(low: int, high: int) -> int:
    return next(bits for bits in range(2, 64) if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1))


@FEW
@given(mac_cases(), orders() | stages())
def test_exact_prefixes_are_those_of_extreme_inputs(case: MacCase, numerics: Numerics) -> None:
    (found,) = layer_bounds(case.net, numerics)
    least, greatest = prefixes(case, numerics, least_code), prefixes(case, numerics, greatest_code)
    for c in range(len(case.b)):
        low = [min(values) for values in zip(*least[c], strict=True)]
        high = [max(values) for values in zip(*greatest[c], strict=True)]
        assert (found.exact.low[:, c].tolist(), found.exact.high[:, c].tolist()) == (low, high)
        assert found.group_bits[:, c].tolist() == list(map(width, low, high))
        assert found.exact_wrap[c] == width(low[-1], high[-1])
        assert found.exact_saturate[c] == width(min(low), max(high)) <= min(found.type[c], found.l1[c])


@FEW
@given(mac_cases(), stages())
def test_inner_sums_are_those_of_extreme_inputs(case: MacCase, numerics: Numerics) -> None:
    (found,) = layer_bounds(case.net, numerics)
    assert found.inner is not None
    held: list[list[int]] = [[] for _ in case.b]
    for choose in (least_code, greatest_code):
        for c, terms in chosen_terms(case, choose):
            held[c] += inner_sums(case, terms, numerics)
    assert found.inner.tolist() == [width(min(values), max(values)) for values in held]
    for bits, fits in ((int(found.inner.max()), True), (int(found.inner.max()) - 1, False)):
        (own,) = layer_bounds(case.net, dataclasses.replace(numerics, inner_bits=max(bits, 2)))
        assert own.inner_fits == (fits or bits < 2)


@FEW
@given(mac_cases(), orders() | stages())
def test_no_input_exceeds_the_bounds(case: MacCase, numerics: Numerics) -> None:
    (found,) = layer_bounds(case.net, numerics)
    _, stats = case.hardware(numerics)
    assert (stats.channel_acc_min >= found.exact.low.min(axis=0)).all()
    assert (stats.channel_acc_max <= found.exact.high.max(axis=0)).all()


@FEW
@given(mac_cases(), orders() | stages(), st.sampled_from(["saturate", "wrap", "readout"]))
def test_nothing_overflows_at_the_width(case: MacCase, numerics: Numerics, overflow: str) -> None:
    (found,) = layer_bounds(case.net, numerics)
    bits = int((found.exact_saturate if overflow == "saturate" else found.exact_wrap).max())
    own = dataclasses.replace(numerics, acc_bits=bits, overflow=overflow)
    expected, _ = case.hardware(numerics)
    codes, stats = case.hardware(own)
    np.testing.assert_array_equal(codes, expected)
    assert overflow == "wrap" or not stats.overflow_count


def test_without_an_inner_accumulator_nothing_is_said() -> None:
    (found,) = layer_bounds(dense([[2, -3, 4]], 0, [0]), Numerics(**WIDE))
    assert found.inner is None
    assert found.inner_fits


def test_inner_windows_by_hand() -> None:
    """Windows 2 -3 | 4: sums reach 2 * 127 + 3 * 128 = 638 and 4 * 127; 11 bits. The outer prefixes are the spills."""
    rule = Numerics(reduction="chain", group_size=1, inner_bits=16, inner_products=2, **WIDE)
    (found,) = layer_bounds(dense([[2, -3, 4]], 0, [5]), rule)
    assert found.inner is not None
    assert found.inner.tolist() == [11]
    assert found.exact.high.tolist() == [[5], [643], [643 + 508]]


@pytest.mark.parametrize(("overflow", "expected"), [("saturate", [[200], [-100]]), ("wrap", [[-100]])])
def test_an_inner_accumulator_that_wraps_must_hold_what_it_spills(overflow: str, expected: list[list[int]]) -> None:
    net = dense([[2, -3]], 0, [5])
    stage: dict[str, Any] = {"inner_bits": 16, "inner_products": 2, "inner_overflow": overflow}
    rule, code = Numerics(reduction="chain", group_size=1, **WIDE, **stage), np.array([100, 100])
    found = inner_reach(mac_params(net, net.nodes[0], rule), rule, code, code)
    assert found.low.tolist() == found.high.tolist() == expected


def dense(codes: Any, x_zero: int, b: list[int], w_zero: int = 0) -> Any:
    w = weights(np.array(codes, np.int8), zero=w_zero)
    shape = w.type.shape
    return single("FULLY_CONNECTED", FullyConnected(), tensor((1, shape[1]), 0.5, x_zero), tensor((1, shape[0])), w,
                  bias(b))  # fmt: skip


def test_types_and_norms_by_hand() -> None:
    """Types: -128 * 127 * 3 + 100 .. 128 * 128 * 3 + 100; norm 9: 9 * 128 + 100 = 1252; A2Q: 3 * 2**14, 9 * 2**7."""
    (found,) = layer_bounds(dense([[2, -3, 4]], 0, [100]), Numerics(**WIDE))
    assert (found.type[0], found.a2q_type[0], found.l1[0], found.a2q_l1[0]) == (17, 17, 12, 12)
    assert found.exact.low.tolist() == [[100], [100 - 6 * 128 - 3 * 127]]
    assert found.exact.high.tolist() == [[100], [100 + 6 * 127 + 3 * 128]]


def test_a_weight_zero_point_shifts_the_weight_type() -> None:
    """Weights are -28..227: 3 * 227 * 128 = 87168 either way."""
    (found,) = layer_bounds(dense([[0, 0, 0]], 0, [0], -100), Numerics(**WIDE))
    assert found.type[0] == 18


def test_the_bias_as_loaded_counts() -> None:
    """Zero point 100 and weights 60: folded, the bias is 5 - 100 * 60 = -5995, operands reach -128 * 60."""
    net = dense([[60]], 100, [5])
    (fold,), (subtract,) = (layer_bounds(net, Numerics(zero_point=mode, **WIDE)) for mode in ("fold", "subtract"))
    assert fold.exact.low.tolist() == [[-5995], [-5995 - 7680]]
    assert subtract.exact.low.tolist() == [[5], [5 - 228 * 60]]
    assert (fold.exact_wrap[0], subtract.exact_wrap[0]) == (15, 15)
    assert (fold.l1[0], subtract.l1[0]) == (15, 15)
    assert (fold.type[0], subtract.type[0]) == (16, 16)


@pytest.mark.parametrize(
    ("norm", "kind", "expected"),
    [
        (1152 * 128, DType.UINT8, 27),
        (1152 * 128, DType.INT8, 26),
        (1, DType.INT8, 9),
        (2**16 - 1, DType.UINT8, 25),
        (2**16, DType.UINT8, 26),
        (0, DType.INT8, 2),
    ],
)
def test_published_formulas(norm: int, kind: DType, expected: int) -> None:
    """The smallest P with norm * 2**(N - s) <= 2**(P - 1) - 1."""
    assert a2q_widths([norm], kind).tolist() == [expected]


def test_single_layers_have_their_own_order() -> None:
    net = dense([[2, -3, 4]], 0, [0])
    (found,) = layer_bounds(net, Numerics(**WIDE), layers={"node": {"order": "reversed", "bias_order": "last"}})
    assert found.exact.high.tolist() == [[6 * 127 + 3 * 128], [6 * 127 + 3 * 128]]
