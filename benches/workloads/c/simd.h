// Vectors of 128 bits in the compiler's own notation, so that the sources compile natively as well.
#pragma once
#include "bench.h"

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));
typedef u8 u8x16 __attribute__((vector_size(16)));
typedef u8 u8x8 __attribute__((vector_size(8)));
typedef u16 u16x8 __attribute__((vector_size(16)));
typedef i16 i16x8 __attribute__((vector_size(16)));
typedef i16 i16x4 __attribute__((vector_size(8)));
typedef u32 u32x4 __attribute__((vector_size(16)));
typedef i32 i32x4 __attribute__((vector_size(16)));
typedef i64 i64x2 __attribute__((vector_size(16)));

// Loads and stores at any address.
#define LOAD(type, address)                                                                                            \
    ({                                                                                                                 \
        type loaded;                                                                                                   \
        __builtin_memcpy(&loaded, address, sizeof loaded);                                                             \
        loaded;                                                                                                        \
    })
#define STORE(type, address, value)                                                                                    \
    do {                                                                                                               \
        type stored = value;                                                                                           \
        __builtin_memcpy(address, &stored, sizeof stored);                                                             \
    } while (0)
