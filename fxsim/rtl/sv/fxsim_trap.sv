// The trap record: the first rule application in program order whose exact sum left the range.
//
// Sums are written in order, and so are read-outs; between the two the smaller ordinal is the earlier instruction.

/* verilator lint_off UNUSEDSIGNAL */  // records travel whole, whichever of their fields are read here

module fxsim_trap import fxsim_pkg::*; (
  input  logic                       clk,
  input  logic                       rst,
  input  issue_t                     issue,   // whose sums are written
  input  logic [ROWS-1:0]            bias,    // its bias left the range
  input  logic [ROWS*EVENT_BITS-1:0] events,
  input  logic [ROWS*LANE_BITS-1:0]  lanes,   // column of a row's first event
  input  site_t                      read,    // of the read-out
  output site_t                      trap
);

  if (TRAP) begin : g_record
    // The lowest row with an event; its bias comes before its products.
    site_t sum, first;
    always_comb begin
      sum = '0;
      for (int n = ROWS - 1; n >= 0; n--) begin
        if (issue.valid && 10'(n) < issue.rows && (bias[n] || events[n*EVENT_BITS +: EVENT_BITS] != 0)) begin
          sum = {1'b1, issue.ordinal, issue.group, issue.position, 10'(n), bias[n],
                 bias[n] ? LANE_BITS'(0) : lanes[n*LANE_BITS +: LANE_BITS]};
        end
      end
    end

    assign first = !sum.valid || (read.valid && read.ordinal < sum.ordinal) ? read : sum;
    always_ff @(posedge clk) begin
      if (rst) trap <= '0;
      else if (first.valid && (!trap.valid || first.ordinal < trap.ordinal)) trap <= first;
    end
  end else begin : g_none
    logic unused;
    assign unused = ^{clk, rst, issue, bias, events, lanes, read};
    assign trap = '0;
  end

endmodule
