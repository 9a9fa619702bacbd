// The MAC engine: decode, sequencer, x buffer, weight tiles, the array, the accumulator bank and the requantizer.
//
// An issue in cycle s occupies stage j in cycle s + j. Stages 1..READ_LATENCY are on their way from the scratchpads,
// then come MUL_LATENCY multiplier stages, the adder tree or chain, and in stage DEPTH the bank is written.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_mac_engine import fxsim_pkg::*; (
  input  logic         clk,
  input  logic         rst,
  // instruction in decode
  input  logic         valid,
  input  logic [511:0] word,
  input  logic         tokens,          // all its tokens are there
  output logic [8:0]   pops,
  output logic         issue_word,
  // x port: X_PORT bytes from x_address on, READ_LATENCY cycles after the grant
  output logic         x_request,
  input  logic         x_grant,
  output logic [27:0]  x_address,
  input  logic [X_PORT*8-1:0] x_data,
  // w port: beat w_beat of the packed tile at w_address
  output logic         w_request,
  input  logic         w_grant,
  output logic [27:0]  w_address,
  output logic         w_wide,
  output logic [TILE_COUNT-1:0] w_beat,
  input  logic [W_PORT*8-1:0] w_data,
  // p port: a row record
  output logic         p_request,
  output logic [23:0]  p_address,
  input  logic [127:0] p_data,
  // y port: requantized codes
  output logic         y_request,
  input  logic         y_grant,
  output logic         y_write,
  output logic [27:0]  y_address,
  output logic [REQUANT_LANES-1:0] y_lanes,
  output logic         y_wide,
  output logic [REQUANT_LANES*16-1:0] y_codes,
  // commits and their tokens
  output logic         mac_commit,
  output logic [8:0]   mac_pushes,
  output logic         req_commit,
  output logic [8:0]   req_pushes,
  // what is written into the accumulator bank, and into the inner accumulators
  output logic         acc_write,
  output logic         inner_write,
  output logic         acc_half,
  output logic [11:0]  acc_slot,
  output logic [ROWS-1:0] acc_rows,
  output logic [ROWS*REG_BITS-1:0] acc_data,
  output logic [ROWS*EVENT_BITS-1:0] acc_events,
  output logic [ROWS*ROW_BITS-1:0] inner_data,
  output logic [ROWS*ROW_EVENT_BITS-1:0] inner_events,
  output logic [ROWS-1:0] bias_overflow, // of the issue in the first accumulate stage
  output site_t        trap,            // the first event in program order; valid from then on
  // for the stall counters
  output mac_status_t  status
);

  // ---- decode

  logic is_req;
  logic [31:0] ordinal;
  work_t incoming_work;
  req_t incoming_req;
  fxsim_decode decode (
    .word(word), .ordinal(ordinal), .is_req(is_req), .pops(pops), .work(incoming_work), .req(incoming_req)
  );
  always_ff @(posedge clk) ordinal <= rst ? '0 : ordinal + 32'(issue_word);

  logic [1:0] state_0, state_1;
  logic work_free, req_free, half_free;
  assign half_free = is_req || !incoming_work.first || (incoming_work.half ? state_1 : state_0) == HALF_FREE;
  assign issue_word = valid && tokens && half_free && (is_req ? req_free : work_free);

  // ---- sequencer

  logic tile_begun, tile_wanted, tile_wide, tile_ready, p_half;
  logic [27:0] tile_address;
  logic [9:0] p_row;
  beat_t beat;
  issue_t issue;
  fxsim_sequencer sequencer (
    .clk(clk), .rst(rst), .accept(issue_word && !is_req), .incoming(incoming_work), .can_accept(work_free),
    .p_request(p_request), .p_address(p_address), .p_half(p_half), .p_row(p_row),
    .x_request(x_request), .x_grant(x_grant), .x_address(x_address), .beat(beat),
    .tile_begun(tile_begun), .tile_wanted(tile_wanted), .tile_address(tile_address), .tile_wide(tile_wide),
    .tile_ready(tile_ready), .issue(issue),
    .busy(status.beat), .starts(status.starts), .is_running(status.running), .has_next(status.has_next),
    .fresh(status.fresh), .waits_records(status.waits_records),
    .waits_tile(status.waits_tile), .waits_slots(status.waits_slots)
  );

  // ---- the pipeline of issues

  localparam int FIRST = DEPTH - RECURRENCE + 1;  // first accumulate stage
  issue_t at_multiply, at_part, at_first, at_write;
  for (genvar j = 0; j <= DEPTH; j++) begin : g_stage
    logic [$bits(issue_t)-1:0] item;
    if (j == 0) begin : g_enter
      assign item = issue;
    end else begin : g_move
      always_ff @(posedge clk) item <= rst ? '0 : g_stage[j-1].item;
    end
  end
  assign at_multiply = g_stage[READ_LATENCY+1].item;
  assign at_part = g_stage[FIRST-1].item;
  assign at_first = g_stage[FIRST].item;
  assign at_write = g_stage[DEPTH].item;

  // ---- operands

  beat_t arriving;
  logic [ROWS*COLS*X_OPERAND-1:0] x;
  logic [ROWS*COLS*W_OPERAND-1:0] w;
  fxsim_delay #(.BITS($bits(beat_t)), .STAGES(READ_LATENCY)) x_way (.clk(clk), .from(rst ? '0 : beat), .to(arriving));
  fxsim_operands operands (.clk(clk), .beat(arriving), .data(x_data), .issue(at_multiply), .x(x));
  fxsim_weights weights (
    .clk(clk), .rst(rst), .begun(tile_begun), .wanted(tile_wanted), .wanted_address(tile_address),
    .wanted_wide(tile_wide), .ready(tile_ready), .request(w_request), .grant(w_grant), .address(w_address),
    .wide(w_wide), .beat(w_beat), .data(w_data), .issue(at_multiply), .w(w)
  );

  // ---- accumulators

  logic [2*ROWS*BIAS_BITS-1:0] bias;
  logic [2*ROWS*32-1:0] multiplier;
  logic [2*ROWS*8-1:0] shift;
  fxsim_row_file row_file (
    .clk(clk), .rst(rst), .request(p_request), .request_half(p_half), .request_row(p_row), .record(p_data),
    .bias(bias), .multiplier(multiplier), .shift(shift)
  );

  logic [ROWS*REG_BITS-1:0] kept, part_read, part, out_sums;
  logic [ROWS*ROW_BITS-1:0] begun;      // inner accumulators
  logic [ROWS*LANE_BITS-1:0] lanes;
  logic out_half;
  logic [11:0] out_slot;
  fxsim_bank bank (
    .clk(clk), .write(acc_write), .write_half(acc_half), .write_slot(acc_slot), .write_rows(acc_rows),
    .write_data(acc_data), .half(at_first.half), .slot(at_first.slot), .data(kept),
    .part_half(at_part.half), .part_slot(at_part.part), .part_data(part_read),
    .out_half(out_half), .out_slot(out_slot), .out_data(out_sums)
  );
  always_ff @(posedge clk) part <= part_read;
  if (INNER) begin : g_inner
    fxsim_inner_bank inner_bank (
      .clk(clk), .write(inner_write), .write_slot(SLOT_BITS'(acc_slot)), .write_data(inner_data),
      .slot(SLOT_BITS'(at_first.slot)), .data(begun)
    );
  end else begin : g_no_inner
    assign begun = '0;
  end

  for (genvar n = 0; n < ROWS; n++) begin : g_row
    logic signed [BIAS_BITS-1:0] exact_bias;
    logic signed [REG_BITS-1:0] loaded, operand;
    logic left_range;
    assign exact_bias = at_first.half ? bias[(ROWS+n)*BIAS_BITS +: BIAS_BITS] : bias[n*BIAS_BITS +: BIAS_BITS];
    fxsim_accumulate #(.BITS(REG_BITS), .ADDEND(BIAS_BITS), .WRAPS(WRAPS)) load (
      .acc(REG_BITS'(0)), .addend(exact_bias), .sum(loaded), .overflow(left_range)
    );
    assign operand = at_first.keeps ? kept[n*REG_BITS +: REG_BITS] : at_first.biased ? loaded : '0;
    assign bias_overflow[n] = at_first.valid && at_first.group == 0 && !at_first.keeps && at_first.biased && left_range
      && 10'(n) < at_first.rows;

    // A row adds to its inner accumulator, which spills through an adder of its own; or to the accumulator itself.
    logic signed [ROW_BITS-1:0] row_acc, row_sum;
    logic [ROW_EVENT_BITS-1:0] row_events;
    logic [LANE_BITS-1:0] row_lane;
    logic signed [REG_BITS-1:0] row_part;
    assign row_part = part[n*REG_BITS +: REG_BITS];
    fxsim_pe_row row (
      .clk(clk), .x(x[n*COLS*X_OPERAND +: COLS*X_OPERAND]), .w(w[n*COLS*W_OPERAND +: COLS*W_OPERAND]),
      .on(at_multiply.on), .acc(row_acc), .merge(!INNER && at_first.merge), .part(ROW_BITS'(row_part)),
      .sum(row_sum), .events(row_events), .lane(row_lane)
    );
    if (INNER) begin : g_spill
      logic overflow;
      assign row_acc = at_first.begins ? '0 : begun[n*ROW_BITS +: ROW_BITS];
      fxsim_spill spill (
        .clk(clk), .acc(operand), .part(row_part), .inner(row_sum), .merge(at_write.merge),
        .sum(acc_data[n*REG_BITS +: REG_BITS]), .overflow(overflow)
      );
      assign acc_events[n*EVENT_BITS +: EVENT_BITS] = overflow && at_write.stores;
      assign lanes[n*LANE_BITS +: LANE_BITS] = '0;
    end else begin : g_direct
      assign row_acc = operand;
      assign acc_data[n*REG_BITS +: REG_BITS] = row_sum;
      assign acc_events[n*EVENT_BITS +: EVENT_BITS] = row_events;
      assign lanes[n*LANE_BITS +: LANE_BITS] = row_lane;
    end
    assign inner_data[n*ROW_BITS +: ROW_BITS] = row_sum;
    assign inner_events[n*ROW_EVENT_BITS +: ROW_EVENT_BITS] = row_events;
    assign acc_rows[n] = 10'(n) < at_write.rows;
  end

  assign acc_write = at_write.valid && at_write.stores;
  assign inner_write = INNER && at_write.valid && !at_write.merge;
  assign acc_half = at_write.half;
  assign acc_slot = at_write.slot;
  assign mac_commit = at_write.valid && at_write.final_issue;
  assign mac_pushes = at_write.pushes;

  // ---- read-out

  site_t read_site;
  logic drains, frees;
  logic [1:0] full;
  assign full = {state_1 == HALF_FULL, state_0 == HALF_FULL};
  fxsim_requantizer requantizer (
    .clk(clk), .rst(rst), .accept(issue_word && is_req), .incoming(incoming_req), .can_accept(req_free),
    .full(full), .half(out_half), .slot(out_slot), .sums(out_sums),
    .bias(bias), .multiplier(multiplier), .shift(shift), .drains(drains), .frees(frees),
    .y_request(y_request), .y_grant(y_grant), .y_write(y_write), .y_address(y_address), .y_lanes(y_lanes),
    .y_wide(y_wide), .y_codes(y_codes), .commit(req_commit), .pushes(req_pushes),
    .busy(status.read_beat), .starts(status.read_starts), .waits(status.req_waits), .site(read_site)
  );
  assign status.read_ends = frees;
  assign status.half_state = {state_1, state_0};

  // ---- trap

  logic [ROWS-1:0] bias_events;           // of the issue that is written
  fxsim_delay #(.BITS(ROWS), .STAGES(RECURRENCE - 1)) bias_way (.clk(clk), .from(bias_overflow), .to(bias_events));
  fxsim_trap trap_record (
    .clk(clk), .rst(rst), .issue(at_write), .bias(bias_events), .events(acc_events), .lanes(lanes),
    .read(read_site), .trap(trap)
  );

  // ---- bank halves

  for (genvar h = 0; h < 2; h++) begin : g_half
    logic [1:0] now;
    always_ff @(posedge clk) begin
      if (rst) now <= HALF_FREE;
      else if (issue_word && !is_req && incoming_work.first && 32'(incoming_work.half) == h) now <= HALF_FILLING;
      else if (mac_commit && at_write.fills && 32'(acc_half) == h) now <= HALF_FULL;
      else if (drains && 32'(out_half) == h) now <= HALF_DRAINING;
      else if (frees && 32'(out_half) == h) now <= HALF_FREE;
    end
  end
  assign state_0 = g_half[0].now;
  assign state_1 = g_half[1].now;

endmodule
