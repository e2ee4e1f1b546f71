// Backtracking: patterns with stars and alternatives over text, and queens on a board.
#include "bench.h"

static u8 text[600];

// Matches all of the text from `at`: `.` is any character, `x*` any number, `(a|b)` isn't nested.
static NOINLINE u32 matches(const char *pattern, const u8 *at, const u8 *end, u32 *steps);

static NOINLINE u32 alternatives(const char *pattern, const u8 *at, const u8 *end, u32 *steps) {
    const char *close = pattern;
    while (*close != ')') close++;
    while (*pattern != ')') {
        const u8 *here = at;
        while (*pattern != '|' && *pattern != ')' && here != end && *here == (u8)*pattern) here++, pattern++;
        if ((*pattern == '|' || *pattern == ')') && matches(close + 1, here, end, steps)) return 1;
        while (*pattern != '|' && *pattern != ')') pattern++;
        if (*pattern == '|') pattern++;
    }
    return 0;
}

static NOINLINE u32 matches(const char *pattern, const u8 *at, const u8 *end, u32 *steps) {
    ++*steps;
    if (*pattern == 0) return 1;
    if (*pattern == '(') return alternatives(pattern + 1, at, end, steps);
    if (pattern[1] == '*') {
        for (;;) {
            if (matches(pattern + 2, at, end, steps)) return 1;
            if (at == end || (*pattern != '.' && *at != (u8)*pattern)) return 0;
            at++;
        }
    }
    if (at == end || (*pattern != '.' && *at != (u8)*pattern)) return 0;
    return matches(pattern + 1, at + 1, end, steps);
}

static NOINLINE u32 queens(u32 all, u32 columns, u32 left, u32 right) {
    if (columns == all) return 1;
    u32 count = 0;
    for (u32 free = all & ~(columns | left | right); free != 0;) {
        u32 place = free & -free;
        free ^= place;
        count += queens(all, columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return count;
}

EXPORT("run") i64 run(i32 n) {
    static const char *const PATTERNS[] = {"a*b*c", ".*(ab|ba|cc)d", "(a|b|c)*", "a.b.c", "c*a*d*(abc|bcd|d)a", ".*a.*b.*dd"};
    u64 sum = 0, state = 5;
    for (u32 i = 0; i < sizeof text; i++) text[i] = 'a' + random_u64(&state) % 4;
    for (i32 i = 0; i < n; i++) {
        u32 steps = 0;
        for (u32 p = 0; p < 6; p++) {
            u32 from = (u32)(random_u64(&state) % 500);
            sum = mix(sum, matches(PATTERNS[p], text + from, text + from + 60, &steps));
        }
        sum = mix(sum, steps);
        sum = mix(sum, queens((1u << (5 + i % 3)) - 1, 0, 0, 0));
    }
    return (i64)sum;
}
