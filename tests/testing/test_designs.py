"""Designs as the guide wires them: a kernel in C behind ctypes, and RTL under Icarus Verilog."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxsim
from fxsim import Hardware
from fxsim.numerics import SCHEMES
from fxsim.rtl import readmemh_text
from fxsim.testing import MismatchError, check_kernel

C = """
#include <stdint.h>
void requantize(const int64_t *acc, int n, int32_t m, int s, int zero, int lo, int hi, int32_t *out) {
    for (int i = 0; i < n; i++) {
        int32_t left = (int32_t)((uint32_t)acc[i] << (s > 0 ? s : 0));
        int64_t v = ((int64_t)left * m + ((int64_t)1 << 30)) >> 31;
        if (s < 0) v = (v + ((int64_t)1 << (-s - 1)) - (v < 0)) >> -s;
        v += zero;
        out[i] = v < lo ? lo : v > hi ? hi : v;
    }
}
"""
TESTBENCH = """
module tb;
  reg [19:0] memory [0:7];
  reg signed [19:0] acc;
  reg signed [31:0] multiplier;
  reg signed [7:0] shift;
  reg signed [16:0] zero, lo, hi;
  wire signed [16:0] code;
  integer n, i, file, unused;
  fxsim_requantize #(.SCHEME(@SCHEME@), .ACC_BITS(20), .MULTIPLIER_BITS(32)) dut (
    .acc(acc), .multiplier(multiplier), .shift(shift), .zero(zero), .lo(lo), .hi(hi), .code(code));
  initial begin
    unused = $value$plusargs("n=%d", n);
    unused = $value$plusargs("multiplier=%d", multiplier);
    unused = $value$plusargs("shift=%d", shift);
    unused = $value$plusargs("zero=%d", zero);
    unused = $value$plusargs("lo=%d", lo);
    unused = $value$plusargs("hi=%d", hi);
    $readmemh("acc.hex", memory, 0, n - 1);
    file = $fopen("codes.txt", "w");
    for (i = 0; i < n; i = i + 1) begin
      acc = memory[i];
      #1 $fdisplay(file, "%0d", code);
    end
    $fclose(file);
  end
endmodule
"""
RTL = Path(fxsim.__file__).parent / "rtl" / "sv" / "fxsim_requantize.sv"
NAMES = ("multiplier", "shift", "zero", "lo", "hi")


def compiled(folder: Path, source: str) -> Callable[..., Any]:
    (folder / "kernel.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", "kernel.so", "kernel.c"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "kernel.so"))

    def dut(acc: Any, *numbers: int) -> Any:
        out = np.empty(len(acc), np.int32)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (acc, out)]
        library.requantize(pointers[0], len(acc), *numbers, pointers[1])
        return out

    return dut


def simulated(folder: Path, scheme: int, source: str) -> Callable[..., Any]:
    (folder / "tb.v").write_text(TESTBENCH.replace("@SCHEME@", str(scheme)))
    (folder / "dut.sv").write_text(source)
    subprocess.run(["iverilog", "-g2012", "-o", "tb.vvp", "-s", "tb", "tb.v", "dut.sv"], cwd=folder, check=True)

    def dut(acc: Any, *numbers: int) -> Any:
        (folder / "acc.hex").write_text(readmemh_text(acc, 20))
        plusargs = [f"+n={len(acc)}", *(f"+{name}={number}" for name, number in zip(NAMES, numbers, strict=True))]
        subprocess.run(["vvp", "tb.vvp", *plusargs], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return [int(line) for line in (folder / "codes.txt").read_text().splitlines()]

    return dut


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_a_kernel_in_c(tmp_path: Path) -> None:
    assert check_kernel(compiled(tmp_path, C), "requantize", examples=200).cases == 200
    (tmp_path / "wrong").mkdir()
    half_up = compiled(tmp_path / "wrong", C.replace(" - (v < 0)", ""))
    with pytest.raises(MismatchError, match=r"codes\[0\] must be -\d+, not -?\d+ \(1 of 1 differ\)"):
        check_kernel(half_up, "requantize")


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
@pytest.mark.parametrize("scheme", ["TFL_DOUBLE", "RNDNU"])
def test_rtl_under_icarus(scheme: str, tmp_path: Path) -> None:
    hw = Hardware(acc_bits=20, requantizer=scheme)
    dut = simulated(tmp_path, int(SCHEMES[scheme].code), RTL.read_text())
    assert check_kernel(dut, "requantize", hw=hw, examples=20).cases == 20
