"""The README's session and demo are what a user gets."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import fxsim
from fxsim.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_python_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    test = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    assert len(test.examples) > 5
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "prompt",
    [
        r"\$ make demo\n\.venv/bin/fxsim (run .*)",
        r"\$ \.venv/bin/fxsim (acc .*)",
        r"\$ \.venv/bin/fxsim (compare .*)",
        r"\$ \.venv/bin/fxsim (vectors .*)",
        r"\$ \.venv/bin/fxsim (rtl .*)",
        r"\$ \.venv/bin/fxsim (trace .*)",
    ],
)
def test_printed_output(prompt: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    block = re.search(prompt + r"\n([\s\S]*?)```", README)
    assert block
    assert main(block[1].split()) == 0
    assert capsys.readouterr().out == block[2]


@pytest.mark.slow
def test_sweep_output(tmp_path: Path) -> None:
    """The file that is shown is the file that there is; the rows of its widest accumulators are what they give."""
    example = (ROOT / "models" / "digits" / "sweep.toml").read_text(encoding="utf-8")
    assert example.split("\n", 1)[1] in README
    widest = example.replace("[12, 13, 14, 15, 16, 17, 18, 19, 20]", "[20]").replace('= "', f'= "{ROOT}/models/digits/')
    widest = widest.replace(f"{ROOT}/models/digits/edge-16x16", "edge-16x16")
    (tmp_path / "sweep.toml").write_text(widest, encoding="utf-8")
    rows = fxsim.sweep(tmp_path / "sweep.toml", output=tmp_path).table().splitlines()[2:4]
    shown = [line.split() for line in README.splitlines()]
    assert [["20", *row.split()] in shown for row in rows] == [True, True]


def test_every_named_path_exists() -> None:
    names = re.findall(r"`((?:tests|models|fxsim)/[\w/.-]*)`", README)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []
