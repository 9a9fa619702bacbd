"""Machine state for a chunk of samples, and how many samples make a chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.graph import LayerStats
from fxsim.kernels import (
    COLUMNS,
    GREATEST,
    KIND_MAC,
    LEAST,
    NO_SITE,
    SITE_FIELDS,
    TILE,
    Bank,
    Memory,
    Scratch,
    Tally,
    lanes_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.isa import Program

CHUNK_BYTES = 32 << 20
"""State of the samples that run together; more would only fall out of the caches."""

SLACK = 1024
"""Bytes behind every activation scratchpad that lane blocks may read; their weights are 0."""

_INT64 = np.iinfo(np.int64)


def new_stats(program: Program) -> NDArray[np.int64]:
    """Counters of all layers' channels side by side, int64 [7, channels], before anything has happened."""
    channels = sum(layer.channels for layer in program.layers)
    stats = np.zeros((7, channels), np.int64)
    stats[LEAST], stats[GREATEST] = _INT64.max, _INT64.min
    return stats


def layer_stats(program: Program, stats: NDArray[np.int64]) -> list[LayerStats]:
    """Split the counters layer by layer."""
    ends = np.cumsum([layer.channels for layer in program.layers]).tolist()
    return [
        LayerStats(*stats[:, end - layer.channels : end].copy())
        for layer, end in zip(program.layers, ends, strict=True)
    ]


def bank_shape(program: Program) -> tuple[int, int, int]:
    """(halves, slots, lanes) of the accumulator bank of one sample."""
    timing = program.hardware.timing
    return 2, timing.half_depth, lanes_of(timing.rows)


def sample_bytes(program: Program) -> int:
    """Bytes of state that each sample needs of its own."""
    bank = int(np.prod(bank_shape(program))) * (8 + 8 + 1)
    return program.hardware.timing.act_spad_bytes + program.dram_bytes - len(program.constants) + bank


def chunk_samples(program: Program, samples: int) -> int:
    """How many of `samples` run together, at least 1."""
    return min(samples, max(1, CHUNK_BYTES // sample_bytes(program)))


@dataclass(frozen=True, slots=True)
class State:
    """What the run kernels work on, in the order of their arguments."""

    array: NDArray[np.int64]
    memory: Memory
    bank: Bank
    tally: Tally


def new_state(program: Program, samples: int, stats: NDArray[np.int64]) -> State:
    """State of `samples` samples before the first instruction: zeros, but for the constants; counts go to `stats`."""
    timing = program.hardware.timing
    array = np.array([timing.rows, timing.cols, lanes_of(timing.rows)], np.int64)
    memory = Memory(
        act=np.zeros((samples, timing.act_spad_bytes + SLACK), np.uint8),
        dram=np.zeros((samples, program.dram_bytes - len(program.constants)), np.uint8),
        constants=np.frombuffer(program.constants, np.uint8).copy(),
        weight=np.zeros(timing.weight_spad_bytes, np.uint8),
        param=np.zeros(timing.param_spad_bytes, np.uint8),
    )
    return State(array, memory, _new_bank(program, samples), Tally(stats, np.full(SITE_FIELDS, NO_SITE, np.int64)))


def _new_bank(program: Program, samples: int) -> Bank:
    shape = (samples, *bank_shape(program))
    word = np.zeros((2, shape[-1]), np.int64)
    return Bank(
        register=np.zeros(shape, np.int64),
        exact=np.zeros(shape, np.int64),
        flags=np.zeros(shape, np.uint8),
        bias=np.zeros_like(word),
        word=word,
        real=word.view(np.float64),
    )


def new_scratch(program: Program, fields: NDArray[np.int64]) -> Scratch:
    """Work space that fits every MAC of `fields`."""
    lanes = lanes_of(program.hardware.timing.rows)
    macs = fields[fields[:, COLUMNS.index("kind")] == KIND_MAC]
    counts = macs[:, COLUMNS.index("k_count")]
    longest = int(counts.max(initial=1))
    positions = -(-int(macs[:, COLUMNS.index("positions")].max(initial=1)) // TILE) * TILE
    private = int(counts[macs[:, COLUMNS.index("private_x")] == 1].max(initial=1))
    weights = np.zeros((longest, lanes), np.int32)
    patches = np.zeros((positions, longest), np.int32)
    return Scratch(
        weights=weights,
        flat_weights=weights.reshape(-1),
        shared_x=np.zeros((1, longest), np.int32),
        private_x=np.zeros((private, lanes), np.int32),
        wide=np.zeros((6, lanes), np.int64),
        suspects=np.zeros(lanes, np.uint8),
        marks=np.zeros((1, lanes), np.uint8),
        block=np.zeros(positions * lanes, np.int32),
        patches=patches,
        flat_patches=patches.reshape(-1),
        extremes=np.zeros((2, lanes), np.int32),
        scales=np.zeros((5, lanes), np.int64),
        operands=np.zeros((3, lanes), np.int32),
    )
