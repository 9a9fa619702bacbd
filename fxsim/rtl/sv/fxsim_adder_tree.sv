// Sum of N signed operands, exact: level by level, one bit wider each, a pipeline register behind every
// LEVELS_PER_STAGE levels and behind the last one.

module fxsim_adder_tree #(
  parameter int N                = 16,
  parameter int BITS             = 17,
  parameter int LEVELS_PER_STAGE = 2,
  localparam int LEVELS          = $clog2(N)
) (
  input  logic                          clk,
  input  logic [N*BITS-1:0]             operands,  // the first one lowest
  output logic signed [BITS+LEVELS-1:0] sum        // ceil(LEVELS / LEVELS_PER_STAGE) cycles later
);

  for (genvar level = 0; level <= LEVELS; level++) begin : g_level
    localparam int WIDTH = BITS + level;
    localparam int COUNT = (N + (1 << level) - 1) >> level;
    logic [COUNT*WIDTH-1:0] node;

    if (level == 0) begin : g_operands
      assign node = operands;
    end else begin : g_sums
      localparam int BELOW = (N + (1 << (level - 1)) - 1) >> (level - 1);
      localparam bit REGISTERED = level % LEVELS_PER_STAGE == 0 || level == LEVELS;
      logic [COUNT*WIDTH-1:0] added;

      for (genvar i = 0; i < COUNT; i++) begin : g_node
        logic signed [WIDTH-2:0] left;
        assign left = g_level[level-1].node[2*i*(WIDTH-1) +: WIDTH-1];
        if (2 * i + 1 < BELOW) begin : g_pair
          logic signed [WIDTH-2:0] right;
          assign right = g_level[level-1].node[(2*i+1)*(WIDTH-1) +: WIDTH-1];
          assign added[i*WIDTH +: WIDTH] = WIDTH'(left) + WIDTH'(right);
        end else begin : g_alone
          assign added[i*WIDTH +: WIDTH] = WIDTH'(left);
        end
      end

      if (REGISTERED) begin : g_register
        always_ff @(posedge clk) node <= added;
      end else begin : g_through
        assign node = added;
      end
    end
  end

  assign sum = g_level[LEVELS].node;

  // One operand needs no adder and no clock.
  if (LEVELS == 0) begin : g_wire
    logic unused;
    assign unused = clk;
  end

endmodule
