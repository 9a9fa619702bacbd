"""What the operands of a MAC do to its multipliers: zeros, and bits that toggle in the operand latches.

Every PE (row n, column c) has a latch for each of its multiplier's operands; all are 0 before a sample's first
instruction. In an issue -- group g, position p -- the active PEs are the rows n < rows and the columns c whose stream
position k_start + g * cols + c lies in the K interval. Each is offered x and w as they enter the PE: codes, less
their zero points where those are subtracted. A product with a zero operand is gated: its multiplier rests, and both
latches hold their values. Otherwise both latches take the operands; the bits of the latches that change are toggles,
in two's complement at the operands' widths: act_bits (+ 1 if x_zero is subtracted), weight_bits (+ 1 if w_zero is not
0). PEs past `rows` or past the interval are clock-gated: they hold, too. Issues run in the machine's order, MACs in
file order, groups ascending, positions ascending, so latches carry over from group to group and from MAC to MAC.

One PE's history does not depend on another's, so PEs may be walked in any order. With shared x, all rows whose weight
is not 0 hold the same x from the first issue of a group that is not gated to the group's end, and the weight stays:
only that first issue is a matter of single PEs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.operands import fill, gather_private, gather_shared, rows_alike, unpack_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.kernels.state import Memory, Scratch

    Ints = NDArray[np.int64]
    Words = NDArray[np.int32]

ACTIVITY = ("x_zero", "w_zero", "gated", "x_toggles", "w_toggles")
"""Columns of the counts: products with x = 0, with w = 0, with either; bits toggled in the latches of x and of w."""

X_ZERO, W_ZERO, GATED, X_TOGGLES, W_TOGGLES = range(len(ACTIVITY))


class Latches(NamedTuple):
    """The operands that the PEs hold."""

    x: NDArray[np.int32]
    """[S, cols, L]."""
    w: NDArray[np.int32]
    """[S, cols, L]."""


@inner_kernel
def ones(value: int) -> int:
    """How many bits of `value`, 0 .. 2**32 - 1, are set."""
    pairs = value - ((value >> 1) & 0x55555555)
    fours = (pairs & 0x33333333) + ((pairs >> 2) & 0x33333333)
    eights = (fours + (fours >> 4)) & 0x0F0F0F0F
    halves = eights + (eights >> 8)
    return (halves + (halves >> 16)) & 0x3F


@inner_kernel
def latch(held: Words, place: int, operands: Words, at: int, live: Words, rows: int, mask: int) -> int:
    """Latch operands[at] into held[place] where `live`; the toggled bits inside `mask`."""
    into, new, toggles = held[place], operands[at], 0
    for n in range(rows):
        changed = (np.int64(into[n]) ^ np.int64(new[n])) & -np.int64(live[n])
        toggles += ones(int(changed & mask))
        into[n] = np.int64(into[n]) ^ changed
    return toggles


@inner_kernel
def mark(weights: Words, k: int, rows: int, live: Words) -> int:
    """Mark the rows whose weight at stream position k is not 0; how many they are."""
    own, count = weights[k], 0
    for n in range(rows):
        live[n] = own[n] != 0
        count += live[n]
    return count


@inner_kernel
def see_column(
    patches: Words, weights: Words, k: int, place: int, positions: int, rows: int, held_x: Words, held_w: Words,
    lanes: Words, masks: Ints, out: Ints,
) -> None:  # fmt: skip
    """Shared x: all positions of one stream position."""
    live, same = lanes[0], lanes[1:]
    alive, idle, toggles, last = mark(weights, k, rows, live), 0, 0, np.int64(0)
    for p in range(positions):
        x = np.int64(patches[p, k])
        if x == 0:
            idle += 1
        elif last == 0:
            fill(same, 0, 0, rows, x)
            out[X_TOGGLES] += latch(held_x, place, same, 0, live, rows, masks[0])
            out[W_TOGGLES] += latch(held_w, place, weights, k, live, rows, masks[1])
            last = x
        else:
            toggles += ones((last ^ x) & masks[0])
            last = x
    if last != 0:
        fill(same, 0, 0, rows, last)
        latch(held_x, place, same, 0, live, rows, 0)
    out[X_ZERO] += idle * rows
    out[W_ZERO] += positions * (rows - alive)
    out[GATED] += idle * alive + positions * (rows - alive)
    out[X_TOGGLES] += toggles * alive


@inner_kernel
def see_shared(
    f: Ints, cols: int, act: NDArray[np.uint8], work: Scratch, held_x: Words, held_w: Words, lanes: Words,
    masks: Ints, out: Ints,
) -> None:  # fmt: skip
    """One MAC with shared x for one sample."""
    for p in range(f[c.POSITIONS]):
        gather_shared(f, act, p, work.patches, p)
    for k in range(f[c.K_COUNT]):
        place, positions, rows = k % cols, f[c.POSITIONS], f[c.ROWS]
        see_column(work.patches, work.weights, k, place, positions, rows, held_x, held_w, lanes, masks, out)


@inner_kernel
def mark_private(x: Words, at: int, weights: Words, k: int, rows: int, live: Words, out: Ints) -> None:
    """Mark the rows with two operands other than 0; count the others."""
    one, other, no_x, no_w, alive = x[at], weights[k], 0, 0, 0
    for n in range(rows):
        no_x += one[n] == 0
        no_w += other[n] == 0
        live[n] = (one[n] != 0) & (other[n] != 0)
        alive += live[n]
    out[X_ZERO] += no_x
    out[W_ZERO] += no_w
    out[GATED] += rows - alive


@inner_kernel
def see_private(
    group: Ints, first: int, act: NDArray[np.uint8], work: Scratch, held_x: Words, held_w: Words, lanes: Words,
    masks: Ints, out: Ints,
) -> None:  # fmt: skip
    """One group of a MAC with private x for one sample; `group` is the MAC cut down to it, `first` where it starts."""
    rows, live, x, weights = group[c.ROWS], lanes[0], work.private_x, work.weights
    for p in range(group[c.POSITIONS]):
        gather_private(group, act, p, x)
        for i in range(group[c.K_COUNT]):
            mark_private(x, i, weights, first + i, rows, live, out)
            out[X_TOGGLES] += latch(held_x, i, x, i, live, rows, masks[0])
            out[W_TOGGLES] += latch(held_w, i, weights, first + i, live, rows, masks[1])


@inner_kernel
def operand_masks(f: Ints, widths: Ints, masks: Ints) -> None:
    """Fill `masks` with the bits that the operands have."""
    masks[0] = (1 << (widths[0] + (f[c.ZERO_POINT] == c.SUBTRACT))) - 1
    masks[1] = (1 << (widths[1] + (f[c.W_ZERO] != 0))) - 1


@entry_kernel
def observe(
    fields: NDArray[np.int64], array: NDArray[np.int64], widths: NDArray[np.int64], memory: Memory, latches: Latches,
    work: Scratch, counts: NDArray[np.int64],
) -> None:  # fmt: skip
    """Count what the operands of MACs do, summed over samples, before the MACs run.

    Parameters
    ----------
    fields : int64 [n, len(COLUMNS)]
        Instructions; none of those before the last MAC writes a scratchpad. Only MACs count.
    array : int64 [3]
        Array rows and columns, and `lanes_of` (rows).
    widths : int64 [2]
        Bits of activations and of weights.
    memory
        Memories of S samples.
    latches
        The operands that PEs hold, changed in place.
    work
        Work space that fits every MAC.
    counts : int64 [n, len(ACTIVITY)]
        Added to.
    """
    cols = array[1]
    masks = np.zeros(2, np.int64)
    lanes = np.zeros((2, array[2]), np.int32)
    for i in range(fields.shape[0]):
        f = fields[i]
        if f[c.KIND] != c.KIND_MAC:
            continue
        group, alike = f.copy(), rows_alike(f)
        operand_masks(f, widths, masks)
        unpack_weights(f, memory.weight, array[0], work.weights)
        for s in range(memory.act.shape[0]):
            act, held_x, held_w = memory.act[s], latches.x[s], latches.w[s]
            if alike:
                see_shared(f, cols, act, work, held_x, held_w, lanes, masks, counts[i])
                continue
            for first in range(0, f[c.K_COUNT], cols):
                group[c.K_START], group[c.K_COUNT] = f[c.K_START] + first, min(cols, f[c.K_COUNT] - first)
                see_private(group, first, act, work, held_x, held_w, lanes, masks, counts[i])
