// The sequencer: one waiting instruction with its row-file loader, and the loop nest of the running one.
//
// Loop nest of a MAC: groups of COLS stream positions, within a group the output positions of the block, within a
// position the x-port beats that bring its operands; the last beat of a position is its issue. A MERGE has one beat per
// position and part, and reads the bank instead of the x port.

module fxsim_sequencer import fxsim_pkg::*; (
  input  logic        clk,
  input  logic        rst,
  // decode
  input  logic        accept,
  input  work_t       incoming,
  output logic        can_accept,
  // p port: row records of the waiting instruction
  output logic        p_request,
  output logic [23:0] p_address,
  output logic        p_half,
  output logic [9:0]  p_row,
  // x port
  output logic        x_request,
  input  logic        x_grant,
  output logic [27:0] x_address,
  output beat_t       beat,
  // w port
  output logic        tile_begun,
  output logic        tile_wanted,
  output logic [27:0] tile_address,
  output logic        tile_wide,
  input  logic        tile_ready,
  // array
  output issue_t      issue,
  // what keeps the next beat from being sent
  output logic        busy,          // a beat is sent
  output logic        starts,        // it is the first one of an instruction
  output logic        is_running,
  output logic        has_next,      // there is one: of the running or of the waiting instruction
  output logic        waits_records,
  output logic        waits_tile,
  output logic        waits_slots,
  output logic        fresh          // slots of the last issue cannot be read by a MERGE yet
);

  // ---- registers

  work_t waiting, run;
  logic waiting_valid, running;
  logic [9:0] records;                  // of the waiting instruction, still to be loaded
  logic [REST_BITS-1:0] rest;           // cycles since the last issue, as far as any rule asks
  logic [21:0] group;
  logic [11:0] position;
  logic midway;                         // a beat of the position has been sent
  tap_t group_tap;                      // first tap of the group
  tap_t tap;                            // first tap of the present run of bytes
  logic [LANE_BITS-1:0] lane;           // its lane in the group
  logic [31:0] offset;                  // bytes of the run (private x: of the tap) already sent
  logic [15:0] grid_x, grid_y;
  logic [SPILL_BITS-1:0] unspilled;     // groups in the inner accumulator

  // ---- the place of the next beat

  work_t work;
  place_t now;
  tap_t at;                             // first tap of its run
  assign has_next = running || waiting_valid;
  assign work = running ? run : waiting;
  assign now = running ? {group, position, midway, group_tap, tap, lane, offset, grid_x, grid_y, unspilled}
    : {22'd0, 12'd0, 1'b0, waiting.first_tap, waiting.first_tap, LANE_BITS'(0), 32'd0, waiting.grid_x, waiting.grid_y,
       SPILL_BITS'(0)};
  assign at = now.tap;

  // ---- may it be sent?

  logic opens;                          // first beat of a group
  logic [REST_BITS-1:0] pause;
  assign opens = now.position == 0 && !now.midway;
  assign pause = now.group == 0 ? work.gap : work.pause;
  assign waits_slots = opens && rest < pause;
  assign waits_records = opens && now.group == 0 && records != 0;
  assign waits_tile = opens && !work.merge && !tile_ready;

  logic allowed;
  assign allowed = has_next && !waits_slots && !waits_records && !waits_tile;
  assign x_request = allowed && !work.merge;
  assign busy = allowed && (work.merge || x_grant);
  assign starts = busy && !running;
  assign is_running = running;
  assign fresh = rest < REST_BITS'(RECURRENCE);
  assign can_accept = !waiting_valid || starts;

  // ---- geometry of the position and of the present run

  logic signed [33:0] top, left, ty, tx;
  assign top = 34'($signed(work.iy0)) + 34'(now.grid_y) * 34'(work.stride_y);
  assign left = 34'($signed(work.ix0)) + 34'(now.grid_x) * 34'(work.stride_x);
  assign ty = top + 34'(at.ky) * 34'(work.dil_y);
  assign tx = left + 34'(at.kx) * 34'(work.dil_x);

  logic [COLS-1:0] padding, on;
  tap_t next_group_tap;
  fxsim_window window (
    .work(work), .first(now.group_tap), .top(top), .left(left), .padding(padding), .next(next_group_tap)
  );

  logic [LANE_BITS-1:0] lanes;          // of this group
  logic last_group, spills;
  assign last_group = now.group + 22'd1 == work.groups;
  assign spills = last_group || now.unspilled + SPILL_BITS'(1) == SPILL_BITS'(INNER_GROUPS);
  assign lanes = last_group ? work.last_lanes : LANE_BITS'(COLS);
  for (genvar i = 0; i < COLS; i++) begin : g_on
    assign on[i] = !work.merge && LANE_BITS'(i) < lanes;
  end

  // Elements until the address run breaks: at the end of the tap, or of the kernel row where its taps are adjacent.
  logic [31:0] until_break, run_lanes, run_bytes, left_bytes, bytes;
  logic run_ends, breaks, fetched;
  assign until_break = work.reversed ? 32'(at.c) + 32'd1 : 32'(work.run) - 32'(at.kx) * 32'(work.row_step) - 32'(at.c);
  assign run_lanes = until_break < 32'(lanes) - 32'(now.lane) ? until_break : 32'(lanes) - 32'(now.lane);
  assign run_bytes = work.private_x ? 32'(work.tap_bytes) : run_lanes << work.x_wide;
  assign left_bytes = run_bytes - now.offset;
  assign bytes = left_bytes < 32'(X_PORT) ? left_bytes : 32'(X_PORT);
  assign run_ends = left_bytes <= 32'(X_PORT);
  assign breaks = work.private_x || run_lanes == until_break;

  // The lane behind the run: row reuse skips taps that the row has latched already.
  logic reuses, row_ends;
  logic [9:0] first_new;                // kernel columns below it are latched
  logic [31:0] next_lane;
  assign reuses = work.reuses && now.position != 0;
  assign first_new = reuses && work.stride_x < work.kw ? work.kw - work.stride_x : '0;
  assign row_ends = work.reversed ? at.kx == first_new : at.kx + 10'd1 == work.kw;
  assign next_lane = 32'(now.lane) + (work.private_x ? 32'd1 + (row_ends ? 32'(first_new) : 32'd0) : run_lanes);
  assign fetched = work.merge || (run_ends && (work.private_x && reuses && row_ends
    ? (work.reversed ? at.ky == 0 : at.ky + 10'd1 == work.kh) : next_lane == 32'(lanes)));

  tap_t next_tap;
  always_comb begin
    next_tap = now.tap;
    if (!work.reversed) begin
      next_tap.c = breaks ? '0 : at.c + 20'(run_lanes);
      if (breaks) next_tap.kx = work.by_row || row_ends ? first_new : at.kx + 10'd1;
      if (breaks && (work.by_row || row_ends)) next_tap.ky = at.ky + 10'd1;
    end else begin
      next_tap.c = breaks ? work.channels - 20'd1 : at.c - 20'(run_lanes);
      if (breaks) next_tap.kx = row_ends ? work.kw - 10'd1 : at.kx - 10'd1;
      if (breaks && row_ends) next_tap.ky = at.ky - 10'd1;
    end
  end

  // ---- the beat

  logic signed [47:0] element;          // byte address of the first element of the run
  assign element = 48'(work.x_addr) + (48'(ty) * 48'(work.tile_w) + 48'(tx)) * 48'(work.pixel_pitch)
    + ((48'(at.c) + 48'(work.first_channel) - 48'(work.channel_base)) <<< work.x_wide);
  assign x_address = work.reversed && !work.private_x
    ? 28'(element + (48'd1 << work.x_wide) - 48'(now.offset) - 48'(bytes)) : 28'(element + 48'(now.offset));

  always_comb begin
    beat = '0;
    beat.valid = x_request && x_grant;
    beat.private_x = work.private_x;
    beat.reversed = work.reversed;
    beat.wide = work.x_wide;
    beat.lane = now.lane;
    beat.offset = now.offset;
    beat.bytes = 17'(bytes);
    beat.shift = reuses && !now.midway ? (work.stride_x < work.kw ? work.stride_x : '0) : '0;
    beat.row_rest = work.row_rest;
    beat.depth_mult = work.depth_mult;
  end

  always_comb begin
    issue = '0;
    issue.valid = busy && fetched;
    issue.merge = work.merge;
    issue.keeps = work.merge || now.group >= 22'(INNER_GROUPS) || work.init == INIT_KEEP;
    issue.biased = work.init == INIT_BIAS;
    issue.begins = now.unspilled == 0;
    issue.stores = work.merge || spills;
    issue.half = work.half;
    issue.slot = work.slot + now.position;
    issue.part = work.slot + now.position + 12'(now.group + 22'd1) * work.positions;
    issue.rows = work.rows;
    issue.on = on;
    issue.padding = padding;
    issue.private_x = work.private_x;
    issue.x_zero = work.x_zero;
    issue.w_zero = work.w_zero;
    issue.x_signed = work.x_signed;
    issue.w_signed = work.w_signed;
    issue.x_wide = work.x_wide;
    issue.w_wide = work.w_wide;
    issue.final_issue = last_group && now.position + 12'd1 == work.positions;
    issue.fills = work.last;
    issue.pushes = work.pushes;
    issue.ordinal = work.ordinal;
    issue.group = now.group;
    issue.position = now.position;
  end

  // ---- the weight tile behind the latest group that has begun

  logic [21:0] next_group;
  assign next_group = opens && !busy ? now.group : now.group + 22'd1;
  assign tile_begun = busy && opens && !work.merge;
  always_comb begin
    if ((running || busy) && next_group != work.groups) begin
      tile_wanted = !work.merge;
      tile_address = work.w_addr + 28'(next_group * 22'(COLS * ROWS) << work.w_wide);
      tile_wide = work.w_wide;
    end else begin
      tile_wanted = waiting_valid && !waiting.merge && !starts;
      tile_address = waiting.w_addr;
      tile_wide = waiting.w_wide;
    end
  end

  // ---- row records

  assign p_request = records != 0;
  assign p_row = waiting.rows - records;
  assign p_address = waiting.p_addr + 24'(p_row) * 24'd16;
  assign p_half = waiting.half;

  // ---- next state

  // Behind the last beat of a position: the next position, or the first one of the next group.
  logic last_position, line_ends;
  logic [11:0] next_position;
  tap_t start_tap, start_new;
  assign last_position = now.position + 12'd1 == work.positions;
  assign line_ends = now.grid_x + 16'd1 == work.out_w;
  assign next_position = last_position ? '0 : now.position + 12'd1;
  assign start_tap = last_position ? next_group_tap : now.group_tap;

  // Row reuse: the coming position begins with the first tap that is new to it.
  logic skips;
  logic [9:0] skipped;
  assign skips = work.reuses && !last_position && !work.reversed && work.stride_x < work.kw;
  assign skipped = work.kw - work.stride_x;
  assign start_new = {start_tap.ky, skips ? skipped : start_tap.kx, start_tap.c};

  place_t after;
  logic ends;
  always_comb begin
    after = now;
    after.midway = !fetched;
    after.offset = run_ends ? '0 : now.offset + 32'(X_PORT);
    if (run_ends) begin
      after.tap = next_tap;
      after.lane = LANE_BITS'(next_lane);
    end
    if (fetched) begin
      after.offset = '0;
      after.group = last_position ? now.group + 22'd1 : now.group;
      if (last_position) after.unspilled = spills ? '0 : now.unspilled + SPILL_BITS'(1);
      after.position = next_position;
      after.group_tap = start_tap;
      after.tap = start_new;
      after.lane = skips ? LANE_BITS'(skipped) : '0;
      after.grid_x = last_position ? work.grid_x : line_ends ? '0 : now.grid_x + 16'd1;
      after.grid_y = last_position ? work.grid_y : line_ends ? now.grid_y + 16'd1 : now.grid_y;
    end
  end
  assign ends = issue.valid && issue.final_issue;

  always_ff @(posedge clk) begin
    if (rst) begin
      running <= 1'b0;
      waiting_valid <= 1'b0;
      records <= '0;
      rest <= REST_BITS'(RECURRENCE);
    end else begin
      running <= busy ? !ends : running;
      waiting_valid <= accept || (waiting_valid && !starts);
      records <= accept ? (incoming.load_params ? incoming.rows : '0) : records - 10'(records != 0);
      rest <= issue.valid ? '0 : rest == REST_BITS'(RECURRENCE) ? rest : rest + REST_BITS'(1);
    end
    if (accept) waiting <= incoming;
    if (starts) run <= waiting;
    if (busy) begin
      group <= after.group;
      position <= after.position;
      midway <= after.midway;
      group_tap <= after.group_tap;
      tap <= after.tap;
      lane <= after.lane;
      offset <= after.offset;
      grid_x <= after.grid_x;
      grid_y <= after.grid_y;
      unspilled <= INNER_GROUPS == 1 ? '0 : after.unspilled;
    end
  end

endmodule
