"""Strategies and checkers to verify a design against fxsim; needs the extra ``testing``.

A *design under test* is a Python callable: a C kernel behind ctypes, RTL in a simulator, a board behind a socket. Three
checkers ask it random questions that seek the edges, compare every answer with plain-integer arithmetic, and allow no
difference:

- `check_kernel`: a requantizer, ``dut(acc, multiplier, shift, zero, lo, hi)``, or a dot product, ``dut(x, w, bias)``;
- `check_layer`: one operator, ``dut(net, x)``;
- `check_program`: a machine that runs instruction streams, ``dut(program)``, to the cycle if it has a clock.

Here a requantizer drops the bits that it shifts out, instead of rounding:

>>> from fxsim.testing import MismatchError, check_kernel
>>> def requantize(acc, multiplier, shift, zero, lo, hi):
...     product = acc.astype(object) * multiplier * 2 ** max(shift, 0)
...     codes = [int(p) >> 31 + max(-shift, 0) for p in product]
...     return [min(max(code + zero, lo), hi) for code in codes]
>>> try:
...     check_kernel(requantize, "requantize", examples=300)
... except MismatchError as error:
...     print(error)  # doctest: +ELLIPSIS
codes[0] must be ..., not ... (1 of 1 differ)
<BLANKLINE>
As Python, with the design called dut:
...

The error holds the smallest wrong question as Python, as assembly and, with ``folder=...``, as `$readmemh` files: the
same arguments, one file each, and what is expected. What a design raises is an answer too, and is made small likewise.
A right design gets a `Checked`, which says how much was compared.

**C.** Compile with ``gcc -shared -fPIC`` and hand over pointers; arguments are copies, a kernel may write into them::

    library = ctypes.CDLL("./kernel.so")

    def dut(acc, *numbers):
        out = np.empty(len(acc), np.int32)
        library.requantize(acc.ctypes.data_as(ctypes.c_void_p), len(acc), *numbers,
                           out.ctypes.data_as(ctypes.c_void_p))
        return out

**RTL in a simulator.** Write the arguments as `$readmemh` files (`fxsim.rtl.readmemh_text`), run the testbench, read
what it wrote. A process costs milliseconds: give fewer ``examples``, or talk to one simulator through pipes. For
`check_program` build once for one ``hw`` and feed instructions and constants at run time::

    def dut(acc, *numbers):
        (work / "acc.hex").write_text(readmemh_text(acc, 32))
        names = ("multiplier", "shift", "zero", "lo", "hi")
        plusargs = [f"+n={len(acc)}", *(f"+{name}={number}" for name, number in zip(names, numbers))]
        subprocess.run(["vvp", "tb.vvp", *plusargs], cwd=work, check=True)
        return [int(line) for line in (work / "codes.txt").read_text().splitlines()]

**A board behind a socket**::

    def dut(acc, *numbers):
        board.sendall(struct.pack(f"<6i{len(acc)}i", len(acc), *numbers, *acc.tolist()))
        return np.frombuffer(read_exactly(board, 4 * len(acc)), "<i4")

``hw`` says what the design is: its numerics decide widths, overflow, groups, order and scheme. The same ``seed`` asks
the same questions on the same versions of Python, hypothesis and fxsim. The strategies below are hypothesis strategies
for tests of your own; each says what it draws and towards what it shrinks.
"""

from fxsim.testing.chain import Chain
from fxsim.testing.checking import (
    Checked,
    MismatchError,
    ProgramRun,
    check_kernel,
    check_layer,
    check_program,
    expected_run,
)
from fxsim.testing.integers import codes, formats, tensors
from fxsim.testing.layers import Case, layers, networks, samples
from fxsim.testing.machines import hardware
from fxsim.testing.mobilenet import mobilenet_v1
from fxsim.testing.programs import programs, programs_with_data
from fxsim.testing.quantization import affines, scales
from fxsim.testing.requants import factors, requants
from fxsim.testing.sums import MacSum, aimed_biases, mac_sums

__all__ = [
    "Case",
    "Chain",
    "Checked",
    "MacSum",
    "MismatchError",
    "ProgramRun",
    "affines",
    "aimed_biases",
    "check_kernel",
    "check_layer",
    "check_program",
    "codes",
    "expected_run",
    "factors",
    "formats",
    "hardware",
    "layers",
    "mac_sums",
    "mobilenet_v1",
    "networks",
    "programs",
    "programs_with_data",
    "requants",
    "samples",
    "scales",
    "tensors",
]
