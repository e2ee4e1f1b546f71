// The Mandelbrot set over an n by n grid, 64-bit floating point.
#include "bench.h"

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0;
    for (i32 row = 0; row < n; row++) {
        double ci = 2.0 * row / n - 1.0;
        for (i32 column = 0; column < n; column++) {
            double cr = 3.0 * column / n - 2.0, zr = 0, zi = 0;
            u32 count = 0;
            while (count < 200) {
                double rr = zr * zr, ii = zi * zi;
                if (rr + ii > 4.0) break;
                zi = 2.0 * zr * zi + ci;
                zr = rr - ii + cr;
                count++;
            }
            sum = mix(sum, count);
        }
    }
    return (i64)sum;
}
