"""Hardware descriptions: files, flat names, presets, refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fxsim._core.errors import HardwareError
from fxsim.hw import DEFAULT_PRESET, Hardware, Numerics, Timing, presets


def test_presets() -> None:
    assert presets() == ("edge-16x16", "gemmini-like-16x16-ws", "paper-4x4", "server-128x128")
    assert Hardware.load(DEFAULT_PRESET).timing == Timing()
    assert [Hardware.load(name).name for name in presets()] == list(presets())


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("paper-4x4", "4x4 100MHz 8/8/2KiB 4/16B 2x4 1/4 4B,10,1 1,1,2,2"),
        ("edge-16x16", "16x16 500MHz 128/112/16KiB 16/64B 2x32 4/16 8B,64,4 2,1,2,4"),
        ("server-128x128", "128x128 700MHz 4096/2048/256KiB 128/512B 2x256 32/128 64B,100,16 3,1,2,4"),
        ("gemmini-like-16x16-ws", "16x16 1000MHz 128/112/16KiB 16/16B 2x512 16/16 16B,40,16 1,1,2,4"),
    ],
)
def test_presets_are_the_page(name: str, row: str) -> None:
    """The table of presets: scratchpads, ports, slots, lanes, DRAM, latencies."""
    t = Hardware.load(name).timing
    spads = "/".join(str(size // 1024) for size in (t.act_spad_bytes, t.weight_spad_bytes, t.param_spad_bytes))
    assert row == (
        f"{t.rows}x{t.cols} {t.clock_mhz}MHz {spads}KiB {t.x_port_bytes}/{t.w_port_bytes}B 2x{t.half_depth} "
        f"{t.requant_lanes}/{t.vector_lanes} {t.dram_bytes_per_cycle}B,{t.dram_latency},{t.dram_outstanding} "
        f"{t.read_latency},{t.mul_latency},{t.tree_levels_per_stage},{t.requant_latency}"
    )


@pytest.mark.parametrize("name", presets())
def test_preset_numerics(name: str) -> None:
    """Int8 with 32-bit accumulators; gemmini-like wraps in a chain, the others saturate behind a tree."""
    hw = Hardware.load(name)
    rule = ("wrap", "chain", 1) if name.startswith("gemmini") else ("saturate", "tree", hw.timing.cols)
    assert hw == Hardware(
        name=name,
        timing=hw.timing,
        overflow=rule[0],
        reduction=rule[1],
        group_size=rule[2],
    )
    assert hw.timing.chain_per_stage == 1


@pytest.mark.parametrize("name", presets())
def test_toml_round_trip(name: str, tmp_path: Path) -> None:
    hw = Hardware.load(name).replace(acc_bits=20, overflow="wrap")
    path = tmp_path / "mine.toml"
    path.write_text(hw.to_toml(), encoding="utf-8")
    assert Hardware.load(path) == hw
    assert Hardware.from_dict(hw.to_dict()) == hw


def test_every_field_is_documented_with_unit_and_range() -> None:
    for part in (Numerics, Timing):
        for field in dataclasses.fields(part):
            meta = field.metadata
            assert meta["doc"], field.name
            assert meta["values"] or (meta["lo"] is not None and meta["hi"] is not None), field.name
            assert f"{field.name} = " in Hardware().to_toml()


def test_flat_names_are_routed() -> None:
    hw = Hardware(rows=8, cols=4, acc_bits=18)
    assert (hw.timing.rows, hw.timing.cols, hw.numerics.acc_bits, hw.numerics.group_size) == (8, 4, 18, 4)
    chain = hw.replace(reduction="chain")
    assert (chain.numerics.group_size, chain.timing.cols) == (1, 4)
    assert chain.replace(reduction="tree").numerics.group_size == 4
    assert hw.replace(cols=32).numerics.group_size == 32


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"acc_bits": 1}, "acc_bits must be an integer in 2..64 bits, not 1"),
        ({"acc_bits": True}, "acc_bits must be an integer"),
        ({"name": 5}, "name must be printable text, not 5"),
        ({"name": "\ud800"}, "name must be printable text"),
        ({"acc_bits": 8.5}, "acc_bits must be an integer"),
        ({"overflow": "explode"}, "overflow must be one of saturate, wrap, trap, readout, not 'explode'"),
        ({"rows": 0}, "rows must be an integer in 1..1023"),
        ({"bias_bits": 40}, "bias_bits must be 32, 48 or 64, not 40"),
        ({"acc_depth": 7}, "acc_depth must be even"),
        ({"group_size": 8}, "group_size must equal cols = 16"),
        ({"reduction": "chain", "group_size": 4}, "group_size must be 1"),
        ({"overflow": "readout", "acc_internal_bits": 16}, "acc_internal_bits must be at least acc_bits = 32"),
        ({"inner_bits": 1}, "inner_bits must be 0 or in 2..63 bits, not 1"),
        ({"inner_bits": 16, "inner_products": 40}, "inner_products must be a multiple of group_size = 16, not 40"),
        ({"inner_bits": 16, "cols": 6, "reduction": "chain"}, "multiple of cols = 6, at most 3066, not 64"),
        ({"inner_bits": 16, "cols": 2, "inner_products": 1024}, "multiple of cols = 2, at most 1022, not 1024"),
        ({"inner_overflow": "trap"}, "inner_overflow must be one of saturate, wrap, not 'trap'"),
        ({"requant_lanes": 32}, "requant_lanes must be at most x_port_bytes"),
        ({"speed": 3}, r"hardware fields must be known .*, not \['speed'\]"),
    ],
)
def test_refusals(fields: dict[str, object], message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        Hardware(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 2\nname = 'x'", "schema must be 1, not 2"),
        ("schema = 1", "name must be printable text"),
        ("schema = 1\nname = 'x'\nspeed = 1", "hardware keys must be"),
        ("schema = 1\nname = 'x'\n[timing]\nspeed = 1", r"timing must not have unknown fields, not \['speed'\]"),
        ("schema = 1\nname = 'x'\ntiming = 3", "timing must be a table, not 3"),
        ("schema = 1\nname = 'x'\n[timing]\nrows = 'many'", "rows must be an integer"),
        ("schema = ", "must be TOML"),
        ("a = " + "[" * 5000, "must be TOML"),
    ],
)
def test_bad_files(text: str, message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        Hardware.from_toml(text)


def test_missing_and_strange_paths(tmp_path: Path) -> None:
    names = "edge-16x16, gemmini-like-16x16-ws, paper-4x4, server-128x128"
    with pytest.raises(HardwareError, match=f"must be a .toml file or one of: {names}, not 'edge'"):
        Hardware.load("edge")
    with pytest.raises(HardwareError, match="readable text"):
        Hardware.load(tmp_path / "none.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HardwareError, match="readable text"):
        Hardware.load(binary)
    with pytest.raises(HardwareError, match="name must be printable"):
        Hardware(name="a\nb")
