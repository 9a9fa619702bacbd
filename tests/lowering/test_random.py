"""Random small networks on random hardware: every tensor and every accumulator counter equals golden's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError, LoweringError, QuantizationError
from fxsim.graph import DType, Network, Value, random_samples
from fxsim.hw import Hardware
from fxsim.numerics import SCHEMES
from fxsim.oracle import golden_stats
from tests.lowering.nets import Chain
from tests.lowering.running import check_bits

SPADS = {
    "act_spad_bytes": [16, 32, 64, 100, 400, 4000],
    "weight_spad_bytes": [16, 32, 64, 200, 4000],
    "param_spad_bytes": [64, 128, 1024],
}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """One or two windowed layers, sometimes with a dense tail."""
    size = st.integers(1, 6)
    shape = (draw(st.sampled_from([1, 1, 2])), draw(size), draw(size), draw(st.integers(1, 7)))
    seed, zero = draw(st.integers(0, 99)), draw(st.integers(-128, 127))
    if draw(st.booleans()):
        chain = Chain(shape, seed=seed, zero_point=zero)
    else:
        chain = Chain(shape, seed=seed, zero_point=zero + 128, dtype=DType.UINT8).quantize(DType.INT8, 0.07, zero)
    for _ in range(draw(st.integers(1, 2))):
        add_window(chain, draw)
        if draw(st.booleans()):
            draw(st.sampled_from([add_binary, add_pad, add_join]))(chain, draw)
        if draw(st.booleans()):
            add_activation(chain, draw)
    if draw(st.booleans()):
        add_mean(chain, draw)
    if draw(st.booleans()):
        add_tail(chain, draw)
    return chain.build(profile=draw(st.sampled_from(["tflite", "litert"])))


def add_activation(chain: Chain, draw: st.DrawFn) -> None:
    op = draw(st.sampled_from(["RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH"]))
    chain.activation(op, draw(st.sampled_from([None, (0.04, -30)])))


def add_mean(chain: Chain, draw: st.DrawFn) -> None:
    axes = draw(st.lists(st.integers(-4, 3), min_size=1, max_size=4))
    chain.mean(*axes, keep_dims=1, quant=(draw(st.sampled_from([0.05, 0.2, 0.001])), draw(st.integers(-128, 127))))


def add_window(chain: Chain, draw: st.DrawFn) -> None:
    _, height, width, _ = chain.values[chain.last].type.shape
    attrs: dict[str, Any] = {
        "padding": draw(st.sampled_from(["SAME", "VALID"])),
        "stride_h": draw(st.integers(1, 2)),
        "stride_w": draw(st.integers(1, 3)),
        "activation": draw(st.sampled_from(["NONE", "RELU", "RELU6"])),
    }
    small = attrs["padding"] == "VALID"
    kernel = (draw(st.integers(1, min(3, height) if small else 3)), draw(st.integers(1, min(3, width) if small else 3)))
    operator = draw(st.sampled_from(["conv", "depthwise", "AVERAGE", "MAX"]))
    if operator in ("AVERAGE", "MAX"):
        chain.pool(operator, kernel, **attrs)
        return
    if not small:
        attrs |= {"dilation_h": draw(st.integers(1, 2)), "dilation_w": draw(st.integers(1, 2))}
    if operator == "conv":
        chain.conv(draw(st.integers(1, 7)), kernel, bias=draw(st.booleans()), **attrs)
    else:
        chain.depthwise(draw(st.integers(1, 3)), kernel, bias=draw(st.booleans()), **attrs)


def add_binary(chain: Chain, draw: st.DrawFn) -> None:
    """Combine with an older tensor of the same shape, or a constant that is stretched."""
    shape = chain.values[chain.last].type.shape
    same = [i for i, v in enumerate(chain.values) if v.type.shape == shape and v.type.dtype is DType.INT8]
    older = [i for i in same if not chain.values[i].is_constant]
    if draw(st.booleans()):
        other = draw(st.sampled_from(older))
    else:
        other = chain.constant(*(draw(st.sampled_from((1, n))) for n in shape[draw(st.integers(0, 3)) :]))
    activation = draw(st.sampled_from(["NONE", "RELU"]))
    chain.binary(draw(st.sampled_from(["ADD", "SUB", "MUL"])), other, swap=draw(st.booleans()), activation=activation)


def add_pad(chain: Chain, draw: st.DrawFn) -> None:
    """Pads around height and width, sometimes around channels."""
    sizes = st.integers(0, 2)
    sides = [(draw(sizes), draw(sizes)) for _ in range(2)]
    chain.pad((0, 0), *sides, (0, draw(sizes)), code=draw(st.sampled_from([None, -128, 9])))


def add_join(chain: Chain, draw: st.DrawFn) -> None:
    """Put an older tensor that fits, or the last one itself, behind the last one."""
    last = chain.values[chain.last].type
    axis = draw(st.integers(1, 3))

    def others(value: Value) -> tuple[int, ...]:
        shape = value.type.shape
        return (*shape[:axis], *shape[axis + 1 :])

    fits = [
        i
        for i, v in enumerate(chain.values)
        if len(v.type.shape) == 4
        and (v.type.dtype, v.type.quant) == (last.dtype, last.quant)
        and not v.is_constant
        and others(v) == others(chain.values[chain.last])
    ]
    chain.join(draw(st.sampled_from(fits)), axis=axis)


def add_tail(chain: Chain, draw: st.DrawFn) -> None:
    batch, height, width, channels = chain.values[chain.last].type.shape
    chain.reshape(batch * height, width * channels)
    chain.dense(draw(st.integers(1, 7)), weight_zero=draw(st.sampled_from([0, 5])))
    if draw(st.booleans()):
        chain.softmax()
    else:
        chain.quantize(DType.UINT8, 0.1, draw(st.integers(0, 255)))
        chain.dequantize()


@st.composite
def descriptions(draw: st.DrawFn) -> Hardware:
    """Any numerics, a tiny array, tiny scratchpads."""
    fields: dict[str, Any] = {name: draw(st.sampled_from(sizes)) for name, sizes in SPADS.items()}
    acc_bits, cols = draw(st.sampled_from([2, 8, 12, 16, 18, 22, 32, 33, 40, 48])), draw(st.integers(1, 5))
    return Hardware(
        **fields,
        rows=draw(st.integers(1, 4)),
        cols=cols,
        acc_depth=2 * draw(st.integers(1, 6)),
        dataflow=draw(st.sampled_from(["auto", "output-stationary", "weight-stationary"])),
        double_buffering=draw(st.sampled_from(["on", "off"])),
        layer_reuse=draw(st.sampled_from(["on", "off"])),
        reduction=draw(st.sampled_from(["tree", "chain"])),
        order=draw(st.sampled_from(["canonical", "reversed"])),
        overflow=draw(st.sampled_from(["saturate", "wrap", "trap", "readout"])),
        split_k=draw(st.integers(1, 3)),
        bias_order=draw(st.sampled_from(["first", "last"])),
        zero_point=draw(st.sampled_from(["fold", "subtract"])),
        acc_bits=acc_bits,
        acc_internal_bits=acc_bits + draw(st.sampled_from([0, 1, 4, 16])),
        bias_policy="apply",
        inner_bits=draw(st.sampled_from([0, 0, 8, 14, 16, 18])),
        inner_products=cols * draw(st.integers(1, 6)),
        inner_overflow=draw(st.sampled_from(["saturate", "wrap"])),
        multipliers=draw(st.sampled_from(["channel", "channel", "tensor"])),
    )


@st.composite
def requantizers(draw: st.DrawFn) -> dict[str, Any]:
    """Any scheme, on hardware with a narrower multiplier where it has one; litert's may be a float one (`refused`)."""
    name = draw(st.sampled_from(["profile", *SCHEMES]))
    integer = name == "profile" or SCHEMES[name].significand > 1
    return {"requantizer": name, "multiplier_bits": draw(st.sampled_from([32, 32, 17, 9, 2])) if integer else 32}


def refused(net: Network, hw: Hardware) -> None:
    """Profile litert computes FULLY_CONNECTED in binary64, which has no multiplier to narrow."""
    with pytest.raises(QuantizationError, match="multiplier_bits must be 32 for TFL_DOUBLE_FP"):
        golden_stats(net, random_samples(net, 0, 1), hw.numerics)


@given(networks(), descriptions(), requantizers(), st.integers(0, 9))
def test_bits_and_counters(net: Network, hw: Hardware, requantizer: dict[str, Any], seed: int) -> None:
    hw = hw.replace(**requantizer)
    try:
        check_bits(net, hw, seed)
    except LoweringError:
        refused(net, hw)
    except HardwareError as error:
        event(str(error).split(" must")[0].split(": ")[-1])
