"""Typed values out of JSON data: every surprise is an error that names the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fxsim._core.errors import HardwareError, ProgramError
from fxsim.hw import Hardware
from fxsim.isa.image import KINDS, MEMORIES, Layer, Symbol

Parser = Callable[[Any, str], Any]
"""(value, where) → checked value, or `ProgramError`."""

_MAX_DIMENSION = 1 << 31
_LEAST_SCALE, _GREATEST_SCALE = 2.0**-149, (2 - 2**-23) * 2.0**127
_MAX_RANK = 8


def text(value: object, where: str) -> str:
    """Take a string that UTF-8 can encode."""
    if not isinstance(value, str) or any("\ud800" <= c <= "\udfff" for c in value):
        raise ProgramError("value must be a string of Unicode characters", got=value, where=where)
    return value


def boolean(value: object, where: str) -> bool:
    """Take a JSON boolean."""
    if not isinstance(value, bool):
        raise ProgramError("value must be true or false", got=value, where=where)
    return value


def integer(value: object, where: str) -> int:
    """Take a 64-bit signed integer."""
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise ProgramError("value must be a 64-bit integer", got=value, where=where)
    return value


def natural(value: object, where: str) -> int:
    """Take an integer of at least 0."""
    number = integer(value, where)
    if number < 0:
        raise ProgramError("value must be at least 0", got=value, where=where)
    return number


def dimension(value: object, where: str) -> int:
    """One extent of a shape, 0..2**31 - 1."""
    number = natural(value, where)
    if number >= _MAX_DIMENSION:
        raise ProgramError(f"dimension must be below {_MAX_DIMENSION}", got=value, where=where)
    return number


def shape(value: object, where: str) -> tuple[int, ...]:
    """Take a list of at most 8 extents."""
    dimensions: tuple[int, ...] = each(dimension)(value, where)
    if len(dimensions) > _MAX_RANK:
        raise ProgramError(f"shape must have at most {_MAX_RANK} dimensions", got=len(dimensions), where=where)
    return dimensions


def scale(value: object, where: str) -> float:
    """Take a number above 0 that binary32 holds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _LEAST_SCALE <= value <= _GREATEST_SCALE:
        raise ProgramError("scale must be finite and positive in binary32", got=value, where=where)
    return float(value)


def optional(parser: Parser) -> Parser:
    """`None`, or what `parser` takes."""
    return lambda value, where: None if value is None else parser(value, where)


def each(parser: Parser) -> Parser:
    """Take a list, every element by `parser`; becomes a tuple."""

    def parse(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ProgramError("value must be a list", got=value, where=where)
        return tuple(parser(item, where) for item in value)

    return parse


def one_of(*words: str) -> Parser:
    """One of `words`."""

    def parse(value: object, where: str) -> str:
        if value not in words:
            raise ProgramError(f"value must be one of: {', '.join(words)}", got=value, where=where)
        return str(value)

    return parse


def mapping(data: object, parsers: Mapping[str, Parser], where: str) -> dict[str, Any]:
    """Take a JSON object with exactly the keys of `parsers`."""
    if not isinstance(data, dict):
        raise ProgramError("value must be an object", got=data, where=where)
    if set(data) != set(parsers):
        raise ProgramError(f"keys must be {', '.join(parsers)}", got=sorted(map(str, data)), where=where)
    return {key: parse(data[key], f"{where} {key}".lstrip()) for key, parse in parsers.items()}


SYMBOL: Mapping[str, Parser] = {
    "name": text,
    "address": natural,
    "shape": shape,
    "dtype": text,
    "scale": each(scale),
    "zero_point": each(integer),
    "axis": optional(natural),
    "kind": one_of(*KINDS),
    "ready": natural,
    "until": natural,
    "memory": one_of(*MEMORIES),
}
LAYER: Mapping[str, Parser] = {
    "name": text,
    "op": text,
    "macs": natural,
    "in_shapes": each(shape),
    "out_shapes": each(shape),
    "outputs": each(text),
    "channels": natural,
    "dram_saved": natural,
}


def symbol(data: object, where: str) -> Symbol:
    """Take a `Symbol` from its fields."""
    return Symbol(**mapping(data, SYMBOL, where))


def layer(data: object, where: str) -> Layer:
    """Take a `Layer` from its fields."""
    return Layer(**mapping(data, LAYER, where))


def hardware(value: object, where: str) -> Hardware:
    """Take a `Hardware` from plain data."""
    if not isinstance(value, dict):
        raise ProgramError("value must be an object", got=value, where=where)
    try:
        return Hardware.from_dict(value)
    except HardwareError as error:
        raise ProgramError(str(error), where=where) from None
