"""Situations that lie in the values of a run: sums that leave their range, ties, clamps, extreme words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import RECORD_BYTES, Init, Mac, Merge, Req, Space
from fxsim.numerics import IntFormat, saturate_array, wrap_array
from fxsim.rtl.coverage.rounding import divisions
from fxsim.rtl.machine import machine_scheme, register_bits
from fxsim.sim import scratchpad_effects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fxsim.hw import Hardware
    from fxsim.numerics import Scheme
    from fxsim.sim import MacTrace

Ints = NDArray[np.int64]

_SIDES = ("above", "below")
_PLACES = ("the only group", "the first group", "a middle group", "the last group")
_MODES = ("wrap", "saturate", "readout", "trap")


def _always(_: Hardware) -> bool:
    return True


def _built(mode: str, reduction: str) -> Callable[[Hardware], bool]:
    return lambda hw: (hw.numerics.overflow, hw.numerics.reduction) == (mode, reduction)


def _summing(mode: str) -> Callable[[Hardware], bool]:
    return lambda hw: bool(hw.numerics.inner_bits) and hw.numerics.inner_overflow == mode


def _merging(mode: str) -> Callable[[Hardware], bool]:
    return lambda hw: hw.numerics.overflow == mode and hw.timing.half_depth > 1


def _chained(hw: Hardware) -> bool:
    return hw.numerics.reduction == "chain" and hw.timing.cols > 1 and not hw.numerics.inner_bits


def _wider_bias(hw: Hardware) -> bool:
    return min(hw.numerics.bias_bits, 52) > register_bits(hw)


def _late_bias(hw: Hardware) -> bool:
    return hw.numerics.bias_order == "last"


def _multiplies(hw: Hardware) -> bool:
    return machine_scheme(hw).significand > 1


def _has_ties(hw: Hardware) -> bool:
    return machine_scheme(hw).name != "FLOOR"


VALUE_BINS: dict[str, Callable[[Hardware], bool]] = {
    **{
        f"sum: {mode}, {reduction}, {side}, {place}": _built(mode, reduction)
        for mode in _MODES
        for reduction in ("tree", "chain")
        for side in _SIDES
        for place in _PLACES
    },
    **{f"sum: {mode}, MERGE, {side}": _merging(mode) for mode in _MODES for side in _SIDES},
    **{f"inner sum: {mode}, {side}": _summing(mode) for mode in _MODES[:2] for side in _SIDES},
    "sum: leaves the range several times in one issue": _chained,
    "sum: leaves the range within a chain, its end inside": _chained,
    **{f"bias: {side} the range when loaded": _wider_bias for side in _SIDES},
    "bias: added last": _late_bias,
    **{f"bias: added last, {side} the range": _late_bias for side in _SIDES},
    **{f"read-out: {side} acc_bits": lambda hw: hw.numerics.overflow == "readout" for side in _SIDES},
    "requantizer: tie above 0": _has_ties,
    "requantizer: tie below 0": _has_ties,
    "requantizer: least shift": _always,
    "requantizer: greatest shift": _always,
    "requantizer: multiplier 0": _multiplies,
    "requantizer: greatest multiplier": _multiplies,
    "requantizer: clamped to lo": _always,
    "requantizer: clamped to hi": _always,
    "requantizer: between lo and hi": _always,
}
"""Situation -> whether a machine can get into it."""


class _Records(NamedTuple):
    """A row file: exact biases and requantization words, int64 [rows]."""

    bias: Ints
    multiplier: Ints
    shift: Ints


def value_bins(trace: MacTrace, x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None) -> Counter[str]:
    """Accumulators and outputs of a run in every situation."""
    effects = scratchpad_effects(trace.program, x)
    walk = _Walk(trace)
    for number, instruction in enumerate(trace.program.instructions):
        for effect in effects.get(number, []):
            if effect.space is Space.PARAM:
                walk.parameters[effect.address] = effect.value
        if isinstance(instruction, Mac):
            walk.mac(number, instruction)
        elif isinstance(instruction, Merge):
            walk.merge(number, instruction)
        elif isinstance(instruction, Req):
            walk.read_out(instruction)
    return walk.found


class _Walk:
    """Row files and accumulators of a run, instruction by instruction in file order, beside its trace."""

    def __init__(self, trace: MacTrace) -> None:
        hw = self._hardware = trace.program.hardware
        n, timing = hw.numerics, hw.timing
        self.found: Counter[str] = Counter()
        self.parameters = np.zeros(timing.param_spad_bytes, np.uint8)
        self._issues = trace.issues
        self._rows = trace.program.columns.field("rows")
        self._order = np.argsort(trace.issues.instruction, kind="stable")
        self._owners = trace.issues.instruction[self._order]
        self._register = IntFormat(register_bits(hw))
        self._scheme = machine_scheme(hw)
        self._greatest = _greatest_multiplier(self._scheme, n.multiplier_bits)
        self._wraps = n.overflow in ("wrap", "readout")
        self._sums, self._exact = np.zeros((2, 2, timing.half_depth, timing.rows), np.int64)
        self._inner, self._inner_exact = np.zeros((2, timing.half_depth, timing.rows), np.int64)
        none = np.zeros(timing.rows, np.int64)
        self._records = [_Records(none, none, none)] * 2

    # ---- MAC and MERGE

    def mac(self, number: int, mac: Mac) -> None:
        """Load the row file, and compare every sum with the range of the register; inner ones with that of theirs."""
        if mac.load_params:
            self._load(mac)
        n, cols = self._hardware.numerics, self._hardware.timing.cols
        size = mac.inner_groups if mac.inner_bits else 1
        stores = -(-mac.k_count // (size * cols))
        for i in self._issues_of(number):
            group = int(self._issues.group[i])
            if mac.inner_bits:
                self._add_inner(mac, i, begins=group % size == 0)
            if not self._issues.stores[i]:
                continue
            acc, exact = self._start(mac, i, size)
            added = self._issues.inner[i, : mac.rows] if mac.inner_bits else self._issues.exact[i, : mac.rows] - exact
            self._count(f"sum: {n.overflow}, {n.reduction}, {{}}, {_place(group // size, stores)}", i, acc + added)
            self._write(i)

    def _add_inner(self, mac: Mac, i: int, *, begins: bool) -> None:
        """Compare the sum of an inner accumulator, which `begins` at 0 or goes on, with its range."""
        at = int(self._issues.slot[i]), slice(mac.rows)
        before, exact = (0, 0) if begins else (self._inner[at], self._inner_exact[at])
        total = before + self._issues.inner_exact[i, : mac.rows] - exact
        self._sides(f"inner sum: {self._hardware.numerics.inner_overflow}, {{}}", IntFormat(mac.inner_bits), total)
        self._inner[at], self._inner_exact[at] = (
            self._issues.inner[i, : mac.rows],
            self._issues.inner_exact[i, : mac.rows],
        )

    def merge(self, number: int, merge: Merge) -> None:
        """Compare every sum of parts with the range of the register."""
        for i in self._issues_of(number):
            half, slot = merge.half, int(self._issues.slot[i])
            part = slot + (int(self._issues.group[i]) + 1) * merge.positions
            total = self._sums[half, slot, : merge.rows] + self._sums[half, part, : merge.rows]
            self._count(f"sum: {self._hardware.numerics.overflow}, MERGE, {{}}", i, total)
            self._write(i)

    def _load(self, mac: Mac) -> None:
        data = self.parameters[mac.p_addr : mac.p_addr + mac.rows * RECORD_BYTES].tobytes()
        table = np.frombuffer(data, [("bias", "<i8"), ("multiplier", "<i4"), ("shift", "i1"), ("zeros", "V3")])
        self._records[mac.half] = _Records(*(table[name].astype(np.int64) for name in _Records._fields))

    def _start(self, mac: Mac, i: int, size: int) -> tuple[Ints, Ints]:
        """Accumulate operand, and what it would be had no sum left the range, of an issue that adds `size` groups."""
        half, slot = mac.half, int(self._issues.slot[i])
        if self._issues.group[i] >= size or mac.init is Init.KEEP:
            return self._sums[half, slot, : mac.rows], self._exact[half, slot, : mac.rows]
        if mac.init is Init.ZERO:
            return (np.zeros(mac.rows, np.int64),) * 2
        bias = self._records[half].bias[: mac.rows]
        self._sides("bias: {} the range when loaded", self._register, bias)
        return self._applied(bias), bias

    def _applied(self, values: Ints) -> Ints:
        return (wrap_array if self._wraps else saturate_array)(values, self._register)

    def _count(self, name: str, i: int, total: Ints) -> None:
        events = self._issues.events[i, : len(total)]
        self._sides(name, self._register, total)
        self.found["sum: leaves the range several times in one issue"] += int((events > 1).sum())
        inside = (events > 0) & (total >= self._register.lo) & (total <= self._register.hi)
        self.found["sum: leaves the range within a chain, its end inside"] += int(inside.sum())

    def _sides(self, name: str, fmt: IntFormat, values: Ints) -> None:
        self.found[name.format("above")] += int((values > fmt.hi).sum())
        self.found[name.format("below")] += int((values < fmt.lo).sum())

    def _write(self, i: int) -> None:
        issues, rows = self._issues, int(self._rows[self._issues.instruction[i]])
        at = int(issues.half[i]), int(issues.slot[i]), slice(rows)
        self._sums[at], self._exact[at] = issues.values[i, :rows], issues.exact[i, :rows]

    def _issues_of(self, number: int) -> Iterator[int]:
        lo, hi = np.searchsorted(self._owners, (number, number + 1))
        return iter(self._order[lo:hi].tolist())

    # ---- REQ

    def read_out(self, req: Req) -> None:
        """Follow every accumulator through bias, clamp and rounding."""
        records = self._records[req.half]
        sums = self._sums[req.half, req.slot : req.slot + req.positions, : req.rows]
        if req.add_bias:
            self.found["bias: added last"] += sums.size
            sums = sums + records.bias[: req.rows]
            self._sides("bias: added last, {} the range", self._register, sums)
            sums = self._applied(sums)
        words = records.multiplier[: req.rows].tolist(), records.shift[: req.rows].tolist()
        width = IntFormat(self._hardware.numerics.acc_bits)
        self._sides("read-out: {} acc_bits", width, sums)
        for position in saturate_array(sums, width).tolist():
            for acc, multiplier, shift in zip(position, *words, strict=True):
                self._requantize(req, acc, multiplier, shift)

    def _requantize(self, req: Req, acc: int, multiplier: int, shift: int) -> None:
        scheme, name = self._scheme, "requantizer: {}".format
        steps = divisions(scheme, acc, multiplier, shift, self._hardware.numerics.acc_bits)
        floor = (steps[-1].value >> steps[-1].right) + req.out_zero
        self.found.update(
            {
                name("tie above 0"): any(step.is_tie() and step.value > 0 for step in steps),
                name("tie below 0"): any(step.is_tie() and step.value < 0 for step in steps),
                name("least shift"): shift == scheme.shifts[0],
                name("greatest shift"): shift == scheme.shifts[1],
                name("multiplier 0"): multiplier == 0,
                name("greatest multiplier"): multiplier >= self._greatest,
                name("clamped to lo"): floor + 1 < req.clamp_lo,
                name("clamped to hi"): floor > req.clamp_hi,
                name("between lo and hi"): req.clamp_lo < floor < req.clamp_hi,
            }
        )


def _place(group: int, groups: int) -> str:
    if groups == 1:
        return _PLACES[0]
    if group == 0:
        return _PLACES[1]
    return _PLACES[3] if group == groups - 1 else _PLACES[2]


def _greatest_multiplier(scheme: Scheme, bits: int) -> int:
    """Greatest word that a multiplier of `bits` holds, left-aligned in the scheme's own."""
    stored = scheme.max_multiplier.bit_length()
    kept = min(stored, bits - 1) if bits <= scheme.significand else stored
    return ((1 << kept) - 1) << (stored - kept)
