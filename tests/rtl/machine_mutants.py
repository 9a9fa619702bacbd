"""Faults planted in the machine's SystemVerilog, one each, and a machine whose co-simulation must show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.rtl import machine_sources
from tests.rtl.configurations import MACHINES

if TYPE_CHECKING:
    from fxsim.hw import Hardware

BY_NAME = {hw.name: hw for hw in MACHINES}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A text of module `fxsim_<module>`, which stands there once, what replaces it, and a machine with that part."""

    module: str
    text: str
    replacement: str
    machine: str

    @property
    def hardware(self) -> Hardware:
        """The machine that is built."""
        return BY_NAME[self.machine]

    def sources(self) -> dict[str, str]:
        """The machine's sources with the fault."""
        sources, name = machine_sources(self.hardware), f"fxsim_{self.module}.sv"
        assert sources[name].count(self.text) == 1, (name, self.text, sources[name].count(self.text))
        return sources | {name: sources[name].replace(self.text, self.replacement)}


MUTANTS = (
    # tokens, DMA, vector engine
    Mutant("tokens", "16'(|push) - 16'(|pop)", "16'(|push) - 16'(|pop && count != 1)", "tree-wrap-12"),
    Mutant(
        "tokens", "wanted[e*9+s] && level[s*16 +: 16] == 0", "wanted[e*9+s] && level[s*16 +: 16] <= 1", "tree-wide-32"
    ),
    Mutant("dma", "32'(flight) < DRAM_OUTSTANDING", "32'(flight) <= DRAM_OUTSTANDING", "chain-wrap-32"),
    Mutant("dma", ">= DRAM_LATENCY", "> DRAM_LATENCY", "tree-wide-32"),
    Mutant("dma", "sent <= commit ? '0 : sent", "sent <= commit ? 32'd1 : sent", "tree-wrap-12"),
    Mutant("vector", "can_accept = left == 0", "can_accept = left <= 32'd1", "chain-wrap-16"),
    # decode
    Mutant("decode", "total - 40'd1 - 40'(k_start)", "total - 40'd1", "tree-wide-32"),
    Mutant("decode", "10'(tap % 40'(kw))", "10'(tap)", "tree-wrap-12"),
    Mutant("decode", "ox_start % out_w", "ox_start", "tree-wrap-12"),
    Mutant("decode", "(groups - 22'd1) * 22'(COLS)", "groups * 22'(COLS)", "tree-wrap-12"),
    Mutant("decode", "row_base % 20'(depth_mult)", "row_base", "chain-saturate-24"),
    Mutant("decode", "last_row / 20'(depth_mult) - first_channel + 20'd1", "20'(rows)", "chain-readout-12"),
    Mutant("decode", "k_count <= 22'(COLS) && word", "word", "tree-wrap-12"),
    Mutant("decode", "17'(grid_x) + 17'(positions) <= 17'(out_w)", "1'b1", "tree-saturate-18"),
    Mutant(
        "decode", "== INIT_KEEP ? recurrence - REST_BITS'(1) : '0", "== INIT_KEEP ? recurrence : '0", "chain-wrap-16"
    ),
    Mutant("decode", "gap = merge ? recurrence :", "gap = merge ? recurrence - REST_BITS'(1) :", "chain-saturate-8"),
    Mutant("decode", "recurrence - REST_BITS'(positions) : '0", "'0 : '0", "chain-readout-12"),
    Mutant("decode", "== 21'(channels) << x_wide", ">= 21'(channels) << x_wide", "tree-saturate-18"),
    Mutant("decode", "req_ox / req_out_w", "16'd0", "tree-wrap-12"),
    # sequencer
    Mutant(
        "sequencer", "waits_slots = opens && rest < pause", "waits_slots = opens && rest + 1 < pause", "chain-wrap-16"
    ),
    Mutant(
        "sequencer",
        "opens && now.group == 0 && records != 0",
        "opens && now.group == 0 && records > 1",
        "chain-saturate-24",
    ),
    Mutant(
        "sequencer",
        "opens && !work.merge && !tile_ready",
        "opens && !running && !work.merge && !tile_ready",
        "chain-trap-18",
    ),
    Mutant("sequencer", "work.reuses && now.position != 0", "work.reuses && now.position > 1", "tree-saturate-18"),
    Mutant("sequencer", "at.kx == first_new : at.kx", "at.kx == 0 : at.kx", "chain-wrap-16"),
    Mutant("sequencer", "left_bytes <= 32'(X_PORT)", "left_bytes < 32'(X_PORT)", "tree-trap-24"),
    Mutant("sequencer", "work.private_x || run_lanes == until_break", "work.private_x || work.by_row", "tree-wrap-12"),
    Mutant("sequencer", "next_tap.ky = at.ky + 10'd1", "next_tap.ky = at.ky", "tree-readout-16"),
    Mutant(
        "sequencer",
        "next_tap.kx = row_ends ? work.kw - 10'd1 : at.kx - 10'd1",
        "next_tap.kx = at.kx - 10'd1",
        "tree-wide-32",
    ),
    Mutant("sequencer", "- 48'(now.offset) - 48'(bytes)", "- 48'(bytes)", "tree-wide-32"),
    Mutant("sequencer", "48'(work.channel_base)", "48'd0", "tree-wrap-12"),
    Mutant("sequencer", "rows - records", "rows - 10'd1", "tree-wrap-12"),
    Mutant(
        "sequencer", "next_group * 22'(COLS * ROWS) << work.w_wide", "next_group * 22'(COLS * ROWS)", "tree-wide-32"
    ),
    Mutant("sequencer", "32'(at.kx) * 32'(work.row_step)", "32'd0", "chain-wrap-32"),
    # operands, weights, window
    Mutant("window", "ty >= $signed(34'(work.tile_h))", "ty > $signed(34'(work.tile_h))", "tree-wrap-12"),
    Mutant("window", "tx < 0", "tx < -1", "chain-wrap-32"),
    Mutant("operands", "32'(offset[0] ^ b.reversed)", "32'(offset[0])", "tree-wide-32"),
    Mutant("operands", "j - int'(b.shift) : j", "j : j", "chain-wrap-16"),
    Mutant("operands", "j + int'(b.shift);", "j + 1;", "chain-wrap-32"),
    Mutant("operands", "steps ? '0 : g_channel", "g_channel", "tree-saturate-18"),
    Mutant("operands", "issue.padding[j] ? zero : value", "issue.padding[j] ? '0 : value", "tree-readout-16"),
    Mutant("operands", "issue.padding[j] ? '0 : value - zero", "value - zero", "tree-wrap-12"),
    Mutant("operands", "i.x_signed & narrow[X_NARROW-1]", "narrow[X_NARROW-1]", "tree-saturate-8"),
    Mutant("weights", "if (moves) active <= shadow", "if (moves || arrives) active <= shadow", "tree-trap-24"),
    Mutant("weights", "TILE_COUNT'(request && grant)", "TILE_COUNT'(request)", "chain-wrap-16"),
    Mutant("weights", "ready = held && left == 0", "ready = held && left <= 1", "chain-trap-18"),
    Mutant(
        "weights", "[(j*ROWS+n)*WEIGHT_BITS +: WEIGHT_BITS]", "[(n*COLS+j)*WEIGHT_BITS +: WEIGHT_BITS]", "tree-wrap-12"
    ),
    # the array
    Mutant(
        "accumulate",
        "GREATEST = {1'b0, {(BITS-1){1'b1}}}",
        "GREATEST = {1'b0, {(BITS-2){1'b1}}, 1'b0}",
        "tree-saturate-8",
    ),
    Mutant(
        "accumulate", "LEAST = {1'b1, {(BITS-1){1'b0}}}", "LEAST = {1'b1, {(BITS-2){1'b0}}, 1'b1}", "chain-saturate-24"
    ),
    Mutant("accumulate", "sum = exact[BITS-1:0]", "sum = exact[WIDE-1] ? LEAST : exact[BITS-1:0]", "tree-wrap-12"),
    Mutant("accumulate", "exact[WIDE-1:BITS-1] !=", "exact[BITS:BITS-1] !=", "tree-wrap-12"),
    Mutant(
        "adder_tree",
        "WIDTH'(left) + WIDTH'(right)",
        "WIDTH'(left) + WIDTH'(right) - WIDTH'(left[0] & right[0])",
        "tree-wide-32",
    ),
    Mutant(
        "pe_row", "known + ROW_EVENT_BITS'(overflow)", "known + ROW_EVENT_BITS'(overflow && i != 0)", "chain-readout-12"
    ),
    Mutant("pe_row", "ROW_ADDEND'(part) : ROW_ADDEND'(one)", "ROW_ADDEND'(one) : ROW_ADDEND'(one)", "chain-saturate-8"),
    Mutant("pe_row", "on[i] ?", "1'b1 ?", "tree-saturate-18"),
    Mutant("bank", "13'(HALF_DEPTH) + 13'(s)", "13'(HALF_DEPTH - 1) + 13'(s)", "tree-wrap-12"),
    Mutant("bank", "write && write_rows[n]", "write", "tree-wrap-12"),
    Mutant("row_file", "32'(half) * ROWS + 32'(row)", "32'(row)", "chain-saturate-8"),
    Mutant("row_file", "record[103:96]", "{record[103], record[102:97], 1'b0}", "chain-wrap-16"),
    # inner accumulators
    Mutant("sequencer", "SPILL_BITS'(INNER_GROUPS);", "SPILL_BITS'(INNER_GROUPS - 1);", "tree-inner-wrap-14"),
    Mutant("sequencer", "if (last_position) after.unspilled", "if (fetched) after.unspilled", "tree-inner-wrap-14"),
    Mutant("sequencer", "last_group || now.unspilled", "now.unspilled", "tree-inner-wrap-14"),
    Mutant("sequencer", "now.group >= 22'(INNER_GROUPS)", "now.group != 0", "chain-inner-saturate-13"),
    Mutant("inner_bank", "slots[write_slot]", "slots[write_slot & SLOT_BITS'(1)]", "tree-inner-wrap-14"),
    Mutant("spill", "STAGES(RECURRENCE - 1)", "STAGES(RECURRENCE)", "chain-inner-saturate-13"),
    Mutant("spill", "merge ? ADDEND'(waited_part) :", "merge ? ADDEND'(part) :", "chain-inner-saturate-13"),
    Mutant("mac_engine", "at_first.begins ? '0 :", "at_first.begins && !at_first.keeps ? '0 :", "tree-inner-wrap-14"),
    Mutant("mac_engine", "overflow && at_write.stores", "overflow", "chain-inner-saturate-13"),
    # read-out
    Mutant(
        "requantizer",
        "32'(row) + REQUANT_LANES >= 32'(req.rows)",
        "32'(row) + REQUANT_LANES > 32'(req.rows)",
        "tree-wrap-12",
    ),
    Mutant("requantizer", "row + 10'(i) < req.rows;", "1'b1;", "tree-readout-16"),
    Mutant("requantizer", "grid_x + 16'd1 == req.out_w ? '0 : grid_x + 16'd1", "grid_x + 16'd1", "tree-wrap-12"),
    Mutant("requantizer", "whole = s1.add_bias ? biased : sum", "whole = sum", "tree-wide-32"),
    Mutant("requantizer", "acc = outside ?", "acc = outside && whole[REG_BITS-1] ?", "chain-readout-12"),
    Mutant("requantizer", "held && is_full", "held", "chain-readout-12"),
    Mutant("requantizer", "!frees && (begun || busy)", "begun || busy", "tree-wrap-12"),
    # bank halves
    Mutant(
        "mac_engine",
        "(incoming_work.half ? state_1 : state_0) == HALF_FREE",
        "state_0 == HALF_FREE",
        "chain-saturate-24",
    ),
    Mutant("mac_engine", "mac_commit && at_write.fills &&", "mac_commit &&", "tree-wrap-12"),
)
"""In the order of the modules, each caught within `LIMIT` runs."""
LIMIT = 40
