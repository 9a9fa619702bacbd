"""Random machines."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fxsim.hw import Hardware, Timing

SCRATCHPADS: dict[str, Any] = {"act_spad_bytes": 1 << 20, "weight_spad_bytes": 1 << 20, "param_spad_bytes": 1 << 16}
"""Room for every random program; sizes of scratchpads change no cycle."""


VECTOR_OPS = tuple(name.removesuffix("_interval") for name in Timing.__dataclass_fields__ if name.endswith("_interval"))
"""Vector instructions, as the fields of their times call them."""


@st.composite
def hardware(draw: st.DrawFn) -> Hardware:
    """Hardware with a small array, random widths, modes, latencies, ports and lanes, and generous scratchpads."""

    def number(lo: int, hi: int) -> int:
        return draw(st.integers(lo, hi))

    x_port, cols = number(1, 8), number(1, 12)
    vector: dict[str, Any] = {f"{op}_{part}": number(1, 6) for op in VECTOR_OPS for part in ("depth", "interval")}
    return Hardware(
        name="random",
        rows=number(1, 6),
        cols=cols,
        x_port_bytes=x_port,
        w_port_bytes=draw(st.sampled_from((1, 5, 16, 64, 256))),
        acc_depth=2 * number(1, 9),
        requant_lanes=number(1, x_port),
        vector_lanes=number(1, 8),
        dram_bytes_per_cycle=number(1, 64),
        dram_latency=number(1, 20),
        dram_outstanding=number(1, 4),
        read_latency=number(1, 4),
        mul_latency=number(1, 3),
        requant_latency=number(1, 5),
        tree_levels_per_stage=number(1, 3),
        chain_per_stage=number(1, 4),
        reduction=draw(st.sampled_from(("tree", "chain"))),
        order=draw(st.sampled_from(("canonical", "reversed"))),
        bias_order=draw(st.sampled_from(("first", "last"))),
        overflow=draw(st.sampled_from(("saturate", "wrap", "readout"))),
        zero_point=draw(st.sampled_from(("fold", "subtract"))),
        act_bits=number(2, 16),
        weight_bits=number(2, 16),
        acc_bits=number(16, 32),
        inner_bits=draw(st.sampled_from((0, 0, 12, 20))),
        inner_products=cols * number(1, 4),
        inner_overflow=draw(st.sampled_from(("saturate", "wrap"))),
        **SCRATCHPADS,
        **vector,
    )
