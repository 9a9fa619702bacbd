"""``fxsim rtl`` as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fxsim
from fxsim.cli import main
from fxsim.rtl import example_program, rtl_project, write_rtl
from fxsim.sim import random_inputs
from tests.own import MODELS

FC = str(MODELS / "digits_fc.tflite")


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def written(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[str]:
    assert main(["rtl", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["rtl", *map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    return shown.err


def test_a_machine_with_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hw = fxsim.Hardware.load("paper-4x4").replace(acc_bits=20)
    shown = written(capsys, "--hw", "paper-4x4", "--set", "acc_bits=20", "--out", tmp_path / "my m")
    program = example_program(hw)
    expected = rtl_project(program, random_inputs(program, 0))
    assert contents(tmp_path / "my m") == expected
    sources = [text for name, text in expected.items() if name.endswith(".sv")]
    writes, beats = (expected[f"vectors/{name}"].count("\n") for name in ("acc.txt", "y.txt"))
    assert shown == [
        "Machine 'paper-4x4': 4 x 4, tree, 20-bit accumulators, saturate, TFL_DOUBLE",
        f"SystemVerilog: {len(sources)} files, {''.join(sources).count(chr(10)):,} lines",
        f"Program 'example': {len(program):,} instructions, {writes:,} issues and {beats:,} requantizer"
        " writes to compare",
        f"Run it: make -C '{tmp_path}/my m' sim",
    ]


def test_models_and_their_programs_give_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = fxsim.lower(fxsim.load(FC), fxsim.Hardware.load("paper-4x4"))
    program.save(tmp_path / "net.fxp")
    written(capsys, FC, "--hw", "paper-4x4", "--random", "3", "--out", tmp_path / "a")
    written(capsys, tmp_path / "net.fxp", "--random", "3", "--out", tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == rtl_project(program, random_inputs(program, 3))
    written(capsys, tmp_path / "net.fxp", "--out", tmp_path / "b")
    assert contents(tmp_path / "b") == rtl_project(program, random_inputs(program, 0))


def test_folders_are_replaced_with_what_was_built_in_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "m"
    written(capsys, "--hw", "paper-4x4", "--out", folder)
    before = contents(folder)
    (folder / "build" / "deep").mkdir(parents=True)
    (folder / "build" / "deep" / "object.o").write_text("")
    written(capsys, "--hw", "paper-4x4", "--out", folder)
    assert contents(folder) == before
    (folder / "sv" / "mine.sv").write_text("")
    message = refused(capsys, "no_such_model.tflite", "--out", folder)
    assert "folder must be empty or hold only what its project.json lists, not ['sv/mine.sv']" in message
    assert contents(folder) == before | {"sv/mine.sv": ""}


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, program = tmp_path / "m", tmp_path / "net.fxp"
    fxsim.lower(FC).save(program)
    assert "a program pins what --hw would say" in refused(capsys, program, "--hw", "paper-4x4", "--out", out)
    message = refused(capsys, "--profile", "litert", "--out", out)
    assert "--profile has no influence without a model, not 'litert'" in message
    assert "integer scheme" in refused(capsys, FC, "--set", "requantizer=FP32_RNE", "--out", out)
    assert not out.exists()
    write_rtl(rtl_project(fxsim.lower(FC), random_inputs(fxsim.lower(FC), 0)), out)
    with pytest.raises(SystemExit):
        main(["rtl", FC, "--gemm", "1x2x3", "--out", str(out)])
