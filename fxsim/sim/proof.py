"""What a program's constants say before any sample runs: proved accumulators, legal requantization words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError, QuantizationError
from fxsim.kernels import COLUMNS, EXACT_BITS, KIND_MAC, KIND_MERGE, KIND_REQ, NARROW, NONE, Scratch, prove
from fxsim.numerics import Requant, SchemeCode, check_requant_width, scheme_of
from fxsim.sim.decode import field_matrix
from fxsim.sim.state import bank_shape, new_scratch, new_state, new_stats

if TYPE_CHECKING:
    from fxsim.isa import Program

Ints = NDArray[np.int64]

_KIND, _ROWS, _SCHEME, _ACC_BITS = (COLUMNS.index(name) for name in ("kind", "rows", "scheme", "acc_bits"))


def plain_instructions(program: Program, fields: Ints, work: Scratch) -> NDArray[np.bool_]:
    """Whether each instruction may run the plain way: bool [n], true for everything but MAC and MERGE.

    Parameters
    ----------
    program
        The program; weights, biases and requantization words are its constants.
    fields : int64 [n, len(COLUMNS)]
        Its fields, with the widths and overflow rules of this run.
    work
        Work space that fits every MAC.

    Raises
    ------
    ProgramError
        An exact sum could leave 63 bits, so that 64-bit arithmetic would not be exact; or a REQ reads a word, or has
        an accumulator width, that its scheme does not take.
    """
    verdicts, (_, words) = _prove(program, fields, work)
    _check_words(fields, words)
    _check_multipliers(program, fields, words)
    return np.asarray((verdicts == NARROW) | ~np.isin(fields[:, _KIND], (KIND_MAC, KIND_MERGE)))


def read_biases(program: Program) -> tuple[Ints, Ints]:
    """Biases in the row files of REQ instructions: of which instruction, and their values; raises as above."""
    fields = field_matrix(program)
    _, (biases, _) = _prove(program, fields, new_scratch(program, fields))
    return _readers(fields), biases


def _prove(program: Program, fields: Ints, work: Scratch) -> tuple[NDArray[np.uint8], Ints]:
    """Verdicts by instruction, biases and words by reader (`prove`)."""
    verdicts = np.zeros(len(fields), np.uint8)
    records = np.zeros((2, len(_readers(fields))), np.int64)
    halves, slots, lanes = bank_shape(program)
    reach = np.zeros((2, halves, slots, lanes), np.int64)
    diverged = np.zeros((halves, slots), np.uint8)
    start = new_state(program, 0, new_stats(program))
    rows = start.bank.bias, start.bank.word
    culprit = prove(fields, start.array, start.memory, *rows, work.weights, reach, diverged, verdicts, records)
    if culprit != NONE:
        raise ProgramError(f"every exact accumulator sum must fit {EXACT_BITS} bits", where=f"instruction {culprit}")
    return verdicts, records


def _readers(fields: Ints) -> Ints:
    """Index of every REQ, once for every row that it reads."""
    index = np.flatnonzero(fields[:, _KIND] == KIND_REQ)
    return np.repeat(index, fields[index, _ROWS])


def _check_multipliers(program: Program, fields: Ints, words: Ints) -> None:
    """Refuse words whose multipliers are wider than a REQ says, or that differ where it says that they do not."""
    reader = _readers(fields)
    cut, one = (program.columns.field(name)[reader] for name in ("multiplier_cut", "one_word"))
    schemes = [scheme_of(code) for code in SchemeCode]
    own = np.array([scheme.significand for scheme in schemes])[fields[reader, _SCHEME]]
    stored = np.array([scheme.max_multiplier.bit_length() for scheme in schemes])[fields[reader, _SCHEME]]
    multiplier = words & 0xFFFFFFFF
    missing = np.where(31 - cut < own, stored - (31 - cut), 0)
    wide = np.flatnonzero(multiplier & ((1 << missing) - 1))
    if wide.size:
        expected = f"requantization word must hold a multiplier of {32 - int(cut[wide[0]])} bits, left-aligned"
        raise ProgramError(expected, got=int(multiplier[wide[0]]), where=f"instruction {reader[wide[0]]}")
    again = np.flatnonzero((reader[1:] == reader[:-1]) & (one[1:] > 0) & (words[1:] != words[:-1]))
    if again.size:
        where = f"instruction {reader[again[0]]}"
        raise ProgramError("requantization words of all rows must be equal under one_word = 1", where=where)


def _check_words(fields: Ints, words: Ints) -> None:
    """Refuse words and widths that a REQ's scheme does not take."""
    reader = _readers(fields)
    requants = fields[fields[:, _KIND] == KIND_REQ]
    for code, bits in np.unique(requants[:, [_SCHEME, _ACC_BITS]], axis=0).tolist():
        concerned = (fields[reader, _SCHEME] == code) & (fields[reader, _ACC_BITS] == bits)
        try:
            check_requant_width(scheme_of(code), bits)
            Requant.from_words(words[concerned], scheme_of(code))
        except QuantizationError as error:
            where = f"REQ from instruction {reader[concerned][0]} on"
            raise ProgramError(f"requantization word {error}", where=where) from None
