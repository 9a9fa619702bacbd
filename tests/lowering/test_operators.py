"""Every operator on scratchpads so small that each tiled dimension needs at least four tiles: zero differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fxsim.graph import DType
from fxsim.hw import Hardware
from fxsim.isa import Lut, Mac, Pool, Reduce, Softmax, Store, VAdd, VMul, VReq
from fxsim.lowering import LOWERINGS, lower
from fxsim.ops import OPERATORS
from fxsim.testing import Chain
from tests.lowering.running import check_bits

if TYPE_CHECKING:
    from fxsim.graph import Network
    from fxsim.isa import Program

TINY: dict[str, Any] = {"rows": 4, "cols": 4, "acc_depth": 2, "param_spad_bytes": 1024}
FIXED: dict[str, Any] = {"dataflow": "weight-stationary", "layer_reuse": "off"}
"""Largest tiles, every tensor through DRAM."""


@dataclass(frozen=True)
class Case:
    """A network of one node, the hardware that cuts it, and the dimensions that must then have four tiles."""

    net: Network
    fields: dict[str, Any]
    dimensions: frozenset[str]


def case(chain: Chain, dimensions: str, **fields: int) -> Case:
    return Case(chain.build(), {**TINY, **fields}, frozenset(dimensions.split()))


def stretched(op: str, shape: tuple[int, ...], *constant: int) -> Chain:
    """A node whose second operand is a constant of another shape."""
    chain = Chain(shape)
    return chain.binary(op, chain.constant(*constant))


WIDE, SQUARE = (1, 4, 16, 8), (1, 4, 4, 8)
CASES = {
    "CONV_2D": [
        case(Chain(WIDE).conv(16, (2, 2)), "rows height width blocks", act_spad_bytes=100, weight_spad_bytes=128),
        case(Chain(WIDE).conv(16, (2, 2)), "rows k height width blocks", act_spad_bytes=100, weight_spad_bytes=32),
        case(Chain(SQUARE).conv(16, (2, 2)), "rows k height width", act_spad_bytes=16, weight_spad_bytes=32),
        case(Chain(SQUARE).conv(16, (2, 2)), "rows k height width", act_spad_bytes=16, weight_spad_bytes=128),
        case(
            Chain((2, 4, 8, 8)).conv(13, (3, 1), stride_w=2, dilation_h=2),
            "rows height width",
            act_spad_bytes=16,
            weight_spad_bytes=32,
        ),
    ],
    "DEPTHWISE_CONV_2D": [
        case(
            Chain((1, 4, 16, 16)).depthwise(1, (4, 4)),
            "rows height width blocks",
            act_spad_bytes=130,
            weight_spad_bytes=64,
        ),
        case(
            Chain((1, 4, 16, 16)).depthwise(1, (4, 4)),
            "rows k height width blocks",
            act_spad_bytes=130,
            weight_spad_bytes=16,
        ),
        case(Chain((1, 4, 4, 16)).depthwise(1, (4, 4)), "rows k height width", act_spad_bytes=20, weight_spad_bytes=16),
        case(
            Chain((1, 8, 8, 6)).depthwise(3, (4, 4), stride_h=2, stride_w=2),
            "rows k height width",
            act_spad_bytes=16,
            weight_spad_bytes=64,
        ),
    ],
    "FULLY_CONNECTED": [
        case(Chain((16, 32)).dense(16), "rows width blocks", act_spad_bytes=150, weight_spad_bytes=128),
        case(Chain((16, 32)).dense(16), "rows k width blocks", act_spad_bytes=150, weight_spad_bytes=32),
        case(Chain((16, 32)).dense(16, weight_zero=4), "rows k width", act_spad_bytes=16, weight_spad_bytes=32),
    ],
    "AVERAGE_POOL_2D": [
        case(Chain(WIDE).pool("AVERAGE"), "height width", act_spad_bytes=115),
        case(Chain(WIDE).pool("AVERAGE", (3, 2)), "channels height width", act_spad_bytes=16),
    ],
    "MAX_POOL_2D": [
        case(Chain((2, 4, 16, 8)).pool("MAX"), "height width", act_spad_bytes=115),
        case(Chain((1, 8, 16, 12)).pool("MAX", stride_h=2, stride_w=2), "channels height width", act_spad_bytes=16),
    ],
    "MEAN": [
        case(Chain((2, 4, 8, 5)).mean(1, 3), "channels parts items", act_spad_bytes=16),
        case(Chain((1, 4, 4, 16)).mean(1, 2), "parts items", act_spad_bytes=100),
        case(Chain((1, 4, 4, 640)).mean(1, 2), "channels items", act_spad_bytes=2300),
        case(Chain((1, 40, 5)).mean(-1, keep_dims=1), "width items", act_spad_bytes=64),
    ],
    "CONCATENATION": [
        case(Chain((1, 4, 4, 6)).join(0), "height width", act_spad_bytes=16),
        case(Chain((1, 8, 4, 3)).join(0, 0), "height", act_spad_bytes=100),
    ],
    "PAD": [
        case(Chain((1, 6, 5, 4)).pad((0, 0), (1, 1), (1, 2), (0, 0)), "height width", act_spad_bytes=16),
        case(Chain((1, 3, 2, 3)).pad((0, 0), (2, 3), (2, 0), (1, 0)), "height", act_spad_bytes=40),
    ],
    "PADV2": [
        case(Chain((1, 4, 4, 4)).pad((0, 0), (1, 1), (1, 2), (0, 1), code=100), "height width", act_spad_bytes=16)
    ],
    "SQUEEZE": [case(Chain((1, 4, 1, 6)).squeeze(), "")],
    "EXPAND_DIMS": [case(Chain((1, 4, 6)).expand(2), "")],
    "ADD": [
        case(Chain((1, 8, 8)).binary("ADD", 0), "items", act_spad_bytes=16),
        case(stretched("ADD", (1, 8, 8), 8), "items", act_spad_bytes=32),
        case(stretched("ADD", (1, 4, 1, 4), 1, 4, 4, 1), "items", act_spad_bytes=16),
    ],
    "RELU": [case(Chain((1, 8, 8)).activation("RELU", (0.08, 12)), "items", act_spad_bytes=16)],
    "RELU6": [case(Chain((1, 8, 8)).activation("RELU6", (0.08, 12)), "items", act_spad_bytes=16)],
    "RELU_N1_TO_1": [case(Chain((1, 8, 8)).activation("RELU_N1_TO_1", (0.08, 12)), "items", act_spad_bytes=16)],
    "LOGISTIC": [case(Chain((1, 8, 8)).activation("LOGISTIC"), "items", act_spad_bytes=16)],
    "TANH": [case(Chain((1, 8, 8)).activation("TANH"), "items", act_spad_bytes=16)],
    "SUB": [case(stretched("SUB", (1, 8, 8), 8, 1), "items", act_spad_bytes=32)],
    "MUL": [
        case(Chain((1, 8, 8)).binary("MUL", 0), "items", act_spad_bytes=16),
        case(stretched("MUL", (1, 4, 1, 4), 1, 4, 4, 1), "items", act_spad_bytes=16),
    ],
    "RESHAPE": [case(Chain((1, 4, 6)).reshape(1, 24), "")],
    "SOFTMAX": [case(Chain((8, 6)).softmax(), "items", act_spad_bytes=16)],
    "QUANTIZE": [case(Chain((1, 8, 8)).quantize(DType.UINT8, 0.08, 120), "items", act_spad_bytes=16)],
    "DEQUANTIZE": [case(Chain((1, 8, 8)).dequantize(), "items", act_spad_bytes=80)],
}


def test_every_operator_has_a_rule_and_cases() -> None:
    assert set(LOWERINGS) == set(OPERATORS) == set(CASES)


NAMED = [pytest.param(case, id=f"{op}-{i}") for op, cases in CASES.items() for i, case in enumerate(cases)]


@pytest.mark.parametrize("case", NAMED)
def test_cut_everywhere(case: Case) -> None:
    tiles = count_tiles(check_bits(case.net, Hardware(**case.fields, **FIXED, double_buffering="off")))
    doubled = count_tiles(check_bits(case.net, Hardware(**case.fields, **FIXED, double_buffering="on")))
    tiles = {name: max(count, doubled[name]) for name, count in tiles.items()}
    assert {name for name in case.dimensions if tiles[name] < 4} == set(), tiles


@pytest.mark.parametrize("dataflow", ["auto", "output-stationary", "weight-stationary"])
@pytest.mark.parametrize("case", NAMED)
def test_every_dataflow_with_double_buffers(case: Case, dataflow: str) -> None:
    check_bits(case.net, Hardware(**case.fields, dataflow=dataflow))


@pytest.mark.parametrize("op", ["RESHAPE", "SQUEEZE", "EXPAND_DIMS"])
def test_other_shapes_are_aliases(op: str) -> None:
    program = lower(CASES[op][0].net, Hardware())
    assert len(program) == 0
    assert program.symbol("t0").address == program.symbol("x").address


def count_tiles(program: Program) -> dict[str, int]:
    """Different starts in each dimension; `blocks` are the MAC blocks of one output tile."""
    output = program.of_kind("output")[0]
    macs = [i for i in program.instructions if isinstance(i, Mac)]
    vector = [i for i in program.instructions if isinstance(i, Lut | Pool | Reduce | Softmax | VAdd | VMul | VReq)]
    *_, height, width, channels = (1, 1, *output.shape)
    stores = [i.dram_addr - output.address for i in program.instructions if isinstance(i, Store)]
    pixels = [divmod(at, channels) for at in stores]
    starts = [(pixel // width % height, pixel % width, channel) for pixel, channel in pixels]
    blocks = sum(m.first for m in macs) // max(1, len(stores))
    return {
        "rows": len({m.row_base for m in macs}),
        "k": len({m.k_start for m in macs}),
        "blocks": blocks,
        "items": len(vector),
        "parts": sum(isinstance(i, Reduce) and not i.last for i in vector),
        "height": len({s[0] for s in starts}),
        "width": len({s[1] for s in starts}),
        "channels": len({s[2] for s in starts}),
    }
