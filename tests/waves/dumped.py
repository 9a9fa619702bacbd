"""A VCD as a viewer takes it in: the value of every signal in every cycle."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from vcd.common import VarType
from vcd.reader import ScalarChange, StringChange, Token, TokenKind, VectorChange, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Value = int | str


class Dumped:
    """Signals by ``scope.name`` below the outermost scope.

    A cycle begins where `clk` rises; nothing may change but there, except for its falling edges.
    """

    def __init__(self, path: Path) -> None:
        self.bits: dict[str, int] = {}
        self.edges: list[int] = []
        self.timescale = ""
        self.comment = ""
        self._signals: dict[str, list[Value]] = {}
        self._names: dict[str, str] = {}
        with path.open("rb") as file:
            tokens = tokenize(file)
            self._declare(tokens)
            self._run(tokens)
        self.end = self.edges.pop()
        self.cycles = len(self.edges) // 2

    def _declare(self, tokens: Iterator[Token]) -> None:
        """Read the head of the file."""
        scopes: list[str] = []
        for token in takewhile(lambda token: token.kind is not TokenKind.ENDDEFINITIONS, tokens):
            if token.kind is TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scopes.pop()
            elif token.kind is TokenKind.TIMESCALE:
                self.timescale = str(token.timescale)
            elif token.kind is TokenKind.COMMENT:
                self.comment = token.comment
            elif token.kind is TokenKind.VAR:
                self._names[token.var.id_code] = name = ".".join((*scopes[1:], token.var.reference))
                self.bits[name] = 0 if token.var.type_ is VarType.string else token.var.size

    def _run(self, tokens: Iterator[Token]) -> None:
        state: dict[str, Value] = {}
        changed: set[str] = set()
        for token in tokens:
            if token.kind is TokenKind.CHANGE_TIME:
                self._end(state, changed)
                self.edges.append(token.time_change)
            elif isinstance(token.data, ScalarChange | VectorChange | StringChange):
                name = self._names[token.data.id_code]
                state[name] = token.data.value
                changed.add(name)

    def _end(self, state: dict[str, Value], changed: set[str]) -> None:
        """Note the values of a cycle at the end of the time of its rising edge."""
        if changed and state["clk"] == "0":
            assert changed == {"clk"}
        elif changed:
            for name, value in state.items():
                self._signals.setdefault(name, []).append(value)
        changed.clear()

    def flag(self, name: str) -> list[bool]:
        """A signal of one bit that is always driven."""
        assert self.bits[name] == 1
        return [{"0": False, "1": True}[str(value)] for value in self._signals[name]]

    def text(self, name: str) -> list[str]:
        """Values of a string."""
        assert self.bits[name] == 0
        return [str(value) for value in self._signals[name]]

    def number(self, name: str) -> list[int | None]:
        """Values of an unsigned number; None where it is not driven."""
        assert self.bits[name] > 0
        return [None if str(value).lower() == "z" else int(value) for value in self._signals[name]]

    def signed(self, name: str) -> list[int | None]:
        """The same of a number in two's complement."""
        half = 1 << (self.bits[name] - 1)
        return [None if value is None else (value ^ half) - half for value in self.number(name)]
