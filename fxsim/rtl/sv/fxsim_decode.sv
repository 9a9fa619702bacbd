// Instruction words into the records of the units. Division by fields of the instruction happens here only, once per
// instruction, in combinational dividers: precompute or pipeline them for a fast clock. The loop nest counts.

module fxsim_decode import fxsim_pkg::*; (
  /* verilator lint_off UNUSEDSIGNAL */  // modes that the machine has built in are not read
  input  logic [511:0] word,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [31:0]  ordinal,
  output logic         is_req,
  output logic [8:0]   pops,
  output work_t        work,
  output req_t         req
);

  assign is_req = word[5:0] == OPCODE_REQ;
  assign pops = word[MAC_POPS +: 9];

  logic merge;
  assign merge = word[5:0] == OPCODE_MERGE;

  // ---- K stream

  logic [19:0] channels;
  logic [9:0] kh, kw, stride_x;
  logic [39:0] total, first, tap;
  logic [21:0] k_start, k_count, groups;
  logic reversed, private_x, x_wide;
  assign channels = word[MAC_CHANNELS +: 20];
  assign kh = word[MAC_KH +: 10];
  assign kw = word[MAC_KW +: 10];
  assign stride_x = word[MAC_STRIDE_X +: 10];
  assign k_start = word[MAC_K_START +: 22];
  assign k_count = word[MAC_K_COUNT +: 22];
  assign reversed = word[MAC_ORDER];
  assign private_x = word[MAC_PRIVATE_X];
  assign x_wide = word[MAC_X_WIDE];
  assign total = 40'(kh) * 40'(kw) * 40'(channels);
  assign first = reversed ? total - 40'd1 - 40'(k_start) : 40'(k_start);
  assign tap = first / 40'(channels);
  assign groups = (k_count + 22'(COLS - 1)) / 22'(COLS);

  // ---- output grid and depthwise channels

  logic [15:0] ox_start, out_w, grid_x;
  logic [11:0] positions, depth_mult;
  logic [19:0] row_base, last_row, first_channel;
  logic [9:0] rows;
  assign ox_start = word[MAC_OX_START +: 16];
  assign out_w = word[MAC_OUT_W +: 16];
  assign grid_x = ox_start % out_w;
  assign positions = merge ? word[MERGE_POSITIONS +: 12] : word[MAC_POSITIONS +: 12];
  assign rows = merge ? word[MERGE_ROWS +: 10] : word[MAC_ROWS +: 10];
  assign depth_mult = word[MAC_DEPTH_MULT +: 12];
  assign row_base = word[MAC_ROW_BASE +: 20];
  assign last_row = row_base + 20'(rows) - 20'd1;
  assign first_channel = row_base / 20'(depth_mult);

  // Address runs go on behind a tap where the pixels of a kernel row are adjacent.
  logic by_row;
  assign by_row = !reversed && !private_x && word[MAC_DIL_X +: 10] == 10'd1
    && 21'(word[MAC_PIXEL_PITCH +: 20]) == 21'(channels) << x_wide;

  logic [REST_BITS-1:0] recurrence;
  assign recurrence = REST_BITS'(RECURRENCE);

  always_comb begin
    work = '0;
    work.merge = merge;
    work.first = !merge && word[MAC_FIRST];
    work.last = merge ? word[MERGE_LAST] : word[MAC_LAST];
    work.load_params = !merge && word[MAC_LOAD_PARAMS];
    work.private_x = !merge && private_x;
    work.init = word[MAC_INIT +: 2];
    work.half = merge ? word[MERGE_HALF] : word[MAC_HALF];
    work.reversed = reversed;
    work.rows = rows;
    work.positions = positions;
    work.slot = merge ? word[MERGE_SLOT +: 12] : word[MAC_SLOT +: 12];
    work.x_addr = word[MAC_X_ADDR +: 28];
    work.w_addr = word[MAC_W_ADDR +: 28];
    work.p_addr = word[MAC_P_ADDR +: 24];
    work.pixel_pitch = word[MAC_PIXEL_PITCH +: 20];
    work.tile_h = word[MAC_TILE_H +: 16];
    work.tile_w = word[MAC_TILE_W +: 16];
    work.iy0 = word[MAC_IY0 +: 17];
    work.ix0 = word[MAC_IX0 +: 17];
    work.out_w = out_w;
    work.stride_y = word[MAC_STRIDE_Y +: 10];
    work.stride_x = stride_x;
    work.dil_y = word[MAC_DIL_Y +: 10];
    work.dil_x = word[MAC_DIL_X +: 10];
    work.kh = kh;
    work.kw = kw;
    work.channels = channels;
    work.channel_base = word[MAC_CHANNEL_BASE +: 20];
    work.depth_mult = depth_mult;
    work.x_zero = word[MAC_X_ZERO +: 17];
    work.w_zero = word[MAC_W_ZERO +: 17];
    work.x_signed = word[MAC_X_SIGNED];
    work.w_signed = word[MAC_W_SIGNED];
    work.x_wide = x_wide;
    work.w_wide = word[MAC_W_WIDE];
    work.pushes = word[MAC_PUSHES +: 9];
    work.ordinal = ordinal;
    work.groups = merge ? 22'(word[MERGE_PARTS +: 12]) - 22'd1 : groups;
    work.last_lanes = LANE_BITS'(k_count - (groups - 22'd1) * 22'(COLS));
    work.first_tap.ky = 10'(tap / 40'(kw));
    work.first_tap.kx = 10'(tap % 40'(kw));
    work.first_tap.c = 20'(first % 40'(channels));
    work.grid_x = grid_x;
    work.grid_y = ox_start / out_w;
    work.by_row = by_row;
    work.run = by_row ? 30'(channels) * 30'(kw) : 30'(channels);
    work.row_step = by_row ? channels : '0;
    work.first_channel = private_x ? first_channel : '0;
    work.row_rest = 12'(row_base % 20'(depth_mult));
    work.tap_bytes = 16'((last_row / 20'(depth_mult) - first_channel + 20'd1) << x_wide);
    work.reuses = private_x && 40'(k_count) == total && k_count <= 22'(COLS) && word[MAC_DIL_X +: 10] == 10'd1
      && 17'(grid_x) + 17'(positions) <= 17'(out_w);
    work.gap = merge ? recurrence : word[MAC_INIT +: 2] == INIT_KEEP ? recurrence - REST_BITS'(1) : '0;
    work.pause = positions < 12'(RECURRENCE) ? recurrence - REST_BITS'(positions) : '0;
  end

  // ---- REQ

  logic [15:0] req_ox, req_out_w;
  assign req_ox = word[REQ_OX_START +: 16];
  assign req_out_w = word[REQ_OUT_W +: 16];

  always_comb begin
    req = '0;
    req.half = word[REQ_HALF];
    req.add_bias = word[REQ_ADD_BIAS];
    req.rows = word[REQ_ROWS +: 10];
    req.positions = word[REQ_POSITIONS +: 12];
    req.slot = word[REQ_SLOT +: 12];
    req.out_addr = word[REQ_OUT_ADDR +: 28];
    req.out_pitch = word[REQ_OUT_PITCH +: 20];
    req.out_row_pitch = word[REQ_OUT_ROW_PITCH +: 28];
    req.grid_x = req_ox % req_out_w;
    req.grid_y = req_ox / req_out_w;
    req.out_w = req_out_w;
    req.out_zero = word[REQ_OUT_ZERO +: 17];
    req.clamp_lo = word[REQ_CLAMP_LO +: 17];
    req.clamp_hi = word[REQ_CLAMP_HI +: 17];
    req.out_wide = word[REQ_OUT_WIDE];
    req.pushes = word[REQ_PUSHES +: 9];
    req.ordinal = ordinal;
  end

endmodule
