// One row of processing elements: COLS multipliers, the reduction, and the rule applications of the register that their
// products are added to: the row's accumulator, or the inner accumulator in front of it.
//
// The operands of an issue enter in multiplier stage 1. Its accumulator enters in the first accumulate stage and leaves
// with what was added in the last one, which is the stage that writes the bank.

module fxsim_pe_row import fxsim_pkg::*; (
  input  logic                         clk,
  // multiplier stage 1
  input  logic [COLS*X_OPERAND-1:0]    x,         // signed operands, the first column lowest
  input  logic [COLS*W_OPERAND-1:0]    w,
  input  logic [COLS-1:0]              on,        // lanes that take part
  // first accumulate stage
  input  logic signed [ROW_BITS-1:0]   acc,       // accumulate operand
  input  logic                         merge,     // adds `part` and no product
  input  logic signed [ROW_BITS-1:0]   part,
  // last accumulate stage
  output logic signed [ROW_BITS-1:0]   sum,
  output logic [ROW_EVENT_BITS-1:0]    events,    // rule applications that left the range
  output logic [LANE_BITS-1:0]         lane       // column of the first one of them
);

  logic [COLS*PRODUCT-1:0] product, multiplied;

  for (genvar i = 0; i < COLS; i++) begin : g_multiply
    logic signed [X_OPERAND-1:0] a;
    logic signed [W_OPERAND-1:0] b;
    assign a = x[i*X_OPERAND +: X_OPERAND];
    assign b = w[i*W_OPERAND +: W_OPERAND];
    assign product[i*PRODUCT +: PRODUCT] = on[i] ? PRODUCT'(a) * PRODUCT'(b) : '0;
  end

  fxsim_delay #(.BITS(COLS * PRODUCT), .STAGES(MUL_LATENCY)) multiplier (.clk(clk), .from(product), .to(multiplied));

  if (TREE) begin : g_tree
    logic signed [TREE_SUM-1:0] group;
    logic signed [ROW_ADDEND-1:0] addend;
    logic overflow;

    fxsim_adder_tree #(.N(COLS), .BITS(PRODUCT), .LEVELS_PER_STAGE(TREE_LEVELS_PER_STAGE)) tree (
      .clk(clk), .operands(multiplied), .sum(group)
    );
    assign addend = merge ? ROW_ADDEND'(part) : ROW_ADDEND'(group);
    fxsim_accumulate #(.BITS(ROW_BITS), .ADDEND(ROW_ADDEND), .WRAPS(ROW_WRAPS)) rule (
      .acc(acc), .addend(addend), .sum(sum), .overflow(overflow)
    );
    assign events = ROW_EVENT_BITS'(overflow);
    assign lane = '0;
  end else begin : g_chain
    for (genvar r = 0; r < RECURRENCE; r++) begin : g_stage
      localparam int FIRST = r * CHAIN_PER_STAGE;
      localparam int COUNT = FIRST + CHAIN_PER_STAGE > COLS ? COLS - FIRST : CHAIN_PER_STAGE;
      logic [COUNT*PRODUCT-1:0] skewed;
      logic signed [ROW_BITS-1:0] enters;
      logic [ROW_EVENT_BITS-1:0] counted;
      logic [LANE_BITS-1:0] noted;

      // Products wait here for the stage that adds them.
      fxsim_delay #(.BITS(COUNT * PRODUCT), .STAGES(r)) skew (
        .clk(clk), .from(multiplied[FIRST*PRODUCT +: COUNT*PRODUCT]), .to(skewed)
      );
      if (r == 0) begin : g_first
        assign enters = acc;
        assign counted = '0;
        assign noted = '0;
      end else begin : g_later
        always_ff @(posedge clk) enters <= g_stage[r-1].g_add[CHAIN_PER_STAGE-1].leaves_add;
        always_ff @(posedge clk) counted <= g_stage[r-1].g_add[CHAIN_PER_STAGE-1].seen;
        always_ff @(posedge clk) noted <= g_stage[r-1].g_add[CHAIN_PER_STAGE-1].place;
      end

      for (genvar i = 0; i < COUNT; i++) begin : g_add
        logic signed [ROW_BITS-1:0] enters_add, leaves_add;
        logic signed [PRODUCT-1:0] one;
        logic signed [ROW_ADDEND-1:0] addend;
        logic [ROW_EVENT_BITS-1:0] known, seen;
        logic [LANE_BITS-1:0] noted_before, place;
        logic overflow;

        assign one = skewed[i*PRODUCT +: PRODUCT];
        if (i == 0) begin : g_head
          assign enters_add = enters;
          assign known = counted;
          assign noted_before = noted;
        end else begin : g_tail
          assign enters_add = g_add[i-1].leaves_add;
          assign known = g_add[i-1].seen;
          assign noted_before = g_add[i-1].place;
        end
        if (r == 0 && i == 0) begin : g_merge
          assign addend = merge ? ROW_ADDEND'(part) : ROW_ADDEND'(one);
        end else begin : g_product
          assign addend = ROW_ADDEND'(one);
        end
        fxsim_accumulate #(.BITS(ROW_BITS), .ADDEND(ROW_ADDEND), .WRAPS(ROW_WRAPS)) rule (
          .acc(enters_add), .addend(addend), .sum(leaves_add), .overflow(overflow)
        );
        assign seen = known + ROW_EVENT_BITS'(overflow);
        assign place = known == 0 && overflow ? LANE_BITS'(FIRST + i) : noted_before;
      end
    end

    localparam int REST = COLS - (RECURRENCE - 1) * CHAIN_PER_STAGE;
    assign sum = g_stage[RECURRENCE-1].g_add[REST-1].leaves_add;
    assign events = g_stage[RECURRENCE-1].g_add[REST-1].seen;
    assign lane = g_stage[RECURRENCE-1].g_add[REST-1].place;
  end

endmodule
