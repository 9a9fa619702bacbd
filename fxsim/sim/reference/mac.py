"""MAC engine of the step twin: decode, sequencer, tile and row-file loaders, array pipeline, requantizer."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from fxsim._core.errors import HazardError
from fxsim.isa import Engine, Init, Mac, Merge, Req
from fxsim.sim.reference.bench import Bench, Decoder, Register, at_least_one, ceil_div
from fxsim.sim.reference.work import Shape, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.hw import Hardware


class Half(Enum):
    """State of an accumulator bank half."""

    FREE = 0
    FILLING = 1
    FULL = 2
    DRAINING = 3


class Place(NamedTuple):
    """A beat of the loop nest."""

    number: int
    group: int
    position: int
    beat: int


class MacEngine:
    """Decode, the waiting instruction's row-file loader, the sequencer with its pipeline, and the requantizer."""

    def __init__(self, bench: Bench, hardware: Hardware) -> None:
        self._bench = bench
        self._decoder = Decoder(bench, Engine.MAC)
        self._halves = (bench.register(Half.FREE), bench.register(Half.FREE))
        self._requantizer = Requantizer(bench, hardware, self._halves)
        self._sequencer = Sequencer(bench, hardware, self._halves)

    def evaluate(self) -> None:
        """Evaluate from the back to the front: a unit that lets go in this cycle can take over in it."""
        self._requantizer.evaluate()
        self._sequencer.evaluate()
        number = self._decoder.ready()
        if number is not None and self._accept(number):
            self._decoder.issue(number)

    def _accept(self, number: int) -> bool:
        instruction = self._bench.instructions[number]
        if isinstance(instruction, Req):
            return self._requantizer.accept(number)
        if not isinstance(instruction, Mac) or not instruction.first:
            return self._sequencer.accept(number)
        half = self._halves[instruction.half]
        if half.now is not Half.FREE or not self._sequencer.accept(number):
            return False
        half.next = Half.FILLING
        return True


class Requantizer:
    """One request at a time, one beat per cycle, then a pipeline of `requant_latency` stages."""

    def __init__(self, bench: Bench, hardware: Hardware, halves: Sequence[Register[Half]]) -> None:
        self._bench = bench
        self._lanes = hardware.timing.requant_lanes
        self._halves = halves
        self._request: Register[int | None] = bench.register(None)
        self._beat = bench.register(0)
        self._pipe = bench.pipeline(hardware.timing.requant_latency)

    def accept(self, number: int) -> bool:
        """Take a REQ if the one before has its last beat in this cycle or earlier."""
        if self._request.next is not None:
            return False
        self._request.next = number
        return True

    def evaluate(self) -> None:
        """Read one group of lanes from a half that is full; write what leaves the pipeline."""
        done = self._pipe.stage(len(self._pipe.now))
        if done is not None:
            self._bench.committed(done)
        self._pipe.shift(self._send())

    def _send(self) -> int | None:
        number = self._request.now
        if number is None:
            return None
        req = self._bench.instructions[number]
        assert isinstance(req, Req)
        half = self._halves[req.half]
        if (self._beat.now == 0 and half.now is not Half.FULL) or self._bench.refuses("y"):
            return None
        if self._beat.now == 0:
            self._bench.started(number)
        self._bench.reads.append((self._bench.cycle, number, self._beat.now))
        if self._beat.now + 1 < at_least_one(req.positions * ceil_div(req.rows, self._lanes), number):
            half.next, self._beat.next = Half.DRAINING, self._beat.now + 1
            return None
        half.next, self._beat.next, self._request.next = Half.FREE, 0, None
        return number


class Tile(NamedTuple):
    """The weight tile of a group."""

    number: int
    group: int


class Issue(NamedTuple):
    """What travels through the array: the last x beat of a position."""

    number: int
    group: int
    position: int
    final: bool


class Loader:
    """The w port: fetches the next tile into the shadow registers, and moves it to the active ones.

    `tile` is the tile being fetched, `left` its beats still to request. A tile is in the shadow registers
    `read` cycles after its last request, and becomes active `read` cycles after the first x beat of its group.
    """

    def __init__(self, bench: Bench, shape: Shape) -> None:
        self._bench = bench
        self._shape = shape
        self._tile: Register[Tile | None] = bench.register(None)
        self._left = bench.register(0)
        self._port = bench.pipeline(shape.read)
        self._promote = bench.pipeline(shape.read)
        self._shadow: Register[Tile | None] = bench.register(None)
        self._active: Register[Tile | None] = bench.register(None)

    def ready(self, tile: Tile) -> bool:
        """Whether all beats of `tile` were requested before this cycle."""
        return self._tile.now == tile and self._left.now == 0

    def evaluate(self, begun: Tile | None, wanted: Tile | None) -> None:
        """Request one beat.

        `begun` is the tile whose group sends its first x beat in this cycle, `wanted` the one needed next.
        """
        tile, left = (self._tile.now, self._left.now) if begun is None else (None, 0)
        if tile is None and wanted is not None:
            tile, left = wanted, self._shape.tile_beats
        requests = left > 0 and not self._bench.refuses("w")
        last_request = tile if left == 1 and requests else None
        self._tile.next, self._left.next = tile, left - requests
        self._move(begun, last_request)

    def _move(self, begun: Tile | None, last_request: Tile | None) -> None:
        arrived, promoted = self._port.stage(self._shape.read), self._promote.stage(self._shape.read)
        if arrived is not None:
            self._shadow.next = arrived
        if promoted is not None:
            require(self._shadow.now == promoted, "the shadow registers must hold the group's tile", promoted.number)
            self._active.next = promoted
        self._port.shift(last_request)
        self._promote.shift(begun)

    def multiplies(self, tile: Tile) -> None:
        """Check that `tile` is active: an issue of its group is in the first multiplier stage."""
        require(self._active.now == tile, "the active registers must hold the group's tile", tile.number)


class Sequencer:
    """The waiting instruction with its row-file loader, the loop nest, and the array's pipeline.

    `place` is the next beat of the running instruction; `rest` counts cycles since the last issue, as far as any
    rule asks; `records` counts the row-file records that the waiting instruction has yet to load.
    """

    def __init__(self, bench: Bench, hardware: Hardware, halves: Sequence[Register[Half]]) -> None:
        self._bench = bench
        self._halves = halves
        self._shape = Shape.of(hardware)
        self._work = {
            i: Work.of(instruction, i, hardware)
            for i, instruction in enumerate(bench.instructions)
            if isinstance(instruction, Mac | Merge)
        }
        self._loader = Loader(bench, self._shape)
        self._waiting: Register[int | None] = bench.register(None)
        self._records = bench.register(0)
        self._place: Register[Place | None] = bench.register(None)
        self._rest = bench.register(self._shape.recurrence)
        self._pipe = bench.pipeline(self._shape.depth)

    def accept(self, number: int) -> bool:
        """Take a MAC or MERGE if the waiting register is empty or empties in this cycle."""
        if self._waiting.next is not None:
            return False
        self._waiting.next, self._records.next = number, self._work[number].records
        return True

    def evaluate(self) -> None:
        """Send one beat if allowed, fetch weights, load a record, move the pipeline."""
        self._drain()
        self._records.next = max(0, self._records.now - 1)
        place = self._place.now
        if place is None and self._waiting.now is not None:
            place = Place(self._waiting.now, 0, 0, 0)
        if place is None or not self._may_send(place) or self._is_refused(place):
            self._send_nothing()
            return
        self._send(place)

    # ---- the loop nest

    def _may_send(self, place: Place) -> bool:
        if place.position or place.beat:
            return True
        work = self._work[place.number]
        if self._rest.now < (work.pause if place.group else work.gap):
            return False
        if place.group == 0 and self._records.now:
            return False
        return not work.tiled or self._loader.ready(Tile(place.number, place.group))

    def _is_refused(self, place: Place) -> bool:
        """Whether the x port has no room for the beat; MERGE reads the bank instead."""
        return self._work[place.number].tiled and self._bench.refuses("x")

    def _send_nothing(self) -> None:
        self._count_rest(issued=False)
        self._pipe.shift(None)
        running = self._place.now
        begun = running and Tile(running.number, running.group if any(running[2:]) else running.group - 1)
        self._loader.evaluate(None, self._wanted(begun))

    def _send(self, place: Place) -> None:
        work = self._work[place.number]
        if place[1:] == (0, 0, 0):
            self._bench.started(place.number)
            self._waiting.next = None
        issued = place.beat + 1 == work.beats[place.group][place.position]
        self._place.next = self._after(place)
        self._count_rest(issued=issued)
        self._pipe.shift(Issue(*place[:3], self._place.next is None) if issued else None)
        if issued:
            self._bench.issues.append((self._bench.cycle, *place[:3]))
        tile = Tile(place.number, place.group)
        begun = tile if work.tiled and place[2:] == (0, 0) else None
        self._loader.evaluate(begun, self._wanted(tile))

    def _after(self, place: Place) -> Place | None:
        number, group, position, beat = place
        beats = self._work[number].beats
        if beat + 1 < beats[group][position]:
            return Place(number, group, position, beat + 1)
        if position + 1 < len(beats[group]):
            return Place(number, group, position + 1, 0)
        return Place(number, group + 1, 0, 0) if group + 1 < len(beats) else None

    def _count_rest(self, *, issued: bool) -> None:
        self._rest.next = 0 if issued else min(self._rest.now + 1, self._shape.recurrence)

    def _wanted(self, begun: Tile | None) -> Tile | None:
        """Choose the tile to fetch next: the successor of `begun`, the latest group that has begun.

        Behind the last group that is the first one of the waiting instruction.
        """
        if begun is not None and begun.group + 1 < len(self._work[begun.number].beats):
            return Tile(begun.number, begun.group + 1) if self._work[begun.number].tiled else None
        number = self._waiting.now
        if number is None or not self._work[number].tiled or (begun is not None and begun.number == number):
            return None
        return Tile(number, 0)

    # ---- the pipeline

    def _drain(self) -> None:
        """Read the operands of what is in the reading stages; write what is in the last one."""
        shape = self._shape
        entered = self._pipe.stage(shape.read + 1)
        if entered is not None and self._work[entered.number].tiled:
            self._loader.multiplies(Tile(entered.number, entered.group))
        self._read(shape.depth - shape.recurrence, part=True)
        self._read(shape.depth - shape.recurrence + 1, part=False)
        done = self._pipe.stage(shape.depth)
        if done is not None and done.final:
            self._bench.committed(done.number)
            self._fill(done.number)

    def _read(self, stage: int, *, part: bool) -> None:
        """Read the slot (or the `part` to merge) of the issue in `stage`: no older issue may still have to write it."""
        issue = self._pipe.stage(stage)
        slot = None if issue is None else self._operand(issue, part=part)
        if issue is None or slot is None:
            return
        ahead = [self._target(older) for older in self._pipe.now[stage:] if older is not None]
        require(slot not in ahead, "an accumulator must be written before it is read", issue.number)

    def _operand(self, issue: Issue, *, part: bool) -> tuple[int, int] | None:
        """(half, slot) that `issue` reads."""
        instruction = self._bench.instructions[issue.number]
        half, slot = self._target(issue)
        if isinstance(instruction, Merge):
            return half, slot + part * (issue.group + 1) * instruction.positions
        assert isinstance(instruction, Mac)
        keeps = issue.group > 0 or instruction.init == Init.KEEP
        return (half, slot) if keeps and not part else None

    def _target(self, issue: Issue) -> tuple[int, int]:
        """(half, slot) that `issue` writes."""
        instruction = self._bench.instructions[issue.number]
        assert isinstance(instruction, Mac | Merge)
        return instruction.half, instruction.slot + issue.position

    def _fill(self, number: int) -> None:
        instruction = self._bench.instructions[number]
        assert isinstance(instruction, Mac | Merge)
        half = self._halves[instruction.half]
        require(half.now is Half.FILLING, "a bank half must be filling", number)
        if instruction.last:
            half.next = Half.FULL


def require(condition: bool, text: str, number: int) -> None:
    """Raise `HazardError` unless `condition` holds for instruction `number`."""
    if not condition:
        raise HazardError(text, where=f"instruction {number}")
