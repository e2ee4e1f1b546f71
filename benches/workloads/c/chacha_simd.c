// ChaCha20 (RFC 8439) with a block's rows in four vectors, after the RFC's known answer.
#include "simd.h"

static inline u32x4 rotate(u32x4 x, int n) { return x << n | x >> (32 - n); }

#define QUARTERS                                                                                                       \
    a += b, d = rotate(d ^ a, 16), c += d, b = rotate(b ^ c, 12), a += b, d = rotate(d ^ a, 8), c += d,                \
        b = rotate(b ^ c, 7)

static NOINLINE void block(const u32x4 *state, u8 *out, const u8 *in) {
    u32x4 a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 10; i++) {
        QUARTERS;
        b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
        c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
        d = __builtin_shufflevector(d, d, 3, 0, 1, 2);
        QUARTERS;
        b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
        c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
        d = __builtin_shufflevector(d, d, 1, 2, 3, 0);
    }
    STORE(u32x4, out, LOAD(u32x4, in) ^ (a + state[0]));
    STORE(u32x4, out + 16, LOAD(u32x4, in + 16) ^ (b + state[1]));
    STORE(u32x4, out + 32, LOAD(u32x4, in + 32) ^ (c + state[2]));
    STORE(u32x4, out + 48, LOAD(u32x4, in + 48) ^ (d + state[3]));
}

static u8 text[16384];

EXPORT("run") i64 run(i32 n) {
    u32x4 state[4] = {{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574},
                      {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c},
                      {0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c},
                      {1, 0x09000000, 0x4a000000, 0}};
    u8 zero[64] = {0}, first[64];
    block(state, first, zero);
    if (LOAD(u64, first) != 0x15593bd1e4e7f110) return -1;
    for (u32 i = 0; i < sizeof text; i++) text[i] = (u8)(i * 29);
    for (i32 i = 0; i < n; i++)
        for (u32 at = 0; at < sizeof text; at += 64) {
            state[3][0]++;
            block(state, text + at, text + at);
        }
    u64 sum = 0;
    for (u32 i = 0; i < sizeof text; i += 8) sum = mix(sum, LOAD(u64, text + i));
    return (i64)sum;
}
