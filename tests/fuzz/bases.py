"""What is mutated: generated networks of every operator, our models, the given ones, and programs made of them."""

from __future__ import annotations

import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fxsim
from fxsim.formats import write_tflite
from fxsim.graph import DType, Network
from fxsim.runtimes import cases
from fxsim.testing import Chain
from tests.given import NETWORKS
from tests.isa.tiny import tiny_program
from tests.own import MODELS

if TYPE_CHECKING:
    from random import Random

    from fxsim.isa import Program

Fields = dict[str, Any]

_ROOT = Path(__file__).resolve().parents[2]
_GIVEN = Path(os.environ.get("FXSIM_MODELS") or _ROOT.parent / "shared" / "models")
LARGE = ("digits_cnn", "digits_resnet", *NETWORKS)
"""Networks that take the default hardware only, to keep a case short."""


def pick_small(rng: Random) -> Network:
    """A generated network: one operator, or a short chain of all."""
    by_operator = small_networks()
    return rng.choice(by_operator[rng.choice(list(by_operator))])


def pick_model(rng: Random) -> tuple[str, bytes, bool]:
    """Name and bytes of a model file, and whether it is a large one."""
    roll = rng.random()
    if roll < 0.8:
        net = pick_small(rng)
        return net.name, write_tflite(net), False
    name = "digits_fc" if roll < 0.88 else rng.choice(LARGE)
    return name, model_file(name), name in LARGE


@cache
def small_networks() -> dict[str, list[Network]]:
    """Generated networks by operator; ``chain`` holds those of many nodes."""
    found: dict[str, list[Network]] = defaultdict(list)
    for case in cases():
        found[case.operator].append(case.network)
    for seed in range(3):
        chain = Chain((1, 6, 7, 3), seed=seed).conv(4, stride_h=2).depthwise(2).pool("AVERAGE").pool("MAX", (1, 1))
        chain = chain.conv(2, (1, 1)).reshape(1, -1).dense(5).quantize(DType.UINT8, 0.2, 121)
        found["chain"].append(chain.quantize(DType.INT8, 0.2, -7).softmax().dequantize().build())
    edges = Chain((1, 5, 6, 4), scale=1 / 255, zero_point=0, dtype=DType.UINT8).quantize(DType.INT8, 1 / 64, -128)
    edges.activation("TANH").mean(1, 2, keep_dims=1).activation("RELU6").activation("LOGISTIC")
    found["chain"].append(edges.quantize(DType.UINT8, 1 / 256, 0).build())
    return dict(found)


@cache
def model_file(name: str) -> bytes:
    """Bytes of one of our models, or of a given one; our smaller one stands in for a given one that is not there."""
    for folder in (MODELS, _GIVEN):
        path = folder / f"{name}.tflite"
        if path.is_file():
            return path.read_bytes()
    return model_file("digits_fc")


SMALL_ARRAY: Fields = {
    "name": "small", "rows": 3, "cols": 5, "acc_depth": 8, "act_spad_bytes": 2048, "weight_spad_bytes": 512,
    "param_spad_bytes": 2048, "x_port_bytes": 2, "requant_lanes": 2,
}  # fmt: skip


def machines(rng: Random) -> Fields:
    """Fields of random hardware: a preset, or a small array with random numerics and often too small scratchpads."""
    if rng.random() < 0.25:
        return {"preset": rng.choice(("edge-16x16", "paper-4x4"))}
    chosen: Fields = {
        "rows": rng.choice((1, 2, 3, 8, 16)),
        "cols": rng.choice((1, 3, 4, 16)),
        "acc_depth": rng.choice((2, 4, 16, 64)),
        "act_spad_bytes": rng.choice((16, 64, 500, 4096, 1 << 17)),
        "weight_spad_bytes": rng.choice((16, 100, 1024, 1 << 17)),
        "param_spad_bytes": rng.choice((64, 1024, 1 << 14)),
        "acc_bits": rng.choice((8, 12, 16, 20, 24, 32, 40, 48)),
        "overflow": rng.choice(("saturate", "wrap", "trap", "trap", "readout")),
        "acc_internal_bits": 48,
        "bias_policy": rng.choice(("error", "apply", "apply")),
        "bias_bits": rng.choice((32, 48, 64)),
        "reduction": rng.choice(("tree", "tree", "chain")),
        "order": rng.choice(("canonical", "canonical", "reversed")),
        "zero_point": rng.choice(("fold", "subtract")),
        "split_k": rng.choice((1, 1, 1, 2, 3)),
        "dataflow": rng.choice(("auto", "weight-stationary", "output-stationary")),
        "double_buffering": rng.choice(("on", "off")),
        "layer_reuse": rng.choice(("on", "off")),
    }
    roomy = rng.random() < 0.6
    return {k: v for k, v in chosen.items() if not (roomy and k.endswith("spad_bytes")) and rng.random() < 0.7}


def hardware(fields: Fields) -> fxsim.Hardware:
    """The hardware that `machines` described; contradicting fields are a `HardwareError`."""
    return fxsim.Hardware.load(fields["preset"]) if "preset" in fields else fxsim.Hardware(**fields)


@cache
def programs() -> tuple[Program, ...]:
    """Legal programs: the smallest one by hand, and lowered networks of every operator."""
    found = [tiny_program()]
    for nets in small_networks().values():
        found += [fxsim.lower(nets[0], hw) for hw in (fxsim.Hardware(**SMALL_ARRAY), fxsim.Hardware(acc_bits=48))]
    modes = fxsim.Hardware(**SMALL_ARRAY, split_k=2, reduction="chain", order="reversed", overflow="readout")
    return (*found, fxsim.lower(small_networks()["chain"][0], modes), fxsim.lower(model_file("digits_fc"), "paper-4x4"))
