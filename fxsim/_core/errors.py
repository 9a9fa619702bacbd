"""Every error fxsim raises on purpose: what was expected, what came instead, and where."""

from __future__ import annotations

_ABSENT = object()


class FxsimError(Exception):
    """Base of all fxsim errors.

    Parameters
    ----------
    expected
        The expectation that was broken, as a sentence part: ``"scale must be finite and positive"``.
    got
        The offending object; its ``repr`` (shortened) is appended after ``", not "``.
    where
        File, tensor, node, instruction or line the complaint is about.
    """

    def __init__(self, expected: str, *, got: object = _ABSENT, where: str = "") -> None:
        self.expected = expected
        self.where = where
        text = expected if got is _ABSENT else f"{expected}, not {shorten(got)}"
        super().__init__(f"{where}: {text}" if where else text)


class ModelFormatError(FxsimError):
    """A model file is truncated, corrupted or breaks its own format."""


class GraphError(FxsimError):
    """A network is not a well-formed acyclic graph, or shapes do not fit."""


class QuantizationError(FxsimError):
    """A scale, zero point or integer format is missing or illegal."""


class UnsupportedError(FxsimError):
    """A model asks for operators or features fxsim does not have; all of them are listed."""


class InputError(FxsimError):
    """Input data has the wrong name, shape, dtype or range."""


class HardwareError(FxsimError):
    """A hardware description is inconsistent, or cannot hold one tile of a layer."""


class LoweringError(FxsimError):
    """A layer cannot be expressed in the instruction set of this hardware."""


class ProgramError(FxsimError):
    """A program file, instruction or operand is illegal."""


class AssemblyError(FxsimError):
    """Assembly text does not parse."""


class HazardError(FxsimError):
    """A program's tokens allow a data hazard or a deadlock."""


class TrapError(FxsimError):
    """An accumulator overflowed under overflow = trap; the message names the first event."""


class EnergyError(FxsimError):
    """An active event has no price."""


class RtlError(FxsimError):
    """A machine in SystemVerilog does not build, or does not do what the simulator does."""


class MissingDependencyError(FxsimError):
    """An optional package is not installed; the message says which extra brings it."""


def shorten(value: object, limit: int = 120) -> str:
    """``repr(value)``, cut in the middle to at most `limit` characters."""
    text = repr(value)
    if len(text) <= limit:
        return text
    keep = (limit - 3) // 2
    return f"{text[:keep]}...{text[-keep:]}"
