// Dense switches: a lexer by classes of characters, and an automaton of twenty states.
#include "bench.h"

enum { SPACE, LETTER, DIGIT, QUOTE, SLASH, STAR, OPERATOR, BRACKET, NEWLINE, OTHER };

static u8 classes[256], source[8192];

static NOINLINE u32 lex(const u8 *at, const u8 *end, u32 *counts) {
    u32 tokens = 0;
    while (at != end) {
        tokens++;
        switch (classes[*at]) {
        case SPACE: at++; tokens--; break;
        case LETTER: counts[0]++; do at++; while (at != end && (classes[*at] == LETTER || classes[*at] == DIGIT)); break;
        case DIGIT: counts[1]++; do at++; while (at != end && classes[*at] == DIGIT); break;
        case QUOTE: counts[2]++; do at++; while (at != end && classes[*at] != QUOTE && classes[*at] != NEWLINE); at += at != end; break;
        case SLASH: counts[3]++; at++; break;
        case STAR: counts[4] += 2; at++; break;
        case OPERATOR: counts[5] ^= *at; at++; break;
        case BRACKET: counts[6]++; at++; break;
        case NEWLINE: counts[7]++; at++; break;
        default: counts[8] += *at; at++;
        }
    }
    return tokens;
}

static NOINLINE u64 automaton(const u8 *at, const u8 *end) {
    u32 state = 0;
    u64 sum = 0;
    for (; at != end; at++) {
        u32 c = *at;
        switch (state) {
        case 0: state = c & 1 ? 1 : 2; break;
        case 1: state = 3 + (c & 3); sum += c; break;
        case 2: state = 7; sum ^= c; break;
        case 3: state = 8; sum += 3 * c; break;
        case 4: state = 9; sum -= c; break;
        case 5: state = c > 100 ? 10 : 11; break;
        case 6: state = 12; sum = rotl64(sum, 3); break;
        case 7: state = 13; sum += state; break;
        case 8: state = c & 4 ? 14 : 0; break;
        case 9: state = 15; sum ^= 0x55; break;
        case 10: state = 16; sum += c << 2; break;
        case 11: state = 17; break;
        case 12: state = 18; sum *= 3; break;
        case 13: state = c % 3; break;
        case 14: state = 19; sum += 14; break;
        case 15: state = 2; sum += c; break;
        case 16: state = 5; sum ^= c << 8; break;
        case 17: state = 6; break;
        case 18: state = 1; sum += 18; break;
        default: state = c & 7; sum = mix(sum, c);
        }
    }
    return sum + state;
}

EXPORT("run") i64 run(i32 n) {
    const char letters[] = "abc xyz 123 \"q\" /* + - */ (f) [g] {h}; i=j\n";
    for (u32 i = 0; i < 256; i++) {
        classes[i] = i == '\n' ? NEWLINE : i == ' ' || i == '\t' ? SPACE : (i | 32) >= 'a' && (i | 32) <= 'z' ? LETTER
            : i >= '0' && i <= '9' ? DIGIT : i == '"' ? QUOTE : i == '/' ? SLASH : i == '*' ? STAR
            : i == '+' || i == '-' || i == '=' ? OPERATOR : i == '(' || i == ')' || i == '[' || i == ']' || i == '{' || i == '}' ? BRACKET : OTHER;
    }
    u64 sum = 0, state = 11;
    for (u32 i = 0; i < sizeof source; i++) source[i] = letters[random_u64(&state) % (sizeof letters - 1)];
    for (i32 i = 0; i < n; i++) {
        u32 counts[9] = {0};
        sum = mix(sum, lex(source, source + sizeof source, counts));
        for (u32 k = 0; k < 9; k++) sum = mix(sum, counts[k]);
        sum = mix(sum, automaton(source, source + sizeof source));
        source[i % sizeof source] ^= 1;
    }
    return (i64)sum;
}
