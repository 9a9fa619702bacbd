"""The README's session and demo are what a user gets."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

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
def test_demo_output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    block = re.search(r"\$ make demo\n\.venv/bin/fxsim (.*)\n([\s\S]*?)```", README)
    assert block
    assert main(block[1].split()) == 0
    assert capsys.readouterr().out == block[2]


def test_every_named_path_exists() -> None:
    names = re.findall(r"`((?:tests|models|fxsim)/[\w/.-]*)`", README)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []
