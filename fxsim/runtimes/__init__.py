"""Adapters to real runtimes and the certificates that compare our profiles with them (extra ``oracles``)."""

from fxsim.runtimes.case import Case
from fxsim.runtimes.cases import cases
from fxsim.runtimes.certification import (
    CERTIFIED,
    LITERT,
    TFLM,
    CertRow,
    Runtime,
    certify,
    count_mismatches,
    oracle_of,
)
from fxsim.runtimes.columns import COLUMNS, runtime_column
from fxsim.runtimes.litert import litert_version, run_litert
from fxsim.runtimes.tflm import run_tflm, tflm_version

__all__ = [
    "CERTIFIED",
    "COLUMNS",
    "LITERT",
    "TFLM",
    "Case",
    "CertRow",
    "Runtime",
    "cases",
    "certify",
    "count_mismatches",
    "litert_version",
    "oracle_of",
    "run_litert",
    "run_tflm",
    "runtime_column",
    "tflm_version",
]
