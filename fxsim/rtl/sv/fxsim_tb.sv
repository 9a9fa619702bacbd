// Self-checking testbench: plays a program, holds the scratchpads, and compares every accumulator write, every
// requantized code and every commit with the vectors, each in its cycle. The first difference ends the run.
//
//   +vectors=DIR  folder of the vectors (default: vectors); its README says what the files hold

/* verilator lint_off BLKSEQ */       // a testbench works step by step
/* verilator lint_off PROCASSINIT */  // and starts once
/* verilator lint_off UNUSEDSIGNAL */  // and numbers its units with integers

module fxsim_tb import fxsim_pkg::*; ;

  logic clk = 1'b0;
  logic rst = 1'b1;
  initial forever #1 clk = !clk;

  // ---- the machine

  logic [2:0] valid, issue;
  count_t dma_word, vec_word;
  logic [511:0] mac_word;
  logic x_request, x_grant, w_request, w_grant, w_wide, p_request, y_request, y_grant, y_write, y_wide;
  logic [27:0] x_address, w_address, y_address;
  logic [23:0] p_address;
  logic [TILE_COUNT-1:0] w_beat;
  logic [X_PORT*8-1:0] x_data;
  logic [W_PORT*8-1:0] w_data;
  logic [127:0] p_data;
  logic [REQUANT_LANES-1:0] y_lanes;
  logic [REQUANT_LANES*16-1:0] y_codes;
  logic acc_write, inner_write, acc_half, token_overflow, vec_busy;
  logic [11:0] acc_slot;
  logic [ROWS-1:0] acc_rows, bias_overflow;
  logic [ROWS*REG_BITS-1:0] acc_data;
  logic [ROWS*EVENT_BITS-1:0] acc_events;
  logic [ROWS*ROW_BITS-1:0] inner_data, inner_expected, inner_mask;
  logic [ROWS*ROW_EVENT_BITS-1:0] inner_events, inner_events_expected, inner_events_mask;
  logic [3:0] commit;
  mac_status_t status;
  logic [9*16-1:0] tokens;
  sum_next_t sum_next;
  read_next_t read_next;
  vec_next_t vec_next;
  logic window_closes;
  site_t trap;
  logic [CAUSES*32-1:0] stalls;
  logic [31:0] compute;

  fxsim_top top (.*);

  // ---- vectors

  string folder;
  integer cycle = 0;
  integer dma_file, mac_file, vec_file, acc_file, y_file, stall_file, got;
  integer trap_file, sums_file, reads_file, vecs_file, window_file;
  integer commit_file [0:3], effect_file [0:3];

  function automatic integer opened(input string name);
    integer file;
    file = $fopen($sformatf("%s/%s", folder, name), "r");
    if (file == 0) begin
      $display("FAIL: cannot read %s/%s", folder, name);
      $fatal(1);
    end
    return file;
  endfunction

  logic [63:0] machine;
  task automatic check_machine;
    got = $fscanf(opened("machine.hex"), "%h", machine);
    if (got != 1 || machine != MACHINE) begin
      $display("FAIL: %s is of a machine with other parameters", folder);
      $fatal(1);
    end
  endtask

  // What must come next, and whether anything must.
  logic acc_due, y_due;
  logic [3:0] commit_due;
  integer acc_cycle, acc_expected_half, acc_expected_slot, acc_stores = 1, y_cycle, y_count;
  integer commit_cycle [0:3];
  logic [ROWS*REG_BITS-1:0] acc_expected, acc_mask;
  logic [ROWS*EVENT_BITS-1:0] events_expected, events_mask;
  logic [27:0] y_due_address;
  logic [REQUANT_LANES*16-1:0] y_expected, y_mask;
  logic [2:0] stalled;
  integer writes = 0, values = 0, codes = 0, commits = 0;

  task automatic next_acc;
    got = $fscanf(acc_file, "%d %d %d %h %h", acc_cycle, acc_expected_half, acc_expected_slot, acc_expected,
                  events_expected);
    acc_due = got == 5;
    if (INNER) got = $fscanf(acc_file, "%d %h %h", acc_stores, inner_expected, inner_events_expected);
  endtask

  task automatic next_y;
    got = $fscanf(y_file, "%d %h %d %h", y_cycle, y_due_address, y_count, y_expected);
    y_due = got == 4;
  endtask

  task automatic next_commit(input integer unit);
    got = $fscanf(commit_file[unit], "%d", commit_cycle[unit]);
    commit_due[unit] = got == 1;
  endtask

  task automatic next_stall;
    stalled = 3'd0;
    got = $fscanf(stall_file, "%h", stalled);
    {y_grant, w_grant, x_grant} <= ~stalled;
  endtask

  // Stall counters: what comes next, and where windows end.
  logic [195:0] fetched_sum;
  logic [160:0] fetched_read;
  logic [159:0] fetched_vec;
  task automatic next_sum;
    got = $fscanf(sums_file, "%h", fetched_sum);
    sum_next <= fetched_sum;
  endtask

  task automatic next_read;
    got = $fscanf(reads_file, "%h", fetched_read);
    read_next <= fetched_read;
  endtask

  task automatic next_vec;
    got = $fscanf(vecs_file, "%h", fetched_vec);
    vec_next <= fetched_vec;
  endtask

  // A window closes with the last commit of its layer and of those before it.
  logic window_due;
  integer committed [0:3], window_commits [0:3];
  integer windows = 0;
  integer fetched_commits [0:3];
  logic [31:0] expected_compute, fetched_compute;
  logic [CAUSES*32-1:0] expected_stalls, fetched_stalls;
  task automatic next_window;
    got = $fscanf(window_file, "%d %d %d %d %d %h", fetched_commits[0], fetched_commits[1], fetched_commits[2],
                  fetched_commits[3], fetched_compute, fetched_stalls);
    for (int unit = 0; unit < 4; unit++) window_commits[unit] <= fetched_commits[unit];
    expected_compute <= fetched_compute;
    expected_stalls <= fetched_stalls;
    window_due <= got == 6;
  endtask

  logic [3:0] complete;
  for (genvar u = 0; u < 4; u++) begin : g_complete
    assign complete[u] = committed[u] + 32'(commit[u]) >= window_commits[u];
  end
  assign window_closes = !rst && window_due && &complete;

  logic [49:0] fetched;
  logic [511:0] fetched_mac;
  task automatic next_word(input integer engine);
    if (engine == 1) got = $fscanf(mac_file, "%h", fetched_mac);
    else got = $fscanf(engine == 0 ? dma_file : vec_file, "%h", fetched);
    if (engine == 0) dma_word <= fetched;
    if (engine == 1) mac_word <= fetched_mac;
    if (engine == 2) vec_word <= fetched;
    valid[engine] <= got == 1;
  endtask

  task automatic fail(input string what);
    $display("FAIL in cycle %0d: %s", cycle, what);
    $fatal(1);
  endtask

  // ---- scratchpads

  logic [7:0] act [0:ACT_SPAD-1];
  logic [7:0] weight [0:WEIGHT_SPAD-1];
  logic [7:0] param [0:PARAM_SPAD-1];
  logic [X_PORT*8-1:0] x_read;
  logic [W_PORT*8-1:0] w_read;
  logic [127:0] p_read;

  fxsim_delay #(.BITS(X_PORT * 8), .STAGES(READ_LATENCY)) x_way (.clk(clk), .from(x_read), .to(x_data));
  fxsim_delay #(.BITS(W_PORT * 8), .STAGES(READ_LATENCY)) w_way (.clk(clk), .from(w_read), .to(w_data));
  fxsim_delay #(.BITS(128), .STAGES(READ_LATENCY)) p_way (.clk(clk), .from(p_read), .to(p_data));

  // Read in the middle of the cycle: what a memory sees at its end.
  integer first, index, bit_index;
  logic [15:0] code;
  always @(negedge clk) begin
    for (int i = 0; i < X_PORT; i++) begin
      x_read[i*8 +: 8] = 32'(x_address) + i < ACT_SPAD ? act[32'(x_address)+i] : 8'd0;
    end
    for (int i = 0; i < 16; i++) begin
      p_read[i*8 +: 8] = 32'(p_address) + i < PARAM_SPAD ? param[32'(p_address)+i] : 8'd0;
    end
    // The w port brings weights side by side, WEIGHT_BITS each, whatever they take in the scratchpad.
    first = 32'(w_beat) * W_PORT * 8;
    for (int i = 0; i < W_PORT * 8; i++) begin
      index = (first + i) / WEIGHT_BITS;
      bit_index = (first + i) % WEIGHT_BITS;
      code = 16'd0;
      if (index < ROWS * COLS && 32'(w_address) + (index << w_wide) + 32'(w_wide) < WEIGHT_SPAD) begin
        code[7:0] = weight[32'(w_address)+(index<<w_wide)];
        if (w_wide) code[15:8] = weight[32'(w_address)+(index<<w_wide)+1];
      end
      w_read[i] = code[bit_index];
    end
  end

  // What a DMA or vector instruction leaves in the scratchpads.
  integer count, space, address, value;
  task automatic take_effect(input integer unit);
    got = $fscanf(effect_file[unit], "%d", count);
    for (int i = 0; i < count; i++) begin
      got = $fscanf(effect_file[unit], "%d %h %h", space, address, value);
      if (space == 0) act[address] = value[7:0];
      else if (space == 1) weight[address] = value[7:0];
      else param[address] = value[7:0];
    end
  endtask

  // ---- the run

  initial begin
    if (!$value$plusargs("vectors=%s", folder)) folder = "vectors";
    check_machine;
    dma_file = opened("dma.hex");
    mac_file = opened("mac.hex");
    vec_file = opened("vec.hex");
    acc_file = opened("acc.txt");
    y_file = opened("y.txt");
    stall_file = opened("refusals.hex");
    sums_file = opened("sums.hex");
    reads_file = opened("reads.hex");
    vecs_file = opened("vecs.hex");
    window_file = opened("windows.txt");
    trap_file = opened("trap.txt");
    commit_file[0] = opened("dma_commits.txt");
    commit_file[1] = opened("mac_commits.txt");
    commit_file[2] = opened("req_commits.txt");
    commit_file[3] = opened("vec_commits.txt");
    effect_file[0] = opened("dma_effects.txt");
    effect_file[3] = opened("vec_effects.txt");
    for (int i = 0; i < ACT_SPAD; i++) act[i] = 8'd0;
    for (int i = 0; i < WEIGHT_SPAD; i++) weight[i] = 8'd0;
    for (int i = 0; i < PARAM_SPAD; i++) param[i] = 8'd0;
    next_acc;
    next_y;
    for (int unit = 0; unit < 4; unit++) next_commit(unit);
    valid = '0;
    {y_grant, w_grant, x_grant} = 3'd0;
    ready = 1'b1;
  end

  // After the reset, cycle 0 has the first instruction of every engine in decode.
  logic ready = 1'b0;
  integer resetting = RESET_CYCLES;
  always @(posedge clk) begin
    if (ready && rst) begin
      resetting = resetting - 1;
      if (resetting == 0) begin
        for (int engine = 0; engine < 3; engine++) next_word(engine);
        next_stall;
        next_window;
        for (int unit = 0; unit < 4; unit++) committed[unit] <= 0;
        next_sum;
        next_read;
        next_vec;
        rst <= 1'b0;
      end
    end else if (!rst) begin
      check;
    end
  end

  task automatic check;
    check_window;
    check_acc;
    check_y;
    for (int unit = 0; unit < 4; unit++) check_commit(unit);
    if (token_overflow) fail("a semaphore left 16 bits");
    if (acc_due && acc_cycle <= cycle) fail("an accumulator write is missing");
    if (y_due && y_cycle <= cycle) fail("a requantizer write is missing");
    for (int unit = 0; unit < 4; unit++) begin
      if (commit_due[unit] && commit_cycle[unit] <= cycle) fail($sformatf("a commit of unit %0d is missing", unit));
    end
    for (int engine = 0; engine < 3; engine++) if (issue[engine]) next_word(engine);
    if (status.starts) next_sum;
    if (status.read_starts) next_read;
    if (issue[2]) next_vec;
    next_stall;
    cycle = cycle + 1;
    if (!acc_due && !y_due && commit_due == 0) begin
      if ((valid & ~issue) != 0) fail("instructions are left over");
      check_trap;
      $display("PASS: %0d cycles; %0d accumulator writes of %0d values, %0d codes and %0d commits equal, %s %0d %s",
               cycle, writes, values, codes, commits, "each in its cycle; stalls of", windows, "windows equal");
      $finish;
    end
  endtask

  // Counts of stalled ports are in no model: only the others are compared.
  task automatic check_window;
    if (window_closes) begin
      if (expected_compute != 32'hFFFFFFFF) begin
        if (compute != expected_compute) fail($sformatf("%0d compute cycles, expected %0d", compute, expected_compute));
        for (int c = 0; c < CAUSES; c++) begin
          if (stalls[c*32 +: 32] != expected_stalls[c*32 +: 32]) begin
            fail($sformatf("stall counter %0d is %0d, expected %0d", c, stalls[c*32 +: 32],
                           expected_stalls[c*32 +: 32]));
          end
        end
        windows = windows + 1;
      end
      next_window;
    end
  endtask

  // "0", or "1 ordinal group position row bias column".
  integer trap_expected [0:6];
  task automatic check_trap;
    for (int i = 0; i < 7; i++) begin
      trap_expected[i] = 0;
      got = $fscanf(trap_file, "%d", trap_expected[i]);
    end
    if (32'(trap.valid) != trap_expected[0] || trap.ordinal != trap_expected[1] ||
        32'(trap.group) != trap_expected[2] || 32'(trap.position) != trap_expected[3] ||
        32'(trap.row) != trap_expected[4] || 32'(trap.bias) != trap_expected[5] ||
        32'(trap.lane) != trap_expected[6]) begin
      fail($sformatf("trap record is %0d %0d %0d %0d %0d %0d %0d", trap.valid, trap.ordinal, trap.group, trap.position,
                     trap.row, trap.bias, trap.lane));
    end
  endtask

  task automatic check_acc;
    if (acc_write || inner_write) begin
      if (!acc_due) fail("an accumulator write too many");
      for (int n = 0; n < ROWS; n++) begin
        acc_mask[n*REG_BITS +: REG_BITS] = {REG_BITS{acc_rows[n] && acc_write}};
        events_mask[n*EVENT_BITS +: EVENT_BITS] = {EVENT_BITS{acc_rows[n]}};
        inner_mask[n*ROW_BITS +: ROW_BITS] = {ROW_BITS{acc_rows[n] && inner_write}};
        inner_events_mask[n*ROW_EVENT_BITS +: ROW_EVENT_BITS] = {ROW_EVENT_BITS{acc_rows[n] && inner_write}};
        values = values + 32'(acc_rows[n] && acc_write) + 32'(acc_rows[n] && inner_write);
      end
      if (acc_cycle != cycle) fail($sformatf("accumulator write, expected in cycle %0d", acc_cycle));
      if (acc_expected_half != 32'(acc_half) || acc_expected_slot != 32'(acc_slot)) begin
        fail($sformatf("accumulator write to half %0d slot %0d, expected %0d and %0d", acc_half, acc_slot,
                       acc_expected_half, acc_expected_slot));
      end
      if (32'(acc_write) != acc_stores) fail($sformatf("%0d accumulator writes, expected %0d", acc_write, acc_stores));
      if ((acc_data & acc_mask) != acc_expected) begin
        fail($sformatf("accumulators of half %0d slot %0d are %h, expected %h", acc_half, acc_slot, acc_data & acc_mask,
                       acc_expected));
      end
      if ((acc_events & events_mask) != events_expected) begin
        fail($sformatf("overflow events are %h, expected %h", acc_events & events_mask, events_expected));
      end
      if (INNER && ((inner_data & inner_mask) != inner_expected ||
                    (inner_events & inner_events_mask) != inner_events_expected)) begin
        fail($sformatf("inner accumulators are %h, their overflow events %h, expected %h and %h",
                       inner_data & inner_mask, inner_events & inner_events_mask, inner_expected,
                       inner_events_expected));
      end
      writes = writes + 32'(acc_write);
      next_acc;
    end
  endtask

  task automatic check_y;
    if (y_write) begin
      if (!y_due) fail("a requantizer write too many");
      for (int i = 0; i < REQUANT_LANES; i++) begin
        y_mask[i*16 +: 16] = !y_lanes[i] ? 16'd0 : y_wide ? 16'hFFFF : 16'h00FF;
        codes = codes + 32'(y_lanes[i]);
        if (y_lanes[i]) begin
          act[32'(y_address)+(i<<y_wide)] = y_codes[i*16 +: 8];
          if (y_wide) act[32'(y_address)+(i<<1)+1] = y_codes[i*16+8 +: 8];
        end
      end
      if (y_cycle != cycle) fail($sformatf("requantizer write, expected in cycle %0d", y_cycle));
      if (y_address != y_due_address) fail($sformatf("codes go to %h, expected %h", y_address, y_due_address));
      if (y_count != $countones(y_lanes)) fail($sformatf("%0d lanes expected", y_count));
      if ((y_codes & y_mask) != y_expected) fail($sformatf("codes are %h, expected %h", y_codes & y_mask, y_expected));
      next_y;
    end
  endtask

  task automatic check_commit(input integer unit);
    if (commit[unit]) begin
      if (!commit_due[unit]) fail($sformatf("a commit of unit %0d too many", unit));
      if (commit_cycle[unit] != cycle) begin
        fail($sformatf("commit of unit %0d, expected in cycle %0d", unit, commit_cycle[unit]));
      end
      commits = commits + 1;
      committed[unit] <= committed[unit] + 1;
      if (unit == 0 || unit == 3) take_effect(unit);
      next_commit(unit);
    end
  endtask

  logic unused;
  assign unused = ^{x_request, w_request, p_request, y_request, bias_overflow, status, vec_busy, tokens};

endmodule
