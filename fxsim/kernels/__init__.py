"""Entry kernels of the tile instructions; each has one specialisation, and a network compiles only those it uses.

`run_plain` and `run_checked` walk runs of DMA and MAC-engine instructions, `prove` decides between them, and every
vector instruction has its own. `observe` counts zero and toggling operands where somebody asks for them.
"""

from fxsim.kernels.activity import ACTIVITY, Latches, observe
from fxsim.kernels.columns import COLUMNS, KIND_LOAD, KIND_MAC, KIND_MERGE, KIND_REQ, KIND_STORE
from fxsim.kernels.intrinsics import LANES, TILE
from fxsim.kernels.lut import LUT_COLUMNS, run_lut
from fxsim.kernels.moves import COPY_COLUMNS, FILL_COLUMNS, run_copy, run_fill
from fxsim.kernels.pool import POOL_COLUMNS, run_pool
from fxsim.kernels.proof import EXACT_BITS, NARROW, NONE, OPEN, PROVED, prove
from fxsim.kernels.reduce import REDUCE_COLUMNS, run_reduce
from fxsim.kernels.run import run_checked, run_plain
from fxsim.kernels.softmax import SOFTMAX_COLUMNS, run_softmax
from fxsim.kernels.state import (
    EVENTS,
    GREATEST,
    LEAST,
    NO_SITE,
    SITE_FIELDS,
    WRAPS,
    Bank,
    Memory,
    Scratch,
    Tally,
    lanes_of,
)
from fxsim.kernels.vadd import VADD_COLUMNS, run_vadd
from fxsim.kernels.vmul import VMUL_COLUMNS, run_vmul
from fxsim.kernels.vreq import VREQ_COLUMNS, run_vreq
from fxsim.kernels.widths import sweep_widths
from fxsim.kernels.widths_state import EXACT_LIMIT, SweepCounts, SweepLayer, sweep_geometry

__all__ = [
    "ACTIVITY",
    "COLUMNS",
    "COPY_COLUMNS",
    "EVENTS",
    "EXACT_BITS",
    "EXACT_LIMIT",
    "FILL_COLUMNS",
    "GREATEST",
    "KIND_LOAD",
    "KIND_MAC",
    "KIND_MERGE",
    "KIND_REQ",
    "KIND_STORE",
    "LANES",
    "LEAST",
    "LUT_COLUMNS",
    "NARROW",
    "NONE",
    "NO_SITE",
    "OPEN",
    "POOL_COLUMNS",
    "PROVED",
    "REDUCE_COLUMNS",
    "SITE_FIELDS",
    "SOFTMAX_COLUMNS",
    "TILE",
    "VADD_COLUMNS",
    "VMUL_COLUMNS",
    "VREQ_COLUMNS",
    "WRAPS",
    "Bank",
    "Latches",
    "Memory",
    "Scratch",
    "SweepCounts",
    "SweepLayer",
    "Tally",
    "lanes_of",
    "observe",
    "prove",
    "run_checked",
    "run_copy",
    "run_fill",
    "run_lut",
    "run_plain",
    "run_pool",
    "run_reduce",
    "run_softmax",
    "run_vadd",
    "run_vmul",
    "run_vreq",
    "sweep_geometry",
    "sweep_widths",
]
