"""DMA and vector engine of the step twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fxsim.isa import Copy, Engine, Fill, Instruction, Load, Lut, Pool, Reduce, Softmax, Store, VAdd, VMul, VReq
from fxsim.sim.reference.bench import Bench, Decoder, Register, at_least_one, ceil_div

if TYPE_CHECKING:
    from fxsim.hw import Hardware

BLOCK = 64


class Request(NamedTuple):
    """A DMA request in flight: cycles before its data may move, and bus beats left."""

    number: int
    wait: int
    beats: int


class DmaEngine:
    """A queue of accepted requests in front of one bus; each request waits for the memory from its acceptance on."""

    def __init__(self, bench: Bench, hardware: Hardware) -> None:
        self._bench = bench
        self._timing = hardware.timing
        self._decoder = Decoder(bench, Engine.DMA)
        self._flight: Register[tuple[Request, ...]] = bench.register(())

    def evaluate(self) -> None:
        """Move one beat of the oldest request, let the others wait, accept a new one."""
        flight = [r._replace(wait=max(0, r.wait - 1)) for r in self._flight.now]
        if flight and self._flight.now[0].wait == 0:
            flight[0] = flight[0]._replace(beats=flight[0].beats - 1)
            if flight[0].beats == 0:
                self._bench.committed(flight.pop(0).number)
        number = self._decoder.ready()
        if number is not None and len(self._flight.now) < self._timing.dram_outstanding:
            self._decoder.issue(number)
            self._bench.started(number)
            flight.append(Request(number, self._timing.dram_latency - 1, self._beats(number)))
        self._flight.next = tuple(flight)

    def _beats(self, number: int) -> int:
        copy = self._bench.instructions[number]
        assert isinstance(copy, Load | Store)
        first = [copy.dram_addr + r * copy.dram_stride for r in range(copy.rows)]
        blocks = sum(len(range(a // BLOCK, -(-(a + copy.row_bytes) // BLOCK))) for a in first)
        return at_least_one(blocks * ceil_div(BLOCK, self._timing.dram_bytes_per_cycle), number)


class VectorEngine:
    """One instruction at a time: all its steps, then the pipeline runs empty."""

    def __init__(self, bench: Bench, hardware: Hardware) -> None:
        self._bench = bench
        self._timing = hardware.timing
        self._decoder = Decoder(bench, Engine.VEC)
        self._running: Register[int | None] = bench.register(None)
        self._left = bench.register(0)

    def evaluate(self) -> None:
        """Count the running instruction down, or issue the next."""
        if self._running.now is not None:
            self._left.next = self._left.now - 1
            if self._left.now == 1:
                self._bench.committed(self._running.now)
                self._running.next = None
            return
        number = self._decoder.ready()
        if number is not None:
            self._decoder.issue(number)
            self._bench.started(number)
            self._running.next, self._left.next = number, self._duration(number)

    def _duration(self, number: int) -> int:
        instruction = self._bench.instructions[number]
        op = instruction.mnemonic.lower()
        depth, interval = getattr(self._timing, f"{op}_depth"), getattr(self._timing, f"{op}_interval")
        steps = at_least_one(vector_steps(instruction, self._timing.vector_lanes), number)
        return int(depth + steps * interval)


def vector_steps(instruction: Instruction, lanes: int) -> int:
    """Count the steps of a vector instruction: `lanes` taps or elements each, skipped taps included."""
    if isinstance(instruction, Pool):
        taps = instruction.kh * instruction.kw * instruction.channels
        return ceil_div(instruction.out_h * instruction.out_w * taps, lanes)
    if isinstance(instruction, Reduce):
        outputs = instruction.outer * instruction.inner
        return ceil_div(outputs * instruction.sum_outer * instruction.sum_inner, lanes)
    if isinstance(instruction, Softmax):
        return ceil_div(instruction.rows * instruction.length, lanes)
    if isinstance(instruction, Copy | Fill):
        return ceil_div(instruction.rows * instruction.row_bytes, lanes)
    if isinstance(instruction, VAdd | VMul):
        return ceil_div(instruction.rows * instruction.count, lanes)
    assert isinstance(instruction, VReq | Lut)
    return ceil_div(instruction.count, lanes)
