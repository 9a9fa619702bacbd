// Count-only DMA engine: requests are accepted in order, wait for the memory, and use the bus one after the other.

module fxsim_dma import fxsim_pkg::*; (
  input  logic        clk,
  input  logic        rst,
  input  logic        accept,
  input  count_t      incoming,
  output logic        can_accept,
  output logic        commit,
  output logic [8:0]  pushes
);

  // Requests in flight, the oldest at `head`; each with the cycle of its acceptance.
  count_t queue [0:DRAM_OUTSTANDING-1];
  logic [31:0] accepted [0:DRAM_OUTSTANDING-1];
  logic [DMA_BITS-1:0] head, tail;
  logic [DMA_BITS:0] flight;
  logic [31:0] cycle, sent;

  count_t oldest;
  logic moves;
  assign oldest = queue[head];
  assign can_accept = 32'(flight) < DRAM_OUTSTANDING;
  assign moves = flight != 0 && cycle - accepted[head] >= DRAM_LATENCY;
  assign commit = moves && sent + 32'd1 == oldest.cycles;
  assign pushes = oldest.pushes;

  function automatic logic [DMA_BITS-1:0] behind(input logic [DMA_BITS-1:0] place);
    return 32'(place) + 1 == DRAM_OUTSTANDING ? '0 : place + DMA_BITS'(1);
  endfunction

  always_ff @(posedge clk) begin
    if (rst) begin
      cycle <= '0;
      head <= '0;
      tail <= '0;
      flight <= '0;
      sent <= '0;
    end else begin
      cycle <= cycle + 32'd1;
      flight <= flight + (DMA_BITS+1)'(accept) - (DMA_BITS+1)'(commit);
      if (accept) tail <= behind(tail);
      if (commit) head <= behind(head);
      if (moves) sent <= commit ? '0 : sent + 32'd1;
    end
    if (accept) begin
      queue[tail] <= incoming;
      accepted[tail] <= cycle;
    end
  end

  logic unused;
  assign unused = ^oldest.pops;

endmodule
