"""Registers, clock, tokens and stop-watch: what all units of the step twin share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fxsim._core.errors import HazardError, ProgramError, shorten
from fxsim.isa import Engine, Instruction, Semaphore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")
MAX_TOKENS = (1 << 16) - 1
Stalls = Callable[[str, int], bool]
"""(port x, w or y; cycle) → whether the port refuses a beat in that cycle."""


def ceil_div(a: int, b: int) -> int:
    """Divide positive integers, rounding up."""
    return -(-a // b)


def at_least_one(amount: int, number: int) -> int:
    """Pass on `amount`, which must be positive: an instruction without work is illegal."""
    if amount < 1:
        raise ProgramError("an instruction must have work to do", got=amount, where=f"instruction {number}")
    return amount


class Register(Generic[T]):
    """A clocked register: `now` is read during a cycle, `next` becomes `now` at its end."""

    __slots__ = ("next", "now")

    def __init__(self, value: T) -> None:
        self.now = self.next = value


class Pipeline(Register[tuple[T | None, ...]]):
    """A shift register: what is shifted in during cycle s occupies stage j in cycle s + j."""

    __slots__ = ()

    def stage(self, j: int) -> T | None:
        """Look at what stage j (1 is the first) holds in this cycle."""
        return self.now[j - 1]

    def shift(self, item: T | None) -> None:
        """Move everything one stage on and let `item` in."""
        self.next = (item, *self.now[:-1])


class Bench:
    """The clock, the semaphores and the stop-watch that all units share."""

    def __init__(self, instructions: Sequence[Instruction], stalls: Stalls | None = None) -> None:
        self.instructions = instructions
        self._stalls = stalls
        self._stalled = False
        self.issues: list[tuple[int, int, int, int]] = []
        self.reads: list[tuple[int, int, int]] = []
        self.start = [-1] * len(instructions)
        self.end = [-1] * len(instructions)
        self.unfinished = len(instructions)
        self.cycle = 0
        self._registers: list[Register[Any]] = []
        self.tokens = [self.register(0) for _ in Semaphore]

    def register(self, value: T) -> Register[T]:
        """Make a register that follows this clock."""
        register = Register(value)
        self._registers.append(register)
        return register

    def pipeline(self, stages: int) -> Pipeline[Any]:
        """Make an empty shift register of `stages` stages."""
        pipeline: Pipeline[Any] = Pipeline((None,) * stages)
        self._registers.append(pipeline)
        return pipeline

    def started(self, number: int) -> None:
        """Note that instruction `number` starts in this cycle."""
        self.start[number] = self.cycle

    def committed(self, number: int) -> None:
        """Note that the last write of instruction `number` commits in this cycle, and push its tokens."""
        self.end[number] = self.cycle
        self.unfinished -= 1
        for count in self._chosen(self.instructions[number].pushes):
            count.next += 1

    def refuses(self, port: str) -> bool:
        """Whether `port` refuses a beat in this cycle."""
        refused = self._stalls is not None and self._stalls(port, self.cycle)
        self._stalled |= refused
        return refused

    def has_tokens(self, number: int) -> bool:
        """Whether every semaphore that instruction `number` pops holds a token."""
        return all(count.now > 0 for count in self._chosen(self.instructions[number].pops))

    def take_tokens(self, number: int) -> None:
        """Pop the tokens of instruction `number`, all at once."""
        for count in self._chosen(self.instructions[number].pops):
            count.next -= 1

    def tick(self) -> None:
        """End the cycle; a cycle that changes no register would repeat for ever."""
        for semaphore, count in zip(Semaphore, self.tokens, strict=True):
            if count.next > MAX_TOKENS:
                raise HazardError(
                    f"semaphore {semaphore.name} must hold at most {MAX_TOKENS} tokens", where=f"cycle {self.cycle}"
                )
        changed = False
        for register in self._registers:
            if register.now != register.next:
                register.now, changed = register.next, True
        self.cycle += 1
        changed, self._stalled = changed or self._stalled, False
        if self.unfinished and not changed:
            stuck = [i for i, end in enumerate(self.end) if end < 0]
            raise HazardError(
                f"tokens and bank halves must let instructions {shorten(stuck)} finish",
                where=f"at rest since cycle {self.cycle}",
            )

    def _chosen(self, mask: int) -> Iterator[Register[int]]:
        return (count for i, count in enumerate(self.tokens) if mask >> i & 1)


class Decoder:
    """In-order instruction queue of one engine; its head is the instruction in decode."""

    def __init__(self, bench: Bench, engine: Engine) -> None:
        self._bench = bench
        self._queue = [i for i, instruction in enumerate(bench.instructions) if instruction.engine is engine]
        self._head = bench.register(0)

    def ready(self) -> int | None:
        """Index of the instruction in decode if all its tokens are there."""
        if self._head.now == len(self._queue):
            return None
        number = self._queue[self._head.now]
        return number if self._bench.has_tokens(number) else None

    def issue(self, number: int) -> None:
        """Send the instruction in decode on its way."""
        self._bench.take_tokens(number)
        self._head.next += 1
