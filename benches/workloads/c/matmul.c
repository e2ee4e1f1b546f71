// Products of n by n matrices of f32, f64 and i32, without SIMD.
#include "bench.h"

#define MAX 256

#define MULTIPLY(type, name)                                                                                           \
    static type name##_a[MAX * MAX], name##_b[MAX * MAX], name##_c[MAX * MAX];                                         \
    static NOINLINE u64 name(u32 n) {                                                                                  \
        for (u32 i = 0; i < n; i++)                                                                                    \
            for (u32 j = 0; j < n; j++) {                                                                              \
                name##_a[i * n + j] = (type)(i32)((i * 7 + j * 3) % 17) - (type)8;                                     \
                name##_b[i * n + j] = (type)(i32)((i * 5 + j * 11) % 13) - (type)6;                                    \
            }                                                                                                          \
        for (u32 i = 0; i < n; i++)                                                                                    \
            for (u32 j = 0; j < n; j++) {                                                                              \
                type sum = 0;                                                                                          \
                for (u32 k = 0; k < n; k++) sum += name##_a[i * n + k] * name##_b[k * n + j];                          \
                name##_c[i * n + j] = sum;                                                                             \
            }                                                                                                          \
        u64 sum = 0;                                                                                                   \
        for (u32 i = 0; i < n * n; i++) sum = mix(sum, (u64)(i64)name##_c[i]);                                         \
        return sum;                                                                                                    \
    }

MULTIPLY(float, single)
MULTIPLY(double, full)
MULTIPLY(i32, integer)

EXPORT("run") i64 run(i32 n) {
    u32 size = n > MAX ? MAX : (u32)n;
    return (i64)(single(size) ^ full(size) << 1 ^ integer(size) << 2);
}
