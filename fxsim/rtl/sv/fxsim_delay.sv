// A shift register: STAGES cycles of delay, none for STAGES = 0.

module fxsim_delay #(
  parameter int BITS   = 1,
  parameter int STAGES = 1
) (
  input  logic            clk,
  input  logic [BITS-1:0] from,
  output logic [BITS-1:0] to
);

  if (STAGES == 0) begin : g_wire
    logic unused;
    assign unused = clk;
    assign to = from;
  end else begin : g_shift
    logic [STAGES*BITS-1:0] stage;  // the youngest lowest
    if (STAGES == 1) begin : g_one
      always_ff @(posedge clk) stage <= from;
    end else begin : g_more
      always_ff @(posedge clk) stage <= {stage[(STAGES-1)*BITS-1:0], from};
    end
    assign to = stage[(STAGES-1)*BITS +: BITS];
  end

endmodule
