"""Everything about a program that is decided before its tensors have DRAM addresses: homes, tiles, constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError
from fxsim.lowering.base import LOWERINGS, ConstantPool, Emit, Site
from fxsim.lowering.buffers import Buffers
from fxsim.lowering.residency import Residency, plan_residency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.graph import Network
    from fxsim.hw import Hardware


@dataclass(frozen=True, slots=True)
class Prepared:
    """The plan of a network: which tensors are resident; per node its site and emitter; the constants' bytes."""

    residency: Residency
    sites: tuple[Site, ...]
    emitters: tuple[Emit, ...]
    constants: bytes


def prepare(net: Network, own: Sequence[Hardware], hw: Hardware) -> Prepared:
    """Choose homes and tiles; a layer that resident tensors leave too little room for sends them to DRAM.

    Parameters
    ----------
    net
        A valid network.
    own
        Per node, the hardware with the node's own numerics.
    hw
        The hardware itself.

    Raises
    ------
    HardwareError
        A scratchpad cannot hold one tile of a layer even without resident tensors.
    """
    banned: set[int] = set()
    while True:
        residency = plan_residency(net, hw.timing, banned)
        pool, buffers = ConstantPool(), Buffers(hw.timing)
        sites: list[Site] = []
        emitters: list[Emit] = []
        try:
            for number, node in enumerate(net.nodes):
                sites.append(Site(net, node, own[number], pool, residency.homes(net, number), buffers))
                emitters.append(LOWERINGS[node.op].prepare(sites[-1]))
        except HardwareError:
            crowding = residency.users(net, len(emitters))
            if not crowding:
                raise
            banned |= crowding
            continue
        return Prepared(residency, tuple(sites), tuple(emitters), pool.image())
