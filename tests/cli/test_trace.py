"""``fxsim trace``: files for viewers, of a model or of a program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import fxsim
from fxsim.api import random_samples
from fxsim.cli import main
from fxsim.sim import timeline
from fxsim.waves import save_perfetto, save_vcd

GEMM = ["--gemm", "1x16x16", "--hw", "paper-4x4"]


@pytest.fixture(scope="module")
def program() -> fxsim.Program:
    return fxsim.lower(fxsim.gemm(1, 16, 16), "paper-4x4")


def test_a_model_is_lowered_and_both_files_are_written(
    program: fxsim.Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waves, line = tmp_path / "new" / "a.vcd", tmp_path / "b.json"
    assert main(["trace", *GEMM, "--random", "3", "--vcd", str(waves), "--perfetto", str(line)]) == 0
    cycles = timeline(program).cycles
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: {cycles:,} cycles, {path.stat().st_size:,} bytes" for path in (waves, line)
    ]
    save_vcd(program, tmp_path / "c.vcd", random_samples(fxsim.gemm(1, 16, 16), 3))
    save_perfetto(program, tmp_path / "c.json")
    assert waves.read_bytes() == (tmp_path / "c.vcd").read_bytes()
    assert line.read_bytes() == (tmp_path / "c.json").read_bytes()


def test_programs_need_no_hardware_and_one_layer_is_enough(
    program: fxsim.Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, line = tmp_path / "p.fxp", tmp_path / "b.json"
    program.save(source)
    assert main(["trace", str(source), "--layer", "gemm", "--perfetto", str(line)]) == 0
    assert re.fullmatch(rf"{line}: [\d,]+ cycles, [\d,]+ bytes\n", capsys.readouterr().out)
    assert json.loads(line.read_text())["otherData"]["program"] == program.name


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "trace must be given --vcd FILE, --perfetto FILE, or both"),
        (["--vcd", "a.vcd"], "--input or --random must be given for --vcd of a program with inputs"),
        (["--vcd", "a", "--perfetto", "./a", "--random", "1"], "--vcd and --perfetto must name two files, not 'a'"),
        (["--perfetto", "deep/b.json", "--layer", "7"], "layer must be one of: gemm, or a number in 0..0, not 7"),
        (["--perfetto", "b.json", "--random", "1"], "--input or --random have no influence on the trace"),
        (["--perfetto", "b.json", "--layer", "conv"], "layer must be one of: gemm, or a number in 0..0, not 'conv'"),
        (
            ["--vcd", "a.vcd", "--random", "1", "--layer", "conv"],
            "layer must be one of: gemm, or a number in 0..0, not 'conv'",
        ),
    ],
)
def test_what_makes_no_trace_is_refused(
    options: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["trace", *GEMM, *options]) == 2
    assert complaint in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
