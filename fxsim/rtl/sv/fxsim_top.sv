// The machine: three engines that meet through tokens. Instructions and scratchpads are outside.
//
// DMA and vector engine count cycles only; what they move, and what the MAC engine reads and writes, lies in memories
// around this module.

module fxsim_top import fxsim_pkg::*; (
  input  logic         clk,
  input  logic         rst,             // for RESET_CYCLES cycles
  // instructions in decode: DMA, MAC engine, vector
  input  logic [2:0]   valid,
  input  count_t       dma_word,
  input  logic [511:0] mac_word,
  input  count_t       vec_word,
  output logic [2:0]   issue,
  // scratchpads
  output logic         x_request,
  input  logic         x_grant,
  output logic [27:0]  x_address,
  input  logic [X_PORT*8-1:0] x_data,
  output logic         w_request,
  input  logic         w_grant,
  output logic [27:0]  w_address,
  output logic         w_wide,
  output logic [TILE_COUNT-1:0] w_beat,
  input  logic [W_PORT*8-1:0] w_data,
  output logic         p_request,
  output logic [23:0]  p_address,
  input  logic [127:0] p_data,
  output logic         y_request,
  input  logic         y_grant,
  output logic         y_write,
  output logic [27:0]  y_address,
  output logic [REQUANT_LANES-1:0] y_lanes,
  output logic         y_wide,
  output logic [REQUANT_LANES*16-1:0] y_codes,
  // the accumulator bank, and inner accumulators before they spill
  output logic         acc_write,
  output logic         inner_write,
  output logic         acc_half,
  output logic [11:0]  acc_slot,
  output logic [ROWS-1:0] acc_rows,
  output logic [ROWS*REG_BITS-1:0] acc_data,
  output logic [ROWS*EVENT_BITS-1:0] acc_events,
  output logic [ROWS*ROW_BITS-1:0] inner_data,
  output logic [ROWS*ROW_EVENT_BITS-1:0] inner_events,
  output logic [ROWS-1:0] bias_overflow,
  output site_t        trap,
  // last writes of instructions: DMA, MAC (and MERGE), REQ, VEC
  output logic [3:0]   commit,
  output logic         token_overflow,
  // what keeps the MAC engine
  output mac_status_t  status,
  output logic         vec_busy,
  output logic [9*16-1:0] tokens,
  // stall counters
  input  sum_next_t    sum_next,
  input  read_next_t   read_next,
  input  vec_next_t    vec_next,
  input  logic         window_closes,
  output logic [CAUSES*32-1:0] stalls,
  output logic [31:0]  compute
);

  logic [8:0] mac_pops, dma_pushes, mac_pushes, req_pushes, vec_pushes;
  logic [2:0] there;
  logic dma_free, vec_free, dma_commit, mac_commit, req_commit, vec_commit;

  assign commit = {vec_commit, req_commit, mac_commit, dma_commit};
  fxsim_tokens semaphores (
    .clk(clk), .rst(rst), .wanted({vec_word.pops, mac_pops, dma_word.pops}), .issue(issue), .there(there),
    .pushes({vec_pushes, req_pushes, mac_pushes, dma_pushes}), .commit(commit), .level(tokens),
    .overflow(token_overflow)
  );

  assign issue[0] = valid[0] && there[0] && dma_free;
  assign issue[2] = valid[2] && there[2] && vec_free;

  fxsim_dma dma (
    .clk(clk), .rst(rst), .accept(issue[0]), .incoming(dma_word), .can_accept(dma_free), .commit(dma_commit),
    .pushes(dma_pushes)
  );

  fxsim_mac_engine mac_engine (
    .clk(clk), .rst(rst), .valid(valid[1]), .word(mac_word), .tokens(there[1]), .pops(mac_pops), .issue_word(issue[1]),
    .x_request(x_request), .x_grant(x_grant), .x_address(x_address), .x_data(x_data),
    .w_request(w_request), .w_grant(w_grant), .w_address(w_address), .w_wide(w_wide), .w_beat(w_beat), .w_data(w_data),
    .p_request(p_request), .p_address(p_address), .p_data(p_data),
    .y_request(y_request), .y_grant(y_grant), .y_write(y_write), .y_address(y_address), .y_lanes(y_lanes),
    .y_wide(y_wide), .y_codes(y_codes),
    .mac_commit(mac_commit), .mac_pushes(mac_pushes), .req_commit(req_commit), .req_pushes(req_pushes),
    .acc_write(acc_write), .inner_write(inner_write), .acc_half(acc_half), .acc_slot(acc_slot), .acc_rows(acc_rows),
    .acc_data(acc_data), .acc_events(acc_events), .inner_data(inner_data), .inner_events(inner_events),
    .bias_overflow(bias_overflow), .trap(trap), .status(status)
  );

  fxsim_vector vector (
    .clk(clk), .rst(rst), .accept(issue[2]), .incoming(vec_word), .can_accept(vec_free), .busy(vec_busy),
    .commit(vec_commit), .pushes(vec_pushes)
  );

  fxsim_stalls counters (
    .clk(clk), .rst(rst), .status(status), .vec_issue(issue[2]), .vec_busy(vec_busy),
    .pushes({vec_pushes, req_pushes, mac_pushes, dma_pushes}), .commit(commit), .sum_next(sum_next),
    .read_next(read_next), .vec_next(vec_next), .closes(window_closes), .counts(stalls), .compute(compute)
  );

endmodule
