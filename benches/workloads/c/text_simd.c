// Work on bytes with WebAssembly's own SIMD operations: hexadecimal by table look-ups, counting by bit masks, dot
// products of 16-bit samples, narrowing with saturation. Each is checked against a scalar version.
#include "bench.h"
#ifdef __wasm__
#include <wasm_simd128.h>
#endif

#define SIZE 16384

static u8 text[SIZE], hex[SIZE * 2], gain[SIZE];
static i16 samples[SIZE], filter[64];

static NOINLINE void scalar_hex(void) {
    for (u32 i = 0; i < SIZE; i++) {
        hex[i * 2] = (u8) "0123456789abcdef"[text[i] >> 4];
        hex[i * 2 + 1] = (u8) "0123456789abcdef"[text[i] & 15];
    }
}

static NOINLINE u32 scalar_lines(void) {
    u32 sum = 0;
    for (u32 i = 0; i < SIZE; i++)
        if (text[i] == '\n' || (text[i] >= 'a' && text[i] <= 'f')) sum += i;
    return sum;
}

static NOINLINE u32 scalar_filter(void) {
    u32 sum = 0;
    for (u32 at = 0; at + 64 <= SIZE; at += 8) {
        i32 product = 0;
        for (u32 i = 0; i < 64; i++) product += samples[at + i] * filter[i];
        sum = sum * 31 + (u32)product;
    }
    return sum;
}

static NOINLINE void scalar_gain(void) {
    for (u32 i = 0; i < SIZE; i++) {
        i32 value = samples[i] >> 2;
        gain[i] = (u8)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

#ifdef __wasm__
static NOINLINE void vector_hex(void) {
    const v128_t digits = wasm_i8x16_const('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
    for (u32 i = 0; i < SIZE; i += 16) {
        v128_t bytes = wasm_v128_load(text + i);
        v128_t high = wasm_i8x16_swizzle(digits, wasm_u8x16_shr(bytes, 4));
        v128_t low = wasm_i8x16_swizzle(digits, wasm_v128_and(bytes, wasm_i8x16_splat(15)));
        wasm_v128_store(hex + i * 2,
                        wasm_i8x16_shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
        wasm_v128_store(hex + i * 2 + 16,
                        wasm_i8x16_shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
    }
}

static NOINLINE u32 vector_lines(void) {
    u32 sum = 0;
    for (u32 i = 0; i < SIZE; i += 16) {
        v128_t bytes = wasm_v128_load(text + i);
        v128_t letter = wasm_u8x16_lt(wasm_i8x16_sub(bytes, wasm_i8x16_splat('a')), wasm_i8x16_splat(6));
        v128_t wanted = wasm_v128_or(wasm_i8x16_eq(bytes, wasm_i8x16_splat('\n')), letter);
        if (!wasm_v128_any_true(wanted)) continue;
        for (u32 mask = wasm_i8x16_bitmask(wanted); mask; mask &= mask - 1) sum += i + (u32)__builtin_ctz(mask);
    }
    return sum;
}

static NOINLINE u32 vector_filter(void) {
    u32 sum = 0;
    for (u32 at = 0; at + 64 <= SIZE; at += 8) {
        v128_t product = wasm_i32x4_splat(0);
        for (u32 i = 0; i < 64; i += 8)
            product = wasm_i32x4_add(
                product, wasm_i32x4_dot_i16x8(wasm_v128_load(samples + at + i), wasm_v128_load(filter + i)));
        product = wasm_i32x4_add(product, wasm_i32x4_shuffle(product, product, 2, 3, 0, 1));
        product = wasm_i32x4_add(product, wasm_i32x4_shuffle(product, product, 1, 0, 3, 2));
        sum = sum * 31 + (u32)wasm_i32x4_extract_lane(product, 0);
    }
    return sum;
}

static NOINLINE void vector_gain(void) {
    for (u32 i = 0; i < SIZE; i += 16) {
        v128_t low = wasm_i16x8_shr(wasm_v128_load(samples + i), 2);
        v128_t high = wasm_i16x8_shr(wasm_v128_load(samples + i + 8), 2);
        wasm_v128_store(gain + i, wasm_u8x16_narrow_i16x8(low, high));
    }
}
#else
#define vector_hex scalar_hex
#define vector_lines scalar_lines
#define vector_filter scalar_filter
#define vector_gain scalar_gain
#endif

static u64 outputs(u32 lines, u32 filtered) {
    u64 sum = mix(lines, filtered);
    for (u32 i = 0; i < sizeof hex; i += 64) sum = mix(sum, hex[i] | (u64)hex[i + 33] << 8);
    for (u32 i = 0; i < sizeof gain; i += 16) sum = mix(sum, gain[i] | (u64)gain[i + 9] << 8);
    return sum;
}

EXPORT("run") i64 run(i32 n) {
    u64 state = 8;
    for (u32 i = 0; i < SIZE; i++) {
        u64 random = random_u64(&state);
        text[i] = (u8)(random % 7 ? ' ' + random % 90 : random >> 20);
        samples[i] = (i16)(random >> 32);
    }
    for (u32 i = 0; i < 64; i++) filter[i] = (i16)(random_u64(&state) >> 50);
    scalar_hex();
    scalar_gain();
    u64 sum = 0, expected = outputs(scalar_lines(), scalar_filter());
    for (i32 i = 0; i < n; i++) {
        vector_hex();
        vector_gain();
        u64 vectors = outputs(vector_lines(), vector_filter());
        if (vectors != expected) return -1;
        sum = mix(sum, vectors + (u64)i);
    }
    return (i64)sum;
}
