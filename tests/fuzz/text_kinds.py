"""Mutations of texts: assembly, hardware files, names of energy tables, sizes of GEMMs."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import fxsim
from fxsim.energy import energy_report
from fxsim.formats import parse_gemm
from fxsim.hw import Hardware, presets
from fxsim.isa import assemble
from tests.fuzz.bases import pick_small, programs
from tests.fuzz.numbers import nasty_int, nasty_json
from tests.fuzz.pipeline import run_network, run_program
from tests.fuzz.program_kinds import change_json
from tests.fuzz.registry import Trial, kind

if TYPE_CHECKING:
    from random import Random

_WORDS = (
    "", "#", "=", "x=1", ".end", ".layer", ".symbol", "MAC", "LOAD", "-1", "0x", "1e9", "\x00", "é", "first=", "pop=|",
)  # fmt: skip
_CHARACTERS = '\x00\ud800\r\t =#."[]{}|9zé\u2028'
_ABSURD = ("9" * 5000, "[" * 3000, "1979-05-27", "nan", "0x" + "f" * 40, "'''\n'''", "1e400", '"\\ud800"')


@kind("assembly", 14)
def assembly(rng: Random) -> Trial:
    """Words and lines of a program's text changed, removed, doubled, swapped."""
    program = rng.choice([program for program in programs() if 0 < len(program) < 200])
    text, notes = program.disassemble(), []
    for _ in range(rng.choice((1, 1, 2, 4))):
        note, text = rng.choice((_number, _number, _word, _word, _line, _character))(rng, text)
        notes.append(note)
    note = f"{program.name} on {program.hardware.name}: {'; '.join(notes)}"
    return Trial(note, lambda: run_program(lambda: assemble(text)))


def _number(rng: Random, text: str) -> tuple[str, str]:
    """A number becomes another; instruction lines are preferred to constants."""
    found = list(re.finditer(r"(?<=[=\[,])-?\d+", text))
    if not found:
        return "no number", text
    match = rng.choice(found)
    new = str(nasty_int(rng, int(match.group()), rng.choice((7, 16, 28))))
    return f"{match.group()} -> {new} at {match.start()}", text[: match.start()] + new + text[match.end() :]


def _word(rng: Random, text: str) -> tuple[str, str]:
    found = list(re.finditer(r"\S+|$", text))
    match, other = rng.choice(found), rng.choice(found)
    new = rng.choice((rng.choice(_WORDS), other.group(), match.group() + " " + match.group(), match.group()[:-1]))
    return f"{match.group()[:40]!r} -> {new[:40]!r}", text[: match.start()] + new + text[match.end() :]


def _line(rng: Random, text: str) -> tuple[str, str]:
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.choice(("remove", "double", "swap", "cut"))
    if way == "remove":
        del lines[a]
    elif way == "double":
        lines.insert(b, lines[a])
    elif way == "swap":
        lines[a], lines[b] = lines[b], lines[a]
    else:
        del lines[a:]
    return f"{way} lines {a}, {b}", "\n".join(lines)


def _character(rng: Random, text: str) -> tuple[str, str]:
    at, new = rng.randrange(len(text) + 1), rng.choice(_CHARACTERS + chr(rng.randrange(32, 0x2000)))
    return f"{new!r} at {at}", text[:at] + new + text[at + rng.randrange(2) :]


@kind("hardware values", 16)
def hardware_values(rng: Random) -> Trial:
    """Values, types and keys of a hardware file."""
    data = tomllib.loads(Hardware.load(rng.choice(presets())).to_toml())
    notes = [_change_table(rng, data) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    return _hardware_trial(rng, "; ".join(notes), _toml(data))


def _change_table(rng: Random, data: dict[str, Any]) -> str:
    """Mostly a number or word of one of the two parts."""
    part = data.get(rng.choice(("numerics", "timing")))
    if rng.random() < 0.6 and isinstance(part, dict) and part:
        key = rng.choice(list(part))
        part[key] = nasty_int(rng, part[key], 8) if isinstance(part[key], int) else nasty_json(rng, part[key])
        return f"{key} = {part[key]!r}"[:200]
    return change_json(rng, data)


def _toml(data: dict[str, Any]) -> str:
    """TOML text; tables last, whatever cannot be written is written badly."""
    plain = [f"{key} = {_value(value)}" for key, value in data.items() if not (isinstance(value, dict) and value)]
    for key, table in data.items():
        if isinstance(table, dict) and table:
            plain += [f"[{key}]", *(f"{name} = {_value(value)}" for name, value in table.items())]
    return "\n".join(plain)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\n", "\\n") + '"'
    return str(value).lower() if isinstance(value, bool | float) else str(value)


@kind("hardware text", 8)
def hardware_text(rng: Random) -> Trial:
    """Words, lines and characters of a hardware file; absurdly long and deep values."""
    text = Hardware.load(rng.choice(presets())).to_toml()
    if rng.random() < 0.25:
        absurd = rng.choice(_ABSURD)
        lines = text.split("\n")
        at = rng.choice([i for i, line in enumerate(lines) if "=" in line])
        lines[at] = f"{lines[at].split('=')[0]}= {absurd}"
        return _hardware_trial(rng, f"{lines[at][:60]}", "\n".join(lines))
    note, text = rng.choice((_number, _word, _line, _character))(rng, text)
    return _hardware_trial(rng, note, text)


def _hardware_trial(rng: Random, note: str, text: str) -> Trial:
    net = pick_small(rng)

    def run() -> None:
        machine = Hardware.from_toml(text, where="fuzz.toml")
        assert Hardware.from_toml(machine.to_toml()) == machine
        run_network(net, {"name": "fuzz", "numerics": machine.numerics, "timing": machine.timing})

    return Trial(f"{net.name} on: {note}", run)


@kind("energy table", 2)
def energy_table(rng: Random) -> Trial:
    """The name of an energy table."""
    program = rng.choice(programs())
    name = rng.choice(("", "horowitz", "horowitz-45nm", "../presets/paper-4x4", "a" * 10_000, "\x00", "HOROWITZ-45NM"))
    return Trial(f"{program.name}: table {name[:30]!r}", lambda: energy_report(program, table=name))


@kind("gemm", 2)
def gemm_size(rng: Random) -> Trial:
    """The size of a GEMM, estimated where it is one; a million outputs are 200,000 instructions, and only read."""
    sides = ("0", "1", "17", "70", "-1", "007", "1048576", "1048577", "9" * 30, "", "1e3", "٣", "\x00")
    text = rng.choice(("x", "x", "x", "X", " x ", "*")).join(
        rng.choice(sides) for _ in range(rng.choice((2, 3, 3, 3, 4)))
    )
    hardware = rng.choice(presets())

    def run() -> None:
        net = parse_gemm(text)
        if "1048576" not in text:
            fxsim.estimate(net, hardware).table()

    return Trial(f"gemm {text!r} on {hardware}", run)


@kind("layer overrides", 4)
def layer_overrides(rng: Random) -> Trial:
    """Numerics of single layers, by name."""
    net = pick_small(rng)
    names = [node.name for node in net.nodes] + ["nobody", ""]
    fields = {"acc_bits": 20, "overflow": "wrap", "rows": 3, "reduction": "chain", "colour": 1, "bias_policy": "apply"}
    chosen = rng.sample(list(fields), rng.randint(1, 2))
    layers = {rng.choice(names): {name: rng.choice((fields[name], nasty_json(rng, fields[name]))) for name in chosen}}
    return Trial(f"{net.name}: {layers}", lambda: fxsim.lower(net, "paper-4x4", layers=layers).to_bytes())
