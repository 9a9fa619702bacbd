"""The command line as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import fxsim
from fxsim.cli import VERBS, main

MODELS = Path(__file__).resolve().parents[2] / "models" / "digits"
FC = str(MODELS / "digits_fc.tflite")
IMAGES = str(MODELS / "x_eval_flat.npy")
LABELS = str(MODELS / "y_eval.npy")


@pytest.mark.slow
def test_run_prints_accuracy_golden_tables_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", FC, "--hw", "edge-16x16", "--input", IMAGES, "--labels", LABELS]) == 0
    out = capsys.readouterr().out
    for words in (
        "accuracy      94.20 % (471 of 500)",
        "0 of 90,000 elements differ in 5 tensors",
        "dense1",
        "FULLY_CONNECTED",
        "MACs          6,464 per sample",
        "TOPS/W",
        "derived prices",
        "bits needed",
        "DRAM B",
        "scratchpad B",
    ):
        assert words in out, words


def test_random_samples_and_hardware_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", FC, "--random", "3", "--samples", "2", "--set", "acc_bits=14", "--set", "overflow=wrap",
                 "--set", "bias_policy=apply", "--profile", "litert"]) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "14-bit accumulators, wrap" in out
    assert re.search(r"golden, numerics of edge-16x16: 0 of \d+ elements differ", out)
    assert not re.search(r"golden, runtime profile litert: 0 of", out), "14 bits are too few: the runtime must differ"


@pytest.mark.slow
def test_json_on_stdout_and_saved_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "result.npz"
    assert main(["run", FC, "--input", IMAGES, "--json", "-", "--output", str(saved)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == 1
    assert [layer["op"] for layer in record["layers"]] == ["FULLY_CONNECTED"] * 3 + ["SOFTMAX"]
    result = fxsim.Result.load(saved)
    assert json.loads(result.to_json()) == {k: v for k, v in record.items() if k != "checks"}
    assert result.outputs["probabilities"].shape == (500, 10)


def test_estimate_needs_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "guess.json"
    args = [FC, "--hw", "paper-4x4", "--set", "acc_bits=20", "--profile", "litert"]
    assert main(["estimate", *args, "--json", str(saved)]) == 0
    out = capsys.readouterr().out
    assert "20-bit accumulators" in out
    assert "bits needed" not in out
    assert main(["estimate", *args, "--json", "-"]) == 0
    text = capsys.readouterr().out
    assert text == saved.read_text(encoding="utf-8")
    assert main(["run", *args, "--random", "1", "--json", "-"]) == 0
    run = json.loads(capsys.readouterr().out)
    for key in ("cycles", "energy", "macs", "float_schemes", "hardware", "profile"):
        assert json.loads(text)[key] == run[key]


@pytest.mark.parametrize("verb", [["estimate"], ["run", "--random", "1"]])
def test_a_gemm_in_place_of_a_model(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb, "--gemm", "5x70x33", "--hw", "paper-4x4"]) == 0
    assert f"MACs          {5 * 70 * 33:,} per sample" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["estimate"], ["run", "--random", "1"]])
def test_figures(verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "figures"
    assert main([*verb, FC, "--figures", str(folder)]) == 0
    names = ["cycles.png", "energy.png", "utilization.png", "roofline.png"]
    assert capsys.readouterr().err.splitlines() == [str(folder / name) for name in names]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_lowered_gemm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.fxp"
    assert main(["lower", "--gemm", "5x70x33", "--output", str(path)]) == 0
    assert fxsim.Program.load(path).code == fxsim.lower(fxsim.gemm(5, 70, 33)).code


EXPLAINED = """\
gemm (FULLY_CONNECTED): input in DRAM, output in DRAM
    dataflow             B    row tiles  area      x bufs    out bufs  outer loop      cycles    DRAM B     nJ  bound
--  -----------------  ---  -----------  ------  --------  ----------  ------------  --------  --------  -----  -------
>   output-stationary    1            1  1x1            1           1  row tiles          226       670  109.8  DRAM

Chosen: estimate of the layer by itself, cycles of its window in the program
  #  layer    op                 options    estimate  bound      cycles    util %
---  -------  ---------------  ---------  ----------  -------  --------  --------
  0  gemm     FULLY_CONNECTED          1         226  DRAM          240    0.4167

6 instructions, 512 bytes of constants, 1 layers
"""


def test_an_explained_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    """One position, one row tile, one group, counted by hand.

    Estimate: 256 bytes of weights, 256 of records, 16 + 63 in and 16 + 63 out are 670 bytes or 84 cycles; 10 pipeline
    stages, and twice a latency of 64 and 2 cycles of the first and last piece. Program: LOADs until 135, MAC issued in
    136, beat in 153 behind 16 records, committed in 159, REQ beats 160 .. 163 committed in 167, STORE until 239.
    """
    assert main(["lower", "--gemm", "1x16x16", "--explain"]) == 0
    assert capsys.readouterr().out == EXPLAINED


def test_lower_without_anything_to_do_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", FC]) == 2
    assert "lower must be given --output PROGRAM, --explain, or both" in capsys.readouterr().err


def test_trap_is_a_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        ["run", FC, "--random", "1", "--set", "acc_bits=12", "--set", "overflow=trap", "--set", "bias_policy=apply"]
    )
    assert status == 1
    out = capsys.readouterr().out
    assert re.search(
        r"trap: sample 0, layer 0 'dense1' \(FULLY_CONNECTED\), output \(0, 0\), channel \d+, .* cycle \d+", out
    )


def test_program_files_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fxp, fxs, again = (str(tmp_path / name) for name in ("p.fxp", "p.fxs", "q.fxp"))
    assert main(["lower", FC, "--hw", "paper-4x4", "--output", fxp]) == 0
    assert main(["disasm", fxp, "--output", fxs]) == 0
    assert main(["asm", fxs, "--output", again]) == 0
    assert Path(again).read_bytes() == Path(fxp).read_bytes()
    assert main(["lower", FC, "--hw", "paper-4x4", "--output", str(tmp_path / "direct.fxs")]) == 0
    assert (tmp_path / "direct.fxs").read_text() == Path(fxs).read_text()
    capsys.readouterr()
    assert main(["disasm", fxp]) == 0
    assert "MAC" in capsys.readouterr().out
    assert main(["info", fxp]) == 0
    assert "program digits_fc: profile tflite" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (["isa"], ["MAC", "REQ", "LOAD", "DMA_MAC", "init", "requantization scheme"]),
        (["ops"], ["CONV_2D", "FULLY_CONNECTED", "TFL_DOUBLE_FP", "SOFTMAX"]),
        (["info", FC], ["FULLY_CONNECTED", "dense1", "int8"]),
        (["info", "paper-4x4"], ["schema = 1", "acc_bits = 32  # accumulator width: 2..64 bits"]),
    ],
)
def test_listings(verb: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(verb) == 0
    out = capsys.readouterr().out
    assert [word for word in words if word not in out] == []


def bad(tmp_path: Path, name: str) -> str:
    files: dict[str, np.ndarray] = {
        "wide.npy": np.zeros((2, 63), np.int8),
        "codes.npy": np.zeros((2, 64), np.uint8),
        "nan.npy": np.full((2, 64), np.nan, np.float32),
        "labels.npy": np.zeros(3, np.int8),
    }
    for file, array in files.items():
        np.save(tmp_path / file, array)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes((tmp_path / "wide.npy").read_bytes()[:-50])
    (tmp_path / "not.tflite").write_bytes(b"hello")
    return str(tmp_path / name)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["{fc}", "--input", "wide.npy"], "InputError"),
        (["{fc}", "--input", "codes.npy"], "int8"),
        (["{fc}", "--input", "nan.npy"], "InputError"),
        (["{fc}", "--input", "objects.npy"], "must be a .npy file of numbers"),
        (["{fc}", "--input", "short.npy"], "must be a .npy file of numbers"),
        (["{fc}", "--input", "missing.npy"], "must be a .npy file of numbers"),
        (["{fc}", "--input", "{images}", "--labels", "labels.npy"], "labels must be 500 integers"),
        (["not.tflite", "--random", "1"], "ModelFormatError"),
        (["missing.tflite", "--random", "1"], "missing.tflite"),
        (["{fc}", "--random", "1", "--hw", "nope"], "hardware must be a .toml file or one of"),
        (["{fc}", "--random", "1", "--set", "acc_bits"], "--set must be FIELD=VALUE, not 'acc_bits'"),
        (["{fc}", "--random", "1", "--set", "acc_bits=99"], "acc_bits must be an integer in 2..64 bits, not 99"),
        (["{fc}", "--random", "1", "--profile", "x"], "profile must be one of: tflite, litert, not 'x'"),
        (["{fc}", "--random", "1", "--set", "acc_bits=\u00b2"], "acc_bits must be an integer in 2..64 bits"),
        (["{fc}", "--random", "1", "--set", "acc_bits=--5"], "acc_bits must be an integer in 2..64 bits, not '--5'"),
        (["{fc}", "--random", "1", "--set", f"acc_bits={'9' * 5000}"], "acc_bits must be an integer in 2..64 bits"),
        (["{fc}", "--random=-1"], "seed must be at least 0, not -1"),
        (["{fc}", "--input", "{images}", "--input", "{images}"], "--input must be given once for every input"),
        (["{fc}", "--random", "1", "--samples", "0"], "--samples must be in 1..1,000,000, not 0"),
        (["{fc}", "--random", "1", "--set", "act_spad_bytes=16"], "HardwareError"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    args: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        {"{fc}": FC, "{images}": IMAGES}.get(a, bad(tmp_path, a) if a.endswith((".npy", ".tflite")) else a)
        for a in args
    ]
    assert main(["run", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.startswith("fxsim run: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("64x64", "InputError: gemm must be MxKxN, three integers joined by x, not '64x64'"),
        ("0x1x1", "InputError: gemm side m must be an integer in 1..1048576, not 0"),
        ("1x10000x10000", "InputError: gemm matrix B (k x n) must have at most 67108864 elements, not 100000000"),
    ],
)
def test_bad_gemms(size: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--gemm", size]) == 2
    assert capsys.readouterr().err == f"fxsim estimate: {message}\n"


@pytest.mark.parametrize("args", [["run", FC], ["estimate"], ["estimate", FC, "--gemm", "1x1x1"]])
def test_usage_errors_are_status_2(args: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
        assert capsys.readouterr().out.startswith("usage: fxsim")
