"""The runtimes' wheels live together in one process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.given import require_oracles


@pytest.mark.oracle
def test_all_three_import_in_one_process() -> None:
    require_oracles()
    code = "import ai_edge_litert.interpreter, tflite_micro, onnxruntime; print('together')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("together")
