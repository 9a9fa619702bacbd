"""`lower`: a network becomes the program of one piece of hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import LoweringError
from fxsim.graph import ABSENT, Network, Node
from fxsim.isa import Instruction, Layer, Program, decode_columns
from fxsim.lowering.arrange import arrange
from fxsim.lowering.base import INSTRUCTION_LIMIT, Emit
from fxsim.lowering.memory import TensorMap, make_symbols, place_tensors
from fxsim.lowering.overrides import layer_hardware
from fxsim.lowering.prepare import prepare
from fxsim.ops import MAC_OPERATORS, OPERATORS, validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from fxsim.hw import Hardware
    from fxsim.lowering.residency import Residency


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
    own = layer_hardware(net, hw, layers or {})
    prepared = prepare(net, own, hw)
    tensors = place_tensors(net, len(prepared.constants), prepared.residency.addresses)
    code, layer_of = arrange(net, *_emit(net, prepared.emitters, tensors), tensors.act, hw)
    return Program(
        net.name,
        net.profile,
        hw,
        code,
        prepared.constants,
        tensors.end,
        make_symbols(net, tensors, decode_columns(code), layer_of, hw.timing),
        tuple(_layer(net, node, prepared.residency) for node in net.nodes),
        layer_of,
        all(net.values[i].type.shape[:1] == (1,) for i in net.inputs),
    )


def _emit(net: Network, emitters: Sequence[Emit], tensors: TensorMap) -> tuple[list[Instruction], NDArray[np.int32]]:
    """All instructions without tokens, layer by layer, and the layer of each."""
    instructions: list[Instruction] = []
    counts = []
    for node, emit in zip(net.nodes, emitters, strict=True):
        before = len(instructions)
        operands = tuple(tensors.dram.get(i, 0) for i in node.inputs)
        instructions += emit(operands, tensors.dram.get(node.outputs[0], 0))
        counts.append(len(instructions) - before)
        if len(instructions) > INSTRUCTION_LIMIT:
            raise LoweringError(
                f"a program must have at most {INSTRUCTION_LIMIT} instructions",
                got=len(instructions),
                where=f"node {node.name!r}",
            )
    return instructions, np.repeat(np.arange(len(net.nodes), dtype=np.int32), counts)


def _layer(net: Network, node: Node, residency: Residency) -> Layer:
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
        residency.dram_saved(net, node),
    )
