// Calls and little else: Fibonacci, Ackermann, Takeuchi, the towers of Hanoi, and mutual recursion.
#include "bench.h"

static NOINLINE u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static NOINLINE u32 ackermann(u32 m, u32 n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static NOINLINE i32 tak(i32 x, i32 y, i32 z) {
    if (y >= x) return z;
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static u64 moves;

static NOINLINE void hanoi(u32 disks, u32 from, u32 to, u32 by) {
    if (disks == 0) return;
    hanoi(disks - 1, from, by, to);
    moves = moves * 31 + from * 3 + to;
    hanoi(disks - 1, by, to, from);
}

static NOINLINE u32 is_odd(u32 n);
static NOINLINE u32 is_even(u32 n) { return n == 0 ? 1 : is_odd(n - 1) ^ (n & 4) >> 2; }
static NOINLINE u32 is_odd(u32 n) { return n == 0 ? 0 : is_even(n - 1) ^ (n & 2) >> 1; }

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0;
    moves = 0;
    sum = mix(sum, fib((u32)n));
    sum = mix(sum, ackermann(2, (u32)n * 6));
    sum = mix(sum, (u64)tak(n * 3 / 5, n * 2 / 5, n / 5));
    hanoi((u32)n * 3 / 5, 0, 2, 1);
    sum = mix(sum, moves);
    for (u32 i = 0; i < (u32)n * 8; i++) sum = mix(sum, is_even(i));
    return (i64)sum;
}
