"""The step twin under observation: what its registers hold in every cycle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fxsim.sim.reference.bench import Bench
from fxsim.sim.reference.engines import DmaEngine, VectorEngine
from fxsim.sim.reference.mac import Half, MacEngine, Place, Sequencer

if TYPE_CHECKING:
    from fxsim.isa import Program


@dataclass
class Watched:
    """One entry per cycle, the one after the last commit included."""

    tokens: list[tuple[int, ...]] = field(default_factory=list)
    halves: list[tuple[int, ...]] = field(default_factory=list)
    place: list[Place | None] = field(default_factory=list)
    """Beat that the sequencer sends."""
    w: list[bool] = field(default_factory=list)
    p: list[bool] = field(default_factory=list)
    requantizer: list[int | None] = field(default_factory=list)
    """REQ that reads a group of lanes."""
    bus: list[int | None] = field(default_factory=list)
    """LOAD or STORE that moves a beat."""
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)


def watch(program: Program) -> Watched:
    """Step `program` and look at the registers between the two halves of every cycle."""
    bench, seen = Bench(program.instructions), Watched()
    dma, mac = DmaEngine(bench, program.hardware), MacEngine(bench, program.hardware)
    units = (dma, mac, VectorEngine(bench, program.hardware))
    while bench.unfinished:
        for unit in units:
            unit.evaluate()
        _look(bench, dma, mac, seen)
        bench.tick()
    _look(bench, dma, mac, seen)
    seen.start, seen.end = bench.start, bench.end
    return seen


def _look(bench: Bench, dma: DmaEngine, mac: MacEngine, seen: Watched) -> None:
    sequencer, loader, requantizer = mac._sequencer, mac._sequencer._loader, mac._requantizer
    seen.tokens.append(tuple(count.now for count in bench.tokens))
    seen.halves.append(tuple(half.now.value for half in mac._halves))
    flight = dma._flight.now
    seen.bus.append(flight[0].number if flight and flight[0].wait == 0 else None)
    seen.place.append(_sent(sequencer))
    new = loader._tile.next != loader._tile.now
    seen.w.append(loader._tile.next is not None and (new or loader._left.now > 0))
    seen.p.append(sequencer._records.now > 0)
    number = requantizer._request.now
    ready = number is not None and mac._halves[_half_of(bench, number)].now in (Half.FULL, Half.DRAINING)
    seen.requantizer.append(number if ready else None)


def _half_of(bench: Bench, number: int) -> int:
    """Bank half that instruction `number` names."""
    return int(bench.instructions[number].half)  # type: ignore[attr-defined]


def _sent(sequencer: Sequencer) -> Place | None:
    """The beat sent in this cycle: the place changes, or it is the last of the instruction."""
    now, after = sequencer._place.now, sequencer._place.next
    if now is not None:
        return now if after != now else None
    if sequencer._waiting.now is None:
        return None
    first = Place(sequencer._waiting.now, 0, 0, 0)
    began = after is not None or sequencer._pipe.next[0] is not None
    return first if began else None
