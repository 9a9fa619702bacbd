"""A written machine is complete: it explains itself, builds, runs, and finds every bit that is not as it should be."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fxsim import Hardware, load, lower
from fxsim._core.errors import ProgramError
from fxsim.cli import main
from fxsim.hw import presets
from fxsim.isa import Program
from fxsim.rtl import example_program, machine_sources, rtl_project, run_files, write_rtl
from fxsim.rtl.machine import machine_number
from fxsim.rtl.verilated import verilator
from fxsim.sim import mac_trace, random_inputs
from tests.own import MODELS
from tests.rtl.configurations import MACHINES
from tests.rtl.tools import require_rtl

SMALL = Hardware(
    name="small", rows=3, cols=5, acc_depth=8, x_port_bytes=4, w_port_bytes=8, requant_lanes=2, acc_bits=14,
    overflow="saturate", inner_bits=12, inner_products=10,
)  # fmt: skip
LINTED = [Hardware.load(name) for name in presets() if not name.startswith("server")]  # minutes for 16,384 multipliers
LINTED += [hw for hw in MACHINES if hw.name in ("tree-one-column", "chain-wrap-16", "tree-trap-24", "chain-readout-12")]
LINTED += [hw for hw in MACHINES if hw.numerics.inner_bits]


class Plan(NamedTuple):
    """A bit to flip: file, column, its base, and what the testbench must say then."""

    file: str
    column: int
    base: int
    said: str


FLIPS = (
    Plan("acc.txt", 0, 10, "accumulator write"),
    Plan("acc.txt", 1, 10, "accumulator write to half"),
    Plan("acc.txt", 2, 10, "accumulator write to half"),
    Plan("acc.txt", 3, 16, "accumulators of half"),
    Plan("acc.txt", 4, 16, "overflow events are"),
    Plan("acc.txt", 5, 10, "accumulator writes, expected"),
    Plan("acc.txt", 6, 16, "inner accumulators are"),
    Plan("acc.txt", 7, 16, "their overflow events"),
    Plan("y.txt", 0, 10, "requantizer write"),
    Plan("y.txt", 1, 16, "codes go to"),
    Plan("y.txt", 2, 10, "lanes expected"),
    Plan("y.txt", 3, 16, "codes are"),
    Plan("dma_commits.txt", 0, 10, "commit of unit 0"),
    Plan("mac_commits.txt", 0, 10, "commit of unit 1"),
    Plan("req_commits.txt", 0, 10, "commit of unit 2"),
    Plan("trap.txt", 0, 10, "trap record is"),
    Plan("windows.txt", 4, 10, "compute cycles, expected"),
    Plan("windows.txt", 5, 16, "stall counter"),
)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(folder), *arguments, f"VERILATOR={verilator()}", "OPT_FAST=-O0", "OPT_GLOBAL=-O0"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def program() -> Program:
    return example_program(SMALL)


@pytest.fixture(scope="module")
def files(program: Program) -> dict[str, str]:
    return rtl_project(program, random_inputs(program, 0))


@pytest.fixture(scope="module")
def built(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it is written, and its program built by its own Makefile."""
    require_rtl()
    folder = tmp_path_factory.mktemp("project") / "small"
    write_rtl(files, folder)
    done = make(folder, "build/fxsim_tb")
    assert done.returncode == 0, done.stderr
    return folder


def expected_words(program: Program) -> str:
    """The line that counts, from the trace: nothing of it is from the vectors."""
    trace = mac_trace(program, random_inputs(program, 0))
    rows = np.array([program.instructions[i].rows for i in trace.issues.instruction.tolist()])
    cycles = int(trace.timeline.end.max()) + 1
    stores = trace.issues.stores
    inner = rows.sum() if program.hardware.numerics.inner_bits else 0  # the program has no MERGE
    values = int(rows[stores].sum() + inner)
    return (
        f"PASS: {cycles} cycles; {stores.sum()} accumulator writes of {values} values, {int(trace.beats.count.sum())}"
        f" codes and {len(program)} commits equal, each in its cycle; stalls of {len(program.layers)} windows equal"
    )


@pytest.mark.slow
def test_the_run_passes_and_counts_what_it_compared(built: Path, program: Program) -> None:
    done = make(built, "sim")
    assert done.returncode == 0, done.stdout
    assert expected_words(program) in done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("plan", FLIPS, ids=lambda plan: f"{plan.file}-{plan.column}")
def test_one_wrong_bit_ends_the_run(built: Path, tmp_path: Path, plan: Plan) -> None:
    vectors = tmp_path / "vectors"
    shutil.copytree(built / "vectors", vectors)
    lines = (vectors / plan.file).read_text().splitlines()
    middle = len(lines) // 2
    cells = lines[middle].split()
    cells[plan.column] = format(int(cells[plan.column], plan.base) ^ 1, "x" if plan.base == 16 else "d")
    lines[middle] = " ".join(cells)
    (vectors / plan.file).write_text("\n".join(lines) + "\n")
    done = make(built, "sim", f"VECTORS={vectors}")
    assert done.returncode != 0
    said = [line for line in done.stdout.splitlines() if "FAIL in cycle" in line]
    assert len(said) == 1
    assert plan.said in said[0]
    assert "PASS" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("file", ["acc.txt", "y.txt", "mac_commits.txt", "mac.hex"])
def test_vectors_that_end_early_end_the_run(built: Path, tmp_path: Path, file: str) -> None:
    vectors = tmp_path / "vectors"
    shutil.copytree(built / "vectors", vectors)
    lines = (vectors / file).read_text().splitlines()
    (vectors / file).write_text("".join(f"{line}\n" for line in lines[:-1]))
    done = make(built, "sim", f"VECTORS={vectors}")
    assert done.returncode != 0
    assert "PASS" not in done.stdout


@pytest.mark.slow
def test_vectors_of_another_machine_are_refused(built: Path, tmp_path: Path) -> None:
    other = example_program(SMALL.replace(acc_bits=15))
    for name, text in run_files(other, random_inputs(other, 0)).items():
        (tmp_path / name).write_text(text)
    done = make(built, "sim", f"VECTORS={tmp_path}")
    assert done.returncode != 0
    assert f"FAIL: {tmp_path} is of a machine with other parameters" in done.stdout.splitlines()


def test_machines_with_other_parameters_have_other_numbers() -> None:
    named = SMALL.replace(name="Übung")
    others = [SMALL.replace(**change) for change in ({"rows": 4}, {"overflow": "wrap"}, {"requantizer": "RNDNU"})]
    assert machine_number(named) == machine_number(SMALL)
    assert len({machine_number(hw) for hw in (SMALL, *others)}) == 4
    package = machine_sources(named)["fxsim_pkg.sv"]
    assert package.isascii()
    assert f"MACHINE = 64'h{machine_number(SMALL)};" in package


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
@pytest.mark.parametrize("inner_bits", [12, 0])
def test_icarus_runs_the_same_folder(inner_bits: int, tmp_path: Path) -> None:
    program = example_program(SMALL.replace(inner_bits=inner_bits))
    write_rtl(rtl_project(program, random_inputs(program, 0)), tmp_path / "m")
    done = make(tmp_path / "m", "icarus")
    assert done.returncode == 0, done.stdout
    assert expected_words(program) in done.stdout.splitlines()
    codes = tmp_path / "m" / "vectors" / "y.txt"
    text = codes.read_text()
    codes.write_text(f"{text[:-2]}{int(text[-2], 16) ^ 1:x}\n")
    done = make(tmp_path / "m", "icarus")
    assert done.returncode != 0
    assert "codes are" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("hw", LINTED, ids=lambda hw: hw.name)
def test_no_machine_has_a_warning(hw: Hardware, files: dict[str, str], tmp_path: Path) -> None:
    require_rtl()
    sources = {f"sv/{name}": text for name, text in machine_sources(hw).items()}
    write_rtl(files | sources, tmp_path / "m")
    done = make(tmp_path / "m", "lint")
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stdout + done.stderr


def test_the_folder_lists_and_explains_its_files(files: dict[str, str]) -> None:
    record = json.loads(files["project.json"])
    named = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items() if name != "project.json"}
    assert record["files"] == named | {"build": None}
    assert record["hardware"] == SMALL.to_dict()
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", files["README.md"], re.MULTILINE))
    for name, text in files.items():
        folder, _, base = name.rpartition("/")
        if folder == "sv":
            assert len(rows[name]) > 20
        if folder == "vectors":
            count, meaning = rows[base].split(" | ")
            assert int(count.replace(",", "")) == text.count("\n")
            assert len(meaning) > 20
    assert "small" in files["README.md"].splitlines()[0]


def test_sources_are_read_in_order(files: dict[str, str]) -> None:
    listed = re.search(r"^SOURCES := ((?:.*\\\n)*.*)$", files["Makefile"], re.MULTILINE)
    assert listed
    assert listed[1].replace("\\\n", "").split() == [f"sv/{name}" for name in machine_sources(SMALL)]


@pytest.mark.parametrize("hw", [Hardware.load(name) for name in presets()], ids=lambda hw: hw.name)
@pytest.mark.parametrize("overflow", ["saturate", "wrap", "trap", "readout"])
def test_the_example_fits_every_machine(hw: Hardware, overflow: str) -> None:
    for acc_bits in (8, 20, 32):
        for zero_point in ("fold", "subtract"):
            own = hw.replace(overflow=overflow, acc_bits=acc_bits, zero_point=zero_point)
            program = example_program(own)
            assert program.hardware == own
            assert [layer.op for layer in program.layers] == [
                "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "FULLY_CONNECTED",
            ]  # fmt: skip


def test_the_example_spreads_its_codes(program: Program) -> None:
    """Outputs of a machine that saturates nothing take many codes, few of them clamped."""
    wide = example_program(SMALL.replace(acc_bits=32, inner_bits=0))
    beats = mac_trace(wide, random_inputs(wide, 0)).beats
    codes = beats.codes[np.arange(beats.codes.shape[1]) < beats.count[:, None]]
    assert len(np.unique(codes)) > 100
    assert ((codes == -128) | (codes == 127)).mean() < 0.1


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["rtl", *map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    return shown.err


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "out"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("requantizer=FP32_RNE", "requantizer must be an integer scheme to become hardware"),
        ("requantizer=TFL_DOUBLE_FP", "requantizer must be an integer scheme to become hardware"),
        ("act_bits=4", "act_bits must be at least 8 for the example"),
    ],
)
def test_what_no_machine_has(out: Path, capsys: pytest.CaptureFixture[str], change: str, reason: str) -> None:
    assert reason in refused(capsys, "--set", change, "--out", out)


def test_schemes_that_are_not_built_are_refused_by_name() -> None:
    hw = Hardware.load("paper-4x4")
    floating = lower(load(MODELS / "digits_fc.tflite", profile="litert"), hw)
    expected = (
        r"\(layer 'dense1'\): scheme must be TFL_DOUBLE, which the machine is built with \(floating point is no part"
    )
    with pytest.raises(ProgramError, match=expected + r" of the unit\), not TFL_DOUBLE_FP"):
        run_files(floating, random_inputs(floating, 0))
    single = lower(load(MODELS / "digits_fc.tflite"), hw.replace(requantizer="TFL_SINGLE"))
    pinned = replace(single, hardware=hw)
    with pytest.raises(
        ProgramError, match=r"scheme must be TFL_DOUBLE, .* \(requantizer = profile stands for it\), not TFL_S"
    ):
        run_files(pinned, random_inputs(pinned, 0))
    wrapping = replace(single, hardware=single.hardware.replace(overflow="wrap"))
    with pytest.raises(ProgramError, match="overflow must be WRAP, which the machine is built with, not SATURATE"):
        run_files(wrapping, random_inputs(wrapping, 0))
