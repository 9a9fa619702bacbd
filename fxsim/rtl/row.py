"""Verilog of one PE row: multipliers, the reduction, and the accumulator with its overflow rule.

The row is what MICROARCHITECTURE section A defines, one rule application (tree) or `cols` of them (chain) per clock;
it has no pipeline registers between stages, one register for the accumulator, and no requantizer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.errors import HardwareError

if TYPE_CHECKING:
    from fxsim.hw import Hardware

TOP = "pe_row"
"""Name of the generated module; its combinational part is `TOP` with ``_next`` appended."""

_TEMPLATE = """\
// One PE row of {name}: {cols} products of {x_bits} x {w_bits} bits,
// {reduction}, {acc_bits}-bit accumulator, {overflow}.
module {top}_next (
  input  signed [{acc_msb}:0] from,
  input  [{x_msb}:0] x,
  input  [{w_msb}:0] w,
  output signed [{acc_msb}:0] next
);
{products}
{body}
endmodule

module {top} (
  input  clk,
  input  first,
  input  signed [{acc_msb}:0] bias,
  input  [{x_msb}:0] x,
  input  [{w_msb}:0] w,
  output reg signed [{acc_msb}:0] acc
);
  wire signed [{acc_msb}:0] next;
  {top}_next step (.from(first ? bias : acc), .x(x), .w(w), .next(next));
  always @(posedge clk) acc <= next;
endmodule
"""


def row_verilog(hw: Hardware) -> str:
    """Verilog-2005 text of one PE row of `hw`.

    Ports of ``pe_row_next``: `from`, the accumulator before (or the bias as loaded), `x` and `w`, `cols` operands side
    by side, the first product's lowest; `next`, the accumulator after. ``pe_row`` adds the register. `trap` is built as
    `saturate`; under `readout` the register is `acc_internal_bits` wide, wraps, and is clamped elsewhere.

    Raises
    ------
    HardwareError
        The row has an inner accumulator.
    """
    n, cols = hw.numerics, hw.timing.cols
    if n.inner_bits:
        raise HardwareError("rows in Verilog must have no inner accumulator (inner_bits = 0)", got=n.inner_bits)
    bits = n.acc_internal_bits if n.overflow == "readout" else n.acc_bits
    x_bits = n.act_bits + (n.zero_point == "subtract")
    product = x_bits + n.weight_bits
    lines = [
        f"  wire signed [{product - 1}:0] p{i} = $signed(x[{i * x_bits} +: {x_bits}]) "
        f"* $signed(w[{i * n.weight_bits} +: {n.weight_bits}]);"
        for i in range(cols)
    ]
    wraps = n.overflow in ("wrap", "readout")
    body = _tree(cols, product, bits, wraps) if n.reduction == "tree" else _chain(cols, product, bits, wraps)
    return _TEMPLATE.format(
        name=hw.name or "an unnamed hardware", cols=cols, x_bits=x_bits, w_bits=n.weight_bits, reduction=n.reduction,
        acc_bits=n.acc_bits, overflow=n.overflow, top=TOP, acc_msb=bits - 1, x_msb=cols * x_bits - 1,
        w_msb=cols * n.weight_bits - 1, products="\n".join(lines), body="\n".join(body),
    )  # fmt: skip


def _tree(cols: int, product: int, bits: int, wraps: bool) -> list[str]:
    """A balanced adder tree that grows one bit per level, then one rule application."""
    lines, names, width = [], [f"p{i}" for i in range(cols)], product
    level = 0
    while len(names) > 1:
        level, width = level + 1, width + 1
        pairs = [names[i : i + 2] for i in range(0, len(names), 2)]
        names = [f"s{level}_{i}" for i in range(len(pairs))]
        lines += [
            f"  wire signed [{width - 1}:0] {name} = {' + '.join(pair)};"
            for name, pair in zip(names, pairs, strict=True)
        ]
    return [*lines, *_rule("from", names[0], "next", max(bits, width) + 1, bits, wraps)]


def _chain(cols: int, product: int, bits: int, wraps: bool) -> list[str]:
    """One rule application after every product."""
    lines, before = [], "from"
    for i in range(cols):
        after = "next" if i == cols - 1 else f"a{i}"
        if after != "next":
            lines.append(f"  wire signed [{bits - 1}:0] {after};")
        lines += _rule(before, f"p{i}", after, max(bits, product) + 1, bits, wraps)
        before = after
    return lines


def _rule(before: str, added: str, after: str, width: int, bits: int, wraps: bool) -> list[str]:
    """One rule application: the exact sum one bit wider than its operands, then wrap or saturate."""
    exact = f"e_{after}"
    lines = [f"  wire signed [{width - 1}:0] {exact} = {before} + {added};"]
    if wraps:
        return [*lines, f"  assign {after} = {exact}[{bits - 1}:0];"]
    high = f"{{1'b0, {{{bits - 1}{{1'b1}}}}}}"
    low = f"{{1'b1, {{{bits - 1}{{1'b0}}}}}}"
    above = f"{exact}[{width - 1} : {bits - 1}]"
    return [
        *lines,
        f"  assign {after} = ({above} == {{{width - bits + 1}{{{exact}[{width - 1}]}}}}) ? {exact}[{bits - 1}:0]"
        f" : {exact}[{width - 1}] ? {low} : {high};",
    ]
