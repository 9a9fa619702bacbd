// The taps of one group of the K stream under one output position: which lanes read padding, and the group behind.
//
// Lane 0 stands at tap (ky, kx), channel c; every further lane is one stream position on: channel fastest, then kx,
// then ky, or all the way back in reversed order. A chain of COLS counters, no division.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_window import fxsim_pkg::*; (
  input  work_t              work,
  input  tap_t               first,    // tap of lane 0
  input  logic signed [33:0] top,      // tile row of tap ky = 0 of this position, and tile column of kx = 0
  input  logic signed [33:0] left,
  output logic [COLS-1:0]    padding,  // lanes whose tap lies outside the tile
  output tap_t               next      // tap of lane 0 of the group behind
);

  function automatic tap_t step(input tap_t tap, input work_t w);
    tap_t after;
    after = tap;
    if (!w.reversed) begin
      after.c = tap.c + 20'd1;
      if (after.c == w.channels) begin
        after.c  = '0;
        after.kx = tap.kx + 10'd1;
        if (after.kx == w.kw) begin
          after.kx = '0;
          after.ky = tap.ky + 10'd1;
        end
      end
    end else if (tap.c != 0) begin
      after.c = tap.c - 20'd1;
    end else begin
      after.c = w.channels - 20'd1;
      if (tap.kx != 0) begin
        after.kx = tap.kx - 10'd1;
      end else begin
        after.kx = w.kw - 10'd1;
        after.ky = tap.ky - 10'd1;
      end
    end
    return after;
  endfunction

  for (genvar i = 0; i <= COLS; i++) begin : g_lane
    tap_t tap;
    if (i == 0) begin : g_first
      assign tap = first;
    end else begin : g_later
      assign tap = step(g_lane[i-1].tap, work);
    end

    if (i < COLS) begin : g_pad
      logic signed [33:0] ty, tx;
      assign ty = top + 34'(tap.ky) * 34'(work.dil_y);
      assign tx = left + 34'(tap.kx) * 34'(work.dil_x);
      assign padding[i] = ty < 0 || ty >= $signed(34'(work.tile_h)) || tx < 0 || tx >= $signed(34'(work.tile_w));
    end
  end

  assign next = g_lane[COLS].tap;

endmodule
