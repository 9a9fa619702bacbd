// One rule application, A <- ovf(A + addend): the exact sum, then wrap or saturate.
//
// `overflow` tells that the exact sum left the range of BITS bits, whatever becomes of it.

module fxsim_accumulate #(
  parameter int BITS   = 32,  // accumulator register
  parameter int ADDEND = 20,  // what is added
  parameter bit WRAPS  = 0    // 1: two's complement, 0: saturate
) (
  input  logic signed [BITS-1:0]   acc,
  input  logic signed [ADDEND-1:0] addend,
  output logic signed [BITS-1:0]   sum,
  output logic                     overflow
);

  localparam int WIDE = (BITS > ADDEND ? BITS : ADDEND) + 1;
  localparam logic signed [BITS-1:0] LEAST = {1'b1, {(BITS-1){1'b0}}};
  localparam logic signed [BITS-1:0] GREATEST = {1'b0, {(BITS-1){1'b1}}};

  logic signed [WIDE-1:0] exact;
  assign exact = WIDE'(acc) + WIDE'(addend);

  // In range: all bits from the sign of the register upwards are equal.
  assign overflow = exact[WIDE-1:BITS-1] != {(WIDE-BITS+1){exact[WIDE-1]}};

  if (WRAPS) begin : g_wrap
    assign sum = exact[BITS-1:0];
  end else begin : g_saturate
    assign sum = !overflow ? exact[BITS-1:0] : exact[WIDE-1] ? LEAST : GREATEST;
  end

endmodule
