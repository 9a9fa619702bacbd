"""Two-stage accumulators by hand: x86's pairwise addition with saturation, and narrow sums that spill."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim._core.errors import HardwareError
from fxsim.graph import Network
from fxsim.hw import Hardware
from fxsim.isa import Mac
from fxsim.ops import FullyConnected
from fxsim.oracle import golden_stats
from fxsim.testing import Chain
from tests.lowering.running import check_bits
from tests.ops.networks import bias, single, tensor, weights

PAIRS: dict[str, Any] = {
    "rows": 1, "cols": 2, "reduction": "chain", "zero_point": "subtract", "inner_bits": 16, "inner_products": 2,
}  # fmt: skip
"""vpmaddubsw: two products of u8 and s8 are added with saturation to 16 bits, then into 32 bits."""


def dense(w: list[int], b: int) -> Network:
    """One output of unsigned bytes (codes less -128), an output code per 256 of the accumulator."""
    return single("FULLY_CONNECTED", FullyConnected(), tensor((1, len(w)), 1.0, -128), tensor((1, 1), 64.0),
                  weights([w]), bias([b]))  # fmt: skip


def both(net: Network, x: np.ndarray, hw: Hardware) -> tuple[int, Any]:
    """Code and counters of the simulator, the same as golden's."""
    tensors, (stats, *_) = golden_stats(net, x, hw.numerics)
    result = fxsim.run(net, x, hw=hw)
    layer = result.layers[0]
    for name in ("inner_events", "overflow_count", "overflow_events", "acc_min", "acc_max"):
        assert getattr(layer, name) == getattr(stats, name)
    assert np.array_equal(result.outputs["y"], tensors["y"])
    return int(result.outputs["y"].item()), layer


@pytest.mark.parametrize(("overflow", "spilled"), [("saturate", 32767 - 32768), ("wrap", -766 + 256)])
def test_pairs_saturate_at_16_bits(overflow: str, spilled: int) -> None:
    """255 * 127 + 255 * 127 = 64770 and 255 * -128 * 2 = -65280: clipped to 32767 and -32768, or wrapped by 65536."""
    x = np.full((1, 4), 127, np.int8)
    code, layer = both(dense([127, 127, -128, -128], 7000), x, Hardware(**PAIRS, inner_overflow=overflow))
    assert code == round((7000 + spilled) / 256)
    assert (layer.inner_events, layer.overflow_count, layer.overflow_events) == (2, 1, 0)
    assert (layer.acc_min, layer.acc_max) == (7000 - 510, 7000 + 64770)


def test_pairs_that_fit_are_exact() -> None:
    """255 * 64 + 255 * 64 = 32640."""
    x = np.full((1, 4), 127, np.int8)
    code, layer = both(dense([64, 64, -64, 1], 0), x, Hardware(**PAIRS))
    assert code == round(255 * 65 / 256)
    assert (layer.inner_events, layer.overflow_count) == (0, 0)


def test_a_wider_window_saturates_later() -> None:
    """Products 32385, -32640, 32385, -32640 stay in 16 bits one after another, but pairs of equal sign do not."""
    x = np.full((1, 4), 127, np.int8)
    hw = Hardware(**PAIRS | {"inner_products": 4})
    code, layer = both(dense([127, -128, 127, -128], 0), x, hw)
    assert (code, layer.inner_events) == (round(-510 / 256), 0)
    code, layer = both(dense([127, 127, -128, -128], 0), x, hw)
    assert (code, layer.inner_events) == (round((32767 - 32640 - 32640) / 256), 1)


@pytest.mark.parametrize(("products", "sizes"), [(8, {40, 32}), (32, {32, 8}), (40, {40, 32})])
def test_sums_are_cut_where_the_inner_accumulator_spills(products: int, sizes: set[int]) -> None:
    """K = 72; the weight scratchpad holds 160 / 4 = 40 stream positions."""
    net = Chain((1, 2, 2, 8)).conv(3).build()
    hw = Hardware(rows=4, cols=4, weight_spad_bytes=160, double_buffering="off", inner_bits=16, inner_products=products)
    program = check_bits(net, hw)
    macs = [i for i in program.instructions if isinstance(i, Mac)]
    assert {m.k_count for m in macs} == sizes
    assert {m.step(4) for m in macs} == {products}


def test_a_window_that_the_scratchpad_cannot_hold_is_refused() -> None:
    """A window beyond K is K itself: 72 * 4 = 288 bytes."""
    net = Chain((1, 2, 2, 8)).conv(3).build()
    hw = Hardware(rows=4, cols=4, weight_spad_bytes=288, double_buffering="off", inner_bits=16, inner_products=2044)
    assert {m.k_count for m in check_bits(net, hw).instructions if isinstance(m, Mac)} == {72}
    with pytest.raises(HardwareError, match="weight scratchpad must hold the 288 bytes of one tile, not 160"):
        fxsim.lower(net, hw.replace(weight_spad_bytes=160))
