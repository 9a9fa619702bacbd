"""The verbs `accumulators` and `acc` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fxsim.cli import main

MODELS = Path(__file__).resolve().parents[2] / "models" / "digits"
FC = str(MODELS / "digits_fc.tflite")
NARROW = ["--set", "acc_bits=14", "--set", "bias_policy=apply"]


@pytest.fixture
def samples(tmp_path: Path) -> list[str]:
    np.save(tmp_path / "x.npy", np.load(MODELS / "x_eval_flat.npy")[:10])
    np.save(tmp_path / "y.npy", np.load(MODELS / "y_eval.npy")[:10])
    return ["--input", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]


def test_bounds_without_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acc", FC]) == 0
    out = capsys.readouterr().out
    assert "exact, prefixes" in out
    assert "What a bit buys" in out
    assert "observed" not in out.split("What a bit buys")[0]


@pytest.mark.slow
def test_the_whole_report(samples: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    html, data, figures = tmp_path / "new" / "r.html", tmp_path / "r.json", tmp_path / "figures"
    assert main(["accumulators", FC, *NARROW, *samples, "--epsilon", "0.1", "--html", str(html), "--json", str(data),
                 "--figures", str(figures)]) == 0  # fmt: skip
    captured = capsys.readouterr()
    assert "14-bit accumulator saturated at" in captured.out
    assert json.loads(data.read_text())["samples"] == 10
    assert {path.name for path in figures.iterdir()} == {"bits.png", "curves.png", "overflow.png", "trajectory.png"}
    assert "trajectory.png" in captured.err
    page = html.read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http" not in page
    assert "14-bit accumulator saturated at" in page
    for word in ("Bits needed", "Observed", "Width sweep", "Orders of accumulation", "Widths layer by layer"):
        assert f"<h2>{word}</h2>" in page


def test_json_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acc", "--gemm", "4x32x8", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["depth"] == 32


def test_trap_is_status_1_with_the_sentence(samples: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acc", FC, *NARROW, "--set", "overflow=trap", *samples]) == 1
    assert "bits would be enough" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "y.npy"], "--labels must come with --input or --random, not 'y.npy'"),
        (["--set", "acc_bits=9"], "bias must fit 9 accumulator bits"),
        (["--random", "1", "--epsilon", "-1"], "epsilon must be in 0..1"),
    ],
)
def test_bad_usage_is_status_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acc", FC, *arguments]) == 2
    assert message in capsys.readouterr().err
