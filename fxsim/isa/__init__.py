"""Instructions, codec, assembler and programs of the MAC unit."""

from fxsim.isa.assembler import disassemble, instruction_text
from fxsim.isa.base import INSTRUCTIONS, Engine, Instruction, Semaphore, Space, Unit
from fxsim.isa.beats import (
    MacArray,
    SumBeats,
    SumShape,
    array_of,
    beats_of,
    issue_offsets,
    mac_shapes,
    merge_shapes,
    position_beats,
)
from fxsim.isa.bursts import bursts
from fxsim.isa.codec import decode, encode
from fxsim.isa.columns import Columns, Table, decode_columns, with_tokens
from fxsim.isa.fields import WORD_BYTES, Field
from fxsim.isa.footprints import DRAM, Interval, Memory, reads, regions, writes
from fxsim.isa.image import ITEM_BYTES, Layer, Symbol
from fxsim.isa.manual import manual, operations
from fxsim.isa.modes import Init, InnerOverflow, Order, PoolKind, ZeroPoint
from fxsim.isa.program import Program, assemble
from fxsim.isa.set.copy import Copy
from fxsim.isa.set.fill import Fill
from fxsim.isa.set.load import Load
from fxsim.isa.set.lut import Lut
from fxsim.isa.set.mac import RECORD_BYTES, Mac, inner_fields
from fxsim.isa.set.merge import Merge
from fxsim.isa.set.pool import Pool
from fxsim.isa.set.reduce import Reduce
from fxsim.isa.set.req import Req
from fxsim.isa.set.softmax import Softmax
from fxsim.isa.set.store import Store
from fxsim.isa.set.vadd import VAdd
from fxsim.isa.set.vmul import VMul
from fxsim.isa.set.vreq import VReq

__all__ = [
    "DRAM",
    "INSTRUCTIONS",
    "ITEM_BYTES",
    "RECORD_BYTES",
    "WORD_BYTES",
    "Columns",
    "Copy",
    "Engine",
    "Field",
    "Fill",
    "Init",
    "InnerOverflow",
    "Instruction",
    "Interval",
    "Layer",
    "Load",
    "Lut",
    "Mac",
    "MacArray",
    "Memory",
    "Merge",
    "Order",
    "Pool",
    "PoolKind",
    "Program",
    "Reduce",
    "Req",
    "Semaphore",
    "Softmax",
    "Space",
    "Store",
    "SumBeats",
    "SumShape",
    "Symbol",
    "Table",
    "Unit",
    "VAdd",
    "VMul",
    "VReq",
    "ZeroPoint",
    "array_of",
    "assemble",
    "beats_of",
    "bursts",
    "decode",
    "decode_columns",
    "disassemble",
    "encode",
    "inner_fields",
    "instruction_text",
    "issue_offsets",
    "mac_shapes",
    "manual",
    "merge_shapes",
    "operations",
    "position_beats",
    "reads",
    "regions",
    "with_tokens",
    "writes",
]
