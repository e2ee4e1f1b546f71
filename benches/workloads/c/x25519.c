// Diffie-Hellman over Curve25519 (RFC 7748): a field of ten 25- and 26-bit limbs, multiplied in 64 bits, as Ed25519
// implementations for 32-bit machines do. The RFC's known answer comes first.
#include "bench.h"

typedef struct {
    i64 limb[10];
} field;

static inline int bits(int i) { return i % 2 ? 25 : 26; }

// Brings every limb back to about its size.
static inline field carry(const i64 *wide) {
    field out;
    i64 t[10];
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++) t[i] = wide[i];
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++) {
        i64 over = (t[i] + ((i64)1 << (bits(i) - 1))) >> bits(i);
        t[i] -= over << bits(i);
        if (i < 9)
            t[i + 1] += over;
        else
            t[0] += over * 19;
    }
    i64 over = (t[0] + ((i64)1 << 25)) >> 26;
    t[0] -= over << 26;
    t[1] += over;
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++) out.limb[i] = t[i];
    return out;
}

static NOINLINE void multiply(field *out, const field *x, const field *y) {
    i64 h[10] = {0};
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 10; j++) {
            int factor = (i % 2 && j % 2 ? 2 : 1) * (i + j >= 10 ? 19 : 1);
            h[(i + j) % 10] += x->limb[i] * factor * y->limb[j];
        }
    *out = carry(h);
}

static NOINLINE void square(field *out, const field *x) {
    i64 h[10] = {0};
#pragma clang loop unroll(full)
    for (int i = 0; i < 10; i++)
#pragma clang loop unroll(full)
        for (int j = i; j < 10; j++) {
            int factor = (i % 2 && j % 2 ? 2 : 1) * (i + j >= 10 ? 19 : 1) * (i == j ? 1 : 2);
            h[(i + j) % 10] += x->limb[i] * factor * x->limb[j];
        }
    *out = carry(h);
}

static void add(field *out, const field *x, const field *y) {
    for (int i = 0; i < 10; i++) out->limb[i] = x->limb[i] + y->limb[i];
}

static void subtract(field *out, const field *x, const field *y) {
    for (int i = 0; i < 10; i++) out->limb[i] = x->limb[i] - y->limb[i];
}

static void multiply_small(field *out, const field *x, i64 factor) {
    i64 h[10];
    for (int i = 0; i < 10; i++) h[i] = x->limb[i] * factor;
    *out = carry(h);
}

static void conditional_swap(field *x, field *y, i64 swap) {
    for (int i = 0; i < 10; i++) {
        i64 differing = (x->limb[i] ^ y->limb[i]) & -swap;
        x->limb[i] ^= differing;
        y->limb[i] ^= differing;
    }
}

static void from_bytes(field *out, const u8 *bytes) {
    for (int i = 0, at = 0; i < 10; at += bits(i), i++) {
        u64 word = 0;
        for (int j = 0; j < 5 && at / 8 + j < 32; j++) word |= (u64)bytes[at / 8 + j] << 8 * j;
        out->limb[i] = (i64)(word >> at % 8 & (((u64)1 << bits(i)) - 1));
    }
}

static void to_bytes(u8 *bytes, const field *x) {
    i64 t[10];
    for (int i = 0; i < 10; i++) t[i] = x->limb[i];
    // Twice brings every limb into range; the last step subtracts the prime if the value is not below it.
    for (int pass = 0; pass < 3; pass++) {
        i64 over = 0;
        if (pass == 2) {
            i64 q = 19;
            for (int i = 0; i < 10; i++) q = (t[i] + q) >> bits(i);
            over = 19 * q;
        }
        for (int i = 0; i < 10; i++) {
            t[i] += over;
            over = t[i] >> bits(i);
            t[i] -= over << bits(i);
        }
        if (pass < 2) t[0] += over * 19;
    }
    for (int i = 0; i < 32; i++) bytes[i] = 0;
    for (int i = 0, at = 0; i < 10; at += bits(i), i++)
        for (int j = 0; j < bits(i); j++)
            bytes[(at + j) / 8] |= (u8)((t[i] >> j & 1) << (at + j) % 8);
}

static void invert(field *out, const field *x) {
    // x to the power of p - 2 = 2^255 - 21.
    field power = *x, result = *x;
    for (int bit = 1; bit < 255; bit++) {
        square(&power, &power);
        if (bit != 2 && bit != 4) multiply(&result, &result, &power);
    }
    *out = result;
}

static void x25519(u8 *out, const u8 *scalar, const u8 *point) {
    field x1, x2 = {{1}}, z2 = {{0}}, x3, z3 = {{1}};
    field a, aa, b, bb, e, c, d, da, cb;
    u8 k[32];
    for (int i = 0; i < 32; i++) k[i] = scalar[i];
    k[0] &= 248;
    k[31] = (k[31] & 127) | 64;
    from_bytes(&x1, point);
    x3 = x1;
    i64 swap = 0;
    for (int bit = 254; bit >= 0; bit--) {
        i64 set = k[bit / 8] >> bit % 8 & 1;
        conditional_swap(&x2, &x3, swap ^ set);
        conditional_swap(&z2, &z3, swap ^ set);
        swap = set;
        add(&a, &x2, &z2);
        square(&aa, &a);
        subtract(&b, &x2, &z2);
        square(&bb, &b);
        subtract(&e, &aa, &bb);
        add(&c, &x3, &z3);
        subtract(&d, &x3, &z3);
        multiply(&da, &d, &a);
        multiply(&cb, &c, &b);
        add(&x3, &da, &cb);
        square(&x3, &x3);
        subtract(&z3, &da, &cb);
        square(&z3, &z3);
        multiply(&z3, &z3, &x1);
        multiply(&x2, &aa, &bb);
        multiply_small(&z2, &e, 121665);
        add(&z2, &z2, &aa);
        multiply(&z2, &e, &z2);
    }
    conditional_swap(&x2, &x3, swap);
    conditional_swap(&z2, &z3, swap);
    invert(&z2, &z2);
    multiply(&x2, &x2, &z2);
    to_bytes(out, &x2);
}

EXPORT("run") i64 run(i32 n) {
    static const u8 scalar[32] = {0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52, 0x7c, 0x9d, 0x3b, 0x16, 0x15,
                                  0x4b, 0x82, 0x46, 0x5e, 0xdd, 0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc,
                                  0x5a, 0x18, 0x50, 0x6a, 0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4};
    static const u8 point[32] = {0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30, 0x30, 0xdb, 0x35, 0x94, 0xc1,
                                 0xa4, 0x24, 0xb1, 0x5f, 0x7c, 0x72, 0x66, 0x24, 0xec, 0x26, 0xb3,
                                 0x35, 0x3b, 0x10, 0xa9, 0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c};
    static const u8 answer[32] = {0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9, 0xc6, 0x90, 0x8e, 0x94, 0xea,
                                  0x4d, 0xf2, 0x8d, 0x08, 0x4f, 0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c,
                                  0x71, 0xf7, 0x54, 0xb4, 0x07, 0x55, 0x77, 0xa2, 0x85, 0x52};
    u8 u[32];
    x25519(u, scalar, point);
    for (int i = 0; i < 32; i++)
        if (u[i] != answer[i]) return -1;
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        x25519(u, scalar, u);
        sum = mix(sum, u[0] | (u64)u[31] << 8);
    }
    return (i64)sum;
}
