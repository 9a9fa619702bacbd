"""The schedule of a MAC layer: its candidate cuts with their costs, and the choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError, LoweringError
from fxsim.lowering.base import INSTRUCTION_LIMIT
from fxsim.lowering.mac_cost import Cost, CostModel
from fxsim.lowering.mac_tiling import Candidates

if TYPE_CHECKING:
    from fxsim.hw import Hardware
    from fxsim.lowering.mac_stream import Stream
    from fxsim.lowering.mac_tiling import MacTiling, Place


@dataclass(frozen=True, slots=True)
class Option:
    """One way to run a layer."""

    tiling: MacTiling
    cost: Cost


def mac_options(stream: Stream, hardware: Hardware, place: Place, where: str) -> list[Option]:
    """List the ways to run a layer, the chosen one first.

    ``dataflow = auto`` takes, among the options within 1 % of the fewest cycles (the estimate says no more), the one
    of least energy; a fixed dataflow takes the fewest DRAM bytes.

    Parameters
    ----------
    stream, hardware, place
        Layer, hardware with the layer's numerics, and what the layer finds in the activation scratchpad.
    where
        The node, for messages.

    Raises
    ------
    HardwareError
        A scratchpad cannot hold the smallest tile; the message says which, what it needs and what it has.
    LoweringError
        Every cut that fits takes too many instructions.
    """
    try:
        return list(_ranked(stream, hardware, place))
    except (HardwareError, LoweringError) as error:
        raise type(error)(str(error), where=where) from None


@lru_cache(maxsize=256)
def _ranked(stream: Stream, hardware: Hardware, place: Place) -> tuple[Option, ...]:
    """Rank the options; networks repeat layers."""
    candidates = Candidates(stream, hardware.timing, place)
    candidates.check_smallest()
    tilings = candidates.all()
    if not tilings:
        raise HardwareError(
            f"activation scratchpad must hold the {candidates.smallest_activations()} bytes of one output "
            f"position's smallest tile",
            got=place.room,
        )
    lengths = {tiling: tiling.length(stream) for tiling in tilings}
    shortest = min(lengths.values())
    if shortest > INSTRUCTION_LIMIT:
        raise LoweringError(f"a layer must need at most {INSTRUCTION_LIMIT} instructions", got=shortest)
    model = CostModel(stream, hardware, place)
    legal = (tiling for tiling, length in lengths.items() if length <= INSTRUCTION_LIMIT)
    options = [Option(tiling, model.cost(tiling)) for tiling in legal]
    if hardware.timing.dataflow != "auto":
        return tuple(sorted(options, key=lambda option: option.cost.dram_bytes))
    options.sort(key=lambda option: (option.cost.cycles, option.cost.energy_pj))
    tied = [option for option in options if 100 * option.cost.cycles <= 101 * options[0].cost.cycles]
    best = min(tied, key=lambda option: option.cost.energy_pj)
    return best, *(option for option in options if option is not best)
