// The second adder of a row with an inner accumulator: one rule application adds what the inner one holds.
//
// The accumulator, and for MERGE the part, enter in the first accumulate stage and wait for the last one.

module fxsim_spill import fxsim_pkg::*; (
  input  logic                       clk,
  // first accumulate stage
  input  logic signed [REG_BITS-1:0] acc,
  input  logic signed [REG_BITS-1:0] part,
  // last accumulate stage
  input  logic signed [ROW_BITS-1:0] inner,
  input  logic                       merge,     // adds `part` instead
  output logic signed [REG_BITS-1:0] sum,
  output logic                       overflow
);

  localparam int ADDEND = REG_BITS > ROW_BITS ? REG_BITS : ROW_BITS;

  logic signed [REG_BITS-1:0] waited, waited_part;
  logic signed [ADDEND-1:0] addend;

  fxsim_delay #(.BITS(2 * REG_BITS), .STAGES(RECURRENCE - 1)) way (
    .clk(clk), .from({acc, part}), .to({waited, waited_part})
  );
  assign addend = merge ? ADDEND'(waited_part) : ADDEND'(inner);
  fxsim_accumulate #(.BITS(REG_BITS), .ADDEND(ADDEND), .WRAPS(WRAPS)) rule (
    .acc(waited), .addend(addend), .sum(sum), .overflow(overflow)
  );

endmodule
