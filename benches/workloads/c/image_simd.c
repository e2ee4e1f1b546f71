// An image filter in SIMD: a 3 by 3 blur over 16-bit lanes, contrast with saturation, a threshold, and a sum of
// differences, over a grey picture, n times.
#include "simd.h"

#define WIDTH 512
#define HEIGHT 256

static u8 picture[HEIGHT][WIDTH], blurred[HEIGHT][WIDTH];

static inline u16x8 widen(const u8 *from) { return __builtin_convertvector(LOAD(u8x8, from), u16x8); }

static NOINLINE void blur(void) {
    for (u32 y = 1; y < HEIGHT - 1; y++)
        for (u32 x = 8; x < WIDTH - 8; x += 8) {
            u16x8 sum = {0};
#pragma clang loop unroll(full)
            for (u32 row = 0; row < 3; row++) {
                const u8 *line = &picture[y + row - 1][x];
                u16x8 across = widen(line - 1) + widen(line) * 2 + widen(line + 1);
                sum += row == 1 ? across * 2 : across;
            }
            STORE(u8x8, &blurred[y][x], __builtin_convertvector((sum + 8) >> 4, u8x8));
        }
}

static NOINLINE void contrast(i16 factor) {
    for (u32 i = 0; i < HEIGHT * WIDTH; i += 8) {
        u8 *at = &blurred[0][0] + i;
        i16x8 value = (i16x8)widen(at) - 128;
        value = (value * factor >> 4) + 128;
        i16x8 low = (i16x8){0}, high = low + 255;
        value = __builtin_elementwise_min(__builtin_elementwise_max(value, low), high);
        STORE(u8x8, at, __builtin_convertvector(value, u8x8));
    }
}

static NOINLINE u64 differences(void) {
    u32x4 sum = {0};
    u8x16 above = {0};
    for (u32 i = 0; i < HEIGHT * WIDTH; i += 16) {
        u8x16 x = LOAD(u8x16, &picture[0][0] + i), y = LOAD(u8x16, &blurred[0][0] + i);
        u8x16 difference = __builtin_elementwise_max(x, y) - __builtin_elementwise_min(x, y);
        above += (u8x16)(difference > 24) & 1;
        u16x8 even = (u16x8)difference & 255, odd = (u16x8)difference >> 8;
        u16x8 pairs = even + odd;
        sum += ((u32x4)pairs & 0xffff) + ((u32x4)pairs >> 16);
    }
    u64 total = 0;
    for (int lane = 0; lane < 4; lane++) total = total * 3 + sum[lane];
    for (int lane = 0; lane < 16; lane++) total = total * 5 + above[lane];
    return total;
}

EXPORT("run") i64 run(i32 n) {
    u64 state = 3, sum = 0;
    for (u32 i = 0; i < HEIGHT * WIDTH; i += 8) {
        u64 random = random_u64(&state);
        for (u32 j = 0; j < 8; j++) {
            (&picture[0][0])[i + j] = (u8)((random >> j * 8 & 63) + (i >> 6 & 127));
            (&blurred[0][0])[i + j] = 0;
        }
    }
    for (i32 i = 0; i < n; i++) {
        blur();
        contrast((i16)(14 + i % 8));
        sum = mix(sum, differences());
        for (u32 j = 0; j < HEIGHT * WIDTH; j += 16)
            STORE(u8x16, &picture[0][0] + j, LOAD(u8x16, &blurred[0][0] + j));
    }
    return (i64)sum;
}
