"""What a network computes when no accumulator overflows: the reference of every experiment with narrow ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from fxsim._core.errors import HardwareError, LoweringError
from fxsim.ops import MAC_OPERATORS, mac_params
from fxsim.oracle import golden_stats

if TYPE_CHECKING:
    from fxsim.graph import Network, Tensors
    from fxsim.hw import Numerics

_RUNTIME_BITS = 32
_FEW_GROUPS: dict[str, Any] = {
    "reduction": "tree",
    "group_size": 1024,
    "order": "canonical",
    "split_k": 1,
    "bias_order": "first",
    "inner_bits": 0,
}
"""Exact sums do not depend on their order: the quickest one."""


def mac_nodes(net: Network) -> list[int]:
    """Numbers of the nodes that have accumulators, in execution order."""
    return [number for number, node in enumerate(net.nodes) if node.op in MAC_OPERATORS]


def check_single_stage(numerics: Numerics) -> None:
    """Raise `HardwareError` for an analysis of single accumulators where an inner one stands in front of them."""
    if numerics.inner_bits:
        raise HardwareError("accumulators must have no inner stage here (inner_bits = 0)", got=numerics.inner_bits)


def exact_run(net: Network, x: object, numerics: Numerics) -> tuple[Tensors, int]:
    """Every tensor as `numerics` computes them with accumulators that nothing overflows, and their width in bits.

    The width is 32, as the runtimes', where every sum fits; else the widest that every requantizer admits.

    Raises
    ------
    LoweringError
        A sum leaves even that width.
    InputError
        `x` does not fit.
    """
    wide = dataclasses.replace(
        numerics, acc_bits=_RUNTIME_BITS, overflow="saturate", bias_policy="apply", **_FEW_GROUPS
    )
    for bits in (_RUNTIME_BITS, widest_accumulator(net, wide)):
        tensors, stats = golden_stats(net, x, dataclasses.replace(wide, acc_bits=bits))
        if not any(s.overflow_count or s.bias_overflow_count for s in stats):
            return tensors, bits
    raise LoweringError(f"every sum must fit accumulators of {bits} bits", where=net.name)


def widest_accumulator(net: Network, numerics: Numerics) -> int:
    """Bits of the widest accumulator that the requantizer of every layer admits."""
    numerics = dataclasses.replace(numerics, bias_policy="apply")
    schemes = [mac_params(net, net.nodes[number], numerics).scheme for number in mac_nodes(net)]
    return min((scheme.max_acc_bits for scheme in schemes), default=_RUNTIME_BITS)
