// Inner accumulators: one register per row and slot, for sums that have not been spilled yet.
//
// An instruction spills all of its sums, so that the halves of the accumulator bank share them.

module fxsim_inner_bank import fxsim_pkg::*; (
  input  logic                     clk,
  input  logic                     write,
  input  logic [SLOT_BITS-1:0]     write_slot,
  input  logic [ROWS*ROW_BITS-1:0] write_data,
  input  logic [SLOT_BITS-1:0]     slot,
  output logic [ROWS*ROW_BITS-1:0] data
);

  logic [ROWS*ROW_BITS-1:0] slots [0:HALF_DEPTH-1];

  assign data = slots[slot];
  always_ff @(posedge clk) if (write) slots[write_slot] <= write_data;

endmodule
