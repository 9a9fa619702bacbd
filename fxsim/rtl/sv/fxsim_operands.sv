// The x buffer: bytes that the x port brings are put where the multipliers of the coming issue expect them.
//
// Shared x: one operand per column for all rows. Private x (depthwise): every row latches its own channel of every tap,
// and keeps the taps that its next window shares with this one.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_operands import fxsim_pkg::*; (
  input  logic                        clk,
  input  beat_t                       beat,   // what the arriving bytes are
  input  logic [X_PORT*8-1:0]         data,
  input  issue_t                      issue,  // in multiplier stage 1
  output logic [ROWS*COLS*X_OPERAND-1:0] x
);

  localparam int CELL = X_BYTES * 8;  // one operand as stored

  logic [COLS*CELL-1:0] shared, shared_next;
  logic [ROWS*COLS*CELL-1:0] own, own_next;
  logic [ROWS*10-1:0] channel;

  // Byte i of the port becomes byte `first_byte` + i of the group; in reversed order the last byte comes first.
  always_comb begin
    shared_next = shared;
    for (int i = 0; i < X_PORT; i++) begin
      for (int b = 0; b < COLS * X_BYTES; b++) begin
        if (beat.valid && !beat.private_x && 17'(i) < beat.bytes && place(17'(i), beat) == 32'(b)) begin
          shared_next[b*8 +: 8] = data[i*8 +: 8];
        end
      end
    end
  end

  // Where byte i of the port belongs: cells are X_BYTES apart, also when operands take one byte only.
  function automatic logic [31:0] place(input logic [16:0] i, input beat_t b);
    logic [31:0] offset, element;
    offset = b.reversed ? 32'(b.offset) + 32'(b.bytes) - 32'd1 - 32'(i) : 32'(b.offset) + 32'(i);
    element = 32'(b.lane) + (b.wide ? offset >> 1 : offset);
    return element * X_BYTES + (b.wide ? 32'(offset[0] ^ b.reversed) : 32'd0);
  endfunction

  // Channel of every row, counted from the first one of the tap: a new one every depth_mult rows.
  for (genvar n = 0; n < ROWS; n++) begin : g_channel
    logic [9:0] index;
    logic [11:0] rest;  // rows of this channel before this row
    if (n == 0) begin : g_first
      assign index = '0;
      assign rest = beat.row_rest;
    end else begin : g_later
      logic steps;
      assign steps = g_channel[n-1].rest + 12'd1 == beat.depth_mult;
      assign index = g_channel[n-1].index + 10'(steps);
      assign rest = steps ? '0 : g_channel[n-1].rest + 12'd1;
    end
    assign channel[n*10 +: 10] = index;
  end

  // A row's channel is `channel` bytes behind the first one of the tap; one or two bytes of it may be in this beat.
  always_comb begin
    own_next = own;
    for (int n = 0; n < ROWS; n++) begin
      if (beat.valid && beat.private_x && beat.shift != 0) begin
        for (int j = 0; j < COLS; j++) begin
          own_next[(n*COLS+j)*CELL +: CELL] = moved(own[n*COLS*CELL +: COLS*CELL], j, beat);
        end
      end
      for (int b = 0; b < X_BYTES; b++) begin
        for (int i = 0; i < X_PORT; i++) begin
          if (beat.valid && beat.private_x && (b == 0 || beat.wide) && 17'(i) < beat.bytes &&
              32'(beat.offset) + 32'(i) == (32'(channel[n*10 +: 10]) << beat.wide) + 32'(b)) begin
            own_next[(n*COLS+int'(beat.lane))*CELL+b*8 +: 8] = data[i*8 +: 8];
          end
        end
      end
    end
  end

  // Lane j of the window one position on was lane j + shift (reversed order: j - shift) of the one before.
  function automatic logic [CELL-1:0] moved(input logic [COLS*CELL-1:0] row, input int j, input beat_t b);
    int source;
    source = b.reversed ? j - int'(b.shift) : j + int'(b.shift);
    return source >= 0 && source < COLS ? row[source*CELL +: CELL] : '0;
  endfunction

  always_ff @(posedge clk) begin
    shared <= shared_next;
    own <= own_next;
  end

  for (genvar n = 0; n < ROWS; n++) begin : g_row
    for (genvar j = 0; j < COLS; j++) begin : g_lane
      logic [CELL-1:0] code;
      logic signed [X_OPERAND-1:0] value, zero;
      assign code = issue.private_x ? own[(n*COLS+j)*CELL +: CELL] : shared[j*CELL +: CELL];
      assign value = x_value(code, issue);
      assign zero = X_OPERAND'($signed(issue.x_zero));
      if (SUBTRACT) begin : g_subtract
        assign x[(n*COLS+j)*X_OPERAND +: X_OPERAND] = issue.padding[j] ? '0 : value - zero;
      end else begin : g_fold
        assign x[(n*COLS+j)*X_OPERAND +: X_OPERAND] = issue.padding[j] ? zero : value;
      end
    end
  end

  // A code of one byte has at most 8 bits, one of two bytes at most ACT_BITS.
  function automatic logic signed [X_OPERAND-1:0] x_value(input logic [CELL-1:0] code, input issue_t i);
    logic [X_NARROW-1:0] narrow;
    logic [ACT_BITS-1:0] full;
    narrow = code[X_NARROW-1:0];
    full = code[ACT_BITS-1:0];
    return i.x_wide ? X_OPERAND'($signed({i.x_signed & full[ACT_BITS-1], full}))
                    : X_OPERAND'($signed({i.x_signed & narrow[X_NARROW-1], narrow}));
  endfunction

endmodule
