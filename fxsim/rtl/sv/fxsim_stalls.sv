// Stall counters: every cycle is compute, or charged to the first condition that holds the next beat back.
//
// What comes next is known only when it comes: idle cycles wait, charged three ways, until an x or MERGE beat, a vector
// operation or the end of the window tells which charge was right. Descriptors say what the engines' next instructions
// wait for; `need` are pushes of the four units' semaphores, counted from the start of the program.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_stalls import fxsim_pkg::*; (
  input  logic             clk,
  input  logic             rst,
  // what happens in this cycle
  input  mac_status_t      status,
  input  logic             vec_issue,
  input  logic             vec_busy,
  input  logic [4*9-1:0]   pushes,        // DMA, MAC, REQ, VEC
  input  logic [3:0]       commit,
  // the next MAC or MERGE to begin, the next REQ, the next vector instruction
  input  sum_next_t        sum_next,
  input  read_next_t       read_next,
  input  vec_next_t        vec_next,
  // the last cycle of a window; its counts, valid in that cycle
  input  logic             closes,
  output logic [CAUSES*32-1:0] counts,
  output logic [31:0]      compute
);

  // Causes 0 to 3 are missing tokens of DMA, MAC, REQ and VEC.
  localparam int HALF = 4;
  localparam int REQUANTIZER = 5;
  localparam int ROW_FILE = 6;
  localparam int W_PORT_BUSY = 7;
  localparam int R_GAP = 8;
  localparam int DRAIN = 9;
  localparam int ISSUE = 10;

  // ---- pushes so far, by unit: what the MAC engine takes (VEC_MAC, REQ_MAC, DMA_MAC), and the vector engine

  logic [31:0] to_mac [0:3], to_vec [0:3];
  logic [31:0] reads_done;
  for (genvar u = 0; u < 4; u++) begin : g_pushed
    // Semaphores by unit: DMA_MAC 0, DMA_VEC 1, VEC_MAC 3, MAC_VEC 5, REQ_VEC 7, REQ_MAC 8.
    localparam int MAC_BIT = u == 0 ? 0 : u == 2 ? 8 : 3;
    localparam int VEC_BIT = u == 0 ? 1 : u == 1 ? 5 : 7;
    always_ff @(posedge clk) begin
      if (rst) begin
        to_mac[u] <= '0;
        to_vec[u] <= '0;
      end else begin
        to_mac[u] <= to_mac[u] + 32'(u != 1 && commit[u] && pushes[u*9+MAC_BIT]);
        to_vec[u] <= to_vec[u] + 32'(u != 3 && commit[u] && pushes[u*9+VEC_BIT]);
      end
    end
  end
  always_ff @(posedge clk) begin
    if (rst) reads_done <= '0;
    else reads_done <= reads_done + 32'(status.read_ends);
  end

  // ---- the first condition that does not hold yet

  logic [3:0] sum_missing, read_missing, vec_missing;
  for (genvar u = 0; u < 4; u++) begin : g_missing
    assign sum_missing[u] = to_mac[u] < sum_next.need[u*32 +: 32];
    assign read_missing[u] = to_mac[u] < read_next.need[u*32 +: 32];
    assign vec_missing[u] = to_vec[u] < vec_next.need[u*32 +: 32];
  end

  function automatic logic [3:0] token(input logic [3:0] missing);
    return missing[0] ? 4'd0 : missing[1] ? 4'd1 : missing[2] ? 4'd2 : 4'd3;
  endfunction

  logic [1:0] sum_half, read_half;        // states
  assign sum_half = sum_next.half ? status.half_state[3:2] : status.half_state[1:0];
  assign read_half = read_next.half ? status.half_state[3:2] : status.half_state[1:0];

  logic [3:0] sum_cause, read_cause, vec_cause;
  always_comb begin
    if (status.running) sum_cause = status.waits_tile ? 4'(W_PORT_BUSY) : 4'(R_GAP);
    else if (status.has_next) begin
      sum_cause = status.waits_records ? 4'(ROW_FILE) : status.waits_tile ? 4'(W_PORT_BUSY)
        : status.waits_slots ? 4'(R_GAP) : 4'(ISSUE);
    end else if (sum_missing != 0) sum_cause = token(sum_missing);
    else if (sum_next.first && sum_half != HALF_FREE) sum_cause = 4'(HALF);
    else if (reads_done < sum_next.reads) sum_cause = 4'(REQUANTIZER);
    else if (sum_next.loads) sum_cause = 4'(ROW_FILE);
    else if (!sum_next.merge) sum_cause = 4'(W_PORT_BUSY);
    else sum_cause = status.fresh ? 4'(R_GAP) : 4'(ISSUE);

    if (status.req_waits) read_cause = 4'(DRAIN);
    else if (read_missing != 0) read_cause = token(read_missing);
    else if (reads_done < read_next.reads) read_cause = 4'(REQUANTIZER);
    else read_cause = read_half != HALF_FULL ? 4'(DRAIN) : 4'(ISSUE);

    vec_cause = vec_missing != 0 ? token(vec_missing) : 4'(ISSUE);
  end

  // ---- idle cycles since the last beat of the sequencer or operation of the vector engine

  logic [31:0] run_index, sum_index;      // of the running instruction; of the one whose beat comes next
  assign sum_index = status.running ? run_index : sum_next.index;
  always_ff @(posedge clk) if (status.starts) run_index <= sum_next.index;

  logic works, idle, sum_first;
  assign works = status.beat || vec_issue || vec_busy;
  assign idle = !works && !status.read_beat;
  assign sum_first = status.beat && (!vec_issue || sum_index < vec_next.index);

  logic [31:0] busy;
  assign compute = busy + 32'(!idle);
  always_ff @(posedge clk) busy <= rst || closes ? '0 : compute;

  for (genvar c = 0; c < CAUSES; c++) begin : g_cause
    // Charged so far; idle cycles as the next sum, vector operation or read-out would charge them; those that read-outs
    // have charged since, and those behind the last read-out.
    logic [31:0] charged, by_sum, by_vec, by_read, read, rest;
    logic [31:0] by_sum_now, by_vec_now, by_read_now, rest_now, settled;
    assign by_sum_now = by_sum + 32'(idle && sum_cause == 4'(c));
    assign by_vec_now = by_vec + 32'(idle && vec_cause == 4'(c));
    assign by_read_now = by_read + 32'(idle && read_cause == 4'(c));
    assign rest_now = rest + 32'(idle && c == DRAIN);
    assign settled = charged + (works ? (sum_first ? by_sum : by_vec) : '0);
    // At the end of a window without more work: what read-outs charged, then drain.
    assign counts[c*32 +: 32] = settled + (works ? '0 : status.read_beat ? read + by_read : read + rest_now);
    always_ff @(posedge clk) begin
      charged <= rst || closes ? '0 : settled;
      by_sum <= rst || closes || works ? '0 : by_sum_now;
      by_vec <= rst || closes || works ? '0 : by_vec_now;
      by_read <= rst || closes || works || status.read_beat ? '0 : by_read_now;
      read <= rst || closes || works ? '0 : status.read_beat ? read + by_read : read;
      rest <= rst || closes || works || status.read_beat ? '0 : rest_now;
    end
  end

endmodule
