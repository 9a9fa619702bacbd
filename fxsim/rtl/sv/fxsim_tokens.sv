// Nine counting semaphores of 16 bits. A push counts from the cycle behind the pushing commit on.

module fxsim_tokens import fxsim_pkg::*; (
  input  logic                clk,
  input  logic                rst,
  input  logic [3*9-1:0]      wanted,    // pops of the instruction in decode: DMA, MAC engine, VEC
  input  logic [2:0]          issue,     // it is issued in this cycle
  output logic [2:0]          there,     // all its tokens are there
  input  logic [4*9-1:0]      pushes,    // of what commits in this cycle: DMA, MAC, REQ, VEC
  input  logic [3:0]          commit,
  output logic [9*16-1:0]     level,
  output logic                overflow   // a count left 16 bits
);

  logic [8:0] over;

  for (genvar s = 0; s < 9; s++) begin : g_semaphore
    logic [15:0] count;
    logic [2:0] pop;
    logic [3:0] push;
    for (genvar e = 0; e < 3; e++) begin : g_pop
      assign pop[e] = issue[e] && wanted[e*9+s];
    end
    for (genvar u = 0; u < 4; u++) begin : g_push
      assign push[u] = commit[u] && pushes[u*9+s];
    end
    always_ff @(posedge clk) begin
      if (rst) count <= '0;
      else count <= count + 16'(|push) - 16'(|pop);
    end
    assign level[s*16 +: 16] = count;
    assign over[s] = &count && |push && !(|pop);
  end

  for (genvar e = 0; e < 3; e++) begin : g_engine
    logic [8:0] missing;
    for (genvar s = 0; s < 9; s++) begin : g_missing
      assign missing[s] = wanted[e*9+s] && level[s*16 +: 16] == 0;
    end
    assign there[e] = missing == 0;
  end

  assign overflow = |over;

endmodule
