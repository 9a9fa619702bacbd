"""The machine is synthesizable: yosys reads it whole, and finds neither latch nor loop nor a signal driven twice."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from fxsim.hw import Hardware
from fxsim.rtl import machine_sources
from tests.given import absent
from tests.rtl.configurations import MACHINES

pytestmark = pytest.mark.slow
HAS_YOSYS = importlib.util.find_spec("pyosys") is not None
BY_NAME = {hw.name: hw for hw in MACHINES}
READ = ("tree-one-column", "tree-saturate-8", "tree-trap-24", "chain-wrap-16", "chain-inner-saturate-13")
_SYNTHESIZE = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.stdin.read().splitlines():
    libyosys.run_pass(command, design)
"""
_LATCHES = "t:$dlatch t:$adlatch t:$dlatchsr t:$sr"


def synthesize(sources: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Registers, memories and operators of the whole machine; nothing may be wrong with them before or after."""
    if not HAS_YOSYS:
        absent("pyosys (extra: synthesis) is not installed", "FXSIM_REQUIRE_RTL")
    design = {name: text for name, text in sources.items() if name != "fxsim_tb.sv"}
    for name, text in design.items():
        (folder / name).write_text(text, encoding="utf-8")
    commands = [
        f"read_slang {' '.join(design)} --top fxsim_top", "hierarchy -check -top fxsim_top", "proc", "check -assert",
        f"select -assert-none {_LATCHES}", "select -assert-min 100 t:$dff t:$dffe t:$sdff t:$sdffe t:$sdffce",
        # words that no address of a bank names have no value
        "memory", "setundef -undriven -undef", "opt", "check -assert", f"select -assert-none {_LATCHES}",
    ]  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", _SYNTHESIZE], cwd=folder, input="\n".join(commands), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("hw", [BY_NAME[name] for name in READ], ids=lambda hw: hw.name)
def test_every_module_becomes_hardware(hw: Hardware, tmp_path: Path) -> None:
    done = synthesize(machine_sources(hw), tmp_path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("fxsim_accumulate.sv", "assign overflow = ", "assign overflow = overflow ^ ", "logic loop"),
        ("fxsim_top.sv", "assign issue[2] =", "assign issue[0] = there[1];\n  assign issue[2] =", "driver"),
        ("fxsim_stalls.sv", "else sum_cause = status.fresh", "else if (status.fresh) sum_cause = status.fresh", "atch"),
    ],
    ids=["loop", "two-drivers", "latch"],
)
def test_what_is_no_hardware_is_seen(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    sources = machine_sources(BY_NAME["tree-one-column"])
    assert old in sources[file]
    done = synthesize(sources | {file: sources[file].replace(old, new)}, tmp_path)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr, (done.stdout + done.stderr)[-3000:]
