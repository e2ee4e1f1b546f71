// What the C workloads share. They use no library: each is one module without imports.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#else
// The same sources compile natively, to check the recorded results against another compiler and machine.
#define EXPORT(name)
#endif

#define NOINLINE __attribute__((noinline))

// A generator of pseudo-random numbers (splitmix64).
static inline u64 random_u64(u64 *state) {
    u64 z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// One step of a checksum over values.
static inline u64 mix(u64 sum, u64 value) {
    sum = (sum ^ value) * 0x100000001b3ull;
    return sum ^ (sum >> 29);
}

static inline u32 rotl32(u32 x, int n) { return x << n | x >> (32 - n); }
static inline u32 rotr32(u32 x, int n) { return x >> n | x << (32 - n); }
static inline u64 rotl64(u64 x, int n) { return x << n | x >> (64 - n); }
static inline u64 rotr64(u64 x, int n) { return x >> n | x << (64 - n); }
