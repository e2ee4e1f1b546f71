// memory.copy and memory.fill: of a few bytes, again and again, and of many.
#include "bench.h"

static u8 from[1 << 16], to[1 << 16];

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0, state = 13;
    for (u32 i = 0; i < sizeof from; i++) from[i] = (u8)random_u64(&state), to[i] = 0;
    for (i32 i = 0; i < n; i++) {
        // Strings and records: their lengths aren't known to the compiler.
        for (u32 k = 0; k < 400; k++) {
            u32 at = (u32)(k * 157) & 0x7fff, length = 1 + (k * 7 & 31);
            __builtin_memcpy(to + at, from + ((at * 3) & 0x7fff), length);
            __builtin_memset(to + at + length, (int)k, length & 15);
            __builtin_memmove(to + at + 1, to + at, length);
        }
        // A window that is scrolled, and a page that is cleared.
        __builtin_memmove(to, to + 640, 30000);
        __builtin_memset(to + 32768, i, 8192 + (u32)(i & 63));
        __builtin_memcpy(to + 40960, from, 16384);
        for (u32 k = 0; k < 64; k++) sum = mix(sum, to[(k * 1021 + (u32)i) & 0xffff]);
    }
    return (i64)sum;
}
