"""What the MAC engine has to do for one instruction: constants of the array, and x-port beats by walking addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fxsim.isa import Init, Mac, Merge, Order
from fxsim.sim.reference.bench import at_least_one, ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Hardware


@dataclass(frozen=True, slots=True)
class Shape:
    """Pipeline and tile constants of the array."""

    read: int
    """Lx: stages of the x and w ports."""
    recurrence: int
    """R: stages from reading an accumulator to writing it, both included."""
    depth: int
    """Ld: the stage that writes the bank."""
    tile_beats: int
    """Tw: w-port beats of a tile."""

    @classmethod
    def of(cls, hardware: Hardware) -> Shape:
        """Derive the constants from a hardware description."""
        t, n = hardware.timing, hardware.numerics
        tile_beats = ceil_div(t.rows * t.cols * n.weight_bits, 8 * t.w_port_bytes)
        front = t.read_latency + t.mul_latency
        if n.reduction == "chain":
            stages = ceil_div(t.cols, t.chain_per_stage)
            return cls(t.read_latency, stages, front + stages, tile_beats)
        levels = (t.cols - 1).bit_length()
        return cls(t.read_latency, 1, front + ceil_div(levels, t.tree_levels_per_stage) + 1, tile_beats)


@dataclass(frozen=True, slots=True)
class Work:
    """What the sequencer does for a MAC or MERGE."""

    beats: list[list[int]]
    """x-port (merge: read-port) beats of every group and position; the last one of a position is its issue."""
    gap: int
    """Cycles without an issue that must lie between the instruction before and this one."""
    pause: int
    """The same between its groups."""
    records: int
    """Row-file records it loads."""
    tiled: bool
    """Whether every group needs a weight tile."""

    @classmethod
    def of(cls, instruction: Mac | Merge, number: int, hardware: Hardware) -> Work:
        """Unroll instruction number `number`."""
        recurrence = Shape.of(hardware).recurrence
        if isinstance(instruction, Merge):
            beats = [[1] * instruction.positions for _ in range(1, instruction.parts)]
            gap, records = recurrence, 0
        else:
            beats = x_beats(instruction, hardware)
            gap = recurrence - 1 if instruction.init == Init.KEEP else 0
            records = instruction.rows if instruction.load_params else 0
        at_least_one(min(len(beats), instruction.positions, instruction.rows), number)
        pause = max(0, recurrence - instruction.positions)
        return cls(beats, gap, pause, records, isinstance(instruction, Mac))


class Operand(NamedTuple):
    """One element of the K stream: its tap and the byte where it lies, relative to the window's first pixel."""

    ky: int
    kx: int
    byte: int


def x_beats(mac: Mac, hardware: Hardware) -> list[list[int]]:
    """x-port beats of every group and position of `mac`."""
    port, cols = hardware.timing.x_port_bytes, hardware.timing.cols
    end = mac.k_start + mac.k_count
    groups = [range(k, min(k + cols, end)) for k in range(mac.k_start, end, cols)]
    if not mac.private_x:
        return [[_shared(mac, group, port)] * mac.positions for group in groups]
    reuse = _reuses_columns(mac, cols)
    return [[_private(mac, group, port, latched=reuse and p > 0) for p in range(mac.positions)] for group in groups]


def _shared(mac: Mac, group: range, port: int) -> int:
    """Beats of one group: every run of neighbouring bytes is read from its own start."""
    size = 1 + mac.x_wide
    runs: list[int] = []
    before: Operand | None = None
    for operand in _operands(mac, group, size):
        if before is not None and _continues(mac, before, operand, size):
            runs[-1] += size
        else:
            runs.append(size)
        before = operand
    return sum(ceil_div(run, port) for run in runs)


def _operands(mac: Mac, group: range, size: int) -> Iterator[Operand]:
    total = mac.kh * mac.kw * mac.channels
    for j in group:
        tap, channel = divmod(total - 1 - j if mac.order == Order.REVERSED else j, mac.channels)
        ky, kx = divmod(tap, mac.kw)
        pixel = ky * mac.dil_y * mac.tile_w + kx * mac.dil_x
        yield Operand(ky, kx, pixel * mac.pixel_pitch + channel * size)


def _continues(mac: Mac, before: Operand, operand: Operand, size: int) -> bool:
    if before.ky != operand.ky:
        return False
    if mac.order == Order.REVERSED:
        return before.kx == operand.kx and operand.byte == before.byte - size
    return operand.byte == before.byte + size


def _private(mac: Mac, group: range, port: int, *, latched: bool) -> int:
    """Beats of one group of a depthwise position: all its channels, tap by tap.

    With `latched`, a tap is not read where the window one grid column to the left has already read its pixel.
    """
    channels = {(mac.row_base + n) // mac.depth_mult for n in range(mac.rows)}
    taps = [divmod(mac.kh * mac.kw - 1 - j if mac.order == Order.REVERSED else j, mac.kw) for j in group]
    seen = {(ky, kx - mac.stride_x) for ky, kx in taps} if latched else set()
    return sum(tap not in seen for tap in taps) * ceil_div(len(channels) * (1 + mac.x_wide), port)


def _reuses_columns(mac: Mac, cols: int) -> bool:
    """Whether a row keeps its operands between positions: one group holds the window, one grid row the block."""
    whole = mac.k_count == mac.kh * mac.kw <= cols
    return whole and mac.dil_x == 1 and mac.ox_start // mac.out_w == (mac.ox_start + mac.positions - 1) // mac.out_w
