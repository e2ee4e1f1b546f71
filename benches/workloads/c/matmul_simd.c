// A product of n by n matrices of f32 in tiles of 4 by 8, in SIMD. n is rounded down to a multiple of 8.
#include "bench.h"
#include "simd.h"

#define MAX 320

static float a[MAX * MAX], b[MAX * MAX], c[MAX * MAX];

EXPORT("run") i64 run(i32 n) {
    u32 size = (n > MAX ? MAX : (u32)n) & ~7u;
    for (u32 i = 0; i < size; i++)
        for (u32 j = 0; j < size; j++) {
            a[i * size + j] = (float)((i * 7 + j * 3) % 17) - 8;
            b[i * size + j] = (float)((i * 5 + j * 11) % 13) - 6;
        }
    for (u32 i = 0; i < size; i += 4)
        for (u32 j = 0; j < size; j += 8) {
            f32x4 sums[4][2];
            for (u32 row = 0; row < 4; row++) sums[row][0] = sums[row][1] = (f32x4){0, 0, 0, 0};
            for (u32 k = 0; k < size; k++) {
                f32x4 left = LOAD(f32x4, &b[k * size + j]), right = LOAD(f32x4, &b[k * size + j + 4]);
#pragma clang loop unroll(full)
                for (u32 row = 0; row < 4; row++) {
                    float value = a[(i + row) * size + k];
                    f32x4 factor = {value, value, value, value};
                    sums[row][0] += factor * left;
                    sums[row][1] += factor * right;
                }
            }
            for (u32 row = 0; row < 4; row++) {
                STORE(f32x4, &c[(i + row) * size + j], sums[row][0]);
                STORE(f32x4, &c[(i + row) * size + j + 4], sums[row][1]);
            }
        }
    u64 sum = 0;
    for (u32 i = 0; i < size * size; i++) sum = mix(sum, (u64)(i64)c[i]);
    return (i64)sum;
}
