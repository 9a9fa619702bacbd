"""`lower`: a network becomes the program of one piece of hardware."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim._core.errors import HardwareError, LoweringError, ProgramError
from fxsim.graph import ABSENT, Network, Node
from fxsim.hw import Hardware, Numerics
from fxsim.isa import WORD_BYTES, Instruction, Layer, Program, decode_columns, encode
from fxsim.lowering.base import INSTRUCTION_LIMIT, LOWERINGS, ConstantPool, Emit, Homes, Site
from fxsim.lowering.memory import TensorMap, make_symbols, place_tensors
from fxsim.lowering.tiling import Span
from fxsim.lowering.tokens import place_tokens
from fxsim.ops import MAC_OPERATORS, OPERATORS, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMERICS = frozenset(f.name for f in dataclasses.fields(Numerics))
_ARRAY = ("act_bits", "weight_bits", "reduction", "group_size")
"""Numerics that the PEs and adders are built for, the same in every layer."""


def lower(net: Network, hw: Hardware, *, layers: Mapping[str, Mapping[str, Any]] | None = None) -> Program:
    """Lower `net` to `hw`: tiles, constants, memory map, instructions, tokens.

    Parameters
    ----------
    net
        Any network.
    hw
        The hardware that the program pins.
    layers
        Numerics of single layers, by the name of the node or of its output: ``{"conv1": {"acc_bits": 20}}``. Those of
        the array itself (operand widths, reduction and its groups) are the hardware's in every layer.

    Returns
    -------
    Program
        Free of hazards and deadlock (`fxsim.lowering.check_program` proves it).

    Raises
    ------
    UnsupportedError, GraphError
        `fxsim.ops.validate` refuses the network.
    LoweringError
        A layer's numbers or geometry do not fit the instruction set; an override names no layer or no numerics field.
    HardwareError
        The hardware cannot hold one tile of a layer, or an override contradicts it.
    """
    validate(net)
    own = _layer_hardware(net, hw, layers or {})
    pool = ConstantPool()
    emitters = [
        LOWERINGS[node.op].prepare(Site(net, node, hardware, pool, _homes(node, hardware)))
        for node, hardware in zip(net.nodes, own, strict=True)
    ]
    constants = pool.image()
    tensors = place_tensors(net, len(constants))
    instructions, first_of_layer = _emit(net, emitters, tensors)
    layer_of = np.repeat(np.arange(len(net.nodes), dtype=np.int32), np.diff(first_of_layer))
    code = _encode(net, instructions, layer_of, hw)
    return Program(
        net.name,
        net.profile,
        hw,
        code,
        constants,
        tensors.end,
        make_symbols(net, tensors, first_of_layer),
        tuple(_layer(net, node) for node in net.nodes),
        layer_of,
        all(net.values[i].type.shape[:1] == (1,) for i in net.inputs),
    )


def _homes(node: Node, hardware: Hardware) -> Homes:
    """All tensors in DRAM."""
    return Homes((None,) * len(node.inputs), None, Span(0, hardware.timing.act_spad_bytes))


def _layer_hardware(net: Network, hw: Hardware, layers: Mapping[str, Mapping[str, Any]]) -> list[Hardware]:
    """Per node, the hardware with the node's own numerics."""
    names = {name: index for index, node in enumerate(net.nodes) for name in _names(net, node)}
    unknown = sorted(set(layers) - set(names))
    if unknown:
        raise LoweringError("layers must be names of nodes or of their outputs", got=unknown)
    found = [hw] * len(net.nodes)
    for name, fields in layers.items():
        if not isinstance(fields, Mapping):
            raise LoweringError("layer fields must be a mapping", got=fields, where=f"node {name!r}")
        if net.nodes[names[name]].op not in MAC_OPERATORS:
            raise LoweringError("only layers with accumulators may have numerics of their own", where=f"node {name!r}")
        foreign = sorted(set(fields) - _NUMERICS)
        if foreign:
            raise LoweringError("layer fields must be numerics", got=foreign, where=f"node {name!r}")
        try:
            found[names[name]] = found[names[name]].replace(**fields)
        except HardwareError as error:
            raise HardwareError(str(error), where=f"node {name!r}") from None
        _check_array(found[names[name]].numerics, hw.numerics, f"node {name!r}")
    return found


def _check_array(own: Numerics, shared: Numerics, where: str) -> None:
    """Refuse an override of what no instruction can change."""
    rebuilt = {field: getattr(own, field) for field in _ARRAY if getattr(own, field) != getattr(shared, field)}
    if rebuilt:
        raise HardwareError("the array's numerics must be the hardware's in every layer", got=rebuilt, where=where)


def _names(net: Network, node: Node) -> list[str]:
    return [*(value.name for value in net.results(node)), node.name]


def _emit(net: Network, emitters: Sequence[Emit], tensors: TensorMap) -> tuple[list[Instruction], list[int]]:
    """All instructions without tokens, and how many stand before each node and after the last."""
    instructions: list[Instruction] = []
    first_of_layer = [0]
    for node, emit in zip(net.nodes, emitters, strict=True):
        operands = tuple(tensors.addresses.get(i, 0) for i in node.inputs)
        instructions += emit(operands, tensors.addresses[node.outputs[0]])
        first_of_layer.append(len(instructions))
        if len(instructions) > INSTRUCTION_LIMIT:
            raise LoweringError(
                f"a program must have at most {INSTRUCTION_LIMIT} instructions",
                got=len(instructions),
                where=f"node {node.name!r}",
            )
    return instructions, first_of_layer


def _encode(net: Network, instructions: Sequence[Instruction], layer_of: np.ndarray, hw: Hardware) -> bytes:
    """Encode, find the tokens, and encode again what got some."""
    try:
        code = bytearray(encode(instructions))
    except ProgramError:
        _refuse(net, instructions, layer_of)
        raise
    tokens = place_tokens(decode_columns(bytes(code)), hw)
    holders = [i for i, masks in enumerate(zip(tokens.pops, tokens.pushes, strict=True)) if any(masks)]
    words = encode(
        [dataclasses.replace(instructions[i], pops=tokens.pops[i], pushes=tokens.pushes[i]) for i in holders]
    )
    for at, index in enumerate(holders):
        code[index * WORD_BYTES : (index + 1) * WORD_BYTES] = words[at * WORD_BYTES : (at + 1) * WORD_BYTES]
    return bytes(code)


def _refuse(net: Network, instructions: Sequence[Instruction], layer_of: np.ndarray) -> None:
    """Name the node and the field of the first instruction that cannot be encoded."""
    for instruction, layer in zip(instructions, layer_of, strict=True):
        try:
            instruction.check()
        except ProgramError as error:
            raise LoweringError(str(error), where=f"node {net.nodes[int(layer)].name!r}") from None


def _layer(net: Network, node: Node) -> Layer:
    results = net.results(node)
    channels = 0
    if node.op in MAC_OPERATORS:
        channels = results[0].type.shape[-1]
    return Layer(
        node.name,
        node.op,
        OPERATORS[node.op].macs(net, node),
        tuple(v.type.shape for i, v in zip(node.inputs, net.operands(node), strict=True) if i != ABSENT and v),
        tuple(v.type.shape for v in results),
        tuple(v.name for v in results),
        channels,
    )
