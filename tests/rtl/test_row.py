"""The generated row: bits against plain integers through yosys, cells by width."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fxsim import Hardware
from fxsim._core.errors import MissingDependencyError
from fxsim.rtl import has_yosys, row_cells, row_verilog

needs_yosys = pytest.mark.skipif(not has_yosys(), reason="yosys is not installed")
VECTORS = 60
CASES: list[dict[str, Any]] = [
    {"acc_bits": 12},
    {"acc_bits": 18},
    {"acc_bits": 24},
    {"acc_bits": 9, "overflow": "wrap"},
    {"acc_bits": 20, "overflow": "wrap"},
    {"acc_bits": 10, "overflow": "readout", "acc_internal_bits": 17},
    {"acc_bits": 12, "zero_point": "subtract", "weight_bits": 4},
    {"acc_bits": 16, "reduction": "chain", "group_size": 1},
    {"acc_bits": 12, "reduction": "chain", "group_size": 1, "overflow": "wrap"},
]


def bits_of(values: list[int], width: int) -> str:
    return f"{width * len(values)}'b" + "".join(f"{v & ((1 << width) - 1):0{width}b}" for v in reversed(values))


def ranged(low: int, high: int, rng: random.Random) -> int:
    return rng.choice((low, high, rng.randint(low, high), rng.randint(-3, 3)))


def signed(bits: int) -> tuple[int, int]:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def rule(exact: int, bits: int, overflow: str) -> int:
    low, high = signed(bits)
    if overflow == "saturate":
        return min(max(exact, low), high)
    return (exact - low) % (1 << bits) + low


@needs_yosys
@pytest.mark.parametrize("fields", CASES)
def test_bits_are_those_of_plain_integers(fields: dict[str, Any], tmp_path: Path) -> None:
    cols = 5
    hw = Hardware(**{"cols": cols, **fields})
    n = hw.numerics
    x_bits = n.act_bits + (n.zero_point == "subtract")
    bits = n.acc_internal_bits if n.overflow == "readout" else n.acc_bits
    rng = random.Random(str(fields))
    expected, script = [], ["read_verilog row.v", "hierarchy -top pe_row_next", "proc", "flatten", "opt"]
    for _ in range(VECTORS):
        before = ranged(*signed(bits), rng)
        x = [ranged(*signed(x_bits), rng) for _ in range(cols)]
        w = [ranged(*signed(n.weight_bits), rng) for _ in range(cols)]
        products = [a * b for a, b in zip(x, w, strict=True)]
        register = before
        for added in products if n.reduction == "chain" else [sum(products)]:
            register = rule(register + added, bits, n.overflow)
        expected.append(register)
        given = ("from", bits_of([before], bits)), ("x", bits_of(x, x_bits)), ("w", bits_of(w, n.weight_bits))
        script.append("eval " + " ".join(f"-set {name} {value}" for name, value in given) + " -show next")
    (tmp_path / "row.v").write_text(row_verilog(hw))
    done = subprocess.run(["yosys", "-p", "; ".join(script)], cwd=tmp_path, capture_output=True, text=True, check=True)
    shown = re.findall(r"Eval result: \\next = \d+'([01]+)\.", done.stdout)
    found = [rule(int(text, 2), bits, "wrap") for text in shown]
    assert found == expected
    assert len(set(expected)) > 5


@needs_yosys
def test_a_bit_costs_cells_and_one_flip_flop() -> None:
    narrow, wide = row_cells(Hardware(cols=2), (20, 18))
    assert (narrow.acc_bits, narrow.flip_flops, wide.acc_bits, wide.flip_flops) == (18, 18, 20, 20)
    assert narrow.cells < wide.cells


def test_without_yosys_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match="yosys must be installed"):
        row_cells(Hardware(), (16,))
