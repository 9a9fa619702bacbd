"""Many instances of combinational modules in one build: int64 records in, int64 records out.

Every port of an instance has 64 bits of its record, so one record of all instances is `int64 [instances, ports]`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fxsim.rtl.verilated import verilator

Ints = NDArray[np.int64]

SV = Path(__file__).resolve().parents[2] / "fxsim" / "rtl" / "sv"

_TIMEOUT_S = 300
_CHUNK = 20_000
_RUNTIME: dict[str, bytes] = {}
"""Verilator's own objects, equal in every build and most of its time."""
_MAIN = """#include <cstdio>
#include <cstdlib>
#include "Vinstances.h"

int main(int, char** argv) {
  const size_t read = atoi(argv[1]), written = atoi(argv[2]);
  Vinstances top;
  while (fread(&top.records, read, 1, stdin) == 1) {
    top.eval();
    fwrite(&top.codes, written, 1, stdout);
  }
}
"""
_ICARUS = """module bench;
  reg [{read}-1:0] records [0:{count}-1];
  reg [{read}-1:0] record;
  wire [{written}-1:0] codes;
  integer i;
  instances all (.records(record), .codes(codes));
  initial begin
    $readmemh("records.hex", records);
    for (i = 0; i < {count}; i = i + 1) begin
      record = records[i];
      #1 $display("%h", codes);
    end
  end
endmodule
"""


@dataclass(frozen=True, slots=True)
class Instance:
    """A module, its parameters, and the bits of its inputs and outputs in the order of the record."""

    module: str
    parameters: dict[str, int]
    inputs: dict[str, int]
    outputs: dict[str, int]

    def text(self, number: int) -> str:
        """Its lines of the module `instances`."""
        reads, writes = (64 * number * len(ports) for ports in (self.inputs, self.outputs))
        given = [f".{p}(records[{reads + 64 * i} +: {bits}])" for i, (p, bits) in enumerate(self.inputs.items())]
        taken = [f".{p}({p}_{number})" for p in self.outputs]
        parameters = ", ".join(f".{p}({value})" for p, value in self.parameters.items())
        wires = [f"  logic signed [{bits - 1}:0] {p}_{number};\n" for p, bits in self.outputs.items()]
        codes = [f"  assign codes[{writes + 64 * i} +: 64] = 64'({p}_{number});\n" for i, p in enumerate(self.outputs)]
        made = f"  {self.module} {f'#({parameters}) ' * bool(parameters)}u_{number} ({', '.join([*given, *taken])});\n"
        return "".join([*wires, made, *codes])


@dataclass(frozen=True, slots=True)
class Instances:
    """Instances with equally many inputs, and outputs, in a folder of their own."""

    folder: Path
    instances: Sequence[Instance]
    sources: Sequence[Path]

    def bits(self, count: int) -> tuple[int, int]:
        """Bits of a record in, and out, of the first `count` instances."""
        first = self.instances[0]
        return 64 * count * len(first.inputs), 64 * count * len(first.outputs)

    def write(self) -> list[Path]:
        """Write the module of all instances; every source, top last."""
        read, written = self.bits(len(self.instances))
        body = "".join(instance.text(i) for i, instance in enumerate(self.instances))
        unused = "  logic unused;\n  assign unused = &{1'b0, records};\n"
        ports = f"input logic [{read - 1}:0] records, output logic [{written - 1}:0] codes"
        top = self.folder / "instances.sv"
        top.write_text(f"module instances ({ports});\n{body}{unused}endmodule\n", encoding="utf-8")
        return [*self.sources, top]

    def build(self) -> None:
        """Build the executable with Verilator; its warnings are errors."""
        main, obj = self.folder / "main.cpp", self.folder / "obj"
        main.write_text(_MAIN, encoding="utf-8")
        command = [str(verilator()), "-Wall", "--cc", "--exe", "--output-split", "0", "--top-module", "instances"]
        _run([*command, "--Mdir", str(obj), str(main), *map(str, self.write())], self.folder)
        for name, compiled in _RUNTIME.items():
            (obj / name).write_bytes(compiled)
        _run(["make", "-j", "2", "-f", "Vinstances.mk", "OPT_GLOBAL=-O0", "OPT_FAST=-O1"], obj)
        _RUNTIME.update({made.name: made.read_bytes() for made in obj.glob("verilated*.o")})

    def evaluate(self, inputs: Sequence[Ints]) -> list[Ints]:
        """Outputs int64 [n, outputs] of the first instances for their inputs, int64 [n, inputs]."""
        longest = max(map(len, inputs))
        slices = [[one[start : start + _CHUNK] for one in inputs] for start in range(0, longest, _CHUNK)]
        found = np.concatenate([self._outputs(_padded(chunk)) for chunk in slices])
        return [found[: len(one), i] for i, one in enumerate(inputs)]

    def _outputs(self, records: Ints) -> Ints:
        count = records.shape[1]
        sizes = [str(bits // 8) for bits in self.bits(count)]
        found = _run([str(self.folder / "obj" / "Vinstances"), *sizes], self.folder, records.tobytes())
        return np.frombuffer(found, dtype="<i8").reshape(len(records), count, -1)

    def evaluate_icarus(self, inputs: Sequence[Ints]) -> list[Ints]:
        """As `evaluate`, by Icarus Verilog."""
        read, written = self.bits(len(self.instances))
        records = _padded(inputs)
        lines = [record.tobytes()[::-1].hex() for record in records]
        (self.folder / "records.hex").write_text("\n".join(lines), encoding="utf-8")
        bench = self.folder / "bench.sv"
        bench.write_text(_ICARUS.format(read=read, written=written, count=len(records)), encoding="utf-8")
        _run(["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", *map(str, self.write()), str(bench)], self.folder)
        shown = _run(["vvp", "-n", "bench.vvp"], self.folder).split()
        found = np.frombuffer(b"".join(bytes.fromhex(line.decode())[::-1] for line in shown), dtype="<i8")
        codes = found.reshape(len(records), len(self.instances), -1)
        return [codes[: len(one), i] for i, one in enumerate(inputs)]


def _padded(inputs: Sequence[Ints]) -> Ints:
    """Records int64 [longest, instances, inputs]; zeros where an instance has no more."""
    records = np.zeros((max(map(len, inputs)), len(inputs), max(one.shape[1] for one in inputs)), dtype="<i8")
    for i, one in enumerate(inputs):
        records[: len(one), i] = one
    return records


def _run(command: list[str], folder: Path, given: bytes = b"") -> bytes:
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout
