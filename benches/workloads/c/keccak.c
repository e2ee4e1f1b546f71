// SHA3-256 (FIPS 202): long straight lines of 64-bit logic, after the known answer for "abc".
#include "bench.h"

static const u64 ROUND[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static NOINLINE void permute(u64 *state) {
    static const int rotation[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                     25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
    u64 a[25], b[25], c[5];
#pragma clang loop unroll(full)
    for (int i = 0; i < 25; i++) a[i] = state[i];
    for (int round = 0; round < 24; round++) {
#pragma clang loop unroll(full)
        for (int x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma clang loop unroll(full)
        for (int x = 0; x < 5; x++) {
            u64 d = c[(x + 4) % 5] ^ rotl64(c[(x + 1) % 5], 1);
#pragma clang loop unroll(full)
            for (int y = 0; y < 25; y += 5) {
                u64 lane = a[x + y] ^ d;
                int shift = rotation[x + y];
                b[(x * 2 + y / 5 * 3) % 5 * 5 + y / 5] = shift ? rotl64(lane, shift) : lane;
            }
        }
#pragma clang loop unroll(full)
        for (int y = 0; y < 25; y += 5)
#pragma clang loop unroll(full)
            for (int x = 0; x < 5; x++) a[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]);
        a[0] ^= ROUND[round];
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 25; i++) state[i] = a[i];
}

#define RATE 136

static void sha3(const u8 *data, u32 size, u64 *digest) {
    u64 state[25] = {0};
    u8 block[RATE];
    for (;;) {
        u32 taken = size < RATE ? size : RATE;
        for (u32 i = 0; i < taken; i++) block[i] = data[i];
        if (taken < RATE) {
            for (u32 i = taken; i < RATE; i++) block[i] = 0;
            block[taken] = 0x06;
            block[RATE - 1] |= 0x80;
        }
        for (u32 i = 0; i < RATE / 8; i++) {
            u64 lane = 0;
            for (u32 j = 0; j < 8; j++) lane |= (u64)block[i * 8 + j] << 8 * j;
            state[i] ^= lane;
        }
        permute(state);
        if (taken < RATE) break;
        data += RATE;
        size -= RATE;
    }
    for (int i = 0; i < 4; i++) digest[i] = state[i];
}

static u8 message[16384];

EXPORT("run") i64 run(i32 n) {
    u64 digest[4];
    sha3((const u8 *)"abc", 3, digest);
    if (digest[0] != 0xb225e24fa75d983a || digest[3] != 0x3215431145e2bf46) return -1;
    u64 sum = 0;
    for (u32 i = 0; i < sizeof message; i++) message[i] = (u8)(i * 167 >> 2);
    for (i32 i = 0; i < n; i++) {
        sha3(message, sizeof message, digest);
        message[i & 16383] ^= (u8)digest[0];
        sum = mix(sum, digest[1]);
    }
    return (i64)sum;
}
