// Tail calls: a parser's states as functions that call each other, a loop as a function, continuations by a table.
#include "bench.h"

#define TAIL __attribute__((musttail)) return

typedef struct {
    u64 words, numbers, others, value;
} Found;

static u8 text[4096];

static NOINLINE u64 start(const u8 *at, const u8 *end, Found *found);

static NOINLINE u64 word(const u8 *at, const u8 *end, Found *found) {
    if (at != end && *at >= 'a') TAIL word(at + 1, end, found);
    found->words++;
    TAIL start(at, end, found);
}

static NOINLINE u64 number(const u8 *at, const u8 *end, Found *found) {
    if (at != end && *at >= '0' && *at <= '9') {
        found->value = found->value * 10 + (*at - '0');
        TAIL number(at + 1, end, found);
    }
    found->numbers++;
    TAIL start(at, end, found);
}

static NOINLINE u64 start(const u8 *at, const u8 *end, Found *found) {
    if (at == end) return found->value;
    if (*at >= 'a') TAIL word(at + 1, end, found);
    if (*at >= '0' && *at <= '9') TAIL number(at, end, found);
    found->others++;
    TAIL start(at + 1, end, found);
}

static NOINLINE u64 loop(u64 a, u64 b, u32 n) {
    if (n == 0) return a;
    TAIL loop(b, a + b, n - 1);
}

typedef u64 Step(u64 x, const u8 *code);

static Step *const STEPS[4];

#define NEXT(x) TAIL STEPS[*code & 3](x, code + 1)

static NOINLINE u64 add(u64 x, const u8 *code) { NEXT(x + *code); }
static NOINLINE u64 times(u64 x, const u8 *code) { NEXT(x * 31); }
static NOINLINE u64 rotate(u64 x, const u8 *code) { NEXT(rotl64(x, 7)); }
static NOINLINE u64 end(u64 x, const u8 *code) { return *code == 255 ? x : x + 1; }

static Step *const STEPS[4] = {add, times, rotate, end};

EXPORT("run") i64 run(i32 n) {
    static u8 code[257];
    u64 sum = 0, state = 3;
    for (u32 i = 0; i < sizeof text; i++) {
        u64 random = random_u64(&state);
        u32 kind = (i / 7) % 4;
        text[i] = kind < 2 ? 'a' + random % 26 : kind == 2 ? '0' + random % 10 : ' ';
    }
    for (u32 i = 0; i < 256; i++) code[i] = random_u64(&state) % 63 * 4 + i % 3;
    code[256] = 3;
    for (i32 i = 0; i < n; i++) {
        Found found = {0};
        sum = mix(sum, start(text, text + sizeof text, &found));
        sum = mix(sum, found.words * 3 + found.numbers * 5 + found.others);
        sum = mix(sum, loop(0, 1, 2000));
        for (u32 from = 0; from < 8; from++) sum = mix(sum, add(sum, code + from));
    }
    return (i64)sum;
}
