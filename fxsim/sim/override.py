"""The one allowed override of a program: other accumulator widths and overflow rules (sweeps)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import HardwareError
from fxsim.hw import Hardware, Numerics
from fxsim.isa import InnerOverflow, Instruction, Mac, Merge, Program, Req, encode
from fxsim.numerics import Overflow, bits_needed, check_requant_width, scheme_of
from fxsim.sim.proof import read_biases

if TYPE_CHECKING:
    from collections.abc import Sequence

LayerFields = Mapping[str, Mapping[str, Any]]

CHANGEABLE = frozenset({"acc_bits", "acc_internal_bits", "overflow", "bias_policy", "inner_bits", "inner_overflow"})
"""Numerics that a lowered program does not depend on: everything else is in its weights, biases and instructions.

Whether there is an inner accumulator is in its instructions too; only its width may change.
"""


def overridden(program: Program, numerics: Numerics | None, layers: LayerFields | None) -> Program:
    """`with_numerics` under which every bias fits that must; `program` itself where `numerics` is None.

    Raises
    ------
    HardwareError, QuantizationError
        As `with_numerics`; a bias does not fit its register under bias_policy = error; `layers` stands alone.
    """
    if numerics is None and layers:
        raise HardwareError("layers must come with numerics: a program pins its own", got=layers)
    if numerics is None:
        return program
    changed = with_numerics(program, numerics, layers)
    _check_biases(changed, layer_rules(program, numerics, layers or {}))
    return changed


def with_numerics(program: Program, numerics: Numerics, layers: LayerFields | None = None) -> Program:
    """Return `program` with the accumulators of `numerics` in every layer, instructions and hardware alike.

    `layers` gives single layers, by their names, accumulators of their own.

    Raises
    ------
    HardwareError
        `numerics` or `layers` changes something that the program's constants or instructions already express, or
        `layers` names no layer with accumulators.
    QuantizationError
        A requantization scheme of the program is not exact at the new width.
    """
    _check_changed(program.hardware.numerics, numerics)
    own = layer_rules(program, numerics, layers or {})
    _check_inner(program, own)
    for number, scheme in _schemes(program):
        check_requant_width(scheme_of(scheme), own[number].acc_bits)
    hardware = Hardware(name=program.hardware.name, numerics=numerics, timing=program.hardware.timing)
    numbers = program.layer_of.tolist()
    code = encode([_rewritten(i, own[number]) for i, number in zip(program.instructions, numbers, strict=True)])
    return dataclasses.replace(program, code=code, hardware=hardware)


def layer_rules(program: Program, numerics: Numerics, layers: LayerFields) -> list[Numerics]:
    """Per layer, `numerics` with the layer's own fields; raises as `with_numerics` does."""
    numbers = {layer.name: n for n, layer in enumerate(program.layers) if layer.channels}
    unknown = sorted(set(layers) - set(numbers))
    if unknown:
        raise HardwareError("layers must be names of layers with accumulators", got=unknown)
    own = [numerics] * len(program.layers)
    for name, fields in layers.items():
        foreign = sorted(set(fields) - CHANGEABLE)
        if foreign:
            raise HardwareError(f"a lowered layer may only change {', '.join(sorted(CHANGEABLE))}", got=foreign)
        own[numbers[name]] = dataclasses.replace(numerics, **fields)
    return own


def _check_biases(program: Program, rules: Sequence[Numerics]) -> None:
    """Under bias_policy = error every bias must fit the new register; lowering has seen to the program's own."""
    strict = [number for number, rule in enumerate(rules) if rule.bias_policy == "error"]
    if not strict:
        return
    program.check()
    reader, biases = read_biases(program)
    layer = program.layer_of[reader]
    for number in strict:
        rule, own = rules[number], biases[layer == number]
        bits = rule.acc_internal_bits if rule.overflow == "readout" else rule.acc_bits
        if bits_needed(int(own.min(initial=0)), int(own.max(initial=0))) > bits:
            raise HardwareError(
                f"every bias must fit the accumulator of {bits} bits "
                "(bias_policy = apply puts it through the overflow rule)",
                where=f"layer {program.layers[number].name!r}",
            )


def _check_changed(own: Numerics, numerics: Numerics) -> None:
    fields = [f.name for f in dataclasses.fields(own) if f.name not in CHANGEABLE]
    changed = [name for name in fields if getattr(own, name) != getattr(numerics, name)]
    if changed:
        raise HardwareError(
            "numerics may only change the accumulator's width and overflow rule: the program's weights and instructions"
            f" are made for its own {', '.join(changed)}; lower the network again"
        )


def _check_inner(program: Program, own: Sequence[Numerics]) -> None:
    """Lowering cuts sums where their inner accumulators spill."""
    macs = program.columns.table(Mac)
    asked = np.array([rule.inner_bits for rule in own])[program.layer_of[macs.index]]
    wrong = np.flatnonzero((asked > 0) != (macs.inner_bits > 0))
    if wrong.size:
        layer = program.layers[int(program.layer_of[macs.index[wrong[0]]])]
        raise HardwareError(
            "an inner accumulator cannot be put into a lowered program or taken from it; lower the network again",
            got=int(asked[wrong[0]]),
            where=f"layer {layer.name!r}",
        )


def _schemes(program: Program) -> Sequence[tuple[int, int]]:
    """Every layer number with every requantization scheme that its REQ instructions use."""
    requants = program.columns.rows_of(Req)
    pairs = np.stack([program.layer_of[requants], program.columns.field("scheme")[requants]], axis=1)
    return [(int(number), int(scheme)) for number, scheme in np.unique(pairs, axis=0)]


def _rewritten(instruction: Instruction, numerics: Numerics) -> Instruction:
    if not isinstance(instruction, Mac | Merge | Req):
        return instruction
    fields: dict[str, Any] = {
        "acc_bits": numerics.acc_bits,
        "internal_bits": numerics.acc_internal_bits,
        "overflow": Overflow[numerics.overflow.upper()],
    }
    if isinstance(instruction, Mac):
        fields["inner_bits"] = numerics.inner_bits
        fields["inner_overflow"] = InnerOverflow[numerics.inner_overflow.upper()]
    return dataclasses.replace(instruction, **fields)
