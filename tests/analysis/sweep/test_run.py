"""Whole sweeps in this process: records beside golden, resuming, failing points, tables."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import fxsim
from fxsim._core.errors import InputError
from fxsim.analysis import SweepResult, run_sweep
from fxsim.analysis.sweep import run as run_module
from fxsim.analysis.sweep.point import run_point
from fxsim.cli import main
from fxsim.oracle import golden, golden_stats
from tests.analysis.sweep.files import FOUR, HEAD, write_sweep
from tests.own import MODELS, images

COUNTERS = ("overflow_events", "overflow_count", "bias_overflow_count", "internal_wraps")


def expected(bits: int, overflow: str, layers: dict[str, dict[str, int]] | None = None) -> dict[str, Any]:
    """What golden says of one point, by loops over its outputs."""
    net = fxsim.load(MODELS / "digits_fc.tflite")
    hw = fxsim.Hardware.load("edge-16x16").replace(acc_bits=bits, overflow=overflow, bias_policy="apply")
    x, labels = images("digits_fc", 3), np.load(MODELS / "y_eval.npy")[:3].tolist()
    exact = golden(net, x)["probabilities"].tolist()
    tensors, stats = golden_stats(net, x, hw.numerics, layers)
    given = tensors["probabilities"].tolist()
    quant = tensors.quants["probabilities"]
    assert quant is not None
    scale, zero = float(np.asarray(quant.scale).item()), int(np.asarray(quant.zero_point).item())
    pairs = [(a, b) for right, row in zip(exact, given, strict=True) for a, b in zip(right, row, strict=True)]
    signal = sum((scale * (a - zero)) ** 2 for a, _ in pairs)
    noise = sum((scale * (a - b)) ** 2 for a, b in pairs)
    named = {node.name: s for node, s in zip(net.nodes, stats, strict=True) if s.channel_acc_min.size}
    return {
        "accuracy": sum(row.index(max(row)) == y for row, y in zip(given, labels, strict=True)) / 3,
        "elements": 30,
        "differing": sum(a != b for a, b in pairs),
        "sqnr_db": 10 * math.log10(signal / noise) if noise else None,
        **{name: sum(getattr(s, name) for s in named.values()) for name in COUNTERS},
        **{f"{name}.{layer}": getattr(s, name) for layer, s in named.items() for name in COUNTERS},
    }


def test_records_are_what_golden_and_estimate_say(tmp_path: Path) -> None:
    result = fxsim.sweep(write_sweep(tmp_path), output=tmp_path / "out")
    assert result.varying == ("acc_bits", "overflow")
    assert [(r["acc_bits"], r["overflow"]) for r in result.records] == [
        (12, "wrap"), (12, "saturate"), (24, "wrap"), (24, "saturate")]  # fmt: skip
    assert any(r["differing"] for r in result.records)
    assert {r["overflow_count"] > 0 for r in result.records} == {True, False}
    for record in result.records:
        want = expected(record["acc_bits"], record["overflow"])
        db, own_db = want.pop("sqnr_db"), record["sqnr_db"]
        assert (db is None) == (own_db is None)
        assert db is None or math.isclose(db, own_db, rel_tol=1e-6), "the reals of the codes are float32"
        assert {name: record[name] for name in want} == want
        hw = fxsim.Hardware(acc_bits=record["acc_bits"], overflow=record["overflow"])
        guess = fxsim.estimate(fxsim.load(MODELS / "digits_fc.tflite"), hw.replace(bias_policy="apply"))
        assert (record["cycles"], record["energy_pj"]) == (guess.cycles, guess.energy_pj)
        assert record["dram_bytes"] == sum(layer.dram_bytes for layer in guess.layers)
        assert (record["status"], record["error"], record["trap"]) == ("done", "", "")


def test_layers_have_numerics_of_their_own(tmp_path: Path) -> None:
    text = HEAD + '[hardware]\nacc_bits = 24\noverflow = "wrap"\n[layers.dense2]\nacc_bits = [24, 11]\n'
    for record, bits in zip(run_sweep(write_sweep(tmp_path, text), output=tmp_path).records, (24, 11), strict=True):
        want = expected(24, "wrap", {"dense2": {"acc_bits": bits}})
        assert (record["dense2.acc_bits"], record["overflow_count.dense2"] > 0) == (bits, bits == 11)
        assert {n: record[n] for n in want if n != "sqnr_db"} == {n: v for n, v in want.items() if n != "sqnr_db"}


def no_work(*_: Any) -> Any:
    raise AssertionError("nothing is left to run")


def test_a_finished_sweep_runs_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sweep(tmp_path)
    first = run_sweep(path, output=tmp_path / "out")
    stored = (tmp_path / "out" / "points.jsonl").read_bytes()
    monkeypatch.setattr(run_module, "run_point", no_work)
    assert run_sweep(path, output=tmp_path / "out") == first
    assert (tmp_path / "out" / "points.jsonl").read_bytes() == stored


def test_a_wider_sweep_runs_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run_sweep(write_sweep(tmp_path), output=tmp_path / "out")
    ran = []

    def noted(case: Any, point: Any) -> Any:
        ran.append(point.settings["acc_bits"])
        return run_point(case, point)

    monkeypatch.setattr(run_module, "run_point", noted)
    wider = run_sweep(write_sweep(tmp_path, FOUR.replace("[12, 24]", "[12, 14, 24]")), output=tmp_path / "out")
    assert ran == [14, 14]
    assert [r for r in wider.records if r["acc_bits"] != 14] == list(first.records)


FAILING = HEAD + "[hardware]\nact_spad_bytes = [131072, 16]\nacc_bits = [20, 21]\n"


def test_a_failing_point_is_recorded_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, FAILING)
    assert main(["sweep", str(path), "--output", str(tmp_path / "out")]) == 1
    out = capsys.readouterr().out
    assert out.count("HardwareError: ") == 2
    assert "None" not in out
    assert "4 points, 2 failed, 0 merged" in out
    result = run_sweep(path, output=tmp_path / "out")
    assert [r["status"] for r in result.records] == ["done", "done", "failed", "failed"]
    assert result.failed == 2
    lines = (tmp_path / "out" / "points.jsonl").read_text().splitlines()
    assert len(lines) == 4, "a failed point is not run again"
    assert run_sweep(path, output=tmp_path / "out", retry_failed=True).failed == 2
    again = (tmp_path / "out" / "points.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"]["status"] for line in again[4:]] == ["failed", "failed"]
    monkeypatch.setattr(run_module, "run_point", lambda *_: {"status": "done", "error": "", "seconds": 0.0})
    assert run_sweep(path, output=tmp_path / "out", retry_failed=True).failed == 0
    monkeypatch.setattr(run_module, "run_point", no_work)
    assert run_sweep(path, output=tmp_path / "out", retry_failed=True).failed == 0


def test_a_trap_is_a_finding(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, HEAD + '[hardware]\nacc_bits = [12, 32]\noverflow = "trap"\n')
    trapped, fine = run_sweep(path, output=tmp_path / "out").records
    assert trapped["trap"].startswith("sample 0, layer 0 'dense1'")
    assert [trapped[name] for name in ("accuracy", "elements", "differing", "sqnr_db")] == [None] * 4
    assert (trapped["status"], fine["status"]) == ("done", "done")
    assert (fine["trap"], fine["differing"]) == ("", 0)


def swept(tmp_path: Path) -> SweepResult:
    return run_sweep(write_sweep(tmp_path, FAILING), output=tmp_path / "out")


def test_csv_holds_every_column(tmp_path: Path) -> None:
    result = swept(tmp_path)
    result.to_csv(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = [{n: "" if r.get(n) is None else str(r[n]) for n in result.columns} for r in result.records]
    assert rows == wanted
    assert {"key", "acc_bits", "overflow_count.dense1", "error", "seconds"} <= set(rows[0])


def test_parquet_holds_every_column_with_its_type(tmp_path: Path) -> None:
    result = swept(tmp_path)
    result.to_parquet(tmp_path / "t.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet")
    assert table.to_pylist() == [{n: r.get(n) for n in result.columns} for r in result.records]
    types = {name: str(table.schema.field(name).type) for name in ("acc_bits", "accuracy", "overflow_count", "status")}
    assert types == {"acc_bits": "int64", "accuracy": "double", "overflow_count": "int64", "status": "string"}


def test_the_table_shows_what_varies(tmp_path: Path) -> None:
    lines = run_sweep(write_sweep(tmp_path), output=tmp_path / "out").table().splitlines()
    assert lines[0].split()[:4] == ["acc_bits", "overflow", "accuracy", "%"]
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["12", "wrap"], ["12", "saturate"], ["24", "wrap"], ["24", "saturate"]]  # fmt: skip
    assert lines[-1] == "4 points, 0 failed, 0 merged with an equal one"


def test_without_an_output_the_folder_is_named_after_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_sweep(write_sweep(tmp_path, name="curve.toml"))
    assert len((tmp_path / "output" / "curve" / "points.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": -1}, r"workers must be an integer in 0..1024, not -1"),
        ({"workers": 2000}, r"workers must be an integer in 0..1024, not 2000"),
        ({"workers": 1, "dask": "tcp://127.0.0.1:1"}, "either on workers or on a Dask cluster, not 1"),
    ],
)
def test_bad_places(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        run_sweep(write_sweep(tmp_path), output=tmp_path / "out", **arguments)


def test_the_command_saves_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, table, columns = write_sweep(tmp_path), tmp_path / "t.csv", tmp_path / "t.parquet"
    words = ["--output", str(tmp_path / "out"), "--csv", str(table), "--parquet", str(columns)]
    assert main(["sweep", str(path), *words]) == 0
    captured = capsys.readouterr()
    result = run_sweep(path, output=tmp_path / "out")
    assert captured.out == result.table() + "\n"
    assert captured.err == "", "no progress bar where there is no terminal"
    assert len(table.read_text().splitlines()) == 5
    assert pyarrow.parquet.read_table(columns).num_rows == 4


def test_a_bad_file_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep(tmp_path, "schema = 3\n")
    assert main(["sweep", str(path), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"fxsim sweep: InputError: {path}: schema must be 1, not 3\n"


@pytest.mark.parametrize(("package", "extra"), [("pyarrow", "parquet"), ("distributed", "dask")])
def test_a_missing_package_is_said_before_the_work(
    package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    words = {"parquet": ["--parquet", str(tmp_path / "t")], "dask": ["--dask", "tcp://127.0.0.1:9"]}[extra]
    assert main(["sweep", str(write_sweep(tmp_path)), "--output", str(tmp_path / "out"), *words]) == 2
    assert (
        f"MissingDependencyError: {package} must be installed: pip install 'fxsim[{extra}]'" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_the_example_sweep_is_legal() -> None:
    from fxsim.analysis.sweep import read_plan

    plan = read_plan(MODELS / "sweep.toml")
    assert len(plan.points) == 18
    assert {p.hardware.numerics.acc_bits for p in plan.points} == set(range(12, 21))
