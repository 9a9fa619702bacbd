"""Sweep files: what they expand to, and what is refused before any work."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from fxsim import Hardware, __version__
from fxsim._core.errors import FxsimError, InputError
from fxsim.analysis import run_sweep
from fxsim.analysis.sweep import plan as plan_module
from fxsim.analysis.sweep.plan import read_plan
from tests.analysis.sweep.files import FOUR, HEAD, write_sweep
from tests.own import MODELS


def test_the_product_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = HEAD + (
        '[hardware]\nbase = ["paper-4x4", "unit.toml"]\nclock_mhz = 100\noverflow = ["wrap", "readout"]\n'
        "acc_bits = [20, 12]\n[layers.dense2]\nacc_bits = [14, 18]\n"
    )
    (tmp_path / "unit.toml").write_text(Hardware(name="unit", rows=8).to_toml())
    plan = read_plan(write_sweep(tmp_path, text))
    expected = list(product(["paper-4x4", "unit.toml"], [100], ["wrap", "readout"], [20, 12], [14, 18]))
    names = ("base", "clock_mhz", "overflow", "acc_bits", "dense2.acc_bits")
    assert [tuple(p.settings[n] for n in names) for p in plan.points] == expected
    assert len({p.key for p in plan.points}) == len(expected) == 16
    for point, (base, clock, overflow, bits, own) in zip(plan.points, expected, strict=True):
        preset = base if base == "paper-4x4" else tmp_path / base
        fields = {"clock_mhz": clock, "overflow": overflow, "acc_bits": bits, "bias_policy": "apply"}
        assert point.hardware == Hardware.load(preset).replace(**fields)
        assert point.layers == {"dense2": {"acc_bits": own}}
    assert plan.merged == 0


def test_a_bias_policy_of_the_file_holds(tmp_path: Path) -> None:
    plan = read_plan(write_sweep(tmp_path, HEAD + '[hardware]\nbias_policy = ["error", "apply"]\n'))
    assert [p.hardware.numerics.bias_policy for p in plan.points] == ["error", "apply"]


def test_models_meet_the_data_that_is_meant_for_them(tmp_path: Path) -> None:
    cnn, fc = str(MODELS / "digits_cnn.tflite"), str(MODELS / "digits_fc.tflite")
    text = f"""
schema = 1
models = [{{path = "{cnn}"}}, {{path = "{fc}", profile = "litert"}}]
data = [{{random = 1}}, {{random = 1, samples = 2}}, {{input = {{image = "x.npy"}}, model = "{fc}", samples = 2}}]
"""
    plan = read_plan(write_sweep(tmp_path, text))
    got = [(p.settings["model"], p.settings["profile"], p.settings["data"], p.settings["samples"]) for p in plan.points]
    assert got == [
        (cnn, "tflite", "random 1", 1),
        (cnn, "tflite", "random 1", 2),
        (fc, "litert", "random 1", 1),
        (fc, "litert", "random 1", 2),
        (fc, "litert", "x.npy", 2),
    ]
    assert [len(case.inputs["image"]) for case in plan.cases] == [1, 2, 1, 2, 2]


def test_equal_points_are_run_once(tmp_path: Path) -> None:
    text = FOUR + '[[data]]\ninput = "again.npy"\nlabels = "y.npy"\n[[data]]\ninput = "x.npy"\n'
    path = write_sweep(tmp_path, text)
    (tmp_path / "again.npy").write_bytes((tmp_path / "x.npy").read_bytes())
    plan = read_plan(path)
    assert (len(plan.points), plan.merged, len(plan.cases)) == (8, 4, 2)


def keys(path: Path) -> list[str]:
    return [point.key for point in read_plan(path).points]


def test_a_key_is_the_content_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sweep(tmp_path)
    first = keys(path)
    other = tmp_path / "other"
    other.mkdir()
    assert keys(write_sweep(other, name="renamed.toml")) == first
    changed = {
        "data": keys(write_sweep(other, samples=2)),
        "profile": keys(write_sweep(other, FOUR.replace("[[data]]", 'profile = "litert"\n[[data]]'))),
        "labels": keys(write_sweep(other, FOUR.replace('labels = "y.npy"\n', ""))),
        "layers": keys(write_sweep(other, FOUR + "[layers.dense1]\nacc_bits = 32\n")),
        "hardware": keys(write_sweep(other, FOUR + "clock_mhz = 499\n")),
    }
    for what, own in changed.items():
        assert not set(own) & set(first), what
    monkeypatch.setattr(plan_module, "__version__", f"{__version__}.1")
    assert not set(keys(path)) & set(first)


def test_values_may_differ_where_shapes_agree(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    first = keys(path)
    x = np.load(tmp_path / "x.npy")
    right = x.copy()
    x[0, 5] += 1
    np.save(tmp_path / "x.npy", x)
    assert not set(keys(path)) & set(first)
    np.save(tmp_path / "x.npy", right)
    assert keys(path) == first
    y = np.load(tmp_path / "y.npy")
    y[0] += 1
    np.save(tmp_path / "y.npy", y)
    assert not set(keys(path)) & set(first)


DATA = '[[data]]\ninput = "x.npy"\nlabels = "y.npy"\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema = 2", "sweep.toml: schema must be 1, not 2"),
        ("schema = 1", "schema = true", "sweep.toml: schema must be 1, not True"),
        ("schema = 1", "", "sweep.toml: schema must be 1, not None"),
        ("schema = 1", "schema = ", "sweep.toml: sweep file must be readable TOML"),
        ("schema = 1", "schema = 1\nworkers = 2", r"sweep: keys must be of .*, not \['workers'\]"),
        ("[[models]]", "[[models]]\nname = 'x'", r"models\[0\]: keys must be of path, profile, not \['name'\]"),
        (DATA, "", r"data must be given as tables \[\[data\]\], not None"),
        (DATA, "[data]\nrandom = 1\n", r"data must be given as tables \[\[data\]\]"),
        (DATA, "[[data]]\nseed = 1\n", r"data\[0\]: keys must be of .*, not \['seed'\]"),
        (DATA, "[[data]]\nsamples = 1\n", r"data\[0\]: data must have either input or random, not \['samples'\]"),
        (DATA, "[[data]]\nrandom = -1\n", r"data\[0\].random: must be an integer in 0..\d+, not -1"),
        (DATA, "[[data]]\nrandom = 1\nsamples = 0\n", r"data\[0\].samples: must be an integer in 1..1000000, not 0"),
        (DATA, '[[data]]\nrandom = 1\nmodel = "x"\n', "model must be the path of one of the models, not 'x'"),
        (DATA, '[[data]]\ninput = 3\n', r"data\[0\].input: must be a table, not 3"),
        (DATA, '[[data]]\ninput = "none.npy"\n', r"digits_fc.tflite on none.npy: .*must be a .npy file of numbers"),
        (DATA, '[[data]]\ninput = "y.npy"\n', r"digits_fc.tflite on y.npy: .*shape must be \(N, 64\)"),
        (DATA, '[[data]]\ninput = {a = "x.npy"}\n', r"inputs must be named 'image', not \['a'\]"),
        ('"y.npy"', '"x.npy"', r"labels must be 3 integers, one per sample, not 'float32\(3, 64\)'"),
        ('"y.npy"', '"y.npy"\nsamples = 4', "samples must be at most the 3 of the file, not 4"),
        ('input = "x.npy"', "random = 1\nsamples = 2", "labels must be 2 integers, one per sample, not 'u?int"),
        ("acc_bits = [12", "accbits = [12", r"hardware: keys must be of .*, not \['accbits'\]"),
        ("acc_bits = [12", "acc_bits = [1", r"point base = edge-16x16, acc_bits = 1, .*acc_bits must be an integer"),
        ("[12, 24]", "[]", r"hardware.acc_bits: must be an integer or a text, or a list of them, not \[\]"),
        ("[12, 24]", "[12, 12]", r"hardware.acc_bits: must not repeat a value, not \[12, 12\]"),
        ("[12, 24]", "[12, 24.0]", "hardware.acc_bits: must be an integer or a text"),
        ("[12, 24]", "[12, true]", "hardware.acc_bits: must be an integer or a text"),
        ("[hardware]", '[hardware]\nbase = 3', r"hardware.base must be a preset or a path, .*, not \[3\]"),
        ("[hardware]", '[hardware]\nbase = "none"', "base = none, .*hardware must be a .toml file or one of"),
        ("[hardware]", "[layers.dense1]\nrows = 2\n[hardware]", r"layers.dense1: keys must be of .*, not \['rows'\]"),
        ("[hardware]", "[layers.x]\nacc_bits = 9\n[hardware]", r"layers must be names of nodes .*, not \['x'\]"),
        ("digits_fc", "digits_none", "digits_none.tflite: .*"),
        ("digits_fc.tflite", "card.json", "card.json: model must be a .tflite file"),
        ("[[data]]", 'profile = "x"\n[[data]]', "profile must be one of: tflite, litert, not 'x'"),
        ("[12, 24]", str(list(range(2, 65))) + "\nsplit_k = " + str(list(range(1, 65))) + "\nrows = "
         + str(list(range(1, 200))), "a sweep must have at most 1,000,000 points, not 1604736"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_before_the_work(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in FOUR
    path = write_sweep(tmp_path, FOUR.replace(old, new))
    with pytest.raises(FxsimError, match=message):
        run_sweep(path, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_without_data_is_refused(tmp_path: Path) -> None:
    cnn = str(MODELS / "digits_cnn.tflite")
    text = HEAD.replace("[[data]]", f'[[models]]\npath = "{cnn}"\n[[data]]\nmodel = "{cnn}"')
    with pytest.raises(InputError, match="every model must have data, not '.*digits_fc.tflite'"):
        read_plan(write_sweep(tmp_path, text))


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    with pytest.raises(InputError, match="sweep file must be readable TOML"):
        read_plan(path)
    path.write_bytes(b"schema = 1\n\xff")
    with pytest.raises(InputError, match="sweep file must be readable TOML"):
        read_plan(path)
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(InputError, match="sweep file must be smaller than 1 MiB"):
        read_plan(path)
