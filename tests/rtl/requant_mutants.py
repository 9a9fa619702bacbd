"""Faults planted in fxsim_requantize.sv, one each, and a requantizer whose cases must show it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.rtl.instances import SV
from tests.rtl.requant_cases import Config

SOURCE = SV / "fxsim_requantize.sv"
_UNUSED = ("UNUSEDSIGNAL", "UNUSEDPARAM")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A text of the source, which stands there once, and what replaces it."""

    config: Config
    text: str
    replacement: str

    def source(self, module: str) -> str:
        """The module under another name; what a fault leaves unused is no finding."""
        source = SOURCE.read_text(encoding="utf-8")
        assert source.count(self.text) == 1, self.text
        changed = source.replace(self.text, self.replacement).replace("module fxsim_requantize", f"module {module}")
        off = "".join(f"/* verilator lint_off {name} */\n" for name in _UNUSED)
        return off + changed + off.replace("lint_off", "lint_on")


MUTANTS = (
    Mutant(Config("TFL_SINGLE", 32, 32), "dropped > limit", "dropped >= limit"),
    Mutant(Config("TFL_DOUBLE", 32, 32), "nearest(value, right, value[P-1])", "nearest(value, right, 1'b0)"),
    Mutant(Config("RHAWAY_SHIFT", 18, 16), "nearest(value, right, value[P-1])", "nearest(value, right, !value[P-1])"),
    Mutant(Config("REVEN_SHIFT", 62, 32), "nearest(value, right, !odd)", "nearest(value, right, odd)"),
    Mutant(Config("TFL_DOUBLE_UP", 32, 32), "nearest(value, right, 1'b0)", "nearest(value, right, 1'b1)"),
    Mutant(Config("RNDNU", 48, 24), "whole   = value >>> right", "whole   = value >> right"),
    Mutant(Config("TFL_DOUBLE_UP", 48, 32), "ties_up(product, 6'd31)", "(product >>> 31)"),
    Mutant(Config("TFL_DOUBLE", 48, 32), "W'(acc) <<< left", "(W'(acc) <<< left) | W'(acc)"),
    Mutant(Config("TFL_DOUBLE_UP", 18, 16), "6'(-shift)", "6'(~shift)"),
    Mutant(Config("TFL_DOUBLE", 33, 24), "shift[4:0];", "{1'b0, shift[3:0]};"),
    Mutant(Config("FLOOR", 32, 32), "8'sd31 - shift", "8'sd30 - shift"),
    Mutant(Config("FLOOR", 48, 32), "scaled = product >>> right", "scaled = ties_up(product, right)"),
    Mutant(Config("RNDNU", 18, 16), "<<< (OWN - M)", "<<< (OWN - M - 1)"),
    Mutant(Config("MBQM64", 32, 32), "multiplier >= 32'sh7FFF_0000", "multiplier >= 32'sh7FFF_FFFF"),
    Mutant(Config("MBQM64", 48, 32), "multiplier + 32'sh8000", "multiplier + 32'sh7FFF"),
    Mutant(Config("MBQM64", 32, 32), "(rounded <<< (P - W)) >>> (P - W)", "rounded"),
    Mutant(Config("RHAWAY_SHIFT", 48, 32), "multiplier[15-:M]", "{1'b0, multiplier[14-:M-1]}"),
    Mutant(Config("TFL_SINGLE", 4, 24), "moved < (P+1)'(lo)", "moved < (P+1)'(lo) - (P+1)'(2'sd1)"),
    Mutant(Config("REVEN_SHIFT", 32, 32), "moved > (P+1)'(hi)", "moved[16:0] > hi"),
    Mutant(Config("RNDNU", 32, 2), "(P+1)'(scaled) + (P+1)'(zero)", "(P+1)'(17'(scaled) + zero)"),
)
