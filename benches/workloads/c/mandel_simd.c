// The Mandelbrot set with four points at a time in f32 lanes, and with two in f64 lanes.
#include "simd.h"

static NOINLINE u32x4 four(f32x4 cr, f32x4 ci) {
    f32x4 zr = {0}, zi = {0};
    i32x4 count = {0};
    for (u32 step = 0; step < 120; step++) {
        f32x4 rr = zr * zr, ii = zi * zi;
        i32x4 inside = rr + ii <= 4.0f;
        if (!(inside[0] | inside[1] | inside[2] | inside[3])) break;
        count -= inside;
        zi = (zr + zr) * zi + ci;
        zr = rr - ii + cr;
    }
    return (u32x4)count;
}

static NOINLINE i64x2 two(f64x2 cr, f64x2 ci) {
    f64x2 zr = {0}, zi = {0};
    i64x2 count = {0};
    for (u32 step = 0; step < 120; step++) {
        f64x2 rr = zr * zr, ii = zi * zi;
        i64x2 inside = rr + ii <= 4.0;
        if (!(inside[0] | inside[1])) break;
        count -= inside;
        zi = (zr + zr) * zi + ci;
        zr = rr - ii + cr;
    }
    return count;
}

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0;
    for (i32 row = 0; row < n; row++) {
        float y = 2.0f * (float)row / (float)n - 1.0f;
        for (i32 column = 0; column < n; column += 4) {
            f32x4 x = {(float)column, (float)column + 1, (float)column + 2, (float)column + 3};
            f32x4 cr = x * 3.0f / (float)n - 2.0f, ci = {y, y, y, y};
            u32x4 counts = four(cr, ci);
            sum = mix(sum, counts[0] | counts[1] << 8 | counts[2] << 16 | counts[3] << 24);
            f64x2 wide = {cr[0], cr[1]}, down = {y, y};
            i64x2 pair = two(wide, down);
            sum = mix(sum, (u64)(pair[0] * 1000 + pair[1]));
        }
    }
    return (i64)sum;
}
