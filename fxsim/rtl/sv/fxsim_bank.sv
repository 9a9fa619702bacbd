// The accumulator bank: two halves of HALF_DEPTH slots, one register per row and slot.
//
// The array reads an accumulate operand and, for MERGE, a part; the requantizer reads the other half.

module fxsim_bank import fxsim_pkg::*; (
  input  logic                     clk,
  input  logic                     write,
  input  logic                     write_half,
  input  logic [11:0]              write_slot,
  input  logic [ROWS-1:0]          write_rows,
  input  logic [ROWS*REG_BITS-1:0] write_data,
  input  logic                     half,
  input  logic [11:0]              slot,
  output logic [ROWS*REG_BITS-1:0] data,
  input  logic                     part_half,
  input  logic [11:0]              part_slot,
  output logic [ROWS*REG_BITS-1:0] part_data,
  input  logic                     out_half,
  input  logic [11:0]              out_slot,
  output logic [ROWS*REG_BITS-1:0] out_data
);

  logic [ROWS*REG_BITS-1:0] slots [0:2*HALF_DEPTH-1];

  function automatic logic [BANK_BITS-1:0] at(input logic h, input logic [11:0] s);
    return BANK_BITS'(h ? 13'(HALF_DEPTH) + 13'(s) : 13'(s));
  endfunction

  assign data = slots[at(half, slot)];
  assign part_data = slots[at(part_half, part_slot)];
  assign out_data = slots[at(out_half, out_slot)];

  always_ff @(posedge clk) begin
    for (int n = 0; n < ROWS; n++) begin
      if (write && write_rows[n]) begin
        slots[at(write_half, write_slot)][n*REG_BITS +: REG_BITS] <= write_data[n*REG_BITS +: REG_BITS];
      end
    end
  end

endmodule
