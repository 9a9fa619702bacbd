"""Every configuration of a sweep against its own golden run."""

from __future__ import annotations

import dataclasses
import json
import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import fxsim
from fxsim._core.errors import HardwareError, InputError
from fxsim.analysis import WidthSweep, mac_nodes, width_sweep
from fxsim.graph import Network, random_samples
from fxsim.hw import Numerics
from fxsim.ops import OPERATORS, accumulate_outputs, gather, mac_params
from fxsim.oracle import golden, golden_stats, operand_arrays
from fxsim.testing import Chain

MODES = ("wrap", "saturate", "readout")
Array = NDArray[Any]


def rules(numerics: Numerics, modes: tuple[str, ...], widths: tuple[int, ...]) -> dict[tuple[int, int], Numerics]:
    return {
        (m, w): dataclasses.replace(numerics, overflow=mode, acc_bits=width, bias_policy="apply")
        for m, mode in enumerate(modes)
        for w, width in enumerate(widths)
    }


def exact_tensors(net: Network, x: Any, numerics: Numerics) -> dict[int, Array]:
    """All tensors as accumulators of 32 bits give them, by value number, (N, *shape)."""
    plain = dataclasses.replace(numerics, acc_bits=32, overflow="wrap")
    found = golden(net, x, numerics=plain)
    return {i: found[v.name].reshape(-1, *v.type.shape) for i, v in enumerate(net.values) if v.name in found}


def check_isolated(net: Network, x: Any, numerics: Numerics, found: WidthSweep) -> int:
    """Compare with one run of every layer for each configuration; how many codes changed."""
    tensors, changed = exact_tensors(net, x, numerics), 0
    assert found.errors is not None
    for place, number in enumerate(mac_nodes(net)):
        node = net.nodes[number]
        right = tensors[node.outputs[0]].astype(int)
        inputs = operand_arrays(net, node, tensors, found.samples)
        zero = int(net.values[node.outputs[0]].type.quant.zero_point[0])  # type: ignore[union-attr]
        assert found.errors.signal[place] == ((right - zero) ** 2).sum()
        for (m, w), rule in rules(numerics, found.modes, found.widths).items():
            wanted = OPERATORS[node.op].run(net, node, inputs, rule)
            assert found.stats(place, found.modes[m], found.widths[w]).same_as(wanted.stats)
            error = wanted.outputs[0].astype(int) - right
            assert found.errors.changed[place, m, w] == np.count_nonzero(error)
            assert found.errors.max_error[place, m, w] == np.abs(error).max()
            assert found.errors.noise[place, m, w] == (error**2).sum()
            assert found.events[place, m, w] == wanted.stats.overflow_events
            assert found.overflowed[place, m, w] == wanted.stats.overflow_count
            assert found.bias_overflowed[place, m, w] == wanted.stats.bias_overflow_count
            assert found.internal_wraps[place, m, w] == wanted.stats.internal_wraps
            changed += int(np.count_nonzero(error))
    return changed


def check_network(net: Network, x: Any, numerics: Numerics, found: WidthSweep) -> int:
    """Compare with one golden run for each configuration; how many outputs changed."""
    tensors, changed = exact_tensors(net, x, numerics), 0
    effects = found.effects
    assert effects is not None
    for (m, w), rule in rules(numerics, found.modes, found.widths).items():
        wanted, stats = golden_stats(net, x, rule)
        macs = [stats[number] for number in mac_nodes(net)]
        assert found.events[:, m, w].tolist() == [s.overflow_events for s in macs]
        assert found.overflowed[:, m, w].tolist() == [s.overflow_count for s in macs]
        assert found.bias_overflowed[:, m, w].tolist() == [s.bias_overflow_count for s in macs]
        assert found.internal_wraps[:, m, w].tolist() == [s.internal_wraps for s in macs]
        differs = []
        for i in net.outputs:
            name = net.values[i].name
            assert np.array_equal(effects.outputs[name][m, w], wanted[name])
            differs.append((wanted[name].reshape(tensors[i].shape) != tensors[i]).reshape(found.samples, -1))
        every = np.concatenate(differs, axis=1)
        assert effects.changed[m, w] == np.count_nonzero(every)
        assert effects.samples_changed[m, w] == np.count_nonzero(every.any(axis=1))
        changed += int(np.count_nonzero(every))
    return changed


@st.composite
def some_numerics(draw: st.DrawFn) -> Numerics:
    tree = draw(st.booleans())
    return Numerics(
        reduction="tree" if tree else "chain",
        group_size=draw(st.sampled_from([1, 3, 4, 16])) if tree else 1,
        order=draw(st.sampled_from(["canonical", "reversed"])),
        split_k=draw(st.sampled_from([1, 1, 2, 3])),
        bias_order=draw(st.sampled_from(["first", "last"])),
        zero_point=draw(st.sampled_from(["fold", "subtract"])),
        acc_internal_bits=draw(st.sampled_from([21, 31, 48, 64])),
    )


some_widths = st.lists(st.sampled_from([3, 8, 11, 13, 14, 16, 18, 21]), min_size=2, max_size=3, unique=True).map(
    lambda widths: [*widths, 12]
)
"""At 12 bits, some output of `layered` always changes."""


def layered() -> Network:
    """Every kind of layer: padding, stride, dilation, depth multiplier, residual sum, weight zero point."""
    chain = Chain((1, 6, 7, 3), seed=4).conv(5, stride_h=2)
    kept = chain.last
    chain.depthwise(2, dilation_w=2).conv(5, (1, 1)).binary("ADD", kept).conv(4, (2, 3), padding="VALID", bias=False)
    size = int(np.prod(chain.values[chain.last].type.shape))
    return chain.reshape(1, size).dense(3, weight_zero=5).softmax().build()


def unequal_samples(net: Network, seed: int) -> Array:
    """Faint and strong images, so that samples change in different layers, the last ones of the batch first."""
    full: Array = random_samples(net, seed, 4)["x"].astype(int)
    codes: Array = full // np.array([40, 8, 1, 3]).reshape(4, 1, 1, 1) + 3
    return codes.clip(-128, 127).astype(np.int8)


@settings(max_examples=12)
@given(some_numerics(), some_widths, st.integers(0, 1000))
def test_isolated_layers_equal_brute_force(numerics: Numerics, widths: list[int], seed: int) -> None:
    net = layered()
    x = random_samples(net, seed, 2)
    found = width_sweep(net, x, numerics=numerics, widths=widths, isolated=True)
    assert check_isolated(net, x, numerics, found) > 0


@pytest.mark.slow
@settings(max_examples=12)
@given(some_numerics(), some_widths, st.integers(0, 1000))
def test_the_network_equals_brute_force(numerics: Numerics, widths: list[int], seed: int) -> None:
    net = layered()
    x = unequal_samples(net, seed)
    found = width_sweep(net, x, numerics=numerics, widths=widths)
    assert check_network(net, x, numerics, found) > 0


def test_sums_at_the_edge_of_the_range() -> None:
    """Weights of 1 and data whose sums stand at and beyond -2**7 and 2**7 - 1."""
    chain = Chain((4, 2), scale=8.0, zero_point=0).dense(1, bias=False)
    chain.values[1] = dataclasses.replace(chain.values[1], data=np.ones((1, 2), np.int8))
    x = np.array([[[127, 0], [127, 1], [-128, 0], [-128, -1]]], np.int8)
    found = width_sweep(chain.build(), x, numerics=Numerics(), widths=(8, 9), isolated=True)
    assert found.events.tolist() == [[[2, 0]] * 3]
    assert check_isolated(chain.build(), x, Numerics(), found) > 0


def summing(bias: list[int], data: list[list[int]]) -> tuple[Network, Array]:
    """Weights of 1 and a bias per channel, for pairs of data codes."""
    chain = Chain((len(data), 2), scale=8.0, zero_point=0).dense(len(bias))
    chain.values[1] = dataclasses.replace(chain.values[1], data=np.ones((len(bias), 2), np.int8))
    chain.values[2] = dataclasses.replace(chain.values[2], data=np.array(bias, np.int32))
    return chain.build(), np.array([data], np.int8)


def test_a_bias_at_the_edge_of_the_range() -> None:
    net, x = summing([127, 128, -128, -129], [[0, 0], [0, 0]])
    found = width_sweep(net, x, numerics=Numerics(), widths=(8,), isolated=True)
    bias = found.stats(0, "wrap", 8).channel_bias_overflow_count
    assert bias.tolist() == [0, 2, 0, 2]
    check_isolated(net, x, Numerics(), found)


def test_a_late_bias_is_no_prefix_before_the_end() -> None:
    """All sums stay above 0, where they start."""
    net, x = summing([50, 60], [[20, 30], [3, 4]])
    numerics = Numerics(bias_order="last")
    found = width_sweep(net, x, numerics=numerics, widths=(7, 8), isolated=True)
    assert found.stats(0, "wrap", 8).channel_acc_min.tolist() == [7, 7]
    check_isolated(net, x, numerics, found)


def test_sums_too_large_for_the_kernel() -> None:
    """Beyond 2**30 the sums of any group, and of any prefix, are left to NumPy."""
    net, x = summing([1_900_000_000, -1_900_000_000, (1 << 31) - 10, 1 << 29], [[127, 127], [1, 2]])
    numerics = Numerics(zero_point="subtract")
    found = width_sweep(net, x, numerics=numerics, widths=(9, 30, 31, 32), isolated=True)
    assert found.events[0, 0].tolist() != found.events[0, 1].tolist()
    tensors, stats = golden_stats(net, x, Numerics(overflow="wrap", acc_bits=31, bias_policy="apply"))
    assert found.stats(0, "wrap", 31).same_as(stats[0])
    assert tensors


def test_several_images_a_sample() -> None:
    """The model's own first dimension is 2: two images share their sample's counters."""
    net = Chain((2, 4, 4, 3), seed=8).conv(5).depthwise().build()
    x = random_samples(net, 8, 3)
    found = width_sweep(net, x, numerics=Numerics(), widths=(8, 11), isolated=True)
    assert check_isolated(net, x, Numerics(), found) > 0
    assert found.bias_overflowed[0, 0, 0] > 0
    assert check_network(net, x, Numerics(), width_sweep(net, x, numerics=Numerics(), widths=(8, 11))) > 0


def test_a_layer_of_many_positions() -> None:
    """The greatest errors are not among the last positions; widths beyond 32 bits take the slow way."""
    net = Chain((1, 40, 40, 40), seed=5).conv(2).build()
    x: Array = random_samples(net, 1)["x"]
    x[:, 30:] //= 40
    found = width_sweep(net, x, numerics=Numerics(), widths=(13, 40), modes=("wrap",), isolated=True)
    assert check_isolated(net, x, Numerics(), found) > 0


@pytest.mark.slow
@pytest.mark.parametrize("requantizer", ["profile", "TFL_SINGLE", "RNDNU", "TFL_DOUBLE_FP", "FP32_RNE"])
def test_many_channels_and_schemes(requantizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several lane blocks, both ways of operands, scales above and below 1, parts of the samples, a faint one last."""
    monkeypatch.setattr(import_module("fxsim.analysis.width_sweep"), "_CHUNK_BYTES", 1 << 13)
    net = Chain((1, 6, 7, 5), seed=9, scale=1.0).conv(20).depthwise().conv(33, (1, 1)).build()
    numerics = Numerics(requantizer=requantizer, reduction="chain", group_size=1, split_k=2)
    x: Array = random_samples(net, 8, 5)["x"]
    x[-1] //= 40
    alone = width_sweep(net, x, numerics=numerics, widths=(9, 14), isolated=True)
    assert check_isolated(net, x, numerics, alone) > 0
    assert check_network(net, x, numerics, width_sweep(net, x, numerics=numerics, widths=(9, 14))) > 0


def test_a_fully_connected_layer_of_the_litert_profile() -> None:
    net = Chain((3, 50), seed=2).dense(17, weight_zero=3).build(profile="litert")
    x = random_samples(net, 8, 2)
    alone = width_sweep(net, x, numerics=Numerics(), widths=(9, 14), isolated=True)
    assert check_isolated(net, x, Numerics(), alone) > 0


def test_configurations_that_nothing_leaves_run_nothing_again() -> None:
    net = layered()
    x = random_samples(net, 1, 2)
    found = width_sweep(net, x, numerics=Numerics(), widths=(8, 22, 32))
    assert found.effects is not None
    assert found.effects.rerun.tolist() == [[2, 0, 0]] * 3
    assert found.effects.changed[:, 1:].sum() == 0
    assert np.isposinf(found.effects.sqnr_db[:, 1:]).all()


def test_accuracy_counts_the_labels_that_the_first_output_hits() -> None:
    net = layered()
    x = random_samples(net, 3, 6)
    labels = golden(net, x, numerics=Numerics())[net.values[net.outputs[0]].name].argmax(axis=-1)
    labels[0] = (labels[0] + 1) % 3
    found = width_sweep(net, x, numerics=Numerics(), widths=(6, 24), labels=labels)
    effects = found.effects
    assert effects is not None
    assert effects.correct is not None
    assert (effects.exact_correct, effects.correct[:, 1].tolist()) == (5, [5, 5, 5])
    narrow = next(iter(effects.outputs.values()))[:, 0].argmax(axis=-1)
    assert effects.correct[:, 0].tolist() == (narrow == labels).sum(axis=-1).tolist()
    assert found.curve("wrap")[1].accuracy == 5 / 6


def test_signal_to_noise_by_hand() -> None:
    net = Chain((1, 4, 4, 4), seed=2).conv(3).build()
    x = random_samples(net, 5)
    whole = width_sweep(net, x, numerics=Numerics(), widths=(12, 32), modes=("wrap",))
    alone = width_sweep(net, x, numerics=Numerics(), widths=(12, 32), modes=("wrap",), isolated=True)
    exact = golden(net, x, numerics=Numerics())["t0"].astype(int)
    narrow = golden(net, x, numerics=Numerics(acc_bits=12, overflow="wrap", bias_policy="apply"))["t0"].astype(int)
    wanted = 10 * math.log10(((exact + 7) ** 2).sum() / ((narrow - exact) ** 2).sum())
    assert whole.effects is not None
    assert alone.errors is not None
    assert whole.effects.sqnr_db.tolist() == [[pytest.approx(wanted, abs=1e-12), math.inf]]
    assert alone.errors.sqnr_db.tolist() == [[[pytest.approx(wanted, abs=1e-12), math.inf]]]


def test_widths_beyond_the_runtimes() -> None:
    """Beyond 32 bits the requantizer itself is wider."""
    net = Chain((1, 5, 5, 3), seed=7, scale=1e6).conv(4).depthwise().build()
    x = random_samples(net, 2, 2)
    numerics = Numerics(bias_bits=64)
    alone = width_sweep(net, x, numerics=numerics, widths=(12, 32, 40, 48), isolated=True)
    check_isolated(net, x, numerics, alone)
    check_network(net, x, numerics, width_sweep(net, x, numerics=numerics, widths=(12, 32, 40, 48)))


def test_printed_and_plain_data() -> None:
    net = layered()
    x = random_samples(net, 1, 2)
    labels = np.array([0, 1])
    whole = width_sweep(net, x, numerics=Numerics(), widths=(24, 9), labels=labels)
    alone = width_sweep(net, x, numerics=Numerics(), widths=(9, 24), modes=("readout",), isolated=True)
    assert whole.widths == (9, 24)
    assert "accuracy %" in whole.table()
    assert [line.split()[0] for line in whole.table().splitlines() if line.strip()[:2] == "24"] == ["24"] * 3
    assert alone.table().startswith("isolated layers, readout, 2 samples")
    for found in (whole, alone):
        data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert data["curves"][found.modes[0]][0]["events"] == int(found.events[:, 0, 0].sum())
        assert data["overflowed"] == found.overflowed.tolist()
    point = alone.curve("readout")[0]
    assert point.rate == point.overflowed / int(alone.outputs.sum())


def test_a_network_without_accumulators() -> None:
    net = Chain((1, 4, 4, 2)).pool("MAX").build()
    x = random_samples(net, 1)
    alone = width_sweep(net, x, numerics=Numerics(), widths=(8,), isolated=True)
    assert alone.events.shape == (0, 3, 1)
    whole = width_sweep(net, x, numerics=Numerics(), widths=(8,))
    assert whole.effects is not None
    assert np.array_equal(whole.effects.outputs["t0"][0, 0], golden(net, x)["t0"])
    assert whole.curve("wrap")[0].rate == 0


@pytest.mark.parametrize(
    ("error", "message", "fields"),
    [
        (InputError, "widths must be different integers in 2..64", {"widths": (8, 1)}),
        (InputError, "widths must be different", {"widths": (8, 8)}),
        (InputError, "widths must be different", {"widths": ()}),
        (InputError, "widths must be different", {"widths": (True,)}),
        (InputError, "widths must be different", {"widths": (8, 65)}),
        (InputError, "modes must be different ones of wrap, saturate, readout", {"modes": ("trap",)}),
        (InputError, "modes must be different", {"modes": "wrap"}),
        (InputError, "modes must be different", {"modes": ()}),
        (InputError, "modes must be different", {"modes": ("wrap", "wrap")}),
        (HardwareError, "acc_internal_bits must be at least acc_bits = 49", {"widths": (8, 49)}),
        (HardwareError, "acc_bits must be in 2..48 to requantize by TFL_DOUBLE", {"widths": (49,), "modes": ("wrap",)}),
        (InputError, "labels must be 2 integers", {"labels": np.zeros(3, int)}),
        (InputError, "labels must be 2 integers", {"labels": np.zeros(2)}),
        (InputError, r"labels must be in 0..2, not \(0, 3\)", {"labels": np.array([0, 3])}),
        (InputError, r"labels must be in 0..2, not \(-1, 0\)", {"labels": np.array([0, -1])}),
        (InputError, "labels must be left out", {"labels": np.array([0, 1]), "isolated": True}),
    ],
)
def test_bad_input_is_refused(error: type[Exception], message: str, fields: dict[str, Any]) -> None:
    net = layered()
    with pytest.raises(error, match=message):
        width_sweep(net, random_samples(net, 1, 2), numerics=Numerics(), **fields)


def test_what_a_sweep_does_not_have_is_refused() -> None:
    net = layered()
    x = random_samples(net, 1)
    whole = width_sweep(net, x, numerics=Numerics(), widths=(8,))
    alone = width_sweep(net, x, numerics=Numerics(), widths=(8,), modes=("wrap",), isolated=True)
    with pytest.raises(InputError, match="counters by channel must come from isolated layers"):
        whole.stats(0, "wrap", 8)
    with pytest.raises(InputError, match="layer must be in 0..4, not 5"):
        alone.stats(5, "wrap", 8)
    with pytest.raises(InputError, match="mode must be one of wrap, not 'readout'"):
        alone.curve("readout")
    with pytest.raises(InputError, match="width must be one of the sweep's, not 9"):
        alone.stats(0, "wrap", 9)


def test_the_api_gives_what_a_sweep_needs() -> None:
    """A product of two matrices is a network like any other."""
    net = fxsim.gemm(3, 40, 5)
    x = random_samples(net, 1, 2)
    numerics = fxsim.Hardware().numerics
    found = width_sweep(net, x, numerics=numerics, widths=(10, 14, 20))
    assert check_network(net, x, numerics, found) > 0


def test_touched_outputs_have_an_event_or_a_bias_load_outside() -> None:
    net = Chain((1, 5, 4, 3), seed=2).conv(5, padding="SAME").build()
    x = random_samples(net, 3, 4)
    sweep = width_sweep(net, x, numerics=fxsim.Hardware().numerics, widths=range(8, 22), isolated=True)
    both = 0
    for mode, name in enumerate(sweep.modes):
        for place, bits in enumerate(sweep.widths):
            rule = fxsim.Hardware(acc_bits=bits, overflow=name, bias_policy="apply").numerics
            params = mac_params(net, net.nodes[0], rule)
            found = accumulate_outputs(params, gather(params, x["x"], slice(0, 80)), rule)
            left = (found.events > 0) | (found.bias_left > 0)
            both += int(((found.events > 0) & (found.bias_left > 0)).sum())
            assert sweep.touched()[0, mode, place] == left.sum()
    assert both > 0
    with pytest.raises(InputError, match="isolated layers"):
        width_sweep(net, x, numerics=fxsim.Hardware().numerics).touched()
