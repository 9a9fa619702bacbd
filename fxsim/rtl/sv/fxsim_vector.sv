// Count-only vector engine: one instruction at a time.

module fxsim_vector import fxsim_pkg::*; (
  input  logic        clk,
  input  logic        rst,
  input  logic        accept,
  input  count_t      incoming,
  output logic        can_accept,
  output logic        busy,
  output logic        commit,
  output logic [8:0]  pushes
);

  count_t running;
  logic [31:0] left;

  assign can_accept = left == 0;
  assign busy = left != 0;
  assign commit = left == 32'd1;
  assign pushes = running.pushes;

  always_ff @(posedge clk) begin
    if (rst) left <= '0;
    else if (accept) left <= incoming.cycles;
    else if (busy) left <= left - 32'd1;
    if (accept) running <= incoming;
  end

  logic unused;
  assign unused = ^{running.pops, running.cycles};

endmodule
