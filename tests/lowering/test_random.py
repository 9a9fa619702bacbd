"""Random small networks on random hardware: every tensor and every accumulator counter equals golden's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from fxsim._core.errors import HardwareError, LoweringError, QuantizationError
from fxsim.graph import Network, random_samples
from fxsim.hw import Hardware
from fxsim.numerics import SCHEMES
from fxsim.oracle import golden_stats
from fxsim.testing import networks, samples
from tests.lowering.running import check_bits

SPADS = {
    "act_spad_bytes": [16, 32, 64, 100, 400, 4000],
    "weight_spad_bytes": [16, 32, 64, 200, 4000],
    "param_spad_bytes": [64, 128, 1024],
}


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
    """Profile litert's binary64 has no multiplier to narrow; some schemes do not reach a factor."""
    with pytest.raises(
        QuantizationError, match=r"multiplier_bits must be 32 for TFL_DOUBLE_FP|shift of \w+ must be in"
    ):
        golden_stats(net, random_samples(net, 0, 1), hw.numerics)


@given(networks(), descriptions(), requantizers(), st.data())
def test_bits_and_counters(net: Network, hw: Hardware, requantizer: dict[str, Any], data: st.DataObject) -> None:
    hw = hw.replace(**requantizer)
    x = data.draw(samples(net))["x"][0]
    try:
        check_bits(net, hw, x.reshape(net.values[0].type.shape))
    except LoweringError:
        refused(net, hw)
    except HardwareError as error:
        event(str(error).split(" must")[0].split(": ")[-1])
