// Requantizer: code = clamp(zero + rescale(acc), lo, hi), combinational and exact.
//
// rescale multiplies an accumulator by the real factor that a multiplier m and a shift s stand for, and rounds to an
// integer. SCHEME is the rule's number in fxsim.numerics.SchemeCode; with W = max(32, ACC_BITS) the rules are
//
//   TFL_DOUBLE     wrap(acc * 2**max(s, 0), W) * m / 2**31, ties up; that / 2**max(-s, 0), ties away from zero
//   TFL_DOUBLE_UP  the same with ties up both times
//   TFL_SINGLE     acc * m / 2**(31 - s), ties up
//   FLOOR          acc * m / 2**(31 - s), toward minus infinity
//   RNDNU          acc * m / 2**s, ties up
//   RHAWAY_SHIFT   acc * m / 2**s, ties away from zero
//   REVEN_SHIFT    acc / 2**s, ties to even
//   MBQM64         acc * min(round(m / 2**16), 2**15 - 1) / 2**(15 - s), ties up, wrapped to W bits
//
// A rule's own multiplier has OWN bits with its sign. The one that is built has MULTIPLIER_BITS if that is less; words
// then stand left-aligned in the OWN bits and only their top bits are read. Shifts are those that the scheme takes.

module fxsim_requantize #(
  parameter int SCHEME          = 0,
  parameter int ACC_BITS        = 32,  // 2..48; REVEN_SHIFT 2..62
  parameter int MULTIPLIER_BITS = 32   // 2..32
) (
  input  logic signed [ACC_BITS-1:0] acc,
  input  logic signed [31:0]         multiplier,
  input  logic signed [7:0]          shift,
  input  logic signed [16:0]         zero,
  input  logic signed [16:0]         lo,
  input  logic signed [16:0]         hi,
  output logic signed [16:0]         code
);

  localparam int TFL_DOUBLE    = 0;
  localparam int TFL_SINGLE    = 1;
  localparam int TFL_DOUBLE_UP = 2;
  localparam int RNDNU         = 3;
  localparam int MBQM64        = 4;
  localparam int RHAWAY_SHIFT  = 5;
  localparam int REVEN_SHIFT   = 6;
  localparam int FLOOR         = 9;

  localparam int OWN = (SCHEME == RNDNU) ? 25
                     : (SCHEME == MBQM64 || SCHEME == RHAWAY_SHIFT) ? 16
                     : (SCHEME == REVEN_SHIFT) ? 2 : 32;
  localparam int M = (MULTIPLIER_BITS < OWN) ? MULTIPLIER_BITS : OWN;  // multiplier
  localparam int W = (ACC_BITS > 32) ? ACC_BITS : 32;                  // multiplicand
  localparam int P = (W + OWN > 64) ? W + OWN : 64;                    // product and results; more than any shift

  // ---- rounding: value / 2**right to the nearest integer, up if the dropped bits exceed a half or tie and ties go up

  function automatic logic signed [P-1:0] nearest(input logic signed [P-1:0] value, input logic [5:0] right,
                                                  input logic tie_down);
    logic        [P-1:0] mask, dropped, limit;
    logic signed [P-1:0] whole;
    mask    = ~({P{1'b1}} << right);
    dropped = value & mask;
    limit   = (mask >> 1) + P'(tie_down);
    whole   = value >>> right;
    nearest = (dropped > limit) ? whole + P'(2'sd1) : whole;
  endfunction

  function automatic logic signed [P-1:0] ties_up(input logic signed [P-1:0] value, input logic [5:0] right);
    ties_up = nearest(value, right, 1'b0);
  endfunction

  function automatic logic signed [P-1:0] ties_away(input logic signed [P-1:0] value, input logic [5:0] right);
    ties_away = nearest(value, right, value[P-1]);
  endfunction

  function automatic logic signed [P-1:0] ties_even(input logic signed [P-1:0] value, input logic [5:0] right);
    logic odd;
    odd       = 1'(value >>> right);
    ties_even = nearest(value, right, !odd);
  endfunction

  // ---- rescale

  logic signed [W-1:0] multiplicand;
  logic signed [M-1:0] factor;
  logic signed [P-1:0] product;
  logic signed [P-1:0] scaled;

  assign product = P'((W + M)'(multiplicand) * (W + M)'(factor)) <<< (OWN - M);

  if (SCHEME == TFL_DOUBLE || SCHEME == TFL_DOUBLE_UP) begin : g_double
    // gemmlowp saturates the first quotient. One can leave W bits, (-2**(W-1)) * (-2**31) / 2**31, and is the greatest
    // integer of W bits plus 1: both round to the same or are clamped.
    logic [4:0] left;
    logic [5:0] right;
    logic signed [P-1:0] first;

    assign left = shift[7] ? 5'd0 : shift[4:0];
    assign right = shift[7] ? 6'(-shift) : 6'd0;
    assign multiplicand = W'(acc) <<< left;
    assign factor = multiplier[31-:M];
    assign first = ties_up(product, 6'd31);
    if (SCHEME == TFL_DOUBLE) begin : g_away
      assign scaled = ties_away(first, right);
    end else begin : g_up
      assign scaled = ties_up(first, right);
    end
  end else if (SCHEME == TFL_SINGLE || SCHEME == FLOOR) begin : g_single
    logic [5:0] right;

    assign right = 6'(8'sd31 - shift);
    assign multiplicand = W'(acc);
    assign factor = multiplier[31-:M];
    if (SCHEME == TFL_SINGLE) begin : g_up
      assign scaled = ties_up(product, right);
    end else begin : g_floor
      assign scaled = product >>> right;
    end
  end else if (SCHEME == RNDNU) begin : g_rndnu
    assign multiplicand = W'(acc);
    assign factor = multiplier[24-:M];
    assign scaled = ties_up(product, shift[5:0]);
  end else if (SCHEME == RHAWAY_SHIFT) begin : g_rhaway
    assign multiplicand = W'(acc);
    assign factor = multiplier[15-:M];
    assign scaled = ties_away(product, shift[5:0]);
  end else if (SCHEME == REVEN_SHIFT) begin : g_reven
    assign multiplicand = W'(acc);
    assign factor = M'(2'sd1);
    assign scaled = ties_even(product, shift[5:0]);
  end else if (SCHEME == MBQM64) begin : g_mbqm64
    // Words from 7FFF8000 on would round to 2**15, which 16 bits do not hold.
    logic signed [15:0] reduced;
    logic signed [P-1:0] rounded;

    assign reduced = (multiplier >= 32'sh7FFF_0000) ? 16'sh7FFF : 16'((multiplier + 32'sh8000) >>> 16);
    assign multiplicand = W'(acc);
    assign factor = M'(reduced >>> (16 - M));
    assign rounded = ties_up(product, 6'(8'sd15 - shift));
    assign scaled = (rounded <<< (P - W)) >>> (P - W);
  end else begin : g_refused
    initial $fatal(1, "fxsim_requantize: SCHEME is not an integer scheme");
  end

  // No scheme reads every bit of its word.
  logic unused;
  assign unused = &{1'b0, multiplier, shift};

  // ---- zero point and clamp

  logic signed [P:0] moved;
  assign moved = (P+1)'(scaled) + (P+1)'(zero);
  assign code = moved < (P+1)'(lo) ? lo : moved > (P+1)'(hi) ? hi : 17'(moved);

endmodule
