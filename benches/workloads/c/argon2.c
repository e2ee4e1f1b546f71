// The memory-hard fill of Argon2d (RFC 9106) with one lane, over BLAKE2b (RFC 7693), whose known answer comes first.
#include "bench.h"

static const u64 IV[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const u8 SIGMA[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

#define MIX(a, b, c, d, x, y)                                                                                          \
    (a += b + (x), d = rotr64(d ^ a, 32), c += d, b = rotr64(b ^ c, 24), a += b + (y), d = rotr64(d ^ a, 16), c += d,  \
     b = rotr64(b ^ c, 63))

static void blake2b(u64 *state, const u64 *m, u64 count, int last) {
    u64 v[16];
    for (int i = 0; i < 8; i++) v[i] = state[i], v[i + 8] = IV[i];
    v[12] ^= count;
    if (last) v[14] = ~v[14];
    for (int r = 0; r < 12; r++) {
        const u8 *s = SIGMA[r];
        MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
}

static void start(u64 *state) {
    for (int i = 0; i < 8; i++) state[i] = IV[i];
    state[0] ^= 0x01010040;
}

#define WORDS 128
#define BLOCKS 1024

static u64 memory[BLOCKS][WORDS];

static inline u64 multiply_add(u64 x, u64 y) { return x + y + 2 * (u64)(u32)x * (u32)y; }

#define GB(a, b, c, d)                                                                                                 \
    (a = multiply_add(a, b), d = rotr64(d ^ a, 32), c = multiply_add(c, d), b = rotr64(b ^ c, 24),                     \
     a = multiply_add(a, b), d = rotr64(d ^ a, 16), c = multiply_add(c, d), b = rotr64(b ^ c, 63))

static NOINLINE void permute(u64 *v, int row, int pair) {
#define V(i) v[(i) / 2 * pair + (i) % 2 * row]
    u64 x[16];
    for (int i = 0; i < 16; i++) x[i] = V(i);
    GB(x[0], x[4], x[8], x[12]);
    GB(x[1], x[5], x[9], x[13]);
    GB(x[2], x[6], x[10], x[14]);
    GB(x[3], x[7], x[11], x[15]);
    GB(x[0], x[5], x[10], x[15]);
    GB(x[1], x[6], x[11], x[12]);
    GB(x[2], x[7], x[8], x[13]);
    GB(x[3], x[4], x[9], x[14]);
    for (int i = 0; i < 16; i++) V(i) = x[i];
}

static NOINLINE void fill_block(u64 *next, const u64 *previous, const u64 *reference) {
    u64 r[WORDS], z[WORDS];
    for (int i = 0; i < WORDS; i++) z[i] = r[i] = previous[i] ^ reference[i];
    for (int i = 0; i < 8; i++) permute(z + 16 * i, 1, 2);
    for (int i = 0; i < 8; i++) permute(z + 2 * i, 1, 16);
    for (int i = 0; i < WORDS; i++) next[i] ^= r[i] ^ z[i];
}

EXPORT("run") i64 run(i32 n) {
    u64 state[8], message[16] = {0x636261};
    start(state);
    blake2b(state, message, 3, 1);
    if (state[0] != 0x0d4d1c983fa580ba || state[7] != 0x239900d4ed8623b9) return -1;

    for (u32 block = 0; block < BLOCKS; block++)
        for (u32 word = 0; word < WORDS; word++) memory[block][word] = 0;
    for (u32 block = 0; block < 2; block++)
        for (u32 i = 0; i < WORDS; i += 8) {
            start(state);
            message[0] = block << 16 | i;
            blake2b(state, message, 8, 1);
            for (int j = 0; j < 8; j++) memory[block][i + j] = state[j];
        }
    u32 at = 1;
    for (i32 i = 0; i < n; i++) {
        u32 next = (at + 1) % BLOCKS;
        // The reference favours blocks written lately, as in the RFC.
        u64 random = (u32)memory[at][0], window = (u32)i < BLOCKS - 2 ? (u64)i + 1 : BLOCKS - 1;
        u64 back = window * (random * random >> 32) >> 32;
        fill_block(memory[next], memory[at], memory[(at + BLOCKS - window + (window - 1 - back)) % BLOCKS]);
        at = next;
    }
    u64 sum = 0;
    for (u32 word = 0; word < WORDS; word++) sum = mix(sum, memory[at][word]);
    return (i64)sum;
}
