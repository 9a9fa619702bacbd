"""`Program`: a network lowered to one piece of hardware, with its checks, files and text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fxsim._core.errors import ProgramError
from fxsim.isa.assembler import disassemble, parse
from fxsim.isa.checks import check_image
from fxsim.isa.container import pack, read_file, unpack, write_file
from fxsim.isa.image import Image


@dataclass(frozen=True, eq=False, repr=False)
class Program(Image):
    """A network lowered to one piece of hardware; immutable. Its parts are documented in `Image`."""

    def check(self) -> None:
        """Raise `ProgramError` for the first illegal instruction, symbol or layer; the second call costs nothing."""
        self._verdict  # noqa: B018 - the property is the check

    @cached_property
    def _verdict(self) -> bool:
        check_image(self)
        return True

    def disassemble(self) -> str:
        """Return the program as assembly text (`fxsim.isa.assemble` is the inverse)."""
        return disassemble(self)

    def to_bytes(self) -> bytes:
        """Return the program as an ``.fxp`` file."""
        return pack(self)

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str = "program") -> Program:
        """Read and check an ``.fxp`` file's bytes; anything illegal is a `ProgramError`."""
        try:
            program = cls(**unpack(data))
            program.check()
        except ProgramError as error:
            raise ProgramError(str(error), where=where) from None
        return program

    def save(self, path: str | Path) -> None:
        """Write an ``.fxp`` file; the file appears whole or not at all."""
        write_file(Path(path), self.to_bytes())

    @classmethod
    def load(cls, source: str | Path | bytes) -> Program:
        """Read and check an ``.fxp`` file, given by path or by its bytes."""
        if isinstance(source, bytes):
            return cls.from_bytes(source)
        return cls.from_bytes(read_file(Path(source)), where=str(source))


def assemble(text: str) -> Program:
    """Read assembly text.

    Raises
    ------
    AssemblyError
        The text does not parse; the message names line and column.
    ProgramError
        It parses, but the program is illegal.
    """
    program = Program(**parse(text))
    program.check()
    return program
