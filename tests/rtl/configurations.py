"""Machines that the generated hardware is co-simulated on: every mode and width, several arrays and pipeline depths."""

from __future__ import annotations

from typing import Any

from fxsim.hw import Hardware

_ROOM: dict[str, Any] = {"act_spad_bytes": 1 << 20, "weight_spad_bytes": 1 << 20, "param_spad_bytes": 1 << 16}
_BUS: dict[str, Any] = {"dram_bytes_per_cycle": 16, "dram_latency": 5}


def _machine(name: str, **fields: Any) -> Hardware:
    return Hardware(name=name, **{**_ROOM, **_BUS, **fields})


MACHINES = (
    _machine("tree-saturate-8", rows=2, cols=3, acc_depth=4, x_port_bytes=2, w_port_bytes=4, requant_lanes=1,
             acc_bits=8, bias_policy="apply", act_bits=4, weight_bits=4),
    _machine("tree-wrap-12", rows=3, cols=4, acc_depth=8, x_port_bytes=4, w_port_bytes=5, requant_lanes=2,
             acc_bits=12, overflow="wrap", zero_point="subtract", requantizer="TFL_SINGLE", read_latency=3),
    _machine("tree-readout-16", rows=2, cols=5, acc_depth=6, x_port_bytes=3, w_port_bytes=16, requant_lanes=3,
             acc_bits=16, overflow="readout", acc_internal_bits=18, requantizer="RNDNU", tree_levels_per_stage=1),
    _machine("tree-saturate-18", rows=4, cols=8, acc_depth=16, x_port_bytes=8, w_port_bytes=16, requant_lanes=4,
             acc_bits=18, zero_point="subtract", requantizer="TFL_DOUBLE_UP", mul_latency=3, multiplier_bits=16),
    _machine("tree-trap-24", rows=1, cols=2, acc_depth=4, x_port_bytes=1, w_port_bytes=1, requant_lanes=1,
             acc_bits=24, overflow="trap", act_bits=16, weight_bits=16, requantizer="MBQM64", requant_latency=1),
    _machine("tree-wide-32", rows=3, cols=6, acc_depth=8, x_port_bytes=5, w_port_bytes=64, requant_lanes=2,
             act_bits=16, weight_bits=12, order="reversed", bias_order="last", dram_outstanding=1),
    _machine("tree-one-column", rows=2, cols=1, acc_depth=6, x_port_bytes=2, w_port_bytes=2, requant_lanes=2,
             acc_bits=16, overflow="wrap", requantizer="FLOOR", read_latency=1, tree_levels_per_stage=3),
    _machine("chain-saturate-8", rows=2, cols=4, acc_depth=8, x_port_bytes=4, w_port_bytes=8, requant_lanes=1,
             acc_bits=8, reduction="chain", act_bits=3, weight_bits=3, requantizer="RHAWAY_SHIFT", chain_per_stage=2),
    _machine("chain-wrap-16", rows=3, cols=5, acc_depth=6, x_port_bytes=3, w_port_bytes=16, requant_lanes=1,
             acc_bits=16, reduction="chain", overflow="wrap", order="reversed", zero_point="subtract", read_latency=4,
             mul_latency=2, chain_per_stage=2),
    _machine("chain-readout-12", rows=2, cols=7, acc_depth=10, x_port_bytes=1, w_port_bytes=5, requant_lanes=1,
             acc_bits=12, reduction="chain", overflow="readout", acc_internal_bits=17, bias_order="last",
             requant_latency=1),
    _machine("chain-saturate-24", rows=4, cols=3, acc_depth=12, x_port_bytes=6, w_port_bytes=16, requant_lanes=2,
             acc_bits=24, reduction="chain", act_bits=12, weight_bits=10, requantizer="REVEN_SHIFT", bias_bits=48),
    _machine("chain-wrap-32", rows=2, cols=8, acc_depth=18, x_port_bytes=8, w_port_bytes=16, requant_lanes=2,
             reduction="chain", overflow="wrap", chain_per_stage=4, requant_latency=5, dram_outstanding=3),
    _machine("chain-trap-18", rows=3, cols=2, acc_depth=8, x_port_bytes=4, w_port_bytes=1, requant_lanes=3,
             acc_bits=18, reduction="chain", overflow="trap", zero_point="subtract", requantizer="TFL_SINGLE"),
    _machine("tree-wide-bias", rows=2, cols=12, acc_depth=4, x_port_bytes=16, w_port_bytes=64, requant_lanes=1,
             acc_bits=34, overflow="wrap", bias_bits=64, act_bits=15, weight_bits=14, tree_levels_per_stage=4),
    _machine("tree-inner-wrap-14", rows=3, cols=3, acc_depth=8, x_port_bytes=4, w_port_bytes=8, requant_lanes=2,
             acc_bits=15, inner_bits=14, inner_products=9, inner_overflow="wrap", zero_point="subtract"),
    _machine("chain-inner-saturate-13", rows=2, cols=4, acc_depth=8, x_port_bytes=4, w_port_bytes=8, requant_lanes=2,
             acc_bits=14, overflow="trap", reduction="chain", chain_per_stage=2, inner_bits=13, inner_products=8,
             inner_overflow="saturate", read_latency=1),
)  # fmt: skip
"""By name; every one is built once."""
