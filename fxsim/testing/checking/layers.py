"""`check_layer`: one operator, its tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim.hw import DEFAULT_PRESET, Hardware
from fxsim.lowering import lower
from fxsim.numerics import PROFILES, IntFormat
from fxsim.ops import MAC_OPERATORS, OPERATORS
from fxsim.oracle import golden
from fxsim.rtl import FORMATS, layer_vectors
from fxsim.testing.checking.answers import tensor_differs
from fxsim.testing.checking.mismatch import Checked
from fxsim.testing.checking.network_source import network_source
from fxsim.testing.checking.search import check
from fxsim.testing.checking.source import array_source, hardware_source, with_imports
from fxsim.testing.layers import Case, layers
from fxsim.testing.machines import SCRATCHPADS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fxsim.graph import Network
    from fxsim.isa import Program

Array = NDArray[np.generic]


def check_layer(
    dut: Callable[..., Any],
    *,
    ops: Sequence[str] = (),
    profile: str = "tflite",
    hw: Hardware | str | Path | None = None,
    examples: int = 50,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Checked:
    """Compare one-operator networks with the golden executor; zero differences are allowed.

    Operators are asked one after the other; the first one with a wrong answer ends the check.

    Parameters
    ----------
    dut
        The design under test: ``dut(net, x)`` for a `fxsim.Network` of one node (`fxsim.testing.layers`) and codes `x`,
        sample first: one array, or a mapping from name to array where the network has several inputs. Returns the
        output, of the network's element type and shape, sample first.
    ops
        Operators to ask for (`fxsim ops` lists them); all by default.
    profile
        Whose arithmetic holds: ``"tflite"`` or ``"litert"``.
    hw
        Hardware whose numerics hold: widths, overflow, groups, order, requantizer. What it cannot hold is not asked.
        None: 32-bit wrapping accumulators, as the runtimes have.
    examples, seed
        Networks asked at most of every operator, and the number that they follow from.
    folder
        Where the files of a counterexample go: new, empty, or of an earlier counterexample, which is replaced.

    Raises
    ------
    MismatchError
        The design raises, or answers wrongly; holds the smallest network found.
    UnsupportedError, HardwareError, InputError
        An operator or profile is unknown, the hardware cannot be loaded or holds fewer than about one in six of
        an operator's networks, or an argument is illegal.
    """
    chosen = tuple(ops) or tuple(OPERATORS)
    for op in chosen:
        OPERATORS[op]
    PROFILES[profile]
    hardware = None if hw is None else Hardware.load(hw)
    register = {} if hardware is None else {"acc_bits": hardware.numerics.acc_bits}
    parts = [
        check(
            dut,
            layers(op, profile=profile, **register).map(lambda case: _layer(case, hardware)),
            examples=examples,
            seed=seed,
            folder=folder,
            where=op,
        )
        for op in chosen
    ]
    return Checked(sum(part.cases for part in parts), sum(part.elements for part in parts))


def _layer(case: Case, hw: Hardware | None) -> _Layer:
    return _Layer(_narrowed(case.network, hw), case.x, hw)


_RUNTIME = Hardware.load(DEFAULT_PRESET).replace(name="runtime", overflow="wrap", bias_policy="apply", bias_bits=64)
"""Accumulators of 32 bits that wrap."""


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    net: Network
    x: Mapping[str, Array]
    hw: Hardware | None

    @property
    def _output(self) -> str:
        (output,) = self.net.outputs
        return self.net.values[output].name

    def ask(self, dut: Callable[..., Any]) -> object:
        copies = {name: array.copy() for name, array in self.x.items()}
        return dut(self.net, copies if len(copies) > 1 else copies.popitem()[1])

    def expected(self) -> Array:
        numerics = None if self.hw is None else self.hw.numerics
        return golden(self.net, self.x, numerics=numerics)[self._output]

    def judge(self, answer: object, expected: Array) -> str | None:
        return tensor_differs(self._output, expected, answer)

    def python(self) -> str:
        given = {name: array_source(array) for name, array in self.x.items()}
        x = "{" + ", ".join(f"{name!r}: {text}" for name, text in given.items()) + "}"
        numerics = "" if self.hw is None else f", numerics={hardware_source(self.hw)}.numerics"
        return with_imports(
            f"{network_source(self.net)}"
            f"x = {x if len(given) > 1 else given.popitem()[1]}\n"
            f"expected = golden(net, x{numerics})[{self._output!r}]\n"
            "answer = np.asarray(dut(net, x))\n"
            "assert answer.dtype == expected.dtype and answer.shape == expected.shape, answer\n"
            "assert answer.tobytes() == expected.tobytes(), (expected, answer)\n"
        )

    def program(self) -> Program:
        """Lowered to the hardware with room for every layer, or to the default one with the runtimes' accumulators."""
        return lower(self.net, (self.hw or _RUNTIME).replace(**SCRATCHPADS))

    def files(self) -> dict[str, bytes]:
        """Golden vectors of every sample."""
        files: dict[str, bytes] = {}
        samples = len(next(iter(self.x.values())))
        for i in range(samples):
            vectors = layer_vectors(self.program(), {name: array[i : i + 1] for name, array in self.x.items()}, 0)
            head = f"sample{i}_" if samples > 1 else ""
            files |= {head + name: data for name, data in FORMATS["readmemh"].files(vectors).items()}
        return files


def _narrowed(net: Network, hw: Hardware | None) -> Network:
    """Return the network with weights that the hardware's operands hold: those drawn have 8 bits."""
    if hw is None or net.nodes[0].op not in MAC_OPERATORS:
        return net
    fmt, values = IntFormat(min(hw.numerics.weight_bits, 8)), list(net.values)
    at = net.nodes[0].inputs[1]
    values[at] = replace(values[at], data=np.clip(np.asarray(values[at].data), fmt.lo, fmt.hi))
    return replace(net, values=tuple(values))
