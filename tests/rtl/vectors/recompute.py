"""A layer recomputed in plain Python integers from a folder of vectors, and from nothing else."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fxsim.numerics import Overflow
from fxsim.numerics.reference import ref_overflow, ref_requantize
from tests.rtl.vectors.reading import Words

Row = dict[str, int]


def table(record: dict[str, Any], arrays: dict[str, Words], name: str) -> list[Row]:
    (columns,) = [array["columns"] for array in record["arrays"] if array["name"] == name]
    return [dict(zip(columns, word, strict=True)) for word in arrays[name]]


@dataclass
class Layer:
    """What the files say; `bank` is the accumulators by (half, slot)."""

    record: dict[str, Any]
    arrays: dict[str, Words]
    bank: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    inners: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rule: dict[str, Any] = self.record["rule"]
        self.geometry: dict[str, int] = self.record["geometry"]
        self.flat = {name: [word[0] for word in words] for name, words in self.arrays.items()}
        self.tiles = table(self.record, self.arrays, "tiles")
        self.mode = Overflow[self.rule["overflow"].upper()]

    def overflow(self, exact: int) -> tuple[int, bool]:
        return ref_overflow(exact, self.rule["acc_bits"], self.mode, self.rule["internal_bits"])

    @property
    def depth(self) -> int:
        g = self.geometry
        return int(g["kh"] * g["kw"] * (1 if g["depth_mult"] else g["in_channels"]))

    def canonical(self, j: int) -> int:
        return self.depth - 1 - j if self.rule["order"] == "reversed" else j

    def x(self, pixel: int, channel: int, j: int) -> int:
        """Operand of output channel `channel` at position j of the stream."""
        g, k = self.geometry, self.canonical(j)
        image, place = divmod(pixel, g["out_h"] * g["out_w"])
        oy, ox = divmod(place, g["out_w"])
        tap, c = (k, channel // g["depth_mult"]) if g["depth_mult"] else divmod(k, g["in_channels"])
        ky, kx = divmod(tap, g["kw"])
        iy = oy * g["stride_y"] - g["pad_y"] + ky * g["dil_y"]
        ix = ox * g["stride_x"] - g["pad_x"] + kx * g["dil_x"]
        zero: int = self.rule["x_zero"]
        code = zero
        if 0 <= iy < g["in_h"] and 0 <= ix < g["in_w"]:
            code = self.flat["ifm"][((image * g["in_h"] + iy) * g["in_w"] + ix) * g["in_channels"] + c]
        return code - zero if self.rule["zero_point"] == "subtract" else code

    def w(self, tile: Row, row: int, j: int) -> int:
        """Weight of a row at position j of the stream, which the model's order agrees with."""
        code = self.arrays["weight_tiles"][tile["line"] + j - tile["k_start"]][row]
        channel, k = tile["channel"] + row, self.canonical(j)
        n = self.geometry["out_channels"]
        assert (
            code == self.flat["weights"][k * n + channel if self.geometry["depth_mult"] else channel * self.depth + k]
        )
        return code - tile["w_zero"]

    def addends(self, issue: Row, row: int) -> list[int]:
        """What one application of the rule each adds."""
        if issue["tile"] < 0:
            return [self.bank[issue["half"], issue["merged_slot"]][row]]
        tile = self.tiles[issue["tile"]]
        stream = range(issue["k"], issue["k"] + issue["k_count"])
        products = [self.x(issue["pixel"], issue["channel"] + row, j) * self.w(tile, row, j) for j in stream]
        return [sum(products)] if self.rule["reduction"] == "tree" else products

    def start(self, issue: Row, row: int) -> int:
        """What the sum of an issue starts from."""
        if issue["init"] == 2:
            return self.bank[issue["half"], issue["slot"]][row]
        return 0 if issue["init"] else self.overflow(self.flat["bias"][issue["channel"] + row])[0]

    def inner(self, issue: Row) -> tuple[list[int], list[int]]:
        """Inner registers and their events of the active rows; none in a MERGE, or without inner accumulators."""
        place, found = (issue["half"], issue["slot"]), []
        if "inner_bits" not in self.rule or issue["tile"] < 0:
            return [], []
        bits, mode = self.rule["inner_bits"], Overflow[self.rule["inner_overflow"].upper()]
        for row in range(issue["rows"]):
            value, count = 0 if issue["inner_init"] == 1 else self.inners[place][row], 0
            for addend in self.addends(issue, row):
                value, event = ref_overflow(value + addend, bits, mode, bits)
                count += event
            found.append((value, count))
        values, events = zip(*found, strict=True)
        self.inners[place] = list(values)
        return list(values), list(events)

    def issue(self, issue: Row) -> tuple[list[int], list[int]]:
        """Registers and events of the active rows; none where nothing spills."""
        place, values, events = (issue["half"], issue["slot"]), [], []
        if issue.get("spills") == 0:
            return [], []
        for row in range(issue["rows"]):
            value, count = self.start(issue, row), 0
            spilled = issue.get("spills") == 1
            for addend in [self.inners[place][row]] if spilled else self.addends(issue, row):
                value, event = self.overflow(value + addend)
                count += event
            values.append(value)
            events.append(count)
        self.bank[place] = values
        return values, events

    def code(self, beat: Row, lane: int) -> int:
        channel = beat["channel"] + lane
        acc = self.bank[beat["half"], beat["slot"]][beat["row"] + lane]
        if self.rule["add_bias"]:
            acc = self.overflow(acc + self.flat["bias"][channel])[0]
        acc = ref_overflow(acc, self.rule["acc_bits"], Overflow.SATURATE, 64)[0]
        multiplier, shift, real = 0, 0, 0.0
        if "factors" in self.flat:
            (real,) = struct.unpack("<d", self.flat["factors"][channel].to_bytes(8, "little"))
        else:
            multiplier, shift = self.flat["multipliers"][channel], self.flat["shifts"][channel]
        clamp: list[int] = [self.rule[name] for name in ("out_zero", "clamp_lo", "clamp_hi")]
        return ref_requantize(acc, multiplier, shift, real, self.rule["scheme"], self.rule["acc_bits"], *clamp)


def check(record: dict[str, Any], arrays: dict[str, Words]) -> Counter[str]:
    """Replay bank writes and beats in the order of cycles; how much of what was compared."""
    layer, compared = Layer(record, arrays), Counter[str]()
    issues, beats = table(record, arrays, "issues"), table(record, arrays, "readouts")
    moments = [(issue["commit"], 1, i) for i, issue in enumerate(issues)]
    moments += [(beat["cycle"], 0, i) for i, beat in enumerate(beats)]
    written: dict[int, int] = {}
    for _, is_issue, i in sorted(moments):
        if is_issue:
            for prefix, (values, events) in (("inner_", layer.inner(issues[i])), ("", layer.issue(issues[i]))):
                if f"{prefix}accumulators" not in arrays:
                    continue
                spare = [0] * (len(arrays[f"{prefix}accumulators"][i]) - len(values))
                assert arrays[f"{prefix}accumulators"][i] == values + spare, f"issue {i}"
                assert arrays[f"{prefix}overflow_events"][i] == events + spare, f"issue {i}"
                compared[f"{prefix}accumulators"] += len(values)
                compared[f"{prefix}events"] += sum(events)
            continue
        beat = beats[i]
        codes = [layer.code(beat, lane) for lane in range(beat["count"])]
        assert arrays["codes"][i] == codes + [0] * (len(arrays["codes"][i]) - len(codes)), f"beat {i}"
        for lane, code in enumerate(codes):
            element = beat["pixel"] * layer.geometry["out_channels"] + beat["channel"] + lane
            assert element not in written
            written[element] = code
    assert [written[i] for i in range(len(written))] == layer.flat["ofm"]
    compared["codes"] = len(written)
    return compared
