// Two products meet accumulators of 4..8 bits: the rule applications of a row with two columns, of every width at once.

module two_products #(
  parameter int OPERAND = 3,  // bits of an operand
  parameter bit TREE    = 1,  // 1: one rule application of the sum, 0: one of each product
  parameter bit WRAPS   = 0
) (
  input  logic [8+4*OPERAND-1:0] given,  // accumulator lowest, then x0, w0, x1, w1
  output logic [49:0]            after   // of each width 8 bits of the accumulator and the number of events
);

  localparam int PRODUCT = 2 * OPERAND;

  logic signed [PRODUCT-1:0] product[2];
  for (genvar i = 0; i < 2; i++) begin : g_product
    logic signed [OPERAND-1:0] x, w;
    assign x = given[8+2*i*OPERAND+:OPERAND];
    assign w = given[8+(2*i+1)*OPERAND+:OPERAND];
    assign product[i] = PRODUCT'(x) * PRODUCT'(w);
  end

  for (genvar bits = 4; bits <= 8; bits++) begin : g_width
    logic signed [bits-1:0] acc, sum;
    logic [1:0] events;
    assign acc = given[bits-1:0];
    assign after[10*(bits-4)+:10] = {events, 8'(sum)};

    if (TREE) begin : g_tree
      logic overflow;
      fxsim_accumulate #(.BITS(bits), .ADDEND(PRODUCT + 1), .WRAPS(WRAPS)) rule (
        .acc(acc), .addend((PRODUCT + 1)'(product[0]) + (PRODUCT + 1)'(product[1])), .sum(sum), .overflow(overflow)
      );
      assign events = 2'(overflow);
    end else begin : g_chain
      logic signed [bits-1:0] between;
      logic first, second;
      fxsim_accumulate #(.BITS(bits), .ADDEND(PRODUCT), .WRAPS(WRAPS)) rule_0 (
        .acc(acc), .addend(product[0]), .sum(between), .overflow(first)
      );
      fxsim_accumulate #(.BITS(bits), .ADDEND(PRODUCT), .WRAPS(WRAPS)) rule_1 (
        .acc(between), .addend(product[1]), .sum(sum), .overflow(second)
      );
      assign events = 2'(first) + 2'(second);
    end
  end

endmodule
