"""The verb `compare` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fxsim.cli import main

MODELS = Path(__file__).resolve().parents[2] / "models" / "digits"
FC = str(MODELS / "digits_fc.tflite")


@pytest.fixture
def samples(tmp_path: Path) -> list[str]:
    np.save(tmp_path / "x.npy", np.load(MODELS / "x_eval_flat.npy")[:10])
    np.save(tmp_path / "y.npy", np.load(MODELS / "y_eval.npy")[:10])
    return ["--input", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]


@pytest.mark.slow
def test_the_whole_report(samples: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    html, data, figures = tmp_path / "new" / "r.html", tmp_path / "r.json", tmp_path / "figures"
    written = ["--html", str(html), "--json", str(data), "--figures", str(figures)]
    assert main(["compare", FC, *samples, "--set", "requantizer=FLOOR", "--requant", *written]) == 0
    captured = capsys.readouterr()
    record = json.loads(data.read_text())
    assert record["samples"] == 10
    assert record["requantizers"]["runs"]
    assert "second rounding" in captured.out
    stems = {path.stem for path in figures.iterdir()}
    assert all(f"{stem}.png" in captured.err for stem in stems)
    page = html.read_text()
    assert page.count("data:image/png;base64,") == len(stems) >= 4
    assert "http" not in page


def test_json_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--gemm", "2x16x4", "--random", "1", "--bias", "grid", "--json", "-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["bias"] == "grid"
    assert [layer["op"] for layer in record["layers"]] == ["FULLY_CONNECTED"]


def test_an_unknown_runtime_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--gemm", "2x16x4", "--random", "1", "--runtime", "abacus"]) == 2
    assert "abacus" in capsys.readouterr().err


def test_trap_is_status_1(samples: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    narrow = ["--set", "acc_bits=14", "--set", "bias_policy=apply", "--set", "overflow=trap"]
    assert main(["compare", FC, *samples, *narrow]) == 1
    assert "overflow" in capsys.readouterr().err
