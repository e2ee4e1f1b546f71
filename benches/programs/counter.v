module counter(input clk, input reset, input [7:0] step, output reg [15:0] value, output odd);
    always @(posedge clk)
        if (reset) value <= 0;
        else value <= value + step * 3;
    assign odd = ^value;
endmodule
