"""One hardware per node: the numerics of single layers on the array that all share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.hw import Hardware
from fxsim.ops import layer_numerics

if TYPE_CHECKING:
    from fxsim.graph import Network
    from fxsim.ops import Layers


def layer_hardware(net: Network, hw: Hardware, layers: Layers) -> list[Hardware]:
    """Per node, the hardware with the node's own numerics; raises as `layer_numerics` does."""
    own = layer_numerics(net, hw.numerics, layers)
    return [hw if n is hw.numerics else Hardware(name=hw.name, numerics=n, timing=hw.timing) for n in own]
