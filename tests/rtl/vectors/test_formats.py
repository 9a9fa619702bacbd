"""Every format holds the same numbers; compilers and simulators read what is written."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fxsim import lower
from fxsim._core.errors import InputError
from fxsim.hw import Hardware
from fxsim.numerics import SCHEMES
from fxsim.rtl import FORMATS, VectorArray, VectorSet, layer_vectors, write_vectors
from fxsim.rtl.vectors.arrays import table
from fxsim.testing import Chain
from tests.rtl.vectors.reading import Words, has, read, record_of

INT64 = np.iinfo(np.int64)


@pytest.fixture(scope="module")
def vectors() -> VectorSet:
    """A small layer's vectors, and arrays with the ends of every width."""
    net = Chain((1, 3, 4, 3), seed=3).conv(5, (2, 2)).build()
    hw = Hardware.load("paper-4x4").replace(acc_bits=18, requant_lanes=2)
    x = np.random.default_rng(0).integers(-128, 128, (1, 3, 4, 3)).astype(np.int8)
    found = layer_vectors(lower(net, hw), x, 0)
    program, layer = found.program, found.layer
    return VectorSet(program, layer, found.cycles, found.rule, found.geometry, found.tensors, (*found.arrays, *ends()))


def ends() -> list[VectorArray]:
    """Least and greatest codes of some widths; one word; many words."""
    arrays = []
    for bits in (1, 4, 8, 18, 31, 32, 33, 62, 64):
        lo, hi = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        codes = np.array([[lo, hi, 0], [hi, lo, -1]], np.int64)
        arrays.append(VectorArray(f"signed{bits}", "ends", codes, ("a", "b"), bits))
        arrays.append(VectorArray(f"lanes{bits}", "ends", codes, ("a", "b"), bits, packed=True))
        arrays.append(
            VectorArray(
                f"natural{bits}", "ends", codes & (1 << bits) - 1 if bits < 64 else codes, ("a", "b"), bits, False
            )
        )
    one = np.array([[-5]], np.int64)
    arrays.append(VectorArray("single", "one word", one, ("a", "b"), 8))
    arrays.append(VectorArray("single_word", "one word", one, ("a", "b"), 40, packed=True))
    long = np.arange(-2500, 2500)
    arrays.append(VectorArray("deep", "many words", long, ("a",), 13))
    arrays.append(VectorArray("deepwide", "many words", long.repeat(2).reshape(-1, 2), ("a", "b"), 13, packed=True))
    return arrays


def expected(vectors: VectorSet) -> dict[str, Words]:
    found: dict[str, Words] = {}
    for array in vectors.arrays:
        top = 0 if array.signed else 1 << array.bits
        lanes = array.codes.shape[-1] if array.packed else 1
        flat = [code % top if top else code for code in array.codes.reshape(-1).tolist()]
        found[array.name] = [flat[i : i + lanes] for i in range(0, len(flat), lanes)]
    return found


@pytest.mark.parametrize("format_name", ["readmemh", "npy", "vhdl"])
def test_numbers_survive(vectors: VectorSet, format_name: str, tmp_path: Path) -> None:
    write_vectors(vectors, tmp_path / "v", format_name)
    assert read(tmp_path / "v") == expected(vectors)


@pytest.mark.skipif(not has("gcc"), reason="gcc is not installed")
def test_c_compiles_without_a_warning_and_prints_the_numbers(vectors: VectorSet, tmp_path: Path) -> None:
    write_vectors(vectors, tmp_path / "v", "c")
    assert read(tmp_path / "v") == expected(vectors)


def test_c_names_belong_to_the_layer(vectors: VectorSet, tmp_path: Path) -> None:
    write_vectors(vectors, tmp_path / "v", "c")
    header = (tmp_path / "v" / "vectors.h").read_text(encoding="ascii")
    names = re.findall(r"^(?:#define|extern const \w+) (\w+)", header, re.MULTILINE)
    assert len(names) > 40
    assert {name for name in names if not name.lower().startswith("layer0_")} == {"FXSIM_LAYER0_VECTORS_H"}
    assert re.search(r"^#define LAYER0_OUT_ZERO \(-7\)$", header, re.MULTILINE)


VHDL_WORDS = """
    abs access after alias all and architecture array assert assume attribute begin block body buffer bus case
    component configuration constant context cover default disconnect downto else elsif end entity exit fairness
    file for force function generate generic group guarded if impure in inertial inout is label library linkage
    literal loop map mod nand new next nor not null of on open or others out package parameter port postponed
    procedure process property protected pure range record register reject release rem report restrict return rol
    ror select sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected
    units until use variable vmode vprop vunit wait when while with xnor xor
"""


def test_vhdl_names_are_legal_and_differ(vectors: VectorSet, tmp_path: Path) -> None:
    write_vectors(vectors, tmp_path / "v", "vhdl")
    text = (tmp_path / "v" / "vectors.vhd").read_text(encoding="ascii")
    assert max(map(len, text.splitlines())) < 1200
    package = text.split("end package;")[0]
    names = re.findall(r"^ *(?:package|constant|type|impure function) (\S+?)(?=[ (])", package, re.MULTILINE)
    assert len(names) > 80
    for name in names:
        assert re.fullmatch("[a-z](_?[a-z0-9])*", name, re.IGNORECASE), name
        assert name.lower() not in VHDL_WORDS.split()
    assert len({name.lower() for name in names}) == len(names)


PROCESS = """
  process
    constant memory : {kind} := {source};
    variable text : line;
  begin
    for i in memory'range loop
      write(text, string'("{name} ") & {shown});
      writeline(output, text);
    end loop;
    wait;
  end process;
"""
BENCH = """
library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;
use work.layer0_vectors.all;
entity bench is end entity;
architecture a of bench is
begin{processes}
end architecture;
"""


def is_integer_vector(array: dict[str, Any]) -> bool:
    return bool(array["file"].endswith(".vhd") and array["codes_per_word"] == 1 and array["bits"] <= 31)


def ghdl_process(array: dict[str, Any]) -> str:
    name, plain = array["name"], is_integer_vector(array)
    return PROCESS.format(
        name=name,
        kind=f"integer_vector(0 to {array['words'] - 1})" if plain else f"{name}_memory",
        source=name if array["file"].endswith(".vhd") else f"read_{name}",
        shown="integer'image(memory(i))" if plain else "to_hstring(memory(i))",
    )


def words_of(array: dict[str, Any], codes: Words) -> list[int]:
    bits = array["bits"]
    return [sum((code % (1 << bits)) << bits * i for i, code in enumerate(word)) for word in codes]


@pytest.mark.skipif(not has("ghdl"), reason="GHDL is not installed")
def test_ghdl_reads_constants_and_files(vectors: VectorSet, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    write_vectors(vectors, folder, "vhdl")
    arrays = record_of(folder)["arrays"]
    (folder / "bench.vhd").write_text(BENCH.format(processes="".join(map(ghdl_process, arrays))))
    for command in (["-a", "--std=08", "vectors.vhd", "bench.vhd"], ["-e", "--std=08", "bench"]):
        subprocess.run(["ghdl", *command], cwd=folder, check=True)
    done = subprocess.run(["ghdl", "-r", "--std=08", "bench"], cwd=folder, capture_output=True, text=True, check=True)
    shown = words_shown(done.stdout)
    for array in arrays:
        codes = expected(vectors)[array["name"]]
        if is_integer_vector(array):
            assert [[int(word)] for word in shown[array["name"]]] == codes
        else:
            assert [int(word, 16) for word in shown[array["name"]]] == words_of(array, codes)


def words_shown(text: str) -> dict[str, list[str]]:
    """Printed words by array name."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, word = line.split()
        found.setdefault(name, []).append(word)
    return found


@pytest.mark.skipif(not has("iverilog"), reason="Icarus Verilog is not installed")
def test_icarus_loads_every_array_by_its_parameters(vectors: VectorSet, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    write_vectors(vectors, folder, "readmemh")
    arrays = record_of(folder)["arrays"]
    lines = ["module top;", '`include "vectors.svh"', "integer i;"]
    loads = []
    for array in arrays:
        stem = array["name"].upper()
        lanes = f"{stem}_LANES*" if f" {stem}_LANES =" in (folder / "vectors.svh").read_text() else ""
        lines.append(f"reg [{lanes}{stem}_BITS-1:0] {array['name']} [0:{stem}_WORDS-1];")
        loads.append(f'$readmemh("{array["file"]}", {array["name"]});\nfor (i = 0; i < {stem}_WORDS; i = i + 1)'
                     f' $display("{array["name"]} %h", {array["name"]}[i]);')  # fmt: skip
    source = "\n".join([*lines, "initial begin", *loads, "end", "endmodule"])
    (folder / "top.sv").write_text(source + "\n")
    subprocess.run(["iverilog", "-g2012", "-Wall", "-Wno-timescale", "-o", "top", "top.sv"], cwd=folder, check=True)
    shown = subprocess.run(["vvp", "top"], cwd=folder, capture_output=True, text=True, check=True)
    assert not shown.stderr
    found = words_shown(shown.stdout)
    for array in arrays:
        words = words_of(array, expected(vectors)[array["name"]])
        assert [int(word, 16) for word in found[array["name"]]] == words


def test_every_scheme_is_explained(vectors: VectorSet, tmp_path: Path) -> None:
    for name in SCHEMES:
        changed = replace(vectors, rule={**vectors.rule, "scheme": name})
        write_vectors(changed, tmp_path / name, "npy")
        assert f"\nRequantizer {name}: " in (tmp_path / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_sidecar_is_true(vectors: VectorSet, format_name: str, tmp_path: Path) -> None:
    paths = write_vectors(vectors, tmp_path / "v", format_name)
    assert sorted(paths) == sorted((tmp_path / "v").iterdir())
    record: dict[str, Any] = record_of(tmp_path / "v")
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.suffix != ".json"}
    assert record["files"] == sums
    assert Hardware.from_dict(record["hardware"]) == vectors.program.hardware
    assert record["program"]["sha256"] == hashlib.sha256(vectors.program.to_bytes()).hexdigest()
    assert (record["schema"], record["format"]) == (1, format_name)
    for array, entry in zip(vectors.arrays, record["arrays"], strict=True):
        assert entry["sha256"] == sums[entry["file"]]
        assert (entry["name"], entry["shape"], entry["bits"]) == (array.name, list(array.codes.shape), array.bits)
        assert (entry["file"] == f"{array.name}.txt") == (format_name == "vhdl" and entry["words"] > 4096)
    readme = (tmp_path / "v" / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{array.name}` | `{entry['file']}` |" in readme
               for array, entry in zip(vectors.arrays, record["arrays"], strict=True))  # fmt: skip
    assert all(f"| `{column}` |" in readme for array in vectors.arrays for column in array.columns)


def test_codes_stand_in_the_narrowest_type(vectors: VectorSet) -> None:
    widths = {1: 8, 4: 8, 8: 8, 18: 32, 31: 32, 32: 32, 33: 64, 62: 64, 64: 64}
    for bits, width in widths.items():
        assert vectors[f"signed{bits}"].dtype == f"int{width}"
        assert vectors[f"natural{bits}"].dtype == f"uint{width}"


@pytest.mark.parametrize(("number", "bits"), [(2**31 - 1, 32), (-(2**31), 32), (2**31, 64), (-(2**31) - 1, 64)])
def test_tables_are_as_wide_as_their_numbers(number: int, bits: int) -> None:
    array = table("t", "numbers", {"a": np.array([0, number]), "b": np.array([1, 2])}, "line")
    assert (array.bits, array.signed, array.columns) == (bits, True, ("a", "b"))
    assert array.codes.tolist() == [[0, 1], [number, 2]]


def test_unknown_formats_are_refused(vectors: VectorSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of: readmemh, vhdl, c, npy, not 'xml'"):
        write_vectors(vectors, tmp_path / "v", "xml")
    assert not list(tmp_path.iterdir())
