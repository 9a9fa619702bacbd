"""Readers of written vectors that share nothing with the writers: every format to plain lists of words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

Words = list[list[int]]
"""Codes word by word; a word of one code is a list of one."""


def record_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    return found


def read(folder: Path) -> dict[str, Words]:
    record = record_of(folder)
    if record["format"] == "c":
        return read_c(folder, record)
    reader = {"readmemh": read_hex, "npy": read_npy, "vhdl": read_vhdl}[record["format"]]
    return {array["name"]: reader(folder, array) for array in record["arrays"]}


def lanes_of(word: int, array: dict[str, Any]) -> list[int]:
    bits = array["bits"]
    codes = [word >> bits * i & (1 << bits) - 1 for i in range(array["codes_per_word"])]
    assert word >> bits * array["codes_per_word"] == 0
    return [code - (1 << bits) * (array["signed"] and code >> bits - 1) for code in codes]


def read_hex(folder: Path, array: dict[str, Any]) -> Words:
    lines = (folder / array["file"]).read_text(encoding="ascii").splitlines()
    words = [line for line in lines if not line.startswith("//")]
    assert {len(word) for word in words} == {-(-array["bits"] * array["codes_per_word"] // 4)}
    return [lanes_of(int(word, 16), array) for word in words]


def read_npy(folder: Path, array: dict[str, Any]) -> Words:
    values = np.load(folder / array["file"])
    assert (values.dtype.str, list(values.shape)) == (np.dtype(array["dtype"]).newbyteorder("<").str, array["shape"])
    words: Words = values.reshape(-1, array["codes_per_word"]).tolist()
    return words


def read_c(folder: Path, record: dict[str, Any]) -> dict[str, Words]:
    """Print all arrays, one a line, from a compiled C program."""
    prints = []
    for array in record["arrays"]:
        name, kind = f"layer{record['layer']['number']}_{array['name']}", f"{array['dtype']}_t"
        prints.append(f"  PRINT({name}, {kind}, {'intmax_t' if array['signed'] else 'uintmax_t'}, "
                      f'"{"%jd" if array["signed"] else "%ju"} ");')  # fmt: skip
    source = f"""
#include <stdio.h>
#include "vectors.h"
#define PRINT(name, kind, wide, text) \\
  for (size_t i = 0; i < sizeof name / sizeof(kind); i++) printf(text, (wide)((const kind *)name)[i]); \\
  putchar('\\n')
int main(void) {{
{chr(10).join(prints)}
  return 0;
}}
"""
    work = folder.parent / f"{folder.name}_build"
    work.mkdir(exist_ok=True)
    (work / "main.c").write_text(source)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{folder}"]
    subprocess.run(["gcc", *flags, str(folder / "vectors.c"), "main.c", "-o", "show"], cwd=work, check=True)
    shown = subprocess.run([str(work / "show")], capture_output=True, text=True, check=True).stdout.splitlines()
    found = {}
    for array, line in zip(record["arrays"], shown, strict=True):
        codes, lanes = [int(code) for code in line.split()], array["codes_per_word"]
        found[array["name"]] = [codes[i : i + lanes] for i in range(0, len(codes), lanes)]
    return found


def read_vhdl(folder: Path, array: dict[str, Any]) -> Words:
    """Take the constant of the package apart, or read the text file of a long array."""
    if array["file"].endswith(".txt"):
        return read_hex(folder, array)
    text = "".join(line.split("--")[0] + "\n" for line in (folder / array["file"]).read_text().splitlines())
    found = re.search(rf"constant {array['name']} : ([^:]*) := \(([^)]*)\);", text)
    assert found
    elements = [element.strip() for element in found[2].split(",")]
    if len(elements) == 1:
        assert elements[0].startswith("0 => ")
        elements = [elements[0].removeprefix("0 => ")]
    width = array["bits"] * array["codes_per_word"]
    if found[1].startswith("integer_vector"):
        assert array["bits"] <= 31
        assert found[1] == f"integer_vector(0 to {len(elements) - 1})"
        return [[int(element)] for element in elements]
    memory = re.search(rf"type {found[1]} is array \(0 to (\d+)\) of std_logic_vector\((\d+) downto 0\);", text)
    assert memory
    assert (int(memory[1]), int(memory[2])) == (len(elements) - 1, width - 1)
    words = [re.fullmatch(r'(\d+)x"([0-9a-f]+)"', element) for element in elements]
    assert {word and word[1] for word in words} == {str(width)}
    return [lanes_of(int(word[2], 16), array) for word in words if word]


def has(command: str) -> bool:
    return shutil.which(command) is not None
