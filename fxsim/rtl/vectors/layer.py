"""`layer_vectors`: what one layer of a program takes in, holds and gives out, for one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import InputError
from fxsim.isa import ITEM_BYTES, Mac
from fxsim.rtl.vectors.arrays import VectorArray, VectorSet
from fxsim.rtl.vectors.constants import layer_constants
from fxsim.rtl.vectors.mac_arrays import constant_arrays, engine_arrays
from fxsim.rtl.vectors.operands import layer_inputs
from fxsim.rtl.vectors.rule import layer_geometry, layer_rule
from fxsim.sim import execute, mac_trace, sample_inputs, timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fxsim.isa import Program, Symbol

    Array = NDArray[np.generic]
    Samples = Array | Mapping[str, Array]


def layer_vectors(program: Program, x: Samples, layer: int | str) -> VectorSet:
    """Golden vectors of one layer.

    Parameters
    ----------
    program
        The lowered network.
    x
        One sample, as `fxsim.simulate` takes it.
    layer
        Name of the layer (of equal names the first one's), or its number.

    Returns
    -------
    VectorSet
        With MACs: ``ifm``, ``weights``, ``bias``, ``multipliers`` and ``shifts`` (a floating scheme: ``factors``),
        ``tiles``, ``weight_tiles``, ``issues``, ``accumulators``, ``overflow_events``, ``readouts``, ``codes``,
        ``ofm``; with inner accumulators ``inner_accumulators`` and ``inner_overflow_events`` too. Without: the tensors
        that the layer reads and writes, ``ifm`` and ``ofm``, numbered from 0 on where there are several.

    Raises
    ------
    ProgramError
        The program is illegal, has no such layer, or does not say what the layer computes.
    InputError
        `x` is not one sample of the program's inputs.
    """
    program.check()
    number = program.layer_number(layer)
    _, samples = sample_inputs(program, x)
    if samples != 1:
        raise InputError("vectors must be of one sample", got=samples)
    inputs = _named("ifm", layer_inputs(program, number))
    outputs = _named("ofm", [program.symbol(name) for name in program.layers[number].outputs])
    has_macs = _has_macs(program, number)
    rule = layer_rule(program, number) if has_macs else {}
    mac = _mac_arrays(program, x, number, rule) if has_macs else ()
    values = execute(program, x, keep=[symbol.name for symbol in (inputs | outputs).values()]).tensors
    ifm, ofm = ([_tensor(name, s, values[s.name]) for name, s in part.items()] for part in (inputs, outputs))
    return VectorSet(
        program=program,
        layer=number,
        cycles=_cycles(program, number),
        rule=rule,
        geometry=layer_geometry(program, number) if has_macs else {},
        tensors={name: _described(symbol) for name, symbol in (inputs | outputs).items()},
        arrays=(*ifm, *mac, *ofm),
    )


def _mac_arrays(program: Program, x: Samples, number: int, rule: Mapping[str, int | str]) -> tuple[VectorArray, ...]:
    constants = layer_constants(program, number)
    trace = mac_trace(program, x, layer=number)
    return (*constant_arrays(program, number, constants), *engine_arrays(trace, number, constants, rule))


def _has_macs(program: Program, number: int) -> bool:
    return bool((program.layer_of[program.columns.rows_of(Mac)] == number).any())


def _cycles(program: Program, number: int) -> dict[str, int]:
    times = timeline(program)
    window = times.layers[number]
    return {"program": times.cycles, "layer_begin": window.begin, "layer_cycles": window.cycles}


def _named(stem: str, symbols: Sequence[Symbol]) -> dict[str, Symbol]:
    if len(symbols) == 1:
        return {stem: symbols[0]}
    return {f"{stem}_{i}": symbol for i, symbol in enumerate(symbols)}


def _tensor(name: str, symbol: Symbol, values: Array) -> VectorArray:
    """Codes of a tensor in the model's shape; reals as the bits of their binary32 numbers."""
    real = symbol.dtype == "float32"
    codes = (values.view(np.uint32) if real else values).astype(np.int64).reshape(symbol.shape)
    axes = ("image", "row", "column", "channel") if codes.ndim == 4 else tuple(f"axis {i}" for i in range(codes.ndim))
    what = "input tensor" if name.startswith("ifm") else "output tensor"
    meaning = f"{what} of the layer, {'bits of binary32 numbers' if real else 'codes'}"
    signed = not real and not symbol.dtype.startswith("u")
    return VectorArray(name, meaning, codes, axes, 8 * ITEM_BYTES[symbol.dtype], signed)


def _described(symbol: Symbol) -> dict[str, object]:
    return {"name": symbol.name, "scale": list(symbol.scale), "zero_point": list(symbol.zero_point)}
