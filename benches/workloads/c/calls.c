// Small functions that are called again and again from loops: leaves of one to five parameters.
#include "bench.h"

static NOINLINE u32 twice(u32 x) { return x * 2; }
static NOINLINE u32 lesser(u32 x, u32 y) { return x < y ? x : y; }
static NOINLINE u32 clamp(u32 x, u32 low, u32 high) { return x < low ? low : x > high ? high : x; }
static NOINLINE u64 blend(u64 x, u64 y, u64 mask) { return (x & mask) | (y & ~mask); }
static NOINLINE u32 blocks(u32 x, u32 y, u32 width, u32 height, u32 step) { return (y / step % height) * width + x / step % width; }

typedef struct {
    u32 bytes[64], at;
} Ring;

static NOINLINE void put(Ring *ring, u32 x) { ring->bytes[ring->at++ & 63] = x; }
static NOINLINE u32 get(const Ring *ring, u32 back) { return ring->bytes[(ring->at - 1 - back) & 63]; }

EXPORT("run") i64 run(i32 n) {
    static Ring ring;
    u64 sum = 0, word = 1;
    for (u32 i = 0; i < 64; i++) ring.bytes[i] = 0;
    ring.at = 0;
    for (u32 i = 0; i < (u32)n; i++) {
        u32 x = twice(i) ^ lesser(i * 7 % 1000, 500);
        put(&ring, clamp(x, 10, 1u << 20));
        word = blend(word * 5, word + i, 0xff00ff00ff00ff00ull);
        sum += get(&ring, i & 31) + blocks(i, x, 16, 16, 3);
        sum ^= word;
    }
    return (i64)mix(sum, word);
}
