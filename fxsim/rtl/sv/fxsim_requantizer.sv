// Read-out: a REQ waits until its bank half is full, then sends REQUANT_LANES outputs per cycle to be requantized.
//
// Slots ascend, within a slot rows ascend. A beat is written REQUANT_LATENCY cycles later; the arithmetic sits behind
// the first register, the others are there to be retimed into it.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_requantizer import fxsim_pkg::*; (
  input  logic                     clk,
  input  logic                     rst,
  // decode
  input  logic                     accept,
  input  req_t                     incoming,
  output logic                     can_accept,
  // bank and row files
  input  logic [1:0]               full,
  output logic                     half,
  output logic [11:0]              slot,
  input  logic [ROWS*REG_BITS-1:0] sums,
  input  logic [2*ROWS*BIAS_BITS-1:0] bias,
  input  logic [2*ROWS*32-1:0]     multiplier,
  input  logic [2*ROWS*8-1:0]      shift,
  output logic                     drains,     // the half is being read
  output logic                     frees,      // by its last beat
  // y port
  output logic                     y_request,
  input  logic                     y_grant,
  output logic                     y_write,
  output logic [27:0]              y_address,
  output logic [REQUANT_LANES-1:0]     y_lanes,
  output logic                     y_wide,
  output logic [REQUANT_LANES*16-1:0]  y_codes,
  // tokens
  output logic                     commit,
  output logic [8:0]               pushes,
  // for the stall counters
  output logic                     busy,
  output logic                     starts,
  output logic                     waits,
  // a bias that comes last and leaves the range
  output site_t                    site
);

  req_t req;
  logic held, begun;
  logic [11:0] position;
  logic [9:0] row;
  logic [15:0] grid_x;
  logic [27:0] line;                    // address of the grid row

  logic last_lanes, last, is_full;
  assign is_full = begun || full[req.half];
  assign waits = held && !is_full;
  assign starts = busy && !begun;
  assign y_request = held && is_full;
  assign busy = y_request && y_grant;
  assign last_lanes = 32'(row) + REQUANT_LANES >= 32'(req.rows);
  assign last = last_lanes && position + 12'd1 == req.positions;
  assign half = req.half;
  assign slot = req.slot + position;
  assign drains = busy && !last;
  assign frees = busy && last;
  assign can_accept = !held || frees;

  always_ff @(posedge clk) begin
    if (rst) begin
      held <= 1'b0;
      begun <= 1'b0;
    end else begin
      held <= accept || (held && !frees);
      begun <= !frees && (begun || busy);
    end
    if (accept) begin
      req <= incoming;
      position <= '0;
      row <= '0;
      grid_x <= incoming.grid_x;
      line <= incoming.out_addr + 28'(incoming.grid_y) * incoming.out_row_pitch;
    end else if (busy) begin
      row <= last_lanes ? '0 : row + 10'(REQUANT_LANES);
      if (last_lanes) begin
        position <= position + 12'd1;
        grid_x <= grid_x + 16'd1 == req.out_w ? '0 : grid_x + 16'd1;
        if (grid_x + 16'd1 == req.out_w) line <= line + req.out_row_pitch;
      end
    end
  end

  // ---- stage 1: operands of a beat

  logic s1_valid, s1_last;
  logic [11:0] s1_position;
  logic [9:0] s1_row;
  logic [27:0] s1_address;
  logic [REQUANT_LANES-1:0] s1_lanes;
  req_t s1;
  always_ff @(posedge clk) begin
    s1_valid <= busy && !rst;
    s1_last <= last;
    s1_position <= position;
    s1_row <= row;
    s1 <= req;
    s1_address <= line + 28'(grid_x) * 28'(req.out_pitch) + (28'(row) << req.out_wide);
  end

  logic [REQUANT_LANES*16-1:0] codes;
  logic [REQUANT_LANES-1:0] left_range;
  for (genvar i = 0; i < REQUANT_LANES; i++) begin : g_lane
    logic [9:0] n;                      // row of the lane, and its entry of the row files
    logic [10:0] entry;
    logic signed [REG_BITS-1:0] sum;
    logic signed [BIAS_BITS-1:0] offset;
    logic signed [31:0] factor;
    logic signed [7:0] exponent;
    assign n = row + 10'(i) < req.rows ? row + 10'(i) : '0;
    assign entry = req.half ? 11'(ROWS) + 11'(n) : 11'(n);

    always_ff @(posedge clk) begin
      s1_lanes[i] <= row + 10'(i) < req.rows;
      sum <= sums[32'(n)*REG_BITS +: REG_BITS];
      offset <= bias[32'(entry)*BIAS_BITS +: BIAS_BITS];
      factor <= multiplier[32'(entry)*32 +: 32];
      exponent <= shift[32'(entry)*8 +: 8];
    end

    // The bias may come last, as one more rule application; then a wider register is clamped to ACC_BITS.
    logic signed [REG_BITS-1:0] biased, whole;
    logic signed [ACC_BITS-1:0] acc;
    logic leaves;
    fxsim_accumulate #(.BITS(REG_BITS), .ADDEND(BIAS_BITS), .WRAPS(WRAPS)) last_bias (
      .acc(sum), .addend(offset), .sum(biased), .overflow(leaves)
    );
    assign left_range[i] = s1_valid && s1.add_bias && s1_lanes[i] && leaves;
    assign whole = s1.add_bias ? biased : sum;
    if (REG_BITS > ACC_BITS) begin : g_clamp
      logic outside;
      assign outside = whole[REG_BITS-1:ACC_BITS-1] != {(REG_BITS-ACC_BITS+1){whole[REG_BITS-1]}};
      assign acc = outside ? {whole[REG_BITS-1], {(ACC_BITS-1){!whole[REG_BITS-1]}}} : whole[ACC_BITS-1:0];
    end else begin : g_whole
      assign acc = whole;
    end

    logic signed [16:0] code;
    fxsim_requantize #(.SCHEME(SCHEME), .ACC_BITS(ACC_BITS), .MULTIPLIER_BITS(MULTIPLIER_BITS)) requantize (
      .acc(acc), .multiplier(factor), .shift(exponent), .zero($signed(s1.out_zero)),
      .lo($signed(s1.clamp_lo)), .hi($signed(s1.clamp_hi)), .code(code)
    );
    assign codes[i*16 +: 16] = code[15:0];  // as stored: the sign bit of an unsigned code is not
    logic unused_sign;
    assign unused_sign = code[16];
  end

  logic [9:0] first_row;
  always_comb begin
    first_row = '0;
    for (int i = REQUANT_LANES - 1; i >= 0; i--) if (left_range[i]) first_row = 10'(i);
  end
  assign site = {left_range != 0, s1.ordinal, 22'd0, s1_position, s1_row + first_row, 1'b1, LANE_BITS'(0)};

  // ---- the other stages

  fxsim_delay #(.BITS(40 + REQUANT_LANES * 17), .STAGES(REQUANT_LATENCY - 1)) stages (
    .clk(clk),
    .from({s1_valid, s1_valid && s1_last, s1.out_wide, s1.pushes, s1_address, s1_lanes, codes}),
    .to({y_write, commit, y_wide, pushes, y_address, y_lanes, y_codes})
  );

endmodule
