"""`simulate`: overrides, traps and shapes as a user meets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import HardwareError, InputError, LoweringError, TrapError
from fxsim.api import differences
from fxsim.graph import DType, Network, Node, TensorType, Value, build
from fxsim.numerics import Affine
from fxsim.ops import FullyConnected

FC = Path(__file__).resolve().parents[2] / "models" / "digits" / "digits_fc.tflite"
X = np.load(FC.parent / "x_eval_flat.npy")[:20]


def test_an_override_is_the_lowered_thing() -> None:
    """Values, counters, prices and hardware equal those of a program lowered for the width."""
    program = fxsim.lower(FC)
    narrow = fxsim.Hardware(name="edge-16x16", acc_bits=14, overflow="wrap", bias_policy="apply")
    over = fxsim.simulate(program, X, keep="all", numerics=narrow.numerics)
    lowered = fxsim.run(FC, X, hw=narrow, keep="all")
    assert sum(d.mismatches for d in differences(lowered.tensors, over.tensors)) == 0
    assert over.to_dict() == lowered.to_dict()
    assert over.energy_pj < fxsim.simulate(program, X).energy_pj
    assert any(layer.overflow_count for layer in over.layers)


@pytest.mark.parametrize("reduction", ["tree", "chain"])
def test_an_override_of_the_inner_accumulator_is_the_lowered_thing(reduction: str) -> None:
    """Its width and rule may change in a lowered program, in single layers too; the table names its events."""
    hw = fxsim.Hardware(name="edge-16x16", reduction=reduction, inner_bits=20, inner_products=32)
    layers = {"dense2": {"inner_bits": 11, "inner_overflow": "wrap"}}
    narrow = hw.replace(inner_bits=12)
    over = fxsim.simulate(fxsim.lower(FC, hw), X, keep="all", numerics=narrow.numerics, layers=layers)
    lowered = fxsim.run(FC, X, hw=narrow, layers=layers, keep="all")
    assert sum(d.mismatches for d in differences(lowered.tensors, over.tensors)) == 0
    assert over.to_dict() == lowered.to_dict()
    assert all(layer.inner_events for layer in list(over.layers)[:2])
    assert "inner events" in over.table()
    assert "inner events" not in fxsim.run(FC, X).table()


def test_an_override_of_one_layer_is_the_lowered_thing() -> None:
    layers = {"dense2": {"acc_bits": 10, "overflow": "wrap"}}
    narrow = fxsim.Hardware(name="edge-16x16", acc_bits=14, bias_policy="apply")
    over = fxsim.simulate(fxsim.lower(FC), X, keep="all", numerics=narrow.numerics, layers=layers)
    lowered = fxsim.run(FC, X, hw=narrow, layers=layers, keep="all")
    assert sum(d.mismatches for d in differences(lowered.tensors, over.tensors)) == 0
    assert over.to_dict() == lowered.to_dict()
    assert all(layer.overflow_count for layer in list(over.layers)[:2])


def test_overrides_of_single_layers_are_checked() -> None:
    program, numerics = fxsim.lower(FC), fxsim.Hardware(bias_policy="apply").numerics
    with pytest.raises(HardwareError, match=r"layers must be names of layers with accumulators, not \['x'\]"):
        fxsim.simulate(program, X, numerics=numerics, layers={"x": {"acc_bits": 9}})
    with pytest.raises(HardwareError, match=r"may only change acc_bits, .*, not \['order'\]"):
        fxsim.simulate(program, X, numerics=numerics, layers={"dense2": {"order": "reversed"}})
    with pytest.raises(HardwareError, match="layers must come with numerics"):
        fxsim.simulate(program, X, layers={"dense2": {"acc_bits": 9}})
    with pytest.raises(HardwareError, match=r"layer 'dense2': every bias must fit the accumulator of 8 bits"):
        fxsim.simulate(program, X, numerics=numerics, layers={"dense2": {"acc_bits": 8, "bias_policy": "error"}})


def test_an_override_holds_the_bias_policy() -> None:
    numerics = fxsim.Hardware(acc_bits=9).numerics
    with pytest.raises(HardwareError, match=r"layer '\w+': every bias must fit the accumulator of 9 bits"):
        fxsim.simulate(fxsim.lower(FC), X, numerics=numerics)


def test_a_bias_that_comes_last_must_fit_too() -> None:
    """Nothing is loaded, so nothing is counted; the policy holds all the same, by the width of the register."""
    program = fxsim.lower(FC, fxsim.Hardware(bias_order="last", bias_policy="apply"))
    narrow = fxsim.Hardware(bias_order="last", acc_bits=9)
    with pytest.raises(HardwareError, match=r"layer '\w+': every bias must fit the accumulator of 9 bits"):
        fxsim.simulate(program, X, numerics=narrow.numerics)
    behind = narrow.replace(overflow="readout", acc_internal_bits=32)
    assert fxsim.simulate(program, X, numerics=behind.numerics).layers[0].overflow_count
    applied = fxsim.simulate(program, X, numerics=narrow.replace(bias_policy="apply").numerics)
    assert applied.layers[0].bias_overflow_count == 0 < applied.layers[0].overflow_count


def test_a_layer_of_its_own_holds_its_own_bias_policy() -> None:
    """The layer that may load a bias through the overflow rule does, whatever the hardware says of the others."""
    first = fxsim.load(FC).nodes[0].name
    narrow = {"acc_bits": 9, "bias_policy": "apply"}
    result = fxsim.simulate(fxsim.lower(FC, layers={first: narrow}), X)
    everywhere = fxsim.run(FC, X, hw=fxsim.Hardware(**narrow))
    assert result.layers[0].bias_overflow_count == everywhere.layers[0].bias_overflow_count > 0
    assert not any(layer.bias_overflow_count for layer in list(result.layers)[1:])


def test_outputs_behind_a_trap_are_withheld_everywhere(tmp_path: Path) -> None:
    trap = fxsim.run(FC, X, hw=fxsim.Hardware(acc_bits=12, overflow="trap", bias_policy="apply"), keep="all")
    assert trap.trap.startswith("sample 0, layer 0 'dense1' (FULLY_CONNECTED), output (0, 0), channel 0, bias load, ")
    assert "probabilities" not in trap.tensors
    trap.save(tmp_path / "r.npz")
    for result in (trap, fxsim.Result.load(tmp_path / "r.npz")):
        with pytest.raises(TrapError, match="no accumulator may overflow"):
            result.outputs  # noqa: B018
    calm = fxsim.run(FC, X, hw=fxsim.Hardware(overflow="trap"))
    assert np.array_equal(calm.outputs["probabilities"], fxsim.run(FC, X).outputs["probabilities"])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"probabilities": {"acc_bits": 20}}, "only layers with accumulators"),
        ({"dense1": 3}, "layer fields must be a mapping, not 3"),
        ({"dense9": {}}, r"layers must be names of nodes or of their outputs, not \['dense9'\]"),
        ({"dense1": {"rows": 3}}, r"layer fields must be numerics, not \['rows'\]"),
    ],
)
def test_illegal_layer_overrides(layers: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(LoweringError, match=message):
        fxsim.lower(FC, layers=layers)


def test_layer_overrides_act_on_their_layer() -> None:
    hw = fxsim.Hardware(bias_policy="apply", overflow="saturate")
    program = fxsim.lower(FC, hw, layers={"dense2": {"acc_bits": 10}})
    result = fxsim.simulate(program, X)
    assert [layer.overflow_count > 0 for layer in result.layers] == [False, True, False, False]
    expected = fxsim.golden(FC, X, numerics=hw.numerics, layers={"dense2": {"acc_bits": 10}})
    assert np.array_equal(result.outputs["probabilities"], expected["probabilities"])


def two_inputs() -> Network:
    """Inputs a (1, 8) and b (2, 8), each into its own FULLY_CONNECTED."""
    quant, rng = Affine(np.float32(0.05), 3), np.random.default_rng(0)
    values: list[Value] = []
    nodes: list[Node] = []
    for name, rows in (("a", 1), ("b", 2)):
        codes = rng.integers(-127, 128, (4, 8)).astype(np.int8)
        base = len(values)
        values += [
            Value(name, TensorType((rows, 8), DType.INT8, quant)),
            Value(f"w_{name}", TensorType((4, 8), DType.INT8, Affine(np.float32(0.01), 0)), codes),
            Value(f"y_{name}", TensorType((rows, 4), DType.INT8, quant)),
        ]
        attrs = FullyConnected(activation="NONE")
        nodes.append(Node("FULLY_CONNECTED", f"y_{name}", (base, base + 1, -1), (base + 2,), attrs))
    return build("two", values, nodes, [0, 3], [2, 5])


def test_inputs_with_different_first_dimensions() -> None:
    net, rng = two_inputs(), np.random.default_rng(1)
    x = {"a": rng.integers(-128, 128, (3, 8)).astype(np.int8), "b": rng.integers(-128, 128, (3, 2, 8)).astype(np.int8)}
    result = fxsim.run(net, x, keep="all")
    assert {name: t.shape for name, t in result.outputs.items()} == {"y_a": (3, 4), "y_b": (3, 2, 4)}
    assert sum(d.mismatches for d in differences(fxsim.golden(net, x), result.tensors)) == 0
    with pytest.raises(InputError):
        fxsim.run(net, x["a"])
