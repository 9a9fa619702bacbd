// Row files, one per bank half: exact bias, multiplier and shift of every row, loaded one record per cycle.

module fxsim_row_file import fxsim_pkg::*; (
  input  logic         clk,
  input  logic         rst,
  // p port: a 16-byte record READ_LATENCY cycles after its request
  input  logic         request,
  input  logic         request_half,
  input  logic [9:0]   request_row,
  input  logic [127:0] record,
  // biases of both halves, and the requantization words
  output logic [2*ROWS*BIAS_BITS-1:0] bias,
  output logic [2*ROWS*32-1:0]        multiplier,
  output logic [2*ROWS*8-1:0]         shift
);

  logic arrives, half;
  logic [9:0] row;
  fxsim_delay #(.BITS(12), .STAGES(READ_LATENCY)) way (
    .clk(clk), .from({request && !rst, request_half, request_row}), .to({arrives, half, row})
  );

  // Bytes 0..7 of a record are the bias, 8..11 the multiplier, 12 the shift, 13..15 zeros.
  for (genvar i = 0; i < 2 * ROWS; i++) begin : g_entry
    always_ff @(posedge clk) begin
      if (arrives && 32'(half) * ROWS + 32'(row) == i) begin
        bias[i*BIAS_BITS +: BIAS_BITS] <= record[BIAS_BITS-1:0];
        multiplier[i*32 +: 32] <= record[95:64];
        shift[i*8 +: 8] <= record[103:96];
      end
    end
  end

  logic unused;
  assign unused = ^record;

endmodule
