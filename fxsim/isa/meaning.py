"""Rule applications on plain integers: what MAC, MERGE and REQ share (MICROARCHITECTURE A.1 to A.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fxsim._core.errors import ProgramError
from fxsim.isa.base import Space
from fxsim.numerics import Overflow, scheme_of
from fxsim.numerics.reference import ref_overflow

if TYPE_CHECKING:
    from fxsim.isa.machine import Accumulator, Machine
    from fxsim.isa.modes import InnerOverflow
    from fxsim.numerics import SchemeCode

BIAS_K = -1
"""The k of a bias in a trap record: its load, or its addition at the read-out."""
REAL_LIMIT = 1 << 31
"""Factors of float schemes stay below."""


class Rule(Protocol):
    """An instruction that carries an overflow rule."""

    @property
    def overflow(self) -> Overflow:
        """The mode."""
        ...

    @property
    def acc_bits(self) -> int:
        """Accumulator width."""
        ...

    @property
    def internal_bits(self) -> int:
        """Register width of overflow = readout."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """Which rule application: group, position and row within the instruction, stream index k, output channel."""

    group: int
    position: int
    row: int
    k: int
    channel: int


def overflow(value: int, rule: Rule) -> tuple[int, bool]:
    """Return the register value of the exact `value`, and whether it left the range (readout: of the register)."""
    return ref_overflow(value, rule.acc_bits, rule.overflow, rule.internal_bits)


def load_bias(machine: Machine, rule: Rule, site: Site, slot: Accumulator, bias: int) -> None:
    """Rule application -1: the slot becomes ovf(bias)."""
    value, event = overflow(bias, rule)
    slot.value, slot.exact, slot.event = value, bias, False
    counters = machine.counters(site.channel)
    counters.see(bias)
    counters.bias_overflow_count += event
    if event and rule.overflow is Overflow.TRAP:
        machine.trap(site.group, site.position, site.row, BIAS_K, bias)


class InnerRule(Rule, Protocol):
    """An instruction that carries the rule of an inner accumulator too."""

    @property
    def inner_bits(self) -> int:
        """Width."""
        ...

    @property
    def inner_overflow(self) -> InnerOverflow:
        """The mode."""
        ...


def add_inner(machine: Machine, rule: InnerRule, channel: int, slot: Accumulator, addend: int) -> None:
    """One application of the inner rule: I <- ovf(I + addend); its events do not trap."""
    slot.inner, event = ref_overflow(slot.inner + addend, rule.inner_bits, rule.inner_overflow, rule.inner_bits)
    slot.inner_exact += addend
    slot.event |= event
    machine.counters(channel).inner_events += event


def spill(machine: Machine, rule: InnerRule, site: Site, slot: Accumulator) -> None:
    """One rule application that adds the inner accumulator, which starts again at 0."""
    inner, exact = slot.inner, slot.inner_exact
    slot.inner = slot.inner_exact = 0
    add(machine, rule, site, slot, inner, exact)


def add(machine: Machine, rule: Rule, site: Site, slot: Accumulator, addend: int, exact: int) -> None:
    """One rule application: A <- ovf(A + addend); `exact` is what `addend` stands for without earlier overflow."""
    wanted = slot.value + addend
    slot.value, event = overflow(wanted, rule)
    slot.exact += exact
    counters = machine.counters(site.channel)
    counters.see(slot.exact)
    if not event:
        return
    if rule.overflow is Overflow.READOUT:
        counters.internal_wraps += 1
        return
    counters.overflow_events += 1
    slot.event = True
    if rule.overflow is Overflow.TRAP:
        machine.trap(site.group, site.position, site.row, site.k, wanted)


def integer(data: bytes, *, signed: int) -> int:
    """Return a little-endian code."""
    return int.from_bytes(data, "little", signed=bool(signed))


def put_code(machine: Machine, address: int, value: int) -> None:
    """Store the low byte of `value` into the activation scratchpad."""
    machine.write(Space.ACT, address, (value & 0xFF).to_bytes(1, "little"))


def unpack_word(word: int, code: SchemeCode) -> tuple[int, int, float]:
    """Return (multiplier, shift, real) of a requantization word; only those that the scheme reads mean anything.

    Raises
    ------
    ProgramError
        The word holds a shift or factor that the scheme does not take.
    """
    data = word.to_bytes(8, "little")
    multiplier, shift = struct.unpack("<ib", data[:5])
    (real,) = struct.unpack("<d", data)
    scheme = scheme_of(code)
    lo, hi = scheme.shifts
    if scheme.synthesizable and not lo <= shift <= hi:
        raise ProgramError(f"shift of a {scheme.name} record must be in {lo}..{hi}", got=shift)
    if not scheme.synthesizable and not 0 <= real < REAL_LIMIT:
        raise ProgramError(f"factor of a {scheme.name} record must be at least 0 and below 2**31", got=real)
    return multiplier, shift, real
