// Loops over two or three locals, or a global: Fibonacci's numbers, Euclid's algorithm, Collatz's sequences, a counter.
#include "bench.h"

static NOINLINE u64 fibonacci(u32 n) {
    u64 a = 0, b = 1;
    while (n-- != 0) {
        u64 next = a + b;
        a = b;
        b = next;
    }
    return a;
}

static NOINLINE u32 gcd(u32 a, u32 b) {
    while (b != 0) {
        u32 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static NOINLINE u32 collatz(u64 n) {
    u32 steps = 0;
    while (n != 1) {
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
        steps++;
    }
    return steps;
}

static NOINLINE u32 bits(u64 x) {
    u32 count = 0;
    while (x != 0) {
        x &= x - 1;
        count++;
    }
    return count;
}

static volatile u32 counter;

static NOINLINE u32 count(u32 n) {
    counter = 0;
    while (counter < n) counter = counter + 3;
    return counter;
}

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0, state = 7;
    for (i32 i = 0; i < n; i++) {
        sum = mix(sum, fibonacci(60 + (u32)i % 32));
        u64 random = random_u64(&state);
        sum = mix(sum, gcd((u32)random | 1, (u32)(random >> 32) | 1));
        sum = mix(sum, collatz(random % 100000 + 1));
        sum = mix(sum, bits(random));
        sum = mix(sum, count(300));
    }
    return (i64)sum;
}
