// Weight tiles: fetched beat by beat into the shadow registers while the array works on the active ones.
//
// A tile is wanted once the group before it has begun. It moves from shadow to active READ_LATENCY cycles after the
// first x beat of its group, just in time for that group's first issue.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_weights import fxsim_pkg::*; (
  input  logic                        clk,
  input  logic                        rst,
  input  logic                        begun,         // a group sends its first x beat: its tile moves on
  input  logic                        wanted,        // the tile behind it is known
  input  logic [27:0]                 wanted_address,
  input  logic                        wanted_wide,   // its weights take two bytes in the scratchpad
  output logic                        ready,         // the coming tile has been requested to the end
  // w port
  output logic                        request,
  input  logic                        grant,
  output logic [27:0]                 address,       // of the tile
  output logic                        wide,
  output logic [TILE_COUNT-1:0]       beat,          // which W_PORT bytes of the packed tile
  input  logic [W_PORT*8-1:0]         data,          // READ_LATENCY cycles later
  // multiplier stage 1
  input  issue_t                      issue,
  output logic [ROWS*COLS*W_OPERAND-1:0] w
);

  localparam int TILE_BITS = TILE_BEATS * W_PORT * 8;

  logic held, fetching;
  logic [TILE_COUNT-1:0] left, left_now;
  logic [27:0] held_address;
  logic held_wide;

  // What is held in this cycle, before a beat is requested.
  assign fetching = (held && !begun) || wanted;
  assign left_now = held && !begun ? left : wanted ? TILE_COUNT'(TILE_BEATS) : '0;
  assign address = held && !begun ? held_address : wanted_address;
  assign wide = held && !begun ? held_wide : wanted_wide;
  assign beat = TILE_COUNT'(TILE_BEATS) - left_now;
  assign request = left_now != 0;
  assign ready = held && left == 0;

  always_ff @(posedge clk) begin
    if (rst) begin
      held <= 1'b0;
      left <= '0;
    end else begin
      held <= fetching;
      left <= left_now - TILE_COUNT'(request && grant);
    end
    held_address <= address;
    held_wide <= wide;
  end

  // The beat on its way, and the move of its tile.
  logic arrives, moves;
  logic [TILE_COUNT-1:0] arriving;
  fxsim_delay #(.BITS(TILE_COUNT + 2), .STAGES(READ_LATENCY)) way (
    .clk(clk), .from({request && grant && !rst, begun && !rst, beat}), .to({arrives, moves, arriving})
  );

  logic [TILE_BITS-1:0] shadow, active;
  always_ff @(posedge clk) begin
    if (moves) active <= shadow;
    for (int i = 0; i < TILE_BEATS; i++) begin
      if (arrives && arriving == TILE_COUNT'(i)) shadow[i*W_PORT*8 +: W_PORT*8] <= data;
    end
  end

  for (genvar n = 0; n < ROWS; n++) begin : g_row
    for (genvar j = 0; j < COLS; j++) begin : g_lane
      logic signed [W_OPERAND-1:0] value;
      assign value = w_value(active[(j*ROWS+n)*WEIGHT_BITS +: WEIGHT_BITS], issue);
      assign w[(n*COLS+j)*W_OPERAND +: W_OPERAND] = value - W_OPERAND'($signed(issue.w_zero));
    end
  end

  function automatic logic signed [W_OPERAND-1:0] w_value(input logic [WEIGHT_BITS-1:0] code, input issue_t i);
    logic [W_NARROW-1:0] narrow;
    narrow = code[W_NARROW-1:0];
    return i.w_wide ? W_OPERAND'($signed({i.w_signed & code[WEIGHT_BITS-1], code}))
                    : W_OPERAND'($signed({i.w_signed & narrow[W_NARROW-1], narrow}));
  endfunction

endmodule
