"""Why a program is cut as it is: the options of every layer with their estimates, the chosen one first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim._core.tables import format_table
from fxsim.lowering.base import LOWERINGS
from fxsim.lowering.overrides import layer_hardware
from fxsim.lowering.prepare import prepare
from fxsim.ops import validate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fxsim.graph import Network
    from fxsim.hw import Hardware
    from fxsim.lowering.base import Homes
    from fxsim.lowering.mac_choice import Option

_HEADERS = (
    "", "dataflow", "B", "row tiles", "area", "x bufs", "out bufs", "outer loop", "cycles", "DRAM B", "nJ", "bound"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerOptions:
    """Options of one node; none where there is no choice (vector operators, aliases)."""

    name: str
    op: str
    homes: Homes
    options: tuple[Option, ...]

    def table(self) -> str:
        """Print the options, the chosen one marked."""
        rows = [[">" if i == 0 else "", *_row(option)] for i, option in enumerate(self.options)]
        title = f"{self.name} ({self.op}): input {_home(self.homes.operands[0])}, output {_home(self.homes.result)}"
        return format_table(_HEADERS, rows, title=title) if rows else f"{title}; no choice"


def explain(
    net: Network, hw: Hardware, *, layers: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[LayerOptions, ...]:
    """List what `fxsim.lowering.lower` chooses among, layer by layer; arguments and errors as there.

    Estimates are of each layer by itself, from closed forms (`fxsim.lowering.mac_cost`); the energy is what depends on
    the choice: DRAM bursts, weight and activation reads.
    """
    validate(net)
    prepared = prepare(net, layer_hardware(net, hw, layers or {}), hw)
    found = []
    for node, site in zip(net.nodes, prepared.sites, strict=True):
        options = LOWERINGS[node.op].options
        found.append(LayerOptions(node.name, node.op, site.homes, tuple(options(site)) if options else ()))
    return tuple(found)


def _home(address: int | None) -> str:
    return "in DRAM" if address is None else "in the scratchpad"


def _row(option: Option) -> list[object]:
    tiling, cost = option.tiling, option.cost
    flow = "output-stationary" if tiling.block == 1 else "weight-stationary"
    return [
        flow,
        tiling.block,
        tiling.chunk,
        f"{tiling.height}x{tiling.width}",
        tiling.x_buffers,
        tiling.out_buffers,
        "row tiles" if tiling.chunk_outer else "areas",
        cost.cycles,
        cost.dram_bytes,
        cost.energy_pj / 1e3,
        cost.bound,
    ]
