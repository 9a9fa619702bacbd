"""Requantizers with narrow or shared multipliers: what instructions carry, what the words must be, what it costs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import LoweringError, ProgramError
from fxsim.api import random_samples
from fxsim.cli import main
from fxsim.energy import count_events
from fxsim.graph import Network
from fxsim.hw import Event, Hardware, Kind
from fxsim.isa import Program, Req, assemble, disassemble, encode
from fxsim.numerics import SCHEMES
from fxsim.ops import mac_params
from fxsim.sim import carried_numerics
from fxsim.testing import Chain
from tests.energy.counted import counts

HW = Hardware(rows=4, cols=4)


def net(profile: str = "tflite") -> Network:
    return Chain((1, 4, 4, 3), seed=5).conv(6).reshape(1, 96).dense(5, bias=False).build(profile=profile)


def altered(program: Program, **fields: Any) -> Program:
    code = [dataclasses.replace(i, **fields) if isinstance(i, Req) else i for i in program.instructions]
    return dataclasses.replace(program, code=encode(code))


def multipliers(program: Program, of: str) -> list[int]:
    """Widths of the products that layer `of` pays for."""
    found = count_events(program)
    number = [layer.name for layer in program.layers].index(of)
    own = found.counts[:, program.layer_of == number].sum(axis=1)
    return [e.other_bits for e, n in zip(found.events, own, strict=True) if e.kind is Kind.REQUANT_MULTIPLY and n]


def test_layers_have_requantizers_of_their_own() -> None:
    layers: dict[str, dict[str, Any]] = {
        "n0": {"requantizer": "FLOOR", "multiplier_bits": 9},
        "n2": {"multiplier_bits": 2, "multipliers": "tensor"},
    }
    program = fxsim.lower(net(), HW.replace(multiplier_bits=20), layers=layers)
    for number, expected in ((0, ("FLOOR", 9, "channel")), (2, ("TFL_DOUBLE", 2, "tensor"))):
        numerics = carried_numerics(program, number)
        assert (numerics.requantizer, numerics.multiplier_bits, numerics.multipliers) == expected
    assert [multipliers(program, name) for name in ("n0", "n2")] == [[9], []]
    x = random_samples(net(), 1, 4)
    exact = fxsim.golden(net(), x, numerics=HW.replace(multiplier_bits=20).numerics, layers=layers)
    run = fxsim.simulate(program, x, keep="all")
    assert all(np.array_equal(run.tensors[name], exact[name]) for name in run.tensors)
    assert assemble(disassemble(program)).instructions == program.instructions


def test_words_must_be_those_of_the_multiplier() -> None:
    x = random_samples(net(), 1, 1)
    narrow, whole = fxsim.lower(net(), HW.replace(multiplier_bits=12)), fxsim.lower(net(), HW)
    fxsim.simulate(altered(narrow, multiplier_cut=0), x)
    fxsim.simulate(altered(whole, one_word=0), x)
    for bits in (12, 20):
        with pytest.raises(ProgramError, match=f"must hold a multiplier of {bits} bits"):
            fxsim.simulate(altered(whole, multiplier_cut=32 - bits), x)
    with pytest.raises(ProgramError, match="must hold a multiplier of 2 bits"):
        fxsim.simulate(altered(narrow, multiplier_cut=30), x)
    with pytest.raises(ProgramError, match="words of all rows must be equal"):
        fxsim.simulate(altered(whole, one_word=1), x)


def test_a_shorter_multiplier_of_the_scheme_holds() -> None:
    """MBQM64 stores 31 bits and multiplies by 15."""
    x, hw = random_samples(net(), 1, 2), HW.replace(requantizer="MBQM64")
    wide, narrow = (fxsim.simulate(fxsim.lower(net(), hw.replace(multiplier_bits=b)), x) for b in (32, 16))
    assert all(np.array_equal(wide.outputs[name], narrow.outputs[name]) for name in wide.outputs)
    assert wide.energy.nominal == narrow.energy.nominal


@pytest.mark.parametrize(
    ("scheme", "bits", "width"),
    [("TFL_DOUBLE", 32, 32), ("TFL_DOUBLE", 9, 9), ("RNDNU", 32, 25), ("RNDNU", 25, 25), ("RNDNU", 8, 8),
     ("MBQM64", 32, 16), ("RHAWAY_SHIFT", 20, 16), ("FLOOR", 3, 3), ("FLOOR", 2, 0), ("TFL_SINGLE", 2, 0),
     ("REVEN_SHIFT", 32, 0), ("FP32_RNE", 32, 0)],
)  # fmt: skip
def test_products_are_priced_at_the_narrower_width(scheme: str, bits: int, width: int) -> None:
    code = SCHEMES[scheme].code
    found = counts(Hardware(), Req(rows=3, positions=5, out_w=1, acc_bits=32, scheme=code, multiplier_cut=32 - bits))
    products = {event: n for event, n in found.items() if event.kind is Kind.REQUANT_MULTIPLY}
    assert products == ({Event(Kind.REQUANT_MULTIPLY, 32, width): 15} if width else {})
    if scheme == "FLOOR":
        assert not any(event.kind is Kind.REQUANT_ADD64 for event in found)
        assert found[Event(Kind.REQUANT_SHIFT, 64)] == 15


def test_float_layers_refuse() -> None:
    with pytest.raises(LoweringError, match=r"node 'n2': multiplier_bits must be 32 for TFL_DOUBLE_FP, its factor is"):
        fxsim.lower(net("litert"), HW.replace(multiplier_bits=31))


def test_one_multiplier_for_all_channels() -> None:
    node = net().nodes[0]
    own, shared = (mac_params(net(), node, HW.replace(multipliers=m).numerics).requant for m in ("channel", "tensor"))
    assert (len(own), len(shared)) == (6, 1)
    least, greatest = float(own.real.min()), float(own.real.max())
    assert float(shared.real[0]) == pytest.approx((least * greatest) ** 0.5, rel=1e-9)


def test_text_and_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    hw = HW.replace(requantizer="FLOOR", multiplier_bits=9, multipliers="tensor")
    assert Hardware.from_toml(hw.to_toml()) == hw
    model = "models/digits/digits_cnn.tflite"
    assert main(["estimate", model, "--set", "multiplier_bits=16", "--set", "requantizer=FLOOR", "--json", "-"]) == 0
    assert '"multiplier_bits": 16' in capsys.readouterr().out
    assert main(["estimate", model, "--set", "multiplier_bits=33"]) != 0
    assert "multiplier_bits must be an integer in 2..32 bits, not 33" in capsys.readouterr().err
