"""``fxsim vectors`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import fxsim
from fxsim.cli import main
from fxsim.cli.vectors import _FORMATS
from fxsim.graph import random_samples
from fxsim.rtl import FORMATS, layer_vectors, write_vectors
from tests.own import MODELS

FC = str(MODELS / "digits_fc.tflite")
HARDWARE = ["--hw", "edge-16x16", "--set", "acc_bits=24"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["vectors", *map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    return shown.err


def test_models_and_their_programs_give_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("net.fxp", "net.fxs"):
        assert main(["lower", FC, *HARDWARE, "--output", str(tmp_path / name)]) == 0
    capsys.readouterr()
    shown = []
    for number, source in enumerate(([FC, *HARDWARE], [str(tmp_path / "net.fxp")], [str(tmp_path / "net.fxs")])):
        layer = ["--layer", "logits"] if number else ["--layer", "2"]
        out = tmp_path / "deep" / str(number)
        assert main(["vectors", *source, *layer, "--random", "3", "--format", "c", "--out", str(out)]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] == shown[2]
    assert contents(tmp_path / "deep" / "0") == contents(tmp_path / "deep" / "1") == contents(tmp_path / "deep" / "2")

    net = fxsim.load(FC)
    program = fxsim.lower(net, fxsim.Hardware.load("edge-16x16").replace(acc_bits=24))
    write_vectors(layer_vectors(program, random_samples(net, 3), "logits"), tmp_path / "direct", "c")
    assert contents(tmp_path / "direct") == contents(tmp_path / "deep" / "0")


def test_the_table_names_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = np.random.default_rng(0).integers(-128, 128, (1, 64)).astype(np.int8)
    np.save(tmp_path / "x.npy", codes)
    out = tmp_path / "v"
    assert main(["vectors", FC, "--layer", "dense1", "--input", str(tmp_path / "x.npy"), "--out", str(out)]) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    record = json.loads((out / "vectors.json").read_text())
    begin, cycles = record["cycles"]["layer_begin"], record["cycles"]["layer_cycles"]
    assert title == (f"Layer 0 'dense1' (FULLY_CONNECTED), cycles {begin:,} to {begin + cycles:,}"
                     f" of {record['cycles']['program']:,}")  # fmt: skip
    assert [row.split()[:2] for row in rows[2:]] == [[a["name"], a["file"]] for a in record["arrays"]]
    words = [line for line in (out / "ifm.hex").read_text().splitlines() if not line.startswith("//")]
    assert words == [f"{code & 255:02x}" for code in codes.reshape(-1).tolist()]


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, images = tmp_path / "net.fxp", MODELS / "x_eval_flat.npy"
    fxsim.lower(FC).save(program)
    rest: list[str | Path] = ["--layer", "dense1", "--random", "0", "--out", tmp_path / "v"]
    for pinned in (["--hw", "paper-4x4"], ["--profile", "litert"], ["--set", "acc_bits=20"]):
        message = refused(capsys, program, *pinned, *rest)
        assert f"a program pins what {pinned[0]} would say" in message
    for absent in ("9x", "99"):
        message = refused(capsys, FC, "--layer", absent, *rest[2:])
        assert "layer must be one of: dense1, dense2, logits, probabilities, or a number in 0..3" in message
    assert "one sample, not 500" in refused(capsys, FC, *rest[:2], "--input", images, *rest[4:])
    assert "seed must be at least 0" in refused(capsys, FC, *rest[:2], "--random", "-1", *rest[4:])
    assert not (tmp_path / "v").exists()
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "notes").write_text("mine")
    message = refused(capsys, "no_such_model.tflite", *rest)
    assert "folder must be empty or hold only what its vectors.json lists, not ['notes']" in message


def test_formats_are_those_of_the_library() -> None:
    assert tuple(FORMATS) == _FORMATS
