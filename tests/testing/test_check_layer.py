"""`check_layer`: the simulator passes; planted bugs are found and become small; what is printed reruns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

import fxsim
from fxsim import FxsimError, Hardware, Network
from fxsim.ops import OPERATORS
from fxsim.sim import execute
from fxsim.testing import MismatchError, check_layer
from fxsim.testing.layers import Case

Array = NDArray[Any]
NARROW = Hardware(
    rows=2, cols=3, acc_depth=8, acc_bits=16, overflow="wrap", bias_policy="apply", order="reversed",
    requantizer="RNDNU", x_port_bytes=4,
)  # fmt: skip
INNER = NARROW.replace(inner_bits=12, inner_products=6, overflow="trap", zero_point="subtract")


def output(net: Network, x: Any, hw: Hardware | None = None) -> Array:
    tensors = fxsim.golden(net, x, numerics=None if hw is None else hw.numerics)
    codes: Array = tensors[net.values[net.outputs[0]].name]
    return codes


def flipped(net: Network, x: Any, hw: Hardware | None = None) -> Array:
    """A wrong bit in the last element."""
    codes = output(net, x, hw).copy()
    codes.view(np.uint8).reshape(-1)[-codes.itemsize] ^= 1
    return codes


def caught(dut: Callable[..., Any], **arguments: Any) -> MismatchError:
    with pytest.raises(MismatchError) as found:
        check_layer(dut, **arguments)
    return found.value


def test_the_simulator_passes() -> None:
    def dut(net: Network, x: Any) -> Array:
        codes: Array = fxsim.run(net, x, hw=NARROW).outputs[net.values[net.outputs[0]].name]
        return codes

    checked = check_layer(dut, hw=NARROW, examples=3)
    assert checked.cases == 3 * len(OPERATORS)
    assert checked.elements > 100


def test_all_operators_are_asked_and_those_that_are_named() -> None:
    seen = set()

    def dut(net: Network, x: Any) -> Array:
        seen.add((net.nodes[0].op, net.profile))
        return output(net, x)

    check_layer(dut, ops=("MEAN", "ADD"), profile="litert", examples=10)
    assert seen == {("MEAN", "litert"), ("ADD", "litert")}
    assert check_layer(dut, examples=2).cases == 2 * len(OPERATORS)
    assert {op for op, profile in seen if profile == "tflite"} == set(OPERATORS)


def low_clamp(net: Network, x: Any) -> Array:
    codes = output(net, x)
    return np.minimum(codes, 126).astype(codes.dtype)


def padded_with_zeros(net: Network, x: Any) -> Array:
    """Padding is the zero point; this one takes the code 0."""
    return output(net, x) if net.nodes[0].attrs.padding == "VALID" else shifted(net, x)


def shifted(net: Network, x: Any) -> Array:
    codes = output(net, x)
    return codes if codes.size < 2 else np.roll(codes, 1)


@pytest.mark.parametrize(("bug", "op"), [(low_clamp, "FULLY_CONNECTED"), (padded_with_zeros, "MAX_POOL_2D")])
def test_planted_bugs_are_found_and_become_small(bug: Callable[..., Array], op: str) -> None:
    error = caught(bug, ops=[op])
    namespace: dict[str, Any] = {"dut": output}
    exec(error.python, namespace)
    net = namespace["net"]
    assert [node.op for node in net.nodes] == [op]
    assert all(value.type.size <= 2 for value in net.values)
    with pytest.raises(AssertionError):
        exec(error.python, {"dut": bug})


@pytest.mark.parametrize("hw", [None, NARROW, INNER], ids=["runtime", "narrow", "inner"])
@pytest.mark.parametrize("profile", ["tflite", "litert"])
def test_what_is_printed_reruns(
    hw: Hardware | None, profile: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cases = []

    def dut(net: Network, x: Any) -> Array:
        cases.append(Case(net, x if isinstance(x, dict) else {net.values[net.inputs[0]].name: x}))
        return output(net, x, hw)

    check_layer(dut, hw=hw, profile=profile, examples=2)
    for case in cases:
        monkeypatch.setattr("fxsim.testing.checking.layers.layers", lambda *_, case=case, **__: st.just(case))
        error = caught(lambda net, x: flipped(net, x, hw), hw=hw, folder=tmp_path / "found")
        check_rerun(error, case, hw)
        words = {path.name: numbers(path) for path in (tmp_path / "found").glob("*.hex")}
        check_words(words, case, output(case.network, case.x, hw))


def check_rerun(error: MismatchError, case: Case, hw: Hardware | None) -> None:
    """The printed Python tells right from wrong; the program computes what is expected."""
    with pytest.raises(AssertionError):
        exec(error.python, {"dut": lambda net, x: flipped(net, x, hw)})
    exec(error.python, {"dut": lambda net, x: output(net, x, hw)})
    program = fxsim.assemble(error.assembly)
    assert program.disassemble() == error.assembly
    computed = execute(program, case.x, keep=[program.of_kind("output")[0].name]).tensors
    (codes,) = computed.values()
    assert codes.tobytes() == output(case.network, case.x, hw).tobytes()


def check_words(words: dict[str, list[int]], case: Case, expected: Array) -> None:
    """The files hold the output of every sample."""
    raw = expected.view(f"u{expected.itemsize}").reshape(len(expected), -1).tolist()
    if "expected.hex" in words:
        assert words["expected.hex"] == [code for sample in raw for code in sample]
        return
    heads = [""] if len(raw) == 1 else [f"sample{i}_" for i in range(len(raw))]
    assert [words[f"{head}ofm.hex"] for head in heads] == raw


def numbers(path: Path) -> list[int]:
    """What `$readmemh` reads."""
    return [int(line, 16) for line in path.read_text().splitlines() if not line.startswith("//")]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda codes: codes.astype(np.int16), "t0 must be int8, not int16"),
        (lambda codes: codes[0], r"t0 must have shape \(1, 1\), not \(1,\)"),
        (lambda _: None, "t0 must be int8, not None"),
    ],
)
def test_answers_of_another_kind(answer: Callable[[Array], Any], problem: str) -> None:
    error = caught(lambda net, x: answer(output(net, x)), ops=["RELU6"])
    assert error.problem.startswith("t0 must ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ops": ["CONV_3D"]}, "CONV_3D"),
        ({"profile": "onnx"}, "onnx"),
        (
            {"ops": ["CONV_2D"], "hw": Hardware(act_bits=4)},
            ": hardware must hold more than one of six cases, but node 'n0': activation codes must fit act_bits = 4",
        ),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FxsimError, match=message) as refused:
        check_layer(output, **arguments)
    assert not isinstance(refused.value, MismatchError)


def test_weights_fit_the_hardware() -> None:
    hw, seen = NARROW.replace(weight_bits=3), []

    def dut(net: Network, x: Any) -> Array:
        seen.append(net.values[net.nodes[0].inputs[1]].data)
        return output(net, x, hw)

    assert check_layer(dut, ops=["FULLY_CONNECTED"], hw=hw, examples=30).cases >= 20
    assert {int(extreme) for w in seen for extreme in (w.min(), w.max())} >= {-4, 3}
