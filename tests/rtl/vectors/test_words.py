"""Text for ``$readmemh`` against big integers and against Icarus Verilog."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import InputError
from fxsim.rtl import readmemh_text
from tests.rtl.vectors.reading import has


@given(st.data(), st.integers(1, 64), st.integers(0, 9), st.integers(1, 5))
def test_words_are_big_integers(data: st.DataObject, bits: int, count: int, lanes: int) -> None:
    codes = st.integers(-(1 << bits - 1), (1 << min(bits, 63)) - 1)
    lines = data.draw(st.lists(st.lists(codes, min_size=lanes, max_size=lanes), min_size=count, max_size=count))
    text = readmemh_text(np.array(lines, np.int64).reshape(count, lanes), bits)
    expected = [sum((code % (1 << bits)) << bits * i for i, code in enumerate(line)) for line in lines]
    assert [int(word, 16) for word in text.splitlines()] == expected
    assert {len(word) for word in text.splitlines()} <= {-(-bits * lanes // 4)}
    if lanes == 1:
        assert readmemh_text(np.array(lines, np.int64).reshape(count), bits) == text


def test_chunks_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.arange(-40, 41)
    whole = readmemh_text(codes, 7)
    monkeypatch.setattr("fxsim.rtl.vectors.words._CHUNK_BITS", 21)
    assert readmemh_text(codes, 7) == whole == "".join(f"{code % 128:02x}\n" for code in range(-40, 41))


def test_unsigned_words_of_64_bits() -> None:
    assert readmemh_text(np.array([2**64 - 1, 1], np.uint64), 64) == f"{'f' * 16}\n{'0' * 15}1\n"


@pytest.mark.parametrize(
    ("codes", "bits", "message"),
    [
        (np.array([128]), 7, "7 bits"),
        (np.array([-65]), 7, "7 bits"),
        (np.array([1.0]), 7, "integers"),
        (np.zeros((1, 1, 1), np.int8), 7, "lanes"),
        (np.array(3), 7, "lanes"),
        (np.array([0]), 0, "1..64"),
        (np.array([0]), 65, "1..64"),
    ],
)
def test_what_is_refused(codes: np.ndarray, bits: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        readmemh_text(codes, bits)


@pytest.mark.skipif(not has("iverilog"), reason="Icarus Verilog is not installed")
def test_icarus_reads_lanes(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(-(1 << 17), 1 << 17, (20, 3))
    (tmp_path / "a.hex").write_text("// words\n" + readmemh_text(codes, 18))
    (tmp_path / "a.v").write_text("""
module top;
  reg [53:0] memory [0:19];
  integer i, j;
  initial begin
    $readmemh("a.hex", memory);
    for (i = 0; i < 20; i = i + 1)
      for (j = 0; j < 3; j = j + 1) $display("%0d", $signed(memory[i][j * 18 +: 18]));
  end
endmodule
""")
    subprocess.run(["iverilog", "-o", "a", "a.v"], cwd=tmp_path, check=True)
    shown = subprocess.run(["vvp", "a"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert list(map(int, shown.stdout.split())) == codes.reshape(-1).tolist()
    assert not shown.stderr
