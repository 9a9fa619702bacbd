"""Small programs for the timing tests, and a naive account of their beats."""

from __future__ import annotations

from typing import Any

import numpy as np

from fxsim.hw import Hardware
from fxsim.isa import Instruction, Layer, Load, Mac, Merge, Order, Program, Req, Semaphore, Store, encode
from fxsim.numerics import Reduction

# Tw = 4 * 4 * 8 bits / 64 bits = 2, R = 1, Ld = 1 + 1 + ceil(2 levels / 2) + 1 = 4, Lq = 2; 8 bus cycles per block.
TREE = Hardware(
    rows=4,
    cols=4,
    x_port_bytes=4,
    w_port_bytes=8,
    acc_depth=32,
    requant_lanes=2,
    vector_lanes=4,
    dram_bytes_per_cycle=8,
    dram_latency=10,
    dram_outstanding=2,
    read_latency=1,
    mul_latency=1,
    tree_levels_per_stage=2,
    requant_latency=2,
)
# Tw = 1, R = 4 / 2 = 2, Ld = 1 + 1 + 2 = 4.
CHAIN = TREE.replace(reduction="chain", chain_per_stage=2, w_port_bytes=16)


def bits(*semaphores: Semaphore) -> int:
    """Mask of semaphores."""
    return sum(1 << s for s in semaphores)


def mac(**fields: Any) -> Mac:
    """A 1x1 MAC over 16 dense channels at one position for 4 rows, on TREE."""
    base = {
        "rows": 4,
        "positions": 1,
        "k_count": 16,
        "channels": 16,
        "pixel_pitch": 16,
        "kh": 1,
        "kw": 1,
        "tile_h": 8,
        "tile_w": 8,
        "out_w": 8,
        "stride_x": 1,
        "stride_y": 1,
        "dil_x": 1,
        "dil_y": 1,
        "depth_mult": 1,
        "acc_bits": 32,
        "internal_bits": 48,
    }
    return Mac(**(base | fields))


def chained(**fields: Any) -> Mac:
    """The same on CHAIN."""
    return mac(reduction=Reduction.CHAIN, **fields)


def merge(**fields: Any) -> Merge:
    """A MERGE of two parts."""
    return Merge(**({"rows": 4, "positions": 1, "parts": 2, "acc_bits": 32, "internal_bits": 48} | fields))


def req(**fields: Any) -> Req:
    """A REQ of 4 rows at one position."""
    return Req(**({"rows": 4, "positions": 1, "acc_bits": 32, "out_w": 8} | fields))


def load(size: int = 64, **fields: Any) -> Load:
    """A LOAD of one row of `size` bytes."""
    return Load(**({"rows": 1, "row_bytes": size, "spad_stride": size} | fields))


def store(size: int = 64, **fields: Any) -> Store:
    """A STORE of one row of `size` bytes."""
    return Store(**({"rows": 1, "row_bytes": size, "dram_stride": size} | fields))


def program(*instructions: Instruction, hardware: Hardware = TREE, layer_of: list[int] | None = None) -> Program:
    """A program of the given instructions; one layer unless `layer_of` says otherwise."""
    of = np.array([0] * len(instructions) if layer_of is None else layer_of, np.int32)
    layers = tuple(Layer(f"layer{k}", "TEST", 0, (), (), (), 4096) for k in range(1 + int(of.max(initial=0))))
    copies = [i for i in instructions if isinstance(i, Load | Store)]
    used = [i.dram_addr + (i.rows - 1) * i.dram_stride + i.row_bytes for i in copies]
    return Program("test", "tflite", hardware, encode(instructions), b"", max(used, default=0), (), layers, of, True)


def position_beats(instruction: Mac, group: int, position: int, hardware: Hardware) -> int:
    """f(g, p), from the addresses one by one."""
    t, size = hardware.timing, 1 + instruction.x_wide
    first = instruction.k_start + group * t.cols
    stream = range(first, min(first + t.cols, instruction.k_start + instruction.k_count))
    if instruction.private_x:
        return _private_beats(instruction, len(stream), position, hardware)
    runs: list[int] = []
    previous: tuple[int, ...] = ()
    for j in stream:
        place = _run_of(instruction, j, size)
        runs = [*runs[:-1], runs[-1] + size] if place == previous else [*runs, size]
        previous = place
    return sum(-(-run // t.x_port_bytes) for run in runs)


def _run_of(instruction: Mac, j: int, size: int) -> tuple[int, ...]:
    total = instruction.kh * instruction.kw * instruction.channels
    k = j if instruction.order == Order.CANONICAL else total - 1 - j
    tap = k // instruction.channels
    ky, kx = divmod(tap, instruction.kw)
    dense = instruction.pixel_pitch == instruction.channels * size and instruction.dil_x == 1
    return (ky,) if dense and instruction.order == Order.CANONICAL else (ky, kx)


def _private_beats(instruction: Mac, taps: int, position: int, hardware: Hardware) -> int:
    channels = {(instruction.row_base + n) // instruction.depth_mult for n in range(instruction.rows)}
    per_tap = -(-len(channels) * (1 + instruction.x_wide) // hardware.timing.x_port_bytes)
    rows = {(instruction.ox_start + p) // instruction.out_w for p in range(instruction.positions)}
    window = instruction.kh * instruction.kw
    reuse = instruction.k_count == window <= hardware.timing.cols and instruction.dil_x == 1 and len(rows) == 1
    if position and reuse:
        return instruction.kh * min(instruction.stride_x, instruction.kw) * per_tap
    return taps * per_tap


def group_starts(instruction: Mac | Merge, hardware: Hardware) -> list[tuple[int, int]]:
    """(s_g - s_0, F_g) of every group."""
    t = hardware.timing
    distance = 1 if hardware.numerics.reduction == "tree" else -(-t.cols // t.chain_per_stage)
    tile = -(-t.rows * t.cols * hardware.numerics.weight_bits // (8 * t.w_port_bytes))
    if isinstance(instruction, Merge):
        step = max(instruction.positions, distance)
        return [(i * step, instruction.positions) for i in range(instruction.parts - 1)]
    groups, start = [], 0
    for g in range(-(-instruction.k_count // t.cols)):
        beats = sum(position_beats(instruction, g, p, hardware) for p in range(instruction.positions))
        groups.append((start, beats))
        start += max(beats + max(0, distance - instruction.positions), tile)
    return groups
